"""The sentences of a report: the answer first, then what must be known to trust it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from homeroom import judgement
from homeroom.records import (
    COMPLETE,
    FAILED,
    INTERRUPTED,
    Metric,
)

from . import measures
from .formats import (
    format_count,
    format_interval,
    format_score,
    format_spread,
    format_time,
    metric_label,
)
from .models import FinalTestView
from .shown import Fact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeroom.judgement import Summary
    from homeroom.records import (
        FinalTest,
        RunRecord,
        SplitPlanRecord,
    )

    from .models import LeaderboardRow


def answer(run: RunRecord, chosen: LeaderboardRow | None) -> str:
    """Return the sentence to read if only one is read."""
    if run.selection is None or chosen is None:
        return _no_choice(run)
    label = metric_label(run.metric.name)
    said = f"{run.selection.candidate} was chosen: {_measured(chosen, label)}"
    if run.final_test is not None:
        final = run.final_test
        said += (
            f"; {format_score(final.score, final.metric)} in the final test on "
            f"{format_count(final.n, 'row')}"
        )
        if measures.interval(final.interval, final.metric) is not None:
            said += f" ({_level_of(final)}: {_ends(final)})"
    return f"{said}."


def headline(run: RunRecord) -> str:
    """Return which candidate was chosen and why, without a number."""
    selection = run.selection
    if selection is None:
        return _no_choice(run)
    name, n = selection.candidate, selection.n_compared
    if n == 1:
        return f"{name} is the only candidate that could be chosen."
    if selection.rule != judgement.STEADIEST:
        means = judgement.RULES.get(selection.rule)
        said = f"{name} was chosen of {n} by the rule {selection.rule}"
        said += f": {means}." if means else "."
        if name != selection.best_mean:
            said += f" The best mean is that of {selection.best_mean}."
        return said
    if name != selection.best_mean:
        return (
            f"{name} was chosen of {n}: it cannot be told from the best mean, that of "
            f"{selection.best_mean}, and is steadier."
        )
    if len(selection.equivalent) == 1:
        return f"{name} was chosen of {n}: it is clearly the best on average."
    others = [other for other in selection.equivalent if other != name]
    return (
        f"{name} was chosen of {n}: it leads in mean and in steadiness, but "
        f"{judgement.listed(others)} cannot be told from it."
    )


def measured(row: LeaderboardRow, metric: Metric) -> str:
    """Return the mean of one candidate with its interval, as a sentence."""
    return f"{row.candidate}: {_measured(row, metric_label(metric.name))}."


def reference(
    baselines: Sequence[Summary], chosen: Summary | None, plan: SplitPlanRecord
) -> str:
    """Return what costs nothing scores on the same folds, and whether it is beaten."""
    if not baselines:
        return ""
    names = {
        each.candidate: judgement.baseline_name(each.candidate) for each in baselines
    }
    parts = [
        f"{names[each.candidate]} {format_score(each.mean, each.metric)}"
        for each in baselines
    ]
    label = metric_label(baselines[0].metric.name)
    said = f"For comparison, mean {label} on the same folds: {', '.join(parts)}."
    if chosen is None or not chosen.complete:
        return said
    unbeaten = [
        names[each.candidate]
        for each in baselines
        if not judgement.is_beaten(chosen, each, plan)
    ]
    if not unbeaten:
        return said
    those = " or ".join(unbeaten)
    return f"{said} {chosen.candidate} is not shown to be better than {those}."


def optimism(run: RunRecord) -> str:
    """Return how much too good the winner's score is expected to be."""
    selection = run.selection
    if selection is None or selection.n_scores < 2:
        return ""
    trials = selection.n_tuning_trials
    tuned = f" and {format_count(trials, 'tuning trial')}" if trials else ""
    if math.isnan(selection.optimism):
        return (
            f"As the best of {selection.n_compared}{tuned} its validation score is "
            "optimistic; one fold cannot say by how much."
        )
    by = format_spread(selection.optimism, run.metric)
    return (
        f"It was picked from {selection.n_compared}{tuned}, and the picked score "
        f"flatters: expect it to be too good by up to {by}."
    )


