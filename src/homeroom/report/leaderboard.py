"""Candidates side by side: summaries, verdicts and the choice, best mean first."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from homeroom import judgement
from homeroom.records import COMPLETE, EXACT, FAILED, INTERRUPTED

from . import measures
from .curves import LOSS
from .formats import (
    format_count,
    format_epochs,
    format_seconds,
    format_spread_interval,
)
from .models import LeaderboardRow, MemberRow, StripPoint
from .shown import Fact, Shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from homeroom.judgement import Summary
    from homeroom.records import (
        MemberRecord,
        Metric,
        Selection,
        SplitPlanRecord,
        Verdict,
    )

UNKNOWN = Shown(math.nan, "–")
NOT_TRAINED = "not trained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A candidate with what judgement says of it; `summary` is None if untrained.

    `n_planned` is how many trainings it should have.
    """

    candidate: str
    members: tuple[MemberRecord, ...]
    summary: Summary | None
    verdict: Verdict
    verdicts: tuple[Fact, ...]
    n_planned: int


def judged(
    candidate: str,
    members: Sequence[MemberRecord],
    plan: SplitPlanRecord,
    metric: Metric,
    *,
    patience: int | None = None,
    n_seeds: int | None = None,
    baselines: Sequence[Summary] = (),
) -> Judged:
    """Summarize a candidate and read the curves of its trainings.

    Args:
        candidate: Its name.
        members: Its trainings, as far as there are any.
        plan: The folds.
        metric: The yardstick.
        patience: The patience of early stopping, for the sentences.
        n_seeds: How many seeds were planned; None is as many as were begun.
        baselines: What costs nothing, on the same folds.
    """
    validated = [m for m in members if plan.folds[m.fold].n_validation]
    summary = judgement.summarize(validated, plan, metric) if validated else None
    read = judgement.member_verdicts(members, plan, metric, patience=patience)
    return Judged(
        candidate=candidate,
        members=tuple(members),
        summary=summary,
        verdict=judgement.against_baselines(
            judgement.overall_verdict([verdict for _, verdict in read]),
            summary,
            baselines,
            plan,
        ),
        verdicts=tuple(
            Fact(name_of(member), verdict.text)
            for member, verdict in read
            if verdict.kind != "no curve"
        ),
        n_planned=len(plan.folds) * (n_seeds or _n_seeds(members)),
    )


def leaderboard(
    candidates: Sequence[Judged],
    plan: SplitPlanRecord,
    metric: Metric,
    selection: Selection | None,
) -> tuple[LeaderboardRow, ...]:
    """Return the rows from the best mean to the worst, failed candidates last."""
    rows = [_marked(row_of(each, plan, metric), selection) for each in candidates]
    sign = -1.0 if metric.direction == "max" else 1.0

    def place(row: LeaderboardRow) -> tuple[bool, bool, float]:
        absent = math.isnan(row.mean.value)
        return row.unfinished, absent, 0.0 if absent else sign * row.mean.value

    return tuple(
        replace(row, rank=rank) for rank, row in enumerate(sorted(rows, key=place), 1)
    )


def row_of(candidate: Judged, plan: SplitPlanRecord, metric: Metric) -> LeaderboardRow:
    """Return the row of one candidate, not yet placed among others."""
    summary = candidate.summary
    if summary is None:
        begun = bool(_begun(candidate))
        return LeaderboardRow(
            rank=1,
            candidate=candidate.candidate,
            mean=UNKNOWN,
            interval=None,
            sd_folds=UNKNOWN,
            sd_folds_range="",
            sd_seeds=UNKNOWN,
            worst_fold=UNKNOWN,
            worst_fold_name="",
            epochs=UNKNOWN,
            verdict=candidate.verdict.kind if begun else NOT_TRAINED,
            verdict_text=candidate.verdict.text if begun else "",
            n_trainings=len(candidate.members),
            failed=any(m.state == FAILED for m in candidate.members),
            unfinished=not begun or any(m.state != COMPLETE for m in candidate.members),
            note="; ".join(_notes(candidate)),
        )
    worst = summary.worst_fold
    sd_range = summary.sd_folds_interval
    unfinished = not summary.complete or len(candidate.members) < candidate.n_planned
    return LeaderboardRow(
        rank=1,
        candidate=candidate.candidate,
        mean=measures.score(summary.mean, metric),
        interval=measures.interval(summary.interval, metric),
        sd_folds=measures.spread(summary.sd_folds, metric),
        sd_folds_range=(format_spread_interval(sd_range, metric) if sd_range else ""),
        sd_seeds=measures.spread(summary.sd_seeds, metric),
        worst_fold=measures.score(worst.value if worst else None, metric),
        worst_fold_name=fold_name(plan, worst.fold) if worst else "",
        epochs=Shown(summary.mean_epochs, format_epochs(summary.mean_epochs)),
        verdict=candidate.verdict.kind if _begun(candidate) else NOT_TRAINED,
        verdict_text=candidate.verdict.text,
        n_trainings=len(candidate.members),
        failed=any(m.state == FAILED for m in candidate.members),
        unfinished=unfinished,
        measured_on=_scored(candidate, metric) if unfinished else "",
        note="; ".join(_notes(candidate)),
    )


