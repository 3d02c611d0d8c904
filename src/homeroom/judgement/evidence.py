"""The measurements a verdict is made from: trend, turn, noise, gap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .gap import Gap, measure_gap, tail_mean
from .optimism import expected_maximum
from .prechelt import generalization_loss

if TYPE_CHECKING:
    from homeroom.records import History, Metric

_CLEAR_OF_LEVEL = 0.05  # a change counts from 5 % of the loss (Prechelt's GL = 5) …
_CLEAR_OF_SPAN = 0.01  # … and 1 % of everything the loss has fallen by …
_CLEAR_OF_NOISE = 2.0  # … and two SDs of the difference by noise alone
_NOISY_LEVEL = 0.10  # jumps below a tenth of the loss are no obstacle
_NOISE_EPOCHS = 6  # third differences of fewer values say nothing about noise
_MAD_PER_SD = 0.6745  # of a normal distribution


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One training's curves (finite, equally long, at least two epochs), measured.

    `turn` is the epoch of the lowest validation loss, `kept` the epoch whose weights
    were kept (both 0-based). `noise` is the SD of epoch-to-epoch jumps, `trend` the
    larger of fall and rise, `window` the last fifth of the epochs. `risen` says that
    the validation loss clearly rose after the turn, `train_fell` that the training
    loss went on falling there, `still_improving` that both clearly fell in the
    window, `moved` that either loss changed at all.
    """

    val: tuple[float, ...]
    train: tuple[float, ...]
    turn: int
    kept: int
    window: int
    noise: float
    trend: float
    risen: bool
    train_fell: bool
    still_improving: bool
    noisier_than_trend: bool
    moved: bool
    gap: Gap
    train_score: float | None
    val_score: float | None
    n_validation: int

    @property
    def n_epochs(self) -> int:
        """How many epochs both curves have."""
        return len(self.val)

    def numbers(self) -> dict[str, float]:
        """Return what the verdict rests on; epochs are 0-based."""
        found = {
            "turn": float(self.turn),
            "kept": float(self.kept),
            "n_epochs": float(self.n_epochs),
            "n_validation": float(self.n_validation),
            "val_loss_min": self.val[self.turn],
            "val_loss_last": self.val[-1],
            "train_loss_at_turn": self.train[self.turn],
            "train_loss_last": self.train[-1],
            "noise": self.noise,
            "trend": self.trend,
            "gap": self.gap.value,
            "gap_half_width": self.gap.half_width,
        }
        if self.val[self.turn] > 0:
            found["generalization_loss"] = float(generalization_loss(self.val)[-1])
        if self.train_score is not None:
            found["train_score"] = self.train_score
        if self.val_score is not None:
            found["val_score"] = self.val_score
        return found


def gather(
    history: History, metric: Metric, *, kept: int, n_validation: int
) -> Evidence:
    """Return the evidence in a history that has been found to have a curve."""
    val, train = history.series["val_loss"], train_loss(history)
    turn = int(np.argmin(val))
    # The end is not one epoch but some after the turn: one may be an outlier.
    width = min(max(3, round(len(val) / 10)), max(1, len(val) - 1 - turn))
    noise = _noise(val)
    # The lowest of many noisy means is low by luck, as the best of many scores is.
    trend = max(0.0, _trend(val) - _luck(noise, 3, len(val)))
    train_end, val_end = tail_mean(train, width), tail_mean(val, width)
    clear = _Clear(span=val[0] - val[turn], noise=noise)
    window = max(1, round(len(val) / 5))
    before = len(val) - 1 - window
    return Evidence(
        val=val,
        train=train,
        turn=turn,
        kept=kept,
        window=window,
        noise=noise,
        trend=trend,
        risen=len(val) - 1 - turn >= 2 and _risen(val, width, clear),
        train_fell=train_end < train[turn],
        still_improving=(
            turn >= len(val) - 1 - window // 2
            and train[-1] < train[before]
            and clear(val[-1], val[before], val[before])
        ),
        noisier_than_trend=2 * noise > max(trend, _NOISY_LEVEL * _level(val)),
        moved=any(max(c) - min(c) > _CLEAR_OF_SPAN * abs(c[0]) for c in (val, train)),
        gap=measure_gap(
            history,
            metric,
            (train_end, val_end),
            n_epochs=width,
            n_validation=n_validation,
        ),
        train_score=_score_at(history, (metric.train_key, metric.name), kept),
        val_score=_score_at(history, (metric.validation_key,), kept),
        n_validation=n_validation,
    )


def train_loss(history: History) -> tuple[float, ...]:
    """Return the training loss that may be compared with `val_loss`, if measured.

    Else Keras's running mean, taken while the weights moved; else nothing.
    """
    return history.series.get("train_eval_loss") or history.series.get("loss", ())


@dataclass(frozen=True, slots=True)
class _Clear:
    """Whether a loss is higher than another by more than its scale and noise ask.

    `n` says how many epochs each of the two is the mean of.
    """

    span: float
    noise: float

    def __call__(
        self, low: float, high: float, level: float, n: tuple[int, int] = (1, 1)
    ) -> bool:
        needed = max(
            _CLEAR_OF_LEVEL * abs(level),
            _CLEAR_OF_SPAN * self.span,
            _CLEAR_OF_NOISE * self.noise * math.sqrt(1 / n[0] + 1 / n[1]),
        )
        return high > low and high - low >= needed


def _risen(val: tuple[float, ...], width: int, clear: _Clear) -> bool:
    """Return whether the end is clearly above the lowest stretch of the curve."""
    stretch = max(1, round(len(val) / 10))
    low = min(_moving_means(val, stretch))
    luck = _luck(clear.noise, stretch, len(val))
    return clear(low + luck, tail_mean(val, width), low, (stretch, width))


def _luck(noise: float, width: int, n_epochs: int) -> float:
    """Return how far the lowest of all means of `width` epochs may fall by noise alone.

    Counted are all overlapping means that are looked at. They are correlated, so this
    is an upper bound; the n_epochs/width that do not overlap would be too few.
    """
    n_means = max(1, n_epochs - width + 1)
    return expected_maximum(n_means) * noise / math.sqrt(width)


def _moving_means(values: tuple[float, ...], width: int) -> list[float]:
    ends = range(min(width, len(values)), len(values) + 1)
    return [tail_mean(values[:end], width) for end in ends]


def _noise(val: tuple[float, ...]) -> float:
    """Return the SD of epoch-to-epoch jumps; 0 when there are too few to see it.

    Third differences take out a trend and most of its bend, so that a steep fall is
    not taken for noise; those of pure noise have a variance of 20 (1 + 9 + 9 + 1).
    """
    if len(val) < _NOISE_EPOCHS:
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        jumps = np.abs(np.diff(np.asarray(val, dtype=np.float64), n=3))
        return float(np.median(jumps)) / _MAD_PER_SD / math.sqrt(20)


def _trend(val: tuple[float, ...]) -> float:
    """Return the larger of fall and rise, between means of three epochs."""
    if len(val) < 3:
        return abs(val[-1] - val[0])
    means = _moving_means(val, 3)
    return max(means[0], means[-1]) - min(means)


def _level(val: tuple[float, ...]) -> float:
    with np.errstate(over="ignore"):
        return float(np.median(np.abs(val)))


def _score_at(history: History, keys: tuple[str, ...], kept: int) -> float | None:
    """Return the first of the series that has a number at the kept weights."""
    for key in keys:
        values = history.series.get(key, ())
        if kept < len(values) and math.isfinite(values[kept]):
            return values[kept]
    return None
