"""The measurements a verdict is made from: trend, turn, noise, gap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .gap import Gap, measure_gap, tail_mean
from .prechelt import generalization_loss

if TYPE_CHECKING:
    from homeroom.records import History, Metric

_CLEAR_OF_LEVEL = 0.05  # a change counts from 5 % of the loss (Prechelt's GL = 5) …
_CLEAR_OF_SPAN = 0.01  # … and 1 % of everything the loss has fallen by …
_CLEAR_OF_NOISE = 2 * math.sqrt(2)  # … and two SDs of a difference of two epochs
_NOISY_LEVEL = 0.10  # jumps below a tenth of the loss are no obstacle
_NOISE_EPOCHS = 6  # second differences of fewer values say nothing about noise


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
        return found


def gather(
    history: History, metric: Metric, *, kept: int, n_validation: int
) -> Evidence:
    """Return the evidence in a history that has been found to have a curve."""
    val, train = history.series["val_loss"], train_loss(history)
    turn = int(np.argmin(val))
    # The end is not one epoch but up to three after the turn: one may be an outlier.
    width = min(3, max(1, len(val) - 1 - turn))
    noise, trend = _noise(val), _trend(val)
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
        risen=len(val) - 1 - turn >= 2 and clear(val[turn], val_end),
        train_fell=train_end < train[turn],
        still_improving=(
            turn >= len(val) - 1 - window // 2
            and train[-1] < train[before]
            and clear(val[-1], val[before], level=val[before])
        ),
        noisier_than_trend=2 * noise > max(trend, _NOISY_LEVEL * _level(val)),
        moved=any(max(c) - min(c) > _CLEAR_OF_SPAN * abs(c[0]) for c in (val, train)),
        gap=measure_gap(
            history,
            metric,
            (train_end, val_end),
            width=width,
            n_validation=n_validation,
        ),
        train_score=_train_score(history, metric, kept),
        n_validation=n_validation,
    )


def train_loss(history: History) -> tuple[float, ...]:
    """Return the training loss that may be compared with `val_loss`, if measured.

    Else Keras's running mean, taken while the weights moved; else nothing.
    """
    return history.series.get("train_eval_loss") or history.series.get("loss", ())


@dataclass(frozen=True, slots=True)
class _Clear:
    """Whether a loss is higher than another by more than its scale and noise ask."""

    span: float
    noise: float

    def __call__(self, low: float, high: float, level: float | None = None) -> bool:
        needed = max(
            _CLEAR_OF_LEVEL * abs(low if level is None else level),
            _CLEAR_OF_SPAN * self.span,
            _CLEAR_OF_NOISE * self.noise,
        )
        return high > low and high - low >= needed


def _noise(val: tuple[float, ...]) -> float:
    """Return the SD of epoch-to-epoch jumps; 0 when there are too few to see it.

    A straight line has no second difference, so a trend is not taken for noise; the
    second difference of noise has a variance of 6 (1 + 4 + 1).
    """
    if len(val) < _NOISE_EPOCHS:
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        jumps = np.abs(np.diff(np.asarray(val, dtype=np.float64), n=2))
        return float(np.median(jumps)) / 0.6745 / math.sqrt(6)


def _trend(val: tuple[float, ...]) -> float:
    """Return the larger of fall and rise, between means of three epochs."""
    if len(val) < 3:
        return abs(val[-1] - val[0])
    smooth = [tail_mean(val[:end], 3) for end in range(3, len(val) + 1)]
    return max(smooth[0], smooth[-1]) - min(smooth)


def _level(val: tuple[float, ...]) -> float:
    with np.errstate(over="ignore"):
        return float(np.median(np.abs(val)))


def _train_score(history: History, metric: Metric, kept: int) -> float | None:
    """Return the metric on the training rows at the kept weights, if measured."""
    for key in (metric.train_key, metric.name):
        values = history.series.get(key, ())
        if kept < len(values) and math.isfinite(values[kept]):
            return values[kept]
    return None
