"""The winner, trained once more on all development rows."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

import msgspec
import numpy as np

from homeroom import engine, judgement, seeding
from homeroom.data import Dataset
from homeroom.engine import Member, Training
from homeroom.errors import FitError
from homeroom.records import (
    COMPLETE,
    INTERRUPTED,
    MemberRecord,
    RefitRecord,
    RunRecord,
)
from homeroom.splits import Fold

from . import estimator, trials
from .candidate import Candidate
from .ledger import Ledger
from .member import MEAN_CURVE, Assignment, facts_in, fold_arrays
from .winner import Winner


def refit(
    candidate: Candidate,
    run: RunRecord,
    development: Dataset,
    training: Training,
    *,
    seed: int,
    preprocess: Any,
    ledger: Ledger,
) -> tuple[Winner, RefitRecord]:
    """Train the chosen candidate of a run on all development rows.

    It gets the number of weight updates that its trainings in the folds needed (the
    median), not their number of epochs: an epoch of all rows has more updates. Where
    the folds stopped together, they needed the best epoch of their mean curve.
    Its program is written into `ledger`.

    Raises:
        FitError: If the training fails on all rows although it did not in the folds.
    """
    updates = _updates(run, candidate.name) if candidate.kind == "keras" else []
    return train_on_all(
        candidate,
        development,
        training,
        updates,
        seed=seed,
        preprocess=preprocess,
        ledger=ledger,
    )


def train_on_all(
    candidate: Candidate,
    development: Dataset,
    training: Training,
    updates: Sequence[int],
    *,
    seed: int,
    preprocess: Any,
    ledger: Ledger,
) -> tuple[Winner, RefitRecord]:
    """Train a candidate on all rows, as long as the median of `updates` says.

    Those are the updates after which each training in the folds was at its best; an
    estimator needs none. Raises as `refit` does.
    """
    rows = np.arange(development.n_rows, dtype=np.int32)
    fold = Fold(0, 0, rows, rows[:0])
    drawn_by = seeding.derive(seed, "refit", "preprocess")
    arrays, fitted = fold_arrays(development, rows, preprocess, drawn_by)
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
    epochs, reason = epochs_for(updates, len(rows), training.batch_size)
    settings = trials.without_stopping(training, epochs)
    prepared = engine.prepare([member], settings)
    [outcome] = prepared.train()
    ledger.note(prepared, {member.group: candidate.name}, "refit")
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
