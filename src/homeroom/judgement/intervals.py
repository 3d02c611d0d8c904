"""Intervals for one number: a share, a spread, any statistic of rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from homeroom.errors import InputError
from homeroom.records import Interval
from homeroom.seeding import generator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from numpy.typing import NDArray

    Draw: TypeAlias = Callable[[Any], NDArray[Any]]


def wilson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Return the Wilson interval of a share, such as an accuracy.

    Unlike share ± z·SE it stays inside [0, 1] and has a width at 0 and at 1.
    Agrees with `scipy.stats.binomtest(successes, n).proportion_ci(method="wilson")`.

    Args:
        successes: How many rows were right, 0 to `n`.
        n: How many rows there were, at least 1.
        level: The nominal coverage.

    Raises:
        InputError: If the counts are impossible or the level is not in (0, 1).

    >>> interval = wilson(94, 100)
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.8752, 0.9722)
    """
    check_level(level)
    if n < 1 or not 0 <= successes <= n:
        raise InputError(
            f"An interval for {successes} right answers out of {n} cannot be made: "
            "expected at least one row, and between 0 and n right answers."
        )
    center, half = _wilson_parts(successes / n, n, level)
    low = 0.0 if successes == 0 else center - half
    high = 1.0 if successes == n else center + half
    return Interval(low, high, level, f"Wilson score interval, n = {n}")


def half_width(share: float, n: int, level: float = 0.90) -> float:
    """Return half the width of the Wilson interval: how far off `share` may be.

    >>> [round(half_width(0.85, n), 3) for n in (100, 500, 1000, 10_000)]
    [0.059, 0.026, 0.019, 0.006]
    """
    return _wilson_parts(share, n, level)[1]


