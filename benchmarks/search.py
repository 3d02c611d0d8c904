"""A search over learning rate, dropout and L2, with its trials cross-validated.

As a script it is the process that is measured: `search.py DATA PEER SEED` prints how
many trainings it made, and the seconds of its first and of its second search, which has
other values. The Keras loop is the tuned one; since each fit takes as long as any
other, it is given a fifth of the trials.
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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import workload

TRIALS = 20
KERAS_TRIALS = 4
PRUNED, WHOLE, KERAS = "pruned", "whole", "keras"
NAMES = {
    PRUNED: "Homeroom, hopeless trials given up (the default)",
    WHOLE: "Homeroom, prune=False",
    KERAS: "Optuna and a Keras loop, steps_per_execution=all, JAX cache",
}


@dataclass
class Searches:
    """What a peer took: trainings made, seconds of a first and of a later search."""

    trainings: list[int] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    later: list[float] = field(default_factory=list)


def run(repeats: int) -> dict[str, Searches]:
    """Measure every peer in processes of their own, in turn."""
    found = {name: Searches() for name in NAMES.values()}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "digits.npz"
        workload.write(data)
        for repeat in range(repeats):
            for peer, name in NAMES.items():
                with tempfile.TemporaryDirectory() as cache:
                    trainings, first, later = _ask(data, peer, repeat, cache)
                found[name].trainings.append(trainings)
                found[name].first.append(first)
                found[name].later.append(later)
    return found


def _ask(data: Path, peer: str, seed: int, cache: str) -> Any:
    command = [sys.executable, __file__, str(data), peer, str(seed)]
    places = {"HOMEROOM_CACHE_DIR": cache, "PEER_CACHE_DIR": cache}
    process = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, **places, "KERAS_BACKEND": "jax"},
    )
    return json.loads(process.stdout.splitlines()[-1])


def main() -> None:
    """Be the process that is measured."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("peer", choices=NAMES)
    parser.add_argument("seed", type=int)
    options = parser.parse_args()
    work = workload.read(options.data)
    if options.peer == KERAS:
        import peer_keras

        peer_keras.keep_compiled_programs()
    import keras  # noqa: F401 - its import is in the start-up table
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    trainings, seconds = 0, []
    for call in range(2):
        before = time.perf_counter()
        seed = 2 * options.seed + call
        if options.peer == KERAS:
            trainings = _keras(work, seed)
        else:
            trainings = _homeroom(work, seed, prune=options.peer == PRUNED)
        seconds.append(time.perf_counter() - before)
    print(json.dumps([trainings, *seconds]))


def model_of(learning_rate: float, dropout: float, l2: float) -> Any:
    """Return the compiled model of a trial."""
    import keras

    model = keras.Sequential([
        keras.Input((64,)),
        keras.layers.Dense(
            workload.HIDDEN,
            activation="relu",
            kernel_regularizer=keras.regularizers.L2(l2),
        ),
        keras.layers.Dropout(dropout),
        keras.layers.Dense(workload.CLASSES, activation="softmax"),
    ])
    model.compile(
        keras.optimizers.Adam(learning_rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def _homeroom(work: workload.Work, seed: int, *, prune: bool) -> int:
    import homeroom as hr

    found = hr.tune(
        model_of,
        {
            "learning_rate": hr.log_uniform(1e-4, 3e-2),
            "dropout": hr.uniform(0.0, 0.6),
            "l2": hr.log_uniform(1e-6, 1e-2),
        },
        work.x,
        work.y,
        n_trials=TRIALS,
        prune=prune,
        cv=work.folds,
        epochs=workload.EPOCHS,
        batch_size=workload.BATCH_SIZE,
        seed=seed,
        verbose=0,
    )
    members = [member for trial in found.trials for member in trial.members]
    assert {member.path for member in members} == {"scan"}, "not the compiled path"
    return len(members)


def _keras(work: workload.Work, seed: int) -> int:
    import keras
    import optuna

    trainings = 0

    def objective(trial: optuna.Trial) -> float:
        nonlocal trainings
        values = {
            "learning_rate": trial.suggest_float("learning_rate", 1e-4, 3e-2, log=True),
            "dropout": trial.suggest_float("dropout", 0.0, 0.6),
            "l2": trial.suggest_float("l2", 1e-6, 1e-2, log=True),
        }
        scores = []
        for number, (train, validation) in enumerate(work.folds):
            keras.utils.set_random_seed(number)
            model = model_of(**values)
            model.steps_per_execution = math.ceil(len(train) / workload.BATCH_SIZE)
            history = model.fit(
                work.x[train],
                work.y[train],
                validation_data=(work.x[validation], work.y[validation]),
                batch_size=workload.BATCH_SIZE,
                epochs=workload.EPOCHS,
                verbose=0,
            )
            scores.append(history.history["val_accuracy"][-1])
            trainings += 1
        return float(np.mean(scores))

    sampler = optuna.samplers.TPESampler(seed=seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=KERAS_TRIALS)
    return trainings


if __name__ == "__main__":
    main()
