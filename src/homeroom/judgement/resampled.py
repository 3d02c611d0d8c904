"""The corrected resampled t: what scores of overlapping folds can support.

Folds share training rows, so their scores are correlated and the plain standard
error SD/√J is too small. Nadeau & Bengio (2003) add the share n_validation/n_train
to 1/J; Corani & Benavoli (2015) do the same with ρ/(1-ρ). No exact variance exists
(Bengio & Grandvalet 2004), so everything made from this is approximate.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Iterable

    from homeroom.records import FoldRecord


def mean_ratio(folds: Iterable[FoldRecord]) -> float:
    """Return the mean of n_validation/n_train over folds (Nadeau & Bengio)."""
    return float(np.mean([f.n_validation / f.n_train for f in folds]))


def correlation(folds: Iterable[FoldRecord]) -> float:
    """Return ρ, the share of rows held out: exactly 1/k for any k-fold plan.

    Taken from the rows and not from `n_splits`, it is right for shuffled and
    time-ordered splits too, where 1/n_splits is not the share held out.
    """
    return float(
        np.mean([f.n_validation / (f.n_validation + f.n_train) for f in folds])
    )


def sum_of_squares(values: Iterable[float]) -> float:
    """Return the sum of squared deviations from the mean.

    Deviations are taken from the first value before the mean is: the variance does
    not change, and equal values have none, to the last bit.

    >>> sum_of_squares([57.1234567, 57.1234567, 57.1234567])
    0.0
    """
    data = np.asarray(list(values), dtype=np.float64)
    shifted = data - data[0]
    return float(np.sum((shifted - shifted.mean()) ** 2))


def corrected_error(scores: Iterable[float], ratio: float) -> float:
    """Return sqrt(var·(1/J + ratio)); NaN for fewer than two scores.

    >>> round(corrected_error([0.90, 0.92, 0.94], ratio=1 / 2), 6)
    0.018257
    """
    values = np.asarray(list(scores), dtype=np.float64)
    if len(values) < 2:
        return math.nan
    variance = sum_of_squares(values) / (len(values) - 1)
    return math.sqrt(variance * (1 / len(values) + ratio))


def t_bounds(center: float, error: float, df: int, level: float) -> tuple[float, float]:
    """Return center ± t·error for Student's t with `df` degrees of freedom."""
    half = float(special.stdtrit(df, 0.5 + level / 2)) * error
    return center - half, center + half


def t_statistic(center: float, error: float) -> float:
    """Return center/error; a point mass (error 0) gives 0 or ±inf, never NaN."""
    if error == 0:
        return math.copysign(math.inf, center) if center else 0.0
    return center / error


def t_upper_tail(t: float, df: int) -> float:
    """Return P(T ≥ t) for Student's t with `df` degrees of freedom."""
    return float(special.stdtr(df, -t))


def masses(
    center: float, error: float, df: int, rope: float
) -> tuple[float, float, float]:
    """Return the posterior mass below, inside and above the region ±rope.

    The posterior is Student's t around `center` (Corani & Benavoli 2015, the
    `two_on_single` of baycomp). An error of 0 is a point mass.
    """
    if error == 0:
        return float(center < -rope), float(abs(center) <= rope), float(center > rope)
    below = float(special.stdtr(df, (-rope - center) / error))
    above = float(special.stdtr(df, (center - rope) / error))
    return below, max(0.0, 1 - below - above), above
