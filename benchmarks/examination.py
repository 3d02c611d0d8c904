"""The dataset doctor on 100,000 rows of 100 columns: seconds, and memory beside them.

As a script it is the process that is measured: `examination.py TASK DTYPE`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

import machine
import numpy as np

ROWS, COLUMNS = 100_000, 100
TASKS = ("classification", "regression")
DTYPES = ("float32", "float64")


@dataclass
class Examined:
    """Of one task and dtype: seconds, MiB of x, and MiB beside it at the peak."""

    seconds: list[float] = field(default_factory=list)
    data: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)


def run(repeats: int) -> dict[str, Examined]:
    """Measure each in processes of their own, in turn."""
    found = {f"{task}, {dtype}": Examined() for task in TASKS for dtype in DTYPES}
    for _ in range(repeats):
        for name, each in found.items():
            command = [sys.executable, __file__, *name.split(", ")]
            process = subprocess.run(
                command, stdout=subprocess.PIPE, text=True, check=True
            )
            told = json.loads(process.stdout.splitlines()[-1])
            each.seconds.append(told["seconds"])
            each.data.append(told["data"])
            each.beside.append(told["beside"])
    return found


def measured(task: str, dtype: str) -> dict[str, float]:
    """Examine noise once, after a small table has had everything imported."""
    import homeroom as hr

    dice = np.random.default_rng(0)
    hr.examine(*_rows(dice, 500, 5, task, dtype))
    x, y = _rows(dice, ROWS, COLUMNS, task, dtype)
    before = machine.memory()
    start = time.perf_counter()
    hr.examine(x, y)
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "data": x.nbytes / 2**20,
        "beside": machine.peak_memory() - before,
    }


def _rows(
    dice: np.random.Generator, n: int, columns: int, task: str, dtype: str
) -> tuple[Any, Any]:
    x = np.empty((n, columns), dtype)
    for part in np.array_split(x, 100):  # nothing larger than x may have been there
        part[:] = dice.standard_normal(part.shape)
    y = x[:, 0] + dice.standard_normal(n)
    return x, (y > 0).astype(int) if task == "classification" else y


if __name__ == "__main__":
    print(json.dumps(measured(*sys.argv[1:])))
