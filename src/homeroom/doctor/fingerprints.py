"""What two rows have in common when they are one row: a fingerprint per row."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from homeroom.data import Dataset, Features

_BYTES = 8
_BLOCK = 8192  # rows that are brought into one form at a time


def row_fingerprints(dataset: Dataset) -> NDArray[np.uint64]:
    """Return one fingerprint per row of x, uint64 [n]; y is not looked at.

    Equal rows have equal fingerprints; -0.0 is 0.0 and a missing cell equals another.
    Among a million different rows, two share one with a chance of 3 in 100 million.

    >>> from homeroom.data import from_arrays
    >>> prints = row_fingerprints(from_arrays([[1.0], [2.0], [1.0]], [0.1, 0.2, 0.3]))
    >>> bool(prints[0] == prints[2]), bool(prints[0] == prints[1])
    (True, False)
    """
    rows = (
        hashlib.blake2b(row, digest_size=_BYTES).digest()
        for first in range(0, dataset.n_rows, _BLOCK)
        for row in _bytes_of(dataset.x, slice(first, first + _BLOCK))
    )
    return np.frombuffer(b"".join(rows), np.uint64)


def _bytes_of(x: Features, rows: slice) -> NDArray[np.uint8]:
    """Return these rows of x as one row of bytes per row."""
    if isinstance(x, pl.DataFrame):
        parts: list[Any] = [_of_column(x[name][rows]) for name in x.columns]
    elif isinstance(x, dict):
        parts = [x[name][rows] for name in sorted(x)]
    else:
        parts = [part[rows] for part in (x if isinstance(x, list) else [x])]
    return np.concatenate([_as_bytes(part) for part in parts], axis=1)


def _as_bytes(array: Any) -> NDArray[np.uint8]:
    if array.dtype.kind == "f":
        array = array + array.dtype.type(0)  # -0.0 becomes 0.0
        array[np.isnan(array)] = np.nan  # of all the ways to write NaN, one
    flat = np.ascontiguousarray(array.reshape(len(array), -1))
    return flat.view(np.uint8).reshape(len(array), -1)


def _of_column(column: pl.Series) -> NDArray[Any]:
    if column.dtype == pl.String:
        # polars hashes text by content, the same for equal text within one process
        return column.hash(seed=0).to_numpy().reshape(-1, 1)
    return column.cast(pl.Float64).to_numpy().astype(np.float64).reshape(-1, 1)
