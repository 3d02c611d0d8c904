"""Small models of every kind that people train, each with a few rows to train on.

A specimen is a model function and its data. The model functions are plain Keras: the
tests hold the engine to what `keras.Model.fit` makes of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import layers

from homeroom.engine import Arrays, Member

N_ROWS, BATCH_SIZE = 72, 16
N_TRAIN = 48  # three full batches; validation is one full and one of 8

_random = np.random.default_rng(3)
FEATURES = _random.normal(size=(N_ROWS, 6)).astype("float32")
IMAGES = _random.normal(size=(N_ROWS, 6, 6, 2)).astype("float32")
SERIES = _random.normal(size=(N_ROWS, 5, 3)).astype("float32")
TOKENS = _random.integers(0, 11, size=(N_ROWS, 5)).astype("int32")
LABELS = _random.integers(0, 3, size=N_ROWS).astype("int32")
BINARY = (FEATURES[:, 0] > 0).astype("float32")[:, None]
TARGETS = (FEATURES @ _random.normal(size=(6, 1))).astype("float32")
WEIGHTS = _random.uniform(0.2, 2.0, size=N_ROWS).astype("float32")


@dataclass(frozen=True)
class Specimen:
    """A model function with its data; `class_weight` as in fit.

    Inside a loop XLA multiplies grouped convolutions in another order: with those,
    only `tolerance` is kept, and not every bit.
    """

    build: Callable[[], Any]
    arrays: Arrays
    class_weight: dict[int, float] | None = None
    tolerance: float = 0.0


def classifier(
    *body: Any,
    shape: tuple[int, ...] = (6,),
    optimizer: Any = "adam",
    metrics: Any = ("accuracy",),
) -> Any:
    """Return a Sequential three-class model with `body` between input and head."""
    model = keras.Sequential([
        layers.Input(shape),
        *body,
        layers.Dense(3, activation="softmax"),
    ])
    loss = "sparse_categorical_crossentropy"
    model.compile(optimizer, loss, metrics=list(metrics))
    return model


def regressor(*body: Any, optimizer: Any = "adam", loss: Any = "mse") -> Any:
    """Return a Sequential one-number model with `body` between input and head."""
    model = keras.Sequential([layers.Input((6,)), *body, layers.Dense(1)])
    model.compile(optimizer, loss, metrics=["mae"])
    return model


def dense() -> Any:
    return classifier(layers.Dense(8, activation="relu"))


def batch_normalization() -> Any:
    return classifier(layers.Dense(8), layers.BatchNormalization(), layers.ReLU())


def dropout() -> Any:
    return classifier(layers.Dense(8, activation="relu"), layers.Dropout(0.4))


def gaussian_noise() -> Any:
    return classifier(layers.GaussianNoise(0.3), layers.Dense(8, activation="tanh"))


def l2_penalty() -> Any:
    penalty = keras.regularizers.L2(0.02)
    return classifier(layers.Dense(8, kernel_regularizer=penalty))


def conv1d() -> Any:
    return classifier(
        layers.Conv1D(4, 3, activation="relu"),
        layers.GlobalAveragePooling1D(),
        shape=(5, 3),
    )


def conv2d() -> Any:
    return classifier(
        layers.Conv2D(4, 3, strides=2, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        shape=(6, 6, 2),
    )


def separable_conv() -> Any:
    return classifier(
        layers.DepthwiseConv2D(3, padding="same"),
        layers.SeparableConv2D(4, 3, activation="relu"),
        layers.GlobalMaxPooling2D(),
        shape=(6, 6, 2),
    )


def lstm() -> Any:
    return classifier(layers.LSTM(6), shape=(5, 3))


def gru() -> Any:
    return classifier(layers.GRU(5), shape=(5, 3))


def embedding() -> Any:
    return classifier(
        layers.Embedding(11, 4, mask_zero=True),
        layers.GlobalAveragePooling1D(),
        shape=(5,),
    )


def attention() -> Any:
    inputs = layers.Input((5, 3))
    attended = layers.MultiHeadAttention(2, 4, dropout=0.1)(inputs, inputs)
    hidden = layers.LayerNormalization()(layers.Add()([inputs, attended]))
    outputs = layers.Dense(3, activation="softmax")(layers.Flatten()(hidden))
    model = keras.Model(inputs, outputs)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _two_inputs(inputs: Any, first: Any, second: Any) -> Any:
    hidden = layers.Concatenate()([first, layers.Flatten()(second)])
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(hidden))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def list_inputs() -> Any:
    first, second = layers.Input((6,)), layers.Input((5, 3))
    return _two_inputs([first, second], first, second)


def dict_inputs() -> Any:
    first, second = layers.Input((6,), name="row"), layers.Input((5, 3), name="past")
    return _two_inputs({"row": first, "past": second}, first, second)


def dict_outputs() -> Any:
    inputs = layers.Input((6,))
    hidden = layers.Dense(8, activation="relu")(inputs)
    outputs = {
        "kind": layers.Dense(3, activation="softmax", name="kind")(hidden),
        "size": layers.Dense(1, name="size")(hidden),
    }
    model = keras.Model(inputs, outputs)
    model.compile(
        "adam",
        loss={"kind": "sparse_categorical_crossentropy", "size": "mse"},
        loss_weights={"kind": 1.0, "size": 0.3},
        metrics={"kind": ["accuracy"], "size": ["mae"]},
    )
    return model


class OwnStep(keras.Model):
    """A model with its own training step: noise on the inputs, a scaled loss."""

    def __init__(self, scale: float = 1.0) -> None:
        super().__init__()
        self.hidden = layers.Dense(8, activation="relu")
        self.head = layers.Dense(1)
        self.noise = keras.random.SeedGenerator(5)
        self.scale = scale

    def call(self, x: Any, training: bool = False) -> Any:
        if training:
            x = x + 0.1 * keras.random.normal(keras.ops.shape(x), seed=self.noise)
        return self.head(self.hidden(x)) * self.scale

    def train_step(self, state: Any, data: Any) -> Any:
        logs, state = super().train_step(state, data)
        trainable, non_trainable, optimizer, metrics = state
        trainable = [v * 0.999 for v in trainable]
        return logs, (trainable, non_trainable, optimizer, metrics)


def own_step(scale: float = 1.0) -> Any:
    model = OwnStep(scale)
    model.compile("adam", "mse", metrics=["mae"])
    return model


class Retyped(keras.Sequential):
    """A model that jit can train and a loop cannot: its state changes its type."""

    def train_step(self, state: Any, data: Any) -> Any:
        logs, (*weights, optimizer, metrics) = super().train_step(state, data)
        optimizer = [optimizer[0].astype("uint32"), *optimizer[1:]]
        return logs, (*weights, optimizer, metrics)


def retyped(rate: float = 1e-3) -> Any:
    """Return a model that has to go through plain fit."""
    model = Retyped([
        layers.Input((6,)),
        layers.Dense(8, activation="relu"),
        layers.Dense(3),
    ])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    return model


def untyped(rate: float = 1e-3) -> Any:
    """Return the same model as `retyped`, for the compiled path."""
    model = keras.Sequential([
        layers.Input((6,)),
        layers.Dense(8, activation="relu"),
        layers.Dense(3),
    ])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
    return model


def schedule() -> Any:
    rate = keras.optimizers.schedules.CosineDecay(0.05, decay_steps=9)
    return regressor(layers.Dense(8), optimizer=keras.optimizers.Adam(rate))


def clipnorm() -> Any:
    return regressor(
        layers.Dense(8, activation="relu"),
        optimizer=keras.optimizers.Adam(0.01, clipnorm=0.1),
    )


def global_clipnorm() -> Any:
    return regressor(
        layers.Dense(8, activation="relu"),
        optimizer=keras.optimizers.SGD(0.1, momentum=0.9, global_clipnorm=0.2),
    )


def auc() -> Any:
    model = keras.Sequential([
        layers.Input((6,)),
        layers.Dense(1, activation="sigmoid"),
    ])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy", "AUC"])
    return model


def adamw() -> Any:
    optimizer = keras.optimizers.AdamW(0.01, weight_decay=0.1)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    return regressor(layers.Dense(8, activation="relu"), optimizer=optimizer)


def rmsprop() -> Any:
    optimizer = keras.optimizers.RMSprop(0.01, momentum=0.5, centered=True)
    return regressor(layers.Dense(8, activation="relu"), optimizer=optimizer)


def accumulated_gradients() -> Any:
    optimizer = keras.optimizers.SGD(
        0.05, nesterov=True, momentum=0.9, gradient_accumulation_steps=2
    )
    return regressor(layers.Dense(8, activation="relu"), optimizer=optimizer)


def built_late() -> Any:
    model = keras.Sequential([
        layers.Dense(8, activation="relu"),
        layers.Dropout(0.2),
        layers.Dense(3),
    ])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=["accuracy"])
    return model


def adapted_normalization() -> Any:
    normalization = layers.Normalization()
    normalization.adapt(FEATURES[:40])
    return classifier(normalization, layers.Dense(8, activation="relu"))


def closure_loss(penalty: float = 0.3) -> Any:
    def asymmetric(y: Any, prediction: Any) -> Any:
        error = y - prediction
        return keras.ops.mean(keras.ops.maximum(error, -penalty * error), axis=-1)

    return regressor(layers.Dense(8, activation="relu"), loss=asymmetric)


def frozen_layers() -> Any:
    frozen = layers.Dense(8, activation="relu", trainable=False)
    return classifier(frozen, layers.BatchNormalization(trainable=False))


def several_metrics() -> Any:
    metrics = [
        keras.metrics.SparseTopKCategoricalAccuracy(2),
        "accuracy",
        keras.metrics.SparseCategoricalCrossentropy(name="again"),
    ]
    return classifier(layers.Dense(8), metrics=metrics)


def mixed_precision() -> Any:
    policy = keras.DTypePolicy("mixed_float16")
    model = keras.Sequential([
        layers.Input((6,)),
        layers.Dense(8, activation="relu", dtype=policy),
        layers.Dense(1, dtype="float32"),
    ])
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01))
    model.compile(optimizer, "mse", metrics=["mae"])
    return model


_classes = Arrays(FEATURES, LABELS)
_numbers = Arrays(FEATURES, TARGETS)
_images = Arrays(IMAGES, LABELS)
_series = Arrays(SERIES, LABELS)

ZOO: dict[str, Specimen] = {
    "accumulated_gradients": Specimen(accumulated_gradients, _numbers),
    "adamw": Specimen(adamw, _numbers),
    "adapted_normalization": Specimen(adapted_normalization, _classes),
    "attention": Specimen(attention, _series),
    "auc": Specimen(auc, Arrays(FEATURES, BINARY)),
    "batch_normalization": Specimen(batch_normalization, _classes),
    "built_late": Specimen(built_late, _classes),
    "class_weight": Specimen(dense, _classes, {0: 1.0, 1: 0.25, 2: 3.0}),
    "clipnorm": Specimen(clipnorm, _numbers),
    "closure_loss": Specimen(closure_loss, _numbers),
    "conv1d": Specimen(conv1d, _series),
    "conv2d": Specimen(conv2d, _images),
    "dense": Specimen(dense, _classes),
    "dict_inputs": Specimen(
        dict_inputs, Arrays({"past": SERIES, "row": FEATURES}, LABELS)
    ),
    "dict_outputs": Specimen(
        dict_outputs, Arrays(FEATURES, {"kind": LABELS, "size": TARGETS})
    ),
    "dropout": Specimen(dropout, _classes),
    "embedding": Specimen(embedding, Arrays(TOKENS, LABELS)),
    "frozen_layers": Specimen(frozen_layers, _classes),
    "gaussian_noise": Specimen(gaussian_noise, _classes),
    "global_clipnorm": Specimen(global_clipnorm, _numbers),
    "gru": Specimen(gru, _series),
    "l2_penalty": Specimen(l2_penalty, _classes),
    "list_inputs": Specimen(list_inputs, Arrays([FEATURES, SERIES], LABELS)),
    "lstm": Specimen(lstm, _series),
    "mixed_precision": Specimen(mixed_precision, _numbers),
    "own_step": Specimen(own_step, _numbers),
    "rmsprop": Specimen(rmsprop, _numbers),
    "sample_weight": Specimen(dense, Arrays(FEATURES, LABELS, WEIGHTS)),
    "schedule": Specimen(schedule, _numbers),
    "separable_conv": Specimen(separable_conv, _images, tolerance=1e-5),
    "several_metrics": Specimen(several_metrics, _classes),
}


def member(
    build: Callable[..., Any] = dense,
    arrays: Arrays = _classes,
    *,
    seed: int = 11,
    split: int = 0,
    n_train: int = N_TRAIN,
    validation: bool = True,
    **parameters: Any,
) -> Member:
    """Return a member on the rows of one shuffled split.

    Members of one model function and parameters form a group, as candidates do.
    """
    rows = np.random.default_rng(split).permutation(N_ROWS).astype(np.int32)
    return Member(
        key=(build.__name__, tuple(parameters.items()), seed, split),
        build=partial(build, **parameters) if parameters else build,
        arrays=arrays,
        train_rows=rows[:n_train],
        validation_rows=rows[n_train:] if validation else None,
        seed=seed,
        order_seed=100 * split + seed,
        group=(build, tuple(parameters.items())),
    )
