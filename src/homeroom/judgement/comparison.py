"""Two candidates on the same folds: how far apart, and how sure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from homeroom.errors import InputError
from homeroom.records import Interval, Metric

from .numbers import (
    SHARES,
    format_difference,
    format_difference_interval,
    format_spread,
    metric_label,
)
from .resampled import (
    corrected_error,
    correlation,
    masses,
    mean_ratio,
    t_bounds,
    t_statistic,
    t_upper_tail,
)

if TYPE_CHECKING:
    from homeroom.records import SplitPlanRecord

    from .summary import Summary


DECISIVE = 0.95


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Candidate `a` against candidate `b`, fold by fold.

    `difference` and `interval` are a - b in units of the metric. Everything else
    speaks of *better*, whatever the direction of the metric: `t` is positive when a
    is better, `p_one_sided` tests "a is not better than b", `p_two_sided` "a and b
    are equal". `p_worse`, `p_equal` and `p_better` are the posterior probabilities
    that a is worse than b by more than `rope`, within it, or better by more than it.
    All are NaN, and `interval` is None, when the plan has fewer than two folds.
    """

    a: str
    b: str
    metric: Metric
    difference: float
    interval: Interval | None
    t: float
    df: int
    p_one_sided: float
    p_two_sided: float
    rope: float
    p_worse: float
    p_equal: float
    p_better: float

    def __repr__(self) -> str:
        metric, sure = self.metric, ""
        if self.interval is not None:
            low, high = self.interval.low, self.interval.high
            sure = (
                f" ({100 * self.interval.level:g} % interval "
                f"{format_difference_interval(low, high, metric)}); better "
                f"{100 * self.p_better:.0f} %, equal within "
                f"{format_spread(self.rope, metric)} {100 * self.p_equal:.0f} %, worse "
                f"{100 * self.p_worse:.0f} %"
            )
        by = "not known"
        if math.isfinite(self.difference):
            by = format_difference(self.difference, metric)
        by = f"{by} {metric_label(metric.name)}"
        return f"<Comparison: {self.a} - {self.b}: {by}{sure}>"


def compare(
    a: Summary, b: Summary, plan: SplitPlanRecord, *, rope: float | None = None
) -> Comparison:
    """Compare two candidates by their paired fold means.

    The test is the corrected resampled t of Nadeau & Bengio (2003); the three
    probabilities are the Bayesian correlated t-test of Corani & Benavoli (2015), as
    in `baycomp.two_on_single(..., runs=n_repeats)`.

    Args:
        a: One candidate.
        b: The other, scored on the same folds with the same metric.
        plan: The folds.
        rope: The difference that does not matter in practice, in units of the
            metric. Default: 0.01 for metrics on the scale 0 to 1, else 1 % of the
            better mean.

    Raises:
        InputError: If metric, plan or the folds with a score differ, or the
            region of practical equivalence is negative.

    >>> from homeroom.judgement import compare, summarize
    >>> from homeroom.records import FoldRecord, History, MemberRecord, SplitPlanRecord
    >>> folds = [
    ...     FoldRecord(repeat=0, fold=i, n_train=80, n_validation=20, fingerprint="")
    ...     for i in range(5)
    ... ]
    >>> plan = SplitPlanRecord(
    ...     strategy="KFold",
    ...     n_splits=5,
    ...     n_repeats=1,
    ...     folds=tuple(folds),
    ...     fingerprint="plan",
    ... )
    >>> def scored(name, accuracies):
    ...     members = [
    ...         MemberRecord(
    ...             candidate=name,
    ...             fold=fold,
    ...             seed_index=0,
    ...             seed=7,
    ...             state="COMPLETE",
    ...             history=History({}),
    ...             scores={"val_accuracy": accuracy},
    ...         )
    ...         for fold, accuracy in enumerate(accuracies)
    ...     ]
    ...     return summarize(members, plan, Metric("accuracy", "max"))
    >>> small = scored("small", [0.90, 0.92, 0.91, 0.93, 0.92])
    >>> large = scored("large", [0.95, 0.93, 0.88, 0.96, 0.94])
    >>> seen = compare(large, small, plan)
    >>> round(seen.difference, 3), round(seen.t, 2), round(seen.p_better, 2)
    (0.016, 0.8, 0.61)
    """
    folds = _common_folds(a, b, plan)
    sign = 1.0 if a.metric.direction == "max" else -1.0
    width = default_rope(a, b) if rope is None else rope
    if not width >= 0:
        raise InputError(
            f"rope={rope} is not a width; expected 0 or more, in units of "
            f"{a.metric.name}, such as 0.01 for an accuracy."
        )
    gains = np.array([sign * (a.fold_scores[i] - b.fold_scores[i]) for i in folds])
    gain = float(gains.mean()) if len(gains) else math.nan
    df = len(gains) - 1
    t = one_sided = math.nan
    worse = equal = better = math.nan
    interval = None
    if df >= 1:
        records = [plan.folds[i] for i in folds]
        error = corrected_error(gains, mean_ratio(records))
        rho = correlation(records)
        posterior_error = corrected_error(gains, rho / (1 - rho))
        t = t_statistic(gain, error)
        one_sided = t_upper_tail(t, df)
        worse, equal, better = masses(gain, posterior_error, df, width)
        low, high = t_bounds(sign * gain, error, df, 0.95)
        method = (
            f"corrected resampled t (Nadeau-Bengio) of {len(gains)} paired folds; "
            "approximate"
        )
        interval = Interval(low, high, 0.95, method)
    return Comparison(
        a=a.candidate,
        b=b.candidate,
        metric=a.metric,
        difference=sign * gain,
        interval=interval,
        t=t,
        df=df,
        p_one_sided=one_sided,
        p_two_sided=2 * min(one_sided, 1 - one_sided),
        rope=width,
        p_worse=worse,
        p_equal=equal,
        p_better=better,
    )


