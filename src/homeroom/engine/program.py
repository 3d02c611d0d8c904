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

from . import door, template
from .member import Arrays, Rows

PREDICT_ROWS = 256
_compiler = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="compiler")


@dataclass(frozen=True)
class Batches:
    """Batches of one size, and the sizes of last, partial ones that occur."""

    size: int
    partial_sizes: tuple[int, ...]

    def table(self, rows: Rows, n: int) -> tuple[Any, ...]:
        """Return `rows` filled up to length `n`, the full batches, the last's kind."""
        n_full, rest = divmod(len(rows), self.size)
        filled = np.zeros(n, np.int32)
        filled[: len(rows)] = rows
        return filled, np.int32(n_full), np.int32(self.partial_sizes.index(rest))


@dataclass(frozen=True)
class Shape:
    """What a program is compiled for, beside the model and the arrays.

    `train` and `validation` (None without validation rows) are Keras's own batches.
    `train_eval` are those in which training rows are measured, larger ones: no Keras
    number has to be met there. `n_rows` is the length of a row table.
    """

    train: Batches
    validation: Batches | None
    train_eval: Batches
    n_rows: int


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

    def epoch(self, state: Any, arrays: Any, order: Any, measured: Any) -> Any:
        """Train one epoch, then measure at the weights it ended with.

        Args:
            state: Trainable, non-trainable and optimizer values.
            arrays: What `device_arrays` returned.
            order: The table of the epoch's training rows.
            measured: Tables of the validation rows, if any, and the training rows.

        Returns:
            State, training values by `train_names`, one row of values by
            `test_names` per measured table, and whether measuring tried to change
            the state.
        """
        state, values = self._train.result()(state, arrays, order)
        found, changed = self._measure.result()(state[0], state[1], arrays, measured)
        return state, values, found, changed

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
        rows = np.zeros(self.shape.train.size, np.int32)
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
        train_flat, test_flat = map(
            template.flat_logs, (self._train_logs, self._test_logs)
        )
        return tuple(train_flat), tuple(test_flat)

    def _lower_train(self, arrays: Any) -> Any:
        train = door.jax().jit(self._run_train, compiler_options=self._options)
        state = template.state_of(self.model)
        return train.lower(state, arrays, self._empty_table())

    def _lower_measure(self, arrays: Any) -> Any:
        measure = door.jax().jit(self._run_measure, compiler_options=self._options)
        trainable, non_trainable, _ = template.state_of(self.model)
        tables = [self._empty_table() for _ in self._measured_batches()]
        return measure.lower(trainable, non_trainable, arrays, tables)

    def _empty_table(self) -> Any:
        return np.zeros(self.shape.n_rows, np.int32), np.int32(0), np.int32(0)

    def _measured_batches(self) -> list[Batches]:
        both = (self.shape.validation, self.shape.train_eval)
        return [batches for batches in both if batches is not None]

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

    def _run_train(self, state: Any, arrays: Any, order: Any) -> Any:
        carry = ((*state, self._fresh_metrics), self._train_logs)
        (*new_state, metrics), logs = _loop(
            self._train_step, carry, arrays, order, self.shape.train
        )
        return tuple(new_state), self._results(metrics, logs)

    def _run_measure(
        self, trainable: Any, non_trainable: Any, arrays: Any, tables: Any
    ) -> Any:
        jnp = door.jax().numpy
        start = ((trainable, non_trainable, self._fresh_metrics), self._test_logs)
        found, changed = [], [jnp.asarray(False)]
        for table, batches in zip(tables, self._measured_batches(), strict=True):
            (_, after, metrics), logs = _loop(
                self._test_step, start, arrays, table, batches
            )
            found.append(self._results(metrics, logs))
            changed += [
                _differs(a, b) for a, b in zip(non_trainable, after, strict=True)
            ]
        return jnp.stack(found), jnp.stack(changed).any()

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
        values = template.flat_logs(logs).values()
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


def _loop(step: Any, carry: Any, arrays: Any, table: Any, batches: Batches) -> Any:
    """Run `step` over all full batches and then over the partial one, if any."""
    lax = door.jax().lax
    rows, n_full, branch = table

    def batch(start: Any, size: int, carry: Any) -> Any:
        state, last = carry
        logs, state = step(state, arrays, lax.dynamic_slice(rows, (start,), (size,)))
        return tuple(state), _like(logs, last)

    def full(i: Any, carry: Any) -> Any:
        return batch(i * batches.size, batches.size, carry)

    carry = (tuple(carry[0]), carry[1])
    carry = lax.fori_loop(0, n_full, full, carry)

    def partial(size: int) -> Any:
        if size == 0:
            return lambda carry: carry
        return lambda carry: batch(n_full * batches.size, size, carry)

    branches = [partial(size) for size in batches.partial_sizes]
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


def _fresh_metrics(model: Any) -> list[Any]:
    model.reset_metrics()
    return [np.asarray(v.value) for v in model.metrics_variables]


def _differs(a: Any, b: Any) -> Any:
    jnp = door.jax().numpy
    unequal = a != b
    if jnp.issubdtype(a.dtype, jnp.floating):
        unequal = unequal & ~(jnp.isnan(a) & jnp.isnan(b))
    return unequal.any()
