"""What a training step with convolutions costs: plain Keras, and inside a loop.

Four small networks; for each, in turn: Keras's own step under jit, called batch by
batch as `fit` does; the same step in a loop, as XLA compiles it; the engine's, with
every bit of Keras; the engine's fastest. Loops run on one core, plain Keras on all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from statistics import median
from typing import Any
from unittest import mock

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("HOMEROOM_CACHE_DIR", "")

import numpy as np

from homeroom.engine import looping, models, template
from homeroom.engine.door import jax, keras
from homeroom.engine.steps import Steps

REPEATS = 7
N_BATCHES = 16


def cnn() -> Any:
    """28 × 28 × 1: two convolutions, each followed by pooling."""
    layers = keras().layers
    return compiled(
        (28, 28, 1),
        [
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
        ],
    )


def demo() -> Any:
    """The network of `homeroom demo`."""
    return models.convnet((8, 8, 1), filters=(8, 16), input_shape=(8, 8))


def series() -> Any:
    """128 steps of 8 values: two convolutions in one dimension."""
    layers = keras().layers
    return compiled(
        (128, 8),
        [
            layers.Conv1D(16, 5, padding="same", activation="relu"),
            layers.MaxPooling1D(4),
            layers.Conv1D(32, 5, padding="same", activation="relu"),
            layers.MaxPooling1D(4),
        ],
    )


def separable() -> Any:
    """28 × 28 × 1: a convolution and two separable ones."""
    layers = keras().layers
    return compiled(
        (28, 28, 1),
        [
            layers.Conv2D(16, 3, strides=2, padding="same", activation="relu"),
            layers.SeparableConv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.SeparableConv2D(64, 3, padding="same", activation="relu"),
        ],
    )


def compiled(shape: tuple[int, ...], body: list[Any]) -> Any:
    layers = keras().layers
    head = [layers.Flatten(), layers.Dense(10, activation="softmax")]
    model = keras().Sequential([keras().Input(shape), *body, *head])
    loss = "sparse_categorical_crossentropy"
    model.compile("adam", loss, metrics=["accuracy"])
    return model


NETWORKS = {
    "28×28, conv16-pool-conv32-pool, batch 64": (cnn, (28, 28, 1), 64),
    "8×8, the demo's convnet (8, 16), batch 32": (demo, (8, 8), 32),
    "128×8, conv16-pool-conv32-pool in 1-D, batch 64": (series, (128, 8), 64),
    "28×28, conv16-separable32-separable64, batch 64": (separable, (28, 28, 1), 64),
}


def main() -> None:
    print(f"{'milliseconds for a step':50} Keras  in a loop     exact   fastest")
    for name, (build, shape, size) in NETWORKS.items():
        ways = ways_of(build, shape, size)
        seconds: list[list[float]] = [[] for _ in ways]
        for _ in range(REPEATS + 1):
            for way, found in zip(ways, seconds, strict=True):
                started = time.perf_counter()
                way()
                found.append((time.perf_counter() - started) / N_BATCHES)
        times = [f"{1000 * median(found[1:]):9.3f}" for found in seconds]
        print(f"{name:47}", *times, flush=True)


def ways_of(
    build: Callable[[], Any], shape: tuple[int, ...], size: int
) -> list[Callable[[], Any]]:
    """Functions that train some batches: plain, looped, exact, fastest."""
    random = np.random.default_rng(1)
    n = N_BATCHES * size
    x = random.normal(size=(n, *shape)).astype("float32")
    y = random.integers(0, 10, n).astype("int32")
    model = build()
    model._symbolic_build(data_batch=(x[:size], y[:size]))
    arrays = jax().device_put((x, y, None, None))
    as_it_is = mock.patch.object(looping, "concerns", return_value=False)
    with as_it_is:
        looped = in_a_loop(Steps(model, arrays, size, exact=True), arrays, size)
    exact = in_a_loop(Steps(model, arrays, size, exact=True), arrays, size)
    fastest = in_a_loop(Steps(model, arrays, size, exact=False), arrays, size)
    return [plain(model, x, y, size), looped, exact, fastest]


def state_of(model: Any) -> Any:
    metrics = [v.value for v in model.metrics_variables]
    state = (*template.state_of(model), metrics)
    return jax().tree.map(jax().numpy.array, state)


def plain(model: Any, x: Any, y: Any, size: int) -> Callable[[], Any]:
    step = jax().jit(model.train_step, donate_argnums=0)

    def train() -> None:
        state = state_of(model)
        for i in range(0, len(x), size):
            _, state = step(state, (x[i : i + size], y[i : i + size], None))
        jax().block_until_ready(state)

    return train


def in_a_loop(steps: Steps, arrays: Any, size: int) -> Callable[[], Any]:
    lax = jax().lax

    def body(i: Any, state: Any) -> Any:
        rows = i * size + jax().numpy.arange(size)
        return tuple(steps.train({}, state, arrays, rows)[1])

    def looped(n: Any, state: Any) -> Any:
        return lax.fori_loop(0, n, body, state)

    options = {"xla_cpu_multi_thread_eigen": False}
    state = state_of(steps.model)
    run = jax().jit(looped, compiler_options=options)
    run = run.lower(np.int32(0), state).compile()  # traced while what is patched is so
    return lambda: jax().block_until_ready(run(np.int32(N_BATCHES), state))


if __name__ == "__main__":
    main()
