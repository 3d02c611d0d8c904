"""Networks that nobody chose train as in `keras.Model.fit`, to the last bit.

`make sameness` tries more of them than a run of all tests.
"""

from __future__ import annotations

import os

import keras
import numpy as np
from hypothesis import given, note, settings
from hypothesis import strategies as st
from keras import layers

from homeroom import engine

from . import plain
from .zoo import FEATURES, LABELS, N_ROWS, member

FEW = 3
N_MODELS = int(os.environ.get("SAMENESS_MODELS", FEW))
_random = np.random.default_rng(8)
ROWS = {
    "features": FEATURES,
    "pictures": _random.normal(size=(N_ROWS, 8, 8, 3)).astype("float32"),
    "drawings": _random.normal(size=(N_ROWS, 16, 16, 1)).astype("float32"),
    "series": _random.normal(size=(N_ROWS, 12, 4)).astype("float32"),
}
ACTIVATIONS = ("relu", "tanh", "gelu", "silu", "elu", "softplus", "sigmoid", "linear")
OPTIMIZERS = ("adam", "sgd", "adamw", "nadam", "rmsprop", "lion")


def convolution(x, activation, penalty):
    kind = {4: layers.Conv2D, 3: layers.Conv1D, 2: layers.Dense}[len(x.shape)]
    around = {} if kind is layers.Dense else {"kernel_size": 3, "padding": "same"}
    return kind(8, activation=activation, kernel_regularizer=penalty, **around)(x)


def residual(x, activation, penalty):
    wide = layers.Dense(8)(x)
    return wide + convolution(wide, activation, penalty)


def pooled(kind):
    def pool(x, *_):
        rank = len(x.shape) - 2
        if rank == 0 or min(x.shape[1:-1]) < 2:
            return x
        return getattr(layers, f"{kind}Pooling{rank}D")(2)(x)

    return pool


def squeezed(x, *_):
    """What a network attends to of its channels."""
    summed = x if len(x.shape) == 2 else flat("average")(x)
    share = layers.Dense(x.shape[-1], activation="sigmoid")(summed)
    return x * layers.Reshape((1,) * (len(x.shape) - 2) + (x.shape[-1],))(share)


def recurrent(x, *_):
    return layers.GRU(6, return_sequences=True)(x) if len(x.shape) == 3 else x


def attentive(x, *_):
    if len(x.shape) != 3:
        return x
    return x + layers.MultiHeadAttention(2, 4, dropout=0.1)(x, x)


PARTS = {
    "attention": attentive,
    "average": pooled("Average"),
    "batch norm": lambda x, *_: layers.BatchNormalization()(x),
    "convolution": convolution,
    "dropout": lambda x, *_: layers.Dropout(0.2)(x),
    "layer norm": lambda x, *_: layers.LayerNormalization()(x),
    "max": pooled("Max"),
    "recurrent": recurrent,
    "residual": residual,
    "squeezed": squeezed,
}


def flat(how):
    def flatten(x):
        rank = len(x.shape) - 2
        if how == "all" or rank == 0:
            return layers.Flatten()(x)
        return getattr(layers, f"Global{how.title()}Pooling{rank}D")()(x)

    return flatten


part = st.tuples(st.sampled_from(sorted(PARTS)), st.sampled_from(ACTIVATIONS))


@given(
    st.sampled_from(sorted(ROWS)),
    st.lists(part, min_size=1, max_size=5),
    st.sampled_from(["all", "average", "max"]),
    st.sampled_from([None, "l2"]),
    st.sampled_from(OPTIMIZERS),
    st.sampled_from([7, 16, 24]),
)
@settings(max_examples=N_MODELS, deadline=None, derandomize=N_MODELS == FEW)
def test_random_networks_train_as_in_fit(rows, parts, how, penalty, optimizer, size):
    """Weights, optimizer state and history are plain fit's, whatever is stacked."""

    def build():
        inputs = layers.Input(ROWS[rows].shape[1:])
        x = inputs
        for name, activation in parts:
            x = PARTS[name](x, activation, penalty)
        outputs = layers.Dense(3, activation="softmax")(flat(how)(x))
        model = keras.Model(inputs, outputs)
        loss = "sparse_categorical_crossentropy"
        model.compile(optimizer, loss, metrics=["accuracy"])
        return model

    training = engine.Training(epochs=2, batch_size=size, keep_weights=True)
    each = member(build, engine.Arrays(ROWS[rows], LABELS))
    (outcome,) = engine.train([each], training, lanes=1)
    note(f"{outcome.path}, {outcome.sameness}, {outcome.error}")
    assert (outcome.state, outcome.sameness) == ("COMPLETE", "exact")
    assert plain.same(outcome, plain.fit(each, training)) == []
