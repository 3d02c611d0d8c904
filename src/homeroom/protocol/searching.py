"""A search at work: asked in batches, told what came of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeroom import search
from homeroom.engine import Description
from homeroom.records import (
    COMPLETE,
    FAILED,
    INTERRUPTED,
    Listener,
    Metric,
    TrialEnded,
    TrialRecord,
)

from .answers import out_of_fold
from .pruning import run_batch
from .trial import Batch, Coming, Ground, Trial, answer, mean_score


@dataclass(frozen=True, eq=False)
class Found:
    """What a search came to: `best` is the earliest complete trial of the best mean.

    `predictions` are the best one's, out of its folds. `halted` says that Ctrl-C came
    between two batches.
    """

    tried: Sequence[Trial]
    best: Trial | None = None
    predictions: NDArray[np.float32] | None = None
    halted: bool = False

    @property
    def records(self) -> tuple[TrialRecord, ...]:
        """What is remembered of every trial."""
        return tuple(trial.record() for trial in self.tried)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended it."""
        return self.halted or any(trial.state == INTERRUPTED for trial in self.tried)


@dataclass(frozen=True, eq=False)
class Searching:
    """A search whose first batch is ready to be trained."""

    ground: Ground
    study: search.Study
    first: Batch
    n_trials: int
    prune: bool

    @property
    def descriptions(self) -> Mapping[str, Description]:
        """What the models of the first batch will report, by trial."""
        assert self.first.prepared is not None
        return self.first.prepared.descriptions

    def run(self, metric: Metric, tell: Listener) -> Found:
        """Run every trial; Ctrl-C ends it with what is done.

        The models of a batch are drawn and traced while the one before it trains. So
        it is asked for without the answers of that one, however long either takes.
        """
        found = Found([])
        batch: Batch | None = self.first
        try:
            while batch is not None and not found.interrupted:
                coming = None
                if self.ground.asks_ahead:
                    coming = self._coming([*found.tried, *batch.tried])
                found = self._ended(batch, found, metric, tell, coming)
                if not self.ground.asks_ahead:
                    coming = self._coming(found.tried)
                batch = coming.ready() if coming else None
                if batch is not None and metric.name == "loss":
                    self._refuse_other_losses(batch)
        except KeyboardInterrupt:  # while models were made ready
            return replace(found, halted=True)
        return found

    def _refuse_other_losses(self, batch: Batch) -> None:
        """Let trials fail whose loss is in other units than that of the first ones."""
        known = {each.loss for each in self.descriptions.values()}
        found = batch.prepared.descriptions if batch.prepared else {}
        for trial in batch.tried:
            mine = found.get(trial.name)
            if len(known) == 1 and mine is not None and mine.loss not in known:
                trial.state = FAILED
                trial.error = (
                    f"its loss is {mine.loss}, and {min(known)} is what trials are "
                    "compared by"
                )

    def _coming(self, tried: Sequence[Trial]) -> Coming | None:
        return _coming(self.ground, self.study, len(tried), self.n_trials)

    def _ended(
        self,
        batch: Batch,
        found: Found,
        metric: Metric,
        tell: Listener,
        coming: Coming | None,
    ) -> Found:
        """Train a batch; return what was found, with its trials."""
        run_batch(
            batch,
            self.ground,
            found.tried,
            metric,
            tell,
            prune=self.prune,
            meanwhile=coming.look_ahead if coming else lambda: False,
        )
        for trial in batch.tried:
            self.study.tell(trial.values, answer(trial, self.ground, metric))
            found = self._with(trial, found, metric)
            trial.forget_arrays()
            score = mean_score(trial, metric)
            tell(TrialEnded(trial.record(), score, self.n_trials))
        return found

    def _with(self, trial: Trial, found: Found, metric: Metric) -> Found:
        tried = [*found.tried, trial]
        better = found.best is None or metric.better(
            mean_score(trial, metric), mean_score(found.best, metric)
        )
        if trial.state != COMPLETE or not better:
            return Found(tried, found.best, found.predictions)
        results = list(trial.results.values())
        return Found(tried, trial, out_of_fold(results, self.ground.dataset.n_rows))


def begin(
    ground: Ground, space: Any, *, sampler: str, n_trials: int, prune: bool
) -> Searching:
    """Return a search with its first batch made ready; every bad input shows here.

    Raises:
        InputError: If the sampler or the space is wrong, or no model can be made.
    """
    study = search.make_study(space, sampler, seed=ground.seed)
    first = _coming(ground, study, 0, n_trials)
    assert first is not None
    return Searching(ground, study, first.ready(), n_trials, prune)


def _coming(
    ground: Ground, study: search.Study, n_asked: int, n_trials: int
) -> Coming | None:
    """Ask for the next trials; None when there is nothing more to try."""
    asked = study.ask(min(search.BATCH, n_trials - n_asked))
    fresh = [Trial(n_asked + i, values) for i, values in enumerate(asked)]
    return Coming(ground, fresh) if fresh else None
