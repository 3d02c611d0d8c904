"""One model's own steps as pure functions of its state and of row numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from homeroom import fingerprint
from homeroom.records import EXACT, LOWERED

from . import door, identity, looping, measures, template
from .apart import apart, one_by_one
from .structure import (
    Structure,
    evaluate,
    largest_array,
    structure_of,
    with_constants_inside,
)

PREDICT_ROWS = 256
Lifted = Mapping[int, Any]  # the values of lifted literals, by position


class LiteralsMovedError(Exception):
    """A step has other literals at another batch size: none of them can be lifted."""


class Steps:
    """Keras's `train_step`, `test_step` and `predict_step` of one built model.

    Each is traced once for each batch size, wherever it appears.

    Args:
        model: A model that is built, its optimizer too.
        arrays: What `device_arrays` returned.
        batch_size: Rows in the batch by which the structure is told.
        exact: Whether no operation may differ from Keras's in any bit.
    """

    def __init__(
        self, model: Any, arrays: Any, batch_size: int, *, exact: bool
    ) -> None:
        jax = door.jax()
        self.model = model
        self.fresh_optimizer = _fresh_optimizer(model)
        self.fresh_metrics = _fresh_metrics(model)
        self._jitted = tuple(
            jax.jit(step, inline=True)
            for step in (self._take_train_step, self._take_test_step, self._output)
        )
        trainable, non_trainable, optimizer = template.state_of(model)
        metrics = self.fresh_metrics
        rows = np.zeros(batch_size, np.int32)
        told = (
            ((trainable, non_trainable, optimizer, metrics), arrays, rows),
            ((trainable, non_trainable, metrics), arrays, rows),
            (trainable, non_trainable, rows_like(arrays[0], PREDICT_ROWS)),
        )
        traced = [step.trace(*a) for step, a in zip(self._jitted, told, strict=True)]
        written: tuple[looping.Written, ...] = ()
        if any(map(looping.concerns, traced)):
            written = tuple(looping.Written(s, exact=exact) for s in self._jitted)
            self._jitted = tuple(jax.jit(step, inline=True) for step in written)
            traced = [s.trace(*a) for s, a in zip(self._jitted, told, strict=True)]
        self.floats_per_row: int | None = None  # where more rows at once cost less
        if not written and measures.counts_rows_apart(model):
            largest = max(largest_array(traced[1].jaxpr.jaxpr), batch_size)
            self.floats_per_row = -(-largest // batch_size)
        self.structure = self._structure(traced, arrays[1])
        (self.train_logs, state), (self.test_logs, _) = (
            jax.tree.map(lambda a: np.zeros(a.shape, a.dtype), t.out_info)
            for t in traced[:2]
        )
        fixed, given = (
            jax.tree.map(lambda a: (a.shape, a.dtype), part)
            for part in (tuple(state[:3]), (trainable, non_trainable, optimizer))
        )
        if fixed != given:
            msg = "a training step changes the shape or dtype of the model's state"
            raise TypeError(msg)
        self.train_names = tuple(template.flat_logs(self.train_logs))
        self.test_names = tuple(template.flat_logs(self.test_logs))
        lowered = any(step.sameness == LOWERED for step in written)
        self.description = replace(
            template.describe(model, arrays[1], self.test_names, traced[2].out_info),
            sameness=LOWERED if lowered else EXACT,
        )

    def train(self, lifted: Lifted, state: Any, arrays: Any, rows: Any) -> Any:
        """Return (logs, state) after training on one batch."""
        return self._apply(0, lifted, (state, arrays, rows))

    def test(self, lifted: Lifted, state: Any, arrays: Any, rows: Any) -> Any:
        """Return (logs, state) after measuring one batch."""
        return self._apply(1, lifted, (state, arrays, rows))

    def predict(
        self, lifted: Lifted, trainable: Any, non_trainable: Any, x: Any
    ) -> Any:
        """Return the outputs for some rows."""
        return self._apply(2, lifted, (trainable, non_trainable, x))

    def results(self, metrics: Any, last_logs: Any) -> Any:
        """What Keras's fit reports: metric results, or the last step's own logs."""
        jnp = door.jax().numpy
        results = one_by_one(self._metric_results, metrics)
        logs = results if set(results) == set(last_logs) else last_logs
        values = template.flat_logs(logs).values()
        return jnp.stack([jnp.asarray(v, jnp.float32) for v in values])

    def _apply(self, which: int, lifted: Lifted, arguments: Any) -> Any:
        """Call a step; literals that are lifted have the values given, by position."""
        step, jax = self._jitted[which], door.jax()
        first, after = self.structure.firsts[which : which + 2]
        traced = step.trace(*jax.tree.map(jax.typeof, arguments))
        if not any(first <= position < after for position in lifted):
            tree = jax.tree.structure(traced.out_info)
            apply = with_constants_inside(traced.jaxpr)
            return tree.unflatten(apply(*jax.tree.leaves(arguments)))
        here = structure_of([traced.jaxpr]).literals
        known = self.structure.literals[first:after]
        same = len(here) == len(known) and all(
            here[position - first].tobytes() == known[position - first].tobytes()
            for position in lifted
            if first <= position < after
        )
        if not same:
            raise LiteralsMovedError
        leaves, tree = jax.tree.flatten(traced.out_info)
        values = evaluate(traced.jaxpr, jax.tree.leaves(arguments), lifted, first)
        return tree.unflatten(
            jax.numpy.asarray(value, leaf.dtype)
            for value, leaf in zip(values, leaves, strict=True)
        )

    def _structure(self, traced: list[Any], y: Any) -> Structure:
        """Return the structure of the steps, and of all else a program takes over."""
        jax = door.jax()
        found = structure_of([step.jaxpr for step in traced])
        results = jax.make_jaxpr(self._metric_results)(self.fresh_metrics)
        trees = [jax.tree.structure(step.out_info) for step in traced]
        names = tuple(template.flat_logs(traced[1].out_info[0]))
        # a constant of the loss is a literal already, and another may share the program
        output = traced[2].out_info
        described = template.describe(self.model, y, names, output)
        described = replace(described, loss="")
        text = f"{found.skeleton} {results} {trees} {described}"
        skeleton = fingerprint.of_bytes(text.encode())
        return Structure(
            skeleton + fingerprint.of_arrays([*results.consts, *self.fresh_metrics]),
            found.literals,
            found.firsts,
        )

    def _metric_results(self, metrics: Any) -> Any:
        keras = door.keras()
        mapping = list(zip(self.model.metrics_variables, metrics, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            return self.model.get_metrics_result()

    def _take_train_step(self, state: Any, arrays: Any, rows: Any) -> Any:
        x, y, weights, _ = _take(arrays, rows)
        return self.model.train_step(state, (x, y, weights))

    def _take_test_step(self, state: Any, arrays: Any, rows: Any) -> Any:
        # a loss would be added up while its rows are looked up, in another order
        x, y, _, weights = apart(_take, arrays, rows)
        return self.model.test_step(state, (x, y, weights))

    def _output(self, trainable: Any, non_trainable: Any, x: Any) -> Any:
        return self.model.predict_step((trainable, non_trainable), (x,))[0]


def _take(arrays: Any, rows: Any) -> Any:
    def take(leaf: Any) -> Any:
        return leaf.at[rows].get(mode="promise_in_bounds")

    return door.jax().tree.map(take, arrays)


def rows_like(x: Any, n: int) -> Any:
    """Return the shapes and dtypes of `n` rows of x."""
    jax = door.jax()
    return jax.tree.map(lambda a: jax.ShapeDtypeStruct((n, *a.shape[1:]), a.dtype), x)


def _fresh_optimizer(model: Any) -> list[Any] | None:
    """Return an optimizer's values before the first step.

    None if it has made one, or they are not the same in every model.
    """
    if int(identity.inner_optimizer(model).iterations) != 0:
        return None
    values = [np.asarray(v.value) for v in model.optimizer.variables]
    return values if all((v == v.flat[0]).all() for v in values if v.size) else None


def _fresh_metrics(model: Any) -> list[Any]:
    model.reset_metrics()
    return [np.asarray(v.value) for v in model.metrics_variables]
