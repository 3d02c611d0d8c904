"""Folds inside the training rows of a fold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from homeroom import seeding, splits
from homeroom.data import Dataset
from homeroom.splits import Fold, SplitPlan


def inner_plan(cv: Any, dataset: Dataset, fold: Fold, seed: int) -> SplitPlan:
    """Return inner folds of an outer fold's training rows, as rows of the dataset."""
    inside = dataset.take(fold.train)
    plan = splits.make_plan(cv, inside, seed=seed_of(seed, fold.repeat, fold.fold))
    folds = tuple(
        Fold(
            each.repeat, each.fold, fold.train[each.train], fold.train[each.validation]
        )
        for each in plan.folds
    )
    return SplitPlan(folds, plan.record)


def row_counts(plans: Sequence[SplitPlan]) -> tuple[tuple[int, int], ...]:
    """Return the numbers of training and validation rows of all folds, each once."""
    counts = {(len(f.train), len(f.validation)) for plan in plans for f in plan.folds}
    return tuple(sorted(counts))


def seed_of(seed: int, *place: int) -> int:
    """Return the seed of what happens inside an outer fold."""
    return seeding.derive(seed, "outer", *place)
