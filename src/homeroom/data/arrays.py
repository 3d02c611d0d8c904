"""From what the user holds (arrays, lists, frames) to a Dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np

from homeroom.errors import DataError, InputError, did_you_mean
from homeroom.records import DatasetRecord

from . import checks
from .dataset import (
    Array,
    Arrays,
    Dataset,
    content_fingerprint,
    named_arrays,
    over_arrays,
)
from .labels import Target, check_task, describe, read_target
from .wording import counted, first_few

_EXACT_IN_FLOAT32 = 2**24
_NOTED = 0.01  # of the spread of a feature, lost to float32
_TEXT_ADVICE = (
    "Encode it as numbers, or save the table as CSV or Parquet and use read_table, "
    "which encodes text inside each fold."
)


def from_arrays(
    x: Any,
    y: Any,
    *,
    sample_weight: Any = None,
    groups: Any = None,
    name: str = "data",
    task: str | None = None,
    allow_missing: bool = False,
) -> Dataset:
    """Return a Dataset of what you would give to `keras.Model.fit`.

    Everything is checked here, once, and refused with rows and columns named. float64
    becomes float32 and int64 becomes int32 (never wrapped); uint8 images stay uint8.
    Text labels are numbered in sorted order; integer labels stay as they are.

    Args:
        x: Numbers [n, …]; a list or dict of such arrays for several inputs; or a
            pandas or polars DataFrame of numbers, which becomes float32 [n, features].
        y: Targets [n, …]: numbers, True/False, text labels, one-hot rows; or a list or
            dict of arrays for several outputs.
        sample_weight: One weight ≥ 0 per row.
        groups: One group per row; rows of a group stay on the same side of every cut.
        name: What the dataset is called in records.
        task: "classification", "regression" or "custom"; None to infer it from y.
        allow_missing: Whether x may hold NaN, because your preprocessing fills it in.

    Raises:
        DataError: If the data cannot be trained on as it is.
        InputError: If `task` is unknown or does not fit y.

    >>> data = from_arrays([[0.1], [0.9], [0.2], [0.8]], ["no", "yes", "no", "yes"])
    >>> data.record.task, data.record.classes, data.y.tolist()
    ('classification', ('no', 'yes'), [0, 1, 0, 1])
    """
    check_task(task)
    notes: list[str] = []
    features, columns = _read_features(x, y, notes, allow_missing=allow_missing)
    raw_y = read_parts("y", y, len(next(iter(named_arrays("x", features).values()))))
    parts = named_arrays("x", features) | named_arrays("y", raw_y)
    if sample_weight is not None:
        sample_weight = checks.check_sample_weight(sample_weight)
        parts["sample_weight"] = sample_weight
    if groups is not None:
        groups = checks.check_groups(_as_array("groups", groups))
        parts["groups"] = groups
    n_rows = checks.check_lengths(parts)
    target = _read_targets(raw_y, task)
    record = DatasetRecord(
        name=name,
        task=target.task,
        task_reason=target.reason,
        n_rows=n_rows,
        shapes={
            part: tuple(array.shape)
            for part, array in (
                named_arrays("x", features) | named_arrays("y", target.y)
            ).items()
        },
        fingerprint=content_fingerprint(features, target.y, sample_weight, groups),
        columns=columns,
        classes=target.classes,
        notes=(*notes, *target.notes),
    )
    return Dataset.described(features, target.y, record, sample_weight, groups)


def _read_targets(raw: Arrays, task: str | None) -> Target:
    if isinstance(raw, np.ndarray):
        return read_target(raw, task)
    if task in ("classification", "regression"):
        raise InputError(
            f"task={task!r} needs one y, but y has {len(raw)} parts. Use task='custom'."
        )
    targets = {
        part: read_target(array, "custom", name=part)
        for part, array in named_arrays("y", raw).items()
    }
    converted = iter(targets.values())
    kept: Any = over_arrays(raw, lambda _: next(converted).y)
    return Target(kept, "custom", describe(raw))


def in_order(x: Any, columns: Sequence[str]) -> Any:
    """Return the columns of a frame by their names; what is no frame as it is.

    Raises:
        InputError: If the frame lacks one of them.
    """
    if not nw.dependencies.is_into_dataframe(x):
        return x
    frame = nw.from_native(x, eager_only=True)
    names = [str(column) for column in frame.columns]
    missing = [column for column in columns if column not in names]
    if missing:
        raise InputError(
            f"x lacks {counted(len(missing), 'column')} that the model was trained on: "
            f"{first_few(map(repr, missing), 20)}. It has: {first_few(names, 20)}."
            f"{did_you_mean(missing[0], names)}"
        )
    return frame[:, [names.index(column) for column in columns]].to_native()


def _read_features(
    x: Any, y: Any, notes: list[str], *, allow_missing: bool
) -> tuple[Arrays, tuple[str, ...]]:
    if nw.dependencies.is_into_dataframe(x):
        columns, matrix = _read_frame(x, notes)
        if not allow_missing:
            checks.check_finite("x", matrix, columns)
        return matrix, tuple(columns)
    raw = read_parts("x", x, _rows_told(x, y))
    names = iter(named_arrays("x", raw))
    features: Arrays = over_arrays(raw, lambda array: to_numbers(next(names), array))
    for part, array in named_arrays("x", features).items():
        if array.ndim > 1 and 0 in array.shape[1:]:
            raise DataError(
                f"{part} has shape {list(array.shape)}: there is no column to learn."
            )
        if not allow_missing:
            checks.check_finite(part, array)
    for part, array in named_arrays("x", raw).items():
        if array.ndim == 2 and array.dtype.kind in "iuf":
            coarse = checks.coarse_columns(array, _NOTED)
            notes += _coarse([f"column {j} of {part}" for j in coarse])
    return features, ()


def _coarse(names: Sequence[str]) -> list[str]:
    return [
        f"{first_few(names)}: float32, in which Keras computes, rounds away more than "
        "a hundredth of the spread. Subtract a constant first."
    ] * bool(names)


def _rows_told(x: Any, y: Any) -> int | None:
    """Return how many rows y has, where lists may be of parts or of rows.

    Parts of x and of y are all equally long, and there are fewer of them than rows.
    """
    lengths = {_length(part) for each in (x, y) for part in _parts(each)}
    n = lengths.pop() if len(lengths) == 1 else None
    return n if n is not None and n > len(_parts(y)) else _length(y)


def rows_together(x: Any, y: Any) -> Any:
    """Return a list of rows, one for each of y, as one array; another x as it is.

    >>> rows_together([np.zeros(3), np.ones(3)], [0, 1]).shape
    (2, 3)
    """
    if not isinstance(x, list | tuple):
        return x
    read = read_parts("x", x, _rows_told(x, y))
    return read if isinstance(read, np.ndarray) else x


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    if isinstance(value, list | tuple) and value and all(map(_is_array, value)):
        return list(value)
    return [value]


def _length(value: Any) -> int | None:
    try:
        return len(value)
    except TypeError:  # a number, or a sparse matrix
        return None


def read_parts(name: str, value: Any, n_rows: int | None) -> Arrays:
    """Return `value` as one array, or as the arrays of a list or dict."""
    if isinstance(value, dict):
        parts = {str(k): _as_array(f"{name}[{k!r}]", v) for k, v in value.items()}
        if not parts:
            raise DataError(f"{name} is an empty dict; expected arrays by input name.")
        return parts
    if isinstance(value, list | tuple) and value and all(map(_is_array, value)):
        rows_of_one = len(value) == n_rows and any(_length(v) != n_rows for v in value)
        if not rows_of_one:
            return [_as_array(f"{name}[{i}]", v) for i, v in enumerate(value)]
    return _as_array(name, value)


def _is_array(value: Any) -> bool:
    return getattr(value, "ndim", 0) > 0 or nw.dependencies.is_into_series(value)


def _as_array(name: str, value: Any) -> Array:
    if value is None:
        raise InputError(f"{name} is None; expected an array with one entry per row.")
    if nw.dependencies.is_into_series(value):
        return np.asarray(nw.from_native(value, series_only=True).to_numpy())
    if nw.dependencies.is_into_dataframe(value):
        return np.asarray(nw.from_native(value, eager_only=True).to_numpy())
    if hasattr(value, "toarray"):
        raise DataError(
            f"{name} is a sparse matrix; pass {name}.toarray() if it fits in memory."
        )
    if hasattr(value, "collect"):
        raise DataError(f"{name} is a {_kind(value)}; pass {name}.collect().")
    if _hands_out_parts(value):  # perhaps without end: NumPy would not come back
        raise DataError(
            f"{name} is a {_kind(value)}, which hands out one part after another. "
            "Folds need all rows at once: pass x and y as arrays."
        )
    try:
        array = np.asarray(value)
    except ValueError:
        raise DataError(f"{name} is ragged: {_first_odd_row(value)}") from None
    if array.ndim == 0:
        raise DataError(
            f"{name} is a single {_kind(value)}; expected one entry per row."
        )
    return array


def _kind(value: Any) -> str:
    return type(value).__name__


def _hands_out_parts(value: Any) -> bool:
    if isinstance(value, Sequence) or hasattr(value, "__array_interface__"):
        return False
    parts = hasattr(value, "__iter__") or hasattr(value, "__getitem__")
    return parts and not hasattr(value, "__array__")


def _first_odd_row(value: Any) -> str:
    first = _length(value[0])
    for i, row in enumerate(value):
        if _length(row) != first:
            return (
                f"row 0 has length {first}, row {i} has length {_length(row)}. Give "
                "every row the same length, padding the short ones."
            )
    return "its rows have different shapes. Give every row the same shape."


def to_numbers(name: str, array: Array) -> Array:
    """Return features as float32, int32 or uint8.

    Raises:
        DataError: If a cell is not a number, or does not fit.
    """
    if array.dtype == np.uint8 or array.dtype in (np.float32, np.int32):
        return array
    if array.dtype.kind in "OUS":
        array = _objects_to_numbers(name, array)
    if array.dtype.kind in "iu":
        return checks.to_int32(name, array)
    if array.dtype.kind in "bf":
        return checks.to_float32(name, array)
    raise DataError(
        f"{name} has dtype {array.dtype}; expected numbers. Dates become numbers as "
        "year, month and day, complex values as real and imaginary part."
    )


def _objects_to_numbers(name: str, array: Array) -> Array:
    for place, cell in zip(np.ndindex(array.shape), array.flat, strict=True):
        if cell is None or isinstance(cell, int | float | np.number | np.bool_):
            continue
        column = f", column {place[1]}" if len(place) == 2 else ""
        raise DataError(
            f"{name} holds {type(cell).__name__} {str(cell)[:40]!r} in row {place[0]}"
            f"{column}; expected numbers. {_TEXT_ADVICE}"
        )
    return array.astype(np.float64)


def _read_frame(x: Any, notes: list[str]) -> tuple[list[str], Array]:
    try:
        frame = nw.from_native(x, eager_only=True)
    except nw.exceptions.DuplicateError as error:
        raise DataError(
            "x has several columns of one name. Name them apart, or pass x.to_numpy()."
        ) from error
    columns = [str(column) for column in frame.columns]
    named = all(isinstance(column, str) for column in frame.columns)
    if not columns:
        raise DataError("x is a frame without columns; there is nothing to learn from.")
    if len(frame) == 0:
        raise DataError("There are no rows: x has length 0. Nothing can be learned.")
    values, coarse = [], []
    for column in frame.columns:
        name = f"Column {column!r} of x"
        numbers = _read_column(frame.get_column(column))
        values.append(checks.to_float32(name, numbers))
        coarse += [name] if checks.coarse_columns(numbers[:, None], _NOTED) else []
    matrix = np.stack(values, axis=1)
    notes += _coarse(coarse)
    rounded = [
        column
        for column, value in zip(frame.columns, values, strict=True)
        if frame.get_column(column).dtype.is_integer()
        and (np.abs(value) >= _EXACT_IN_FLOAT32).any()
    ]
    if rounded:
        notes.append(
            f"Columns {first_few(map(repr, rounded))} hold integers from "
            f"{_EXACT_IN_FLOAT32} up, which float32 rounds. If they are identifiers, "
            "leave them out."
        )
    return (columns if named else []), matrix


def _read_column(column: nw.Series[Any]) -> Array:
    name = f"Column {column.name!r} of x"
    if column.dtype.is_numeric() or column.dtype == nw.Boolean:
        return column.cast(nw.Float64).to_numpy()
    if column.dtype == nw.Object:
        cells = np.array([*column.to_list(), None], dtype=object)[:-1]
        return _objects_to_numbers(name, cells)
    values = column.to_list()
    row = next((i for i, cell in enumerate(values) if cell is not None), 0)
    raise DataError(
        f"{name} has dtype {column.dtype}, for example {str(values[row])[:40]!r} in "
        f"row {row}; expected numbers. {_TEXT_ADVICE}"
    )
