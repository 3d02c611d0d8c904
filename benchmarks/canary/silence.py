"""Hazards of silence: what Keras and JAX do without a word."""

from __future__ import annotations

import math
import warnings
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
from finding import HAZARD, SAFE, UNKNOWN, Said, hazard

ROWS, FEATURES, CLASSES = 24, 4, 3


def small_model() -> Any:
    """Return a compiled classifier with dropout."""
    model = keras.Sequential([
        keras.Input((FEATURES,)),
        keras.layers.Dense(8, activation="relu"),
        keras.layers.Dropout(0.3),
        keras.layers.Dense(CLASSES, activation="softmax"),
    ])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def small_data() -> tuple[Any, Any]:
    """Return rows and labels for it."""
    dice = np.random.default_rng(0)
    x = dice.normal(size=(ROWS, FEATURES)).astype("float32")
    return x, dice.integers(0, CLASSES, ROWS).astype("int32")


@hazard("EarlyStopping after a first epoch of NaN", plan="a stopping rule of our own")
def nan_first() -> Said:
    rule = keras.callbacks.EarlyStopping("val_loss", patience=9, mode="min")
    rule.set_model(SimpleNamespace(stop_training=False))
    rule.on_train_begin()
    for epoch, value in enumerate((math.nan, 1.0, 0.5)):
        rule.on_epoch_end(epoch, {"val_loss": value})
    found = float(rule.best)
    return f"best of NaN, 1, 0.5 is {found}", SAFE if found == 0.5 else HAZARD


@hazard("labels out of range", plan="labels are checked before training")
def labels_out_of_range() -> Said:
    x, y = small_data()
    y[0] = CLASSES + 4
    try:
        found = small_model().fit(x, y, batch_size=ROWS, verbose=0).history["loss"][0]
    except Exception as error:  # noqa: BLE001 - whatever it is, it is not silent
        return f"{type(error).__name__}", SAFE
    return f"fit trains, loss {found:.3g}", HAZARD


@hazard("int64 cut to int32", plan="whole numbers are checked before they are cast")
def cut_integers() -> Said:
    number = np.array([2**40 + 7])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = np.asarray(keras.ops.convert_to_tensor(number))
    if found[0] == number[0] or told:
        return f"{found.dtype}, {len(told)} warnings", SAFE
    return f"2**40 + 7 becomes {found[0]}, no warning", HAZARD


@hazard("an empty validation set", plan="a part without rows is refused")
def empty_validation() -> Said:
    x, y = small_data()
    empty = (x[:0], y[:0])
    try:
        with warnings.catch_warnings(action="ignore"):
            fitted = small_model().fit(
                x, y, validation_data=empty, batch_size=ROWS, verbose=0
            )
    except Exception as error:  # noqa: BLE001 - whatever it is, it is not silent
        return f"{type(error).__name__}", SAFE
    found = [key for key in fitted.history if key.startswith("val_")]
    return f"{len(found)} val_ keys, no error", SAFE if found else HAZARD


@hazard(
    "steps_per_execution loops in Python (keras#23527)",
    plan="an epoch is one compiled loop",
)
def steps_per_execution() -> Said:
    model, steps, calls = small_model(), 4, 0
    model.steps_per_execution = steps

    def step(state: Any, data: Any) -> Any:
        nonlocal calls
        calls += 1
        return data, state

    try:
        model._make_function(step)(0, iter(range(steps)))
    except Exception as error:  # noqa: BLE001 - made in another way by now
        return f"{type(error).__name__}: made in another way", UNKNOWN
    said = f"{calls} calls of Python for {steps} steps"
    return said, HAZARD if calls == steps else SAFE


@hazard("TensorFlow beside Keras slows its import", plan="never a dependency")
def tensorflow() -> Said:
    found = find_spec("tensorflow") is not None
    return "installed" if found else "not installed", HAZARD if found else SAFE
