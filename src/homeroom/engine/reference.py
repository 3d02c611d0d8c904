"""Plain Keras in a process of its own: what a stored training is held against.

`python -m homeroom.engine.reference` reads one job as JSON from standard input and
writes a line of JSON for each epoch and each training that is done. Nothing here is
shared with the compiled engine: the order of rows and the fingerprints are worked out
again from what the record says, and the training is one call of `keras.Model.fit`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from homeroom import fingerprint, seeding
from homeroom.errors import HomeroomError

from . import architecture, door

Say = Callable[[Mapping[str, Any]], None]

TRAIN, VALIDATION = 1, 2  # what a fold makes of a row; 0 is neither


def answer(job: Mapping[str, Any], say: Say) -> None:
    """Train every member of a job; say what came of each."""
    for path in job["import_from"]:
        sys.path.insert(0, path)
    keras = door.keras()
    versions = {"keras": keras.__version__, "jax": door.jax().__version__}
    say({"versions": versions, "device": door.device()})
    for task in job["tasks"]:
        keras.utils.clear_session()  # layers are numbered from one again
        try:
            found = trained(task, say)
        except HomeroomError as error:
            found = {"error": str(error)}
        except Exception as error:  # noqa: BLE001 - one training's failure is its own
            found = {"error": f"{type(error).__name__}: {error}"}
        say({"task": task["task"], **found})


def trained(task: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Return history and fingerprints of one training by `keras.Model.fit`.

    Where the weights that are kept have another fingerprint than `final_weights`,
    they are written to the file `weights`.
    """
    keras = door.keras()
    with np.load(task["rows"], allow_pickle=False) as file:
        arrays = architecture.from_leaves(dict(file))
    with np.load(task["folds"], allow_pickle=False) as file:
        parts = file[f"fold {task['fold']}"]
    train, validation = (np.flatnonzero(parts == part) for part in (TRAIN, VALIDATION))
    if "function" in task["model"]:
        with suppress(Exception):  # told of when it is called
            architecture.found(task["model"]["function"])  # may draw, or seed
    keras.utils.set_random_seed(task["seed"])
    model = _model(task["model"])
    watched = _watch(keras, model, task, say)
    batches = _batches(keras, arrays, train, task)
    weight = task["class_weight"]
    history = model.fit(
        batches,
        epochs=task["epochs"],
        shuffle=False,  # the batches are in order
        class_weight=weight and {int(name): value for name, value in weight.items()},
        validation_data=(
            _rows(arrays, validation) if task["validates"] and len(validation) else None
        ),
        validation_batch_size=task["batch_size"],
        callbacks=[batches.follow, watched],
        verbose=0,
    ).history
    kept = _kept(model, watched, task)
    final = fingerprint.of_arrays(kept)
    if final != task["final_weights"]:
        np.savez(task["weights"], *kept)
    return {"history": history, "initial": watched.initial, "final": final}


def _model(told: Mapping[str, Any]) -> Any:
    if "function" in told:
        return architecture.imported(told["function"], told["arguments"])
    described = json.loads(Path(told["description"]).read_text("utf-8"))
    return architecture.rebuilt(described)


def _watch(keras: Any, model: Any, task: Mapping[str, Any], say: Say) -> Any:
    """Return a callback that sees the first weights, each epoch and the best one."""

    class Watch(keras.callbacks.Callback):  # type: ignore[misc]
        initial = ""
        best: tuple[Any, Any] | None = None

        def on_train_begin(self, logs: Any = None) -> None:
            self.initial = fingerprint.of_arrays(_state(model))

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            told = {name: float(value) for name, value in (logs or {}).items()}
            say({"task": task["task"], "epoch": epoch, "logs": told})
            if epoch == task["best_epoch"]:
                self.best = _state(model), model.get_weights()

    return Watch()


def _kept(model: Any, watched: Any, task: Mapping[str, Any]) -> list[Any]:
    """Return the weights and statistics that early stopping leaves."""
    if watched.best is None:
        return _state(model)
    state, weights = watched.best
    if task["path"] != "keras.fit":
        return list(state)
    # plain Keras restores weights, not the state of its random generators
    model.set_weights(weights)
    return _state(model)


def _state(model: Any) -> list[Any]:
    variables = [*model.trainable_variables, *model.non_trainable_variables]
    return [np.array(variable.value) for variable in variables]


def _batches(keras: Any, arrays: Any, train: Any, task: Mapping[str, Any]) -> Any:
    """Return the training rows, batch by batch, in each epoch's recorded order."""
    size = task["batch_size"]

    class Batches(keras.utils.PyDataset):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.order = train
            self.follow = keras.callbacks.LambdaCallback(on_epoch_begin=self.begin)

        def __len__(self) -> int:
            return int(-(-len(train) // size))

        def __getitem__(self, i: int) -> Any:
            batch = _rows(arrays, self.order[i * size : (i + 1) * size])
            return batch if batch[2] is not None else batch[:2]

        def begin(self, epoch: int, logs: Any = None) -> None:
            if task["shuffle"]:
                generator = seeding.generator(task["order_seed"], "epoch", epoch)
                self.order = generator.permutation(train)

    return Batches()


def _rows(arrays: Any, rows: Any) -> tuple[Any, Any, Any]:
    parts = (arrays.x, arrays.y, arrays.sample_weight)
    return door.jax().tree.map(lambda leaf: leaf[rows], parts)  # type: ignore[no-any-return]


@contextmanager
def _only_ours() -> Iterator[Any]:
    """Keep what a model function prints off the channel of the answers."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as channel:
        os.dup2(2, 1)
        yield channel


def main() -> None:
    """Answer the job on standard input."""
    job = json.load(sys.stdin)
    with _only_ours() as channel:

        def say(told: Mapping[str, Any]) -> None:
            channel.write(json.dumps(told) + "\n")
            channel.flush()

        answer(job, say)


if __name__ == "__main__":
    main()
