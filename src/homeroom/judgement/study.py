"""How far a reported score is from fresh data: measured, over many repeats."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from homeroom.records import Interval

from .comparison import practical_difference
from .resampled import corrected_error, t_bounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeroom.records import Metric


BY_TEST, BY_PART = "the test rows", "one validation part"
BY_FOLDS, BY_NESTED = "cross-validation", "nested cross-validation"
BY_FOLDS_THEN_TEST = "cross-validation, then the test"


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """One way to choose a model and to say how good it is; a value per repeat.

    `chosen` is who was chosen, `reported` the score that was said, `fresh` what that
    model scored on rows that nobody had used, `best` what the best candidate would
    have scored there.
    """

    name: str
    chosen: tuple[str, ...]
    reported: tuple[float, ...]
    fresh: tuple[float, ...]
    best: tuple[float, ...]


class WaySummary(msgspec.Struct, frozen=True, kw_only=True):
    """A way over all its repeats.

    `error` is the mean of reported - fresh, its sign turned so that more than 0 is too
    good; `error_sd` its spread, `error_low` and `error_high` the 5th and 95th percent
    of the repeats. `lost` is the mean of what the best candidate, trained on all known
    rows but the test, would have scored more: by the choice, and by fewer rows.
    Repeats cut the same rows anew, so that none of this is a standard error.
    """

    name: str
    n: int
    reported: float
    fresh: float
    error: float
    error_sd: float
    error_low: float
    error_high: float
    lost: float


def summarize_way(way: Way, metric: Metric) -> WaySummary:
    """Add up what one way said and what was true.

    >>> from homeroom.records import Metric
    >>> way = Way(name="one part", chosen=("a", "b"), reported=(0.9, 0.8),
    ...           fresh=(0.8, 0.8), best=(0.85, 0.8))
    >>> found = summarize_way(way, Metric("accuracy", "max"))
    >>> round(found.error, 3), round(found.lost, 3)
    (0.05, 0.025)
    """
    sign = 1.0 if metric.direction == "max" else -1.0
    fresh = np.asarray(way.fresh)
    errors = sign * (np.asarray(way.reported) - fresh)
    low, high = np.percentile(errors, [5, 95])
    return WaySummary(
        name=way.name,
        n=len(errors),
        reported=float(np.mean(way.reported)),
        fresh=float(fresh.mean()),
        error=float(errors.mean()),
        error_sd=float(errors.std(ddof=1)) if len(errors) > 1 else math.nan,
        error_low=float(low),
        error_high=float(high),
        lost=float((sign * (np.asarray(way.best) - fresh)).mean()),
    )


class Gain(msgspec.Struct, frozen=True, kw_only=True):
    """A mean paired difference over repeated cuts of the same rows.

    `answer` is "better", "worse", "equal" or "open": whether the interval lies above,
    below or inside what does not matter in practice (`rope`), or none of these.
    """

    difference: float
    interval: Interval | None
    rope: float
    n: int
    answer: str


def gain(
    a: Sequence[float],
    b: Sequence[float],
    metric: Metric,
    *,
    n_train: int,
    n_validation: int,
) -> Gain:
    """Compare two ways to train on the same cuts: corrected resampled t.

    Args:
        a: Scores of one, a value per repeat.
        b: Scores of the other on the same rows.
        metric: The yardstick.
        n_train: Rows that were trained on in a repeat.
        n_validation: Rows that were scored in a repeat.

    >>> from homeroom.records import Metric
    >>> found = gain([0.9, 0.92, 0.91], [0.8, 0.81, 0.82], Metric("accuracy", "max"),
    ...              n_train=80, n_validation=20)
    >>> found.answer, round(found.difference, 3)
    ('better', 0.1)
    """
    sign = 1.0 if metric.direction == "max" else -1.0
    differences = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    mean = float(differences.mean())
    best = max(np.mean(a), np.mean(b), key=lambda score: sign * score)
    rope = practical_difference(float(best), metric)
    n = len(differences)
    if n < 2:
        return Gain(difference=mean, interval=None, rope=rope, n=n, answer="open")
    error = corrected_error(differences, n_validation / n_train)
    low, high = t_bounds(mean, error, n - 1, 0.95)
    method = f"corrected resampled t (Nadeau-Bengio) of {n} paired cuts; approximate"
    ends = sorted((sign * low, sign * high))
    answer = "open"
    if ends[0] > 0:
        answer = "better"
    elif ends[1] < 0:
        answer = "worse"
    elif ends[0] > -rope and ends[1] < rope:
        answer = "equal"
    return Gain(
        difference=mean,
        interval=Interval(low, high, 0.95, method),
        rope=rope,
        n=n,
        answer=answer,
    )
