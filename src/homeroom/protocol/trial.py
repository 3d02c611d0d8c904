"""A trial: a combination of hyperparameters on its way through the folds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from homeroom import engine, judgement, search
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
from .candidate import Candidate, as_candidate, is_estimator
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

    @property
    def asks_ahead(self) -> bool:
        """Whether a batch is asked for before the one before it is answered.

        It is worth it where models take their time to be made ready.
        """
        return not is_estimator(self.model)


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


@dataclass(frozen=True, eq=False)
class _Draft:
    """The trainings of trials; `begun` is None where none is of Keras."""

    assignments: Sequence[Assignment]
    begun: engine.Begun | None


class Coming:
    """Trials that were proposed, on their way to being a batch."""

    def __init__(self, ground: Ground, tried: Sequence[Trial]) -> None:
        self.tried = tried
        self._ground = ground
        self._draft: _Draft | None = None
        self._ahead = self._look_ahead()

    def look_ahead(self) -> bool:
        """Spend some hundredths of a second on them; return whether any were left.

        The batch is the same without, but ready later.
        """
        return next(self._ahead, False)

    def _look_ahead(self) -> Iterator[bool]:
        with suppress(HomeroomError):  # told of when they are made ready
            self._draft = _drafted(self._ground, self.tried)
            yield True
            begun = self._draft.begun
            while begun is not None and begun.look_ahead():
                yield True

    def ready(self) -> Batch:
        """Make them ready; a trial whose model cannot be made is marked as failed.

        Raises:
            InputError: If no model of the first batch can be made.
        """
        ground, tried = self._ground, self.tried
        try:
            draft = self._draft or _drafted(ground, tried)
            return Batch(tried, _prepared(ground, tried, draft))
        except HomeroomError:
            fine = [trial for trial in tried if _can_be_made(ground, trial)]
            if not fine and tried[0].number == 0:
                raise
            if not fine:
                return Batch(tried, None)
            return Batch(tried, _prepared(ground, fine, _drafted(ground, fine)))


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
    """Return the mean over the folds that are done, as `judgement` takes it, or NaN."""
    scores: dict[int, list[float]] = {}
    for (fold, _), result in sorted(trial.results.items()):
        if result.record.state == COMPLETE:
            value = result.record.scores[metric.validation_key]
            scores.setdefault(fold, []).append(value)
    return judgement.mean_of([judgement.mean_of(values) for values in scores.values()])


def _drafted(ground: Ground, tried: Sequence[Trial]) -> _Draft:
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
    begun = trials.begin(assignments, ground.training, ground.lanes)
    return _Draft(assignments, begun)


def _prepared(ground: Ground, tried: Sequence[Trial], draft: _Draft) -> trials.Trials:
    made = trials.prepare(
        draft.assignments,
        ground.training,
        ground.dataset,
        lanes=ground.lanes,
        ledger=ground.ledger,
        begun=draft.begun,
    )
    by_name = {trial.name: trial for trial in tried}
    for each in draft.assignments:
        by_name[each.candidate.name].assignments[each.fold, each.seed_index] = each
    return made


def _can_be_made(ground: Ground, trial: Trial) -> bool:
    try:
        _prepared(ground, [trial], _drafted(ground, [trial]))
    except HomeroomError as error:
        trial.state, trial.error = FAILED, str(error)
        return False
    return True
