"""The one form of data inside the house: rows with positions, and what is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from homeroom import fingerprint
from homeroom.errors import InputError

from .wording import first_few

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeroom.records import DatasetRecord

Array: TypeAlias = NDArray[Any]
Arrays: TypeAlias = Array | list[Array] | dict[str, Array]
Features: TypeAlias = Array | list[Array] | dict[str, Array] | pl.DataFrame


@dataclass(frozen=True, eq=False)
class Dataset:
    """Rows to learn from, checked and converted once, at the door.

    The position of a row is its id; rows that were cut keep theirs, `ids`. Build one
    with `from_arrays`, `read_table` or `load`; `take` cuts rows and changes nothing
    else.

    Args:
        x: float32, int32 or uint8 array [n, …]; a list or dict of such arrays for a
            model with several inputs; or a frame of raw columns (Float64 and String)
            for a table that is preprocessed inside each fold.
        y: Targets [n, …], or a list or dict of them. Class labels are int32.
        record: What is known of the whole dataset; rows cut by `take` keep it.
        sample_weight: float32 [n], how much each row counts.
        groups: [n], rows of one group may not be separated.
        ids: [n], where these rows were in the dataset that they were cut from; None
            when nothing was cut. Messages name rows by them.

    >>> from homeroom.data import load
    >>> load("iris").take([0, 1, 149]).n_rows
    3
    """

    x: Features
    y: Arrays
    record: DatasetRecord
    sample_weight: NDArray[np.float32] | None = None
    groups: Array | None = None
    ids: NDArray[np.int32] | None = None

    @classmethod
    def described(
        cls,
        x: Features,
        y: Arrays,
        record: DatasetRecord,
        sample_weight: NDArray[np.float32] | None = None,
        groups: Array | None = None,
    ) -> Dataset:
        """Return the rows that `record` was made of: they are not hashed again."""
        dataset = cls(x, y, record, sample_weight, groups)
        vars(dataset)["fingerprint"] = record.fingerprint
        return dataset

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return len(next(iter(named_arrays("x", self.x).values())))

    @property
    def is_table(self) -> bool:
        """Whether x is a frame of raw columns that needs preprocessing."""
        return isinstance(self.x, pl.DataFrame)

    @property
    def labels(self) -> NDArray[np.int32] | None:
        """The class of every row, int32 [n]; None when y is not one class a row."""
        if self.record.task != "classification" or not isinstance(self.y, np.ndarray):
            return None
        if self.y.ndim == 2 and self.y.shape[1] > 1:
            return np.asarray(self.y.argmax(axis=1), np.int32)
        return np.asarray(self.y.reshape(-1), np.int32)

    @cached_property
    def fingerprint(self) -> str:
        """The fingerprint of the rows' content: names, dtypes and every value."""
        return content_fingerprint(self.x, self.y, self.sample_weight, self.groups)

    def take(self, rows: Any) -> Dataset:
        """Return the dataset of these rows, in this order.

        Args:
            rows: Row positions, integers [m].

        Raises:
            InputError: If a position is not an integer in 0..n_rows-1.
        """
        chosen = row_positions(rows, self.n_rows)
        return replace(
            self,
            x=over_arrays(self.x, lambda array: array[chosen]),
            y=over_arrays(self.y, lambda array: array[chosen]),
            sample_weight=None
            if self.sample_weight is None
            else self.sample_weight[chosen],
            groups=None if self.groups is None else self.groups[chosen],
            ids=chosen if self.ids is None else self.ids[chosen],
        )


def row_positions(rows: Any, n_rows: int) -> NDArray[np.int32]:
    """Return `rows` as int32 positions, refusing masks, fractions and far rows.

    Raises:
        InputError: If a position is not an integer in 0..n_rows-1.
    """
    array = np.asarray(rows)
    if array.size == 0:
        return np.zeros(0, np.int32)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InputError(
            f"Row positions must be integers in one dimension; got {array.dtype} of "
            f"shape {array.shape}. For a mask, pass numpy.flatnonzero(mask)."
        )
    outside = array[(array < 0) | (array >= n_rows)]
    if outside.size:
        raise InputError(
            f"Row positions must lie in 0..{n_rows - 1}, because the dataset has "
            f"{n_rows} rows; got {first_few(outside)}."
        )
    return array.astype(np.int32)


def named_arrays(name: str, value: Features | Any) -> dict[str, Any]:
    """Return the arrays in `value` under names that a message can use.

    >>> sorted(named_arrays("x", [np.zeros(2), np.ones(2)]))
    ['x[0]', 'x[1]']
    """
    if isinstance(value, dict):
        return {f"{name}[{key!r}]": array for key, array in value.items()}
    if isinstance(value, list):
        return {f"{name}[{i}]": array for i, array in enumerate(value)}
    return {name: value}


def over_arrays(value: Any, change: Callable[[Any], Any]) -> Any:
    """Return `value` with every array changed; lists and dicts keep their form."""
    if isinstance(value, dict):
        return {key: change(array) for key, array in value.items()}
    if isinstance(value, list):
        return [change(array) for array in value]
    return change(value)


def content_fingerprint(
    x: Features, y: Arrays, sample_weight: Array | None, groups: Array | None
) -> str:
    """Return one fingerprint for everything that training can see."""
    parts = named_arrays("x", x) | named_arrays("y", y)
    parts |= {"sample_weight": sample_weight, "groups": groups}
    return fingerprint.of_value({
        name: _of_part(part) for name, part in parts.items() if part is not None
    })


def _of_part(part: Array | pl.DataFrame) -> Any:
    if not isinstance(part, pl.DataFrame):
        return fingerprint.of_arrays([part])
    return [[name, _of_column(part[name])] for name in part.columns]


def _of_column(column: pl.Series) -> str:
    if column.dtype == pl.String:
        # as JSON, so that a missing cell and the text "None" stay different
        return fingerprint.of_value(column.to_list())
    return fingerprint.of_arrays([column.to_numpy()])
