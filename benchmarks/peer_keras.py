"""The loop that Keras's users write: a fresh model per fold, `fit` with validation.

The variant is `steps_per_execution` ("all": the steps of an epoch), with "+cache" for
JAX's compilation cache on disk. A fresh model has a new step function, which JAX
compiles (or, with the cache, loads) again for every fold, in a warm process too.
"""

from __future__ import annotations

import math
import os

import numpy as np
import workload
from workload import Done

os.environ["KERAS_BACKEND"] = "jax"


def main() -> None:
    import keras

    options = workload.arguments()
    steps, _, cache = options.variant.partition("+")
    if cache:
        keep_compiled_programs()
    work = workload.read(options.data)

    def call() -> Done:
        scores, updates = [], 0
        for number, (train, validation) in enumerate(work.folds):
            keras.utils.set_random_seed(number)
            model = workload.keras_mlp()
            model.steps_per_execution = (
                math.ceil(len(train) / workload.BATCH_SIZE)
                if steps == "all"
                else int(steps)
            )
            history = model.fit(
                work.x[train],
                work.y[train],
                validation_data=(work.x[validation], work.y[validation]),
                batch_size=workload.BATCH_SIZE,
                epochs=workload.EPOCHS,
                verbose=0,
            )
            scores.append(history.history["val_accuracy"][-1])
            updates += int(model.optimizer.iterations.numpy())
        return Done(float(np.mean(scores)), updates)

    workload.measure(call, options.calls, ("keras", "jax"))


def keep_compiled_programs() -> None:
    """Keep every program, however small or quickly compiled."""
    import jax

    jax.config.update("jax_compilation_cache_dir", os.environ["PEER_CACHE_DIR"])
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


if __name__ == "__main__":
    main()
