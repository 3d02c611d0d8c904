"""A computation that XLA's CPU compiler does not fuse with what is around it.

What is fused is computed anew wherever it is needed, adds with other roundings, and is
slow where the axes of one part are no axes of the next. A barrier is of no help, since
XLA takes it away before it fuses; what is in a branch stays there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import door


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
