"""The winner, trained once more on all development rows; and how it is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from homeroom import data, engine, judgement, seeding
from homeroom.data import Dataset
from homeroom.engine import Member, Training
from homeroom.errors import FitError, StoreError
from homeroom.records import (
    COMPLETE,
    INTERRUPTED,
    Listener,
    MemberRecord,
    Note,
    RefitRecord,
    RunRecord,
)
from homeroom.splits import Fold
from homeroom.store import Store, dump_estimator, load_estimator

from . import estimator, trials
from .candidate import Candidate
from .member import MEAN_CURVE, Assignment, facts_in, fold_arrays

_EVALUATE_ROWS = 256


@dataclass(frozen=True, eq=False)
class Winner:
    """A trained model with its preprocessing, ready for rows it has not seen.

    Args:
        name: The candidate's name.
        kind: "keras" or "estimator".
        model: A `keras.Model`, or a fitted estimator.
        preprocessing: What its rows went through, fitted; None for nothing.
        task: The dataset's task.
        n_classes: How many classes it has, for a classification.
    """

    name: str
    kind: str
    model: Any
    preprocessing: Any
    task: str
    n_classes: int = 0

    def prepare(self, x: Any) -> Any:
        """Return x as the model takes it."""
        if self.preprocessing is None:
            return x
        return data.transform(self.preprocessing, x)

    def predict(self, x: Any) -> Any:
        """Return the model's outputs for prepared x.

        For an estimator: probabilities [n, classes] or numbers [n, 1].
        """
        if self.kind == "estimator":
            return estimator.predict(self.model, x, self.task, self.n_classes)
        return self.model.predict(x, batch_size=_EVALUATE_ROWS, verbose=0)

    def evaluate(self, x: Any, rows: Dataset) -> dict[str, float]:
        """Return every metric, by its Keras name, for prepared x of `rows`."""
        if self.kind == "estimator":
            outputs = self.predict(x)
            return estimator.scores(outputs, rows.y, rows.sample_weight, self.task)
        found = self.model.evaluate(
            x,
            rows.y,
            sample_weight=rows.sample_weight,
            batch_size=_EVALUATE_ROWS,
            verbose=0,
            return_dict=True,
        )
        return {name: float(value) for name, value in found.items()}


def refit(
    candidate: Candidate,
    run: RunRecord,
    development: Dataset,
    training: Training,
    *,
    seed: int,
    preprocess: Any,
) -> tuple[Winner, RefitRecord]:
    """Train the chosen candidate of a run on all development rows.

    It gets the number of weight updates that its trainings in the folds needed (the
    median), not their number of epochs: an epoch of all rows has more updates. Where
    the folds stopped together, they needed the best epoch of their mean curve.

    Raises:
        FitError: If the training fails on all rows although it did not in the folds.
    """
    rows = np.arange(development.n_rows, dtype=np.int32)
    fold = Fold(0, 0, rows, rows[:0])
    arrays, fitted = fold_arrays(development, rows, preprocess)
    keras = candidate.kind == "keras"
    facts = facts_in(development, arrays, fold)
    member = Member(
        key="refit",
        build=candidate.build_for(facts) if keras else candidate.source,
        arrays=arrays,
        train_rows=rows,
        validation_rows=None,
        seed=seeding.derive(seed, "refit", "weights"),
        order_seed=seeding.derive(seed, "refit", "order"),
        group=candidate.name,
    )
    assignment = Assignment(candidate, 0, 0, member)
    task, n_classes = development.record.task, len(development.record.classes)
    if not keras:
        model = estimator.fitted(assignment, training.class_weight)
        winner = Winner(candidate.name, "estimator", model, fitted, task, n_classes)
        reason = f"fitted once more on all {len(rows)} development rows"
        return winner, _record(member, 1, 0, reason)
    epochs, reason = epochs_for(
        _updates(run, candidate.name), len(rows), training.batch_size
    )
    settings = trials.without_stopping(training, epochs)
    [outcome] = engine.train([member], settings)
    if outcome.state == INTERRUPTED:
        raise KeyboardInterrupt
    if outcome.state != COMPLETE:
        raise FitError(
            f"The refit of {candidate.name!r} on all {len(rows)} development rows "
            f"failed ({outcome.error or outcome.state.lower()}), although its "
            "trainings in the folds did not. The folds' results are kept."
        )
    model = engine.trained_model(member, settings, outcome)
    record = msgspec.structs.replace(
        _record(member, epochs, outcome.n_updates, reason),
        final_weights=outcome.final_weights,
        history=outcome.history,
        seconds=outcome.seconds,
    )
    return Winner(candidate.name, "keras", model, fitted, task, n_classes), record


def packed(winner: Winner) -> dict[str, bytes]:
    """Return the winner's model and preprocessing as they are stored, by kind.

    Raises:
        StoreError: If a part cannot be stored without running code to read it.
    """
    if winner.kind == "keras":
        contents = {"model": engine.save_model(winner.model)}
    else:
        contents = {"model": dump_estimator(winner.model)}
    if winner.preprocessing is not None:
        contents["preprocessing"] = dump_estimator(winner.preprocessing)
    return contents


def fetch(run: RunRecord, record: RefitRecord, store: Store) -> Winner:
    """Return the winner of `run` whose `packed` contents were stored."""
    [kind] = [c.kind for c in run.candidates if c.name == record.candidate]
    content = store.get_artifact(record.artifacts["model"])
    model = engine.load_model(content) if kind == "keras" else load_estimator(content)
    preprocessing = None
    if "preprocessing" in record.artifacts:
        address = record.artifacts["preprocessing"]
        preprocessing = load_estimator(store.get_artifact(address))
    task, n_classes = run.dataset.task, len(run.dataset.classes)
    return Winner(record.candidate, kind, model, preprocessing, task, n_classes)


def by_class(outputs: NDArray[Any]) -> NDArray[Any]:
    """Return a classifier's outputs as one column per class; a sigmoid has but one.

    >>> by_class(np.array([[0.25]])).tolist()
    [[0.75, 0.25]]
    """
    if outputs.ndim == 2 and outputs.shape[1] == 1:
        return np.concatenate([1 - outputs, outputs], axis=1)
    return outputs


def _updates(run: RunRecord, name: str) -> list[int]:
    """Return after how many updates each training in the folds was at its best."""
    members = run.members_of(name)
    best: Sequence[int | None] = [member.best_epoch for member in members]
    if run.settings.epoch_choice == MEAN_CURVE and None not in best:
        rule = run.settings.early_stopping
        for choice in judgement.epoch_choices(members, run.plan, run.metric, rule):
            best = choice.epochs if choice.rule == MEAN_CURVE else best
    return updates_of(members, best)


def updates_of(
    members: Sequence[MemberRecord], epochs: Sequence[int | None] | None = None
) -> list[int]:
    """Return after how many updates trainings were at an epoch; None is their best."""
    if epochs is None:
        epochs = [member.best_epoch for member in members]
    return [
        m.n_updates if epoch is None else m.updates_per_epoch * (epoch + 1)
        for m, epoch in zip(members, epochs, strict=True)
    ]


def epochs_for(kept: Sequence[int], n_rows: int, batch_size: int) -> tuple[int, str]:
    """Return the epochs in which that many rows get the median of `kept`, and why."""
    updates = median(kept)
    per_epoch = -(-n_rows // batch_size)
    epochs = max(1, round(updates / per_epoch))
    reason = (
        f"{epochs} epochs of {per_epoch} updates on all {n_rows} development rows: "
        f"nearest to the {updates:.0f} updates (median of {len(kept)} trainings) that "
        "were best in the folds"
    )
    return epochs, reason


def _record(member: Member, epochs: int, n_updates: int, reason: str) -> RefitRecord:
    return RefitRecord(
        candidate=str(member.group),
        epochs=epochs,
        n_updates=n_updates,
        n_rows=len(member.train_rows),
        seed=member.seed,
        reason=reason,
    )


def kept(
    winner: Winner, record: RefitRecord, store: Store, tell: Listener
) -> RefitRecord:
    """Store the winner; one that no file can hold is kept in this process only."""
    try:
        contents = packed(winner)
    except StoreError as error:
        tell(Note(f"The chosen model is not in the store. {error}"))
        reason = f"{record.reason}; not stored: {error}"
        return msgspec.structs.replace(record, reason=reason)
    artifacts = {kind: store.put_artifact(c, kind) for kind, c in contents.items()}
    return msgspec.structs.replace(record, artifacts=artifacts)
