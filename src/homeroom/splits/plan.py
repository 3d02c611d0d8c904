"""A split plan: the concrete rows of every fold, tied to one dataset."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from homeroom import fingerprint
from homeroom.data import Dataset, counted, first_few, row_positions
from homeroom.errors import InputError, LeakageError
from homeroom.records import FoldRecord, SplitPlanRecord
from homeroom.seeding import derive

from .strategies import GroupKFold, KFold, StratifiedKFold, class_counts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .strategies import Pair


@dataclass(frozen=True, eq=False)
class Fold:
    """One pair of parts: row positions to train on and to validate on.

    Args:
        repeat: Which reshuffle, from 0.
        fold: Which fold of the repeat, from 0.
        train: Row positions, int32, ascending.
        validation: Row positions, int32, ascending.
    """

    repeat: int
    fold: int
    train: NDArray[np.int32]
    validation: NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class SplitPlan:
    """All folds of one strategy on one dataset; it refuses any other.

    Args:
        folds: In order of repeat and fold.
        record: The same without the rows, to be stored.
    """

    folds: tuple[Fold, ...]
    record: SplitPlanRecord

    def check(self, dataset: Dataset) -> None:
        """Refuse a dataset other than the one this plan was made on.

        Raises:
            InputError: If its content differs in any way.
        """
        if plan_fingerprint(dataset, self.folds) != self.record.fingerprint:
            raise InputError(
                f"This split plan ({self.record.strategy}) was made on other rows than "
                f"this dataset, {dataset.record.name!r} with "
                f"{counted(dataset.n_rows, 'row')} (its first fold trains on "
                f"{len(self.folds[0].train)}). Row "
                "positions mean something only on the data they were cut from: make a "
                "new plan with make_plan."
            )

    def summary(self) -> str:
        """Return a sentence about the folds for a person."""
        return summarize(self.record)


def make_plan(cv: Any, dataset: Dataset, *, seed: int) -> SplitPlan:
    """Return the folds of `cv` on `dataset`.

    A whole number means StratifiedKFold for classification, GroupKFold when the
    dataset has groups, and KFold otherwise; always shuffled, except groups.

    Args:
        cv: Number of folds; a strategy such as `KFold(5)`; a scikit-learn object with
            `split(X, y, groups)`; or (train, validation) pairs of row positions.
        dataset: The rows to cut: without the sealed test rows.
        seed: Decides the shuffles. Same seed, same plan.

    Raises:
        InputError: If the strategy does not fit the dataset.
        LeakageError: If a row or a group is in both parts of a fold.

    >>> from homeroom.data import load
    >>> make_plan(5, load("iris"), seed=7).summary()
    '5 stratified folds, shuffled with seed 7: 120 rows to train, 30 to validate; \
every class in every fold.'
    """
    if isinstance(cv, int | np.integer) and not isinstance(cv, bool):
        cv = _default_strategy(int(cv), dataset)
    if hasattr(cv, "repeats") and hasattr(cv, "uses_groups"):
        if dataset.groups is not None and not cv.uses_groups:
            raise InputError(
                f"The dataset has groups, and {cv} would ignore them. Use "
                f"GroupKFold(n_splits={cv.n_splits}), or leave groups out."
            )
        return build_plan(str(cv), list(cv.repeats(dataset, seed)), dataset, seed)
    if hasattr(cv, "split") and not isinstance(cv, str):
        return _plan_of_splitter(cv, dataset, seed)
    if isinstance(cv, Iterable) and not isinstance(cv, str | bytes):
        pairs = [_as_pair(i, pair) for i, pair in enumerate(cv)]
        return build_plan(
            f"{counted(len(pairs), 'fold')} given as rows", [pairs], dataset
        )
    raise InputError(
        f"cv must be a number of folds, a strategy such as KFold(5), a scikit-learn "
        f"splitter or (train, validation) pairs; got {cv!r}."
    )


def _default_strategy(n_splits: int, dataset: Dataset) -> Any:
    if dataset.groups is not None:
        return GroupKFold(n_splits)
    if dataset.labels is not None:
        return StratifiedKFold(n_splits)
    return KFold(n_splits)


def _plan_of_splitter(cv: Any, dataset: Dataset, seed: int) -> SplitPlan:
    splitter = copy.copy(cv)
    draws = getattr(splitter, "shuffle", True)
    if draws and getattr(splitter, "random_state", 0) is None:
        # otherwise it would draw from the global state: another plan every time
        splitter.random_state = derive(seed, "split", "repeat", 0)
    # splitters take one array of each, and count its rows
    nothing = np.zeros((dataset.n_rows, 1))
    x = nothing if isinstance(dataset.x, list | dict) else dataset.x
    y = dataset.labels if dataset.labels is not None else dataset.y
    y = nothing if isinstance(y, list | dict) else y
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            pairs = [
                _as_pair(i, pair)
                for i, pair in enumerate(splitter.split(x, y, dataset.groups))
            ]
        except ValueError as error:
            raise InputError(
                f"{cv} does not fit {counted(dataset.n_rows, 'row')}: {error}"
            ) from error
    for warning in caught:
        _refuse_warning(cv, str(warning.message))
    per_repeat = len(pairs) // _repeats_of(splitter, len(pairs))
    repeats = [pairs[i : i + per_repeat] for i in range(0, len(pairs), per_repeat or 1)]
    return build_plan(str(cv), repeats, dataset, seed)


def _refuse_warning(cv: Any, message: str) -> None:
    if "groups parameter is ignored" in message:
        raise InputError(
            f"The dataset has groups, and {cv} would ignore them. Use GroupKFold, or "
            "leave groups out."
        )
    if "least populated class" in message:
        raise InputError(
            f"{cv} cannot put every class in every fold: {message} Use a smaller "
            "n_splits, or a splitter that does not stratify."
        )


def _repeats_of(splitter: Any, n_pairs: int) -> int:
    n_repeats = getattr(splitter, "n_repeats", 1)
    return n_repeats if n_repeats and n_pairs % n_repeats == 0 else 1


def _as_pair(position: int, pair: Any) -> Pair:
    try:
        train, validation = pair
    except (TypeError, ValueError):
        raise InputError(
            f"Fold {position} of cv is not a pair of row positions (train, "
            f"validation); got {type(pair).__name__}."
        ) from None
    return np.asarray(train), np.asarray(validation)


def build_plan(
    strategy: str,
    repeats: list[list[Pair]],
    dataset: Dataset,
    seed: int | None = None,
) -> SplitPlan:
    """Return the checked plan of these pairs.

    Raises:
        InputError: If there is no fold, or a part is empty, repeated or out of range.
        LeakageError: If a row or a group is in both parts of a fold.
    """
    n_folds = sum(len(pairs) for pairs in repeats)
    if n_folds == 0:
        raise InputError(f"{strategy} has no folds; expected at least one.")
    folds = tuple(
        _checked_fold(repeat, i, pair, dataset, n_folds)
        for repeat, pairs in enumerate(repeats)
        for i, pair in enumerate(pairs)
    )
    record = SplitPlanRecord(
        strategy=strategy,
        n_splits=len(repeats[0]),
        n_repeats=len(repeats),
        folds=tuple(fold_record(fold, dataset) for fold in folds),
        fingerprint=plan_fingerprint(dataset, folds),
        disjoint=all(_are_disjoint(folds, repeat) for repeat in range(len(repeats))),
        seed=seed,
    )
    return SplitPlan(folds, record)


def _checked_fold(
    repeat: int, number: int, pair: Pair, dataset: Dataset, n_folds: int
) -> Fold:
    where = f"fold {number} of {n_folds}"
    parts = []
    for name, rows in zip(("train", "validation"), pair, strict=True):
        try:
            positions = np.sort(row_positions(rows, dataset.n_rows))
        except InputError as error:
            raise InputError(f"In the {name} part of {where}: {error}") from None
        if positions.size == 0:
            raise InputError(f"The {name} part of {where} is empty; expected rows.")
        twice = np.unique(positions[1:][positions[1:] == positions[:-1]])
        if twice.size:
            raise InputError(
                f"The {name} part of {where} names {counted(twice.size, 'row')} more "
                f"than once (row ids {first_few(twice)}). To let rows count more, use "
                "sample_weight."
            )
        parts.append(positions)
    fold = Fold(repeat, number, *parts)
    _refuse_leaks(fold, dataset, where)
    return fold


def _refuse_leaks(fold: Fold, dataset: Dataset, where: str) -> None:
    both = np.intersect1d(fold.train, fold.validation)
    if both.size:
        raise LeakageError(
            f"{counted(both.size, 'row')} {'is' if both.size == 1 else 'are'} in both "
            f"the train and the validation part of {where} (row ids "
            f"{first_few(both)}). A row must be in exactly one part. If rows repeat on "
            "purpose, mark the repeats with groups= and use GroupKFold."
        )
    if dataset.groups is None:
        return
    torn = np.intersect1d(dataset.groups[fold.train], dataset.groups[fold.validation])
    if torn.size:
        raise LeakageError(
            f"{counted(torn.size, 'group')} {'is' if torn.size == 1 else 'are'} on "
            f"both sides of {where} (groups {first_few(torn)}). Rows of one group must "
            "stay together: use GroupKFold."
        )


def fold_record(fold: Fold, dataset: Dataset) -> FoldRecord:
    """Return what is remembered of a fold: its sizes and classes, not its rows."""
    labels = dataset.labels

    def counts(rows: NDArray[np.int32]) -> dict[str, int]:
        return {} if labels is None else class_counts(labels[rows], dataset)

    return FoldRecord(
        repeat=fold.repeat,
        fold=fold.fold,
        n_train=len(fold.train),
        n_validation=len(fold.validation),
        fingerprint=fingerprint.of_arrays([fold.train, fold.validation]),
        classes_train=counts(fold.train),
        classes_validation=counts(fold.validation),
    )


def plan_fingerprint(dataset: Dataset, folds: Iterable[Fold]) -> str:
    """Return the fingerprint of these folds on this dataset's content."""
    rows = fingerprint.of_arrays(
        part for f in folds for part in (f.train, f.validation)
    )
    return fingerprint.of_value([dataset.fingerprint, rows])


