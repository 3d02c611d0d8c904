"""Who chooses the epoch that a fold is scored at; some ways need a second pass.

With "one_std_err" and "inner_split" the number of epochs is known only after a first
pass. The second trains each fold for exactly as long, with nothing to stop it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from homeroom import judgement
from homeroom.data import Dataset
from homeroom.engine import EarlyStopping
from homeroom.errors import InputError, check_one_of
from homeroom.records import COMPLETE, INTERRUPTED, Listener, Metric, Settings
from homeroom.splits import Fold, SplitPlan

from . import trials
from .inside import inner_plan
from .member import (
    INNER_SPLIT,
    MEAN_CURVE,
    ONE_STD_ERR,
    PER_FOLD,
    Assignment,
    Result,
    assign,
)
from .refit import epochs_for, updates_of

_EPOCH_CHOICES = (MEAN_CURVE, ONE_STD_ERR, PER_FOLD, INNER_SPLIT)
_INNER_FOLDS = 5  # one of them, a fifth of a fold's training rows, stops its training


def check_epoch_choice(choice: str, stopping: EarlyStopping | None) -> None:
    """Refuse a way to choose the epoch that there is not, or not by this rule.

    Raises:
        InputError: If it is unknown, or compares folds by no validation score.
    """
    check_one_of("epoch_choice", choice, _EPOCH_CHOICES)
    monitor = stopping.monitor if stopping else "val_loss"
    if choice == ONE_STD_ERR and not monitor.startswith("val_"):
        raise InputError(
            f"epoch_choice={choice!r} compares the validation curves of folds, and "
            f"early stopping monitors {monitor!r}. Monitor a key that begins with "
            f"'val_', or use epoch_choice={MEAN_CURVE!r}."
        )


@dataclass(frozen=True, eq=False)
class Passes:
    """The trainings of a plan, in one pass or in two.

    `inner` has the first pass of "inner_split": the same candidates on four fifths of
    each fold's training rows, stopped by the last fifth.
    """

    choice: str
    prepared: trials.Trials
    plan: SplitPlan
    dataset: Dataset
    lanes: int | None
    inner: trials.Trials | None = None

    def run(
        self,
        settings: Settings,
        metric: Metric,
        tell: Listener,
        keep: Callable[[Result], None] = lambda _: None,
    ) -> list[Result]:
        """Train; return the results in the order of the assignments."""
        if self.inner is not None:
            return self._after_inner_splits(self.inner, tell, keep)
        if self.choice != ONE_STD_ERR or settings.early_stopping is None:
            return trials.run(self.prepared, tell, keep)
        first = trials.run(self.prepared, tell, stage="first pass")
        epochs = self._within_one_error(first, settings, metric)
        if not epochs or _interrupted(first):
            for result in first:
                keep(result)
            return first
        second = self._again(epochs, tell)
        results = [_merged(r, second.get(_key(r.assignment))) for r in first]
        for result in results:
            keep(result)
        return results

    def _within_one_error(
        self, results: Sequence[Result], settings: Settings, metric: Metric
    ) -> dict[Any, int]:
        """Return how many epochs each training gets that can be chosen for."""
        found = {}
        for name in dict.fromkeys(r.record.candidate for r in results):
            mine = sorted(
                (r for r in results if r.record.candidate == name),
                key=lambda r: (r.record.fold, r.record.seed_index),
            )
            choices = judgement.epoch_choices(
                [r.record for r in mine],
                self.plan.record,
                metric,
                settings.early_stopping,
            )
            done = [r for r in mine if r.record.state == COMPLETE]
            for choice in choices:
                if choice.rule == ONE_STD_ERR:
                    for result, epoch in zip(done, choice.epochs, strict=True):
                        found[_key(result.assignment)] = epoch + 1
        return found

    def _after_inner_splits(
        self,
        inner: trials.Trials,
        tell: Listener,
        keep: Callable[[Result], None],
    ) -> list[Result]:
        inside = trials.run(inner, tell, stage="inner splits")
        if _interrupted(inside):  # a model of an inner split is not a result
            return [trials.not_begun(each) for each in self.prepared.assignments]
        first = {_key(result.assignment): result for result in inside}
        size = self.prepared.training.batch_size
        epochs = {}
        for key, result in first.items():
            if result.record.state == COMPLETE:
                n_rows = len(self.plan.folds[result.record.fold].train)
                epochs[key], _ = epochs_for(updates_of([result.record]), n_rows, size)
        second = self._again(epochs, tell, and_estimators=True)
        results = []
        for assignment in self.prepared.assignments:
            key = _key(assignment)
            # what failed inside is what there is to show
            result = second.get(key) or replace(first[key], assignment=assignment)
            keep(result)
            results.append(result)
        return results

    def _again(
        self, epochs: dict[Any, int], tell: Listener, *, and_estimators: bool = False
    ) -> dict[Any, Result]:
        """Train those again, each for as many epochs; return the results by key."""
        chosen = []
        for each in self.prepared.assignments:
            if (n := epochs.get(_key(each))) is not None:
                member = replace(each.member, epochs=n, cohort=None)
                chosen.append(replace(each, member=member))
            elif and_estimators and each.candidate.kind == "estimator":
                chosen.append(each)
        if not chosen:
            return {}
        training = replace(
            trials.without_stopping(
                self.prepared.training, max(epochs.values(), default=1)
            ),
            keep_weights=False,
            keep_predictions=True,
        )
        ready = trials.prepare(
            chosen,
            training,
            self.dataset,
            lanes=self.lanes,
            ledger=self.prepared.ledger,
        )
        results = trials.run(ready, tell, stage="second pass")
        return {_key(result.assignment): result for result in results}


def passes(
    choice: str,
    prepared: trials.Trials,
    plan: SplitPlan,
    dataset: Dataset,
    *,
    seed: int,
    preprocess: Any,
    lanes: int | None,
) -> Passes:
    """Return the trainings with what their way of choosing the epoch needs first.

    Raises:
        InputError: If a fold has too few rows to be split inside.
    """
    candidates = {
        each.candidate.name: each.candidate
        for each in prepared.assignments
        if each.candidate.kind == "keras"
    }
    stops = prepared.training.early_stopping is not None
    if choice != INNER_SPLIT or not candidates or not stops:
        return Passes(choice, prepared, plan, dataset, lanes)
    inside = [inner_plan(_INNER_FOLDS, dataset, f, seed).folds[0] for f in plan.folds]
    folds = [
        Fold(outer.repeat, outer.fold, each.train, each.validation)
        for outer, each in zip(plan.folds, inside, strict=True)
    ]
    assignments = assign(
        list(candidates.values()),
        dataset,
        folds,
        n_seeds=1 + max(each.seed_index for each in prepared.assignments),
        seed=seed,
        preprocess=preprocess,
    )
    inner = trials.prepare(
        assignments, prepared.training, dataset, lanes=lanes, ledger=prepared.ledger
    )
    return Passes(choice, prepared, plan, dataset, lanes, inner)


def _key(assignment: Assignment) -> Any:
    return assignment.candidate.name, assignment.fold, assignment.seed_index


def _interrupted(results: Sequence[Result]) -> bool:
    return any(result.record.state == INTERRUPTED for result in results)


def _merged(first: Result, second: Result | None) -> Result:
    """Return the weights and scores of the second pass with the curve of the first."""
    if second is None:
        return first
    if second.record.state != COMPLETE:
        return replace(second, assignment=first.assignment)
    curve = {name: first.fields[name] for name in ("stopped_epoch", "stop_reason")}
    fields = {
        **second.fields,
        **curve,
        "history": first.fields["history"],
        "best_epoch": second.fields["history"].n_epochs - 1,
        "seconds": first.fields["seconds"] + second.fields["seconds"],
    }
    return Result(first.assignment, fields, second.outcome, second.predictions)
