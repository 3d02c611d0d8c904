"""What lies under each position of a kernel as it walks over its input."""

from __future__ import annotations

from itertools import product
from typing import Any

from . import door

Params = dict[str, Any]


def padded(sizes: Any, p: Params) -> list[int]:
    """Return how long the axes of space are with what is put around and between."""
    kinds = zip(sizes, p["padding"], p["lhs_dilation"], strict=True)
    return [(n - 1) * dilation + 1 + low + high for n, (low, high), dilation in kinds]


def windows(left: Any, p: Params, n: Any, steps: Any, strides: Any) -> list[Any]:
    """Return what lies under each position of a kernel.

    Args:
        left: The input [batch, *space, ...].
        p: The convolution's padding and dilation of the input.
        n: How many positions the kernel has along each axis of space.
        steps: How far apart they are.
        strides: How far the kernel walks at a time.
    """
    lax = door.jax().lax
    after = left.ndim - 1 - len(n)
    spaces = zip(p["padding"], p["lhs_dilation"], strict=True)
    edges = [(low, high, dilation - 1) for (low, high), dilation in spaces]
    none = [(0, 0, 0)]
    left = lax.pad(left, left.dtype.type(0), [*none, *edges, *none * after])
    sizes = left.shape[1 : 1 + len(n)]
    axes = list(zip(sizes, n, steps, strides, strict=True))
    reach = [(m - (k - 1) * s - 1) // stride * stride for m, k, s, stride in axes]
    found = []
    for position in product(*map(range, n)):
        starts = [i * s for i, s in zip(position, steps, strict=True)]
        ends = [start + far + 1 for start, far in zip(starts, reach, strict=True)]
        found.append(
            lax.slice(
                left,
                (0, *starts, *[0] * after),
                (left.shape[0], *ends, *left.shape[1 + len(n) :]),
                (1, *strides, *[1] * after),
            )
        )
    return found
