"""Candidates against answers that cost nothing: the most frequent, the mean, a line."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from homeroom.records import COMPLETE, Verdict

from .comparison import DECISIVE, compare
from .numbers import format_difference, format_difference_interval, format_score
from .summary import summarize
from .wording import Words, metric_words, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeroom.records import Interval, MemberRecord, Metric, SplitPlanRecord

    from .summary import Summary

NO_BETTER = "no better than the baseline"
MOST_FREQUENT, MEAN, LINEAR = "most frequent class", "mean", "linear model"


def baseline_summaries(
    baselines: Sequence[MemberRecord], plan: SplitPlanRecord, metric: Metric
) -> tuple[Summary, ...]:
    """Return a summary of each baseline that has a score in the metric in every fold.

    Args:
        baselines: The trainings of all baselines.
        plan: The folds.
        metric: The yardstick.
    """
    names = dict.fromkeys(member.candidate for member in baselines)
    found = []
    for name in names:
        mine = [m for m in baselines if m.candidate == name and m.state == COMPLETE]
        scored = [m for m in mine if metric.validation_key in m.scores]
        if len(scored) == len(plan.folds):
            found.append(summarize(scored, plan, metric))
    return tuple(found)


def against_baselines(
    verdict: Verdict,
    summary: Summary | None,
    baselines: Sequence[Summary],
    plan: SplitPlanRecord,
) -> Verdict:
    """Return the verdict on a candidate, knowing what costs nothing.

    A candidate that is not shown to be better than answering without looking (the 95 %
    corrected interval of the paired difference reaches 0) gets the kind "no better
    than the baseline"; one that is not shown to be better than a linear model keeps
    its kind, and the sentence says so.

    Args:
        verdict: What its curves say.
        summary: Its scores; None if there are none.
        baselines: Those of `baseline_summaries`.
        plan: The folds.
    """
    if summary is None or not summary.complete or verdict.kind == "diverged":
        return verdict
    for baseline in baselines:
        if is_beaten(summary, baseline, plan):
            continue
        told = _told(summary, baseline, plan)
        better = compare(summary, baseline, plan).p_better
        if baseline.candidate != LINEAR and not better >= DECISIVE:
            english, korean = say("not above baseline", **told)
            return Verdict(NO_BETTER, english, None, verdict.numbers, korean)
        english, korean = say("not shown above", **told)
        return Verdict(
            verdict.kind,
            verdict.text + english,
            verdict.epoch,
            verdict.numbers,
            verdict.korean + korean,
        )
    return verdict


def baseline_name(candidate: str) -> str:
    """Return what a baseline does, as a sentence names it.

    >>> baseline_name("linear model")
    'a linear model'
    """
    return say(candidate)[0]


def is_beaten(summary: Summary, baseline: Summary, plan: SplitPlanRecord) -> bool:
    """Return whether a candidate is shown to be better than a baseline.

    It is where the 95 % interval of the paired difference lies above 0; with one fold,
    which has no interval, where the difference does.
    """
    found = compare(summary, baseline, plan)
    sign = 1 if summary.metric.direction == "max" else -1
    if found.interval is None:
        return sign * found.difference > 0
    return min(sign * found.interval.low, sign * found.interval.high) > 0


def _told(
    summary: Summary, baseline: Summary, plan: SplitPlanRecord
) -> dict[str, str | int | Words]:
    metric = summary.metric
    found = compare(summary, baseline, plan)
    return {
        "metric": metric_words(metric.name),
        "score": format_score(summary.mean, metric),
        "baseline": say(baseline.candidate),
        "other": format_score(baseline.mean, metric),
        "difference": format_difference(found.difference, metric),
        "interval": _ends(found.interval, metric),
    }


def _ends(interval: Interval | None, metric: Metric) -> Words:
    if interval is None or math.isnan(interval.low):
        return "", ""
    ends = format_difference_interval(interval.low, interval.high, metric)
    return say("interval", level=f"{100 * interval.level:g}", ends=ends)
