"""Candidates side by side: summaries, verdicts and the choice, best mean first."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from homeroom import judgement
from homeroom.records import COMPLETE, FAILED

from . import measures
from .curves import LOSS
from .formats import format_count, format_epochs, format_seconds, is_percentage
from .models import Fact, LeaderboardRow, MemberRow, Shown, StripPoint

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
_MISSING = "was never trained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A candidate with what judgement says of it; `summary` is None if untrained."""

    candidate: str
    members: tuple[MemberRecord, ...]
    summary: Summary | None
    verdict: Verdict
    verdicts: tuple[Fact, ...]


def judged(
    candidate: str,
    members: Sequence[MemberRecord],
    plan: SplitPlanRecord,
    metric: Metric,
    patience: int | None = None,
) -> Judged:
    """Summarize a candidate and read the curves of its trainings."""
    verdicts = {
        name_of(m): judgement.verdict(
            m.history,
            metric,
            best_epoch=m.best_epoch,
            n_validation=plan.folds[m.fold].n_validation,
            stop_reason=m.stop_reason,
            patience=patience,
        )
        for m in members
        if m.state == COMPLETE or m.stop_reason == "diverged"
    }
    return Judged(
        candidate=candidate,
        members=tuple(members),
        summary=judgement.summarize(members, plan, metric) if members else None,
        verdict=judgement.overall_verdict(list(verdicts.values())),
        verdicts=tuple(
            Fact(name, verdict.text)
            for name, verdict in verdicts.items()
            if verdict.kind != "no curve"
        ),
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
            verdict="no curve",
            verdict_text="",
            n_trainings=0,
            unfinished=True,
            note="; ".join(_what_failed(candidate)),
        )
    worst = summary.worst_fold
    sd_range = measures.interval(summary.sd_folds_interval, metric)
    return LeaderboardRow(
        rank=1,
        candidate=candidate.candidate,
        mean=measures.score(summary.mean, metric),
        interval=measures.interval(summary.interval, metric),
        sd_folds=measures.spread(summary.sd_folds, metric),
        sd_folds_range=_as_points(sd_range.text, metric) if sd_range else "",
        sd_seeds=measures.spread(summary.sd_seeds, metric),
        worst_fold=measures.score(worst.value if worst else None, metric),
        worst_fold_name=fold_name(plan, worst.fold) if worst else "",
        epochs=_epochs(summary, candidate.members),
        verdict=candidate.verdict.kind,
        verdict_text=candidate.verdict.text,
        n_trainings=len(candidate.members),
        failed=any(m.state == FAILED for m in candidate.members),
        unfinished=not summary.complete,
        note="; ".join(_what_failed(candidate)),
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
        Fact(each.candidate, why) for each in candidates for why in _what_failed(each)
    )


def member_row(member: MemberRecord, metric: Metric) -> MemberRow:
    """Return one training as a row of a table."""
    n = member.history.n_epochs
    kept = member.best_epoch
    reasons = {
        "epochs": "all epochs used",
        "patience": "patience used up",
        "diverged": "diverged",
        "interrupted": "interrupted",
        "error": "error",
    }
    how = {
        "scan": "compiled",
        "keras.fit": "plain Keras",
        "estimator": "scikit-learn",
    }.get(member.path, member.path)
    return MemberRow(
        name=name_of(member),
        fold=member.fold + 1,
        seed=member.seed_index + 1,
        state=member.state.lower(),
        score=measures.score(member.scores.get(metric.validation_key), metric),
        loss=measures.score(member.scores.get("val_loss"), LOSS),
        kept_epoch="–" if kept is None else format_count(kept + 1),
        epochs=format_count(n) if n else "–",
        stopped=reasons.get(member.stop_reason, member.stop_reason) if n else "–",
        seconds=format_seconds(member.seconds),
        how=f"{how}: {member.path_reason}" if member.path_reason else how,
        failed=member.state != COMPLETE,
    )


def _what_failed(candidate: Judged) -> list[str]:
    """Return one sentence per failure; what never began is counted, not listed."""
    if candidate.summary is None:
        return ["no training has begun"]
    told = [why for why in candidate.summary.failed if not why.endswith(_MISSING)]
    missing = len(candidate.summary.failed) - len(told)
    if missing:
        told.append(f"{format_count(missing, 'training')} never began")
    return told


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


def _as_points(text: str, metric: Metric) -> str:
    return text.replace(" %", " points") if is_percentage(metric) else text


def _epochs(summary: Summary, members: Sequence[MemberRecord]) -> Shown:
    if not any(m.history.n_epochs for m in members):
        return UNKNOWN  # an estimator has no epochs
    return Shown(summary.mean_epochs, format_epochs(summary.mean_epochs))
