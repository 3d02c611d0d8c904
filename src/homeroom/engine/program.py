"""Compiled epochs: Keras's own train_step and test_step, looped inside XLA.

The loop bodies are `model.train_step` and `model.test_step` themselves, on the same
batches in the same order, so the values are those of `keras.Model.fit`, bit for bit.
The number of full batches is an argument, not a shape: folds of different sizes share
a program. The last, partial batch runs at its own size in a branch of its own.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from . import door, template
from .member import Arrays, Rows
from .random_bits import cheap_random_bits
from .steps import PREDICT_ROWS, Steps, rows_like
from .structure import Structure

_CALL_SECONDS = 0.02  # of work in one call: some fifty times what calling costs
_MOST_EPOCHS = 32
_KEPT_BYTES = 2**20
_ORDER_ROWS = 2**18
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

    `measured` are the batches of validation rows, and of training rows when they are
    measured too; `n_measured` tells how many tables there are. `n_rows` is the length
    of a table.
    """

    train: Batches
    measured: Batches
    n_measured: int
    n_rows: int


@dataclass(frozen=True, eq=False)
class Epochs:
    """What a call came to: the last state, and for each epoch its state and row."""

    state: Any
    kept: Any
    rows: Any

    def state_after(self, i: int) -> Any:
        """Return the state at the end of the i-th epoch of this call."""
        if not self.kept:
            return self.state
        return door.jax().tree.map(lambda leaf: leaf[i], self.kept)


@dataclass(frozen=True, eq=False)
class ModelProgram:
    """A program, and what of it is one model's own.

    `values` are those of the lifted literals; `fresh_optimizer` stands in for an
    optimizer that is not built.
    """

    program: Program
    values: tuple[Any, ...]
    fresh_optimizer: list[Any]

    def state_of(self, model: Any) -> Any:
        """Return a model's state before its first step."""
        fresh = None if model.optimizer.built else self.fresh_optimizer
        return template.state_of(model, fresh)

    def does_what(self, other: ModelProgram) -> bool:
        """Return whether two models compute the same."""
        same = zip(self.values, other.values, strict=True)
        return self.program is other.program and all(
            a.tobytes() == b.tobytes() for a, b in same
        )

    def epochs(self, state: Any, arrays: Any, orders: list[Rows], tables: Any) -> Any:
        """Train some epochs: see `Program.epochs`."""
        return self.program.epochs(self.values, state, arrays, orders, tables)

    def predict(self, trainable: Any, non_trainable: Any, x: Any) -> Any:
        """Return the outputs for x of exactly PREDICT_ROWS rows."""
        return self.program.predict(self.values, trainable, non_trainable, x)


