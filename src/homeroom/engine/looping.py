"""Steps rewritten for being run inside a loop, which XLA's CPU compiler treats worse.

A traced step is read operation by operation; what is slow inside a loop is replaced,
everything else stays as it was traced.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from homeroom.records import EXACT, LOWERED

from . import convolution, door, pooling
from .apart import apart
from .form import Form
from .structure import CALLS


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
        for equation in _equations(closed.jaxpr):
            form = _form(equation, exact=self._exact)
            if form is not None and not form.is_exact:
                self.sameness = LOWERED
        values = _evaluate(closed.jaxpr, closed.consts, given, exact=self._exact)
        return tree.unflatten(
            jax.numpy.asarray(value, leaf.dtype)
            for value, leaf in zip(values, leaves, strict=True)
        )


def concerns(traced: Any) -> bool:
    """Return whether a traced step has any operation that may be rewritten."""
    names = {convolution.NAME, *pooling.NAMES}
    found = (each.primitive.name in names for each in _equations(traced.jaxpr.jaxpr))
    return door.device() == "cpu" and any(found)


def _form(equation: Any, *, exact: bool) -> Form | None:
    if equation.primitive.name == convolution.NAME:
        return convolution.form_of(equation, exact=exact)
    if equation.primitive.name in pooling.NAMES:
        return pooling.form_of(equation)
    return None


def _inner(equation: Any) -> tuple[Any, Sequence[Any]] | None:
    """The operations that one stands for, and their constants.

    Loops and branches within a step are left alone: Keras, too, has XLA compile them
    as they are.
    """
    inner = equation.params.get(CALLS.get(equation.primitive.name, ""))
    if inner is None:
        return None
    return getattr(inner, "jaxpr", inner), getattr(inner, "consts", ())


def _equations(jaxpr: Any) -> Iterator[Any]:
    for equation in jaxpr.eqns:
        if (inner := _inner(equation)) is None:
            yield equation
        else:
            yield from _equations(inner[0])


def _evaluate(
    jaxpr: Any, consts: Sequence[Any], arguments: Sequence[Any], *, exact: bool
) -> list[Any]:
    values: dict[Any, Any] = dict(zip(jaxpr.invars, arguments, strict=True))
    values.update(zip(jaxpr.constvars, consts, strict=True))

    def read(atom: Any) -> Any:
        return atom.val if hasattr(atom, "val") else values[atom]

    reshaped = pooling.reshaped(jaxpr)
    for equation in jaxpr.eqns:
        inputs = [read(atom) for atom in equation.invars]
        if (inner := _inner(equation)) is not None:
            outputs = _evaluate(*inner, inputs, exact=exact)
        elif not reshaped.isdisjoint(equation.outvars):
            bind = partial(equation.primitive.bind, **equation.params)
            outputs = [apart(bind, *inputs)]
        else:
            outputs = _bind(equation, inputs, exact=exact)
        values.update(zip(equation.outvars, outputs, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _bind(equation: Any, inputs: list[Any], *, exact: bool) -> list[Any]:
    primitive = equation.primitive
    with equation.ctx.manager:
        if (form := _form(equation, exact=exact)) is not None:
            return [form.compute(*inputs)]
        outputs = primitive.bind(*inputs, **primitive.get_bind_params(equation.params))
    return list(outputs) if primitive.multiple_results else [outputs]
