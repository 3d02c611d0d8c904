"""From a CSV or Parquet file to a Dataset, and new files in the same form."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from homeroom.errors import DataError, InputError, did_you_mean
from homeroom.records import DatasetRecord, DroppedColumn

from .columns import (
    EUROPEAN,
    IDENTIFIER,
    Column,
    as_numbers,
    fits_both_ways,
    infer,
    looks_mixed,
    model_columns,
    numbers_missing,
    parse,
    refuse_mixed,
    tidy,
    usual_form,
)
from .dataset import Array, Dataset, content_fingerprint
from .labels import Target, check_task, number_labels, read_target
from .reading import RawTable, read_raw
from .units import find_units, note, require_units, unit_of_target, without_units
from .wording import counted, first_few

if TYPE_CHECKING:
    import os

_FEW_LABELS = 20
_ROWS_PER_LABEL = 5


@dataclass(frozen=True, eq=False)
class NewTable:
    """Rows to predict: columns as in training, and what identifies the rows.

    Args:
        x: The columns a model was trained on, in the order of the file's rows.
        identifiers: The id-like columns that training left out, and that of the
            groups, as they are written.
    """

    x: pl.DataFrame
    identifiers: pl.DataFrame


def read_table(
    path: str | os.PathLike[str],
    target: str,
    *,
    task: str | None = None,
    name: str | None = None,
    groups: str | None = None,
) -> Dataset:
    """Return the Dataset of a CSV, TSV or Parquet file.

    The encoding (UTF-8, CP949, UTF-16, …), the separator and what every column is are
    found out; `record.notes`, `record.kinds` and `record.dropped` say what was found.
    Numbers may stand beside a unit, the same in every cell ("$1,200", "13.5%"): see
    `record.units`. Left out are identifiers, constant columns and free text. Missing
    feature cells stay null, to be filled inside each fold.

    Args:
        path: The file.
        target: The column to learn.
        task: "classification" or "regression"; None to infer it from the column.
        name: What the dataset is called; the file's name by default.
        groups: A column that says which rows belong together, such as a patient: they
            are never separated, and the column is no feature.

    Raises:
        InputError: If the file, the target or the groups column does not exist.
        DataError: If the file cannot be trained on as it is, with the lines named.

    >>> import tempfile, pathlib
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "pets.csv"
    >>> lines = ["weight,fur,pet", "4.1,long,cat", "31,short,dog", "3.8,short,cat"]
    >>> _ = file.write_text(chr(10).join(lines))
    >>> data = read_table(file, "pet")
    >>> data.record.kinds, data.record.classes
    ({'weight': 'number', 'fur': 'category'}, ('cat', 'dog'))
    """
    check_task(task)
    raw = read_raw(path)
    _require_column(raw, target)
    features = [c for c in raw.frame.columns if c not in {target, groups}]
    units = find_units(raw, features)
    if unit := unit_of_target(raw, target, task):
        units[target] = unit
    raw = replace(raw, numbers=usual_form(without_units(raw, units).frame))
    answer = _read_target(without_units(raw, units), target, task)
    if target in units and answer.task == "classification":
        del units[target]  # labels stay as they are written
        answer = _read_target(raw, target, task)
    together = None if groups is None else _read_groups(raw, groups, target)
    found = _infer_features(raw, features, units)
    units = {c: u for c, u in units.items() if c == target or found[c].kind == "number"}
    raw = without_units(raw, units)
    kinds = {c: column.kind for c, column in found.items() if column.kind is not None}
    dropped = [
        DroppedColumn(c, column.reason)
        for c, column in found.items()
        if column.kind is None
    ]
    if groups is not None:
        dropped.append(DroppedColumn(groups, "it says which rows belong together"))
    if not kinds:
        told = "; ".join(f"{d.name!r}: {d.reason}" for d in dropped)
        raise DataError(
            f"{raw.name} has no column to learn {target!r} from. "
            + (f"Left out: {told}." if told else "It has no other column.")
        )
    _check_names(raw, kinds)
    formats = {c: column.format for c, column in found.items() if column.format}
    x = _parse_columns(raw, kinds, formats)
    record = DatasetRecord(
        name=name or Path(path).stem,
        task=answer.task,
        task_reason=answer.reason,
        n_rows=x.height,
        shapes={"x": x.shape, "y": tuple(answer.y.shape)},
        fingerprint=content_fingerprint(x, answer.y, None, together),
        target=target,
        classes=answer.classes,
        kinds=kinds,
        formats=formats,
        units=units,
        dropped=tuple(dropped),
        notes=(
            *raw.notes,
            *answer.notes,
            *note(units),
            *_with_commas(raw, [target, *kinds]),
        ),
        file=str(Path(path).resolve()),
        groups=groups,
    )
    return Dataset.described(x, answer.y, record, groups=together)


def _infer_features(
    raw: RawTable, features: list[str], units: dict[str, str]
) -> dict[str, Column]:
    """Find out what columns are; one that is no number is told by its written cells."""
    bare = without_units(raw, units)
    found = {c: infer(bare, c) for c in features}
    labels = [c for c in features if c in units and found[c].kind != "number"]
    return found | {c: infer(raw, c) for c in labels}


def _with_commas(raw: RawTable, columns: list[str]) -> list[str]:
    """Return a note on "4.282" read as 4282, which nothing in its own column tells."""
    if raw.numbers != EUROPEAN:
        return []
    either = [repr(column) for column in columns if fits_both_ways(raw.frame[column])]
    return [
        f"Numbers of {first_few(either)} fit 1,234.5 and 1.234,5; they are read as "
        f"{EUROPEAN}, as other columns are."
    ] * bool(either)


def _check_names(raw: RawTable, kinds: dict[str, str]) -> None:
    """Refuse a column that has the name of what is made of another."""
    made_of: dict[str, str] = {}
    for name, kind in kinds.items():
        for made in model_columns(name, kind):
            if made in made_of:
                raise DataError(
                    f"{raw.name} has a column {name!r} and a column {made_of[made]!r}: "
                    f"{made!r} would be made of both. Rename one of them."
                )
            made_of[made] = name


def _require_column(raw: RawTable, name: str) -> None:
    if name not in raw.frame.columns:
        raise InputError(
            f"{raw.name} has no column {name!r}. It has: "
            f"{first_few(raw.frame.columns, 20)}."
            f"{did_you_mean(name, raw.frame.columns)}"
        )


def _read_groups(raw: RawTable, groups: str, target: str) -> Array:
    """Return the cells of the column that says which rows belong together."""
    _require_column(raw, groups)
    if groups == target:
        raise InputError(f"{groups!r} is the target: it cannot name the groups too.")
    cells = raw.frame[groups]
    cells = cells.fill_nan(None) if cells.dtype.is_float() else cells
    cells = cells.cast(pl.String).str.strip_chars()
    missing = (cells.is_null() | (cells == "")).arg_true().to_numpy()
    if len(missing):
        raise DataError(
            f"Column {groups!r} is missing in {counted(len(missing), 'row')} "
            f"({raw.where(missing)}). Fill it in, or remove these rows."
        )
    return cells.to_numpy().astype(str)


def frame_for(record: DatasetRecord, path: str | os.PathLike[str]) -> NewTable:
    """Return the rows of a new file in the form the dataset of `record` had.

    The target column need not exist and is ignored; so are columns that training did
    not use. The order of the rows is kept.

    Args:
        record: What is known of the table that was trained on.
        path: A CSV, TSV or Parquet file.

    Raises:
        InputError: If the record is not of a table, or the file does not exist.
        DataError: If a needed column is missing, or a cell is not of its kind.
    """
    if not record.kinds:
        raise InputError(
            f"Dataset {record.name!r} was made from arrays, so it has no columns to "
            "look for in a file. Pass arrays to predict."
        )
    raw = read_raw(path)
    missing = [column for column in record.kinds if column not in raw.frame.columns]
    if missing:
        raise DataError(
            f"{raw.name} lacks {counted(len(missing), 'column')} that the model was "
            f"trained on: {first_few(map(repr, missing), 20)}. It has: "
            f"{first_few(raw.frame.columns, 20)}."
            f"{did_you_mean(missing[0], raw.frame.columns)}"
        )
    known = [
        dropped.name
        for dropped in record.dropped
        if (dropped.reason.startswith(IDENTIFIER) or dropped.name == record.groups)
        and dropped.name in raw.frame.columns
    ]
    units = {c: unit for c, unit in record.units.items() if c in record.kinds}
    require_units(raw, units)
    x = _parse_columns(without_units(raw, units), record.kinds, record.formats)
    return NewTable(x, raw.frame.select(known))


def _parse_columns(
    raw: RawTable, kinds: dict[str, str], formats: dict[str, str]
) -> pl.DataFrame:
    return pl.concat(
        [parse(raw, c, kind, formats.get(c, "")) for c, kind in kinds.items()],
        how="horizontal",
    )


def _read_target(raw: RawTable, target: str, task: str | None) -> Target:
    written = cells = tidy(raw.frame[target])
    if written.dtype == pl.String:
        cells = numbers_missing(written, raw.numbers)
    missing = cells.is_null().arg_true().to_list()
    if missing:
        marks = written.gather(missing).drop_nulls()
        how = f", written as {marks[0]!r}" if len(marks) else ""
        raise DataError(
            f"The target {target!r} is missing in {counted(len(missing), 'row')} of "
            f"{raw.name} ({raw.where(missing)}{how}). A row without an answer teaches "
            "nothing: remove these rows."
        )
    values = _target_values(raw, cells, task)
    if task is None and values.dtype.kind in "iuf":
        task = _task_of_numbers(values)
    return number_labels(read_target(values, task, name=repr(target)), repr(target))


def _target_values(raw: RawTable, cells: pl.Series, task: str | None) -> Array:
    if cells.dtype in (pl.Date, pl.Datetime) or not (
        cells.dtype == pl.String
        or cells.dtype == pl.Boolean
        or cells.dtype.is_numeric()
    ):
        raise DataError(
            f"The target {cells.name!r} holds {cells.dtype}; expected labels or "
            "numbers. A date becomes a number as days since another date."
        )
    if cells.dtype == pl.String:
        numbers = as_numbers(cells, usual=raw.numbers)
        some = 0 < numbers.null_count() < len(cells)
        if looks_mixed(cells, numbers) or (some and task == "regression"):
            refuse_mixed(raw, cells.name)
        codes = cells.str.contains(r"^0\d").any()
        if numbers.null_count() or (codes and task != "regression"):
            return cells.to_numpy()
        cells = numbers
    values: Array = cells.to_numpy()
    if values.dtype.kind == "f" and np.isfinite(values).all():
        whole = bool((values == np.floor(values)).all())
        return (
            values.astype(np.int64)
            if whole and np.abs(values).max() < 2**53
            else values
        )
    return values


def _task_of_numbers(values: Array) -> str:
    if values.dtype.kind == "f":
        return "regression"
    n_labels = len(np.unique(values))
    few = n_labels <= _FEW_LABELS and n_labels * _ROWS_PER_LABEL <= len(values)
    return "classification" if few or n_labels == 2 else "regression"
