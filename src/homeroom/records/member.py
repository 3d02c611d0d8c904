"""What is remembered of one training."""

from __future__ import annotations

import msgspec

from .history import History

COMPLETE, FAILED, INTERRUPTED, RUNNING = "COMPLETE", "FAILED", "INTERRUPTED", "RUNNING"
PRUNED = "PRUNED"
EXACT, LOWERED, SHARED, BATCHED = "exact", "lowered", "shared", "batched"
SCAN, WAVE = "scan", "wave"


class MemberRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One training: candidate × fold × seed.

    `fold` is the position in the plan's folds (0-based, across repeats). `scores` are
    the values at the weights that were kept: those of `best_epoch` when early stopping
    restored them, those of the last epoch when it is None. `stop_reason` is "epochs"
    (the budget was used), "patience", "pruned", "diverged", "interrupted" or "error".
    `path` is
    "scan" (one compiled epoch), "wave" (the same, many trainings in one call),
    "keras.fit" (plain Keras, `path_reason` says why) or "estimator". `sameness` is
    "exact" when every operation was Keras's own, "lowered" when a faster one stood in
    for some, "shared" when trials of a search shared a program that takes constants as
    arguments and "batched" in a wave: values are then those of `keras.Model.fit` within
    rounding, and not bit for bit.
    Epochs are 0-based, as in Keras.
    """

    candidate: str
    fold: int
    seed_index: int
    seed: int
    state: str
    history: History
    scores: dict[str, float]
    best_epoch: int | None = None
    stopped_epoch: int | None = None
    stop_reason: str = "epochs"
    updates_per_epoch: int = 0
    n_updates: int = 0
    seconds: float = 0.0
    path: str = SCAN
    path_reason: str | None = None
    sameness: str = EXACT
    initial_weights: str = ""
    final_weights: str = ""
    evaluation_changed_state: bool = False
    error: str | None = None
