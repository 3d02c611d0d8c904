"""Small data and small models, the same ones in most tests: they compile once."""

from __future__ import annotations

import gc
import signal
import threading

import numpy as np
import pytest

import homeroom as hr

SEALED_SHARE = 0.25


@pytest.fixture
def ctrl_c():
    """Interrupt the main thread once, as a terminal does; garbage waits meanwhile.

    Python drops an interruption that arrives inside a callback of its collector, and
    hypothesis and JAX have such callbacks. A second one would end the tests.
    """
    left, interrupted = threading.Semaphore(1), threading.main_thread().ident

    def press():
        if left.acquire(blocking=False):
            signal.pthread_kill(interrupted, signal.SIGINT)

    gc.disable()
    yield press
    gc.enable()


@pytest.fixture(scope="session")
def keras():
    """Keras, after Homeroom has chosen its backend."""
    from homeroom.engine import door

    return door.keras()


@pytest.fixture(scope="session")
def flowers():
    """Three classes of 40 rows, four columns, learnable and not trivial."""
    rng = np.random.default_rng(11)
    y = np.repeat(np.arange(3), 40)
    x = rng.normal(size=(120, 4)) + np.eye(3, 4)[y] * 2.0
    order = rng.permutation(120)
    return x[order].astype(np.float32), y[order].astype(np.int32)


@pytest.fixture(scope="session")
def line():
    """One column, a straight line with noise: y in its own units."""
    rng = np.random.default_rng(12)
    x = rng.uniform(-1, 1, size=(60, 1)).astype(np.float32)
    return x, (3.0 * x[:, 0] + 10 + rng.normal(0, 0.1, 60)).astype(np.float32)


@pytest.fixture(scope="session")
def net(keras):
    """A model function with dropout and momentum: it has state to leak."""

    def net(units=8, dropout=0.2, learning_rate=0.05):
        model = keras.Sequential([
            keras.Input((4,)),
            keras.layers.Dense(units, activation="relu"),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(3, activation="softmax"),
        ])
        model.compile(
            keras.optimizers.SGD(learning_rate, momentum=0.9),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        return model

    return net


@pytest.fixture(scope="session")
def softmax(keras):
    """The plainest classifier: one layer."""

    def softmax(learning_rate=0.05):
        model = keras.Sequential([
            keras.Input((4,)),
            keras.layers.Dense(3, activation="softmax"),
        ])
        model.compile(
            keras.optimizers.SGD(learning_rate),
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        return model

    return softmax


@pytest.fixture(scope="session")
def straight(keras):
    """Linear regression on one column."""

    def straight(learning_rate=0.1):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(learning_rate), loss="mse", metrics=["mae"])
        return model

    return straight


@pytest.fixture
def no_programs(monkeypatch):
    """A process that has compiled nothing yet."""
    from homeroom.engine import programs, workshop

    monkeypatch.setattr(workshop, "_programs", programs.Programs())


@pytest.fixture
def store(tmp_path):
    """Where a store will be; the file does not exist yet."""
    return tmp_path / "runs.db"


@pytest.fixture
def experiment(flowers, store):
    """Make an experiment on the flowers, or on other data."""

    def make(x=None, y=None, **changes):
        data = flowers if x is None else (x, y)
        options = {"test_size": SEALED_SHARE, "seed": 7, "store": store}
        return hr.Experiment(*data, **(options | changes))

    return make
