"""Trials through the folds, stage by stage, the hopeless given up on the way.

What a trial is compared with is known before it begins, or after a whole stage of its
batch: nothing depends on which training was faster.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from homeroom import judgement, search
from homeroom.records import (
    BY_EPOCHS,
    BY_FOLDS,
    COMPLETE,
    FAILED,
    INTERRUPTED,
    PRUNED,
    RUNNING,
    Listener,
    Metric,
    Pruning,
)
from homeroom.splits import SplitPlan

from . import trials
from .member import Assignment, Result
from .trial import Batch, Ground, Place, Trial


def run_batch(
    batch: Batch,
    ground: Ground,
    earlier: Sequence[Trial],
    metric: Metric,
    tell: Listener,
    *,
    prune: bool,
    meanwhile: Callable[[], bool] = lambda: False,
) -> None:
    """Train a batch, stage by stage; the trials come out with state and scores.

    `meanwhile` is called while lanes train, until it returns False.
    """
    rule = _Rungs(ground.training.epochs, batch.tried, earlier, metric)
    n_folds = len(ground.plan.folds)
    name = f"trials {batch.tried[0].number} to {batch.tried[-1].number}"
    courses = stages(n_folds, ground.n_seeds)
    if not prune:
        courses = [set().union(*courses)]
    for stage in courses:
        alive = [trial for trial in batch.tried if trial.state == RUNNING]
        wanted = [
            (trial, at, assignment)
            for trial in alive
            for at, assignment in trial.assignments.items()
            if at in stage
        ]
        if not wanted or batch.prepared is None:
            break
        results = trials.run(
            batch.prepared,
            tell,
            prune=rule if prune else lambda *_: False,
            only=[assignment for _, _, assignment in wanted],
            stage=name,
            meanwhile=meanwhile,
        )
        for (trial, at, _), result in zip(wanted, results, strict=True):
            trial.results[at] = result
        for trial in alive:
            _settle(trial, rule)
        if any(trial.state == INTERRUPTED for trial in alive):
            _interrupt(batch.tried)
            return
        if stage is not courses[-1]:
            _race(batch.tried, earlier, ground.plan, metric)
    for trial in batch.tried:
        if trial.state == RUNNING:
            _finish(trial, ground.plan, metric)


def stages(n_folds: int, n_seeds: int) -> list[set[Place]]:
    """Return the trainings (fold, seed) of a trial in the order they are worth.

    The first fold, where a trial may be given up between epochs; then half of the
    folds and all of them, after which it may be given up for what it scored; more
    seeds only for who is left.

    >>> [sorted(stage) for stage in stages(5, 1)]
    [[(0, 0)], [(1, 0), (2, 0)], [(3, 0), (4, 0)]]
    >>> len(stages(5, 3)[-1])
    10
    """
    half = min(n_folds, max(3, (n_folds + 1) // 2))
    parts = [
        {(0, 0)},
        {(fold, 0) for fold in range(1, half)},
        {(fold, 0) for fold in range(half, n_folds)},
        {(fold, i) for fold in range(n_folds) for i in range(1, n_seeds)},
    ]
    return [part for part in parts if part]


class _Rungs:
    """Gives a trial up between epochs of its first fold; called from lane threads."""

    def __init__(
        self,
        epochs: int,
        tried: Sequence[Trial],
        earlier: Sequence[Trial],
        metric: Metric,
    ) -> None:
        self._metric = metric
        self._rungs = {t.name: search.rungs(epochs, t.number) for t in tried}
        self._earlier = [
            series
            for trial in earlier
            if (0, 0) in trial.results
            and (series := _series(trial.results[0, 0], metric))
        ]
        self._so_far: dict[str, list[float]] = {}
        self.pruned: dict[str, Pruning] = {}

    def __call__(
        self, assignment: Assignment, epoch: int, logs: dict[str, float]
    ) -> bool:
        if (assignment.fold, assignment.seed_index) != (0, 0):
            return False
        name = assignment.candidate.name
        mine = self._so_far.setdefault(name, [])
        mine.append(logs.get(self._metric.validation_key, np.nan))
        if epoch not in self._rungs[name]:
            return False
        way = self._metric.direction
        behind = search.falls_behind(
            search.best_until(mine, epoch, way),
            [search.best_until(series, epoch, way) for series in self._earlier],
            epoch,
            way,
            rope=lambda score: judgement.practical_difference(score, self._metric),
        )
        if behind is None:
            return False
        self.pruned[name] = Pruning(
            by=BY_EPOCHS,
            fold=0,
            epoch=epoch,
            value=behind.value,
            threshold=behind.threshold,
            n_compared=behind.n_compared,
        )
        return True


def _series(result: Result, metric: Metric) -> Sequence[float]:
    return result.record.history.series.get(metric.validation_key, ())


def _settle(trial: Trial, rule: _Rungs) -> None:
    """Give a trial the state that its trainings have brought it into."""
    states = {at: result.record.state for at, result in trial.results.items()}
    if INTERRUPTED in states.values():
        trial.state = INTERRUPTED
    elif FAILED in states.values():
        fold, seed = min(at for at, state in states.items() if state == FAILED)
        record = trial.results[fold, seed].record
        why = (record.error or record.stop_reason).strip().splitlines()[-1]
        trial.state = FAILED
        trial.error = f"fold {fold + 1}, seed {seed + 1}: {why}"
    elif PRUNED in states.values():
        trial.state, trial.pruning = PRUNED, rule.pruned[trial.name]


def _interrupt(tried: Sequence[Trial]) -> None:
    for trial in tried:
        if trial.state == RUNNING:
            trial.state = INTERRUPTED


def _race(
    tried: Sequence[Trial], earlier: Sequence[Trial], plan: SplitPlan, metric: Metric
) -> None:
    """Give up who is behind the leader for sure, on the folds that are done."""
    alive = [trial for trial in tried if trial.state == RUNNING]
    scores = {trial.number: trial.fold_scores(metric) for trial in alive}
    if not scores:
        return
    common = set.intersection(*(set(mine) for mine in scores.values()))
    for trial in earlier:
        if trial.state == COMPLETE:
            scores[trial.number] = trial.fold_scores(metric)
    sign = 1 if metric.direction == "max" else -1

    def standing(number: int) -> tuple[float, int]:
        mine = [scores[number][fold] for fold in common]
        return (sign * float(np.mean(mine)) if mine else -np.inf, -number)

    leader = max(scores, key=standing)
    for trial in alive:
        gap = judgement.behind_leader(
            scores[trial.number], scores[leader], plan.record, metric
        )
        if trial.number != leader and gap is not None:
            trial.state = PRUNED
            trial.pruning = Pruning(
                by=BY_FOLDS,
                value=gap.difference,
                threshold=gap.bound,
                n_compared=gap.n_folds,
                against=leader,
            )


def _finish(trial: Trial, plan: SplitPlan, metric: Metric) -> None:
    members = [result.record for result in trial.results.values()]
    summary = judgement.summarize(members, plan.record, metric)
    trial.state = COMPLETE if summary.complete else FAILED
    trial.error = "; ".join(summary.failed) or None
