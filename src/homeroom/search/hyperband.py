"""When a trial is given up before its last epoch: successive halving in brackets.

Li et al. (2018), Hyperband; Li et al. (2020), ASHA. A trial is compared with trials
of earlier batches only, on one fold, at the same epoch: what runs at the same time,
and how fast, decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ETA = 3
_BRACKETS = 3
_FEWEST = 4


@dataclass(frozen=True)
class Rung:
    """How a trial stood after an epoch (0-based), when it was given up.

    `value` is its best until then, `threshold` what it needed: the worst of the best
    third of what `n_compared` earlier trials had at that epoch, less what does not
    matter.
    """

    epoch: int
    value: float
    threshold: float
    n_compared: int


def rungs(epochs: int, number: int) -> tuple[int, ...]:
    """Return after which epochs (0-based) trial `number` is compared.

    A third of the trials at a ninth and a third of the epochs, a third at a third
    only, a third never: what starts slowly has its chance.

    >>> rungs(90, 0), rungs(90, 1), rungs(90, 2), rungs(90, 3)
    ((9, 29), (29,), (), (9, 29))
    """
    counts = [epochs // ETA**k for k in range(_BRACKETS - 1, 0, -1)]
    return tuple(n - 1 for n in counts[number % _BRACKETS :] if 0 < n < epochs)


def best_until(values: Sequence[float], epoch: int, direction: str) -> float:
    """Return the best of the values up to an epoch (0-based); NaN if all are NaN.

    >>> best_until([0.3, 0.2, 0.4, 0.1], 2, "min")
    0.2
    """
    finite = [v for v in values[: epoch + 1] if math.isfinite(v)]
    if not finite:
        return math.nan
    return max(finite) if direction == "max" else min(finite)


def falls_behind(
    value: float,
    earlier: Sequence[float],
    epoch: int,
    direction: str,
    *,
    rope: Callable[[float], float] = lambda _: 0.0,
) -> Rung | None:
    """Return how far a trial is behind, or None if it may go on.

    It goes on among the best third of all, itself included; where it is behind that
    by no more than `rope` of it, the difference that does not matter; and where fewer
    than four earlier ones can be compared with.

    >>> earlier = [0.90, 0.85, 0.95, 0.70, 0.88]
    >>> falls_behind(0.80, earlier, 9, "max", rope=lambda _: 0.01)
    Rung(epoch=9, value=0.8, threshold=0.89, n_compared=5)
    >>> falls_behind(0.895, earlier, 9, "max", rope=lambda _: 0.01)
    """
    known = sorted(v for v in earlier if math.isfinite(v))
    if len(known) < _FEWEST or not math.isfinite(value):
        return None
    if direction == "max":
        known.reverse()
    needed = known[max(1, (len(known) + 1) // ETA) - 1]
    sign = 1 if direction == "max" else -1
    threshold = needed - sign * rope(needed)
    behind = sign * (value - threshold) < 0
    return Rung(epoch, value, threshold, len(known)) if behind else None
