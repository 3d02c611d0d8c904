"""The model that is shipped, the two that could be, and what each should score."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeroom import judgement

from . import measures
from .formats import format_count, format_score, format_seconds
from .shown import Fact, Shown, ShownInterval

if TYPE_CHECKING:
    from homeroom.judgement import FinalModel
    from homeroom.records import RefitRecord, RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalModelRow:
    """A model that could be shipped; `expected` is what it should score."""

    what: str
    made_of: str
    expected: Shown
    interval: ShownInterval | None
    rests_on: str
    shipped: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalModelsView:
    """What is shipped in a sentence, and the three ways to make it."""

    sentence: str
    rows: tuple[FinalModelRow, ...]
    facts: tuple[Fact, ...]


FINAL_MODELS = {
    "refit": "trained anew on all development rows",
    "ensemble": "mean of the fold models",
    "best_member": "best training of the folds",
}


def final_models_view(run: RunRecord) -> FinalModelsView | None:
    """Return the three ways; None before there is a final model."""
    refit = run.refit
    if refit is None:
        return None
    members = run.members_of(refit.candidate)
    found = judgement.final_models(members, run.plan, run.metric, refit.ensemble_scores)
    return FinalModelsView(
        sentence=f"{refit.candidate}: {refit.reason}.",
        rows=tuple(_row(each, run, refit) for each in found),
        facts=_facts(refit),
    )


def _row(each: FinalModel, run: RunRecord, refit: RefitRecord) -> FinalModelRow:
    made_of = format_count(each.n_models, "model")
    return FinalModelRow(
        what=FINAL_MODELS[each.name],
        made_of=made_of,
        expected=measures.score(each.score, run.metric),
        interval=measures.interval(each.interval, run.metric),
        rests_on=_rests_on(each, run),
        shipped=each.name == refit.final_model,
    )


def _rests_on(each: FinalModel, run: RunRecord) -> str:
    n = format_count(len(run.plan.folds), "fold")
    if each.name == "refit":
        return (
            f"the mean of its trainings on {n}, each on fewer rows than this model has "
            "seen"
        )
    if each.member is not None:
        own = format_score(each.member.scores[run.metric.validation_key], run.metric)
        most = "highest" if run.metric.direction == "max" else "lowest"
        return f"the mean of all trainings; its own {own} was picked for being {most}"
    if math.isnan(each.score):
        return "not measured: this metric cannot be had from averaged outputs here"
    if each.n_averaged < 2:
        return (
            "one model per row; with two seeds or more, what averaging gains would be "
            "measured"
        )
    return (
        f"the mean outputs of the {each.n_averaged} seeds of each fold; it averages "
        f"{each.n_models}, which as a rule is better"
    )


def _facts(refit: RefitRecord) -> tuple[Fact, ...]:
    facts = [
        Fact("rows trained on", format_count(refit.n_rows)),
        Fact("updates", format_count(refit.n_updates)),
    ]
    if refit.seconds:
        facts.append(Fact("time", format_seconds(refit.seconds)))
    return tuple(facts)
