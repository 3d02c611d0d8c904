"""One cut in two: the sealed test rows, and the single validation part of a fit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from homeroom.data import Dataset, counted, first_few
from homeroom.errors import InputError, LeakageError
from homeroom.records import PartitionRecord
from homeroom.seeding import derive, generator

from .plan import SplitPlan, build_plan
from .strategies import class_counts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .strategies import Pair


@dataclass(frozen=True, eq=False)
class Partition:
    """The one cut into development rows and test rows.

    Args:
        development: Row positions that everything before the final test may see,
            int32, ascending.
        test: Row positions that are read once, at the end, int32, ascending.
        record: Sizes, seed and the fingerprints of the rows' content.
    """

    development: NDArray[np.int32]
    test: NDArray[np.int32]
    record: PartitionRecord


def partition(
    dataset: Dataset, *, test_size: float = 0.2, seed: int, ordered: bool = False
) -> Partition:
    """Return the cut into development rows and test rows.

    Stratified for classification when every class allows it (the record says when
    not); groups stay whole.

    Args:
        dataset: All rows.
        test_size: A share of the rows in (0, 1), or a number of rows.
        seed: Decides which rows. Same seed, same cut.
        ordered: Whether rows are in time order; the last ones are the test rows then.

    Raises:
        InputError: If a part would be empty.
        LeakageError: If the ordered cut would separate a group.

    >>> from homeroom.data import load
    >>> cut = partition(load("iris"), test_size=0.2, seed=7)
    >>> cut.record.n_development, cut.record.n_test, cut.record.stratified
    (120, 30, True)
    """
    n_test = _size("test_size", test_size, dataset.n_rows)
    if ordered:
        pair, reason = _last(n_test, dataset), "rows are in order: the last are test"
        _refuse_torn_groups(pair, dataset)
    else:
        pair, reason = _shuffled(n_test, dataset, derive(seed, "partition"))
    development, test = (np.sort(rows).astype(np.int32) for rows in pair)
    record = PartitionRecord(
        n_development=len(development),
        n_test=len(test),
        stratified=not reason,
        seed=seed,
        development_fingerprint=dataset.take(development).fingerprint,
        test_fingerprint=dataset.take(test).fingerprint,
        reason=reason,
    )
    return Partition(development, test, record)


def holdout(
    dataset: Dataset,
    validation_split: float = 0.2,
    *,
    seed: int,
    shuffle: bool = True,
    stratify: bool | None = None,
) -> SplitPlan:
    """Return a plan with one fold: a single validation part.

    Keras takes the last rows, which on sorted labels validates on a class that was
    never trained; here rows are shuffled and stratified unless you say otherwise.

    Args:
        dataset: The rows to cut: without the sealed test rows.
        validation_split: A share of the rows in (0, 1), or a number of rows.
        seed: Decides which rows. Same seed, same cut.
        shuffle: False takes the last rows, exactly as Keras does.
        stratify: None stratifies when it can; True insists on it.

    Raises:
        InputError: If a part would be empty, or stratifying is impossible.

    >>> from homeroom.data import load
    >>> plan = holdout(load("iris"), 0.2, seed=7)
    >>> len(plan.folds), len(plan.folds[0].validation)
    (1, 30)
    """
    n_validation = _size("validation_split", validation_split, dataset.n_rows)
    if not shuffle and stratify:
        raise InputError(
            "stratify=True has no effect with shuffle=False, which takes the last "
            "rows. Leave one of them out."
        )
    if not shuffle:
        pair, reason = _last(n_validation, dataset), "last rows"
    else:
        random_state = derive(seed, "split", "holdout")
        pair, reason = _shuffled(
            n_validation, dataset, random_state, stratify=stratify is not False
        )
    if stratify and reason:
        raise InputError(f"The holdout cannot be stratified: {reason}.")
    strategy = (
        f"holdout(validation_split={validation_split}, shuffle={shuffle}, "
        f"stratify={not reason})"
    )
    return build_plan(strategy, [[pair]], dataset, seed)


def _size(argument: str, size: Any, n_rows: int) -> int:
    """Return how many rows are held out: Keras's count, which rounds up."""
    is_number = isinstance(size, int | float | np.number) and not isinstance(size, bool)
    if is_number and isinstance(size, int | np.integer):
        n = int(size)
    elif is_number and 0 < size < 1:
        n = n_rows - math.floor(n_rows * (1 - float(size)))
    else:
        raise InputError(
            f"{argument} must be a share of the rows between 0 and 1, or a whole "
            f"number of rows; got {size!r}."
        )
    if not 0 < n < n_rows:
        raise InputError(
            f"{argument}={size} holds out {counted(n, 'row')} of {n_rows}, and leaves "
            f"{n_rows - n}. Both parts need at least one row."
        )
    return n


def _last(n: int, dataset: Dataset) -> Pair:
    rows = np.arange(dataset.n_rows)
    return rows[:-n], rows[-n:]


def _refuse_torn_groups(pair: Pair, dataset: Dataset) -> None:
    if dataset.groups is None:
        return
    torn = np.intersect1d(dataset.groups[pair[0]], dataset.groups[pair[1]])
    if torn.size:
        raise LeakageError(
            f"The last rows cut {counted(torn.size, 'group')} in two (groups "
            f"{first_few(torn)}). Choose test_size so that a group ends there, or "
            "leave ordered out."
        )


def _shuffled(
    n: int, dataset: Dataset, random_state: int, *, stratify: bool = True
) -> tuple[Pair, str]:
    """Return the cut, and why it is not stratified ("" when it is)."""
    from sklearn import model_selection

    if dataset.groups is not None:
        return _by_groups(n, dataset.groups, random_state), "whole groups"
    rows = np.zeros(dataset.n_rows)
    reason = _why_not_stratified(n, dataset) if stratify else "stratify=False"
    kind = (
        model_selection.ShuffleSplit
        if reason
        else model_selection.StratifiedShuffleSplit
    )
    splitter = kind(1, test_size=n, random_state=random_state)
    pair: Pair = next(splitter.split(rows, None if reason else dataset.labels))
    return pair, reason


def _why_not_stratified(n: int, dataset: Dataset) -> str:
    labels = dataset.labels
    if labels is None:
        return f"a {dataset.record.task} task has no classes"
    counts = {k: c for k, c in class_counts(labels, dataset).items() if c}
    single = [name for name, count in counts.items() if count < 2]
    if single:
        return f"class {first_few(map(repr, single))} has a single row"
    smaller = min(n, dataset.n_rows - n)
    if smaller < len(counts):
        return f"{counted(smaller, 'row')} cannot hold {len(counts)} classes"
    return ""


def _by_groups(n: int, group_of_row: NDArray[Any], random_state: int) -> Pair:
    """Return whole groups, shuffled, whose rows come nearest to `n`."""
    groups, sizes = np.unique(group_of_row, return_counts=True)
    if len(groups) < 2:
        raise InputError(
            f"All rows are in one group ({groups[0]}), which cannot be cut. Leave "
            "groups out, or name the real groups."
        )
    chosen: list[int] = []
    total = 0
    for i in generator(random_state, "groups").permutation(len(groups)):
        nearer = abs(total + sizes[i] - n) < abs(n - total)
        if nearer and total + sizes[i] < len(group_of_row):
            chosen.append(i)
            total += sizes[i]
    held_out = np.isin(group_of_row, groups[chosen or [int(sizes.argmin())]])
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)
