"""A search at work: batches of trials through folds, the hopeless given up on the way.

What a trial is compared with is known before it begins, or after a whole stage of its
batch: nothing depends on which training was faster.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from homeroom import judgement, search
from homeroom.data import Dataset
from homeroom.engine import Training
from homeroom.errors import InputError
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
    TrialEnded,
    TrialRecord,
)
from homeroom.splits import SplitPlan

from . import trials
from .candidate import Candidate, as_candidate
from .cross_validation import out_of_fold
from .member import Assignment, Result, assign

Place: TypeAlias = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Ground:
    """What every trial of a search shares."""

    model: Any
    dataset: Dataset
    plan: SplitPlan
    training: Training
    n_seeds: int
    seed: int
    preprocess: Any = None
    lanes: int | None = None


@dataclass(eq=False)
class Trial:
    """A combination on its way through the folds."""

    number: int
    values: dict[str, Any]
    candidate: Candidate | None = None
    assignments: dict[Place, Assignment] = field(default_factory=dict)
    results: dict[Place, Result] = field(default_factory=dict)
    state: str = RUNNING
    pruning: Pruning | None = None
    error: str | None = None

    @property
    def name(self) -> str:
        """How results call it."""
        return f"trial {self.number}"

    def fold_scores(self, metric: Metric) -> dict[int, float]:
        """Return the score of the first seed in every fold that is done."""
        return {
            fold: result.record.scores[metric.validation_key]
            for (fold, seed), result in sorted(self.results.items())
            if seed == 0 and result.record.state == COMPLETE
        }

    def forget_arrays(self) -> None:
        """Keep the records of the trainings only."""
        self.assignments.clear()
        for at, result in self.results.items():
            self.results[at] = replace(result, outcome=None, predictions=None)

    def record(self) -> TrialRecord:
        """Return what is remembered of it."""
        known = self.candidate.record(None).hyperparameters if self.candidate else {}
        return TrialRecord(
            number=self.number,
            candidate=self.name,
            hyperparameters=known or {k: repr(v) for k, v in self.values.items()},
            state=self.state,
            members=tuple(self.results[at].record for at in sorted(self.results)),
            pruning=self.pruning,
            error=self.error,
        )


@dataclass(frozen=True, eq=False)
class Batch:
    """Trials that are ready to be trained; `prepared` is None if none can be."""

    tried: Sequence[Trial]
    prepared: trials.Trials | None


def answer(trial: Trial, ground: Ground, metric: Metric) -> search.Answer:
    """Return what the sampler is told of a trial that is done."""
    sign = 1 if metric.direction == "max" else -1
    if trial.state == COMPLETE:
        return search.Answer(sign * mean_score(trial, metric))
    if trial.state != PRUNED or trial.pruning is None:
        return search.Answer()
    if trial.pruning.epoch is not None:
        return search.Answer(sign * trial.pruning.value, trial.pruning.epoch)
    step = ground.training.epochs + len(trial.results)
    return search.Answer(sign * mean_score(trial, metric), step)


def mean_score(trial: Trial, metric: Metric) -> float:
    """Return the mean over the folds that are done; NaN if none is."""
    scores: dict[int, list[float]] = {}
    for (fold, _), result in sorted(trial.results.items()):
        if result.record.state == COMPLETE:
            value = result.record.scores[metric.validation_key]
            scores.setdefault(fold, []).append(value)
    means = [float(np.mean(values)) for values in scores.values()]
    return float(np.mean(means)) if means else np.nan


@dataclass(frozen=True, eq=False)
class Hunt:
    """A search from its first batch to its last trial."""

    ground: Ground
    study: search.Study
    metric: Metric
    n_trials: int
    prune: bool

    def run(
        self, batch: Batch | None, tell: Listener
    ) -> tuple[tuple[TrialRecord, ...], NDArray[np.float32] | None]:
        """Return every trial, and the best one's out-of-fold predictions."""
        tried: list[Trial] = []
        best, predictions = np.nan, None
        while batch is not None:
            run_batch(batch, self.ground, tried, self.metric, tell, prune=self.prune)
            for trial in batch.tried:
                self.study.tell(trial.values, answer(trial, self.ground, self.metric))
                score = mean_score(trial, self.metric)
                if trial.state == COMPLETE and (
                    np.isnan(best) or self.metric.better(score, best)
                ):
                    best = score
                    predictions = out_of_fold(
                        list(trial.results.values()), self.ground.dataset.n_rows
                    )
                trial.forget_arrays()
                tell(TrialEnded(trial.record(), score, self.n_trials))
            tried += batch.tried
            if any(trial.state == INTERRUPTED for trial in batch.tried):
                break
            batch = next_batch(self.ground, self.study, tried, self.n_trials)
        return tuple(trial.record() for trial in tried), predictions


def next_batch(
    ground: Ground, study: search.Study, tried: Sequence[Trial], n_trials: int
) -> Batch | None:
    """Return the next trials, made ready; None when there is nothing more to try.

    Raises:
        InputError: If no model of the first batch can be made.
    """
    asked = study.ask(min(search.BATCH, n_trials - len(tried)))
    fresh = [Trial(len(tried) + i, values) for i, values in enumerate(asked)]
    return prepare_batch(ground, fresh) if fresh else None


def prepare_batch(ground: Ground, tried: Sequence[Trial]) -> Batch:
    """Make a batch ready; a trial whose model cannot be made is marked as failed.

    Raises:
        InputError: If no model of the first batch can be made.
    """
    try:
        return Batch(tried, _prepared(ground, tried))
    except InputError:
        fine = [trial for trial in tried if _can_be_made(ground, trial)]
        if not fine and tried[0].number == 0:
            raise
        return Batch(tried, _prepared(ground, fine) if fine else None)


def run_batch(
    batch: Batch,
    ground: Ground,
    earlier: Sequence[Trial],
    metric: Metric,
    tell: Listener,
    *,
    prune: bool,
) -> None:
    """Train a batch, stage by stage; the trials come out with state and scores."""
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


def _prepared(ground: Ground, tried: Sequence[Trial]) -> trials.Trials:
    for trial in tried:
        trial.candidate = as_candidate(ground.model, trial.values, trial.name)
    assignments = assign(
        [trial.candidate for trial in tried if trial.candidate],
        ground.dataset,
        ground.plan,
        n_seeds=ground.n_seeds,
        seed=ground.seed,
        preprocess=ground.preprocess,
    )
    made = trials.prepare(
        assignments, ground.training, ground.dataset, lanes=ground.lanes
    )
    by_name = {trial.name: trial for trial in tried}
    for each in assignments:
        by_name[each.candidate.name].assignments[each.fold, each.seed_index] = each
    return made


def _can_be_made(ground: Ground, trial: Trial) -> bool:
    try:
        _prepared(ground, [trial])
    except InputError as error:
        trial.state, trial.error = FAILED, str(error)
        return False
    return True


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
