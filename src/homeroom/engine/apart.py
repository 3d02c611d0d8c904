"""A computation that XLA's CPU compiler does not fuse with what is around it.

What is fused is computed anew wherever it is needed, adds with other roundings, and is
slow where the axes of one part are no axes of the next. A barrier is of no help, since
XLA takes it away before it fuses; what is in a branch stays there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import door
from .structure import inner

# by what is fused with them: in one go with a sum, or in another order
_ROUNDED_OTHERWISE = {
    "cumprod",
    "cumsum",
    "dot_general",
    "integer_pow",
    "mul",
    "reduce_prod",
    "reduce_sum",
    "square",
}


def apart(function: Callable[..., Any], *operands: Any) -> Any:
    """Return what a function returns, computed by itself on CPU.

    Args:
        function: Of arrays, or trees of them, as is what it returns.
        operands: What it is given. The first number of the last array must not be one
            that XLA knows, as those of a padding are.
    """
    if door.device() != "cpu":
        return function(*operands)
    jax = door.jax()
    lax, last = jax.lax, jax.tree.leaves(operands)[-1]
    n_bits = 8 * last.dtype.itemsize
    number = lax.reshape(last, (last.size,))[0]
    ones = lax.population_count(lax.bitcast_convert_type(number, f"uint{n_bits}"))
    like = jax.eval_shape(function, *operands)

    def never(*_: Any) -> Any:
        return jax.tree.map(lambda out: lax.full(out.shape, 0, out.dtype), like)

    # always so, but XLA does not know it
    has_so_many = ones <= np.asarray(n_bits, ones.dtype)
    return lax.cond(has_so_many, function, never, *operands)


def one_by_one(function: Callable[..., Any], *operands: Any) -> Any:
    """Return what a function returns, rounded as if each operation were a program.

    So Keras computes the results of an epoch, outside its programs. Products and sums
    of floats are apart on CPU; whatever else there is rounds the same everywhere.
    """
    jax = door.jax()
    closed, like = jax.make_jaxpr(function, return_shape=True)(*operands)
    outputs = _evaluate(closed.jaxpr, closed.consts, jax.tree.leaves(operands))
    return jax.tree.structure(like).unflatten(outputs)


def _evaluate(jaxpr: Any, consts: Sequence[Any], arguments: Sequence[Any]) -> list[Any]:
    values = dict(zip(jaxpr.constvars, consts, strict=True))
    values |= dict(zip(jaxpr.invars, arguments, strict=True))

    def read(atom: Any) -> Any:
        return atom.val if hasattr(atom, "val") else values[atom]

    for equation in jaxpr.eqns:
        given = [read(atom) for atom in equation.invars]
        if (inside := inner(equation)) is not None:
            outputs = _evaluate(*inside, given)
        else:
            outputs = _bind(equation, given)
        values.update(zip(equation.outvars, outputs, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _bind(equation: Any, given: list[Any]) -> list[Any]:
    primitive, tracer = equation.primitive, door.jax().core.Tracer
    known = [None if isinstance(value, tracer) else value for value in given]
    varying = [value for value in given if isinstance(value, tracer)]

    def bound(*values: Any) -> Any:
        rest = iter(values)
        inputs = [next(rest) if value is None else value for value in known]
        with equation.ctx.manager:
            return primitive.bind(*inputs, **primitive.get_bind_params(equation.params))

    floats = [np.issubdtype(value.dtype, np.floating) for value in varying]
    if floats and all(floats) and primitive.name in _ROUNDED_OTHERWISE:
        outputs = apart(bound, *varying)
    else:
        outputs = bound(*varying)
    return list(outputs) if primitive.multiple_results else [outputs]
