"""JAX's own random bits, on CPU at a quarter of their price.

JAX hashes one counter per number. Its counters are 64 bits wide and its hash is a loop,
which XLA does not vectorize on CPU: the numbers of a dropout layer cost more than the
layer before it, and the first weights of every shape take half a second to compile.
Fewer than 2**31 numbers need only the lower half of the counter, a piece at a time.
The bits are the same, and whatever is made of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from . import door

_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = np.uint32(0x1BD11BDA)
# XLA hands what seems to cost more than this to several threads, and a lane whose
# neighbour is busy would wait for them
_PIECE = 1024
_NAME = "_threefry_random_bits_partitionable"


@contextmanager
def cheap_random_bits() -> Iterator[None]:
    """Lower random bits a piece at a time, in whatever is compiled inside."""
    try:
        from jax._src.random import threefry2x32
    except ImportError:  # another JAX keeps them elsewhere: then they are its own
        yield
        return
    original = getattr(threefry2x32, _NAME, None)
    if original is None or door.device() != "cpu":
        yield
        return

    def bits(key: Any, bit_width: int, shape: Any) -> Any:
        whole = all(isinstance(d, int) for d in shape)
        if not whole or bit_width == 64 or not 1 < math.prod(shape) < 2**31:
            return original(key, bit_width, shape)
        return random_bits(key, bit_width, shape)

    setattr(threefry2x32, _NAME, bits)
    try:
        yield
    finally:
        setattr(threefry2x32, _NAME, original)


def random_bits(key: Any, bit_width: int, shape: tuple[int, ...]) -> Any:
    """Return random bits [*shape] of Threefry-2x32 with 20 rounds.

    Salmon et al. (2011), "Parallel random numbers: as easy as 1, 2, 3". The i-th
    number is the hash of the counter (0, i), its two halves combined, as in JAX with
    `jax_threefry_partitionable`.

    Args:
        key: Two numbers, uint32 [2].
        bit_width: 8, 16 or 32.
        shape: Of the result; from 2 to 2**31 - 1 numbers.
    """
    lax = door.jax().lax
    n = math.prod(shape)
    n_pieces = max(2, -(-n // _PIECE))
    each = -(-n // n_pieces)

    def put(i: Any, halves: Any) -> Any:
        # the last piece begins early rather than end late
        start = lax.min(i * each, n - each)
        count = lax.iota(np.uint32, each) + start.astype(np.uint32)
        # both halves in one array, so that XLA does not hash once for each of them
        pieces = _hashed(key, count) ^ count, count
        return tuple(
            lax.dynamic_update_slice(half, piece, (start,))
            for half, piece in zip(halves, pieces, strict=True)
        )

    # Two arrays of a loop, combined after it, as in JAX: then XLA finds the same around
    # it, and fuses the same, so that sums elsewhere keep their last digits.
    nothing = lax.full((n,), 0, np.uint32)
    left, right = lax.fori_loop(0, n_pieces, put, (nothing, nothing))
    bits = lax.reshape(left, shape) ^ lax.reshape(right, shape)
    if bit_width == 32:
        return bits
    return lax.convert_element_type(bits, np.dtype(f"uint{bit_width}"))


def _hashed(key: Any, count: Any) -> Any:
    """Return the hashes of counters uint32 [n], their two halves combined."""
    first, second = key
    keys = (first, second, first ^ second ^ _PARITY)
    left = door.jax().lax.full_like(count, 0) + keys[0]
    right = count + keys[1]
    for i in range(5):
        for distance in _ROTATIONS[i % 2]:
            left = left + right
            right = left ^ _rotated(right, distance)
        left = left + keys[(i + 1) % 3]
        right = right + keys[(i + 2) % 3] + np.uint32(i + 1)
    return left ^ right


def _rotated(x: Any, distance: int) -> Any:
    return (x << np.uint32(distance)) | (x >> np.uint32(32 - distance))
