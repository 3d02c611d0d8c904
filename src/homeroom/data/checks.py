"""What is refused before anything is trained, with the rows and columns named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from homeroom.errors import DataError

from .dataset import named_arrays
from .wording import counted, first_few

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from .dataset import Array, Dataset

_INT32 = np.iinfo(np.int32)
_MANY_CLASSES = 20
_JITTER = 1e-12  # of the values: what float64 itself rounds
_NEARLY = 1e-3  # shares that were rounded, as in one-hot rows


def check_lengths(parts: Mapping[str, Any]) -> int:
    """Return the number of rows that all parts share.

    Raises:
        DataError: If they differ, or there is no row.
    """
    lengths = {name: len(part) for name, part in parts.items()}
    if len(set(lengths.values())) > 1:
        told = ", ".join(
            f"{name} has {counted(n, 'row')}" for name, n in lengths.items()
        )
        raise DataError(
            f"Lengths differ: {told}. Row i of every part must describe the same "
            "thing; check how they were cut or joined."
        )
    n_rows = next(iter(lengths.values()))
    if n_rows == 0:
        raise DataError("There are no rows: x has length 0. Nothing can be learned.")
    return n_rows


def check_finite(
    name: str,
    array: Array,
    columns: Sequence[str] | None = None,
    advice: str = "",
    rows: NDArray[np.int32] | None = None,
) -> None:
    """Refuse NaN and infinity, naming columns, and rows by position or by `rows`.

    Raises:
        DataError: If a value is not finite.
    """
    if array.dtype.kind != "f":
        return
    bad = ~np.isfinite(array)
    if not bad.any():
        return
    places = np.flatnonzero(bad.reshape(len(array), -1).any(axis=1))
    named = places if rows is None else rows[places]
    where = f"in {counted(len(named), 'row')} (rows {first_few(named)})"
    if array.ndim == 2 and array.shape[1] > 1:
        counts = bad.sum(axis=0)
        told = (
            f"{column_name(int(j), columns)}: {counts[j]}"
            for j in np.flatnonzero(counts)
        )
        where += f"; {first_few(told)}"
    what = "NaN" if np.isnan(array[bad]).all() else "NaN or infinity"
    raise DataError(
        f"{name} holds {what} {where}. One such value turns every weight into NaN. "
        + (advice or "Remove these rows or fill the values in.")
    )


def check_rows(dataset: Dataset) -> None:
    """Refuse NaN and infinity in rows, named by where they were before any cut.

    Raises:
        DataError: If a feature is not finite.
    """
    for name, array in named_arrays("x", dataset.x).items():
        check_finite(name, array, rows=dataset.ids)


def is_missing(item: Any) -> bool:
    """Return whether a cell of Python's own is None, NaN or the NA of pandas.

    >>> [is_missing(item) for item in (None, float("nan"), 0, "")]
    [True, True, False, False]
    """
    if item is None:
        return True
    try:
        return not bool(item == item)
    except TypeError:  # the NA of pandas is neither true nor false
        return True


def column_name(position: int, columns: Sequence[str] | None) -> str:
    """Return how a message names a column."""
    return f"column {columns[position]!r}" if columns else f"column {position}"


def to_int32(name: str, array: Array) -> NDArray[np.int32]:
    """Return an integer array as int32, never wrapped.

    Raises:
        DataError: If a value does not fit.
    """
    outside = (array > _INT32.max) | (array < _INT32.min)
    if outside.any():
        place = tuple(int(i) for i in np.argwhere(outside)[0])
        column = f", column {place[1]}" if len(place) == 2 else ""
        raise DataError(
            f"{name} holds {array[place]} in row {place[0]}{column}, and "
            f"{counted(int(outside.sum()), 'such value')} in all, outside the int32 "
            f"range {_INT32.min}..{_INT32.max} that Keras computes with. "
            "If these are identifiers, number them 0, 1, 2, …; if they are "
            "quantities, pass floats."
        )
    return array.astype(np.int32)


def to_float32(name: str, array: Array) -> NDArray[np.float32]:
    """Return numbers as float32; a value beyond its range is refused, not infinity.

    Raises:
        DataError: If a finite value does not fit.
    """
    with np.errstate(over="ignore"):
        result: NDArray[np.float32] = array.astype(np.float32)
    lost = np.isinf(result) & np.isfinite(array)
    if lost.any():
        place = tuple(int(i) for i in np.argwhere(lost)[0])
        raise DataError(
            f"{name} holds {array[place]:g} in row {place[0]}, beyond what float32 "
            "can hold (3.4e38). Divide the values by a constant first."
        )
    return result


def coarse_columns(array: Array, share: float) -> list[int]:
    """Return the columns of numbers that lose more than a share to float32.

    The error of rounding is measured by its standard deviation, as a share of the
    column's. Times in seconds since 1970 that lie within an hour lose 4 %.

    Args:
        array: Numbers [n, columns], as they were given; NaN counts as nothing.
        share: What may be lost.

    >>> coarse_columns(np.array([[0.1, 1.7e9], [0.7, 1.7e9 + 60]]), 0.1)
    [1]
    """
    if array.dtype == np.float32 or array.dtype.kind not in "iuf" or not len(array):
        return []
    low = np.fmin.reduce(array, axis=0).astype(np.float64)
    high = np.fmax.reduce(array, axis=0).astype(np.float64)
    largest = np.maximum(np.abs(low), np.abs(high))
    with np.errstate(over="ignore", invalid="ignore"):
        step = np.spacing(largest.astype(np.float32)).astype(np.float64)
        varies = high - low > largest * _JITTER
        suspects = np.flatnonzero(varies & (step > (high - low) * share))
    return [int(j) for j in suspects if _lost(array[:, j]) > share]


def _lost(column: Array) -> float:
    """The error of rounding to float32, as a share of the standard deviation."""
    values = column[np.isfinite(column)].astype(np.float64)
    return float((values - values.astype(np.float32)).std() / values.std())


def check_sparse_labels(
    y: Any, n_classes: int, rows: NDArray[np.int32] | None = None
) -> None:
    """Refuse labels that an output of `n_classes` cannot mean.

    Keras trains silently on such labels: they are clipped or read as another class.
    Call it once the width of the model's output is known, for sparse losses.

    Args:
        y: Labels [n] or [n, …], any dtype.
        n_classes: Width of the model's output.
        rows: What messages call the rows; their positions by default.

    Raises:
        DataError: If a label is not a whole number in 0..n_classes-1.

    >>> check_sparse_labels(np.array([0, 1, 2]), n_classes=3)
    """
    array = np.asarray(y)
    if array.dtype.kind not in "biuf":
        _refuse_labels(array, np.ones(array.shape, bool), n_classes, rows)
    legal = (array >= 0) & (array < n_classes)
    if array.dtype.kind == "f":
        legal &= array == np.floor(array)
    if not legal.all():
        _refuse_labels(array, ~legal, n_classes, rows)


def check_probabilities(dataset: Dataset) -> None:
    """Refuse targets that a binary crossentropy cannot take for probabilities.

    Keras trains silently on them, towards a loss of minus infinity. Soft labels
    between 0 and 1 are welcome; so is anything in rows of weight 0.

    Raises:
        DataError: If a target is not in 0..1.
    """
    y, weight = dataset.y, dataset.sample_weight
    assert isinstance(y, np.ndarray)
    flat = y.reshape(len(y), -1)
    bad = (flat < -_NEARLY) | (flat > 1 + _NEARLY)
    if weight is not None:
        bad &= weight[:, None] != 0
    if not bad.any():
        return
    places = np.flatnonzero(bad.any(axis=1))
    named = places if dataset.ids is None else dataset.ids[places]
    found = np.unique(flat[bad])
    classes = dataset.record.classes
    said = f" (its labels are {first_few(map(repr, classes))})" if classes else ""
    labels = (found == np.floor(found)).all() and np.abs(found).max() <= _MANY_CLASSES
    raise DataError(
        f"y holds {first_few(f'{value:g}' for value in found)} in "
        f"{counted(len(named), 'row')} (rows {first_few(named)}){said}, and binary "
        "crossentropy takes y for probabilities from 0 to 1. "
        + (
            "Make two classes 0 and 1; for more classes give the model an output for "
            "each and the loss sparse_categorical_crossentropy."
            if labels
            else "Scale it (images: divide by 255), or use a loss such as mse."
        )
    )


def _refuse_labels(
    array: Array, bad: Array, n_classes: int, rows: NDArray[np.int32] | None
) -> NoReturn:
    places = np.flatnonzero(bad.reshape(len(array), -1).any(axis=1))
    named = places if rows is None else rows[places]
    values = first_few(np.unique(array[bad]))
    raise DataError(
        f"y holds labels that a model with {n_classes} outputs cannot learn: {values} "
        f"in {counted(len(named), 'row')} (rows {first_few(named)}). A sparse loss "
        "reads a label as a position, so it must be a whole number in "
        f"0..{n_classes - 1}. Give the model one output per class, or pass the labels "
        "as text, which are numbered for you."
    )


def check_sample_weight(sample_weight: Any) -> NDArray[np.float32]:
    """Return the weights as float32 [n].

    Raises:
        DataError: If a weight is negative or not finite, or all are zero.
    """
    array = np.asarray(sample_weight)
    if array.ndim != 1 or array.dtype.kind not in "biuf":
        raise DataError(
            "sample_weight must be one number per row; got "
            f"{array.dtype} of shape {array.shape}."
        )
    bad = np.flatnonzero(~(np.isfinite(array) & (array >= 0)))
    if bad.size:
        raise DataError(
            f"sample_weight is negative or not finite in {counted(bad.size, 'row')} "
            f"(rows {first_few(bad)}: {first_few(array[bad])}). A weight says how "
            "often a row counts: 0 or more."
        )
    if array.size and not array.any():
        raise DataError("sample_weight is 0 in every row, so no row counts.")
    return to_float32("sample_weight", array)


def check_groups(groups: Any) -> Array:
    """Return one group per row: int64 [n] or text [n].

    Raises:
        DataError: If a group is missing or the shape is not [n].
    """
    array = np.asarray(groups)
    if array.ndim != 1:
        raise DataError(f"groups must name one group per row; got shape {array.shape}.")
    missing = np.flatnonzero([is_missing(item) for item in array.tolist()])
    if missing.size:
        raise DataError(
            f"groups is missing in {counted(missing.size, 'row')} (rows "
            f"{first_few(missing)}). Give every row a group; a row that belongs to "
            "nobody gets a group of its own."
        )
    return array.astype(np.int64) if array.dtype.kind in "biu" else array.astype(str)
