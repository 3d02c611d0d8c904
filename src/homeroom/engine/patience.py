"""Early stopping within a call: what lets a compiled loop end where patience does.

`stopping.step` decides; this only keeps a call from training on for nothing. Where the
two differ, by a rounding or because a baseline is not reached, the loop ends early
and is called again, or late and the epochs too many are dropped.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from . import door
from .stopping import EarlyStopping, StoppingState


class Patience(NamedTuple):
    """A rule and its state, as numbers that a call is given.

    Values are less when better: those of a rule of mode "max" have their sign turned.

    Args:
        column: int32: which value of an epoch's row is monitored.
        rule: float32 of shape (4,): epochs without improvement before stopping; what
            the monitored value is multiplied with; the least change that counts; what
            to beat before the wait is reset.
        state: float32 of shape (3,): how many of the next epochs are not looked at;
            the best value so far; epochs since then.
    """

    column: Any
    rule: Any
    state: Any

    @classmethod
    def left(
        cls, rule: EarlyStopping, state: StoppingState, epoch: int, column: int
    ) -> Patience:
        """Return what is left of it before `epoch`."""
        sign = -1.0 if rule.mode == "max" else 1.0
        baseline, best = (
            np.inf if value is None else sign * value
            for value in (rule.baseline, state.best)
        )
        allowed, delta = max(1, rule.patience), abs(rule.min_delta)
        ignored = max(0, rule.start_from_epoch - epoch)
        return cls(
            np.int32(column),
            np.array([allowed, sign, delta, baseline], np.float32),
            np.array([ignored, best, state.wait], np.float32),
        )

    @classmethod
    def endless(cls) -> Patience:
        """Return that of a training that stops for no value."""
        rule = np.array([np.inf, 1, 0, np.inf], np.float32)
        return cls(np.int32(0), rule, np.array([0, np.inf, 0], np.float32))

    @property
    def has_run_out(self) -> Any:
        """Whether no epoch is left."""
        return self.state[2] >= self.rule[0]

    @property
    def epochs_left(self) -> float:
        """How many epochs run before it can end, whatever they come to."""
        return max(1.0, float(self.rule[0] - self.state[2]))

    def after(self, row: Any) -> Patience:
        """Return it after an epoch with this row of values."""
        jnp = door.jax().numpy
        _, sign, delta, baseline = self.rule
        ignored, best, wait = self.state
        value = sign * row[self.column]
        improves = value + delta < best
        resets = improves & (value + delta < baseline)
        looked_at = (
            jnp.where(improves, value, best),
            jnp.where(resets, 0, wait + 1),
        )
        best, wait = (
            jnp.where(ignored > 0, old, new)
            for old, new in zip((best, wait), looked_at, strict=True)
        )
        # in one piece, because each piece is a kernel
        return self._replace(state=jnp.stack([jnp.maximum(ignored - 1, 0), best, wait]))
