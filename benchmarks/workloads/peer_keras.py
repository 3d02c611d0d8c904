"""The loop that Keras's users write: a fresh model per training, `fit`, validation.

The variant is `steps_per_execution` ("all": the steps of an epoch), with "+cache" for
JAX's compilation cache on disk. KERAS_BACKEND chooses the backend.
"""

from __future__ import annotations

import math
import os
from typing import Any

import work
from keras_models import model_of
from work import Member, Trained, Work


def main() -> None:
    import keras

    job = work.job()
    steps, _, cache = job.variant.partition("+")
    if cache:
        keep_compiled_programs()

    def call(number: int) -> list[Trained]:
        members = job.work.members(job.sample, number)
        return [train(job.work, member, steps) for member in members]

    package = {"tensorflow": "tensorflow-cpu"}.get(backend := keras.backend.backend())
    work.measure(call, job.calls, ("keras", package or backend))


def train(data: Work, member: Member, steps: str) -> Trained:
    """Fit one model."""
    import keras

    spec = data.spec
    rows, validation = data.folds[member.fold]
    keras.utils.set_random_seed(member.seed)
    model = model_of(spec, **member.values)
    per_epoch = math.ceil(len(rows) / spec.batch_size)
    model.steps_per_execution = per_epoch if steps == "all" else int(steps)
    watching: list[Any] = []
    if spec.patience is not None:
        watching.append(
            keras.callbacks.EarlyStopping(
                patience=spec.patience, restore_best_weights=True
            )
        )
    history = model.fit(
        data.x[rows],
        data.y[rows],
        validation_data=(data.x[validation], data.y[validation]),
        batch_size=spec.batch_size,
        epochs=spec.epochs,
        callbacks=watching,
        verbose=0,
    ).history
    losses = history["val_loss"]
    kept = losses.index(min(losses)) if watching else -1
    updates = int(model.optimizer.iterations.numpy())
    return Trained(history["val_accuracy"][kept], len(losses), updates)


def keep_compiled_programs() -> None:
    """Keep every program, however small or quickly compiled."""
    import jax

    jax.config.update("jax_compilation_cache_dir", os.environ["PEER_CACHE_DIR"])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


if __name__ == "__main__":
    main()
