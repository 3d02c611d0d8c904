"""What `Experiment.forecast` says of a workload, and what its run then takes.

As a script it is the process that is measured: `forecasts.py WORKLOAD DATA`. All
trainings are made. The seconds are those of the trainings alone, as in the forecast,
and the memory is the peak of the process at the end of the last of them.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import work
from here import FOLDER, machine
from keras_models import function_of
from work import WORKLOADS


@dataclass
class Foreseen:
    """Seconds from … to, and peak MiB; what they were; the seconds of the whole run."""

    seconds: tuple[float, float]
    peak: float
    took: float
    peaked: float
    whole: float
    trainings: int
    stops_early: bool

    @property
    def error(self) -> float:
        """How far `took` is outside the forecast's range, as a share of its end."""
        least, most = self.seconds
        if self.took < least:
            return 1 - self.took / least
        return max(self.took / most - 1, 0.0)

    @property
    def peak_error(self) -> float:
        return abs(self.peaked / self.peak - 1)


@dataclass
class Clock:
    """Listens to a run: when trainings began, and when the last of them was done."""

    began: float = 0.0
    ended: float = 0.0
    peak: float = 0.0
    trainings: int = 0
    refits: bool = field(default=False, repr=False)

    def __call__(self, event: Any) -> None:
        kind = type(event).__name__
        if kind == "StageStarted":
            self.refits = self.refits or event.stage == "refit"
            if not self.began and event.n_members:
                self.began = time.perf_counter()
        elif kind == "MemberEnded" and not self.refits:
            self.ended, self.peak = time.perf_counter(), machine.peak_memory()
            self.trainings += 1


def run(name: str) -> Foreseen:
    """Ask a process of its own."""
    import rows

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "rows.npz"
        rows.write(WORKLOADS[name], data)
        command = [sys.executable, str(FOLDER / "forecasts.py"), name, str(data)]
        process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Foreseen(**json.loads(process.stdout.splitlines()[-1]))


def main() -> None:
    """Be the process that is measured."""
    import homeroom as hr

    name, data = sys.argv[1:]
    mine = work.read(name, Path(data))
    spec = mine.spec
    experiment = hr.Experiment(mine.x, mine.y, test_size=0.01, store=":memory:")
    for number, values in enumerate(spec.configurations):
        experiment.add(f"candidate {number}", function_of(spec), **values)
    words: dict[str, Any] = {
        "cv": spec.folds,
        "seeds": spec.seeds,
        "epochs": spec.epochs,
        "batch_size": spec.batch_size,
        # an experiment stops early by default: so much patience never ends
        "early_stopping": hr.EarlyStopping(patience=spec.patience or spec.epochs),
    }
    foreseen = experiment.forecast(**words)
    assert foreseen.peak_bytes is not None, "this system does not tell its memory"
    clock = Clock()
    before = time.perf_counter()
    experiment.run(**words, listener=clock)
    told = Foreseen(
        seconds=foreseen.seconds,
        peak=foreseen.peak_bytes / 2**20,
        took=clock.ended - clock.began,
        peaked=clock.peak,
        whole=time.perf_counter() - before,
        trainings=clock.trainings,
        stops_early=spec.patience is not None,
    )
    print(json.dumps(vars(told)))


if __name__ == "__main__":
    main()
