"""The workloads, and what a process that is measured reads and says. NumPy only.

A peer is a script that is started as a process of its own: `peer_x.py WORKLOAD DATA`.
It makes its share of the workload's trainings, and does so again with other seeds for
the warm time. Each time it prints a line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

Pair = tuple[np.ndarray, np.ndarray]

DENSE, CONVOLUTION, TRANSFORMER = "dense", "convolution", "transformer"


@dataclass(frozen=True)
class Workload:
    """What is trained: configurations × folds × seeds of one model.

    `space` maps hyperparameters to values; a configuration is one of each. Without
    `patience` every epoch is trained. Of the nested one the folds are the outer ones,
    and the Keras loop makes those alone.
    """

    title: str
    data: str
    rows: int
    kind: str
    epochs: int
    batch_size: int
    space: dict[str, tuple[float, ...]]
    hidden: tuple[int, ...] = ()
    folds: int = 5
    repeats: int = 1
    seeds: int = 1
    patience: int | None = None
    classes: int = 10

    @property
    def configurations(self) -> list[dict[str, float]]:
        """Every combination of the values of `space`."""
        values = product(*self.space.values())
        return [dict(zip(self.space, each, strict=True)) for each in values]

    @property
    def n_trainings(self) -> int:
        return len(self.configurations) * self.folds * self.repeats * self.seeds


def _rates(low: float, high: float, n: int) -> tuple[float, ...]:
    return tuple(float(f"{rate:.3g}") for rate in np.geomspace(low, high, n))


W1, W2, W3, W4, W5, W6, W7 = NAMES = ("W1", "W2", "W3", "W4", "W5", "W6", "W7")
WORKLOADS = {
    W1: Workload(
        "a search with early stopping: digits, network 64-32-10, batches of 32, at "
        "most 60 epochs, patience 8; 5 folds × 12 (learning rate, weight decay, "
        "dropout) × 2 seeds",
        "digits",
        1797,
        DENSE,
        epochs=60,
        batch_size=32,
        space={
            "learning_rate": (1e-3, 3e-3, 1e-2),
            "weight_decay": (1e-4, 1e-2),
            "dropout": (0.1, 0.3),
        },
        hidden=(32,),
        seeds=2,
        patience=8,
    ),
    W2: Workload(
        "very small trainings: breast cancer, network 30-16-2, batches of 32, 20 "
        "epochs; 10 folds × 20 learning rates",
        "breast cancer",
        569,
        DENSE,
        epochs=20,
        batch_size=32,
        space={"learning_rate": _rates(1e-3, 1e-1, 20)},
        hidden=(16,),
        folds=10,
        classes=2,
    ),
    W3: Workload(
        "a table that keeps a core busy: 32,000 × 100, network 100-256-128-2, batches "
        "of 256, 20 epochs; 5 folds × 8 learning rates",
        "table",
        32_000,
        DENSE,
        epochs=20,
        batch_size=256,
        space={"learning_rate": _rates(1e-4, 1e-2, 8)},
        hidden=(256, 128),
        classes=2,
    ),
    W4: Workload(
        "images: 10,000 of 28 × 28, conv16-pool-conv32-pool-dense, batches of 64, 3 "
        "epochs; 5 folds × 4 learning rates",
        "images",
        10_000,
        CONVOLUTION,
        epochs=3,
        batch_size=64,
        space={"learning_rate": _rates(3e-4, 3e-3, 4)},
    ),
    W5: Workload(
        "a small transformer: 640 sequences of 64 × 16, 2 blocks of width 64 and 4 "
        "heads, batches of 32, 2 epochs; 5 folds × 4 learning rates",
        "sequences",
        640,
        TRANSFORMER,
        epochs=2,
        batch_size=32,
        space={"learning_rate": _rates(3e-4, 3e-3, 4)},
        classes=2,
    ),
    W6: Workload(
        "a nested search: digits, network 64-32-10, batches of 32, 20 epochs; 5 outer "
        "× 5 inner folds × 20 learning rates, and 5 seeds of the winner on each outer "
        "fold, against a Keras loop that makes the 5 outer folds once",
        "digits",
        1797,
        DENSE,
        epochs=20,
        batch_size=32,
        space={"learning_rate": (1e-3,)},
        hidden=(32,),
    ),
    W7: Workload(
        "repeated cross-validation: digits, network 64-32-10, batches of 32, 20 "
        "epochs; 20 repeats × 5 folds × 3 seeds",
        "digits",
        1797,
        DENSE,
        epochs=20,
        batch_size=32,
        space={"learning_rate": (1e-3,)},
        hidden=(32,),
        repeats=20,
        seeds=3,
    ),
}
NESTED_RATES = _rates(3e-4, 3e-2, 20)
NESTED_SEEDS = 5


@dataclass(frozen=True)
class Member:
    """One training: a configuration, the position of a fold, a seed."""

    values: dict[str, float]
    fold: int
    seed: int


@dataclass(frozen=True)
class Work:
    """A workload, its rows, and the positions of rows of each fold."""

    spec: Workload
    x: np.ndarray
    y: np.ndarray
    folds: list[Pair]

    def members(self, n: int, call: int = 0) -> list[Member]:
        """Return `n` trainings out of all (0: all); each call has its own seeds.

        A sample has configurations from one end of the list to the other, and folds
        in turn.
        """
        spec = self.spec
        every = [
            Member(values, fold, seed + 1000 * call)
            for values in spec.configurations
            for fold in range(len(self.folds))
            for seed in range(spec.seeds)
        ]
        if not n:
            return every
        chosen = (np.arange(n) + 0.5) * len(every) / n
        return [
            replace(every[int(position)], fold=number % len(self.folds))
            for number, position in enumerate(chosen)
        ]


@dataclass(frozen=True)
class Trained:
    """What one training came to: the accuracy of the weights that were kept."""

    accuracy: float
    epochs: int
    updates: int


def cores() -> int:
    """Return how many cores this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass
