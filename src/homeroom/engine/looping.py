"""Steps rewritten for being run inside a loop, which XLA's CPU compiler treats worse.

A traced step is read operation by operation; what is slow inside a loop is replaced,
everything else stays as it was traced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from homeroom.records import EXACT, LOWERED

from . import convolution, door, pooling
from .form import Form
from .structure import CALLS


def written(step: Any, *, exact: bool) -> Callable[..., Any]:
    """Return a function that computes what a jitted one does, fast inside a loop.

    Args:
        step: What `jax.jit` returned; it is traced once for each kind of arguments.
        exact: Whether no bit may differ from what XLA computes outside loops.
    """
    jax = door.jax()
    if door.device() != "cpu":
        return step  # type: ignore[no-any-return]

    def rewritten(*arguments: Any) -> Any:
        traced = step.trace(*jax.tree.map(jax.typeof, arguments))
        closed = traced.jaxpr
        if not any(_form(each, exact=exact) for each in _equations(closed.jaxpr)):
            return step(*arguments)
        leaves, tree = jax.tree.flatten(traced.out_info)
        given = jax.tree.leaves(arguments)
        values = _evaluate(closed.jaxpr, closed.consts, given, exact=exact)
        return tree.unflatten(
            jax.numpy.asarray(value, leaf.dtype)
            for value, leaf in zip(values, leaves, strict=True)
        )

    return rewritten


def sameness(traced: Sequence[Any], *, exact: bool) -> str:
    """Return whether steps, rewritten, still compute every bit as Keras does."""
    if door.device() != "cpu":
        return EXACT
    forms = (
        _form(equation, exact=exact)
        for step in traced
        for equation in _equations(step.jaxpr.jaxpr)
    )
    return EXACT if all(form.is_exact for form in forms if form) else LOWERED


def _form(equation: Any, *, exact: bool) -> Form | None:
    if equation.primitive.name == convolution.NAME:
        return convolution.form_of(equation, exact=exact)
    if equation.primitive.name == pooling.NAME:
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

    for equation in jaxpr.eqns:
        inputs = [read(atom) for atom in equation.invars]
        if (inner := _inner(equation)) is not None:
            outputs = _evaluate(*inner, inputs, exact=exact)
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
