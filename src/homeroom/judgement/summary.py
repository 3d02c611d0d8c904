"""What the members of one candidate add up to, with what failed kept in sight."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from homeroom.errors import InputError, did_you_mean
from homeroom.records import COMPLETE, INTERRUPTED, Interval, Metric

from .divergence import first_nonfinite
from .intervals import check_level, sd_interval, wilson
from .numbers import is_percentage
from .resampled import corrected_error, mean_ratio, sum_of_squares, t_bounds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from homeroom.records import FoldRecord, MemberRecord, SplitPlanRecord


class WorstFold(NamedTuple):
    """The least good fold mean, and the position of its fold in the plan (0-based)."""

    value: float
    fold: int


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The scores of one candidate: mean, two kinds of spread, interval, failures.

    `fold_scores` has one value per fold of the plan, each the mean over its seeds;
    NaN where no training of that fold has a score. `mean` is their mean, `sd_folds`
    their SD and `sd_seeds` the pooled SD over seeds inside a fold (both ddof=1, NaN
    when there is nothing to compare). `standard_error` is the corrected one, from
    which `interval` is made; both need two folds. Where all folds scored alike it is
    Wilson's for a share, and None for anything else. The interval is as computed: near
    100 % its end may be above 1, which `judgement.clipped` cuts off for showing.
    `n_folds` counts the folds that have a score. `mean_epochs` is NaN for a
    scikit-learn estimator, which has none; `mean_best_epoch` is 0-based, like
    `best_epoch`. `failed` has what went wrong, `untrained` what was interrupted or
    never began. `complete` is False when there is either: such a candidate is never
    selected. `scores` has fold, seed and score of every training that has one.
    """

    candidate: str
    metric: Metric
    plan_fingerprint: str
    fold_scores: tuple[float, ...]
    mean: float
    sd_folds: float
    sd_folds_interval: Interval | None
    sd_seeds: float
    standard_error: float
    interval: Interval | None
    worst_fold: WorstFold | None
    n_folds: int
    n_seeds: int
    mean_epochs: float
    mean_best_epoch: float
    failed: tuple[str, ...]
    complete: bool
    untrained: tuple[str, ...] = ()
    scores: tuple[tuple[int, int, float], ...] = ()


def summarize(
    members: Sequence[MemberRecord],
    plan: SplitPlanRecord,
    metric: Metric,
    *,
    level: float = 0.95,
) -> Summary:
    """Add up the trainings of one candidate.

    A training that failed or has no finite score is named in `failed`, one that was
    interrupted or is missing in `untrained`; the numbers are over what exists, and
    `complete` says so.
    The interval is the corrected resampled t (Nadeau & Bengio 2003).

    Args:
        members: The trainings of one candidate, in any order.
        plan: The folds they were trained on.
        metric: The yardstick; the score is `member.scores["val_" + name]`.
        level: The nominal coverage of both intervals.

    Raises:
        InputError: If the members are none, of several candidates, twice the same,
            of folds the plan does not have, or lack the metric.

    >>> from homeroom.judgement import summarize
    >>> from homeroom.records import FoldRecord, History, MemberRecord, SplitPlanRecord
    >>> from homeroom.records import Metric
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
    >>> members = [
    ...     MemberRecord(
    ...         candidate="mlp",
    ...         fold=fold,
    ...         seed_index=0,
    ...         seed=7,
    ...         state="COMPLETE",
    ...         history=History({}),
    ...         scores={"val_accuracy": 0.90 + fold / 100},
    ...     )
    ...     for fold in range(5)
    ... ]
    >>> summary = summarize(members, plan, Metric("accuracy", "max"))
    >>> round(summary.mean, 3), summary.worst_fold, summary.complete
    (0.92, WorstFold(value=0.9, fold=0), True)
    >>> round(summary.interval.low, 3), round(summary.interval.high, 3)
    (0.891, 0.949)
    """
    check_level(level)
    members = sorted(members, key=lambda m: (m.fold, m.seed_index))
    candidate = _one_candidate(members, plan)
    reasons = [_failure(member, metric) for member in members]
    scored = [m for m, why in zip(members, reasons, strict=True) if why is None]
    failed: list[tuple[int, int, str]] = []
    untrained = _missing(members, plan)
    for member, why in zip(members, reasons, strict=True):
        if why is not None:
            told = untrained if member.state == INTERRUPTED else failed
            told.append((member.fold, member.seed_index, why))
    scores: dict[int, list[float]] = {}
    for member in scored:
        value = member.scores[metric.validation_key]
        scores.setdefault(member.fold, []).append(value)
    fold_means = {fold: mean_of(values) for fold, values in scores.items()}
    present = np.array(list(fold_means.values()))
    sd = error = math.nan
    if len(present) > 1:
        sd = math.sqrt(sum_of_squares(present) / (len(present) - 1))
        ratio = mean_ratio(plan.folds[fold] for fold in fold_means)
        error = corrected_error(present, ratio)
    mean = mean_of(present)
    best_epochs = [m.best_epoch for m in scored if m.best_epoch is not None]
    return Summary(
        candidate=candidate,
        metric=metric,
        plan_fingerprint=plan.fingerprint,
        fold_scores=tuple(
            fold_means.get(fold, math.nan) for fold in range(len(plan.folds))
        ),
        mean=mean,
        sd_folds=sd,
        sd_folds_interval=(
            sd_interval(sd, len(present), level) if len(present) > 1 else None
        ),
        sd_seeds=_pooled_sd(list(scores.values())),
        standard_error=error,
        interval=_interval(mean, error, fold_means, plan, metric, level),
        worst_fold=_worst(fold_means, metric),
        n_folds=len(present),
        n_seeds=len({m.seed_index for m in members}),
        mean_epochs=mean_of([
            m.history.n_epochs for m in scored if m.path != "estimator"
        ]),
        mean_best_epoch=mean_of(best_epochs),
        failed=_told(failed),
        complete=not failed and not untrained,
        untrained=_told(untrained),
        scores=tuple(
            (m.fold, m.seed_index, m.scores[metric.validation_key]) for m in scored
        ),
    )


