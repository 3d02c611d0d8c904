"""Homeroom with ten, a hundred and a thousand trainings, and with early stopping.

As a script it is the process that is measured: `flatness.py pace DATA`, `flatness.py
peak DATA SEEDS` (a fresh one for each number), `flatness.py stopping DATA FIRST`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import work
from here import FOLDER, machine
from keras_models import model_of
from work import W1, W2, WORKLOADS, Work

SEEDS = (1, 10, 100)  # on ten folds
STOPPING_SEEDS = 24  # on five folds: as many trainings as W1 has
PACE, PEAK, STOPPING = "pace", "peak", "stopping"
PER_FOLD, MEAN_CURVE, NEVER = "per_fold", "mean_curve", "never"  # what stops a training


@dataclass
class Flatness:
    """By number of trainings seconds each, and peak MiB.

    `stopping` has seconds and epochs of calls, by what stops their trainings.
    """

    seconds: dict[int, list[float]] = field(default_factory=dict)
    peak: dict[int, list[float]] = field(default_factory=dict)
    stopping: dict[str, list[tuple[float, int]]] = field(default_factory=dict)


def run(repeats: int) -> Flatness:
    """Measure in processes of their own."""
    import rows

    found = Flatness()
    with tempfile.TemporaryDirectory() as folder:
        small, digits = Path(folder) / "small.npz", Path(folder) / "digits.npz"
        rows.write(WORKLOADS[W2], small)
        rows.write(WORKLOADS[W1], digits)
        for repeat in range(repeats):
            for n, seconds in _ask(PACE, small):
                found.seconds.setdefault(n, []).append(seconds / n)
            for name, pair in _ask(STOPPING, digits, repeat).items():
                found.stopping.setdefault(name, []).append(pair)
            for seeds in (SEEDS[0], SEEDS[-1]):
                n, mebibytes = _ask(PEAK, small, seeds)
                found.peak.setdefault(n, []).append(mebibytes)
            print("  flatness", file=sys.stderr, flush=True)
    return found


def _ask(what: str, *options: object) -> Any:
    command = [sys.executable, str(FOLDER / "flatness.py"), what, *map(str, options)]
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(process.stdout.splitlines()[-1])


def main() -> None:
    """Be the process that is measured."""
    what, data, *numbers = sys.argv[1:]
    print(json.dumps(MEASURES[what](Path(data), *map(int, numbers))))


def _pace(data: Path) -> list[tuple[int, float]]:
    mine = work.read(W2, data)
    _train(mine, 1)
    return [_timed(mine, seeds)[::-1] for seeds in SEEDS]


def _peak(data: Path, seeds: int) -> tuple[int, float]:
    _train(work.read(W2, data), seeds)
    return seeds * WORKLOADS[W2].folds, machine.peak_memory()


def _stopping(data: Path, first: int) -> dict[str, tuple[float, int]]:
    """Return seconds and epochs by what stops; all calls are warm.

    They take turns in being the first, during which Python looks for garbage among all
    that was imported.
    """
    mine = work.read(W1, data)
    told = {}
    names = deque((PER_FOLD, MEAN_CURVE, NEVER))
    names.rotate(-first)
    for name in names:
        _train(mine, 1, name)
        before = time.perf_counter()
        members = _train(mine, STOPPING_SEEDS, name)
        seconds = time.perf_counter() - before
        told[name] = seconds, sum(member.history.n_epochs for member in members)
    return told


def _timed(mine: Work, seeds: int) -> tuple[float, int]:
    before = time.perf_counter()
    members = _train(mine, seeds)
    return time.perf_counter() - before, len(members)


def _train(mine: Work, seeds: int, stops_by: str = NEVER) -> Any:
    import homeroom as hr

    words: dict[str, Any] = {}
    if stops_by != NEVER:
        assert mine.spec.patience is not None
        words["early_stopping"] = hr.EarlyStopping(patience=mine.spec.patience)
        words["epoch_choice"] = stops_by
    return hr.cross_validate(
        lambda: model_of(mine.spec, 3e-3),
        mine.x,
        mine.y,
        cv=mine.folds,
        seeds=seeds,
        epochs=mine.spec.epochs,
        batch_size=mine.spec.batch_size,
        verbose=0,
        **words,
    ).members


MEASURES = {PACE: _pace, PEAK: _peak, STOPPING: _stopping}

if __name__ == "__main__":
    main()
