"""One compiled epoch: Keras's own train_step and test_step, looped inside XLA.

The loop bodies are `model.train_step` and `model.test_step` themselves, on the same
batches in the same order, so the values are those of `keras.Model.fit`, bit for bit.
The number of full batches is an argument, not a shape: folds of different sizes share
a program. The last, partial batch runs at its own size in a branch of its own.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeroom.errors import InputError

from . import door, template
from .member import Arrays, Rows

PREDICT_ROWS = 256
_compiler = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="compiler")


@dataclass(frozen=True)
class Shape:
    """What a program is compiled for, beside the model and the arrays.

    `partial_sizes` are the sizes of last, partial batches that occur; `n_rows` is the
    length of a row table; `n_parts` is 2 with validation rows, else 1.
    """

    batch_size: int
    validation_batch_size: int
    partial_sizes: tuple[int, ...]
    validation_partial_sizes: tuple[int, ...]
    n_rows: int
    n_parts: int


@dataclass(frozen=True, eq=False)
class Table:
    """Rows in the order of their batches, as the program takes them."""

    rows: NDArray[np.int32]
    n_full: np.int32
    branch: np.int32
    n_batches: int


def table(rows: Rows, batch_size: int, partial_sizes: tuple[int, ...], n: int) -> Table:
    """Return `rows` padded to length `n`, and how many batches of which size."""
    n_full, rest = divmod(len(rows), batch_size)
    padded = np.zeros(n, np.int32)
    padded[: len(rows)] = rows
    branch = partial_sizes.index(rest)
    return Table(padded, np.int32(n_full), np.int32(branch), n_full + (rest > 0))


class Program:
    """The compiled epoch of one model structure on arrays of one shape.

    Making it traces Python, and belongs to one thread at a time. Compiling goes on
    beside it; whoever calls the program first waits for that. A program may be called
    from many threads at once.
    """

    def __init__(
        self, model: Any, arrays: Any, shape: Shape, *, one_core: bool
    ) -> None:
        self.model = model
        self.shape = shape
        self._options = {"xla_cpu_multi_thread_eigen": not one_core}
        if door.jax().default_backend() != "cpu":
            self._options = {}
        self.fresh_optimizer = [np.asarray(v.value) for v in model.optimizer.variables]
        self._fresh_metrics = _fresh_metrics(model)
        # traced once for each batch size, wherever they appear
        self._train_step = door.jax().jit(self._take_train_step, inline=True)
        self._test_step = door.jax().jit(self._take_test_step, inline=True)
        self.train_names, self.test_names = self._log_names(arrays)
        self.description = template.describe(model, arrays[1], self.test_names)
        # each is compiled while the next is still being traced
        self._train = _compiler.submit(self._lower_train(arrays).compile)
        self._measure = _compiler.submit(self._lower_measure(arrays).compile)
        self._predict = _compiler.submit(self._lower_predict(arrays[0]).compile)

    def epoch(self, state: Any, arrays: Any, train: Table, parts: Any) -> Any:
        """Train one epoch, then measure each part at the weights it ended with.

        Returns (state, training values, values per part, whether measuring tried to
        change the state). Values follow `train_names` and `test_names`.
        """
        rows = (train.rows, train.n_full, train.branch)
        state, values = self._train.result()(state, arrays, rows)
        measured, changed = self._measure.result()(state[0], state[1], arrays, parts)
        return state, values, measured, changed

    def wait(self) -> None:
        """Return when everything is compiled."""
        for part in (self._train, self._measure, self._predict):
            part.result()

    def predict(self, trainable: Any, non_trainable: Any, x: Any) -> Any:
        """Return the outputs for x of exactly PREDICT_ROWS rows."""
        return self._predict.result()(trainable, non_trainable, x)

    def _log_names(self, arrays: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Trace both steps on shapes alone, to learn the names of what they log."""
        jax = door.jax()
        rows = np.zeros(self.shape.batch_size, np.int32)
        trainable, non_trainable, optimizer = template.state_of(self.model)
        metrics = self._fresh_metrics
        state = (trainable, non_trainable, optimizer, metrics)
        train_logs, train_state = jax.eval_shape(self._train_step, state, arrays, rows)
        measured = (trainable, non_trainable, metrics)
        test_logs, _ = jax.eval_shape(self._test_step, measured, arrays, rows)
        self._train_logs = _zeros(train_logs)
        self._test_logs = _zeros(test_logs)
        fixed = jax.tree.map(lambda a: (a.shape, a.dtype), train_state[:3])
        given = jax.tree.map(
            lambda a: (a.shape, a.dtype), (trainable, non_trainable, optimizer)
        )
        if fixed != given:
            msg = "a training step changes the shape or dtype of the model's state"
            raise TypeError(msg)
        return tuple(_flat_logs(self._train_logs)), tuple(_flat_logs(self._test_logs))

    def _lower_train(self, arrays: Any) -> Any:
        rows = (np.zeros(self.shape.n_rows, np.int32), np.int32(0), np.int32(0))
        train = door.jax().jit(self._run_train, compiler_options=self._options)
        return train.lower(template.state_of(self.model), arrays, rows)

    def _lower_measure(self, arrays: Any) -> Any:
        parts = self.shape.n_parts
        many = (
            np.zeros((parts, self.shape.n_rows), np.int32),
            np.zeros(parts, np.int32),
            np.zeros(parts, np.int32),
        )
        measure = door.jax().jit(self._run_measure, compiler_options=self._options)
        trainable, non_trainable, _ = template.state_of(self.model)
        return measure.lower(trainable, non_trainable, arrays, many)

    def _lower_predict(self, x: Any) -> Any:
        """(trainable, non-trainable, x of PREDICT_ROWS rows) -> outputs."""
        jax = door.jax()

        def step(trainable: Any, non_trainable: Any, x: Any) -> Any:
            return self.model.predict_step((trainable, non_trainable), (x,))[0]

        trainable, non_trainable, _ = template.state_of(self.model)
        chunk = jax.tree.map(
            lambda a: np.zeros((PREDICT_ROWS, *a.shape[1:]), a.dtype), x
        )
        predict = jax.jit(step, compiler_options=self._options)
        return predict.lower(trainable, non_trainable, chunk)

    def _run_train(self, state: Any, arrays: Any, rows: Any) -> Any:
        carry = ((*state, self._fresh_metrics), self._train_logs)
        sizes = (self.shape.batch_size, self.shape.partial_sizes)
        (*new_state, metrics), logs = _loop(
            self._train_step, carry, arrays, rows, sizes
        )
        return tuple(new_state), self._results(metrics, logs)

    def _run_measure(
        self, trainable: Any, non_trainable: Any, arrays: Any, parts: Any
    ) -> Any:
        jax = door.jax()
        sizes = (self.shape.validation_batch_size, self.shape.validation_partial_sizes)
        start = ((trainable, non_trainable, self._fresh_metrics), self._test_logs)

        def measure(part: Any) -> Any:
            (_, after, metrics), logs = _loop(
                self._test_step, start, arrays, part, sizes
            )
            changed = [
                _differs(a, b) for a, b in zip(non_trainable, after, strict=True)
            ]
            any_changed = jax.numpy.stack(changed).any() if changed else False
            return self._results(metrics, logs), any_changed

        measured, changed = jax.lax.map(measure, parts)
        return measured, jax.numpy.any(changed)

    def _take_train_step(self, state: Any, arrays: Any, rows: Any) -> Any:
        x, y, weights, _ = _take(arrays, rows)
        return self.model.train_step(state, (x, y, weights))

    def _take_test_step(self, state: Any, arrays: Any, rows: Any) -> Any:
        x, y, _, weights = _take(arrays, rows)
        return self.model.test_step(state, (x, y, weights))

    def _results(self, metrics: Any, last_logs: Any) -> Any:
        """What Keras's fit reports: metric results, or the last step's own logs."""
        keras, jnp = door.keras(), door.jax().numpy
        mapping = list(zip(self.model.metrics_variables, metrics, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            results = self.model.get_metrics_result()
        logs = results if set(results) == set(last_logs) else last_logs
        values = _flat_logs(logs).values()
        return jnp.stack([jnp.asarray(v, jnp.float32) for v in values])


def device_arrays(arrays: Arrays, class_weight: dict[int, float] | None) -> Any:
    """Return (x, y, training weights, validation weights) on the device.

    Class weights weigh training rows only, as in Keras's fit.
    """
    jax = door.jax()
    train_weight = arrays.sample_weight
    if class_weight is not None:
        from keras.src.trainers.data_adapters import (
            data_adapter_utils,
        )

        train_weight = data_adapter_utils.class_weight_to_sample_weights(
            arrays.y, class_weight
        )
    return jax.device_put((arrays.x, arrays.y, train_weight, arrays.sample_weight))


def _take(arrays: Any, rows: Any) -> Any:
    def take(leaf: Any) -> Any:
        return leaf.at[rows].get(mode="promise_in_bounds")

    return door.jax().tree.map(take, arrays)


def _loop(step: Any, carry: Any, arrays: Any, rows: Any, sizes: Any) -> Any:
    """Run `step` over all full batches and then over the partial one, if any."""
    lax = door.jax().lax
    order, n_full, branch = rows
    batch_size, partial_sizes = sizes

    def batch(start: Any, size: int, carry: Any) -> Any:
        state, last = carry
        logs, state = step(state, arrays, lax.dynamic_slice(order, (start,), (size,)))
        return tuple(state), _like(logs, last)

    def full(i: Any, carry: Any) -> Any:
        return batch(i * batch_size, batch_size, carry)

    carry = (tuple(carry[0]), carry[1])
    carry = lax.fori_loop(0, n_full, full, carry)

    def partial(size: int) -> Any:
        if size == 0:
            return lambda carry: carry
        return lambda carry: batch(n_full * batch_size, size, carry)

    branches = [partial(size) for size in partial_sizes]
    return (
        lax.switch(branch, branches, carry) if len(branches) > 1 else branches[0](carry)
    )


def _like(logs: Any, template_logs: Any) -> Any:
    return door.jax().tree.map(
        lambda value, like: door.jax().numpy.asarray(value, like.dtype),
        logs,
        template_logs,
    )


def _zeros(logs: Any) -> Any:
    jax = door.jax()
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), logs)


def _flat_logs(logs: Any) -> dict[str, Any]:
    """Flatten nested logs as Keras's history does: by sorted name."""
    flat: dict[str, Any] = {}
    for name, value in sorted(logs.items()):
        if isinstance(value, dict):
            flat.update(_flat_logs(value))
            continue
        if np.ndim(value) != 0:
            msg = (
                f"The metric {name!r} returns {np.shape(value)} values; a learning "
                "curve needs one number per epoch. Use an averaging form, such as "
                "average='macro'."
            )
            raise InputError(msg)
        flat[name] = value
    return flat


def _fresh_metrics(model: Any) -> list[Any]:
    model.reset_metrics()
    return [np.asarray(v.value) for v in model.metrics_variables]


def _differs(a: Any, b: Any) -> Any:
    jnp = door.jax().numpy
    unequal = a != b
    if jnp.issubdtype(a.dtype, jnp.floating):
        unequal = unequal & ~(jnp.isnan(a) & jnp.isnan(b))
    return unequal.any()