def fold_name(plan: SplitPlanRecord, position: int) -> str:
    """Return "fold 3", or "repeat 2, fold 3" when folds are drawn more than once."""
    fold = plan.folds[position]
    name = f"fold {fold.fold + 1}"
    return f"repeat {fold.repeat + 1}, {name}" if plan.n_repeats > 1 else name


def name_of(member: MemberRecord) -> str:
    """Return "fold 2, seed 1": which training of its candidate this is."""
    return f"fold {member.fold + 1}, seed {member.seed_index + 1}"


def strip(
    candidates: Iterable[Judged], metric: Metric, chosen: str | None = None
) -> tuple[StripPoint, ...]:
    """Return one point per training that has a score."""
    return tuple(
        StripPoint(
            candidate=each.candidate,
            fold=member.fold + 1,
            seed=member.seed_index + 1,
            score=measures.score(value, metric),
            chosen=each.candidate == chosen,
        )
        for each in candidates
        for member in each.members
        if member.state == COMPLETE
        and math.isfinite(value := member.scores.get(metric.validation_key, math.nan))
    )


def failures(candidates: Iterable[Judged]) -> tuple[Fact, ...]:
    """Return what failed: the candidate, and fold, seed and reason."""
    return tuple(
        Fact(each.candidate, why)
        for each in candidates
        if each.summary is not None
        for why in each.summary.failed
    )


def untrained(candidates: Iterable[Judged]) -> tuple[Fact, ...]:
    """Return what was interrupted or never began, counted: that is no failure."""
    return tuple(
        Fact(each.candidate, said) for each in candidates if (said := _untrained(each))
    )


def member_row(member: MemberRecord, metric: Metric) -> MemberRow:
    """Return one training as a row of a table."""
    n = _n_epochs(member)
    kept = member.best_epoch
    if kept is None and member.state == COMPLETE and n:
        kept = n - 1  # nothing was restored: those of the last epoch
    waiting = member.state == INTERRUPTED and not n
    how = {
        "scan": "compiled",
        "wave": "compiled, in a wave",
        "keras.fit": "plain Keras",
        "estimator": "scikit-learn",
    }.get(member.path, member.path)
    if member.sameness != EXACT:
        how += " (equal to Keras within rounding)"
    return MemberRow(
        name=name_of(member),
        fold=member.fold + 1,
        seed=member.seed_index + 1,
        state=NOT_TRAINED if waiting else member.state.lower(),
        score=measures.score(member.scores.get(metric.validation_key), metric),
        loss=measures.score(member.scores.get("val_loss"), LOSS),
        kept_epoch="–" if kept is None else format_count(kept + 1),
        epochs=format_count(n) if n else "–",
        stopped=_stopped(member, n),
        seconds=format_seconds(member.seconds),
        how=f"{how}: {member.path_reason}" if member.path_reason else how,
        failed=member.state != COMPLETE,
    )


def _stopped(member: MemberRecord, n_epochs: int) -> str:
    if member.state == INTERRUPTED and not n_epochs:
        return NOT_TRAINED
    if member.state == COMPLETE and not n_epochs:
        return "–"
    reasons = {"epochs": "all epochs used", "patience": "patience used up"}
    return reasons.get(member.stop_reason, member.stop_reason)


def _notes(candidate: Judged) -> list[str]:
    if candidate.summary is not None:
        told = [*candidate.summary.failed]
    else:
        told = [m.error or m.state for m in candidate.members if m.state == FAILED]
        told += ["no validation rows"] if _begun(candidate) else []
    return [*told, *filter(None, [_untrained(candidate)])]


def _untrained(candidate: Judged) -> str:
    begun = _begun(candidate)
    halted = sum(m.state == INTERRUPTED for m in begun)
    waiting = candidate.n_planned - len(begun)
    if not halted and waiting <= 0:
        return ""
    of = f"of {format_count(candidate.n_planned, 'training')}"
    if waiting == candidate.n_planned:
        return f"none {of} began"
    said = []
    if halted:
        said.append(f"{halted} {'was' if halted == 1 else 'were'} interrupted")
    if waiting > 0:
        said.append(f"{format_count(waiting)} never began")
    return f"{of}, {' and '.join(said)}"


def _scored(candidate: Judged, metric: Metric) -> str:
    scores = (
        m.scores.get(metric.validation_key, math.nan)
        for m in candidate.members
        if m.state == COMPLETE
    )
    n = sum(map(math.isfinite, scores))
    return f"{n} of {format_count(candidate.n_planned, 'training')}" if n else ""


def _begun(candidate: Judged) -> list[MemberRecord]:
    return [m for m in candidate.members if m.state != INTERRUPTED or _n_epochs(m)]


def _n_seeds(members: Sequence[MemberRecord]) -> int:
    return len({m.seed_index for m in members})


def _n_epochs(member: MemberRecord) -> int:
    """Return the epochs of a training; an estimator has none."""
    return 0 if member.path == "estimator" else member.history.n_epochs


def _marked(row: LeaderboardRow, selection: Selection | None) -> LeaderboardRow:
    if selection is None:
        return row
    name = row.candidate
    return replace(
        row,
        chosen=name == selection.candidate,
        best_mean=name == selection.best_mean,
        equivalent=name in selection.equivalent,
    )
