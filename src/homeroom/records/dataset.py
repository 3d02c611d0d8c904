"""What is remembered of the data and of how it was cut."""

from __future__ import annotations

import msgspec


class DroppedColumn(msgspec.Struct, frozen=True):
    """A column that was left out, and the reason for a person."""

    name: str
    reason: str


class DatasetRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset without its rows.

    `task` is "classification", "regression" or "custom" (the model's own loss says).
    `classes` are the labels in the order of the encoded integers. `columns` are the
    names of the columns of x, where it was given as a frame of numbers. `kinds` maps
    each used column to "number", "category", "date" or "boolean" (empty for arrays);
    `formats` says how the dates or numbers of a column are written, `units` what stands
    beside its numbers, such as "%". `file` is where a table was read, `groups` the
    column of its groups.
    """

    name: str
    task: str
    n_rows: int
    shapes: dict[str, tuple[int, ...]]
    fingerprint: str
    task_reason: str = ""
    target: str | None = None
    columns: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    kinds: dict[str, str] = {}
    formats: dict[str, str] = {}
    units: dict[str, str] = {}
    dropped: tuple[DroppedColumn, ...] = ()
    notes: tuple[str, ...] = ()
    file: str | None = None
    groups: str | None = None


class PartitionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The one cut into development rows and sealed test rows.

    `reason` says why the cut is not stratified, when it is not.
    """

    n_development: int
    n_test: int
    stratified: bool
    seed: int
    development_fingerprint: str
    test_fingerprint: str
    reason: str = ""


class FoldRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One pair of train and validation rows, without the rows.

    `classes_train` and `classes_validation` count rows per class (classification).
    """

    repeat: int
    fold: int
    n_train: int
    n_validation: int
    fingerprint: str
    classes_train: dict[str, int] = {}
    classes_validation: dict[str, int] = {}


class SplitPlanRecord(msgspec.Struct, frozen=True, kw_only=True):
    """All folds of one strategy on one dataset.

    `disjoint` says whether the validation parts of one repeat share no row. `seed`
    is None when the folds were given as rows.
    """

    strategy: str
    n_splits: int
    n_repeats: int
    folds: tuple[FoldRecord, ...]
    fingerprint: str
    disjoint: bool = True
    seed: int | None = None
