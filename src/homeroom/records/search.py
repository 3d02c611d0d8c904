"""What is remembered of the trials of a search, those given up included."""

from __future__ import annotations

from typing import Any

import msgspec

from .member import MemberRecord

BY_EPOCHS, BY_FOLDS = "epochs", "folds"


class Pruning(msgspec.Struct, frozen=True, kw_only=True):
    """Why a trial was given up, and on what evidence.

    By "epochs": after `epoch` (0-based) of `fold`, its best `value` until then was
    worse than `threshold`: the worst of the best third of `n_compared` earlier trials
    at that epoch, less the difference that does not matter (0.01 for a share, 1 % of
    anything else).
    By "folds": over `n_compared` folds its mean minus that of trial `against` is
    `value`, with one-sided 95 % confidence no closer to it than `threshold`, which is
    more than the difference that does not matter.
    """

    by: str
    value: float
    threshold: float
    n_compared: int
    fold: int | None = None
    epoch: int | None = None
    against: int | None = None


class TrialRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One combination of hyperparameters, tried on the folds of a plan.

    `number` counts from 0. `state` is COMPLETE (every fold and seed), PRUNED (given up
    for the reason in `pruning`: its scores are partial), FAILED (with `error`) or
    INTERRUPTED. `members` are the trainings that began.
    """

    number: int
    candidate: str
    hyperparameters: dict[str, Any]
    state: str
    members: tuple[MemberRecord, ...] = ()
    pruning: Pruning | None = None
    error: str | None = None


class SearchRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The trials that gave a candidate its hyperparameters.

    In a stored run the trainings of `trials` have their scores, not their histories.
    `best` is the number of the trial that was taken, None if none was complete.
    """

    candidate: str
    sampler: str
    space: str
    trials: tuple[TrialRecord, ...]
    best: int | None