class Program:
    """The compiled epochs of one model structure on arrays of one shape.

    Making it traces Python, and belongs to one thread at a time. Compiling goes on
    beside it; whoever calls the program first waits for that. A program may be called
    from many threads at once.

    Args:
        steps: The steps of a model.
        arrays: What `device_arrays` returned.
        shape: What else it is compiled for.
        lifted: Positions of the literals of the steps that are arguments of every
            call; the others are compiled in.
        one_core: Whether a call may use only the core it runs on.
        reason: Why no program that was there before would do.
    """

    def __init__(
        self,
        steps: Steps,
        arrays: Any,
        shape: Shape,
        *,
        lifted: frozenset[int] = frozenset(),
        one_core: bool,
        reason: str = "",
    ) -> None:
        self.reason = reason
        self.steps = steps
        self.lifted = tuple(sorted(lifted))
        self.shape = shape
        self._options = {"xla_cpu_multi_thread_eigen": not one_core}
        if door.jax().default_backend() != "cpu":
            self._options = {}
        prefixes = ["val_", "train_eval_"][-shape.n_measured :]
        self._history_keys = [*steps.train_names]
        self._history_keys += [p + name for p in prefixes for name in steps.test_names]
        self.most_epochs = self._epochs_that_fit()
        self._pace = _CALL_SECONDS  # seconds per epoch, once one is measured
        self._started = time.perf_counter()
        self._ended = self._started
        with cheap_random_bits():
            # one is compiled while the other is still being traced
            self._run = _compiler.submit(self._compiled, self._lower_run(arrays))
            # outputs are of validation rows
            self._predict = None
            if shape.n_measured > 1:
                lowered = self._lower_predict(arrays[0])
                self._predict = _compiler.submit(self._compiled, lowered)

    def values_of(self, structure: Structure) -> tuple[Any, ...] | None:
        """Return a structure's own values of the lifted literals.

        None when it differs elsewhere too: this program does not compute it.
        """
        if structure.skeleton != self.steps.structure.skeleton:
            return None
        if not structure.differing(self.steps.structure) <= {*self.lifted}:
            return None
        return tuple(structure.literals[position] for position in self.lifted)

    def epochs(
        self, values: Any, state: Any, arrays: Any, orders: list[Rows], tables: Any
    ) -> tuple[Epochs, list[tuple[dict[str, float], bool]]]:
        """Train some epochs; after each, measure at the weights it ended with.

        Args:
            values: Of the lifted literals: what `values_of` returned.
            state: Trainable, non-trainable and optimizer values.
            arrays: What `device_arrays` returned.
            orders: The training rows in the order of each epoch; as many epochs as
                `epochs_per_call` at most.
            tables: What `measured_tables` returned.

        Returns:
            The epochs' states; each one's history row, and whether measuring tried to
            change the state.
        """
        started = time.perf_counter()
        n = len(orders)
        ended = self.call(values, state, arrays, orders, tables)
        rows = np.asarray(ended.rows)[:n].tolist()
        self._pace = min(self._pace, (time.perf_counter() - started) / n)
        return ended, [
            (dict(zip(self._history_keys, values, strict=True)), bool(moved))
            for *values, moved in rows
        ]

    def call(
        self, values: Any, state: Any, arrays: Any, orders: list[Rows], tables: Any
    ) -> Epochs:
        """Train some epochs as `epochs` does; return once they are done."""
        each = [self.shape.train.table(rows, self.shape.n_rows) for rows in orders]
        each += [self._empty_table()] * (self.most_epochs - len(orders))
        n, run = np.int32(len(orders)), self._run.result()
        ended = Epochs(*run(values, state, arrays, _stack(each), n, tables))
        np.asarray(ended.rows)
        return ended

    @property
    def seconds(self) -> float:
        """What making it took, from tracing to the end of compiling."""
        self.wait()
        return self._ended - self._started

    @property
    def call_bytes(self) -> int:
        """What a call holds on the device beside what it was given."""
        memory = self._run.result().memory_analysis()
        if memory is None:  # not every device tells
            return 0
        return int(memory.temp_size_in_bytes + memory.output_size_in_bytes)

    @property
    def epochs_per_call(self) -> int:
        """How many epochs are worth one call, as far as their cost is known."""
        return max(1, min(self.most_epochs, int(_CALL_SECONDS / self._pace)))

    def measured_tables(self, *measured: Rows | None) -> Any:
        """Return tables of the rows that are measured, on the device."""
        given = [rows for rows in measured if rows is not None]
        shape = self.shape
        each = [shape.measured.table(rows, shape.n_rows) for rows in given]
        return door.jax().device_put(_stack(each))

    def wait(self) -> None:
        """Return when everything is compiled."""
        for part in filter(None, (self._run, self._predict)):
            part.result()

    def predict(self, values: Any, trainable: Any, non_trainable: Any, x: Any) -> Any:
        """Return the outputs for x of exactly PREDICT_ROWS rows."""
        assert self._predict is not None
        return self._predict.result()(values, trainable, non_trainable, x)

    def _compiled(self, lowered: Any) -> Any:
        compiled = lowered.compile()
        self._ended = max(self._ended, time.perf_counter())
        return compiled

    def _epochs_that_fit(self) -> int:
        """How many epochs one call may hold: their states and orders are kept."""
        leaves = door.jax().tree.leaves(template.state_of(self.steps.model))
        fit = _KEPT_BYTES // max(sum(leaf.nbytes for leaf in leaves), 1)
        return max(1, min(_MOST_EPOCHS, int(fit), _ORDER_ROWS // self.shape.n_rows))

    def _lower_run(self, arrays: Any) -> Any:
        run = door.jax().jit(self._run_epochs, compiler_options=self._options)
        orders = _stack([self._empty_table()] * self.most_epochs)
        tables = _stack([self._empty_table()] * self.shape.n_measured)
        state = template.state_of(self.steps.model)
        values = self.values_of(self.steps.structure)
        return run.lower(values, state, arrays, orders, np.int32(0), tables)

    def _empty_table(self) -> Any:
        return np.zeros(self.shape.n_rows, np.int32), np.int32(0), np.int32(0)

    def _lower_predict(self, x: Any) -> Any:
        """(values, trainable, non-trainable, x of PREDICT_ROWS rows) -> outputs."""
        predict = door.jax().jit(self._outputs, compiler_options=self._options)
        trainable, non_trainable, _ = template.state_of(self.steps.model)
        values = self.values_of(self.steps.structure)
        chunk = rows_like(x, PREDICT_ROWS)
        return predict.lower(values, trainable, non_trainable, chunk)

    def _outputs(self, values: Any, trainable: Any, non_trainable: Any, x: Any) -> Any:
        return self.steps.predict(self._placed(values), trainable, non_trainable, x)

    def _placed(self, values: Any) -> dict[int, Any]:
        return dict(zip(self.lifted, values, strict=True))

    def _run_epochs(
        self, values: Any, state: Any, arrays: Any, orders: Any, n: Any, tables: Any
    ) -> Any:
        jax = door.jax()
        train = partial(self.steps.train, self._placed(values))
        test = partial(self.steps.test, self._placed(values))
        many = self.most_epochs

        def put(kept: Any, value: Any, i: Any) -> Any:
            return jax.lax.dynamic_update_index_in_dim(kept, value, i, 0)

        def epoch(i: Any, carry: Any) -> Any:
            state, kept, rows = carry
            order = jax.tree.map(lambda leaf: leaf[i], orders)
            state, trained = self._run_train(train, state, arrays, order)
            measured = self._run_measure(test, state, arrays, tables)
            # in one piece, because each piece is a wait
            row = jax.numpy.concatenate([trained, measured])
            if kept:
                kept = jax.tree.map(lambda k, leaf: put(k, leaf, i), kept, state)
            return state, kept, put(rows, row, i)

        kept = jax.tree.map(
            lambda leaf: jax.numpy.zeros((many, *leaf.shape), leaf.dtype), state
        )
        rows = jax.numpy.zeros((many, len(self._history_keys) + 1))
        start = (state, kept if many > 1 else (), rows)
        return jax.lax.fori_loop(0, n, epoch, start)

    def _run_train(self, step: Any, state: Any, arrays: Any, order: Any) -> Any:
        carry = ((*state, self.steps.fresh_metrics), self.steps.train_logs)
        (*new_state, metrics), logs = _loop(
            step, carry, arrays, order, self.shape.train
        )
        return tuple(new_state), self.steps.results(metrics, logs)

    def _run_measure(self, step: Any, state: Any, arrays: Any, tables: Any) -> Any:
        jax = door.jax()
        trainable, non_trainable, _ = state
        fresh = self.steps.fresh_metrics
        start = ((trainable, non_trainable, fresh), self.steps.test_logs)

        def measure(table: Any) -> Any:
            (_, after, metrics), logs = _loop(
                step, start, arrays, table, self.shape.measured
            )
            changed = [
                _differs(a, b) for a, b in zip(non_trainable, after, strict=True)
            ]
            return self.steps.results(metrics, logs), jax.numpy.asarray(changed).any()

        found, changed = jax.lax.map(measure, tables)
        return jax.numpy.concatenate([found.ravel(), changed.any()[None]])


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


def _stack(tables: list[Any]) -> Any:
    return tuple(map(np.stack, zip(*tables, strict=True)))


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


def _differs(a: Any, b: Any) -> Any:
    jnp = door.jax().numpy
    unequal = a != b
    if jnp.issubdtype(a.dtype, jnp.floating):
        unequal = unequal & ~(jnp.isnan(a) & jnp.isnan(b))
    return unequal.any()
