"""A trial: a combination of hyperparameters on its way through the folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from homeroom import search
from homeroom.data import Dataset
from homeroom.engine import Training
from homeroom.errors import HomeroomError
from homeroom.records import (
    COMPLETE,
    FAILED,
    PRUNED,
    RUNNING,
    Metric,
    Pruning,
    TrialRecord,
)
from homeroom.splits import SplitPlan

from . import trials
from .candidate import Candidate, as_candidate
from .ledger import Ledger
from .member import PER_FOLD, Assignment, Result, assign

Place: TypeAlias = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Ground:
    """What every trial of a search shares.

    `epoch_choice` is for the candidates that are compared. A trial's folds do not run
    at the same time, so that each stops by its own curve. `file_rows` are the rows of
    the file that the dataset has, None where no file can be read again. The programs of
    all trainings are written into `ledger`.
    """

    model: Any
    dataset: Dataset
    plan: SplitPlan
    training: Training
    n_seeds: int
    seed: int
    preprocess: Any = None
    lanes: int | None = None
    epoch_choice: str = PER_FOLD
    file_rows: Any = None
    ledger: Ledger = field(default_factory=Ledger)


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


def prepare_batch(ground: Ground, tried: Sequence[Trial]) -> Batch:
    """Make a batch ready; a trial whose model cannot be made is marked as failed.

    Raises:
        InputError: If no model of the first batch can be made.
    """
    try:
        return Batch(tried, _prepared(ground, tried))
    except HomeroomError:
        fine = [trial for trial in tried if _can_be_made(ground, trial)]
        if not fine and tried[0].number == 0:
            raise
        return Batch(tried, _prepared(ground, fine) if fine else None)


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


def _prepared(ground: Ground, tried: Sequence[Trial]) -> trials.Trials:
    for trial in tried:
        trial.candidate = as_candidate(ground.model, trial.values, trial.name)
    assignments = assign(
        [trial.candidate for trial in tried if trial.candidate],
        ground.dataset,
        ground.plan.folds,
        n_seeds=ground.n_seeds,
        seed=ground.seed,
        preprocess=ground.preprocess,
    )
    made = trials.prepare(
        assignments,
        ground.training,
        ground.dataset,
        lanes=ground.lanes,
        ledger=ground.ledger,
    )
    by_name = {trial.name: trial for trial in tried}
    for each in assignments:
        by_name[each.candidate.name].assignments[each.fold, each.seed_index] = each
    return made


def _can_be_made(ground: Ground, trial: Trial) -> bool:
    try:
        _prepared(ground, [trial])
    except HomeroomError as error:
        trial.state, trial.error = FAILED, str(error)
        return False
    return True
