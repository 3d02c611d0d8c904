"""Which operations may be fused with those around them, without a digit changing.

XLA's CPU compiler fuses neither a pooling nor a convolution with its neighbours. A form
that it does fuse is faster, but the neighbours are then computed in other groups: a sum
of a product rounds once where both are in one group, and twice where they are not; and
few numbers are added up in an order that depends on what they are computed with.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from .structure import inner

_SUMS = {"add", "add_any", "reduce_sum"}
_PRODUCTS = {"mul", "div"}
_SHAPES = {
    "broadcast_in_dim",
    "convert_element_type",
    "reshape",
    "squeeze",
    "transpose",
}
_CHOICES = {"clamp", "eq", "ge", "gt", "le", "lt", "max", "min", "ne", "select_n"}
_ENDS = {  # XLA computes what they take before them, and what they return after
    *("conv_general_dilated", "dot_general", "dynamic_slice", "gather", "reduce_sum"),
    *("reduce_window_max", "reduce_window_sum", "select_and_scatter_add"),
}
_FEW = 2**12  # numbers; XLA adds up more of them by themselves
_KNOWN = _SUMS | _PRODUCTS | _SHAPES | _CHOICES | _ENDS


def variables_of(atoms: Iterable[Any]) -> list[Any]:
    """Return what is no literal."""
    return [atom for atom in atoms if not hasattr(atom, "val")]


def round_alone(jaxpr: Any, equation: Any) -> bool:
    """Return whether around an operation no sum is of products, or of few numbers.

    Args:
        jaxpr: All operations of a step.
        equation: One of them.
    """
    around = list(_around(jaxpr, equation))
    made_by = {variable: each for each in around for variable in each.outvars}

    def is_of_products(each: Any) -> bool:
        for variable in variables_of(each.invars):
            maker = made_by.get(variable)
            if maker is None:
                continue
            names = _names(maker)
            if names & _PRODUCTS or (names <= _SHAPES and is_of_products(maker)):
                return True
        return False

    for each in around:
        names = _names(each)
        has_both = names & _SUMS and names & _PRODUCTS
        if names - _KNOWN or has_both or (names & _SUMS and is_of_products(each)):
            return False
        if "reduce_sum" in names and each.invars[0].aval.size < _FEW:
            return False
    return True


def _around(jaxpr: Any, equation: Any) -> Iterator[Any]:
    """The operations that large arrays lead to, from either side, up to an end."""
    touching = defaultdict(list)
    for each in jaxpr.eqns:
        for variable in _large(each, 0):
            touching[variable].append(each)
    least = min(variable.aval.size for variable in _large(equation, 0))
    waiting, seen = _large(equation, least), {id(equation)}
    while waiting:
        for each in touching[waiting.pop()]:
            if id(each) in seen:
                continue
            seen.add(id(each))
            yield each
            if each.primitive.name not in _ENDS:
                waiting += _large(each, least)


def _large(equation: Any, least: int) -> list[Any]:
    """The arrays of numbers that an operation takes and returns."""
    return [
        variable
        for variable in variables_of([*equation.invars, *equation.outvars])
        if variable.aval.dtype != bool and variable.aval.size >= least
    ]


def _names(equation: Any) -> set[str]:
    """The name of an operation, or of those that it stands for."""
    if (inside := inner(equation)) is None:
        return {equation.primitive.name}
    return set().union(*map(_names, inside[0].eqns))
