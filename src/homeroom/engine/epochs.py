"""What a call of a program computes: epochs of Keras's own steps, inside XLA.

The loop bodies are `model.train_step` and `model.test_step` themselves, on the same
batches in the same order, so the values are those of `keras.Model.fit`, bit for bit.
The number of full batches is an argument, not a shape: folds of different sizes share
a program. The last, partial batch runs at its own size in a branch of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from . import door
from .apart import apart
from .member import Rows
from .patience import Patience
from .steps import Steps

_FLOATS_AT_ONCE = 2**17  # half a megabyte stays in a core's own cache


@dataclass(frozen=True)
class Batches:
    """Batches of one size, and the sizes of last, partial ones that occur."""

    size: int
    partial_sizes: tuple[int, ...]

    @classmethod
    def of(cls, size: int, lengths: Collection[int]) -> Batches:
        """Return batches of a size, for tables of so many rows each."""
        return cls(size, tuple(sorted({n % size for n in lengths})))

    def tables(self, given: Mapping[Any, Rows], n_rows: int, *axes: int) -> Any:
        """Return an array of tables: of the rows given for a place, or empty.

        A table is rows filled up to `n_rows`, the full batches, the last's kind.
        """
        each = (*axes, n_rows), axes, axes
        filled, n_full, kind = (np.zeros(shape, np.int32) for shape in each)
        for place, rows in given.items():
            filled[place][: len(rows)] = rows
            n_full[place], rest = divmod(len(rows), self.size)
            kind[place] = self.partial_sizes.index(rest) if len(rows) else 0
        return filled, n_full, kind


@dataclass(frozen=True)
class Shape:
    """What a program is compiled for, beside the model and the arrays.

    After an epoch validation rows are measured, if there are any, and training rows:
    `sampled` of them, in one training or another. Each have a table of their own, and
    `n_measured` tells how many tables there are. `validation` are the batches of the
    former, `measured` those of both; where training rows have their own, `sample`, they
    are those of the former, too. `n_rows` is the length of a table.
    """

    train: Batches
    measured: Batches
    validation: Batches
    n_measured: int
    n_rows: int
    sampled: tuple[int, ...]
    sample: Batches | None = None

    def with_large_samples(self, floats_per_row: int) -> Shape:
        """Return it with the measured training rows in as few batches as are fast.

        Keras has no say in them: it measures none. `floats_per_row` is the size of the
        largest array while a row is measured.
        """
        size = min(max(self.sampled), _FLOATS_AT_ONCE // floats_per_row)
        if size < 2 * self.measured.size:
            return self
        sample = Batches.of(size, self.sampled)
        return replace(self, measured=self.validation, sample=sample)

    @property
    def measured_batches(self) -> tuple[Batches, ...]:
        """The batches of each table of rows that are measured."""
        return (self.measured, self.sample or self.measured)[-self.n_measured :]

    def order_tables(self, orders: Mapping[Any, Rows], *axes: int) -> Any:
        """Return an array of tables of training rows, empty where none are given."""
        return self.train.tables(orders, self.n_rows, *axes)

    def measured_tables(self, *measured: Rows | None) -> Any:
        """Return tables of the rows that are measured."""
        given = [rows for rows in measured if rows is not None]
        each = [
            batches.tables({(): rows}, self.n_rows)
            for batches, rows in zip(self.measured_batches, given, strict=True)
        ]
        return tuple(map(np.stack, zip(*each, strict=True)))


@dataclass(frozen=True, eq=False)
class EpochLoop:
    """The epochs of one training as a function that can be traced.

    At most `most_epochs` of them; all their states are returned if that is more than
    one, so that any of them can be the one that is kept.
    """

    steps: Steps
    shape: Shape
    most_epochs: int

    def run(
        self,
        lifted: Mapping[int, Any],
        state: Any,
        arrays: Any,
        orders: Any,
        n: Any,
        tables: Any,
        patience: Patience | None,
    ) -> Any:
        """Return the last state, those after each epoch, and a row for each.

        A row has the history's values, whether measuring tried to change the state,
        and 1: rows of epochs that were not run are zeros. Where `patience` is given,
        the epoch in which it runs out is the last.
        """
        jax = door.jax()
        train = partial(self.steps.train, lifted)
        # fused with the loop a loss is added up otherwise than Keras adds it, and what
        # is the same in every batch, such as a penalty, is rounded before
        test = partial(apart, partial(self.steps.test, lifted))
        many = self.most_epochs

        def put(kept: Any, value: Any, i: Any) -> Any:
            return jax.lax.dynamic_update_index_in_dim(kept, value, i, 0)

        def goes_on(carry: Any) -> Any:
            i, _, patience = carry
            if patience is None:
                return i < n
            return (i < n) & ((i == 0) | ~patience.has_run_out)

        def epoch(carry: Any) -> Any:
            i, (state, kept, rows), patience = carry
            order = jax.tree.map(lambda leaf: leaf[i], orders)
            state, trained = self._train(train, state, arrays, order)
            measured = self._measure(test, state, arrays, tables)
            # in one piece, because each piece is a wait
            row = jax.numpy.concatenate([trained, measured, jax.numpy.ones(1)])
            if kept:
                kept = jax.tree.map(lambda k, leaf: put(k, leaf, i), kept, state)
            patience = None if patience is None else patience.after(row)
            return i + 1, (state, kept, put(rows, row, i)), patience

        kept = jax.tree.map(
            lambda leaf: jax.numpy.zeros((many, *leaf.shape), leaf.dtype), state
        )
        rows = jax.numpy.zeros((many, self.n_values + 2))
        start = (state, kept if many > 1 else (), rows)
        carry = (jax.numpy.int32(0), start, patience)
        return jax.lax.while_loop(goes_on, epoch, carry)[1]

    @property
    def n_values(self) -> int:
        """How many numbers the history gets from an epoch."""
        steps = self.steps
        n_measured = self.shape.n_measured
        return len(steps.train_names) + n_measured * len(steps.test_names)

    def _train(self, step: Any, state: Any, arrays: Any, order: Any) -> Any:
        carry = ((*state, self.steps.fresh_metrics), self.steps.train_logs)
        (*new_state, metrics), logs = _loop(
            step, carry, arrays, order, self.shape.train
        )
        return tuple(new_state), self.steps.results(metrics, logs)

    def _measure(self, step: Any, state: Any, arrays: Any, tables: Any) -> Any:
        jax = door.jax()
        trainable, non_trainable, _ = state
        fresh = self.steps.fresh_metrics
        start = ((trainable, non_trainable, fresh), self.steps.test_logs)

        def measure(batches: Batches, table: Any) -> Any:
            (_, after, metrics), logs = _loop(step, start, arrays, table, batches)
            changed = [
                _differs(a, b) for a, b in zip(non_trainable, after, strict=True)
            ]
            return self.steps.results(metrics, logs), jax.numpy.asarray(changed).any()

        kinds = self.shape.measured_batches
        if len({*kinds}) == 1:  # one loop is compiled for all tables
            found, changed = jax.lax.map(partial(measure, kinds[0]), tables)
        else:
            each = [
                measure(batches, jax.tree.map(lambda leaf: leaf[i], tables))  # noqa: B023
                for i, batches in enumerate(kinds)
            ]
            found, changed = map(jax.numpy.stack, zip(*each, strict=True))
        return jax.numpy.concatenate([found.ravel(), changed.any()[None]])


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
