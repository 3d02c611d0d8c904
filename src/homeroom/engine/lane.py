"""One member from fresh weights to its outcome, an epoch at a time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from homeroom import seeding
from homeroom.records import COMPLETE, FAILED, INTERRUPTED, History

from . import door, template
from .callbacks import EpochCallbacks
from .member import Member, OnEpoch, Outcome, Rows, Training
from .program import PREDICT_ROWS, Program, Shape
from .stopping import Decision, EarlyStopping, StoppingState, step

Halt = Callable[[], bool]


@dataclass
class Course:
    """What a training has been through; shared by the fast path and plain Keras."""

    member: Member
    rule: EarlyStopping | None
    on_epoch: OnEpoch
    halt: Halt
    stopping: StoppingState = field(default_factory=StoppingState)
    rows: list[dict[str, float]] = field(default_factory=list)
    stopped_epoch: int | None = None
    reason: str = "epochs"
    error: str | None = None

    def epoch_ended(self, logs: dict[str, float]) -> Decision:
        """Record an epoch and decide what follows."""
        epoch = len(self.rows)
        self.rows.append(logs)
        self.on_epoch(self.member, epoch, logs)
        if not math.isfinite(logs.get("loss", 0.0)):
            self.reason = "diverged"
            self.error = f"the training loss became {logs['loss']} in epoch {epoch + 1}"
            return Decision(is_best=False, stop=True)
        decision = Decision(is_best=False, stop=False)
        if self.rule is not None:
            value = logs[self.rule.monitor]
            self.stopping, decision = step(self.rule, self.stopping, epoch, value)
        if decision.stop:
            self.stopped_epoch, self.reason = epoch, "patience"
        elif self.halt():
            self.reason = "interrupted"
            decision = Decision(decision.is_best, stop=True)
        return decision

    @property
    def restores(self) -> bool:
        """Whether the best weights are kept instead of the last."""
        return self.rule is not None and self.rule.restore_best_weights

    def outcome(self, updates_per_epoch: int) -> Outcome:
        """Return what is known of the training without its weights."""
        names = self.rows[0] if self.rows else {}
        history = History({k: tuple(row[k] for row in self.rows) for k in names})
        restored = self.stopping.best_epoch if self.restores else None
        state = {"diverged": FAILED, "interrupted": INTERRUPTED}.get(
            self.reason, COMPLETE
        )
        error = self.error
        if (
            state == COMPLETE
            and self.rule
            and len(self.rows) > self.rule.start_from_epoch
            and self.stopping.best_epoch is None
        ):
            state = FAILED
            error = f"{self.rule.monitor} was never a finite number"
        return Outcome(
            state=state,
            history=history,
            scores=self.rows[-1 if restored is None else restored] if names else {},
            best_epoch=restored,
            stopped_epoch=self.stopped_epoch,
            stop_reason=self.reason,
            updates_per_epoch=updates_per_epoch,
            n_updates=updates_per_epoch * len(self.rows),
            error=error,
        )


def order_of_epoch(member: Member, epoch: int, *, shuffle: bool) -> Rows:
    """Return the training rows in the order of one epoch's batches.

    It depends on the member's `order_seed` and the epoch only: candidates that share
    a fold and a seed see the same batches.
    """
    if not shuffle:
        return member.train_rows
    generator = seeding.generator(member.order_seed, "epoch", epoch)
    return generator.permutation(member.train_rows)


def run(
    member: Member,
    state: Any,
    program: Program,
    arrays: Any,
    training: Training,
    course: Course,
) -> Outcome:
    """Train one member with a compiled program, from `state`, to its outcome."""
    started = time.perf_counter()
    callbacks = EpochCallbacks(training.callbacks, training.epochs)
    initial = template.weights_fingerprint(state)
    shape = program.shape
    tables = _measured(member, shape)
    best, changed = state, False
    callbacks.train_begins()
    for epoch in range(training.epochs):
        callbacks.epoch_begins(epoch)
        order = order_of_epoch(member, epoch, shuffle=training.shuffle)
        table = shape.train.table(order, shape.n_rows)
        state, values, measured, moved = program.epoch(state, arrays, table, tables)
        logs = _logs(program, np.asarray(values), np.asarray(measured))
        changed = changed or bool(moved)
        decision = course.epoch_ended(logs)
        callbacks.epoch_ends(epoch, logs)
        if decision.is_best:
            best = state
        if decision.stop:
            break
    callbacks.train_ends(course.rows)
    if course.restores and course.stopping.best_epoch is not None:
        state = best
    outcome = replace(
        course.outcome(-(-len(member.train_rows) // training.batch_size)),
        initial_weights=initial,
        final_weights=template.weights_fingerprint(state),
        evaluation_changed_state=changed,
        n_weights=sum(int(np.size(v)) for v in state[0]),
        weights=template.to_host(state) if training.keep_weights else None,
        predictions=_predictions(member, state, program, training),
    )
    return replace(outcome, seconds=time.perf_counter() - started)


def _measured(member: Member, shape: Shape) -> Any:
    """Return the tables of what is measured after each epoch, on the device."""
    tables = [shape.train_eval.table(member.train_rows, shape.n_rows)]
    if member.validation_rows is not None and shape.validation is not None:
        tables.insert(0, shape.validation.table(member.validation_rows, shape.n_rows))
    return door.jax().device_put(tables)


def _logs(program: Program, values: Any, measured: Any) -> dict[str, float]:
    """Return one epoch's values by history key."""
    logs = dict(zip(program.train_names, map(float, values), strict=True))
    prefixes = ["val_", "train_eval_"] if len(measured) == 2 else ["train_eval_"]
    for prefix, row in zip(prefixes, measured, strict=True):
        for name, value in zip(program.test_names, row, strict=True):
            logs[prefix + name] = float(value)
    return logs


def _predictions(
    member: Member, state: Any, program: Program, training: Training
) -> Any | None:
    if not training.keep_predictions or member.validation_rows is None:
        return None
    return predict(program.predict, state, member.arrays.x, member.validation_rows)


def predict(function: Any, state: Any, x: Any, rows: Rows) -> Any:
    """Return the model's outputs for `rows`, in inference mode, on the host.

    Rows go through in chunks of one size, the last one filled up: in inference a row
    does not see its neighbours.
    """
    jax = door.jax()
    pieces = []
    for start in range(0, len(rows), PREDICT_ROWS):
        chunk = rows[start : start + PREDICT_ROWS]
        filled = np.resize(chunk, PREDICT_ROWS)
        outputs = function(state[0], state[1], jax.tree.map(lambda a: a[filled], x))  # noqa: B023
        pieces.append(jax.tree.map(lambda a: np.asarray(a)[: len(chunk)], outputs))  # noqa: B023
    return jax.tree.map(lambda *leaves: np.concatenate(leaves), *pieces)
