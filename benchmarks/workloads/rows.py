"""The rows and the folds of every workload, written once for all peers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.model_selection import RepeatedStratifiedKFold
from work import Workload


def write(spec: Workload, path: Path) -> None:
    """Write the rows of a workload and its stratified folds to one file."""
    x, y = MAKERS[spec.data]()
    assert len(x) == spec.rows, "a workload says how many rows it has"
    splitter = RepeatedStratifiedKFold(
        n_splits=spec.folds, n_repeats=spec.repeats, random_state=0
    )
    tables = {}
    for number, (train, validation) in enumerate(splitter.split(x[:, 0], y)):
        tables[f"train_{number}"] = train
        tables[f"validation_{number}"] = validation
    np.savez(path, x=x.astype(np.float32), y=y.astype(np.int64), **tables)


def _digits() -> tuple[np.ndarray, np.ndarray]:
    x, y = load_digits(return_X_y=True)
    return x / 16, y


def _breast_cancer() -> tuple[np.ndarray, np.ndarray]:
    x, y = load_breast_cancer(return_X_y=True)
    return (x - x.mean(axis=0)) / x.std(axis=0), y


def _table() -> tuple[np.ndarray, np.ndarray]:
    """Return noise, and which of two classes a small random network says."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32_000, 100))
    hidden = np.maximum(x @ rng.normal(size=(100, 20)), 0)
    score = hidden @ rng.normal(size=20)
    noise = rng.normal(size=len(x)) * score.std() / 4
    return x, score + noise > np.median(score)


def _images() -> tuple[np.ndarray, np.ndarray]:
    """Return noise with a faint pattern for each of ten classes."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 10, size=10_000)
    patterns = rng.normal(size=(10, 28, 28))
    x = rng.normal(size=(10_000, 28, 28)) + 0.3 * patterns[y]
    return x[..., None], y


def _sequences() -> tuple[np.ndarray, np.ndarray]:
    """Return noise in which one kind of step comes more often in the second class."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, size=640)
    x = rng.normal(size=(640, 64, 16))
    step = rng.normal(size=16)
    marked = rng.random((640, 64)) < np.where(y, 0.3, 0.1)[:, None]
    return x + marked[..., None] * step, y


MAKERS = {
    "digits": _digits,
    "breast cancer": _breast_cancer,
    "table": _table,
    "images": _images,
    "sequences": _sequences,
}
