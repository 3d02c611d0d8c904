"""What a classifier answered for rows that it had not seen."""

from __future__ import annotations

import msgspec


class ConfidenceBin(msgspec.Struct, frozen=True, kw_only=True):
    """Rows whose most probable class had about the same probability.

    `confidence` is the mean of that probability, `accuracy` the share of right
    answers, both from 0 to 1, with a 95 % interval from `low` to `high` (Wilson).
    """

    n: int
    confidence: float
    accuracy: float
    low: float
    high: float


class OutOfFold(msgspec.Struct, frozen=True, kw_only=True):
    """The out-of-fold answers of one candidate, counted.

    `confusion[i][j]` is how many of the `n` rows of class i were answered j, `classes`
    names them. Each row was answered by the mean of the `n_averaged` trainings that
    validated it. `bins` and `calibration_error`, the mean distance between confidence
    and accuracy weighted by rows (Guo et al. 2017), need probabilities; without them
    `bins` is empty and the error None.
    """

    n: int
    n_averaged: int
    classes: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    bins: tuple[ConfidenceBin, ...] = ()
    calibration_error: float | None = None
