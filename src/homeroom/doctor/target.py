"""A feature that gives the answer away: a copy of y, a code for it, its echo."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from homeroom.data import first_few
from homeroom.records import LEAKAGE, WARNING, Finding
from homeroom.seeding import generator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from .case import Case

_FEWEST_ROWS = 20
_FEWEST_OF_A_CLASS = 5
_ROWS_PER_VALUE = 5
# what holds for all rows holds for a sample, so that most columns are done with soon
_SAMPLES = (200, 2000)
_EXACT, _NEARLY = 1 - 1e-6, 0.995


@dataclass(frozen=True)
class _Giveaway:
    column: str
    how: str
    proven: bool


def target(case: Case) -> Iterator[Finding]:
    """Find single columns from which y follows exactly.

    A single column is not looked at: then it is the task. A copy or a recoding of y
    stops training; a threshold that separates the classes without an error may be
    true (one petal tells setosa from the rest), and warns.
    """
    n_columns = case.columns.n
    if case.n_rows < _FEWEST_ROWS or n_columns < 2:
        return
    if case.labels is not None:
        found = list(_of_classes(case, case.labels))
    elif case.quantity is not None:
        found = list(_of_quantity(case, case.quantity))
    else:
        return
    for proven in (True, False):
        told = [each for each in found if each.proven is proven]
        if told:
            yield _finding(case, told, proven=proven)


def _finding(case: Case, found: list[_Giveaway], *, proven: bool) -> Finding:
    names = [each.column for each in found]
    name = case.dataset.record.target
    y = f"the target {name!r}" if name else "y"
    if proven:
        consequence = "The model learns to read the answer, which new rows do not have."
        remedy = f"Leave {first_few(map(repr, names))} out, or explain why it is known."
    else:
        consequence = (
            "If this column is made from the answer, or after it, the score is a lie."
        )
        remedy = (
            "Ask when and how it is measured: leave it out if that is not before the "
            "answer is known."
        )
    return Finding(
        check="target",
        severity=LEAKAGE if proven else WARNING,
        where="all rows",
        evidence=(
            f"{first_few([f'{each.column!r} {each.how}' for each in found])}: alone it "
            f"gives away {y}."
        ),
        consequence=consequence,
        remedy=remedy,
        columns=tuple(names[:20]),
        numbers={"columns": float(len(names))},
    )


def _of_classes(case: Case, labels: NDArray[np.int32]) -> Iterator[_Giveaway]:
    counts = np.bincount(labels[labels >= 0])
    counts = counts[counts > 0]
    if len(counts) < 2 or counts.min() < _FEWEST_OF_A_CLASS:
        return
    names, table = case.columns.number_names, case.columns.numbers
    left = np.arange(table.shape[1])
    for rows in _samples(case):
        few = _most_values(len(rows), case.n_rows)
        left = left[_may_tell(table[np.ix_(rows, left)], labels[rows], few)]
    for i in left:
        how, proven = _giving_away(table[:, i], labels, len(counts))
        if how:
            yield _Giveaway(names[i], how, proven)
    for column in case.columns.categories:
        n_values = len(np.unique(column.codes))
        few = n_values <= case.n_rows / _ROWS_PER_VALUE
        if few and _is_function(column.codes, labels):
            yield _Giveaway(column.name, "has one class per value", proven=True)


def _giving_away(
    values: NDArray[Any], y: NDArray[np.int32], n_classes: int
) -> tuple[str, bool]:
    """Return how the values give the class away ("" if not), and if for certain."""
    n_values, runs = len(np.unique(values)), _n_runs(values, y)
    if n_values <= len(y) / _ROWS_PER_VALUE and _is_function(values, y):
        if n_values == n_classes:
            return "is y under other numbers", True
        if runs > n_classes:
            return "is a code for y", True
    return ("separates the classes", False) if runs == n_classes else ("", False)


def _samples(case: Case) -> Iterator[NDArray[Any]]:
    """Random rows, few and then more: most columns are done with after few."""
    order = generator(case.seed, "doctor", "target").permutation(case.n_rows)
    for n in _SAMPLES:
        if n < case.n_rows:
            yield order[:n]


def _most_values(n: int, n_rows: int) -> float:
    """Return how many values a code for y shows in a sample, at most.

    If all have equally many rows, by what is expected and three of its deviations.
    """
    n_values = n_rows / _ROWS_PER_VALUE
    expected = n_values * -math.expm1(-n / n_values)
    return expected + 3 * math.sqrt(max(n - expected, 1.0))


def _may_tell(
    table: NDArray[Any], y: NDArray[Any], most_values: float
) -> NDArray[np.bool_]:
    """Return which columns can be a code for y, or separate its classes [columns].

    What `_n_runs` and `_is_function` tell of one column, of all at once.
    """
    n_classes = int((np.bincount(y[y >= 0]) > 0).sum())
    by_y = np.argsort(y, kind="stable")
    order = by_y[np.argsort(table[by_y], axis=0, kind="stable")]
    values = np.take_along_axis(table, order, axis=0)
    changes = y[order][1:] != y[order][:-1]
    tied = _tied(values)
    torn = (changes & tied).sum(axis=0)
    repeated = 1 + (~tied).sum(axis=0) <= most_values
    runs = changes.sum(axis=0) + torn * len(y) + 1
    found: NDArray[np.bool_] = (runs <= n_classes) | (repeated & (torn == 0))
    return found


def _n_runs(values: NDArray[Any], y: NDArray[Any]) -> int:
    """Return in how many stretches of one class the sorted values fall.

    Equal values of different classes cannot be told apart, and count as stretches.
    """
    order = np.lexsort((y, values))
    changes = y[order][1:] != y[order][:-1]
    tied = _tied(values[order])
    return int(changes.sum() + (changes & tied).sum() * len(y)) + 1


def _is_function(values: NDArray[Any], y: NDArray[Any]) -> bool:
    """Return whether equal values always have equal y."""
    order = np.lexsort((y, values))
    tied = _tied(values[order])
    return not bool((tied & (y[order][1:] != y[order][:-1])).any())


def _tied(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which sorted values are those before them; missing ones are all one."""
    after, before = values[1:], values[:-1]
    found: NDArray[np.bool_] = (after == before) | (np.isnan(after) & np.isnan(before))
    return found


