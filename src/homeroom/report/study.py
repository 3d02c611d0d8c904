"""How to choose, measured: what each way said against what was true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeroom import judgement

from . import measures
from .formats import (
    aligned,
    format_count,
    format_difference,
    format_difference_interval,
    format_spread,
    metric_label,
)
from .shown import MetricView, Shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from homeroom.judgement import Way, WaySummary
    from homeroom.records import Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRow:
    """One way to choose; `errors` are more than 0 where it said too much."""

    way: str
    reported: Shown
    fresh: Shown
    error: Shown
    spread: str
    range: str
    lost: Shown
    errors: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyView:
    """What is shown of a selection study."""

    metric: MetricView
    headline: str
    rows: tuple[StudyRow, ...]
    counts: str
    caveats: tuple[str, ...]


def study_view(
    ways: Sequence[Way],
    metric: Metric,
    *,
    n_known: int,
    n_test: int,
    n_fresh: int,
    n_trainings: int,
    excluded: Mapping[str, str],
) -> StudyView:
    """Return the view of a selection study.

    Args:
        ways: One per way, a value per repeat.
        metric: The yardstick.
        n_known: Rows that the ways shared in a repeat.
        n_test: Those of them that were the test.
        n_fresh: Rows that no way used.
        n_trainings: How many trainings it took.
        excluded: Candidates that failed somewhere, and why.
    """
    summaries = [judgement.summarize_way(way, metric) for way in ways]
    n = summaries[0].n
    return StudyView(
        metric=measures.metric_view(metric),
        headline=_headline(summaries, metric),
        rows=tuple(
            _row(way, summary, metric)
            for way, summary in zip(ways, summaries, strict=True)
        ),
        counts=(
            f"{format_count(n, 'repeat')}, {format_count(n_trainings, 'training')}; "
            f"{format_count(n_known)} known rows ({format_count(n_test)} of them the "
            f"test), {format_count(n_fresh)} fresh"
        ),
        caveats=(
            f"Every repeat cuts the same {format_count(n_known + n_fresh)} rows anew, "
            "so repeats are not independent: the spread describes these data and "
            "candidates, and is no standard error.",
            f"A score on {format_count(n_fresh, 'fresh row')} is itself a sample: its "
            "luck is in every error.",
            *(
                f"{name} is left out, because a training of it failed: {why}."
                for name, why in excluded.items()
            ),
        ),
    )


def study_text(view: StudyView) -> str:
    """Return the study as lines for a terminal."""
    head = ("chosen and scored by", "said", "true", "too good by", "5–95 %", "short by")
    lines = [
        (r.way, r.reported.text, r.fresh.text, r.error.text, r.range, r.lost.text)
        for r in view.rows
    ]
    return "\n".join([
        view.headline,
        "",
        *aligned([head, *lines]),
        "",
        view.counts + ".",
    ])


def _row(way: Way, summary: WaySummary, metric: Metric) -> StudyRow:
    sign = 1 if metric.direction == "max" else -1
    pairs = zip(way.reported, way.fresh, strict=True)
    return StudyRow(
        way=way.name,
        reported=measures.score(summary.reported, metric),
        fresh=measures.score(summary.fresh, metric),
        error=Shown(summary.error, format_difference(summary.error, metric)),
        spread=format_spread(summary.error_sd, metric),
        range=format_difference_interval(summary.error_low, summary.error_high, metric),
        lost=measures.spread(summary.lost, metric),
        errors=tuple(sign * (told - true) for told, true in pairs),
    )


def _headline(summaries: Sequence[WaySummary], metric: Metric) -> str:
    """Say what choosing by the test does to it, and how good the models are."""
    by_name = {each.name: each for each in summaries}
    test, sealed = by_name[judgement.BY_TEST], by_name[judgement.BY_FOLDS_THEN_TEST]
    part, folds = by_name[judgement.BY_PART], by_name[judgement.BY_FOLDS]
    flattery = format_spread(abs(test.error - sealed.error), metric)
    way = "flattered" if test.error > sealed.error else "did not flatter"
    return (
        f"In {format_count(test.n, 'repeat')}, choosing by the test rows {way} their "
        f"{metric_label(metric.name)} (by {flattery}, against test rows that chose "
        f"nothing). The model of one validation part, which trains on fewer rows too, "
        f"is {format_spread(part.lost, metric)} short of the best there was, that of "
        f"cross-validation {format_spread(folds.lost, metric)}."
    )
