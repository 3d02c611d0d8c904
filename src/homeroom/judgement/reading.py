"""The curves of one candidate, read the same way by whoever shows them.

A verdict needs more than a history: how many rows validated, and what answering
without looking would score. Both are in the plan, so everyone who has members and
their plan says the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeroom.records import COMPLETE, Verdict

from .baselines import against_baselines, baseline_summaries
from .numbers import is_percentage
from .summary import summarize
from .verdicts import NO_CURVE, overall_verdict, verdict
from .wording import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeroom.records import MemberRecord, Metric, SplitPlanRecord


def baseline(plan: SplitPlanRecord, metric: Metric) -> float | None:
    """Return the accuracy of always answering the most frequent training class.

    None where the metric is no accuracy, or a fold does not count its classes.

    >>> from homeroom.records import FoldRecord, Metric, SplitPlanRecord
    >>> fold = FoldRecord(
    ...     repeat=0, fold=0, n_train=8, n_validation=4, fingerprint="",
    ...     classes_train={"no": 6, "yes": 2}, classes_validation={"no": 3, "yes": 1},
    ... )
    >>> plan = SplitPlanRecord(
    ...     strategy="KFold", n_splits=1, n_repeats=1, folds=(fold,), fingerprint="",
    ... )
    >>> baseline(plan, Metric("accuracy", "max"))
    0.75
    """
    folds = [f for f in plan.folds if f.classes_train and f.n_validation]
    if not is_percentage(metric) or len(folds) < len(plan.folds) or not folds:
        return None
    shares = []
    for fold in folds:
        frequent = max(fold.classes_train, key=lambda c: fold.classes_train[c])
        shares.append(fold.classes_validation.get(frequent, 0) / fold.n_validation)
    return sum(shares) / len(shares)


def member_verdicts(
    members: Sequence[MemberRecord],
    plan: SplitPlanRecord,
    metric: Metric,
    *,
    patience: int | None = None,
) -> tuple[tuple[MemberRecord, Verdict], ...]:
    """Return what each training says that came to an end of its own.

    One that was interrupted or stopped by an error has only a part of a curve.

    Args:
        members: The trainings of one candidate.
        plan: The folds they were trained on.
        metric: The yardstick of the experiment.
        patience: The patience of early stopping, for the sentences.
    """
    without_looking = baseline(plan, metric)
    return tuple(
        (member, _read(member, plan, metric, without_looking, patience))
        for member in members
        if member.state == COMPLETE or member.stop_reason == "diverged"
    )


def candidate_verdict(
    members: Sequence[MemberRecord],
    plan: SplitPlanRecord,
    metric: Metric,
    baselines: Sequence[MemberRecord] = (),
) -> Verdict:
    """Return what the trainings of one candidate say together.

    Args:
        members: The trainings of one candidate.
        plan: The folds they were trained on.
        metric: The yardstick of the experiment.
        baselines: The trainings of the baselines on the same folds.
    """
    read = member_verdicts(members, plan, metric)
    return against_baselines(
        overall_verdict([verdict for _, verdict in read]),
        summarize(members, plan, metric) if members else None,
        baseline_summaries(baselines, plan, metric),
        plan,
    )


def _read(
    member: MemberRecord,
    plan: SplitPlanRecord,
    metric: Metric,
    without_looking: float | None,
    patience: int | None,
) -> Verdict:
    if member.path == "estimator":
        english, korean = say("estimator")
        return Verdict(NO_CURVE, english, korean=korean)
    return verdict(
        member.history,
        metric,
        best_epoch=member.best_epoch,
        n_validation=plan.folds[member.fold].n_validation,
        stop_reason=member.stop_reason,
        baseline=without_looking,
        patience=patience,
    )