def _of_quantity(case: Case, y: NDArray[np.float64]) -> Iterator[_Giveaway]:
    if len(np.unique(y)) < _FEWEST_ROWS:
        return
    names, table = case.columns.number_names, case.columns.numbers
    left = list(range(table.shape[1]))
    every: list[Any] = [*_samples(case), slice(None)]
    for rows in every:
        left = [i for i in left if _follows(table[rows, i], y[rows])]
    for i in left:
        r = _correlation(table[:, i], y)
        if abs(r) > _EXACT:
            yield _Giveaway(names[i], "is y on another scale", proven=True)
        elif _is_monotone(table[:, i], y):
            yield _Giveaway(names[i], "has exactly the order of y", proven=True)
        else:
            yield _Giveaway(names[i], f"is nearly y (r = {r:.4f})", proven=False)
    for column in case.columns.categories:
        n_values = len(np.unique(column.codes))
        few = n_values <= case.n_rows / _ROWS_PER_VALUE
        if few and _is_function(column.codes, y):
            yield _Giveaway(column.name, "has one y per value", proven=True)


def _follows(values: NDArray[Any], y: NDArray[np.float64]) -> bool:
    return abs(_correlation(values, y)) >= _NEARLY or _is_monotone(values, y)


def _correlation(values: NDArray[Any], y: NDArray[np.float64]) -> float:
    """Return Pearson's r where there is a value; 0 for a constant, or few of them."""
    there = np.isfinite(values)
    if not there.all():
        if there.sum() < _FEWEST_ROWS:
            return 0.0
        values, y = values[there], y[there]
    centered = values.astype(np.float64) - values.mean(dtype=np.float64)
    answers = y - y.mean()
    scale = float(np.sqrt((centered**2).sum() * (answers**2).sum()))
    if not np.isfinite(scale) or scale == 0:
        return 0.0
    return float((centered * answers).sum() / scale)


def _is_monotone(values: NDArray[Any], y: NDArray[np.float64]) -> bool:
    """Return whether y only rises, or only falls, with nearly as many values."""
    if len(np.unique(values)) < max(_FEWEST_ROWS, len(np.unique(y)) / 2):
        return False
    sorted_y = y[np.argsort(values, kind="stable")]
    steps = np.diff(sorted_y)
    return bool((steps >= 0).all() or (steps <= 0).all())
