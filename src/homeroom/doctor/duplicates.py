"""The same row on both sides of a cut, exactly or almost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from homeroom.data import counted, first_few
from homeroom.records import LEAKAGE, NOTE, WARNING, Finding
from homeroom.seeding import generator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from .case import Case

# CIFAR-100 has 10 % duplicates of its test images in training; without them errors
# are 9-14 % higher, relatively (Barz & Denzler 2020)
STOP_SHARE = 0.10
STOP_SHARE_WITH_GROUPS = 0.01
# rows of few small columns coincide by chance: then copies prove nothing
_CHANCE = 0.10
_COINCIDENCE_SAMPLE = 5000
_BITS = 64


def duplicates(case: Case) -> Iterator[Finding]:
    """Find rows that stand, with the same x, on both sides of a cut."""
    yield from _across_parts(case)
    yield from _across_seal(case)


def _across_parts(case: Case) -> Iterator[Finding]:
    copied, validated, parts = copies(case, identities(case))
    if not copied.any():
        return
    share = float(copied.sum() / validated.sum())
    rows = np.flatnonzero(copied)
    chance = _chance_of_coincidence(case) if share >= STOP_SHARE_WITH_GROUPS else 0.0
    grouped = case.dataset.groups is not None
    limit = STOP_SHARE_WITH_GROUPS if grouped else STOP_SHARE
    proven = share >= limit and chance <= _CHANCE * share and _is_rich(case)
    evidence = (
        f"{counted(len(rows), 'row')} ({share:.1%} of those validated) "
        f"{'has' if len(rows) == 1 else 'have'} an exact copy among the train rows "
        "of the same fold"
    )
    if grouped:
        evidence += ", in another group"
    if share >= limit and not proven:
        evidence += (
            f"; the columns take so few values that {chance:.1%} would coincide by "
            "chance"
        )
    yield Finding(
        check="duplicates",
        severity=LEAKAGE if proven else WARNING,
        where=first_few(parts),
        evidence=f"{evidence}.",
        consequence=(
            "A copied row is recited, not predicted: the validation score is too good "
            f"by up to {share:.1%} of the rows."
        ),
        remedy=(
            "Remove the copies, or give rows that belong together one group "
            "(groups=) and use GroupKFold."
        ),
        rows=case.row_ids(rows),
        numbers={"share": share, "rows": float(len(rows)), "chance": chance},
    )


def identities(case: Case) -> NDArray[np.int64]:
    """Return the same number for rows with the same x, int64 [n]."""
    _, same = np.unique(case.fingerprints, return_inverse=True)
    return same.astype(np.int64)


def copies(
    case: Case, same: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], list[str]]:
    """Return which rows have a twin in train, which are validated, and in which parts.

    Args:
        case: The rows and their parts.
        same: The same number for rows that are to count as one [n].
    """
    copied = np.zeros(case.n_rows, bool)
    validated = np.zeros(case.n_rows, bool)
    names = []
    for part in case.parts:
        trained = np.zeros(int(same.max()) + 1, bool)
        trained[same[part.train]] = True
        twins = part.validation[trained[same[part.validation]]]
        validated[part.validation] = True
        copied[twins] = True
        if len(twins):
            names.append(part.name)
    return copied, validated, names


def _across_seal(case: Case) -> Iterator[Finding]:
    if case.sealed is None or not len(case.sealed):
        return
    known = np.isin(case.sealed, case.fingerprints)
    if not known.any():
        return
    share = float(known.mean())
    rows = np.flatnonzero(np.isin(case.fingerprints, case.sealed))
    chance = _chance_of_coincidence(case) if share >= STOP_SHARE else 0.0
    proven = share >= STOP_SHARE and chance <= _CHANCE * share and _is_rich(case)
    yield Finding(
        check="duplicates",
        severity=LEAKAGE if proven else WARNING,
        where="development and sealed test rows",
        evidence=(
            f"{counted(int(known.sum()), 'sealed test row')} ({share:.1%}) "
            f"{'has' if known.sum() == 1 else 'have'} the fingerprint of a "
            "development row."
        ),
        consequence=(
            "The final test would ask what was learned by heart: its score is too "
            f"good by up to {share:.1%} of the rows."
        ),
        remedy="Remove the copies before the cut, or name groups=, which stay whole.",
        rows=case.row_ids(rows),
        numbers={"share": share, "rows": float(known.sum()), "chance": chance},
    )


def conflicts(case: Case) -> Iterator[Finding]:
    """Find rows with the same x and different y."""
    y = case.labels if case.labels is not None else case.quantity
    if y is None:
        return
    same = identities(case)
    order = np.lexsort((y, same))
    twins = same[order][1:] == same[order][:-1]
    differ = twins & (y[order][1:] != y[order][:-1])
    if not differ.any():
        return
    rows = np.flatnonzero(np.isin(same, same[order][1:][differ]))
    share = len(rows) / case.n_rows
    yield Finding(
        check="conflicts",
        severity=WARNING if share >= 0.01 else NOTE,
        where="all rows",
        evidence=(
            f"{counted(len(rows), 'row')} ({share:.1%}) have the same x as another row "
            "and a different y."
        ),
        consequence="No model can answer both: this much error stays for ever.",
        remedy=(
            "Look at these rows: correct a wrong answer, or add the column that tells "
            "them apart."
        ),
        rows=case.row_ids(rows),
        numbers={"share": share, "rows": float(len(rows))},
    )


def _chance_of_coincidence(case: Case) -> float:
    """Return the share of rows that find a twin when every column is shuffled alone."""
    dice = generator(case.seed, "doctor", "coincidence")
    rows = dice.permutation(case.n_rows)[:_COINCIDENCE_SAMPLE]
    columns = [
        case.columns.numbers[rows, i] for i in range(case.columns.numbers.shape[1])
    ]
    columns += [column.codes[rows] for column in case.columns.categories]
    codes = np.zeros(len(rows), np.int64)
    for column in columns:
        shuffled = np.unique(column[dice.permutation(len(rows))], return_inverse=True)[
            1
        ]
        codes = np.unique(codes * len(rows) + shuffled, return_inverse=True)[1]
        if codes.max() + 1 == len(rows):
            return 0.0
    share = float((np.bincount(codes)[codes] > 1).mean())
    # the more rows there are, the more of them find a twin
    return float(1 - (1 - share) ** ((case.n_rows - 1) / max(len(rows) - 1, 1)))


def _is_rich(case: Case) -> bool:
    """Return whether columns can tell rows apart: not a few columns of 0 and 1."""
    n_columns = case.columns.n
    if n_columns > _BITS or any(len(c.values) > 2 for c in case.columns.categories):
        return True
    return any(len(np.unique(column)) > 2 for column in case.columns.numbers.T)
