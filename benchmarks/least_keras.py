"""The least that Keras can train: one model, one epoch of two batches, validation."""

from __future__ import annotations

import os

import numpy as np
import workload

os.environ["KERAS_BACKEND"] = "jax"

ROWS = 2 * workload.BATCH_SIZE


def main() -> None:
    x, y = np.zeros((ROWS, 64), "float32"), np.zeros(ROWS, "int32")
    workload.keras_mlp().fit(
        x, y, batch_size=workload.BATCH_SIZE, validation_data=(x, y), verbose=0
    )


if __name__ == "__main__":
    main()
