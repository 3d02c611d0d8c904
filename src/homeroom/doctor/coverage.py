"""Whether every part shows what it should: classes, categories, enough rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from homeroom.data import counted, first_few
from homeroom.records import NOTE, WARNING, Finding

from .significance import holm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .case import Case

ALPHA = 0.01
SHARE_GAP = 0.05  # a class whose share differs by less changes no score that matters
FEW_ROWS, TOO_FEW_ROWS = 50, 10
FEW_OF_A_CLASS = 5
_UNSEEN = 0.01
_Z = 1.96


def classes(case: Case) -> Iterator[Finding]:
    """Find classes that a part lacks, and shares that differ between parts."""
    labels = case.labels
    if labels is None or not case.parts:
        return
    names = case.class_names
    unseen: dict[str, list[str]] = {}
    unasked: dict[str, list[str]] = {}
    for part in case.parts:
        train = np.bincount(labels[part.train], minlength=len(names))
        validation = np.bincount(labels[part.validation], minlength=len(names))
        for i in np.flatnonzero((validation > 0) & (train == 0)):
            unseen.setdefault(names[i], []).append(part.name)
        for i in np.flatnonzero((train > 0) & (validation == 0)):
            unasked.setdefault(names[i], []).append(part.name)
    if unseen:
        yield _missing(
            unseen,
            "train",
            "The model is asked for a class that it was never shown, and must fail.",
        )
    if unasked:
        yield _missing(
            unasked,
            "validation",
            "The score says nothing about this class, and a metric per class is not "
            "defined.",
        )
    yield from _shares(case, names)


def _missing(absent: dict[str, list[str]], where: str, consequence: str) -> Finding:
    told = first_few(
        f"class {name!r} is missing from the {where} part of {first_few(parts)}"
        for name, parts in absent.items()
    )
    folds = dict.fromkeys(part for parts in absent.values() for part in parts)
    return Finding(
        check="classes",
        severity=WARNING,
        where=first_few(folds),
        evidence=f"{told[0].upper()}{told[1:]}.",
        consequence=consequence,
        remedy=(
            "Use StratifiedKFold with fewer folds, or collect more rows of the class."
        ),
        columns=tuple(absent),
        numbers={"classes": float(len(absent))},
    )


def _shares(case: Case, names: list[str]) -> Iterator[Finding]:
    from scipy.stats import chi2_contingency

    assert case.labels is not None
    tables, gaps, widest = [], [], []
    for part in case.parts:
        table = np.array([
            np.bincount(case.labels[rows], minlength=len(names))
            for rows in (part.train, part.validation)
        ])
        table = table[:, table.sum(axis=0) > 0]
        shares = table / table.sum(axis=1, keepdims=True)
        gap = np.abs(shares[0] - shares[1])
        present = np.flatnonzero(
            np.bincount(case.labels[np.r_[part.train, part.validation]]) > 0
        )
        widest.append(names[int(present[gap.argmax()])])
        gaps.append(float(gap.max()))
        tables.append(table)
    if max(gaps) < SHARE_GAP:
        return
    p_values = holm([
        float(chi2_contingency(table).pvalue) if table.shape[1] > 1 else 1.0
        for table in tables
    ])
    far = [i for i, p in enumerate(p_values) if p < ALPHA and gaps[i] >= SHARE_GAP]
    if not far:
        return
    worst = max(far, key=lambda i: gaps[i])
    yield Finding(
        check="classes",
        severity=WARNING,
        where=first_few(case.parts[i].name for i in far),
        evidence=(
            f"In {case.parts[worst].name} the share of class {widest[worst]!r} differs "
            f"by {gaps[worst]:.1%} between train and validation (chi-square, "
            f"p = {p_values[worst]:.2g} after Holm)."
        ),
        consequence=(
            "The fold asks other questions than were practised; its score is not "
            "comparable to that of the others."
        ),
        remedy="Use StratifiedKFold, or StratifiedGroupKFold when there are groups.",
        numbers={"gap": gaps[worst], "p": p_values[worst]},
    )


def categories(case: Case) -> Iterator[Finding]:
    """Find text values in validation rows that the fold's train rows do not have."""
    for column in case.columns.categories:
        rows: list[int] = []
        worst = 0.0
        names = []
        for part in case.parts:
            known = np.unique(column.codes[part.train])
            codes = column.codes[part.validation]
            new = (codes >= 0) & ~np.isin(codes, known)
            if new.any():
                rows += part.validation[new].tolist()
                worst = max(worst, float(new.mean()))
                names.append(part.name)
        if not rows:
            continue
        values = dict.fromkeys(column.values[column.codes[row]] for row in rows)
        yield Finding(
            check="categories",
            severity=WARNING if worst >= _UNSEEN else NOTE,
            where=first_few(names),
            evidence=(
                f"Column {column.name!r}: {counted(len(set(rows)), 'validation row')} "
                f"hold a value that the train rows of the fold do not have "
                f"({first_few(map(repr, values))})."
            ),
            consequence="The model has learned nothing about these values.",
            remedy="Merge rare values into one, or collect more rows of them.",
            rows=case.row_ids(sorted(set(rows))),
            columns=(column.name,),
            numbers={"share": worst, "values": float(len(values))},
        )


