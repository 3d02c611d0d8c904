"""Searches inside outer folds: made anew in each, and scored outside of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from homeroom.records import INTERRUPTED, Listener, Metric, StageStarted
from homeroom.splits import SplitPlan

from . import trials
from .candidate import as_candidate
from .ledger import Ledger
from .member import Result, assign
from .refit import epochs_for, updates_of
from .searching import Found, Searching
from .trial import Ground, Trial
from .tuning import Search


@dataclass(frozen=True, eq=False)
class Nested:
    """The searches and the outer trainings that were made."""

    searches: list[Search]
    results: list[Result]
    interrupted: bool = False


@dataclass(frozen=True, eq=False)
class Nest:
    """Searches inside outer folds; each ground has an outer fold's inner folds.

    The programs of the outer trainings are written into `ledger`.
    """

    name: str
    outer: SplitPlan
    grounds: Sequence[Ground]
    n_seeds: int
    begin: Callable[[Ground], Searching]
    ledger: Ledger

    def run(self, first: Searching, metric: Metric, tell: Listener) -> Nested:
        """Search and score fold by fold; Ctrl-C ends it with what is done."""
        done = Nested([], [])
        try:
            for number, ground in enumerate(self.grounds):
                tell(StageStarted(f"outer fold {number + 1} of {len(self.grounds)}"))
                searching = self.begin(ground) if number else first
                found = searching.run(metric, tell)
                done.searches.append(self._search(searching, found, metric))
                if found.interrupted:
                    return replace(done, interrupted=True)
                if found.best is not None:
                    done.results.extend(self._outside(number, found.best, tell))
                if any(r.record.state == INTERRUPTED for r in done.results):
                    return replace(done, interrupted=True)
        except KeyboardInterrupt:  # while models were made ready
            return replace(done, interrupted=True)
        return done

    def _search(self, searching: Searching, found: Found, metric: Metric) -> Search:
        return Search(
            candidate=self.name,
            trials=found.records,
            plan=searching.ground.plan.record,
            metric=metric,
            predictions=found.predictions,
            programs=searching.ground.ledger.records(),
            directions=next(iter(searching.descriptions.values())).directions,
            _values=[trial.values for trial in found.tried],
        )

    def _outside(self, number: int, best: Trial, tell: Listener) -> list[Result]:
        """Train the best hyperparameters on an outer fold's rows, and score them."""
        ground, fold = self.grounds[number], self.outer.folds[number]
        assignments = assign(
            [as_candidate(ground.model, best.values, self.name)],
            ground.dataset,
            [fold],
            n_seeds=self.n_seeds,
            seed=ground.seed,
            preprocess=ground.preprocess,
        )
        assignments = [replace(each, fold=number) for each in assignments]
        updates = updates_of(best.record().members)
        epochs, _ = epochs_for(updates, len(fold.train), ground.training.batch_size)
        training = replace(
            trials.without_stopping(ground.training, epochs),
            keep_weights=False,
            keep_predictions=True,
        )
        ready = trials.prepare(
            assignments,
            training,
            ground.dataset,
            lanes=ground.lanes,
            ledger=self.ledger,
        )
        return trials.run(ready, tell, stage="outer trainings")
