"""Content hashes: what decides a number is recognised again by its fingerprint."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_DIGEST_BYTES = 16


def of_value(value: Any) -> str:
    """Return the fingerprint of a JSON-able value; key order does not matter.

    >>> of_value({"a": 1, "b": 2}) == of_value({"b": 2, "a": 1})
    True
    """
    return of_bytes(msgspec.json.encode(value, order="deterministic"))


def of_bytes(content: bytes) -> str:
    """Return the fingerprint of raw bytes: 32 hexadecimal characters."""
    return hashlib.blake2b(content, digest_size=_DIGEST_BYTES).hexdigest()


def of_arrays(arrays: Iterable[NDArray[Any]]) -> str:
    """Return the fingerprint of arrays in order: dtype, shape and every element.

    Object arrays (text columns) are hashed by the text of their elements.

    >>> of_arrays([np.zeros(2)]) == of_arrays([np.zeros((2, 1))])
    False
    """
    digest = hashlib.blake2b(digest_size=_DIGEST_BYTES)
    for array in arrays:
        array = np.ascontiguousarray(array).reshape(np.shape(array))
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        if array.dtype == object:
            digest.update(msgspec.json.encode([str(item) for item in array.flat]))
        else:
            digest.update(array.reshape(-1).view(np.uint8).data)  # not copied
    return digest.hexdigest()