def constant(case: Case) -> Iterator[Finding]:
    """Find columns of numbers that are the same in every row."""
    if len(case.dataset.record.shapes.get("x", ())) > 2 or case.n_rows < 2:
        return  # a pixel that never changes is no column
    table = case.columns.numbers
    head = table[: min(case.n_rows, 100)]
    same = np.flatnonzero((head == head[0]).all(axis=0))
    same = same[(table[:, same] == table[0, same]).all(axis=0)]
    if not len(same):
        return
    names = [case.columns.number_names[i] for i in same]
    yield Finding(
        check="constant",
        severity=NOTE,
        where="all rows",
        evidence=(
            f"{counted(len(names), 'column')} never "
            f"{'changes' if len(names) == 1 else 'change'}: {first_few(names)}."
        ),
        consequence="Nothing can be learned from them; scaling them divides by zero.",
        remedy="Leave them out.",
        columns=tuple(names[:20]),
        numbers={"columns": float(len(names))},
    )


def size(case: Case) -> Iterator[Finding]:
    """Find validation parts, and classes in them, too small to be measured on."""
    if not case.parts:
        return
    smallest = min(case.parts, key=lambda part: len(part.validation))
    n = len(smallest.validation)
    if n < FEW_ROWS:
        # the widest half of a 95 % interval of an accuracy, at 50 %
        half = _Z * 0.5 / np.sqrt(max(n, 1))
        yield Finding(
            check="size",
            severity=WARNING if n < TOO_FEW_ROWS else NOTE,
            where=smallest.name,
            evidence=(
                f"{counted(n, 'validation row')}: one row is {1 / max(n, 1):.1%} of "
                f"an accuracy, whose 95 % interval is up to {half:.0%} to each side."
            ),
            consequence="A single fold decides nothing.",
            remedy="Use fewer folds, and repeat them (RepeatedKFold).",
            numbers={"rows": float(n), "half_width": float(half)},
        )
    if case.labels is None:
        return
    names = case.class_names
    few: dict[str, int] = {}
    for part in case.parts:
        counts = np.bincount(case.labels[part.validation], minlength=len(names))
        for i in np.flatnonzero((counts > 0) & (counts < FEW_OF_A_CLASS)):
            few[names[i]] = min(int(counts[i]), few.get(names[i], FEW_OF_A_CLASS))
    if few:
        yield Finding(
            check="size",
            severity=NOTE,
            where="all folds",
            evidence=(
                f"{counted(len(few), 'class has', 'classes have')} fewer than "
                f"{FEW_OF_A_CLASS} rows in a validation part: "
                f"{first_few(f'{name!r} {n}' for name, n in few.items())}."
            ),
            consequence="A score per class would jump with every single row.",
            remedy="Use fewer folds, or read the score over all folds together.",
            columns=tuple(few),
            numbers={"classes": float(len(few))},
        )


def order(case: Case) -> Iterator[Finding]:
    """Find rows that lie in the order of their answers, and parts cut in that order."""
    y = case.labels
    if y is None:
        if case.quantity is None:
            return
        y = (case.quantity > np.median(case.quantity)).astype(np.int32)
    shares = np.bincount(y[y >= 0]) / len(y)
    expected = 1 + (len(y) - 1) * (1 - float((shares**2).sum()))
    runs = int((np.diff(y) != 0).sum()) + 1
    if expected < 20 or runs >= expected / 2:
        return
    cut = [p.name for p in case.parts if _is_a_block(p.validation)]
    if case.ordered and cut:  # so they shall be cut
        return
    yield Finding(
        check="order",
        severity=WARNING if cut else NOTE,
        where=first_few(cut) if cut else "all rows",
        evidence=(
            f"The rows are sorted, or nearly: y changes {runs - 1} times from row to "
            f"row; in a random order it would do so about {expected - 1:.0f} times."
        ),
        consequence=(
            "A validation part cut from one end holds other answers than train."
            if cut
            else "Harmless as these parts are drawn; Keras's own validation_split "
            "would take the last rows, which are of one kind."
        ),
        remedy="Shuffle." if cut else "Keep shuffle=True.",
        numbers={"runs": float(runs), "expected": expected},
    )


def _is_a_block(rows: np.ndarray) -> bool:
    return len(rows) > 1 and int(rows.max()) - int(rows.min()) + 1 == len(rows)
