"""What each model that could be shipped should score on rows nobody has seen."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from homeroom.errors import InputError
from homeroom.records import COMPLETE, Interval

from .summary import summarize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeroom.records import MemberRecord, Metric, SplitPlanRecord


class FinalModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that could be shipped, with the score to expect of it.

    `name` is "refit", "ensemble" or "best_member"; `n_models` of how many trainings
    it is made. `score` and `interval` are out of fold: every row was answered by
    `n_averaged` models that had not seen it. NaN and None where that is not known.
    `member` is the training whose model it is, if it is that of one.
    """

    name: str
    n_models: int
    n_averaged: int
    score: float
    interval: Interval | None
    member: MemberRecord | None = None


def best_member(members: Sequence[MemberRecord], metric: Metric) -> MemberRecord:
    """Return the training with the best validation score; the first of several.

    Its score is the best of many and so too good: it is no estimate.

    Raises:
        InputError: If none has a score.
    """
    key = metric.validation_key
    done = [
        member
        for member in members
        if member.state == COMPLETE and math.isfinite(member.scores.get(key, math.nan))
    ]
    if not done:
        raise InputError(f"No training has a score {key!r}, so none is the best.")
    sign = 1 if metric.direction == "max" else -1
    return max(done, key=lambda m: (sign * m.scores[key], -m.fold, -m.seed_index))


def final_models(
    members: Sequence[MemberRecord],
    plan: SplitPlanRecord,
    metric: Metric,
    ensemble_scores: Sequence[float] = (),
) -> tuple[FinalModel, ...]:
    """Return the three models that could be made of one candidate's trainings.

    Refit and best training are each one draw of the training procedure: the mean over
    folds is what to expect of them. An ensemble's score is that of the mean outputs
    of a fold's seeds; it has the models of all folds, so that this is a lower bound
    as a rule, not a promise.

    Args:
        members: The trainings of the candidate.
        plan: The folds they were trained on.
        metric: The yardstick.
        ensemble_scores: Each fold's score with the outputs of its seeds averaged.
    """
    single = summarize(members, plan, metric)
    together = None
    if single.n_seeds < 2:
        together = single
    elif len(ensemble_scores) == len(plan.folds):
        firsts = [m for m in members if m.seed_index == 0]
        averaged = [
            msgspec.structs.replace(
                member, scores={metric.validation_key: ensemble_scores[member.fold]}
            )
            for member in firsts
        ]
        together = summarize(averaged, plan, metric)
    best = best_member(members, metric)
    return (
        FinalModel(
            name="refit",
            n_models=1,
            n_averaged=1,
            score=single.mean,
            interval=single.interval,
        ),
        FinalModel(
            name="ensemble",
            n_models=len(members),
            n_averaged=single.n_seeds,
            score=together.mean if together else math.nan,
            interval=together.interval if together else None,
        ),
        FinalModel(
            name="best_member",
            n_models=1,
            n_averaged=1,
            score=single.mean,
            interval=single.interval,
            member=best,
        ),
    )