def final_test_view(run: RunRecord, chosen: LeaderboardRow | None) -> FinalTestView:
    """Return the final test, or that the seal is closed."""
    final = run.final_test
    if final is None:
        return _without_score(run)
    facts = [
        Fact("candidate", final.candidate),
        Fact("rows", format_count(final.n)),
        Fact("opened", format_time(final.opened_at)),
    ]
    facts += [
        Fact(metric_label(name), format_score(value, Metric(name, "max")))
        for name, value in final.scores.items()
        if name != final.metric.name
    ]
    return FinalTestView(
        opened=True,
        sentence=_final_sentence(final, chosen),
        score=measures.score(final.score, final.metric),
        interval=measures.interval(final.interval, final.metric),
        facts=tuple(facts),
        n=format_count(final.n, "row"),
    )


def _without_score(run: RunRecord) -> FinalTestView:
    if not run.partition.n_test:
        return FinalTestView(
            opened=False,
            state="none",
            why="no rows were set aside",
            sentence="No test rows were set aside: see homeroom.Experiment.",
        )
    rows = format_count(run.partition.n_test, "test row")
    if run.seal_claimed_at is not None:
        return FinalTestView(
            opened=False,
            state="opened, no result",
            why=f"on {format_time(run.seal_claimed_at)}",
            sentence=(
                f"Opened on {format_time(run.seal_claimed_at)}, and no score was kept. "
                f"The {rows} of this run cannot be opened again."
            ),
        )
    return FinalTestView(
        opened=False,
        state="still sealed",
        why="no one has looked at these rows",
        sentence=(
            f"Still sealed: no one has looked at the {rows}. They are read once, when "
            "the choice is made, and give the only score that no decision has touched."
        ),
    )


def _measured(row: LeaderboardRow, label: str) -> str:
    said = f"{row.mean.text} mean validation {label}"
    if row.interval is not None:
        said += f" ({row.interval.level} interval {row.interval.text})"
    return said


def _no_choice(run: RunRecord) -> str:
    done = sum(member.state == COMPLETE for member in run.members)
    trained = format_count(done, "training")
    if run.state == COMPLETE and not run.partition.n_test:
        names = ", ".join(candidate.name for candidate in run.candidates)
        return f"{names} was trained, with nothing to choose from: {trained} done."
    if run.state == INTERRUPTED:
        return f"Interrupted before a choice, with {trained} done."
    if run.state == FAILED:
        return f"No candidate could be chosen: the run failed with {trained} done."
    return f"Not chosen yet: the run is {run.state.lower()}, with {trained} done."


def _final_sentence(final: FinalTest, chosen: LeaderboardRow | None) -> str:
    label = metric_label(final.metric.name)
    unseen = "that nothing had seen before"
    if final.earlier_openings:
        unseen = f"that {format_count(final.earlier_openings, 'other run')} had opened"
    if not math.isfinite(final.score):
        return (
            f"{final.candidate} has no {label} on {format_count(final.n, 'row')} "
            f"{unseen}: its outputs for them are not finite."
        )
    said = (
        f"{final.candidate} scored {format_score(final.score, final.metric)} {label} "
        f"on {format_count(final.n, 'row')} {unseen}"
    )
    if measures.interval(final.interval, final.metric) is not None:
        said += f" ({_level_of(final)}: {_ends(final)})"
    if chosen is None or math.isnan(chosen.mean.value):
        return f"{said}."
    gap = final.score - chosen.mean.value
    if final.metric.direction == "min":
        gap = -gap
    if gap == 0:
        return f"{said}: the same as its validation mean."
    worse = "worse" if gap < 0 else "better"
    by = format_spread(abs(gap), final.metric)
    return f"{said}: {by} {worse} than its validation mean."


def _level_of(final: FinalTest) -> str:
    return f"{100 * final.interval.level:g} % interval"


def _ends(final: FinalTest) -> str:
    return format_interval(final.interval, final.metric)
