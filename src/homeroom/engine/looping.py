"""Steps rewritten for being run inside a loop, which XLA's CPU compiler treats worse.

A traced step is read operation by operation; what is slow inside a loop is replaced,
everything else stays as it was traced.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from homeroom.records import EXACT, LOWERED

from . import convolution, door, pooling
from .form import Form
from .structure import inner

_Forms = Mapping[Any, Form]  # by the variable that is computed


class Written:
    """A step as it is run inside a loop: what a jitted one computes, and fast there.

    `sameness` says whether every bit is as Keras computes it, once it was traced.

    Args:
        step: What `jax.jit` returned; it is traced once for each kind of arguments.
        exact: Whether no bit may differ from what XLA computes outside loops.
    """

    def __init__(self, step: Any, *, exact: bool) -> None:
        self._step = step
        self._exact = exact
        self.sameness = EXACT

    def __call__(self, *arguments: Any) -> Any:
        """Return what the step does."""
        jax = door.jax()
        traced = self._step.trace(*jax.tree.map(jax.typeof, arguments))
        closed, given = traced.jaxpr, jax.tree.leaves(arguments)
        leaves, tree = jax.tree.flatten(traced.out_info)
        pools = pooling.forms_of(closed.jaxpr)
        values = self._evaluate(closed.jaxpr, closed.consts, given, pools)
        return tree.unflatten(
            jax.numpy.asarray(value, leaf.dtype)
            for value, leaf in zip(values, leaves, strict=True)
        )

    def _evaluate(
        self, jaxpr: Any, consts: Sequence[Any], arguments: Sequence[Any], forms: _Forms
    ) -> list[Any]:
        values: dict[Any, Any] = dict(zip(jaxpr.invars, arguments, strict=True))
        values.update(zip(jaxpr.constvars, consts, strict=True))

        def read(atom: Any) -> Any:
            return atom.val if hasattr(atom, "val") else values[atom]

        for equation in jaxpr.eqns:
            inputs = [read(atom) for atom in equation.invars]
            if (inside := inner(equation)) is not None:
                # what is around a pooling in there is not known: it stays as it is
                outputs = self._evaluate(*inside, inputs, {})
            else:
                outputs = self._bind(equation, inputs, forms)
            values.update(zip(equation.outvars, outputs, strict=True))
        return [read(atom) for atom in jaxpr.outvars]

    def _bind(self, equation: Any, inputs: list[Any], forms: _Forms) -> list[Any]:
        primitive = equation.primitive
        form = next((forms[v] for v in equation.outvars if v in forms), None)
        if primitive.name == convolution.NAME:
            form = convolution.form_of(equation, exact=self._exact)
        with equation.ctx.manager:
            if form is not None:
                self.sameness = self.sameness if form.is_exact else LOWERED
                return [form.compute(*inputs)]
            params = primitive.get_bind_params(equation.params)
            outputs = primitive.bind(*inputs, **params)
        return list(outputs) if primitive.multiple_results else [outputs]


def concerns(traced: Any) -> bool:
    """Return whether a traced step has any operation that may be rewritten."""
    names = {convolution.NAME, *pooling.NAMES}
    found = (each.primitive.name in names for each in _equations(traced.jaxpr.jaxpr))
    return door.device() == "cpu" and any(found)


def _equations(jaxpr: Any) -> Iterator[Any]:
    for equation in jaxpr.eqns:
        if (inside := inner(equation)) is None:
            yield equation
        else:
            yield from _equations(inside[0])
