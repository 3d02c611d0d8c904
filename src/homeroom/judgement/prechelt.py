"""Prechelt's stopping criteria (1998), as pure functions of loss series.

"Early stopping, but when?", Neural Networks 11:761-767. Losses are lower-is-better
and not negative; a series, not a callback, so that they can judge a finished curve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from homeroom.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def generalization_loss(val_loss: Sequence[float]) -> NDArray[np.float64]:
    """Return GL per epoch: by how many percent the loss exceeds its minimum so far.

    A minimum of exactly 0 gives inf for every later loss above it.

    Raises:
        InputError: If a loss is negative or not a number: GL divides by the minimum.

    >>> generalization_loss([10, 8, 9]).tolist()
    [0.0, 0.0, 12.5]
    """
    losses = _losses(val_loss)
    lowest = np.minimum.accumulate(losses)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        gl = 100 * (losses / lowest - 1)
    return np.where(losses == lowest, 0.0, gl)


def successive_rises(val_loss: Sequence[float]) -> NDArray[np.int64]:
    """Return UP per epoch: how often in a row the loss has risen until then.

    The criterion UP_s stops where this reaches s. A tie is not a rise.

    >>> successive_rises([10, 8, 9, 10, 10]).tolist()
    [0, 0, 1, 2, 0]
    """
    losses = _losses(val_loss)
    counts = np.zeros(len(losses), dtype=np.int64)
    for epoch in range(1, len(losses)):
        if losses[epoch] > losses[epoch - 1]:
            counts[epoch] = counts[epoch - 1] + 1
    return counts


def training_progress(strip: Sequence[float]) -> float:
    """Return P_k of one strip of k training losses, in per mille.

    It is how much the mean of the strip exceeds its minimum: large while the loss
    moves, 0 on a flat strip.

    >>> training_progress([3.0, 1.0])
    1000.0
    """
    losses = _losses(strip)
    lowest, mean = float(losses.min()), float(losses.mean())
    if mean == lowest:
        return 0.0
    return float("inf") if lowest == 0 else 1000 * (mean / lowest - 1)


def progress_quotient(
    train_loss: Sequence[float], val_loss: Sequence[float], strip: int = 5
) -> NDArray[np.float64]:
    """Return PQ per strip: generalization loss over training progress.

    Args:
        train_loss: `strip` values for every value of `val_loss`.
        val_loss: One value per strip, measured at its end.
        strip: How many epochs make a strip.

    Returns:
        One value per strip. A flat strip (no progress) gives inf, or 0 when the
        generalization loss is 0 as well.

    Raises:
        InputError: If the lengths do not fit together.

    >>> progress_quotient([4, 2, 3, 1], [10, 15], strip=2).tolist()
    [0.0, 0.05]
    """
    if strip < 1 or len(train_loss) != strip * len(val_loss):
        raise InputError(
            f"{len(train_loss)} training losses do not make {len(val_loss)} strips of "
            f"{strip}; expected {strip} training losses per validation loss."
        )
    gl = generalization_loss(val_loss)
    progress = np.array([
        training_progress(train_loss[start : start + strip])
        for start in range(0, len(train_loss), strip)
    ])
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = gl / progress
    return np.where(gl == 0, 0.0, quotient)


def first_above(
    values: Sequence[float] | NDArray[np.float64] | NDArray[np.int64], limit: float
) -> int | None:
    """Return the first position (0-based) with a value above `limit`, or None.

    >>> first_above(generalization_loss([10, 8, 9, 10]), 20)
    3
    """
    above = np.flatnonzero(np.asarray(values) > limit)
    return int(above[0]) if len(above) else None


def _losses(values: Sequence[float]) -> NDArray[np.float64]:
    losses = np.asarray(values, dtype=np.float64)
    if not (np.isfinite(losses).all() and (losses >= 0).all()):
        raise InputError(
            "Prechelt's criteria divide by the lowest loss, so every loss must be a "
            f"finite number of at least 0; got {list(map(float, losses))}."
        )
    return losses