def _told(places: list[tuple[int, int, str]]) -> tuple[str, ...]:
    return tuple(
        f"fold {fold + 1}, seed {seed + 1}: {reason}"
        for fold, seed, reason in sorted(places)
    )


def _one_candidate(members: Sequence[MemberRecord], plan: SplitPlanRecord) -> str:
    names = sorted({m.candidate for m in members})
    if len(names) != 1:
        raise InputError(
            f"A summary is of one candidate; got trainings of {names or 'none'}. "
            "Pass run.members_of(name)."
        )
    places = [(m.fold, m.seed_index) for m in members]
    twice = next((place for place in places if places.count(place) > 1), None)
    if twice is not None:
        raise InputError(
            f"Candidate {names[0]!r} has two trainings for fold {twice[0] + 1}, "
            f"seed {twice[1] + 1}; each fold and seed counts once."
        )
    outside = [m.fold for m in members if not 0 <= m.fold < len(plan.folds)]
    if outside:
        raise InputError(
            f"Candidate {names[0]!r} was trained on fold {outside[0] + 1}, but the "
            f"plan has {len(plan.folds)}. Use the plan the run was made with."
        )
    return names[0]


def _missing(
    members: Sequence[MemberRecord], plan: SplitPlanRecord
) -> list[tuple[int, int, str]]:
    there = {(m.fold, m.seed_index) for m in members}
    seeds = sorted({m.seed_index for m in members})
    return [
        (fold, seed, "was never trained")
        for fold in range(len(plan.folds))
        for seed in seeds
        if (fold, seed) not in there
    ]


def _failure(member: MemberRecord, metric: Metric) -> str | None:
    """Return in prose why this training has no score, or None when it has one."""
    if member.state == COMPLETE:
        key = metric.validation_key
        if key not in member.scores:
            raise InputError(
                f"Candidate {member.candidate!r} was not scored with {key!r}; it has "
                f"{', '.join(sorted(member.scores)) or 'no scores'}."
                f"{did_you_mean(key, member.scores)}"
            )
        value = member.scores[key]
        return None if math.isfinite(value) else f"{key} is {value}"
    if member.state == INTERRUPTED:
        n = member.history.n_epochs
        return f"interrupted after epoch {n}" if n else "was never trained"
    if member.error:
        lines = [line.strip() for line in member.error.splitlines() if line.strip()]
        # The cause of a Python traceback stands in its last line.
        return lines[-1] if lines[0].startswith("Traceback") else lines[0]
    broken = first_nonfinite(member.history, tuple(member.history.series))
    if broken is not None:
        return broken
    return f"ended in state {member.state} ({member.stop_reason})"


def _pooled_sd(groups: Sequence[Sequence[float]]) -> float:
    df = sum(len(group) - 1 for group in groups)
    if df == 0:
        return math.nan
    squares = sum(sum_of_squares(group) for group in groups)
    return math.sqrt(squares / df)


def _interval(
    mean: float,
    error: float,
    fold_means: Mapping[int, float],
    plan: SplitPlanRecord,
    metric: Metric,
    level: float,
) -> Interval | None:
    n = len(fold_means)
    if n < 2:
        return None
    if error == 0:
        folds = [plan.folds[fold] for fold in fold_means]
        return _of_equal_folds(mean, folds, plan, metric, level)
    low, high = t_bounds(mean, error, n - 1, level)
    method = (
        f"corrected resampled t (Nadeau-Bengio), {n} folds; approximate, because "
        "folds share training rows"
    )
    return Interval(low, high, level, method)


def _of_equal_folds(
    mean: float,
    folds: Sequence[FoldRecord],
    plan: SplitPlanRecord,
    metric: Metric,
    level: float,
) -> Interval | None:
    """Return the interval of folds that scored alike: no spread to make one of.

    A share of right answers has Wilson's, over the rows that were validated: each once,
    and on its own. Rows in groups are not.
    """
    if not is_percentage(metric) or not 0 <= mean <= 1 or "Group" in plan.strategy:
        return None
    n_rows = max(
        sum(fold.n_validation for fold in folds if fold.repeat == repeat)
        for repeat in {fold.repeat for fold in folds}
    )
    found = wilson(round(mean * n_rows), n_rows, level)
    method = f"{found.method} validated rows; all folds scored alike"
    return Interval(found.low, found.high, level, method)


def _worst(fold_means: dict[int, float], metric: Metric) -> WorstFold | None:
    if not fold_means:
        return None
    pick = min if metric.direction == "max" else max
    fold = pick(fold_means, key=fold_means.__getitem__)
    return WorstFold(fold_means[fold], fold)


def mean_of(values: Sequence[float] | NDArray[np.float64]) -> float:
    """Return the mean; that of equal values is that value, to the last bit."""
    if not len(values):
        return math.nan
    first = float(values[0])
    return first + float(np.mean(np.asarray(values, np.float64) - first))
