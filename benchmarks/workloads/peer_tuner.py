"""KerasTuner with folds: `run_trial` trains them, as its own documentation shows.

It has the loop's fastest settings: all steps of an epoch at once, and JAX's cache.
"""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
from typing import Any

import numpy as np
import work
from work import Job, Trained

os.environ["KERAS_BACKEND"] = "jax"

import keras_tuner
import peer_keras


def main() -> None:
    job = work.job()
    peer_keras.keep_compiled_programs()
    work.measure(
        lambda number: search(job, number), job.calls, ("keras-tuner", "keras", "jax")
    )


def search(job: Job, number: int) -> list[Trained]:
    """Try configurations in turn; a sample is of those in the middle."""
    every = job.work.members(0, number)
    half = (len(every) - job.sample) // 2
    members = every[half : half + job.sample] if job.sample else every
    configurations = [m.values for m in members]
    numbers = [i for i, v in enumerate(configurations) if configurations.index(v) == i]
    done: list[Trained] = []

    class Folds(keras_tuner.GridSearch):
        def run_trial(self, trial: Any, *_: Any, **__: Any) -> float:
            values = configurations[trial.hyperparameters.get("configuration")]
            mine = [
                peer_keras.train(job.work, member, "all")
                for member in members
                if member.values == values
            ]
            done.extend(mine)
            return float(np.mean([each.accuracy for each in mine]))

    def build(hp: Any) -> Any:
        hp.Choice("configuration", numbers)
        return peer_keras.model_of(job.work.spec)

    with tempfile.TemporaryDirectory() as folder:
        tuner = Folds(
            build,
            objective=keras_tuner.Objective("default_objective", "max"),
            directory=folder,
            max_trials=len(numbers),
        )
        with contextlib.redirect_stdout(io.StringIO()):  # it tells every trial
            tuner.search()
    return done


if __name__ == "__main__":
    main()
