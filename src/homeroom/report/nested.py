"""A nested cross-validation in words: what a search is worth, how far it flatters."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import measures
from .formats import format_count, format_number, format_spread, metric_label
from .search import counts
from .shown import Fact, Shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from homeroom.judgement import Summary
    from homeroom.records import TrialRecord


@dataclass(frozen=True, slots=True)
class NestedRow:
    """One outer fold: what its search said of itself, and what it was worth."""

    fold: int
    inner: Shown
    outer: Shown
    hyperparameters: tuple[Fact, ...]
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NestedView:
    """What is shown of a nested cross-validation."""

    name: str
    headline: str
    missing: str
    verdict: str
    agreement: str
    rows: tuple[NestedRow, ...]
    counts: str
    label: str

    @property
    def names(self) -> tuple[str, ...]:
        """Every hyperparameter, in the order of the space."""
        told = (fact.label for row in self.rows for fact in row.hyperparameters)
        return tuple(dict.fromkeys(told))


def nested_view(
    name: str,
    outer: Summary,
    *,
    inner: Sequence[float],
    expected: Sequence[float],
    hyperparameters: Sequence[Mapping[str, Any]],
    trials: Sequence[TrialRecord],
) -> NestedView:
    """Return the view of searches inside outer folds.

    Args:
        name: The model's.
        outer: The outer scores.
        inner: The best score of the search of each outer fold that was searched, in
            order; NaN where no trial was completed.
        expected: By how much each search expects its best score to flatter, or NaN.
        hyperparameters: The best ones of each search; empty where there are none.
        trials: Those of all searches.
    """
    metric = outer.metric
    label = metric_label(metric.name)
    interval = measures.interval(outer.interval, metric)
    ends = f" ({interval.level} interval {interval.text})" if interval else ""
    rows = tuple(
        NestedRow(
            fold=fold + 1,
            inner=measures.score(best, metric),
            outer=measures.score(outer.fold_scores[fold], metric),
            hyperparameters=tuple(
                Fact(key, _said(value)) for key, value in found.items()
            ),
            values=found,
        )
        for fold, (best, found) in enumerate(zip(inner, hyperparameters, strict=True))
    )
    return NestedView(
        name=name,
        headline=(
            f"Tuning {name} like this gives {measures.score(outer.mean, metric).text} "
            f"mean {label} on rows that no search has seen{ends}."
        ),
        missing=_missing(outer),
        verdict=_verdict(outer, inner, expected),
        agreement=_agreement([found for found in hyperparameters if found]),
        rows=rows,
        counts=(
            f"{format_count(len(outer.fold_scores), 'outer fold')}, {counts(trials)}"
        ),
        label=label,
    )


def _missing(outer: Summary) -> str:
    """Say which outer trainings have no score; nothing where all have one."""
    told = [*outer.failed, *outer.untrained]
    if not told:
        return ""
    return (
        f"{format_count(outer.n_folds, 'outer fold')} of {len(outer.fold_scores)} have "
        f"a score, and the mean is over those. Without: {'; '.join(told)}."
    )


def _verdict(outer: Summary, inner: Sequence[float], expected: Sequence[float]) -> str:
    metric = outer.metric
    pairs = [
        (best, score)
        for best, score in zip(inner, outer.fold_scores, strict=False)
        if math.isfinite(best) and math.isfinite(score)
    ]
    if not pairs:
        return "No search has a best score and one outside."
    best, outside = (sum(values) / len(pairs) for values in zip(*pairs, strict=True))
    sign = 1 if metric.direction == "max" else -1
    gap = sign * (best - outside)
    said = f"The searches themselves report {measures.score(best, metric).text}: "
    by = format_spread(abs(gap), metric)
    if gap > 0:
        said += f"too good by {by}"
    elif gap == 0:
        said += "the same, so that no flattery shows"
    else:
        said += (
            f"{by} worse, so that no flattery shows (inner folds train on fewer rows)"
        )
    known = [value for value in expected if math.isfinite(value)]
    if gap > 0 and known:
        most = format_spread(max(known), metric)
        said += f" (expected of the best of so many: up to {most})"
    return f"{said}."


def _agreement(hyperparameters: Sequence[Mapping[str, Any]]) -> str:
    """Say of which hyperparameters the searches agree, and of which they do not."""
    n = len(hyperparameters)
    if n < 2:
        return ""
    said = []
    for key in dict.fromkeys(key for found in hyperparameters for key in found):
        values = [found[key] for found in hyperparameters if key in found]
        numbers = all(isinstance(v, float) for v in values)
        if numbers and len(set(values)) > 1:
            said.append(f"{key} {_said(min(values))} to {_said(max(values))}")
            continue
        value, times = Counter(map(_said, values)).most_common(1)[0]
        said.append(f"{key} {value} in {times} of {n}")
    return f"Best in the outer folds: {', '.join(said)}."


def _said(value: Any) -> str:
    return format_number(value) if isinstance(value, float) else str(value)
