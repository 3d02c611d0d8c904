"""How many kernels XLA makes of Keras's own training step of a model."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

# instructions that compute nothing
_NAMES = {"parameter", "constant", "tuple", "get-tuple-element", "bitcast"}


def of_step(model: Any, batch_size: int) -> int:
    """Return how many kernels a training step is, one after the other."""
    import jax

    x = np.zeros((batch_size, *model.input_shape[1:]), np.float32)
    y = np.zeros(batch_size, np.int32)
    model.optimizer.build(model.trainable_variables)
    model._symbolic_build(data_batch=(x, y))
    state = [
        [variable.value for variable in part]
        for part in (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            model.metrics_variables,
        )
    ]
    compiled = jax.jit(model.train_step).lower(state, (x, y, None)).compile()
    entry = re.split(r"\nENTRY", compiled.as_text())[-1]
    operations = re.findall(r"= .*?\s([a-z][a-z0-9-]*)\(", entry)
    return sum(operation not in _NAMES for operation in operations)
