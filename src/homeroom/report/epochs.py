"""How many epochs, chosen four ways: what each comes to, and how much it flatters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeroom import judgement

from . import measures
from .formats import format_epochs, format_spread, metric_label
from .shown import Shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from homeroom.judgement import EpochChoice
    from homeroom.records import MemberRecord, Metric, Settings, SplitPlanRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochRow:
    """One way to choose the epoch; `scored` marks the one that the scores are from."""

    chosen_by: str
    epochs: str
    mean: Shown
    flattery: str
    scored: bool


@dataclass(frozen=True, slots=True)
class EpochsView:
    """How many epochs, chosen several ways, and what that says in a sentence."""

    sentence: str
    rows: tuple[EpochRow, ...]


_SCORED_BY = {"mean_curve": "other_folds", "one_std_err": "one_std_err"}
_SCORED_AT = {
    "other_folds": "the epoch that is best for the others",
    "one_std_err": "the earliest epoch within one standard error of that",
}
_CHOSEN_BY = {
    "other_folds": "mean curve of the other folds",
    "mean_curve": "mean curve of all folds",
    "one_std_err": "earliest within one standard error of that",
    "per_fold": "each fold's own curve",
}


def epochs_view(
    members: Sequence[MemberRecord],
    plan: SplitPlanRecord,
    metric: Metric,
    settings: Settings | None,
) -> EpochsView | None:
    """Return the four ways; None unless the folds stopped together, at a best epoch."""
    scored = _SCORED_BY.get(settings.epoch_choice) if settings else None
    if settings is None or scored is None:
        return None
    rule = settings.early_stopping or {}
    if scored == "other_folds" and not rule.get("restore_best_weights", True):
        return None
    choices = judgement.epoch_choices(members, plan, metric, settings.early_stopping)
    if not choices:
        return None
    by_rule = {choice.rule: choice for choice in choices}
    return EpochsView(
        sentence=_sentence(by_rule, metric, scored),
        rows=tuple(
            EpochRow(
                chosen_by=_CHOSEN_BY[choice.rule],
                epochs=_epochs(choice),
                mean=measures.score(choice.mean, metric),
                flattery=_flattery(choice, metric),
                scored=choice.rule == scored,
            )
            for choice in choices
        ),
    )


def _sentence(choices: Mapping[str, EpochChoice], metric: Metric, scored: str) -> str:
    own = choices["per_fold"]
    said = (
        f"The mean curve of the folds is best at epoch "
        f"{format_epochs(choices['mean_curve'].median_epoch + 1)}. Each fold is scored "
        f"at {_SCORED_AT[scored]} ({_epochs(choices[scored])})"
    )
    label = metric_label(metric.name)
    mean = measures.score(own.mean, metric).text
    if own.flattery > 0:
        by = format_spread(own.flattery, metric)
        return (
            f"{said}. Chosen by its own curve, the mean {label} would read {mean}: too "
            f"good by {by}."
        )
    return f"{said}. Chosen by its own curve, the mean {label} would read {mean}."


def _epochs(choice: EpochChoice) -> str:
    low, high = min(choice.epochs) + 1, max(choice.epochs) + 1
    if low == high:
        return f"{low}"
    return f"{low} to {high}"


def _flattery(choice: EpochChoice, metric: Metric) -> str:
    if choice.rule == "other_folds":
        return "–"
    by = format_spread(abs(choice.flattery), metric)
    return by if choice.flattery >= 0 else f"-{by}"