def _are_disjoint(folds: Iterable[Fold], repeat: int) -> bool:
    rows = np.concatenate([f.validation for f in folds if f.repeat == repeat])
    return len(np.unique(rows)) == len(rows)


def summarize(record: SplitPlanRecord) -> str:
    """Return a sentence about a plan's folds for a person."""
    folds = record.folds
    train = _span([f.n_train for f in folds])
    validation = _span([f.n_validation for f in folds])
    text = f"{_kind(record)}: {train} rows to train, {validation} to validate"
    return "; ".join([text, *_class_remarks(record)]) + "."


def _kind(record: SplitPlanRecord) -> str:
    strategy = record.strategy
    known = {
        "StratifiedKFold": "stratified ",
        "RepeatedStratifiedKFold": "stratified ",
        "GroupKFold": "grouped ",
        "TimeSeriesSplit": "time-ordered ",
    }
    kind = known.get(strategy.partition("(")[0], "")
    text = f"{record.n_splits} {kind}fold{'s' if record.n_splits > 1 else ''}"
    if strategy.startswith("holdout"):
        text = f"one {strategy}"
    if record.n_repeats > 1:
        text += f", repeated {record.n_repeats} times"
    shuffled = "shuffle=True" in strategy or strategy.startswith("Repeated")
    if shuffled and record.seed is not None:
        text += f", shuffled with seed {record.seed}"
    return text


def _span(counts: list[int]) -> str:
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low}-{high}"


def _class_remarks(record: SplitPlanRecord) -> Iterator[str]:
    if not record.folds[0].classes_train:
        return
    gaps = [
        f"class {name!r} is missing from the {part} part of fold {fold.fold}"
        for fold in record.folds
        for part, counts in (
            ("train", fold.classes_train),
            ("validation", fold.classes_validation),
        )
        for name, n in counts.items()
        if n == 0
    ]
    yield first_few(gaps, 3) if gaps else "every class in every fold"
