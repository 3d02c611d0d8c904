"""Homeroom with more and more trainings: seconds for each, and peak memory.

As a script it is the process that is measured: `scaling.py DATA --seeds 1 5 20`
prints the warm times, `scaling.py DATA --peak 20` the memory after one call.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import machine
import workload

SEEDS = (1, 5, 20)
PEAK_SEEDS = (1, 20)


@dataclass
class Scaling:
    """By number of trainings: seconds of warm calls, and peak memory in MiB."""

    seconds: dict[int, list[float]] = field(default_factory=dict)
    peak: dict[int, list[float]] = field(default_factory=dict)


def run(repeats: int) -> Scaling:
    """Measure in processes of their own."""
    found = Scaling()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "digits.npz"
        workload.write(data)
        seeds = [str(n) for n in SEEDS]
        for pair in _ask(data, "--seeds", *seeds, "--repeats", str(repeats)):
            found.seconds.setdefault(pair[0], []).append(pair[1])
        for _ in range(repeats):
            for n in PEAK_SEEDS:
                trainings, mebibytes = _ask(data, "--peak", str(n))
                found.peak.setdefault(trainings, []).append(mebibytes)
    return found


def _ask(data: Path, *options: str) -> Any:
    command = [sys.executable, __file__, str(data), *options]
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(process.stdout.splitlines()[-1])


def main() -> None:
    """Be the process that is measured."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, nargs="+", default=())
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--peak", type=int)
    options = parser.parse_args()
    work = workload.read(options.data)
    if options.peak:
        print(json.dumps([_train(work, options.peak), machine.peak_memory()]))
        return
    _train(work, 1)
    pairs = []
    for _ in range(options.repeats):
        for seeds in options.seeds:
            before = time.perf_counter()
            trainings = _train(work, seeds)
            pairs.append((trainings, time.perf_counter() - before))
    print(json.dumps(pairs))


def _train(work: workload.Work, seeds: int) -> int:
    import homeroom as hr

    result = hr.cross_validate(
        workload.keras_mlp,
        work.x,
        work.y,
        cv=work.folds,
        seeds=seeds,
        epochs=workload.EPOCHS,
        batch_size=workload.BATCH_SIZE,
        verbose=0,
    )
    return len(result.members)


if __name__ == "__main__":
    main()
