"""A search as a view: the best, how much being the best flatters it, every trial."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from homeroom import judgement
from homeroom.records import BY_EPOCHS, COMPLETE, FAILED, PRUNED

from . import measures
from .formats import (
    format_count,
    format_number,
    format_score,
    format_seconds,
    format_spread,
)
from .models import SearchView, TrialRow
from .shown import Fact, MetricView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeroom.records import Metric, Pruning, SplitPlanRecord, TrialRecord


def search_view(
    name: str,
    trials: Sequence[TrialRecord],
    plan: SplitPlanRecord,
    metric: Metric,
    best: int | None,
    optimism: float,
) -> SearchView:
    """Return what is shown of the trials of one model.

    Args:
        name: The model's name.
        trials: Every trial, in order.
        plan: The folds they share.
        metric: The yardstick.
        best: The number of the best trial; None if none is complete.
        optimism: How much being the best of them flatters it.
    """
    rows = tuple(_row(trial, plan, metric, best=best) for trial in trials)
    first = next((row for row in rows if row.best), None)
    flattered = _flattered(len(trials), optimism, metric) if first else ""
    return SearchView(
        name=name,
        metric=measures.metric_view(metric),
        headline=_headline(name, first, measures.metric_view(metric)),
        optimism=" ".join(filter(None, [flattered, _stopped(trials, best)])),
        counts=counts(trials),
        best=first,
        rows=rows,
    )


def pruned_because(pruning: Pruning, metric: Metric) -> str:
    """Return on what evidence a trial was given up.

    >>> from homeroom.records import Metric, Pruning
    >>> pruned_because(
    ...     Pruning(
    ...         by="folds", value=-0.05, threshold=-0.02, n_compared=3, against=7
    ...     ),
    ...     Metric("accuracy", "max"),
    ... )
    'given up after 3 folds: 5.0 points worse than trial 7, at least 2.0 points (95 %)'
    """
    if pruning.by == BY_EPOCHS:
        assert pruning.epoch is not None
        assert pruning.fold is not None
        return (
            f"given up after epoch {pruning.epoch + 1} of fold {pruning.fold + 1}: "
            f"{format_score(pruning.value, metric)}, and to be near the best third of "
            f"{format_count(pruning.n_compared, 'earlier trial')} it needed "
            f"{format_score(pruning.threshold, metric)}"
        )
    worse, least = abs(pruning.value), abs(pruning.threshold)
    return (
        f"given up after {format_count(pruning.n_compared, 'fold')}: "
        f"{format_spread(worse, metric)} worse than trial {pruning.against}, at least "
        f"{format_spread(least, metric)} (95 %)"
    )


def _row(
    trial: TrialRecord, plan: SplitPlanRecord, metric: Metric, *, best: int | None
) -> TrialRow:
    summary = (
        judgement.summarize(trial.members, plan, metric) if trial.members else None
    )
    complete = trial.state == COMPLETE
    mean = summary.mean if summary else math.nan
    if math.isnan(mean) and trial.pruning is not None:
        mean = trial.pruning.value
    n_folds = summary.n_folds if summary else 0
    return TrialRow(
        number=trial.number,
        state=trial.state.lower(),
        score=measures.score(mean, metric),
        spread=measures.spread(summary.sd_folds if summary else math.nan, metric),
        interval=measures.interval(summary.interval, metric)
        if summary and complete
        else None,
        folds=f"{n_folds} of {len(plan.folds)}",
        seconds=format_seconds(sum(member.seconds for member in trial.members)),
        hyperparameters=tuple(
            Fact(name, _told(value)) for name, value in trial.hyperparameters.items()
        ),
        note=_note(trial, metric),
        partial=not complete,
        best=trial.number == best,
    )


def _note(trial: TrialRecord, metric: Metric) -> str:
    if trial.pruning is not None:
        return pruned_because(trial.pruning, metric)
    if trial.state == COMPLETE:
        return ""
    return (
        f"{trial.state.lower()}: {trial.error}" if trial.error else trial.state.lower()
    )


def _headline(name: str, best: TrialRow | None, metric: MetricView) -> str:
    if best is None:
        return f"{name}: no trial is complete."
    told = ", ".join(f"{fact.label} {fact.value}" for fact in best.hyperparameters)
    said = (
        f"{name} is best with {told}: {best.score.text} mean validation {metric.label}"
    )
    if best.interval is not None:
        said += f" ({best.interval.level} interval {best.interval.text})"
    return f"{said}."


def _flattered(n: int, optimism: float, metric: Metric) -> str:
    if n < 2:
        return ""
    if math.isnan(optimism):
        return (
            f"As the best of {format_count(n, 'trial')} its score is optimistic; one "
            "fold cannot say by how much."
        )
    return (
        f"It is the best of {format_count(n, 'trial')}, and the best score flatters: "
        f"expect it to be too good by up to {format_spread(optimism, metric)}. The "
        "interval does not know that it was picked, either."
    )


def _stopped(trials: Sequence[TrialRecord], best: int | None) -> str:
    members = [m for trial in trials if trial.number == best for m in trial.members]
    if all(member.best_epoch is None for member in members):
        return ""
    return (
        "Each fold is scored at the best epoch of its own curve, which flatters a "
        "little."
    )


def counts(trials: Sequence[TrialRecord]) -> str:
    """Return how many trials there were, what became of them, and their trainings."""
    states = [trial.state for trial in trials]
    said = [format_count(len(trials), "trial")]
    for state, words in ((PRUNED, "given up early"), (FAILED, "failed")):
        if state in states:
            said.append(f"{states.count(state)} {words}")
    trainings = sum(len(trial.members) for trial in trials)
    said.append(format_count(trainings, "training"))
    return ", ".join(said)


def _told(value: Any) -> str:
    if isinstance(value, float):
        return format_number(value, 3)
    return str(value)
