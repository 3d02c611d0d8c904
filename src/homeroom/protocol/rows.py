"""Rows as Keras takes them: counted, and new ones brought into the trained form."""

from __future__ import annotations

from typing import Any

import numpy as np

from homeroom import data
from homeroom.data import Dataset
from homeroom.errors import InputError
from homeroom.records import DatasetRecord


def count_rows(part: Any) -> int:
    """Return the number of rows of x or y: an array, a frame, a list or dict of them.

    >>> count_rows([np.zeros((5, 2)), np.zeros(5)])
    5
    """
    if isinstance(part, dict):
        part = list(part.values())
    if isinstance(part, list | tuple) and part and hasattr(part[0], "shape"):
        return len(part[0])
    return len(part)


def new_rows(x: Any, dataset: DatasetRecord, *, missing: bool) -> Any:
    """Return rows to predict, converted and checked as the training rows were.

    Where both are frames the columns are found by name, and others ignored.

    Raises:
        DataError: If they are not numbers, or hold NaN although not `missing`.
        InputError: If a row has another shape than in training, or lacks a column.
    """
    if dataset.kinds:
        return x  # a frame of raw columns, as `read_table` makes it
    if dataset.columns:
        x = data.in_order(x, dataset.columns)
    if "x" in dataset.shapes and isinstance(x, list | tuple):  # of rows, then
        x = [np.asarray(row).tolist() for row in x]
    any_target = np.arange(count_rows(x))
    rows = data.from_arrays(x, any_target, task="regression", allow_missing=missing).x
    trained = dataset.shapes.get("x")
    if trained and isinstance(rows, np.ndarray) and rows.shape[1:] != trained[1:]:
        wanted = ", ".join(["n", *map(str, trained[1:])])
        raise InputError(
            f"x has shape {list(rows.shape)}, but the model takes [{wanted}]: the rows "
            f"that it was trained on have shape {list(trained[1:])}. Give the same "
            "columns in the same order; one row alone as x[None]."
        )
    return rows


def whole_dataset(
    x: Any, y: Any, groups: Any, sample_weight: Any, name: str | None
) -> Dataset:
    """Return the dataset that an experiment is given, whole or in arrays.

    Raises:
        InputError: If something is said twice.
    """
    if isinstance(x, Dataset):
        for given, what in (
            (y, "y"),
            (groups, "groups"),
            (sample_weight, "sample_weight"),
        ):
            if given is not None:
                raise InputError(f"{what}= has no effect: x is a whole Dataset.")
        return x
    return data.from_arrays(
        x,
        y,
        sample_weight=sample_weight,
        groups=groups,
        name=name or "data",
        allow_missing=True,  # rows are looked at after the cut, and only ours
    )


def check_share(name: str, share: Any) -> None:
    """Refuse what is no share of the rows.

    Raises:
        InputError: If it is not a number between 0 and 1.
    """
    if isinstance(share, bool) or not isinstance(share, int | float):
        raise InputError(f"{name}={share!r}: use a share of the rows, such as 0.2.")
    if not 0 < share < 1:
        raise InputError(f"{name}={share!r}: use a share of the rows between 0 and 1.")
