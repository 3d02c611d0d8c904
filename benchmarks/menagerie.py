"""Models of every kind that people train, tiny to compute-bound, with rows of noise.

The model functions are plain Keras, in the words of its own documentation. Rows come in
two folds of equal size, of whole batches each.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "jax")
import keras
from keras import layers

CLASSES = 10
WORDS, LENGTH = 2000, 64


@dataclass(frozen=True)
class Specimen:
    """A model function, the shapes of a row, and how many rows there are.

    `shape` is that of one input, or one for each; `outputs` are names of targets, when
    there are several.
    """

    build: Callable[[], Any]
    shape: Any
    rows: int = 512
    batch_size: int = 32
    dtype: str = "float32"
    outputs: tuple[str, ...] = ()
    is_weighted: bool = False

    def data(self) -> tuple[Any, Any, Any]:
        """Return x, y and sample weights (or None), the same every time."""
        dice = np.random.default_rng(0)
        shapes = self.shape if isinstance(self.shape, list) else [self.shape]
        x = [self._inputs(dice, shape) for shape in shapes]
        y: Any = dice.integers(0, CLASSES, self.rows).astype("int32")
        if self.outputs:
            size = dice.normal(size=(self.rows, 1)).astype("float32")
            y = dict(zip(self.outputs, (y, size), strict=True))
        weight = dice.uniform(0.5, 2.0, self.rows).astype("float32")
        whole = x if isinstance(self.shape, list) else x[0]
        return whole, y, weight if self.is_weighted else None

    def _inputs(self, dice: Any, shape: tuple[int, ...]) -> Any:
        size = (self.rows, *shape)
        if self.dtype == "float32":
            return dice.normal(size=size).astype("float32")
        high = 256 if self.dtype == "uint8" else WORDS
        return dice.integers(0, high, size).astype(self.dtype)


def compiled(model: Any, optimizer: Any = "adam") -> Any:
    """Compile a classifier."""
    loss = "sparse_categorical_crossentropy"
    model.compile(optimizer, loss, metrics=["accuracy"])
    return model


def stack(shape: tuple[int, ...], *body: Any, optimizer: Any = "adam") -> Any:
    """Return a Sequential classifier with `body` between input and head."""
    head = layers.Dense(CLASSES, activation="softmax", dtype="float32")
    return compiled(keras.Sequential([layers.Input(shape), *body, head]), optimizer)


def dense(units: int, n: int = 1, **options: Any) -> list[Any]:
    return [layers.Dense(units, activation="relu", **options) for _ in range(n)]


def conv(filters: int, size: int = 3) -> Any:
    return layers.Conv2D(filters, size, padding="same", activation="relu")


def conv1d() -> Any:
    return stack(
        (64, 8),
        layers.Conv1D(16, 5, activation="relu"),
        layers.MaxPooling1D(),
        layers.Conv1D(32, 5, activation="relu"),
        layers.GlobalAveragePooling1D(),
    )


def conv2d() -> Any:
    return stack(
        (28, 28, 1),
        conv(16),
        layers.MaxPooling2D(),
        conv(32),
        layers.MaxPooling2D(),
        layers.Flatten(),
    )


def small_conv() -> Any:
    return stack((8, 8, 1), conv(8), layers.MaxPooling2D(), conv(16), layers.Flatten())


def separable() -> Any:
    return stack(
        (16, 16, 4),
        layers.DepthwiseConv2D(3, padding="same", activation="relu"),
        layers.SeparableConv2D(16, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
    )


def bidirectional() -> Any:
    return stack((24, 8), layers.Bidirectional(layers.LSTM(16)))


def embedding() -> Any:
    return stack(
        (LENGTH,),
        layers.Embedding(WORDS, 32),
        layers.GlobalAveragePooling1D(),
        *dense(32),
    )


def transformer() -> Any:
    width = 64
    inputs = layers.Input((LENGTH,), dtype="int32")
    hidden = layers.Embedding(WORDS, width)(inputs)
    for _ in range(2):
        attended = layers.MultiHeadAttention(4, width // 4)(hidden, hidden)
        hidden = layers.LayerNormalization()(hidden + attended)
        wide = layers.Dense(2 * width, activation="relu")(hidden)
        hidden = layers.LayerNormalization()(hidden + layers.Dense(width)(wide))
    pooled = layers.GlobalAveragePooling1D()(hidden)
    outputs = layers.Dense(CLASSES, activation="softmax")(pooled)
    return compiled(keras.Model(inputs, outputs))


def normalized() -> Any:
    normalization = layers.Normalization()
    rows = np.random.default_rng(1).normal(3.0, 2.0, (256, 16)).astype("float32")
    normalization.adapt(rows)
    return stack((16,), normalization, *dense(32))


def rescaled() -> Any:
    return stack((8, 8, 1), layers.Rescaling(1 / 255), layers.Flatten(), *dense(32))


def mixed_precision() -> Any:
    hidden = dense(64, 2, dtype=keras.DTypePolicy("mixed_float16"))
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(1e-3))
    return stack((32,), *hidden, optimizer=optimizer)


def pretrained() -> Any:
    frozen = layers.Dense(64, activation="relu", trainable=False)
    model = stack((32,), frozen, *dense(32))
    kernel = np.random.default_rng(2).normal(0.0, 0.2, (32, 64)).astype("float32")
    frozen.set_weights([kernel, np.zeros(64, "float32")])
    return model


def several_inputs() -> Any:
    row, past = layers.Input((16,)), layers.Input((12, 4))
    hidden = layers.Concatenate()([row, layers.Flatten()(past)])
    hidden = layers.Dense(32, activation="relu")(hidden)
    outputs = layers.Dense(CLASSES, activation="softmax")(hidden)
    return compiled(keras.Model([row, past], outputs))


def several_outputs() -> Any:
    inputs = layers.Input((16,))
    hidden = layers.Dense(32, activation="relu")(inputs)
    kind = layers.Dense(CLASSES, activation="softmax", name="kind")(hidden)
    size = layers.Dense(1, name="size")(hidden)
    model = keras.Model(inputs, {"kind": kind, "size": size})
    model.compile(
        "adam",
        loss={"kind": "sparse_categorical_crossentropy", "size": "mse"},
        metrics={"kind": ["accuracy"], "size": ["mae"]},
    )
    return model


def l2() -> Any:
    return stack((16,), *dense(32, 2, kernel_regularizer=keras.regularizers.L2(1e-3)))


def clipped() -> Any:
    adam = keras.optimizers.Adam(1e-3, clipnorm=0.5)
    return stack((16,), *dense(32, 2), optimizer=adam)


def _of(shape: tuple[int, ...], body: Callable[[], list[Any]], **how: Any) -> Specimen:
    return Specimen(lambda: stack(shape, *body()), shape, **how)


ZOO: Mapping[str, Specimen] = {
    "dense, tiny": _of((8,), lambda: dense(16)),
    "dense, wide": _of((64,), lambda: dense(1024), rows=1024, batch_size=64),
    "dense, deep": _of((32,), lambda: dense(64, 8)),
    "table MLP 256-128": _of(
        (32,), lambda: dense(256) + dense(128), rows=8192, batch_size=256
    ),
    "conv1d": Specimen(conv1d, (64, 8)),
    "conv2d, 28×28": Specimen(conv2d, (28, 28, 1), batch_size=64),
    "conv2d, 8×8": Specimen(small_conv, (8, 8, 1)),
    "depthwise, separable": Specimen(separable, (16, 16, 4)),
    "LSTM": _of((24, 8), lambda: [layers.LSTM(32)]),
    "GRU": _of((24, 8), lambda: [layers.GRU(32)]),
    "bidirectional LSTM": Specimen(bidirectional, (24, 8)),
    "embedding, pooling": Specimen(embedding, (LENGTH,), dtype="int32"),
    "transformer, 2 blocks": Specimen(transformer, (LENGTH,), rows=256, dtype="int32"),
    "batch norm": _of(
        (16,), lambda: [*dense(32), layers.BatchNormalization(), *dense(32)]
    ),
    "layer norm": _of(
        (16,), lambda: [*dense(32), layers.LayerNormalization(), *dense(32)]
    ),
    "dropout": _of((64,), lambda: [*dense(128), layers.Dropout(0.3)]),
    "Gaussian noise": _of((64,), lambda: [layers.GaussianNoise(0.1), *dense(32)]),
    "Normalization, adapted": Specimen(normalized, (16,)),
    "Rescaling, uint8 images": Specimen(rescaled, (8, 8, 1), dtype="uint8"),
    "mixed precision": Specimen(mixed_precision, (32,)),
    "pretrained, frozen": Specimen(pretrained, (32,)),
    "several inputs": Specimen(several_inputs, [(16,), (12, 4)]),
    "several outputs": Specimen(several_outputs, (16,), outputs=("kind", "size")),
    "sample weights": _of((16,), lambda: dense(32), is_weighted=True),
    "L2": Specimen(l2, (16,)),
    "gradient clipping": Specimen(clipped, (16,)),
}
