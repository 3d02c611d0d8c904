"""How many epochs: four ways to choose from the curves of the folds, and their scores.

The curves of all folds over the same epochs say what each way would have come to, and
so how much a score flatters when its own validation rows chose the epoch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from homeroom.records import COMPLETE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from homeroom.records import MemberRecord, Metric, SplitPlanRecord

PER_FOLD, MEAN_CURVE, ONE_STD_ERR = "per_fold", "mean_curve", "one_std_err"
OTHER_FOLDS = "other_folds"


class EpochChoice(msgspec.Struct, frozen=True, kw_only=True):
    """One way to choose the epoch, and the mean score that it gives.

    `rule` is "other_folds" (the best epoch of the mean of all folds but the one that
    is scored), "mean_curve" (the best of the mean of all), "one_std_err" (the earliest
    whose mean is within one standard error of that) or "per_fold" (each fold's own
    best). `epochs` has the chosen one of each training, 0-based, in the order of folds
    and seeds. `flattery` is how much better `mean` is than with "other_folds", the
    only way in which no score chooses its own epoch: positive is too good, in units
    of the metric.
    """

    rule: str
    epochs: tuple[int, ...]
    mean: float
    flattery: float

    @property
    def median_epoch(self) -> float:
        """The median of the chosen epochs, 0-based."""
        return float(np.median(self.epochs))


def epoch_choices(
    members: Sequence[MemberRecord],
    plan: SplitPlanRecord,
    metric: Metric,
    stopping: Mapping[str, Any] | None,
) -> tuple[EpochChoice, ...]:
    """Return what each way to choose the epoch comes to, the honest one first.

    The folds of one repeat and seed are looked at together. Nothing is returned
    unless there are two folds or more, stopped by a validation score, and all of them
    were trained equally long: a curve that ended early cannot be scored at the epoch
    that others choose.

    Args:
        members: The trainings of one candidate.
        plan: The folds.
        metric: The yardstick of the scores.
        stopping: The parameters of `EarlyStopping`, its mode resolved, or None.

    >>> from homeroom.records import FoldRecord, History, MemberRecord, Metric
    >>> from homeroom.records import SplitPlanRecord
    >>> folds = [
    ...     FoldRecord(repeat=0, fold=i, n_train=20, n_validation=10, fingerprint="")
    ...     for i in range(3)
    ... ]
    >>> plan = SplitPlanRecord(strategy="KFold", n_splits=3, n_repeats=1,
    ...     folds=tuple(folds), fingerprint="plan")
    >>> curves = [(0.9, 0.5, 0.6), (0.8, 0.6, 0.4), (0.7, 0.4, 0.5)]
    >>> members = [
    ...     MemberRecord(candidate="mlp", fold=fold, seed_index=0, seed=7, scores={},
    ...                  state="COMPLETE", history=History({"val_loss": losses}))
    ...     for fold, losses in enumerate(curves)
    ... ]
    >>> rule = {"monitor": "val_loss", "mode": "min"}
    >>> for choice in epoch_choices(members, plan, Metric("loss", "min"), rule):
    ...     print(choice.rule, choice.epochs, round(choice.mean, 3))
    other_folds (2, 1, 2) 0.567
    mean_curve (1, 1, 1) 0.5
    one_std_err (1, 1, 1) 0.5
    per_fold (1, 2, 1) 0.433
    """
    if not stopping or not stopping["monitor"].startswith("val_"):
        return ()
    if stopping.get("mode") not in {"min", "max"}:
        return ()
    cohorts: dict[tuple[int, int], list[MemberRecord]] = {}
    for member in sorted(members, key=_place):
        if member.state == COMPLETE and member.path != "estimator":
            together = plan.folds[member.fold].repeat, member.seed_index
            cohorts.setdefault(together, []).append(member)
    chosen: dict[str, dict[tuple[int, int], tuple[int, float]]] = {}
    for cohort in cohorts.values():
        table = _table(cohort, metric.validation_key, stopping)
        least = abs(stopping.get("min_delta", 0.0))
        found = None if table is None else _chosen(table[1], least)
        if table is None or found is None:
            return ()
        for rule, epochs in found.items():
            for member, curve, epoch in zip(cohort, table[0], epochs, strict=True):
                mine = chosen.setdefault(rule, {})
                mine[_place(member)] = epoch, float(curve[epoch])
    return tuple(_choice(rule, chosen, metric) for rule in chosen)


def _choice(
    rule: str,
    chosen: Mapping[str, Mapping[tuple[int, int], tuple[int, float]]],
    metric: Metric,
) -> EpochChoice:
    means = {
        name: float(np.mean([score for _, score in chosen[name].values()]))
        for name in (rule, OTHER_FOLDS)
    }
    sign = 1 if metric.direction == "max" else -1
    places = sorted(chosen[rule])
    return EpochChoice(
        rule=rule,
        epochs=tuple(chosen[rule][place][0] for place in places),
        mean=means[rule],
        flattery=sign * (means[rule] - means[OTHER_FOLDS]),
    )


def _place(member: MemberRecord) -> tuple[int, int]:
    return member.fold, member.seed_index


def _table(
    cohort: Sequence[MemberRecord], key: str, stopping: Mapping[str, Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return scores, and what was watched as a loss, both [folds, epochs]."""
    keys = key, stopping["monitor"]
    series = [[m.history.series.get(key, ()) for m in cohort] for key in keys]
    lengths = {len(values) for each in series for values in each}
    if len(cohort) < 2 or len(lengths) != 1 or lengths == {0}:
        return None
    scores, watched = (np.array(each, np.float64) for each in series)
    watched[:, : stopping.get("start_from_epoch", 0)] = math.nan
    return scores, watched if stopping["mode"] == "min" else -watched


def _chosen(losses: NDArray[np.float64], least: float) -> dict[str, list[int]] | None:
    """Return the epoch of each fold by each rule; None where nothing is a number.

    `least` is by how much an epoch has to be better than the best before it.
    """
    losses = np.where(np.isfinite(losses), losses, math.nan)
    if np.isnan(losses).all(axis=1).any():
        return None
    n = len(losses)
    mean = _mean(losses)
    best = _first_best(mean, least)
    finite = losses[:, best][~np.isnan(losses[:, best])]
    error = float(finite.std(ddof=1)) / math.sqrt(len(finite)) if len(finite) > 1 else 0
    simple = int(np.flatnonzero(mean <= mean[best] + error)[0])
    others = [_first_best(_mean(np.delete(losses, i, 0)), least) for i in range(n)]
    return {
        OTHER_FOLDS: others,
        MEAN_CURVE: [best] * n,
        ONE_STD_ERR: [simple] * n,
        PER_FOLD: [_first_best(curve, least) for curve in losses],
    }


def _mean(losses: NDArray[np.float64]) -> NDArray[np.float64]:
    count = np.isfinite(losses).sum(axis=0)
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, np.nansum(losses, axis=0) / count, math.nan)


def _first_best(losses: NDArray[np.float64], least: float) -> int:
    """Return the epoch that the stopping rule keeps, which compares in float32."""
    best = int(np.flatnonzero(~np.isnan(losses))[0])
    for epoch in range(best + 1, len(losses)):
        if np.float32(losses[epoch] + least) < np.float32(losses[best]):
            best = epoch
    return best
