"""From records to views: what terminal, page, notebook and charts draw."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from homeroom import judgement

from . import caveats, measures, provenance, words
from .answers import answers_view
from .comparisons import comparison_rows, spread_rows
from .curves import curve_views
from .epochs import epochs_view
from .examination import ExaminationView, examination_view
from .formats import (
    format_count,
    format_epochs,
    format_score,
    format_seconds,
    format_time,
)
from .leaderboard import (
    Judged,
    failures,
    judged,
    leaderboard,
    member_row,
    row_of,
    strip,
    untrained,
)
from .models import (
    CandidateView,
    CrossValidationView,
    FitView,
    LeaderboardRow,
    RunView,
    SearchView,
)
from .programs import programs_view
from .search import search_view
from .shipping import final_models_view
from .shown import Fact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeroom.judgement import Summary
    from homeroom.records import (
        CandidateRecord,
        MemberRecord,
        Metric,
        RunRecord,
        Settings,
        SplitPlanRecord,
        Verdict,
    )


def run_view(run: RunRecord) -> RunView:
    """Return everything that is shown of a run, complete or not.

    Raises:
        InputError: If a training has no score in the metric of the run.
    """
    patience = (run.settings.early_stopping or {}).get("patience")
    baselines = judgement.baseline_summaries(run.baselines, run.plan, run.metric)
    candidates = [
        judged(
            c.name,
            run.members_of(c.name),
            run.plan,
            run.metric,
            patience=patience,
            n_seeds=run.settings.n_seeds,
            baselines=baselines,
        )
        for c in run.candidates
    ]
    rows = leaderboard(candidates, run.plan, run.metric, run.selection)
    summaries = [
        each.summary for each in _in_order(candidates, rows) if each.summary is not None
    ]
    chosen = next((row for row in rows if row.chosen), None)
    return RunView(
        id=run.id,
        name=run.name,
        state=run.state.lower(),
        created_at=format_time(run.created_at),
        metric=measures.metric_view(run.metric),
        headline=words.headline(run),
        answer=words.answer(run, chosen),
        reason=run.selection.reason if run.selection else "",
        optimism=words.optimism(run),
        chosen=chosen,
        leaderboard=rows,
        candidates=_candidates(run, candidates, rows),
        strip=strip(_in_order(candidates, rows), run.metric, _name(chosen)),
        split=provenance.split_view(run.plan, run.partition),
        data=provenance.data_view(run.dataset, run.plan, run.metric),
        final_test=words.final_test_view(run, chosen),
        failures=failures(candidates),
        caveats=caveats.of_run(run, chosen),
        settings=provenance.settings_facts(run.settings, run.metric),
        environment=provenance.environment_facts(run.environment, run.seconds),
        fingerprints=provenance.fingerprints(run),
        error=run.error or "",
        examination=_examined(run),
        untrained=untrained(candidates),
        measured_on=provenance.measured_on(run.plan, run.settings.n_seeds),
        comparisons=comparison_rows(summaries, _name(chosen), run.plan),
        spreads=spread_rows(summaries),
        reference=words.reference(baselines, _summary_of(candidates, chosen), run.plan),
        final_models=final_models_view(run),
        answers=answers_view(run.out_of_fold),
        programs=programs_view(run.programs),
    )


def cross_validation_view(
    candidate: str,
    members: Sequence[MemberRecord],
    plan: SplitPlanRecord,
    metric: Metric,
    settings: Settings | None = None,
) -> CrossValidationView:
    """Return everything that is shown of one candidate on all folds.

    Without `settings` it is not known how the epochs were chosen.

    Raises:
        InputError: If there is no training, or one has no score in the metric.
    """
    one = judged(candidate, members, plan, metric)
    row = row_of(one, plan, metric)
    return CrossValidationView(
        name=candidate,
        metric=measures.metric_view(metric),
        answer=words.measured(row, metric),
        row=row,
        curves=curve_views(members, metric, one.verdict),
        strip=strip([one], metric),
        members=tuple(member_row(member, metric) for member in members),
        split=provenance.split_view(plan),
        failures=failures([one]),
        caveats=caveats.of_cross_validation(metric, members, plan, row, settings),
        epochs=epochs_view(members, plan, metric, settings),
        spreads=spread_rows([one.summary] if one.summary else []),
        untrained=untrained([one]),
        measured_on=provenance.measured_on(plan, len({m.seed_index for m in members})),
    )


def fit_view(
    member: MemberRecord, metric: Metric, verdict: Verdict | None = None
) -> FitView:
    """Return everything that is shown of one training.

    A record does not know how many validation rows there were, which a verdict
    needs; without `verdict` the view shows the curve and leaves judging it out.
    """
    row = member_row(member, metric)
    shown = row.score.text
    said = f"validation {measures.metric_view(metric).label} {shown}"
    if math.isnan(row.score.value):
        trained = member.scores.get(metric.train_key, member.scores.get(metric.name))
        shown = format_score(trained, metric)
        said = f"training {measures.metric_view(metric).label} {shown}"
    kept = (
        f", at the weights of epoch {row.kept_epoch}" if row.kept_epoch != "–" else ""
    )
    return FitView(
        name=member.candidate,
        metric=measures.metric_view(metric),
        answer=f"{member.candidate}: {said}{kept}.",
        verdict=verdict.kind if verdict else "",
        verdict_text=verdict.text if verdict else "",
        curves=curve_views([member], metric, verdict),
        member=row,
        facts=(
            Fact("epochs", row.epochs),
            Fact("ended because", row.stopped),
            Fact("weights kept", f"epoch {row.kept_epoch}"),
            Fact("updates per epoch", format_count(member.updates_per_epoch)),
            Fact("updates", format_count(member.n_updates)),
            Fact("time", format_seconds(member.seconds)),
            Fact("path", row.how),
            Fact("seed", str(member.seed)),
        ),
    )


def _examined(run: RunRecord) -> ExaminationView | None:
    if run.examination is None:
        return None
    opened = run.final_test.findings if run.final_test else ()
    return examination_view(run.examination, opened)


def _candidates(
    run: RunRecord, candidates: Sequence[Judged], rows: Sequence[LeaderboardRow]
) -> tuple[CandidateView, ...]:
    """Return the candidates in the order of the leaderboard."""
    row_by_name = {row.candidate: row for row in rows}
    record_by_name = {record.name: record for record in run.candidates}
    return tuple(
        CandidateView(
            name=each.candidate,
            kind=_kind(record_by_name[each.candidate]),
            facts=_facts(record_by_name[each.candidate], each),
            row=row_by_name[each.candidate],
            verdict=each.verdict.kind,
            verdict_text=each.verdict.text,
            verdict_korean=each.verdict.korean,
            verdicts=each.verdicts,
            curves=curve_views(each.members, run.metric, each.verdict),
            members=tuple(member_row(m, run.metric) for m in each.members),
            search=_tuned(run, each.candidate),
            epochs=epochs_view(each.members, run.plan, run.metric, run.settings),
        )
        for each in _in_order(candidates, rows)
    )


def _tuned(run: RunRecord, candidate: str) -> SearchView | None:
    found = next((s for s in run.searches if s.candidate == candidate), None)
    if found is None:
        return None
    return search_view(
        candidate, found.trials, run.plan, run.metric, best=found.best, optimism=0.0
    )


def _in_order(
    candidates: Sequence[Judged], rows: Sequence[LeaderboardRow]
) -> list[Judged]:
    by_name = {each.candidate: each for each in candidates}
    return [by_name[row.candidate] for row in rows]


def _facts(record: CandidateRecord, each: Judged) -> tuple[Fact, ...]:
    facts = [Fact("model", _kind(record)), Fact("source", record.source)]
    facts += [
        Fact(name, _said(value)) for name, value in record.hyperparameters.items()
    ]
    if record.n_weights is not None:
        facts.append(Fact("weights", format_count(record.n_weights)))
    if each.summary is not None and not math.isnan(each.summary.mean_best_epoch):
        best = format_epochs(each.summary.mean_best_epoch + 1)
        facts.append(Fact("best epoch", f"{best} on average"))
    seconds = sum(member.seconds for member in each.members)
    facts.append(
        Fact(
            "trainings",
            f"{format_count(len(each.members))}, {format_seconds(seconds)} of work",
        )
    )
    return tuple(facts)


def _kind(record: CandidateRecord) -> str:
    kinds = {"keras": "Keras model", "estimator": "scikit-learn estimator"}
    return kinds.get(record.kind, record.kind)


def _said(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _summary_of(
    candidates: Sequence[Judged], row: LeaderboardRow | None
) -> Summary | None:
    name = _name(row)
    return next((each.summary for each in candidates if each.candidate == name), None)


def _name(row: LeaderboardRow | None) -> str | None:
    return None if row is None else row.candidate
