"""Statistics that several checks share: Holm's correction, power of a test."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

_NORMAL = NormalDist()


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for being several (Holm 1979).

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    n = len(p_values)
    order = np.argsort(p_values)
    corrected = [0.0] * n
    highest = 0.0
    for rank, i in enumerate(order):
        highest = max(highest, min(1.0, (n - rank) * p_values[int(i)]))
        corrected[int(i)] = highest
    return corrected


def two_sample_power(effect: float, n: int, alpha: float = 0.05) -> float:
    """Return the power of a classifier two-sample test (Lopez-Paz & Oquab 2017).

    Args:
        effect: By how much the classifier's accuracy exceeds 1/2.
        n: On how many rows that accuracy is measured.
        alpha: How often equal samples may be called different.

    >>> round(two_sample_power(0.05, 1000), 3), round(two_sample_power(0.1, 200), 3)
    (0.936, 0.886)
    """
    if effect >= 0.5:
        return 1.0
    z = _NORMAL.inv_cdf(1 - alpha)
    return _NORMAL.cdf((effect * math.sqrt(n) - z / 2) / math.sqrt(0.25 - effect**2))


def accuracy_at(auc: float) -> float:
    """Return how often a classifier of this AUC is right, scores being normal.

    >>> round(accuracy_at(0.6), 3)
    0.571
    """
    return _NORMAL.cdf(_NORMAL.inv_cdf(auc) / math.sqrt(2))


def smallest_visible_effect(n: int, power: float = 0.8, alpha: float = 0.05) -> float:
    """Return the excess accuracy over 1/2 that is found with this power.

    >>> round(smallest_visible_effect(200), 3)
    0.087
    """
    low, high = 0.0, 0.5
    while high - low > 1e-6:
        middle = (low + high) / 2
        if two_sample_power(middle, n, alpha) < power:
            low = middle
        else:
            high = middle
    return high
