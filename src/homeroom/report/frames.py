"""Records and views as tables for code: polars frames with one name per column.

Counts are as in the records and in Keras, from 0; only views count from 1.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import polars as pl

from homeroom import judgement
from homeroom.records import COMPLETE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeroom.judgement import Way
    from homeroom.records import MemberRecord, Metric, SplitPlanRecord, TrialRecord

    from .models import RunView
    from .nested import NestedView


def members_frame(
    members: Sequence[MemberRecord], plan: SplitPlanRecord | None = None
) -> pl.DataFrame:
    """Return one row per training, with every score it has.

    Columns: candidate, repeat, fold (inside its repeat), seed_index, seed, state, the
    scores (`val_*` first, null where a training has none), best_epoch, epochs,
    stop_reason, n_updates, seconds, path, error. `epochs` is null for a scikit-learn
    estimator, which has none.

    Args:
        members: The trainings, in the order of the rows.
        plan: The folds; without it `repeat` is 0 and `fold` the position in the plan.

    >>> from homeroom.records import History, MemberRecord
    >>> one = MemberRecord(
    ...     candidate="mlp", fold=0, seed_index=0, seed=7, state="COMPLETE",
    ...     history=History({"loss": (0.5, 0.4)}), scores={"val_loss": 0.45},
    ... )
    >>> members_frame([one]).select("candidate", "fold", "val_loss", "epochs").rows()
    [('mlp', 0, 0.45, 2)]
    """
    names = {name for member in members for name in member.scores}
    ordered = sorted(names, key=lambda name: (not name.startswith("val_"), name))
    places = [
        (0, m.fold)
        if plan is None
        else (plan.folds[m.fold].repeat, plan.folds[m.fold].fold)
        for m in members
    ]
    columns: list[tuple[str, Any, list[Any]]] = [
        ("candidate", pl.String, [m.candidate for m in members]),
        ("repeat", pl.Int64, [repeat for repeat, _ in places]),
        ("fold", pl.Int64, [fold for _, fold in places]),
        ("seed_index", pl.Int64, [m.seed_index for m in members]),
        ("seed", pl.Int64, [m.seed for m in members]),
        ("state", pl.String, [m.state for m in members]),
        *((n, pl.Float64, [m.scores.get(n) for m in members]) for n in ordered),
        ("best_epoch", pl.Int64, [m.best_epoch for m in members]),
        ("epochs", pl.Int64, [_n_epochs(m) for m in members]),
        ("stop_reason", pl.String, [m.stop_reason for m in members]),
        ("n_updates", pl.Int64, [m.n_updates for m in members]),
        ("seconds", pl.Float64, [m.seconds for m in members]),
        ("path", pl.String, [m.path for m in members]),
        ("error", pl.String, [m.error for m in members]),
    ]
    return _frame(columns)


def history_frame(member: MemberRecord) -> pl.DataFrame:
    """Return one row per epoch (from 0) with Keras's keys as columns.

    A series that ends early is null from there.

    >>> from homeroom.records import History, MemberRecord
    >>> one = MemberRecord(
    ...     candidate="mlp", fold=0, seed_index=0, seed=7, state="COMPLETE",
    ...     history=History({"loss": (0.5, 0.4), "val_loss": (0.6,)}), scores={},
    ... )
    >>> history_frame(one).rows()
    [(0, 0.5, 0.6), (1, 0.4, None)]
    """
    n = member.history.n_epochs
    series = member.history.series.items()
    return _frame([
        ("epoch", pl.Int64, list(range(n))),
        *(
            (name, pl.Float64, [*values, *[None] * (n - len(values))])
            for name, values in series
        ),
    ])


def leaderboard_frame(view: RunView) -> pl.DataFrame:
    """Return one row per candidate, from the best mean to the worst.

    Columns: rank, candidate, mean, low, high (the interval of the mean, cut off where
    no score can be, such as above 1 for an accuracy), sd_folds, sd_seeds, worst_fold,
    epochs, verdict, chosen, best_mean, equivalent, complete.
    A number that does not exist is null.
    """
    rows = view.leaderboard
    intervals = [row.interval for row in rows]
    return _frame([
        ("rank", pl.Int64, [row.rank for row in rows]),
        ("candidate", pl.String, [row.candidate for row in rows]),
        ("mean", pl.Float64, [_known(row.mean.value) for row in rows]),
        ("low", pl.Float64, [each.low if each else None for each in intervals]),
        ("high", pl.Float64, [each.high if each else None for each in intervals]),
        ("sd_folds", pl.Float64, [_known(row.sd_folds.value) for row in rows]),
        ("sd_seeds", pl.Float64, [_known(row.sd_seeds.value) for row in rows]),
        ("worst_fold", pl.Float64, [_known(row.worst_fold.value) for row in rows]),
        ("epochs", pl.Float64, [_known(row.epochs.value) for row in rows]),
        ("verdict", pl.String, [row.verdict for row in rows]),
        ("chosen", pl.Boolean, [row.chosen for row in rows]),
        ("best_mean", pl.Boolean, [row.best_mean for row in rows]),
        ("equivalent", pl.Boolean, [row.equivalent for row in rows]),
        ("complete", pl.Boolean, [not row.unfinished for row in rows]),
    ])


def trials_frame(
    trials: Sequence[TrialRecord], plan: SplitPlanRecord, metric: Metric
) -> pl.DataFrame:
    """Return one row per trial of a search.

    Columns: number, state, mean (null unless every fold and seed is done),
    partial_mean (of the folds that are done, where not all are), sd_folds, n_folds,
    epochs (their mean), seconds, pruned_by ("epochs", "folds"), pruned_epoch,
    pruned_value, pruned_threshold (see `records.Pruning`), error, and a column
    `param_…` for every hyperparameter.
    """
    sums = [
        judgement.summarize(t.members, plan, metric) if t.members else None
        for t in trials
    ]
    means = [_known(each.mean) if each else None for each in sums]
    whole = [trial.state == COMPLETE for trial in trials]
    pruned = [trial.pruning for trial in trials]
    columns: list[tuple[str, Any, list[Any]]] = [
        ("number", pl.Int64, [t.number for t in trials]),
        ("state", pl.String, [t.state for t in trials]),
        ("mean", pl.Float64, _where(whole, means)),
        ("partial_mean", pl.Float64, _where([not each for each in whole], means)),
        ("sd_folds", pl.Float64, [_known(s.sd_folds) if s else None for s in sums]),
        ("n_folds", pl.Int64, [s.n_folds if s else 0 for s in sums]),
        ("epochs", pl.Float64, [_known(s.mean_epochs) if s else None for s in sums]),
        ("seconds", pl.Float64, [sum(m.seconds for m in t.members) for t in trials]),
        ("pruned_by", pl.String, [p.by if p else None for p in pruned]),
        ("pruned_epoch", pl.Int64, [p.epoch if p else None for p in pruned]),
        ("pruned_value", pl.Float64, [p.value if p else None for p in pruned]),
        ("pruned_threshold", pl.Float64, [p.threshold if p else None for p in pruned]),
        ("error", pl.String, [t.error for t in trials]),
    ]
    names = dict.fromkeys(name for t in trials for name in t.hyperparameters)
    for name in names:
        values = [trial.hyperparameters.get(name) for trial in trials]
        columns.append((f"param_{name}", _kind_of(values), _of_one_kind(values)))
    return _frame(columns)


def nested_frame(view: NestedView) -> pl.DataFrame:
    """Return one row per outer fold of a nested cross-validation.

    Columns: fold (from 0, as in `members_frame`), inner_best, outer, and a column
    `param_…` for every hyperparameter of the best trial.
    """
    columns: list[tuple[str, Any, list[Any]]] = [
        ("fold", pl.Int64, [row.fold - 1 for row in view.rows]),
        ("inner_best", pl.Float64, [_known(row.inner.value) for row in view.rows]),
        ("outer", pl.Float64, [_known(row.outer.value) for row in view.rows]),
    ]
    for name in view.names:
        values = [row.values.get(name) for row in view.rows]
        columns.append((f"param_{name}", _kind_of(values), _of_one_kind(values)))
    return _frame(columns)


def study_frame(ways: Sequence[Way]) -> pl.DataFrame:
    """Return one row per way and repeat of a selection study.

    Columns: way, repeat, chosen, reported, fresh, best.
    """
    return _frame([
        ("way", pl.String, [way.name for way in ways for _ in way.chosen]),
        ("repeat", pl.Int64, [i for way in ways for i in range(len(way.chosen))]),
        ("chosen", pl.String, [name for way in ways for name in way.chosen]),
        ("reported", pl.Float64, [value for way in ways for value in way.reported]),
        ("fresh", pl.Float64, [value for way in ways for value in way.fresh]),
        ("best", pl.Float64, [value for way in ways for value in way.best]),
    ])


def passes_frame(
    passes: Sequence[int], rows: Sequence[int], scores: Sequence[Sequence[float]]
) -> pl.DataFrame:
    """Return one row per training of a passes study: passes, rows, repeat, score."""
    points = list(zip(passes, rows, scores, strict=True))
    return _frame([
        ("passes", pl.Int64, [n for n, _, each in points for _ in each]),
        ("rows", pl.Int64, [n for _, n, each in points for _ in each]),
        ("repeat", pl.Int64, [i for _, _, each in points for i in range(len(each))]),
        ("score", pl.Float64, [value for _, _, each in points for value in each]),
    ])


def _kind_of(values: Sequence[Any]) -> Any:
    kinds = {type(value) for value in values if value is not None}
    if kinds and kinds <= {int, float}:
        return pl.Float64 if float in kinds else pl.Int64
    return pl.Boolean if kinds == {bool} else pl.String


def _of_one_kind(values: Sequence[Any]) -> list[Any]:
    kind = _kind_of(values)
    if kind != pl.String:
        return [v if v is None or kind != pl.Float64 else float(v) for v in values]
    return [v if v is None or isinstance(v, str) else repr(v) for v in values]


def _where(wanted: Sequence[bool], values: Sequence[Any]) -> list[Any]:
    return [v if mine else None for mine, v in zip(wanted, values, strict=True)]


def _n_epochs(member: MemberRecord) -> int | None:
    return None if member.path == "estimator" else member.history.n_epochs


def _frame(columns: Sequence[tuple[str, Any, list[Any]]]) -> pl.DataFrame:
    return pl.DataFrame([
        pl.Series(name, values, dtype=kind) for name, kind, values in columns
    ])


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
