"""When to stop: Keras's EarlyStopping as a pure policy, without its NaN trap."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from homeroom.errors import InputError


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when the monitored value has not improved for `patience` epochs.

    The eight parameters mean what they mean in `keras.callbacks.EarlyStopping`, with
    three repairs: the best weights are restored by default; a monitor that the fit
    does not produce is an error before training; NaN is never an improvement, so a
    NaN first epoch does not freeze the rest.

    Args:
        monitor: A history key, "val_loss" by default.
        min_delta: The least change that counts, in units of the monitor.
        patience: Epochs without improvement before stopping. As in Keras, 0 and 1
            are the same.
        verbose: Without effect: results tell when and why a training stopped.
        mode: "auto" (by the metric), "min" or "max".
        baseline: A value to beat before the wait is reset.
        restore_best_weights: Keep the weights of the best epoch (the default), also
            when the epochs run out before the patience does.
        start_from_epoch: Epochs to ignore at the start (0-based).

    Raises:
        InputError: If a value is out of range.

    Examples:
        >>> EarlyStopping(patience=5).monitor
        'val_loss'
    """

    monitor: str = "val_loss"
    min_delta: float = 0.0
    patience: int = 0
    verbose: int = 0
    mode: str = "auto"
    baseline: float | None = None
    restore_best_weights: bool = True
    start_from_epoch: int = 0

    def __post_init__(self) -> None:
        if self.mode not in {"auto", "min", "max"}:
            msg = f"EarlyStopping(mode={self.mode!r}): use 'auto', 'min' or 'max'."
            raise InputError(msg)
        if not isinstance(self.monitor, str):
            msg = (
                f"EarlyStopping(monitor={self.monitor!r}): use a history key, such as "
                "'val_loss'."
            )
            raise InputError(msg)
        if not isinstance(self.restore_best_weights, bool):
            msg = (
                f"EarlyStopping(restore_best_weights={self.restore_best_weights!r}): "
                "use True or False."
            )
            raise InputError(msg)
        self._check("patience", Integral, "a whole number of epochs, 0 or more")
        self._check("start_from_epoch", Integral, "a whole number of epochs, 0 or more")
        self._check("min_delta", Real, "a finite number")
        if self.baseline is not None:
            self._check("baseline", Real, "a finite number")

    def _check(self, name: str, kind: type, wanted: str) -> None:
        """Refuse what is no such number; NumPy's numbers become Python's, for JSON."""
        value = getattr(self, name)
        fits = isinstance(value, kind) and not isinstance(value, bool)
        if not fits or not math.isfinite(value) or (kind is Integral and value < 0):
            msg = f"EarlyStopping({name}={value!r}): use {wanted}."
            raise InputError(msg)
        plain = int(value) if kind is Integral else float(value)
        object.__setattr__(self, name, plain)

    def to_dict(self) -> dict[str, Any]:
        """Return the parameters by name, for the record."""
        return asdict(self)


@dataclass(frozen=True)
class StoppingState:
    """What the policy remembers between two epochs."""

    best: float | None = None
    best_epoch: int | None = None
    wait: int = 0


@dataclass(frozen=True)
class Decision:
    """What follows from one epoch: keep these weights? stop now?"""

    is_best: bool
    stop: bool


def step(
    rule: EarlyStopping, state: StoppingState, epoch: int, value: float
) -> tuple[StoppingState, Decision]:
    """Advance the policy by one epoch; `rule.mode` must be resolved to min or max.

    Comparisons happen in float32, as Keras's do on the JAX backend.

    >>> rule = EarlyStopping(mode="min", patience=1)
    >>> state, decision = step(rule, StoppingState(), 0, 0.5)
    >>> step(rule, state, 1, 0.6)[1].stop
    True
    """
    if epoch < rule.start_from_epoch:
        return state, Decision(is_best=False, stop=False)
    wait = state.wait + 1
    if _improves(rule, value, state.best):
        beats_baseline = rule.baseline is None or _improves(rule, value, rule.baseline)
        best = StoppingState(value, epoch, 0 if beats_baseline else wait)
        return best, Decision(is_best=True, stop=False)
    waited = StoppingState(state.best, state.best_epoch, wait)
    return waited, Decision(is_best=False, stop=wait >= rule.patience and epoch > 0)


def _improves(rule: EarlyStopping, value: float, reference: float | None) -> bool:
    if math.isnan(value):
        return False
    if reference is None:
        return True
    delta = abs(rule.min_delta)
    if rule.mode == "max":
        return bool(np.float32(value - delta) > np.float32(reference))
    return bool(np.float32(value + delta) < np.float32(reference))