class Job:
    """What the driver tells a peer: the work, and how many trainings it makes."""

    work: Work
    sample: int
    variant: str
    calls: int | None = 2
    cores: int = field(default_factory=cores)


def read(name: str, path: Path) -> Work:
    """Return a workload with what `rows.write` wrote for it."""
    with np.load(path, allow_pickle=False) as file:
        n = sum(key.startswith("train_") for key in file.files)
        folds = [(file[f"train_{i}"], file[f"validation_{i}"]) for i in range(n)]
        return Work(WORKLOADS[name], file["x"], file["y"], folds)


def job() -> Job:
    """Return what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("data", type=Path)
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--variant", default="")
    parser.add_argument("--calls", type=int, default=2, help="0: as asked for")
    told = parser.parse_args()
    work = read(told.workload, told.data)
    return Job(work, told.sample, told.variant, told.calls or None)


def in_processes(
    job: Job, number: int, train: Callable[[Work, Member], Trained]
) -> list[Trained]:
    """Train every member of a call in joblib's processes, one per core."""
    from joblib import Parallel, delayed

    members = job.work.members(job.sample, number)
    many = Parallel(n_jobs=job.cores)
    return list(many(delayed(train)(job.work, member) for member in members))


def measure(
    call: Callable[[int], Sequence[Trained]],
    calls: int | None,
    packages: tuple[str, ...],
) -> None:
    """Make passes, and print of each how long it took and when it was done.

    Of `calls` passes the first is cold. None makes the cold one, and another for each
    line that comes in.
    """
    for number in range(calls) if calls else _asked_for():
        start = time.perf_counter()
        trained = call(number)
        report: dict[str, Any] = {
            "seconds": time.perf_counter() - start,
            "ended": time.time(),
            "trainings": len(trained),
            "epochs": sum(each.epochs for each in trained),
            "updates": sum(each.updates for each in trained),
            "accuracy": float(np.mean([each.accuracy for each in trained])),
            "versions": {name: version(name) for name in packages},
        }
        print(json.dumps(report), flush=True)


def _asked_for() -> Iterator[int]:
    yield 0
    for number, _ in enumerate(sys.stdin, 1):
        yield number
