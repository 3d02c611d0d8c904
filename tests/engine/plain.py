"""What plain Keras makes of a member: the engine's yardstick."""

from __future__ import annotations

from typing import Any

import jax
import keras
import numpy as np

from homeroom import engine
from homeroom.engine.orders import order_of_epoch

MEASURING = 512  # rows in a batch when training rows are measured


def fit(member: engine.Member, training: engine.Training) -> dict[str, Any]:
    """Train with `keras.Model.fit`, one epoch at a time, in the member's order.

    Returns the weights by part and the history, `train_eval_*` from `evaluate`.
    """
    keras.utils.set_random_seed(member.seed)
    model = member.build()
    history: dict[str, list[float]] = {}
    for epoch in range(training.epochs):
        order = order_of_epoch(member, epoch, shuffle=training.shuffle)
        x, y, weight = rows_of(member.arrays, order)
        logs = model.fit(
            x,
            y,
            sample_weight=weight,
            class_weight=training.class_weight,
            batch_size=training.batch_size,
            shuffle=False,
            initial_epoch=epoch,
            epochs=epoch + 1,
            validation_data=(
                None
                if member.validation_rows is None
                else rows_of(member.arrays, member.validation_rows)
            ),
            verbose=0,
        ).history
        x, y, weight = rows_of(member.arrays, member.measured_rows)
        measured = model.evaluate(
            x,
            y,
            sample_weight=weight,
            batch_size=MEASURING,
            verbose=0,
            return_dict=True,
        )
        logs |= {f"train_eval_{name}": [value] for name, value in measured.items()}
        for name, values in logs.items():
            history.setdefault(name, []).extend(values)
    return {"history": history, **parts_of(model)}


def fit_at_once(
    member: engine.Member, training: engine.Training, callbacks: Any = ()
) -> dict[str, Any]:
    """Train with one call of `keras.Model.fit`, in the order of the rows.

    Training rows are measured by a callback, as nothing else can be seen by one.
    """
    keras.utils.set_random_seed(member.seed)
    model = member.build()
    x, y, weight = rows_of(member.arrays, member.train_rows)
    measured: dict[str, list[float]] = {}

    class Measure(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            states = [np.array(v) for v in model.metrics_variables]
            found = model.evaluate(
                x, y, batch_size=MEASURING, verbose=0, return_dict=True
            )
            for name, value in found.items():
                measured.setdefault(f"train_eval_{name}", []).append(value)
            for variable, value in zip(model.metrics_variables, states, strict=True):
                variable.assign(value)

    history = model.fit(
        x,
        y,
        sample_weight=weight,
        batch_size=training.batch_size,
        shuffle=False,
        epochs=training.epochs,
        validation_data=rows_of(member.arrays, member.validation_rows)[:2],
        callbacks=[*callbacks, Measure()],
        verbose=0,
    ).history
    return {"history": history | measured, **parts_of(model)}


def fit_without_measuring(
    member: engine.Member, training: engine.Training
) -> dict[str, list[Any]]:
    """Train with `keras.Model.fit` without any evaluation; return the weights."""
    keras.utils.set_random_seed(member.seed)
    model = member.build()
    for epoch in range(training.epochs):
        order = order_of_epoch(member, epoch, shuffle=training.shuffle)
        x, y, _ = rows_of(member.arrays, order)
        model.fit(x, y, batch_size=training.batch_size, shuffle=False, verbose=0)
    return parts_of(model)


def parts_of(model: Any) -> dict[str, list[Any]]:
    """Return a model's values by part, as `engine.Weights` names them."""
    return {
        "trainable": [np.asarray(v) for v in model.trainable_variables],
        "non_trainable": [np.asarray(v) for v in model.non_trainable_variables],
        "optimizer": [np.asarray(v) for v in model.optimizer.variables],
    }


def rows_of(arrays: engine.Arrays, rows: Any) -> tuple[Any, Any, Any]:
    """Return (x, y, sample_weight) of some rows."""
    parts = (arrays.x, arrays.y, arrays.sample_weight)
    return jax.tree.map(lambda leaf: leaf[rows], parts)


def same(
    outcome: engine.Outcome, reference: dict[str, Any], tolerance: float = 0.0
) -> list[str]:
    """Return where an outcome with weights differs from `fit`'s, nothing if nowhere.

    Training rows are measured in batches of the engine's own choice, so that there the
    last digit may differ; everywhere else, no bit may without `tolerance`.
    """
    differences = []
    found = outcome.history.series
    expected = reference["history"]
    if set(found) != set(expected):
        return [f"history keys {sorted(found)} and not {sorted(expected)}"]
    for name, values in expected.items():
        allowed = max(tolerance, 2e-6 if name.startswith("train_eval_") else 0.0)
        if not _near(found[name], values, allowed):
            differences.append(f"{name}: {found[name]} and not {values}")
    for part in ("trainable", "non_trainable", "optimizer"):
        pairs = zip(getattr(outcome.weights, part), reference[part], strict=True)
        for i, (a, b) in enumerate(pairs):
            if a.dtype != b.dtype or not _near(a, b, tolerance):
                gap = np.max(np.abs(np.asarray(a, "float64") - np.asarray(b)))
                differences.append(f"{part}[{i}] differs by {gap}")
    return differences


def _near(a: Any, b: Any, tolerance: float) -> bool:
    return np.allclose(a, b, rtol=tolerance, atol=tolerance / 100, equal_nan=True)
