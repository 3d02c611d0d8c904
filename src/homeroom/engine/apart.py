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
    """Return what a function returns, computed by itself.

    Args:
        function: Of arrays; it returns one.
        operands: What it is given. The first number of the last of them must not be
            one that XLA knows, as those of a padding are.
    """
    jax, last = door.jax(), operands[-1]
    lax, n_bits = jax.lax, 8 * last.dtype.itemsize
    number = lax.reshape(last, (last.size,))[0]
    ones = lax.population_count(lax.bitcast_convert_type(number, f"uint{n_bits}"))
    out = jax.eval_shape(function, *operands)

    def never(*_: Any) -> Any:
        return lax.full(out.shape, 0, out.dtype)

    # always so, but XLA does not know it
    has_so_many = ones <= np.asarray(n_bits, ones.dtype)
    return lax.cond(has_so_many, function, never, *operands)
