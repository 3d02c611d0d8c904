"""Convolutions of few channels, as those of a first layer, as sums of products.

XLA's CPU compiler makes every convolution a matrix product, which is not at its best
with few terms: (64, 28, 28, 1) by (3, 3, 1, 16) takes it 2.6 ms on one core. One
product per term, added up in the order of the terms, takes 0.4 ms and gives the same
bits where the matrix product adds them in that order, too. Whether it does depends on
the number of outputs and on the processor, so that it is tried.

Milliseconds in a loop on one core, as it is and as a sum, 64 pictures of 28 × 28 (one
channel) and 32 × 32:

    (3, 3, 1, 8)    2.6   0.5        (3, 3, 3, 8)    4.2   0.8
    (3, 3, 1, 16)   2.6   0.4        (3, 3, 3, 16)   4.7   1.7
    (3, 3, 1, 32)   1.7   1.1        (3, 3, 4, 16)   4.8   2.5
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial, reduce
from math import prod
from typing import Any, NamedTuple

import numpy as np

from homeroom import seeding

from . import door
from .apart import apart
from .windows import windows

_TERMS = range(3, 37)  # two may be added in either order
_INPUTS = range(1, 5)
_OUTPUTS = range(2, 17)
_MORE_OUTPUTS = range(17, 33)  # of so many fewer terms only are faster
_FEWER_TERMS = range(3, 10)
_SPACES = range(1, 4)
_PICTURES = 9  # enough to try, for any number of them: each has hundreds of sums


class Walk(NamedTuple):
    """How a kernel walks over its input, along each axis of space."""

    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]


def walk_of(params: Any) -> Walk:
    """Return how the kernel of a convolution walks."""
    padding = tuple(map(tuple, params["padding"]))
    return Walk(params["window_strides"], padding, params["rhs_dilation"])


def are_few(left: tuple[int, ...], right: tuple[int, ...], params: Any) -> bool:
    """Return whether a convolution is faster as a sum.

    Args:
        left: The shape of the input [batch, *space, channels].
        right: The shape of the kernel [*space, channels, outputs].
        params: Those of the convolution.
    """
    *space, inputs, outputs = right
    terms = prod(space) * inputs
    return (
        (terms in _TERMS and outputs in _OUTPUTS)
        or (terms in _FEWER_TERMS and outputs in _MORE_OUTPUTS)
    ) and (
        inputs in _INPUTS
        and len(space) in _SPACES
        and left[-1] == inputs
        and set(params["lhs_dilation"]) == {1}
        and params["batch_group_count"] == 1
    )


def summed(left: Any, right: Any, walk: Walk) -> Any:
    """Return a convolution as the sum over all its terms.

    Apart, as XLA computes a convolution: what comes before and after is then fused as
    it is there, and has the same bits.

    Args:
        left: The input [batch, *space, channels].
        right: The kernel [*space, channels, outputs].
        walk: How the kernel walks.
    """
    left = apart(partial(_padded, walk=walk), left)
    return apart(partial(_sum, walk=walk), left, right)


def _padded(left: Any, walk: Walk) -> Any:
    edges = [(0, 0, 0), *((low, high, 0) for low, high in walk.padding), (0, 0, 0)]
    return door.jax().lax.pad(left, left.dtype.type(0), edges)


def _sum(left: Any, right: Any, walk: Walk) -> Any:
    *space, inputs, outputs = right.shape
    none = {"padding": [(0, 0)] * len(space), "lhs_dilation": [1] * len(space)}
    under = windows(left, none, space, walk.dilation, walk.strides)
    weights = right.reshape(len(under), inputs, outputs)
    terms = [
        x[..., i : i + 1] * weights[position, i]
        for position, x in enumerate(under)
        for i in range(inputs)
    ]
    # the sum comes second: so each new product is fused with it, as in a matrix product
    return reduce(lambda total, term: term + total, terms)


@cache
def has_every_bit(picture: tuple[int, ...], right: tuple[int, ...], walk: Walk) -> bool:
    """Return whether the sum is, on this machine, the convolution to the last bit.

    Args:
        picture: The shape of the input [*space, channels].
        right: The shape of the kernel [*space, channels, outputs].
        walk: How the kernel walks.
    """
    random = seeding.generator(0, "few channels")
    shapes = (_PICTURES, *picture), right
    given = [random.standard_normal(shape).astype(np.float32) for shape in shapes]
    given[0][-1] = 0  # as the edges of pictures are
    functions = partial(_native, walk=walk), partial(summed, walk=walk)
    native, ours = (_compiled(function, given)(*given) for function in functions)
    return np.asarray(native).tobytes() == np.asarray(ours).tobytes()


def _native(left: Any, right: Any, walk: Walk) -> Any:
    space = "DHW"[3 - len(walk.strides) :]
    axes = f"N{space}C", f"{space}IO", f"N{space}C"
    return door.jax().lax.conv_general_dilated(
        left,
        right,
        walk.strides,
        walk.padding,
        rhs_dilation=walk.dilation,
        dimension_numbers=axes,
    )


def _compiled(function: Callable[..., Any], given: list[Any]) -> Callable[..., Any]:
    """Compile at once, though a step is being traced."""
    jax = door.jax()
    like = [jax.ShapeDtypeStruct(each.shape, each.dtype) for each in given]
    compiled: Callable[..., Any] = jax.jit(function).lower(*like).compile()
    return compiled
