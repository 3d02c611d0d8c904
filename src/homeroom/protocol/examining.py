"""The dataset doctor at work: on demand, before every training, and after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from homeroom import data, doctor, splits
from homeroom.data import Dataset
from homeroom.doctor import Case, Part
from homeroom.errors import DataError, InputError, did_you_mean
from homeroom.records import Examination, Finding, SplitPlanRecord
from homeroom.splits import Fold, SplitPlan

from .member import check_seed


def examine(  # noqa: PLR0913 - what can be declared of data
    x: Any,
    y: Any = None,
    *,
    cv: Any = 5,
    test_size: float | None = None,
    groups: Any = None,
    time: Any = None,
    predictions: Any = None,
    task: str | None = None,
    overrule: Sequence[str] = (),
    seed: int = 0,
) -> Examination:
    """Say what is wrong with a dataset and its folds, before anything is trained.

    Looked for are leaks (copies and near-copies on both sides of a fold, torn groups,
    training on the future, a column that gives the answer away), missing classes,
    categories and kinds of rows, other class shares, sorted rows, parts that are too
    small, and distribution shift: by column (Kolmogorov-Smirnov, chi-square, Holm)
    and by a classifier that tries to tell train from validation rows (Lopez-Paz &
    Oquab 2017). Nothing is changed and nothing raised for a finding.

    Args:
        x: Inputs as in `cross_validate`, or a whole `Dataset` (then without y).
        y: Targets [n, …].
        cv: The folds that will be used, as in `cross_validate`.
        test_size: Share of rows that `Experiment` with the same `seed` and `time` would
            seal: only their fingerprints are looked at, to find copies. With `time` a
            number of folds is a `TimeSeriesSplit` then, as there.
        groups: One group per row, or the name of a column of a table.
        time: When each row was (numbers or dates), or the name of a column.
        predictions: Out-of-fold predictions, such as `CrossValidation.predictions`, or
            a dict of them by candidate: then also whether a fold is harder than the
            others, labels that may be wrong (Northcutt et al. 2021), and rows that
            nobody learns.
        task: "classification", "regression" or "custom"; None to infer it from y.
        overrule: Names of checks whose leakages are known and accepted.
        seed: Decides folds, cut and samples.

    Returns:
        The findings from the gravest, each with evidence, consequence and remedy; what
        was checked; and the sheet of the eight leakages (Kapoor & Narayanan 2023).

    Raises:
        InputError: If an argument is wrong.
        DataError: If the data cannot be trained on as it is.
        LeakageError: If `cv` puts a row or a group on both sides.

    Examples:
        >>> import homeroom as hr
        >>> from sklearn.datasets import load_iris
        >>> x, y = load_iris(return_X_y=True)
        >>> found = hr.examine(x, y, cv=5)
        >>> [(finding.check, finding.rows) for finding in found.findings][:1]
        [('duplicates', (101, 142))]
        >>> found.leaks
        ()
    """
    seed = check_seed(seed)
    dataset, when = _declared(x, y, groups, time, task)
    sealed = None
    if test_size is not None:
        if when is not None:
            dataset, when = in_order_of_time(dataset, when)
            cv = splits.TimeSeriesSplit(cv) if isinstance(cv, int) else cv
        ordered = when is not None
        cut = splits.partition(dataset, test_size=test_size, seed=seed, ordered=ordered)
        sealed = doctor.row_fingerprints(dataset.take(cut.test))
        dataset = dataset.take(cut.development)
        when = None if when is None else when[cut.development]
    plan = splits.make_plan(cv, dataset, seed=seed)
    case = case_of(dataset, plan, sealed=sealed, time=when, seed=seed)
    found = doctor.examine(case, overrule=overrule)
    return found if predictions is None else after_training(found, case, predictions)


def case_of(
    dataset: Dataset,
    plan: SplitPlan | Sequence[Fold],
    *,
    preprocess: Any = None,
    sealed: NDArray[np.uint64] | None = None,
    time: NDArray[Any] | None = None,
    seed: int = 0,
) -> Case:
    """Return what the doctor is shown: a dataset and its folds."""
    folds = plan.folds if isinstance(plan, SplitPlan) else tuple(plan)
    record = plan.record if isinstance(plan, SplitPlan) else None
    strategy = record.strategy if record else "one validation part"
    return Case(
        dataset,
        [
            Part(_name(record, fold), fold.train, fold.validation)
            for fold in folds
            if len(fold.validation)
        ],
        strategy,
        sealed=sealed,
        ordered=strategy.startswith("TimeSeriesSplit"),
        fitted_inside=dataset.is_table or preprocess is not None,
        time=time,
        seed=seed,
    )


def _name(record: SplitPlanRecord | None, fold: Fold) -> str:
    if record is None or (record.n_splits == record.n_repeats == 1):
        return "the validation part"
    repeated = f"repeat {fold.repeat + 1}, " if record.n_repeats > 1 else ""
    return f"{repeated}fold {fold.fold + 1}"


def before_training(case: Case, overrule: Sequence[str]) -> Examination:
    """Return the cheap examination, and refuse leaks that nobody has overruled.

    Raises:
        LeakageError: If the score would be a lie.
        InputError: If `overrule` names something that is no check.
    """
    found = doctor.examine(case, thorough=False, overrule=overrule)
    doctor.refuse_leaks(found)
    return found


def after_training(found: Examination, case: Case, predictions: Any) -> Examination:
    """Return the examination with what out-of-fold predictions add to it."""
    by_candidate = (
        predictions if isinstance(predictions, Mapping) else {"model": predictions}
    )
    usable = {
        name: np.asarray(each)
        for name, each in by_candidate.items()
        if each is not None
    }
    for name, each in usable.items():
        if len(each) != case.n_rows:
            raise InputError(
                f"predictions of {name!r} has {len(each)} rows, and there are "
                f"{case.n_rows}. Give one out-of-fold prediction per row, NaN where "
                "a row was never validated."
            )
    return msgspec.structs.replace(
        found, findings=(*found.findings, *doctor.examine_losses(case, usable))
    )


def _declared(
    x: Any, y: Any, groups: Any, time: Any, task: str | None
) -> tuple[Dataset, NDArray[Any] | None]:
    """Return the dataset, with groups, and the time of its rows."""
    if not isinstance(x, Dataset):
        if y is None:
            raise InputError("y is missing. Only a whole Dataset comes without it.")
        dataset = data.from_arrays(x, y, groups=groups, task=task, allow_missing=True)
        return dataset, None if time is None else _times(time, dataset.n_rows)
    for given, what in ((y, "y"), (task, "task")):
        if given is not None:
            raise InputError(f"{what}= has no effect: x is a whole Dataset.")
    if isinstance(time, str):
        time = _date_column(x, time)
    when = None if time is None else _times(time, x.n_rows)
    if isinstance(groups, str):
        x, groups = _without(x, groups)
    if groups is not None:
        x = replace(x, groups=np.asarray(groups))
    return x, when


def in_order_of_time(dataset: Dataset, time: Any) -> tuple[Dataset, NDArray[Any]]:
    """Return the rows from the earliest on, and their times.

    Args:
        dataset: All rows.
        time: When each row was [n], or the name of a column of the dataset.

    Raises:
        InputError: If it is not one time per row.
        DataError: If a time is missing.
    """
    found = _date_column(dataset, time) if isinstance(time, str) else time
    when = _times(found, dataset.n_rows)
    order = np.argsort(when, kind="stable").astype(np.int32)
    return dataset.take(order), when[order]


def _date_column(dataset: Dataset, name: str) -> NDArray[Any]:
    """Return a column of numbers, or the day number of a column of dates."""
    kind = dataset.record.kinds.get(name)
    return _column(dataset, name, f"{name} (day number)" if kind == "date" else name)


def _without(dataset: Dataset, name: str) -> tuple[Dataset, NDArray[Any]]:
    """Return the dataset without a column that is no feature, and the column."""
    values = _column(dataset, name, name)
    assert isinstance(dataset.x, pl.DataFrame)
    kinds = {key: kind for key, kind in dataset.record.kinds.items() if key != name}
    if not kinds:
        raise InputError(f"{name!r} is the only column: without it nothing is left.")
    record = msgspec.structs.replace(dataset.record, kinds=kinds)
    return replace(dataset, x=dataset.x.drop(name), record=record), values


def _column(dataset: Dataset, name: str, stored: str) -> NDArray[Any]:
    frame = dataset.x
    if not isinstance(frame, pl.DataFrame):
        raise InputError(
            f"{name!r} names a column, but {dataset.record.name!r} is arrays. Pass one "
            "value per row."
        )
    if stored not in frame.columns:
        dropped = {each.name: each.reason for each in dataset.record.dropped}
        known = list(dataset.record.kinds)
        why = f" It was left out ({dropped[name]})." if name in dropped else ""
        raise InputError(
            f"There is no column {name!r} to use.{why} There are: "
            f"{data.first_few(known, 20)}.{did_you_mean(name, known)}"
        )
    missing = frame[stored].is_null().arg_true().to_list()
    if missing:
        raise DataError(
            f"Column {name!r} is missing in {data.counted(len(missing), 'row')} (rows "
            f"{data.first_few(missing)}). Fill it in, or remove these rows."
        )
    return frame[stored].to_numpy()


def _times(time: Any, n_rows: int) -> NDArray[Any]:
    when = np.asarray(time)
    if when.shape != (n_rows,):
        raise InputError(
            f"time must have one entry per row, [{n_rows}]; got {list(when.shape)}."
        )
    if when.dtype.kind in "OUS":
        found = [_date(each) for each in when.tolist()]
        if len({zoned for _, zoned in found}) > 1:
            raise InputError(
                "time has a zone in some rows and none in others. Give it to all rows."
            )
        when = np.array([date for date, _ in found])
    if when.dtype.kind not in "iufM" or (when != when).any():
        raise InputError(
            f"time must be numbers or dates, none of them missing; got {when.dtype}."
        )
    return when


def _date(time: Any) -> tuple[np.datetime64, bool]:
    """Return a time, in UTC if it knows its zone, and whether it does."""
    told, zoned = time, False
    try:
        if isinstance(time, str):
            with suppress(ValueError):  # NumPy reads more ways to write one
                told = datetime.fromisoformat(time)
        if zoned := getattr(told, "tzinfo", None) is not None:
            told = told.astimezone(UTC).replace(tzinfo=None)
        return np.datetime64(told, "us"), zoned
    except (ValueError, TypeError) as error:
        raise InputError(
            f"time must be numbers or dates such as 2024-12-31; {time!r} is neither."
        ) from error


def examine_opened(
    dataset: Dataset,
    development: NDArray[Any],
    test: NDArray[Any],
    predictions: Any,
    out_of_fold: Any = None,
) -> tuple[Finding, ...]:
    """Return how opened test rows differ from the development rows.

    Args:
        dataset: All rows.
        development: The positions of the development rows.
        test: The positions of the test rows, which are opened.
        predictions: The winner's outputs for the test rows.
        out_of_fold: The winner's out-of-fold predictions of the development rows.
    """
    case = Case(dataset, [Part("the test part", development, test)])
    asked = _losses(dataset.take(test), predictions)
    practised = _losses(dataset.take(development), out_of_fold)
    if asked is None or practised is None:
        return doctor.examine_opening(case)
    return doctor.examine_opening(case, (asked, practised))


def _losses(rows: Dataset, predictions: Any) -> NDArray[np.float64] | None:
    if not isinstance(predictions, np.ndarray):
        return None
    return doctor.row_losses(Case(rows), predictions)
