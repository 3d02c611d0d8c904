"""How much better the training rows are answered than the validation rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from .intervals import half_width
from .numbers import is_percentage

if TYPE_CHECKING:
    from homeroom.records import History, Metric

_RESOLUTION_SHARE = 0.10  # ten points of accuracy: coarser than any decision
_RESOLUTION_LOSS = 0.50  # half of the loss
_Z90 = 1.6448536269514722


class Gap(NamedTuple):
    """The gap at the end of training, and how far sampling may have moved it.

    `name` is the metric when it is a share of rows measured on both parts, else
    "loss".
    `half_width` is that of 90 %: Wilson's for a share; for a loss √(2/n) of it,
    which is exact for squared errors that are normal and a guess for other losses.
    Where the training rows were measured on a sample, its error is in it;
    `validation_half_width` is without.
    """

    name: str
    value: float
    half_width: float
    validation_half_width: float
    too_few_rows: bool

    @property
    def shown(self) -> bool:
        """Whether the gap is larger than what sampling leaves open."""
        return self.value > self.half_width


def measure_gap(
    history: History,
    metric: Metric,
    losses: tuple[float, float],
    *,
    n_epochs: int,
    n_validation: int,
) -> Gap:
    """Return the gap between both parts, as a mean over the last `n_epochs`.

    Args:
        history: The epochs.
        metric: The yardstick.
        losses: The training and the validation loss over those epochs.
        n_epochs: How many epochs count as the end.
        n_validation: How many validation rows there were.
    """
    shares, n = _shares(history, metric, n_epochs), history.n_sampled
    if shares is not None:
        open_by = half_width(shares[1], n_validation)
        sampled = half_width(shares[0], n) if n else 0.0
        width, too_few = math.hypot(open_by, sampled), open_by > _RESOLUTION_SHARE
        return Gap(metric.name, shares[0] - shares[1], width, open_by, too_few)
    relative = _Z90 * math.sqrt(2 / n_validation)
    train, val = losses
    sampled = _Z90 * math.sqrt(2 / n) * train if n else 0.0
    open_by, too_few = relative * abs(val), relative > _RESOLUTION_LOSS
    return Gap("loss", val - train, math.hypot(open_by, sampled), open_by, too_few)


def tail_mean(values: tuple[float, ...], width: int) -> float:
    """Return the mean of the last `width` values, without overflowing on the way."""
    return sum(value / width for value in values[-width:])


def _shares(history: History, metric: Metric, width: int) -> tuple[float, float] | None:
    if not is_percentage(metric):
        return None
    series = history.series
    train = series.get(metric.train_key) or series.get(metric.name, ())
    val = series.get(metric.validation_key, ())
    if not train or len(train) != len(val):
        return None
    ends = tail_mean(train, width), tail_mean(val, width)
    return ends if all(0 <= end <= 1 for end in ends) else None