def _wilson_parts(share: float, n: int, level: float) -> tuple[float, float]:
    z = float(special.ndtri(0.5 + level / 2))
    shrink = 1 + z * z / n
    center = (share + z * z / (2 * n)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return center, half


def sd_interval(sd: float, n: int, level: float = 0.95) -> Interval:
    """Return the chi-square interval of a standard deviation of `n` values.

    It is wide: five folds know their spread only up to a factor of almost five.
    Folds share training rows, so even this is narrower than the truth.

    Args:
        sd: The standard deviation with ddof=1.
        n: How many values it was taken from, at least 2.
        level: The nominal coverage.

    Raises:
        InputError: If `n` is below 2 or the level is not in (0, 1).

    >>> interval = sd_interval(1.0, 5)
    >>> round(interval.low, 2), round(interval.high, 2)
    (0.6, 2.87)
    """
    check_level(level)
    if n < 2:
        raise InputError(
            f"The spread of {n} value(s) has no interval; it needs at least 2 folds."
        )
    tail = (1 - level) / 2
    # chdtri inverts the upper tail, so the small tail gives the large quantile.
    low = sd * math.sqrt((n - 1) / float(special.chdtri(n - 1, tail)))
    high = sd * math.sqrt((n - 1) / float(special.chdtri(n - 1, 1 - tail)))
    method = f"chi-square interval of a standard deviation, {n} values, approximate"
    return Interval(low, high, level, method)


def bootstrap_interval(
    statistic: Callable[..., float],
    *arrays: NDArray[Any],
    level: float = 0.95,
    seed: int,
    n_resamples: int = 2000,
    strata: NDArray[Any] | None = None,
    groups: NDArray[Any] | None = None,
) -> Interval:
    """Return the percentile bootstrap interval of a statistic of rows.

    Rows are drawn with replacement, the same rows from every array; with `groups`
    whole groups are, because their rows say much the same. Resamples in which the
    statistic does not exist (NaN) are left out and counted in `method`.

    Args:
        statistic: Called with the resampled arrays; returns one number.
        *arrays: Arrays with the same number of rows, such as y and predictions.
        level: The nominal coverage.
        seed: The seed all draws are derived from.
        n_resamples: How many times the rows are drawn.
        strata: Labels per row; each stratum keeps its size. Give the classes when
            the statistic needs all of them, as AUC does.
        groups: The group of each row; not together with `strata`.

    Raises:
        InputError: If the arrays differ in length or are empty, the statistic exists
            in less than half of the resamples, or rows are in strata and groups.

    >>> y = np.arange(100.0)
    >>> interval = bootstrap_interval(np.mean, y, seed=7, n_resamples=200)
    >>> bool(interval.low < y.mean() < interval.high)
    True
    """
    check_level(level)
    if strata is not None and groups is not None:
        raise InputError("strata= and groups= were both given: leave out one of them.")
    n = _common_length(arrays)
    rng = generator(seed, "bootstrap")
    drawn = _by_strata(_blocks(n, strata)) if groups is None else _by_groups(n, groups)
    values = np.empty(n_resamples)
    for i in range(n_resamples):
        rows = drawn(rng)
        values[i] = statistic(*(array[rows] for array in arrays))
    kept = values[np.isfinite(values)]
    if 2 * len(kept) <= n_resamples:
        raise InputError(
            f"The statistic is not a finite number in {n_resamples - len(kept)} of "
            f"{n_resamples} bootstrap resamples of {n} rows, so it has no interval. "
            "Give strata= if it needs every class in every resample."
        )
    tail = (1 - level) / 2
    low, high = (float(q) for q in np.quantile(kept, [tail, 1 - tail]))
    undefined = n_resamples - len(kept)
    note = f", undefined in {undefined} of them" if undefined else ""
    how = (
        "stratified percentile bootstrap"
        if strata is not None
        else ("percentile bootstrap")
    )
    of = "" if groups is None else f" of {len(np.unique(groups))} groups"
    method = f"{how}{of}, n = {n}, {n_resamples} resamples{note}"
    return Interval(low, high, level, method)


def _by_strata(blocks: Sequence[NDArray[Any]]) -> Draw:
    def draw(rng: Any) -> NDArray[Any]:
        return np.concatenate([b[rng.integers(0, len(b), len(b))] for b in blocks])

    return draw


def _by_groups(n: int, groups: NDArray[Any]) -> Draw:
    _check_one_each("groups", groups, n)
    _, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    order = np.argsort(inverse, kind="stable")
    firsts = np.cumsum(sizes) - sizes

    def draw(rng: Any) -> NDArray[Any]:
        picked = rng.integers(0, len(sizes), len(sizes))
        lengths = sizes[picked]
        begins = np.cumsum(lengths) - lengths
        places = np.arange(lengths.sum()) + np.repeat(firsts[picked] - begins, lengths)
        return np.asarray(order[places])

    return draw


def expanded_level(level: float, n: int) -> float:
    """Return the level at which a percentile interval of n values has `level`.

    Percentiles are those of a normal distribution with the variance /n; a few values
    ask for those of Student's t with the variance /(n-1) (Hesterberg 2015, 5.3).
    """
    t = float(special.stdtrit(n - 1, 0.5 + level / 2))
    expanded = 2 * float(special.ndtr(math.sqrt(n / (n - 1)) * t)) - 1
    return min(expanded, 0.9999)  # beyond it lies no resample


def check_level(level: float) -> None:
    """Raise InputError unless `level` is a probability strictly inside (0, 1)."""
    if not 0 < level < 1:
        raise InputError(
            f"level={level} is not a coverage; expected a number between 0 and 1, "
            "such as 0.95."
        )


def _check_one_each(name: str, labels: NDArray[Any], n: int) -> None:
    if len(labels) != n:
        raise InputError(
            f"{name}= has {len(labels)} labels for {n} rows; give one label per row."
        )


def _common_length(arrays: tuple[NDArray[Any], ...]) -> int:
    lengths = sorted({len(array) for array in arrays})
    if len(lengths) != 1 or lengths == [0]:
        raise InputError(
            f"The bootstrap draws whole rows, but the arrays have {lengths or 'no'} "
            "rows; expected arrays of one common length of at least 1."
        )
    return lengths[0]


def _blocks(n: int, strata: NDArray[Any] | None) -> list[NDArray[np.intp]]:
    if strata is None:
        return [np.arange(n)]
    _check_one_each("strata", strata, n)
    return [np.flatnonzero(strata == label) for label in np.unique(strata)]
