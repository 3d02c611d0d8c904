"""What must be known to trust the numbers of a run or of a cross-validation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec

from homeroom import judgement
from homeroom.records import (
    BATCHED,
    LOWERED,
    SCAN,
    SHARED,
    WAVE,
    Metric,
)

from .formats import (
    format_count,
    format_score,
    metric_label,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeroom.records import MemberRecord, RunRecord, Settings, SplitPlanRecord

    from .models import LeaderboardRow

_NOTHING_SEALED = (
    "These are validation scores. A score that no decision has touched needs rows that "
    "were sealed before: see homeroom.Experiment."
)

_WITHIN_ROUNDING = {
    LOWERED: (
        "faster forms stood in for grouped convolutions",
        " With HOMEROOM_OPERATIONS=keras they are so bit for bit.",
    ),
    SHARED: ("of a search constants were arguments of a program that trials share", ""),
    BATCHED: ("many were trained in one call", ""),
}


def of_run(run: RunRecord, chosen: LeaderboardRow | None) -> tuple[str, ...]:
    """Return what must be known to trust the numbers of a run."""
    said = list(_of_scores(run.metric, run.members, len(run.plan.folds), chosen))
    said += _of_epochs(run.settings, run.plan, run.members)
    if not run.partition.n_test:
        said.append(_NOTHING_SEALED)
    elif run.final_test is None:
        said.append(
            "There is no final test. Until there is, every score here is from rows "
            "that some decision has seen."
        )
    elif run.final_test.earlier_openings:
        times = format_count(run.final_test.earlier_openings, "other run")
        said.append(
            f"{times} in the store had opened these very test rows before. A choice "
            "that knew those results makes the score of the final test optimistic."
        )
    else:
        said.append(
            "The final test is one draw of rows from the same source. It says nothing "
            "about data that will be collected differently."
        )
    return tuple(said)


def of_cross_validation(
    metric: Metric,
    members: Sequence[MemberRecord],
    plan: SplitPlanRecord,
    row: LeaderboardRow,
    settings: Settings | None,
) -> tuple[str, ...]:
    """Return what must be known to trust a cross-validation."""
    said = list(_of_scores(metric, members, len(plan.folds), row))
    said += _of_epochs(settings, plan, members)
    said.append(_NOTHING_SEALED)
    return tuple(said)


def _of_epochs(
    settings: Settings | None, plan: SplitPlanRecord, members: Sequence[MemberRecord]
) -> list[str]:
    trained = [m for m in members if m.path != "estimator"]
    if settings is None or not settings.early_stopping or not trained:
        return []
    if plan.n_splits == 1 and settings.epoch_choice != "inner_split":
        # nobody to stop together with
        settings = msgspec.structs.replace(settings, epoch_choice="per_fold")
    said = _of_choice(settings, plan)
    apart = {m.candidate for m in trained if m.path == "keras.fit"}
    if apart and settings.epoch_choice in {"mean_curve", "one_std_err"}:
        said.append(
            f"{', '.join(sorted(apart))} ran through Keras's own fit, where each fold "
            "stops by its own curve: these validation scores are a little too good."
        )
    return said


def _of_choice(settings: Settings, plan: SplitPlanRecord) -> list[str]:
    assert settings.early_stopping is not None
    restores = settings.early_stopping.get("restore_best_weights", True)
    if settings.epoch_choice in {"mean_curve", "per_fold"} and not restores:
        return [
            "Early stopping decided by the validation rows where the trainings end, "
            "and each is scored at its last epoch, on the same rows."
        ]
    if settings.epoch_choice == "mean_curve":
        said = (
            "Early stopping watched the mean curve of the folds, which stopped "
            "together. Each fold is scored at the epoch that is best for the mean of "
            "the other folds, so that no score chose its own epoch."
        )
        if plan.strategy.startswith("TimeSeriesSplit"):
            said += (
                " Some of these others are later in time: the number of epochs, and "
                "nothing else, is known from the future."
            )
        return [said]
    if settings.epoch_choice == "one_std_err":
        return [
            "Early stopping watched the mean curve of the folds. All are scored at its "
            "earliest epoch within one standard error of the best: the simpler model, "
            "not the better one."
        ]
    if settings.epoch_choice == "inner_split":
        return [
            "A fifth of each fold's training rows stopped a first training; a second, "
            "on all of them, was as long and is what is scored. The validation rows "
            "chose nothing."
        ]
    return [
        "Early stopping picked each training's epoch on the same validation rows "
        "that give its score, so validation scores are a little too good. The "
        "final test has no such advantage."
    ]


def _of_scores(
    metric: Metric,
    members: Sequence[MemberRecord],
    n_folds: int,
    row: LeaderboardRow | None,
) -> list[str]:
    said = []
    if n_folds > 1:
        approximate = (
            "Intervals of means are approximate. Folds share training rows, so their "
            "scores are not independent; the interval is corrected for it "
            "(Nadeau and Bengio 2003), but no exact one exists. In simulations it was "
            "rather too wide than too narrow."
        )
        said.append(approximate + _cut_off(metric))
        text = (
            "The spread over folds is how much the score depends on the rows; the "
            "spread over seeds how much it depends on luck with weights and batch "
            "order. Neither is a standard error, and they are not added."
        )
        if row is not None and row.sd_folds_range:
            text += (
                f" With {format_count(n_folds, 'fold')} a spread is itself uncertain: "
                f"for {row.candidate} it is anything from {row.sd_folds_range} (95 %)."
            )
        said.append(text)
    else:
        said.append(
            "With one fold there is no interval: how much the score depends on which "
            "rows it was measured on is unknown."
        )
    changed = [m for m in members if m.evaluation_changed_state]
    if changed:
        said.append(
            f"Evaluation changed the state of {format_count(len(changed), 'training')}"
            ". A recurrent layer with dropout only takes random numbers then: its "
            "scores are right, and keras.Model.fit with validation rows goes on with "
            "other random numbers. If a layer learns while it is evaluated, the "
            "scores must not be trusted."
        )
    compiled = [m for m in members if m.path in {SCAN, WAVE}]
    others = [m for m in members if m.path not in {SCAN, WAVE}]
    for sameness, (why, more) in _WITHIN_ROUNDING.items():
        if n := sum(m.sameness == sameness for m in members):
            said.append(
                f"In {format_count(n, 'training')} {why}: values are those of "
                f"keras.Model.fit within rounding.{more}"
            )
    for reason in sorted({m.path_reason for m in compiled if m.path_reason}):
        said.append(f"Of some trainings: {reason}.")
    slow = sorted({m.path_reason for m in others if m.path_reason})
    if slow:
        said.append(
            f"Some trainings ran in plain Keras or scikit-learn: {'; '.join(slow)}."
        )
    return said


def _cut_off(metric: Metric) -> str:
    lowest, highest = judgement.metric_range(metric)
    ends = [
        format_score(end, metric) for end in (lowest, highest) if math.isfinite(end)
    ]
    if not ends:
        return ""
    return (
        f" Where it would reach beyond {' or '.join(ends)}, where no "
        f"{metric_label(metric.name)} can be, it is cut off."
    )