def default_rope(a: Summary, b: Summary) -> float:
    """Return 0.01 for metrics on the scale 0 to 1, else 1 % of the better mean."""
    leader = b if a.metric.better(b.mean, a.mean) else a
    return practical_difference(leader.mean, a.metric)


def practical_difference(score: float, metric: Metric) -> float:
    """Return which difference to a score does not matter, unless somebody says so.

    >>> from homeroom.records import Metric
    >>> practical_difference(0.9, Metric("accuracy", "max"))
    0.01
    >>> practical_difference(50.0, Metric("mae", "min"))
    0.5
    """
    return 0.01 if on_unit_scale(metric) else 0.01 * abs(score)


def on_unit_scale(metric: Metric) -> bool:
    """Return whether the metric's name says that it is a share (accuracy, AUC, …).

    >>> from homeroom.records import Metric
    >>> on_unit_scale(Metric("sparse_categorical_accuracy", "max"))
    True
    >>> on_unit_scale(Metric("loss", "min"))
    False
    """
    words = metric.name.lower().split("_")
    return metric.direction == "max" and not (SHARES | {"r2"}).isdisjoint(words)


def _common_folds(a: Summary, b: Summary, plan: SplitPlanRecord) -> list[int]:
    if a.metric != b.metric:
        raise InputError(
            f"{a.candidate!r} is scored with {_named(a.metric)}, {b.candidate!r} with "
            f"{_named(b.metric)}. Summarize both with the same metric."
        )
    fingerprints = {a.plan_fingerprint, b.plan_fingerprint, plan.fingerprint}
    if len(fingerprints) > 1:
        raise InputError(
            f"{a.candidate!r} and {b.candidate!r} were not scored on the folds of this "
            "plan. Scores can only be compared fold by fold: train both on one plan."
        )
    folds_a, folds_b = _scored(a), _scored(b)
    if folds_a != folds_b:
        differing = sorted(set(folds_a) ^ set(folds_b))
        raise InputError(
            f"{a.candidate!r} and {b.candidate!r} do not have scores for the same "
            f"folds: fold {', '.join(str(i + 1) for i in differing)} is missing for "
            "one of them. Repair the failed trainings, or leave out the candidate."
        )
    return folds_a


def _scored(summary: Summary) -> list[int]:
    scores = enumerate(summary.fold_scores)
    return [fold for fold, score in scores if math.isfinite(score)]


def _named(metric: Metric) -> str:
    return f"{metric.name} ({metric.direction})"
