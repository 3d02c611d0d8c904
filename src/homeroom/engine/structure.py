"""Traced steps apart from their constants, so that what differs in them can be shared.

Two models that differ in a dropout rate or a momentum trace to the same operations
with other literals in the same places. Such a literal is lifted: the step is compiled
once, with an argument in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeroom import fingerprint

from . import door

_FEW = 16  # elements of an array that is made of single numbers

# Operations that stand for the ones inside, and say nothing else about the values.
CALLS = {
    "jit": "jaxpr",
    "pjit": "jaxpr",
    "closed_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
}


def inner(equation: Any) -> tuple[Any, Sequence[Any]] | None:
    """Return the operations that one stands for, and their constants.

    Loops and branches within a step are left alone: Keras, too, has XLA compile them
    as they are.
    """
    inside = equation.params.get(CALLS.get(equation.primitive.name, ""))
    if inside is None:
        return None
    return getattr(inside, "jaxpr", inside), getattr(inside, "consts", ())


@dataclass(frozen=True)
class Structure:
    """What functions compute: their operations, and the scalar literals in them.

    Functions of equal `skeleton` differ in `literals` only. `firsts` are the position
    of each function's first literal, and how many there are.
    """

    skeleton: str
    literals: tuple[NDArray[Any], ...]
    firsts: tuple[int, ...]

    def differing(self, other: Structure) -> frozenset[int]:
        """Return the positions of literals that differ between the two."""
        pairs = zip(self.literals, other.literals, strict=True)
        return frozenset(i for i, (a, b) in enumerate(pairs) if not _same(a, b))


def structure_of(traced: Sequence[Any]) -> Structure:
    """Return the structure of closed jaxprs, one after the other."""
    lines: list[str] = []
    literals: list[NDArray[Any]] = []
    firsts = [0]
    for closed in traced:
        lines.append(fingerprint.of_arrays(np.asarray(c) for c in closed.consts))
        lines.extend(_lines(closed.jaxpr, literals))
        firsts.append(len(literals))
    skeleton = fingerprint.of_bytes("\n".join(lines).encode())
    return Structure(skeleton, tuple(literals), tuple(firsts))


def largest_array(jaxpr: Any) -> int:
    """Return how many elements the largest result of an operation has."""
    return max((_elements(each) for each in jaxpr.eqns), default=0)


def _elements(equation: Any) -> int:
    if (inside := inner(equation)) is not None:
        return largest_array(inside[0])
    sizes = [getattr(variable.aval, "size", 1) for variable in equation.outvars]
    return max(sizes, default=0)


def evaluate(
    closed: Any, arguments: Sequence[Any], replaced: Mapping[int, Any], first: int = 0
) -> list[Any]:
    """Apply a closed jaxpr with other values in place of some literals.

    Args:
        closed: The closed jaxpr.
        arguments: Its arguments, flat.
        replaced: The values, by position of the literal.
        first: The position of the jaxpr's own first literal.
    """
    values = [_Value(argument) for argument in arguments]
    positions = iter(range(first, 2**31))
    outputs = _evaluate(closed.jaxpr, closed.consts, values, replaced, positions)
    return [output.value for output in outputs]


@dataclass(frozen=True, eq=False)
class _Value:
    """A value, and how XLA would see it if nothing were lifted.

    `known` tells whether it would be a constant; `product` are the value and the
    constant that were multiplied to give it.
    """

    value: Any
    known: bool = False
    product: tuple[Any, Any] | None = None


def with_constants_inside(closed: Any) -> Any:
    """Return a function that applies a closed jaxpr to its flat arguments.

    Its small array constants (Keras counts rows with them) are made of single numbers.
    A branch or a loop would take them as arguments otherwise, and XLA calculates
    differently around what may change.
    """
    core = door.jax_core()

    def apply(*arguments: Any) -> list[Any]:
        constants = [_made_of_numbers(constant) for constant in closed.consts]
        inside = core.ClosedJaxpr(closed.jaxpr, constants)
        return list(core.jaxpr_as_fun(inside)(*arguments))

    return apply


def _made_of_numbers(constant: Any) -> Any:
    lax, value = door.jax().lax, np.asarray(constant)
    if value.ndim == 0 or not 0 < value.size <= _FEW:
        return constant
    numbers = [lax.full((1,), number, value.dtype) for number in value.flat]
    return lax.reshape(lax.concatenate(numbers, 0), value.shape)


def _evaluate(
    jaxpr: Any,
    consts: Sequence[Any],
    arguments: Sequence[_Value],
    replaced: Mapping[int, Any],
    positions: Iterator[int],
) -> list[_Value]:
    values: dict[Any, _Value] = dict(zip(jaxpr.invars, arguments, strict=True))
    for variable, const in zip(jaxpr.constvars, consts, strict=True):
        values[variable] = _Value(_made_of_numbers(const), known=True)

    def read(atom: Any) -> _Value:
        if not _is_literal(atom):
            return values[atom]
        if not _is_scalar(atom):
            return _Value(atom.val, known=True)
        return _Value(replaced.get(next(positions), atom.val), known=True)

    for equation in jaxpr.eqns:
        inputs = [read(atom) for atom in equation.invars]
        if (inside := inner(equation)) is None:
            outputs = _bind(equation, inputs)
        else:
            outputs = _evaluate(*inside, inputs, replaced, positions)
        values.update(zip(equation.outvars, outputs, strict=True))
    return [read(atom) for atom in jaxpr.outvars]


def _bind(equation: Any, inputs: list[_Value]) -> list[_Value]:
    primitive = equation.primitive
    values = [each.value for each in inputs]
    known = [each.known for each in inputs]
    with equation.ctx.manager:
        if primitive.name == "div" and (quotient := _quotient(*inputs)) is not None:
            return [_Value(quotient)]
        outputs = primitive.bind(*values, **primitive.get_bind_params(equation.params))
    if primitive.name == "mul" and sum(known) == 1:
        return [_Value(outputs, product=(values[known[0]], values[known[1]]))]
    results = outputs if primitive.multiple_results else [outputs]
    return [_Value(output, all(known)) for output in results]


def _quotient(dividend: _Value, divisor: _Value) -> Any | None:
    """Divide as XLA does around constants, which it would not where they are lifted.

    It multiplies by the reciprocal of a constant, and by that of a single number,
    into which it first takes a constant factor of the dividend.
    """
    lax, kind = door.jax().lax, door.jax().typeof(divisor.value)
    if not np.issubdtype(kind.dtype, np.floating) or dividend.known:
        return None
    if divisor.known:
        return lax.mul(dividend.value, lax.reciprocal(divisor.value))
    if dividend.product is None or kind.size != 1:
        return None
    factor, constant = dividend.product
    return lax.mul(factor, lax.mul(lax.reciprocal(divisor.value), constant))


def _lines(jaxpr: Any, literals: list[NDArray[Any]]) -> Iterator[str]:
    """One line per operation; what it takes and gives is numbered in order."""
    names: dict[Any, str] = {}

    def name(atom: Any) -> str:
        if not _is_literal(atom):
            if atom not in names:
                names[atom] = f"{len(names)}:{_kind(atom.aval)}"
            return names[atom]
        if not _is_scalar(atom):
            return f"{_kind(atom.aval)}={_told(atom.val)}"
        literals.append(np.asarray(atom.val, atom.aval.dtype))
        return f"literal:{_kind(atom.aval)}"

    yield " ".join(map(name, [*jaxpr.constvars, *jaxpr.invars]))
    for equation in jaxpr.eqns:
        called = CALLS.get(equation.primitive.name, "")
        inner = equation.params.get(called)
        told = [] if inner is not None else sorted(equation.params.items())
        yield " ".join([
            equation.primitive.name,
            *map(name, equation.invars),
            *(f"{key}={_told(value)}" for key, value in told),
        ])
        if inner is not None:
            consts = getattr(inner, "consts", ())
            yield fingerprint.of_arrays(np.asarray(c) for c in consts)
            yield from _lines(getattr(inner, "jaxpr", inner), literals)
        yield " ".join(map(name, equation.outvars))
    yield " ".join(map(name, jaxpr.outvars))


@lru_cache(4096)
def _kind(aval: Any) -> str:
    """Shape and dtype as text: one of a few, asked for thousands of times."""
    return str(aval)


def _told(value: Any) -> str:
    """Text that two values share only if they are the same."""
    if hasattr(value, "__array__"):
        return fingerprint.of_arrays([np.asarray(value)])
    if isinstance(value, list | tuple):
        return f"({', '.join(map(_told, value))})"
    if hasattr(value, "consts"):  # the body of a loop or a branch
        consts = fingerprint.of_arrays(np.asarray(c) for c in value.consts)
        return f"{value} {consts}"
    return repr(value)


def _is_literal(atom: Any) -> bool:
    return hasattr(atom, "val")


def _is_scalar(literal: Any) -> bool:
    return np.ndim(literal.val) == 0


def _same(a: Any, b: Any) -> bool:
    return bool(a.tobytes() == b.tobytes())
