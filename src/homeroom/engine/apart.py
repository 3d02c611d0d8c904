"""A computation that XLA's CPU compiler does not fuse with what is around it.

What is fused is computed anew wherever it is needed, adds with other roundings, and is
slow where the axes of one part are no axes of the next. A barrier is of no help, since
XLA takes it away before it fuses; what is in a branch stays there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import door
from .structure import inner

# what rounds the same in whatever program it is, and lets nothing be put together
_ROUNDED_ALIKE = {
    "abs",
    "and",
    "broadcast_in_dim",
    "concatenate",
    "convert_element_type",
    "copy",
    "div",  # but two of them are put together
    "eq",
    "ge",
    "gt",
    "iota",
    "is_finite",
    "le",
    "lt",
    "max",
    "min",
    "ne",
    "neg",
    "not",
    "or",
    "reshape",
    "select_n",
    "sign",
    "slice",
    "squeeze",
    "stop_gradient",
    "transpose",
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

    So Keras computes the results of an epoch, outside its programs. What NumPy has as
    one operation, such as a variance, is one, and may round as within a program; so
    may a division by a constant.
    """
    jax = door.jax()
    closed, like = jax.make_jaxpr(function, return_shape=True)(*operands)
    jaxpr = closed.jaxpr
    values = dict(zip(jaxpr.constvars, closed.consts, strict=True))
    values |= dict(zip(jaxpr.invars, jax.tree.leaves(operands), strict=True))

    def read(atom: Any) -> Any:
        return atom.val if hasattr(atom, "val") else values[atom]

    quotients: set[Any] = set()
    for equation in jaxpr.eqns:
        given = [read(atom) for atom in equation.invars]
        names = set(_names(equation))
        of_quotients = not quotients.isdisjoint(map(id, equation.invars))
        together = names <= _ROUNDED_ALIKE and not ("div" in names and of_quotients)
        outputs = (_bind if together else _by_itself)(equation, given)
        if together and ("div" in names or of_quotients):
            quotients |= {id(variable) for variable in equation.outvars}
        values.update(zip(equation.outvars, outputs, strict=True))
    return jax.tree.structure(like).unflatten(map(read, jaxpr.outvars))


def _by_itself(equation: Any, given: list[Any]) -> list[Any]:
    tracer = door.jax().core.Tracer
    known = [None if isinstance(value, tracer) else value for value in given]
    varying = [value for value in given if isinstance(value, tracer)]
    if not varying or any(value.dtype.kind != "f" for value in varying):
        return _bind(equation, given)

    def bound(*values: Any) -> list[Any]:
        rest = iter(values)
        return _bind(equation, [next(rest) if v is None else v for v in known])

    return list(apart(bound, *varying))


def _bind(equation: Any, given: list[Any]) -> list[Any]:
    primitive = equation.primitive
    with equation.ctx.manager:
        outputs = primitive.bind(*given, **primitive.get_bind_params(equation.params))
    return list(outputs) if primitive.multiple_results else [outputs]


def _names(equation: Any) -> Iterator[str]:
    """Yield what an operation is called, or those that it stands for."""
    if (inside := inner(equation)) is None:
        yield equation.primitive.name
    else:
        for each in inside[0].eqns:
            yield from _names(each)
