"""Whether a candidate is hopeless before all folds are done: a paired race.

Maron & Moore (1994) and Birattari et al. (2002) race candidates over folds; the test
here is the corrected resampled t of Nadeau & Bengio (2003).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import special

from .comparison import practical_difference
from .resampled import corrected_error, mean_ratio

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeroom.records import Metric, SplitPlanRecord

_FEWEST_FOLDS = 3


class Gap(NamedTuple):
    """The mean of score - leader's score, and how close to the leader it may be."""

    difference: float
    bound: float
    n_folds: int


def behind_leader(
    scores: Mapping[int, float],
    leader: Mapping[int, float],
    plan: SplitPlanRecord,
    metric: Metric,
    *,
    level: float = 0.95,
) -> Gap | None:
    """Return the gap to the leader where it surely matters, else None.

    It does where the one-sided bound of the mean difference is worse than the
    difference that does not matter (`practical_difference` of the leader's mean).

    Each look has a one-sided error rate of 1 - `level` at most approximately: the
    more looks and candidates, the more often a good one is lost.

    Args:
        scores: Score by position of the fold in the plan.
        leader: The leader's; folds that only one of them has are left out.
        plan: The folds.
        metric: The yardstick.
        level: One-sided confidence.

    >>> from homeroom.judgement import behind_leader
    >>> from homeroom.records import FoldRecord, Metric, SplitPlanRecord
    >>> folds = tuple(
    ...     FoldRecord(repeat=0, fold=i, n_train=80, n_validation=20, fingerprint="")
    ...     for i in range(5)
    ... )
    >>> plan = SplitPlanRecord(
    ...     strategy="KFold", n_splits=5, n_repeats=1, folds=folds, fingerprint=""
    ... )
    >>> accuracy = Metric("accuracy", "max")
    >>> best = {0: 0.95, 1: 0.93, 2: 0.94}
    >>> gap = behind_leader({0: 0.70, 1: 0.65, 2: 0.68}, best, plan, accuracy)
    >>> round(gap.difference, 3), round(gap.bound, 3), gap.n_folds
    (-0.263, -0.229, 3)
    >>> behind_leader({0: 0.94, 1: 0.94, 2: 0.93}, best, plan, accuracy) is None
    True
    """
    folds = sorted(scores.keys() & leader.keys())
    if len(folds) < _FEWEST_FOLDS:
        return None
    sign = 1.0 if metric.direction == "max" else -1.0
    gains = np.array([sign * (scores[i] - leader[i]) for i in folds])
    if not np.isfinite(gains).all():
        return None
    error = corrected_error(gains, mean_ratio(plan.folds[i] for i in folds))
    bound = float(gains.mean() + special.stdtrit(len(folds) - 1, level) * error)
    leading = float(np.mean([leader[i] for i in folds]))
    if bound >= -practical_difference(leading, metric):
        return None
    return Gap(sign * float(gains.mean()), sign * bound, len(folds))
