"""Plain `keras.Model.fit`, for what cannot be compiled into one epoch."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from . import door, template
from .callbacks import EpochCallbacks
from .lane import Course
from .member import Member, Outcome, Training
from .orders import Orders
from .steps import PREDICT_ROWS


def run(member: Member, training: Training, course: Course, reason: str) -> Outcome:
    """Train one member with Keras's own fit, on the same rows in the same order."""
    keras, jax = door.keras(), door.jax()
    started = time.perf_counter()
    model = template.build(
        member.build, member.seed, member.arrays, training.batch_size
    )
    initial = template.weights_fingerprint(template.state_of(model))
    best: list[Any] = []
    changed = [False]
    measured = member.measured_rows
    callbacks = EpochCallbacks(training.callbacks, training.epochs)

    class Follow(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            batches.begin(epoch)
            callbacks.epoch_begins(epoch)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            values = {name: float(value) for name, value in sorted(logs.items())}
            for prefix, rows in (
                ("val_", member.validation_rows),
                ("train_eval_", measured),
            ):
                if rows is not None:
                    found, moved = _measure(model, member, training, rows)
                    values |= {prefix + k: v for k, v in sorted(found.items())}
                    changed[0] |= moved
            decision = course.epoch_ended(values)
            callbacks.epoch_ends(epoch, values)
            if decision.is_best:
                best[:] = model.get_weights()
            if decision.stop:
                model.stop_training = True

    batches = _batches(keras, jax, member, training, course)
    callbacks.train_begins()
    model.fit(
        batches,
        epochs=training.epochs,
        shuffle=False,
        class_weight=training.class_weight,
        verbose=0,
        callbacks=[Follow()],
    )
    callbacks.train_ends(course.rows)
    if course.restores and best:
        model.set_weights(best)
    state = template.state_of(model)
    n_batches = -(-len(member.train_rows) // training.batch_size)
    return replace(
        course.outcome(n_batches),
        path="keras.fit",
        path_reason=reason,
        initial_weights=initial,
        final_weights=template.weights_fingerprint(state),
        evaluation_changed_state=changed[0],
        n_weights=sum(int(np.size(v)) for v in state[0]),
        weights=template.to_host(state) if training.keep_weights else None,
        predictions=_predictions(model, member, training),
        seconds=time.perf_counter() - started,
    )


def _measure(
    model: Any, member: Member, training: Training, rows: Any
) -> tuple[dict[str, float], bool]:
    """Evaluate, put back what that changed, and return whether a state had moved."""
    held = [*model.non_trainable_variables, *model.metrics_variables]
    before = [np.array(v.value) for v in held]
    x, y, weight = _rows(door.jax(), member, rows)
    logs = model.evaluate(
        x,
        y,
        sample_weight=weight,
        batch_size=training.validation_batch_size or training.batch_size,
        verbose=0,
        return_dict=True,
    )
    moved = [
        not np.array_equal(variable.value, value, equal_nan=True)
        for variable, value in zip(held, before, strict=True)
    ]
    for variable, value in zip(held, before, strict=True):
        variable.assign(value)
    n_states = len(model.non_trainable_variables)
    return {name: float(value) for name, value in logs.items()}, any(moved[:n_states])


def _rows(jax: Any, member: Member, rows: Any) -> tuple[Any, Any, Any]:
    arrays = member.arrays
    parts = (arrays.x, arrays.y, arrays.sample_weight)
    return jax.tree.map(lambda leaf: leaf[rows], parts)  # type: ignore[no-any-return]


def _batches(
    keras: Any, jax: Any, member: Member, training: Training, course: Course
) -> Any:
    """The member's batches in its own order, an epoch after the other."""
    size = training.batch_size
    orders = Orders(course.shared, member, training.shuffle)

    class Batches(keras.utils.PyDataset):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.begin(0)

        def __len__(self) -> int:
            return -(-len(member.train_rows) // size)

        def __getitem__(self, i: int) -> Any:
            rows = self.order[i * size : (i + 1) * size]
            batch = _rows(jax, member, rows)
            return batch if batch[2] is not None else batch[:2]

        def begin(self, epoch: int) -> None:
            self.order = orders.of_epoch(epoch)

    return Batches()


def _predictions(model: Any, member: Member, training: Training) -> Any | None:
    if not training.keep_predictions or member.validation_rows is None:
        return None
    x = _rows(door.jax(), member, member.validation_rows)[0]
    return model.predict(x, batch_size=PREDICT_ROWS, verbose=0)
