"""The work that every peer does, and how a peer is timed. Needs NumPy only.

A peer is a script that is started as a process of its own. It loads the rows and the
folds from one file, trains all folds, says when it was done, does so again for the
warm time, and prints one line of JSON.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

HIDDEN = 128
CLASSES = 10
BATCH_SIZE = 32
EPOCHS = 20
FOLDS = 5
LEARNING_RATE = 1e-3

Pair = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Work:
    """Rows, and the positions of training and validation rows of each fold."""

    x: np.ndarray
    y: np.ndarray
    folds: list[Pair]


@dataclass(frozen=True)
class Done:
    """What one pass over all folds came to: proof that the same work was done."""

    accuracy: float
    updates: int


def write(path: Path) -> None:
    """Write the digits (scaled to 0…1) and their stratified folds to one file."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import StratifiedKFold

    x, y = load_digits(return_X_y=True)
    x, y = (x / 16).astype(np.float32), y.astype(np.int64)
    splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    tables = {}
    for number, (train, validation) in enumerate(splitter.split(x, y)):
        tables[f"train_{number}"] = train
        tables[f"validation_{number}"] = validation
    np.savez(path, x=x, y=y, **tables)


def read(path: Path) -> Work:
    """Return what `write` wrote."""
    with np.load(path, allow_pickle=False) as file:
        folds = [(file[f"train_{i}"], file[f"validation_{i}"]) for i in range(FOLDS)]
        return Work(file["x"], file["y"], folds)


def arguments() -> argparse.Namespace:
    """Return what the driver tells a peer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--calls", type=int, default=1)
    parser.add_argument("--variant", default="")
    return parser.parse_args()


def measure(call: Callable[[], Done], calls: int, packages: tuple[str, ...]) -> None:
    """Make `calls` passes; print their times, and when the first was done."""
    seconds, first, done = [], 0.0, None
    for _ in range(calls):
        start = time.perf_counter()
        done = call()
        seconds.append(time.perf_counter() - start)
        first = first or time.time()
    report = {
        "first": first,
        "calls": seconds,
        "accuracy": done.accuracy if done else None,
        "updates": done.updates if done else None,
        "versions": {name: version(name) for name in packages},
    }
    print(json.dumps(report), flush=True)


def keras_mlp() -> Any:
    """Return the compiled model of the Keras peers."""
    import keras

    model = keras.Sequential([
        keras.Input((64,)),
        keras.layers.Dense(HIDDEN, activation="relu"),
        keras.layers.Dense(CLASSES, activation="softmax"),
    ])
    model.compile(
        keras.optimizers.Adam(LEARNING_RATE),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model
