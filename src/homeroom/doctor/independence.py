"""What makes validation rows depend on train rows: groups, and time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from homeroom.data import counted, first_few
from homeroom.records import LEAKAGE, WARNING, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from .case import Case

_NAMES_A_GROUP = re.compile(
    r"(?i:(^|[\W_])(patient|subject|user|customer|client|person|participant|speaker|"
    r"session|household|device|sensor|site|hospital|clinic|scene|video|document|author)"
    r"([\W_]|id|no|$))|[a-z](Id|ID)$|(?i:[\W_]id$)|환자|고객|회원|대상자|사용자"
)
_FEWEST_REPEATS = 2.0


def groups(case: Case) -> Iterator[Finding]:
    """Find groups on both sides of a fold, and columns that look like groups."""
    if case.dataset.groups is not None:
        yield from _torn(case, case.dataset.groups)
    else:
        yield from _undeclared(case)


def _torn(case: Case, group_of_row: NDArray[Any]) -> Iterator[Finding]:
    torn = {
        part.name: np.intersect1d(
            group_of_row[part.train], group_of_row[part.validation]
        )
        for part in case.parts
    }
    torn = {name: found for name, found in torn.items() if len(found)}
    if not torn:
        return
    every = np.unique(np.concatenate(list(torn.values())))
    yield Finding(
        check="groups",
        severity=LEAKAGE,
        where=first_few(torn),
        evidence=(
            f"{counted(len(every), 'group')} ({first_few(every)}) have rows in train "
            "and in validation."
        ),
        consequence=(
            "The model is asked about somebody it has met: the score says nothing "
            "about strangers."
        ),
        remedy="Use GroupKFold, which keeps groups whole.",
        numbers={"groups": float(len(every))},
    )


def _undeclared(case: Case) -> Iterator[Finding]:
    kinds = case.dataset.record.kinds
    columns: list[tuple[str, NDArray[Any]]] = [
        (column.name, column.codes) for column in case.columns.categories
    ]
    columns += [
        (name, case.columns.numbers[:, i])
        for i, name in enumerate(case.columns.number_names)
        if kinds.get(name) == "number"
    ]
    for name, values in columns:
        if not _NAMES_A_GROUP.search(name) or not case.parts:
            continue
        n_groups = len(np.unique(values))
        if not 2 < n_groups <= case.n_rows / _FEWEST_REPEATS:
            continue
        shared = [
            np.isin(values[p.validation], values[p.train]).mean() for p in case.parts
        ]
        if max(shared) == 0:
            continue
        yield Finding(
            check="groups",
            severity=WARNING,
            where="all folds",
            evidence=(
                f"Column {name!r} looks like a group: {n_groups} values in "
                f"{case.n_rows} rows, and {np.mean(shared):.0%} of the validation rows "
                "meet their own value in train."
            ),
            consequence=(
                "If rows of one value belong together, the model is asked about "
                "somebody it has met, and the score says nothing about strangers."
            ),
            remedy=(
                f"Pass the column as groups= (homeroom doctor: --groups {name}), or "
                "ignore this if its values come back in new data."
            ),
            columns=(name,),
            numbers={"groups": float(n_groups), "shared": float(np.mean(shared))},
        )


def time(case: Case) -> Iterator[Finding]:
    """Find folds that train on the future, or dates that nobody called time."""
    if case.time is not None:
        yield from _future(case, case.time)
    elif case.parts and not case.ordered:
        yield from _dates(case)


def _future(case: Case, when: NDArray[Any]) -> Iterator[Finding]:
    late = {
        part.name: float((when[part.train] > when[part.validation].min()).mean())
        for part in case.parts
        if len(part.validation)
    }
    late = {name: share for name, share in late.items() if share}
    if not late:
        return
    worst = max(late, key=lambda name: late[name])
    yield Finding(
        check="time",
        severity=LEAKAGE,
        where=first_few(late),
        evidence=(
            f"In {worst}, {late[worst]:.0%} of the train rows are later than the first "
            "validation row."
        ),
        consequence=(
            "The model learns from the future of what it is asked: the score says "
            "nothing about tomorrow."
        ),
        remedy="Sort the rows by time and use TimeSeriesSplit.",
        numbers={"share": late[worst]},
    )


def _dates(case: Case) -> Iterator[Finding]:
    dates = [name for name, kind in case.dataset.record.kinds.items() if kind == "date"]
    if dates:
        yield Finding(
            check="time",
            severity=WARNING,
            where="all folds",
            evidence=(
                f"{first_few(map(repr, dates))} holds dates, and the folds mix earlier "
                "and later rows."
            ),
            consequence=(
                "If the model will be asked about later rows than it has seen, the "
                "score is too good."
            ),
            remedy=(
                "Pass the dates as time= and use TimeSeriesSplit (homeroom doctor: "
                f"--time {dates[0]}), or ignore this if the order does not matter."
            ),
            columns=tuple(dates),
        )
