"""Ways of cutting rows into folds: scikit-learn's names, scikit-learn's splitters.

A strategy is not a split: it becomes a plan on a dataset, with a seed (`make_plan`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

from homeroom.data import counted, first_few
from homeroom.errors import InputError
from homeroom.seeding import derive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from homeroom.data import Dataset

Pair = tuple["NDArray[Any]", "NDArray[Any]"]


class Strategy(Protocol):
    """What `make_plan` asks of a strategy of ours.

    Any scikit-learn object with `split(X, y, groups)` is accepted as well.
    """

    uses_groups: ClassVar[bool]

    def repeats(self, dataset: Dataset, seed: int) -> Iterator[list[Pair]]:
        """Yield the (train, validation) pairs of every repeat."""
        ...


@dataclass(frozen=True)
class KFold:
    """Every row is in the validation part of exactly one of `n_splits` folds.

    As `sklearn.model_selection.KFold`, except that rows are shuffled by default.

    >>> KFold(5)
    KFold(n_splits=5, shuffle=True)
    """

    n_splits: int = 5
    shuffle: bool = True
    uses_groups: ClassVar[bool] = False

    def repeats(self, dataset: Dataset, seed: int) -> Iterator[list[Pair]]:
        """Yield the one list of folds."""
        from sklearn import model_selection

        check_n_splits(self.n_splits, dataset.n_rows)
        splitter = model_selection.KFold(
            self.n_splits,
            shuffle=self.shuffle,
            random_state=_random_state(seed, 0) if self.shuffle else None,
        )
        yield list(splitter.split(np.arange(dataset.n_rows)))


@dataclass(frozen=True)
class StratifiedKFold:
    """As KFold, with every class spread evenly over the folds.

    As `sklearn.model_selection.StratifiedKFold`, except that rows are shuffled by
    default, and that a class smaller than `n_splits` is an error, not a warning.

    >>> from homeroom.data import load
    >>> from homeroom.splits import make_plan
    >>> make_plan(StratifiedKFold(3), load("iris"), seed=7).folds[0].validation.size
    50
    """

    n_splits: int = 5
    shuffle: bool = True
    uses_groups: ClassVar[bool] = False

    def repeats(self, dataset: Dataset, seed: int) -> Iterator[list[Pair]]:
        """Yield the one list of folds."""
        from sklearn import model_selection

        labels = stratifiable(self, dataset)
        splitter = model_selection.StratifiedKFold(
            self.n_splits,
            shuffle=self.shuffle,
            random_state=_random_state(seed, 0) if self.shuffle else None,
        )
        yield list(splitter.split(np.zeros(len(labels)), labels))


@dataclass(frozen=True)
class GroupKFold:
    """As KFold, but all rows of a group are in the validation part together.

    Groups are dealt so that folds have similar sizes (scikit-learn's rule, the same
    for every seed); `shuffle=True` deals them at random instead.

    >>> GroupKFold(n_splits=4)
    GroupKFold(n_splits=4, shuffle=False)
    """

    n_splits: int = 5
    shuffle: bool = False
    uses_groups: ClassVar[bool] = True

    def repeats(self, dataset: Dataset, seed: int) -> Iterator[list[Pair]]:
        """Yield the one list of folds."""
        from sklearn import model_selection

        groups = groups_of(self, dataset)
        splitter = model_selection.GroupKFold(
            self.n_splits,
            shuffle=self.shuffle,
            random_state=_random_state(seed, 0) if self.shuffle else None,
        )
        yield list(splitter.split(np.zeros(len(groups)), groups=groups))


@dataclass(frozen=True)
class RepeatedKFold:
    """KFold, done `n_repeats` times with different shuffles.

    >>> from homeroom.data import load
    >>> from homeroom.splits import make_plan
    >>> len(make_plan(RepeatedKFold(5, n_repeats=3), load("iris"), seed=7).folds)
    15
    """

    n_splits: int = 5
    n_repeats: int = 2
    uses_groups: ClassVar[bool] = False

    def repeats(self, dataset: Dataset, seed: int) -> Iterator[list[Pair]]:
        """Yield one list of folds per repeat."""
        from sklearn import model_selection

        check_n_splits(self.n_splits, dataset.n_rows)
        for repeat in range(_checked_repeats(self.n_repeats)):
            splitter = model_selection.KFold(
                self.n_splits, shuffle=True, random_state=_random_state(seed, repeat)
            )
            yield list(splitter.split(np.arange(dataset.n_rows)))


@dataclass(frozen=True)
class RepeatedStratifiedKFold:
    """StratifiedKFold, done `n_repeats` times with different shuffles."""

    n_splits: int = 5
    n_repeats: int = 2
    uses_groups: ClassVar[bool] = False

    def repeats(self, dataset: Dataset, seed: int) -> Iterator[list[Pair]]:
        """Yield one list of folds per repeat."""
        from sklearn import model_selection

        labels = stratifiable(self, dataset)
        for repeat in range(_checked_repeats(self.n_repeats)):
            splitter = model_selection.StratifiedKFold(
                self.n_splits, shuffle=True, random_state=_random_state(seed, repeat)
            )
            yield list(splitter.split(np.zeros(len(labels)), labels))


@dataclass(frozen=True)
class TimeSeriesSplit:
    """Train on the past, validate on what comes next; rows must be in time order.

    `gap` rows between the two parts are left out. Fold i+1 trains on all that fold i
    trained on and more.

    >>> from homeroom.data import load
    >>> from homeroom.splits import make_plan
    >>> plan = make_plan(TimeSeriesSplit(2), load("iris"), seed=7)
    >>> [(fold.train.size, fold.validation.size) for fold in plan.folds]
    [(50, 50), (100, 50)]
    """

    n_splits: int = 5
    gap: int = 0
    uses_groups: ClassVar[bool] = False

    def repeats(self, dataset: Dataset, seed: int) -> Iterator[list[Pair]]:
        """Yield the one list of folds; `seed` has no part in it."""
        from sklearn import model_selection

        check_n_splits(self.n_splits, dataset.n_rows)
        if self.gap < 0:
            raise InputError(f"{self} needs gap >= 0.")
        splitter = model_selection.TimeSeriesSplit(self.n_splits, gap=self.gap)
        try:
            yield list(splitter.split(np.arange(dataset.n_rows)))
        except ValueError as error:
            raise InputError(
                f"{self} does not fit {counted(dataset.n_rows, 'row')}: {error}"
            ) from None


def _random_state(seed: int, repeat: int) -> int:
    return derive(seed, "split", "repeat", repeat)


def _checked_repeats(n_repeats: int) -> int:
    if not _is_whole(n_repeats) or n_repeats < 1:
        raise InputError(f"n_repeats must be a whole number >= 1; got {n_repeats!r}.")
    return n_repeats


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def check_n_splits(n_splits: int, n: int, what: str = "row") -> None:
    """Refuse a number of folds that cannot be cut from `n` rows or groups.

    Raises:
        InputError: If `n_splits` is not a whole number in 2..n.
    """
    if not _is_whole(n_splits) or n_splits < 2:
        raise InputError(
            f"n_splits must be a whole number >= 2; got {n_splits!r}. For one "
            "validation part, use validation_split."
        )
    if n_splits > n:
        raise InputError(
            f"n_splits={n_splits} needs at least {n_splits} {what}s; there "
            f"{'is' if n == 1 else 'are'} {counted(n, what)}."
            + (f" Use n_splits<={n}." if n >= 2 else "")
        )


def stratifiable(strategy: Any, dataset: Dataset) -> NDArray[np.int32]:
    """Return the labels to stratify by.

    Raises:
        InputError: If there are none, or a class is too small for the folds.
    """
    labels = dataset.labels
    if labels is None:
        raise InputError(
            f"{strategy} needs one class label per row; this is a "
            f"{dataset.record.task} task. Use KFold(n_splits={strategy.n_splits})."
        )
    n_splits = strategy.n_splits
    check_n_splits(n_splits, dataset.n_rows)
    counts = class_counts(labels, dataset)
    small = {name: n for name, n in counts.items() if 0 < n < n_splits}
    if small:
        told = first_few(f"class {name!r} has {n}" for name, n in small.items())
        least = min(small.values())
        legal = f"Use {least} folds at most" if least >= 2 else "Add or remove its rows"
        raise InputError(
            f"{strategy} needs at least {n_splits} rows in every class to stratify; "
            f"{told}. {legal}, or in Python cv=KFold({n_splits}), which does not "
            "stratify."
        )
    return labels


def class_counts(labels: NDArray[np.int32], dataset: Dataset) -> dict[str, int]:
    """Return how many of `labels` each class has, by the class's name."""
    names = dataset.record.classes
    if not names and dataset.labels is not None:  # labels that are not positions
        values = np.unique(dataset.labels)
        return {str(value): int((labels == value).sum()) for value in values}
    n_classes = max(len(names), int(labels.max(initial=-1)) + 1)
    counts = np.bincount(labels, minlength=n_classes)
    known = [*names, *(str(i) for i in range(len(names), n_classes))]
    return {name: int(n) for name, n in zip(known, counts, strict=True)}


def groups_of(strategy: Any, dataset: Dataset) -> NDArray[Any]:
    """Return the dataset's groups.

    Raises:
        InputError: If it has none, or fewer than folds.
    """
    if dataset.groups is None:
        raise InputError(
            f"{strategy} needs groups, and the dataset has none. Pass groups=, one per "
            "row, or use KFold."
        )
    check_n_splits(strategy.n_splits, len(np.unique(dataset.groups)), "group")
    return dataset.groups
