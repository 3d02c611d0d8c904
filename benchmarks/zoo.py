"""Never a loss: Homeroom against the best Keras loop, on models of every kind.

As a script it is the process that is measured, `zoo.py MODEL… --repeats N`: both in
one process, in turn, warm, with JAX's compilation cache on disk for both. It prints a
line of JSON for each model.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

import machine
import numpy as np

REPEATS = 3
EPOCHS = 3
FITS = 2
HOMEROOM = "Homeroom"
STEPS = ("1", "all")


@dataclass
class Contest:
    """What was measured of one model.

    `seconds` are those of two fits, `epochs` those of one further epoch of one fit, by
    peer; `failed` says why there are none. `path` is how Homeroom trained.
    """

    n_weights: int = 0
    path: str = ""
    seconds: dict[str, list[float]] = field(default_factory=dict)
    epochs: dict[str, list[float]] = field(default_factory=dict)
    failed: str = ""

    def ms_per_fit(self, peer: str) -> float:
        return median(self.seconds[peer]) / FITS * 1e3

    def ms_per_epoch(self, peer: str) -> float:
        return median(self.epochs[peer]) * 1e3

    def best_loop(self) -> str:
        """Return the `steps_per_execution` that makes Keras's fits fastest."""
        return min(STEPS, key=self.ms_per_fit)

    def best_steady_loop(self) -> str:
        """Return the `steps_per_execution` that makes its further epochs fastest."""
        return min(STEPS, key=self.ms_per_epoch)


def run(repeats: int = REPEATS, names: tuple[str, ...] = ()) -> dict[str, Contest]:
    """Measure every model in one process of its own."""
    with tempfile.TemporaryDirectory() as cache:
        command = [sys.executable, __file__, *names, "--repeats", str(repeats)]
        process = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env={**os.environ, "KERAS_BACKEND": "jax", "HOMEROOM_CACHE_DIR": cache},
        )
    told = map(json.loads, process.stdout.splitlines())
    return {name: Contest(**found) for name, found in told}


def main() -> None:
    """Be the process that is measured."""
    from menagerie import ZOO

    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", metavar="MODEL")
    parser.add_argument("--repeats", type=int, default=REPEATS)
    options = parser.parse_args()
    for name in options.names or ZOO:
        before = time.perf_counter()
        found = Contest()
        try:
            _compete(found, ZOO[name], options.repeats)
        except Exception as error:  # noqa: BLE001 - told in the table, with its model
            found.failed = f"{type(error).__name__}: {str(error).splitlines()[0]}"
        print(json.dumps([name, asdict(found)]), flush=True)
        took = time.perf_counter() - before
        print(f"  {name}: {took:.0f} s {found.failed}", file=sys.stderr)


def _compete(found: Contest, specimen: Any, repeats: int) -> None:
    """Let every peer train both folds, `repeats` times after one that is not counted.

    The order rotates, so that nobody always follows the same other.
    """
    x, y, weight = specimen.data()
    halves = np.array_split(np.arange(specimen.rows), FITS)
    folds = [(halves[0], halves[1]), (halves[1], halves[0])]
    peers = [HOMEROOM, *STEPS]
    for repeat in range(repeats + 1):
        for peer in peers[repeat % 3 :] + peers[: repeat % 3]:
            before = time.perf_counter()
            if peer == HOMEROOM:
                epoch = _homeroom(found, specimen, (x, y, weight), folds)
            else:
                epoch = _keras(found, specimen, (x, y, weight), folds, peer)
            if repeat:
                seconds = time.perf_counter() - before
                found.seconds.setdefault(peer, []).append(seconds)
                found.epochs.setdefault(peer, []).append(epoch)


def _homeroom(found: Contest, specimen: Any, data: Any, folds: Any) -> float:
    """Cross-validate; return the seconds of an epoch of one training.

    Trainings go on side by side: what one costs is the longest, shared by all.
    """
    import homeroom as hr

    x, y, weight = data
    result = hr.cross_validate(
        specimen.build,
        x,
        y,
        cv=folds,
        epochs=EPOCHS,
        batch_size=specimen.batch_size,
        sample_weight=weight,
        verbose=0,
    )
    members = result.members
    if any(member.state != "COMPLETE" for member in members):
        raise RuntimeError(members[0].error or members[0].state)
    reasons = {member.path_reason for member in members if member.path_reason}
    found.path = "; ".join([members[0].path, *sorted(reasons)])
    lanes = min(FITS, machine.cores())
    return max(member.seconds for member in members) / lanes / EPOCHS


def _keras(found: Contest, specimen: Any, data: Any, folds: Any, steps: str) -> float:
    """Fit a fresh model on every fold; return the seconds of its last epoch."""
    import keras

    class Clock(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.began = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            ended.append(time.perf_counter() - self.began)

    last = []
    for number, (train, validation) in enumerate(folds):
        ended: list[float] = []
        keras.utils.set_random_seed(number)
        model = specimen.build()
        n_steps = math.ceil(len(train) / specimen.batch_size)
        model.steps_per_execution = n_steps if steps == "all" else int(steps)
        x, y, weight = _rows(data, train)
        model.fit(
            x,
            y,
            sample_weight=weight,
            validation_data=_rows(data, validation)[: 2 if weight is None else 3],
            batch_size=specimen.batch_size,
            epochs=EPOCHS,
            callbacks=[Clock()],
            verbose=0,
        )
        last.append(ended[-1])
        found.n_weights = model.count_params()
    return float(np.mean(last))


def _rows(data: Any, rows: Any) -> Any:
    import jax

    return jax.tree.map(lambda leaf: leaf[rows], data)


if __name__ == "__main__":
    main()
