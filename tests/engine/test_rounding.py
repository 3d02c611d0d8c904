"""What is added up and divided over an epoch has the digits of `keras.Model.fit`."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from homeroom import engine

from . import plain

TRAINING = engine.Training(epochs=30, batch_size=32, keep_weights=True)


def differences(build, x, y, n_train):
    """Return in what a training differs from plain Keras's, validation included."""
    rows = np.arange(len(x), dtype=np.int32)
    each = engine.Member(
        key="one",
        build=build,
        arrays=engine.Arrays(x, y),
        train_rows=rows[:n_train],
        validation_rows=rows[n_train:],
        seed=0,
        order_seed=0,
        group=(build, ()),
    )
    (outcome,) = engine.train([each], TRAINING)
    return plain.same(outcome, plain.fit(each, TRAINING))


def numbers(n, outputs):
    dice = np.random.default_rng(0)
    x = dice.normal(size=(n, 8)).astype("float32")
    return x, (x[:, :outputs] + dice.normal(size=(n, outputs))).astype("float32")


def network(outputs, activation, loss, metrics):
    hidden = layers.Dense(8, activation="relu")
    head = layers.Dense(outputs, activation)
    model = keras.Sequential([keras.Input((8,)), hidden, head])
    model.compile("sgd", loss, metrics=metrics)
    return model


@pytest.mark.parametrize(
    ("loss", "metrics", "n_train", "n_validation"),
    [("mse", None, 48, 32), ("binary_crossentropy", ["accuracy"], 100, 18)],
)
def test_a_loss_is_added_up_in_the_order_of_keras(loss, metrics, n_train, n_validation):
    """Neither looking rows up nor what comes after moves a digit of a mean.

    Where XLA fuses either with the sum over a batch, it adds in another order.
    """
    x, y = numbers(n_train + n_validation, 1)
    y = y if loss == "mse" else (y > 0).astype("int32")
    head = None if loss == "mse" else "sigmoid"
    assert differences(lambda: network(1, head, loss, metrics), x, y, n_train) == []


class InverseRoot(keras.metrics.MeanSquaredError):
    """A metric of somebody's own, with constants and a root in its result."""

    def result(self):
        return 1 / keras.ops.sqrt(super().result() + 0.1 + 0.2)


@pytest.mark.parametrize(
    ("outputs", "metric"),
    [
        (1, lambda: InverseRoot(name="own")),
        (1, lambda: keras.metrics.R2Score(name="own")),
        (3, lambda: keras.metrics.AUC(curve="PR", name="own")),
        (3, lambda: keras.metrics.AUC(multi_label=True, num_labels=3, name="own")),
        (3, lambda: keras.metrics.F1Score(average="weighted", name="own")),
    ],
    ids=["inverse-root", "r2", "pr-auc", "auc-per-label", "f1"],
)
def test_results_of_an_epoch_are_rounded_as_keras_rounds_them(outputs, metric):
    """What follows from sums over an epoch has the digits of single operations.

    Within a program XLA takes a product and a sum in one go, with one rounding.
    """
    x, y = numbers(150, outputs)
    if outputs == 1:
        build = lambda: network(1, None, "mse", [metric()])  # noqa: E731
    else:
        y = (y > 0).astype("float32")
        build = lambda: network(3, "sigmoid", "binary_crossentropy", [metric()])  # noqa: E731
    assert differences(build, x, y, 100) == []
