"""Tuning from start to end: how long it takes, and what its winner is worth outside.

`make bench-tuning` runs it and writes docs/tuning.md and .json. As a script with
arguments it is the process that is measured: `race.py PEER DATASET SEED`.

A quarter of the rows is put aside (stratified, another quarter in every repeat). Every
peer tunes the same network over the same ranges on the others, trains its winner on
all of those, and the quarter says what that is worth. KerasTuner's Hyperband has one
validation part (a fifth) and no folds; the others have five folds.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import machine
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
THEIRS = ROOT / ".venv-bench" / "bin" / "python"
TRIALS, FOLDS, EPOCHS, BATCH_SIZE = 40, 5, 20, 32
HOMEROOM, OPTUNA, HYPERBAND = "homeroom", "optuna", "hyperband"
NAMES = {
    HOMEROOM: "Homeroom, 40 trials × 5 folds, pruned",
    HYPERBAND: "KerasTuner Hyperband, one validation part",
    OPTUNA: "Optuna (TPE) and a Keras loop, 40 trials × 5 folds",
}
DATASETS = ("digits", "breast cancer")
WANTED = 20  # times as fast as the other's first call
VERSIONS = ("keras", "jax", "optuna", "scikit-learn", "keras-tuner")
RATE, DROPOUT, L2 = (1e-4, 3e-2), (0.0, 0.6), (1e-6, 1e-2)


@dataclass
class Times:
    """Of one peer on one dataset: a value per repeat."""

    first: list[float] = field(default_factory=list)
    second: list[float] = field(default_factory=list)
    outer: list[float] = field(default_factory=list)
    trainings: list[int] = field(default_factory=list)


def main(repeats: int = 2) -> None:
    facts: dict[str, Any] = machine.describe() | {"versions": versions()}
    found = {name: {peer: Times() for peer in NAMES} for name in DATASETS}
    for repeat in range(repeats):
        for dataset in DATASETS:
            for peer in NAMES:
                told = _ask(peer, dataset, repeat)
                times = found[dataset][peer]
                times.first.append(told["seconds"][0])
                times.second += told["seconds"][1:]
                times.outer += told["outer"]
                times.trainings.append(told["trainings"])
                print(dataset, peer, told, flush=True)
    text = page(found, facts, repeats)
    (ROOT / "docs" / "tuning.md").write_text(text, encoding="utf-8")
    record = {
        name: {peer: vars(times) for peer, times in each.items()}
        for name, each in found.items()
    }
    told = json.dumps({"machine": facts, "peers": record}, indent=1, default=sorted)
    (ROOT / "docs" / "tuning.json").write_text(told + "\n", encoding="utf-8")
    print(text)


def versions() -> dict[str, str]:
    """Return the versions of what is raced, each of where it runs."""
    theirs = subprocess.run(
        [
            str(THEIRS),
            "-c",
            "from importlib.metadata import version; print(version('keras-tuner'))",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name: version(name) for name in VERSIONS[:-1]} | {
        VERSIONS[-1]: theirs.stdout.strip()
    }


def page(
    found: dict[str, dict[str, Times]], facts: dict[str, Any], repeats: int
) -> str:
    """Return the page with a table per dataset."""
    lines = [
        "# Tuning, from start to end",
        "",
        f"Measured by `make bench-tuning` on {facts['date']}: {facts['processor']}, "
        f"{facts['cores']} cores, Python {facts['python']}, Homeroom "
        f"{facts['homeroom']}. Repeats: {repeats}, every peer in every one, each in a "
        "process of its own with an empty program cache. Rate, dropout and L2 of a "
        f"network with 64 hidden units are tuned, {EPOCHS} epochs at most, batches of "
        f"{BATCH_SIZE}; the Keras peers run a whole epoch per step "
        "(`steps_per_execution`) and keep compiled programs. The score is the accuracy "
        "of the winner, trained on all tuning rows (Homeroom's `Search.model` for as "
        f"many updates as in the folds, the others' for {EPOCHS} epochs), on a quarter "
        "of the rows that no tuning has seen. A first call holds what is paid once: "
        "importing Optuna or KerasTuner, tracing, compiling. Versions: "
        + ", ".join(f"{name} {facts['versions'][name]}" for name in VERSIONS)
        + ".",
    ]
    for dataset, peers in found.items():
        lines += [
            "",
            f"## {dataset.capitalize()}",
            "",
            "| | trainings | first, s | second in the process, s | outer accuracy |",
            "| --- | ---: | ---: | ---: | ---: |",
        ]
        for peer, times in peers.items():
            outer = f"{100 * np.mean(times.outer):.1f} %"
            if len(times.outer) > 1:
                outer += f" ({100 * min(times.outer):.1f}–{100 * max(times.outer):.1f})"
            lines.append(
                f"| {NAMES[peer]} | {median(times.trainings):.0f} | "
                f"{_seconds(times.first)} | {_seconds(times.second)} | {outer} |"
            )
        mine = peers[HOMEROOM]
        others = [peer for peer in NAMES if peer != HOMEROOM]
        for peer in others:
            lines += ["", _ratio(NAMES[peer].split(",")[0], peers[peer], mine)]
    return "\n".join(lines) + "\n"


def _ratio(name: str, peer: Times, mine: Times) -> str:
    first = median(peer.first) / median(mine.first)
    later = median(peer.second or peer.first) / median(mine.second)
    n_mine, n_theirs = median(mine.trainings), median(peer.trainings)
    more = n_mine / n_theirs
    told = (
        f"{name} takes {first:.1f} times as long as Homeroom's first call, and "
        f"{later:.1f} times as long as its second; {more * first:.1f} and "
        f"{more * later:.1f} times as long for each training."
    )
    if first >= WANTED:
        return told
    left = median(peer.first) / WANTED
    once = median(mine.first) - median(mine.second)
    return told + (
        f" {WANTED} times were expected of the first, and missed: that would leave "
        f"{left:.1f} s, "
        f"{1e3 * left / n_mine:.0f} ms for each of Homeroom's {n_mine:.0f} trainings "
        f"to the other's {n_theirs:.0f}. A training takes "
        f"{1e3 * median(mine.second) / n_mine:.0f} ms in Homeroom's second call; what "
        f"its first call pays once is {once:.1f} s."
    )


def _seconds(values: list[float]) -> str:
    if not values:
        return "–"
    return f"{median(values):.1f} [{min(values):.1f}–{max(values):.1f}]"


def _ask(peer: str, dataset: str, seed: int) -> Any:
    python = sys.executable
    if peer == HYPERBAND:
        python = str(THEIRS)
    machine.compile_bytecode(Path(python))
    with tempfile.TemporaryDirectory() as cache:
        places = {"HOMEROOM_CACHE_DIR": cache, "PEER_CACHE_DIR": cache}
        process = subprocess.run(
            [python, __file__, peer, dataset, str(seed)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env={**os.environ, **places, "KERAS_BACKEND": "jax"},
        )
    return json.loads(process.stdout.splitlines()[-1])


def measured(peer: str, dataset: str, seed: int) -> None:
    """Be the process that is measured."""
    import keras  # noqa: F401 - its import is not what is compared

    if peer != HOMEROOM:
        import peer_keras

        peer_keras.keep_compiled_programs()
    calls = 1 if peer == OPTUNA else 2
    told: dict[str, Any] = {"seconds": [], "outer": [], "trainings": 0}
    for call in range(calls):
        rows = _rows(dataset, 2 * seed + call)
        started = time.perf_counter()
        model, told["trainings"] = PEERS[peer](rows, 2 * seed + call)
        told["seconds"].append(time.perf_counter() - started)
        answers = model.predict(rows.outer_x, verbose=0)
        told["outer"].append(float((answers.argmax(axis=1) == rows.outer_y).mean()))
    print(json.dumps(told))


@dataclass(frozen=True)
class Rows:
    """Rows to tune on, and the quarter that is put aside."""

    x: Any
    y: Any
    outer_x: Any
    outer_y: Any


def _rows(dataset: str, seed: int) -> Rows:
    from sklearn.datasets import load_breast_cancer, load_digits
    from sklearn.model_selection import train_test_split

    if dataset == "digits":
        x, y = load_digits(return_X_y=True)
        x = x / 16
    else:
        x, y = load_breast_cancer(return_X_y=True)
        x = (x - x.mean(axis=0)) / x.std(axis=0)  # the same for every peer
    x, y = x.astype("float32"), y.astype("int32")
    parts = train_test_split(x, y, test_size=0.25, stratify=y, random_state=seed)
    return Rows(parts[0], parts[2], parts[1], parts[3])


def network(rows: Rows) -> Any:
    """Return the function that makes the compiled model of a trial."""
    import keras

    n_classes = int(rows.y.max()) + 1

    def network(learning_rate: float, dropout: float, l2: float) -> Any:
        model = keras.Sequential([
            keras.Input(rows.x.shape[1:]),
            keras.layers.Dense(
                64, activation="relu", kernel_regularizer=keras.regularizers.L2(l2)
            ),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(n_classes, activation="softmax"),
        ])
        model.compile(
            keras.optimizers.Adam(learning_rate),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        return model

    return network


def _homeroom(rows: Rows, seed: int) -> tuple[Any, int]:
    import homeroom as hr

    search = hr.tune(
        network(rows),
        {
            "learning_rate": hr.log_uniform(*RATE),
            "dropout": hr.uniform(*DROPOUT),
            "l2": hr.log_uniform(*L2),
        },
        rows.x,
        rows.y,
        n_trials=TRIALS,
        cv=FOLDS,
        epochs=EPOCHS,
        batch_size=BATCH_SIZE,
        seed=seed,
        verbose=0,
    )
    return search.model, sum(len(trial.members) for trial in search.trials) + 1


def _optuna(rows: Rows, seed: int) -> tuple[Any, int]:
    import keras
    import optuna
    from sklearn.model_selection import StratifiedKFold

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    splitter = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    folds = list(splitter.split(rows.x, rows.y))
    n_trainings = 0

    def objective(trial: Any) -> float:
        nonlocal n_trainings
        values = {
            "learning_rate": trial.suggest_float("learning_rate", *RATE, log=True),
            "dropout": trial.suggest_float("dropout", *DROPOUT),
            "l2": trial.suggest_float("l2", *L2, log=True),
        }
        scores = []
        for number, (train, validation) in enumerate(folds):
            keras.utils.set_random_seed(number)
            model = network(rows)(**values)
            model.steps_per_execution = math.ceil(len(train) / BATCH_SIZE)
            history = model.fit(
                rows.x[train],
                rows.y[train],
                validation_data=(rows.x[validation], rows.y[validation]),
                batch_size=BATCH_SIZE,
                epochs=EPOCHS,
                verbose=0,
            )
            scores.append(history.history["val_accuracy"][-1])
            n_trainings += 1
        return float(np.mean(scores))

    sampler = optuna.samplers.TPESampler(seed=seed)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=TRIALS)
    model = network(rows)(**study.best_params)
    _fit_all(model, rows)
    return model, n_trainings + 1


def _hyperband(rows: Rows, seed: int) -> tuple[Any, int]:
    import keras_tuner

    n_trainings = 0

    def build(hp: Any) -> Any:
        nonlocal n_trainings
        n_trainings += 1
        model = network(rows)(
            hp.Float("learning_rate", *RATE, sampling="log"),
            hp.Float("dropout", *DROPOUT),
            hp.Float("l2", *L2, sampling="log"),
        )
        model.steps_per_execution = math.ceil(0.8 * len(rows.x) / BATCH_SIZE)
        return model

    with tempfile.TemporaryDirectory() as folder:
        tuner = keras_tuner.Hyperband(
            build,
            objective="val_accuracy",
            max_epochs=EPOCHS,
            factor=3,
            seed=seed,
            directory=folder,
        )
        tuner.search(
            rows.x,
            rows.y,
            validation_split=0.2,
            batch_size=BATCH_SIZE,
            epochs=EPOCHS,
            verbose=0,
        )
        best = tuner.get_best_hyperparameters()[0]
        made = n_trainings
        model = tuner.hypermodel.build(best)
    _fit_all(model, rows)
    return model, made + 1


def _fit_all(model: Any, rows: Rows) -> None:
    model.steps_per_execution = math.ceil(len(rows.x) / BATCH_SIZE)
    model.fit(rows.x, rows.y, batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0)


PEERS = {HOMEROOM: _homeroom, OPTUNA: _optuna, HYPERBAND: _hyperband}


if __name__ == "__main__":
    if len(sys.argv) > 2:
        measured(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    else:
        main(*map(int, sys.argv[1:]))
