"""Whether validation rows come from the same place as train rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from homeroom.data import first_few
from homeroom.records import WARNING, Checked, Finding
from homeroom.seeding import derive, generator

from .nearness import projected
from .significance import (
    accuracy_at,
    holm,
    smallest_visible_effect,
    two_sample_power,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from .case import Case, Part

ALPHA = 0.01  # of every check: a dozen are made, and a false alarm costs trust
# with many rows every p-value is tiny: only what is large enough to matter is told
SMALLEST_KS = 0.1
SMALLEST_CRAMER = 0.1
SMALLEST_AUC = 0.6
MOST_COLUMNS = 200
_MOST_ROWS = 2000
_FEWEST_TESTED = 20
_MOST_FOLDS = 10
_EXPECTED = 5
_TOP = 3


@dataclass(frozen=True)
class _Drift:
    column: str
    part: str
    effect: float
    p: float
    test: str


def shift(case: Case) -> Iterator[Finding | Checked]:
    """Find columns that are distributed differently in train and validation.

    Numbers by the Kolmogorov-Smirnov distance, categories by chi-square and Cramér's
    V; p-values after Holm over all columns and folds. Only distances of 0.1 and more
    are told.
    """
    n_columns = case.columns.n
    if n_columns > MOST_COLUMNS:
        yield Checked(
            check="shift",
            state="skipped",
            text=f"made for up to {MOST_COLUMNS} columns; there are {n_columns}",
        )
        return
    drifts = [drift for part in case.parts for drift in column_drifts(case, part)]
    yield from drift_findings(drifts, "train and validation")


def drift_findings(drifts: Sequence[_Drift], between: str) -> Iterator[Finding]:
    """Return what is worth telling of these comparisons."""
    corrected = holm([drift.p for drift in drifts])
    told = [
        (drift, p)
        for drift, p in zip(drifts, corrected, strict=True)
        if p < ALPHA
        and drift.effect >= (SMALLEST_KS if drift.test == "KS" else SMALLEST_CRAMER)
    ]
    if not told:
        return
    told.sort(key=lambda each: -each[0].effect)
    columns = dict.fromkeys(drift.column for drift, _ in told)
    worst, p = told[0]
    yield Finding(
        check="shift",
        severity=WARNING,
        where=first_few(dict.fromkeys(drift.part for drift, _ in told)),
        evidence=(
            f"{first_few(map(repr, columns))} "
            f"{'differs' if len(columns) == 1 else 'differ'} between {between}; "
            f"most: {worst.column!r} in {worst.part} "
            f"({worst.test} {worst.effect:.2f}, p = {p:.2g} after Holm over "
            f"{len(drifts)} comparisons)."
        ),
        consequence="The score is measured on another kind of rows than was learned.",
        remedy=(
            "If the rows are in an order, shuffle; if they come from several places or "
            "times, name them as groups= or time= and measure what you will use."
        ),
        columns=tuple(columns)[:20],
        numbers={"effect": worst.effect, "p": p, "columns": float(len(columns))},
    )


def column_drifts(case: Case, part: Part) -> Iterator[_Drift]:
    """Compare every column between the two parts."""
    from scipy.stats import ks_2samp

    for i, name in enumerate(case.columns.number_names):
        values = case.columns.numbers[:, i]
        a, b = (_present(values[rows]) for rows in (part.train, part.validation))
        if len(a) and len(b):
            found = ks_2samp(a, b, method="asymp")
            yield _Drift(
                name, part.name, float(found.statistic), float(found.pvalue), "KS"
            )
    for column in case.columns.categories:
        effect, p = _cramer(column.codes[part.train], column.codes[part.validation])
        yield _Drift(column.name, part.name, effect, p, "V")


def _present(values: NDArray[Any]) -> NDArray[Any]:
    present: NDArray[Any] = values[np.isfinite(values)]
    return present


def _cramer(a: NDArray[np.int64], b: NDArray[np.int64]) -> tuple[float, float]:
    """Return Cramér's V and the p-value; rare values are counted together."""
    from scipy.stats import chi2_contingency

    width = int(max(a.max(initial=-1), b.max(initial=-1))) + 2
    table = np.array([np.bincount(codes + 1, minlength=width) for codes in (a, b)])
    share = len(b) / (len(a) + len(b))
    rare = table.sum(axis=0) * min(share, 1 - share) < _EXPECTED
    merged = np.c_[table[:, ~rare], table[:, rare].sum(axis=1)]
    merged = merged[:, merged.sum(axis=0) > 0]
    if merged.shape[1] < 2:
        return 0.0, 1.0
    found = chi2_contingency(merged, correction=False)
    return float(np.sqrt(found.statistic / merged.sum())), float(found.pvalue)


def two_sample(case: Case) -> Iterator[Finding | Checked]:
    """Ask a classifier to tell validation rows from train rows (C2ST).

    The two samples are balanced and without copies; a random forest learns one half
    and is measured on the other. Told is an accuracy above 1/2 (binomial, Holm over
    folds) that comes with an AUC of 0.6 or more; otherwise how small a shift would
    have been seen (Lopez-Paz & Oquab 2017).
    """
    found = []
    for part in case.parts[:_MOST_FOLDS]:
        rows = balanced(case, part)
        if len(rows[0]) >= _FEWEST_TESTED:
            found.append((part.name, *_tell_apart(case, rows)))
    if not found:
        yield Checked(
            check="two-sample",
            state="skipped",
            text=f"needs {_FEWEST_TESTED} different rows in train and in validation",
        )
        return
    yield from two_sample_findings(found, case.columns.all_names)


def two_sample_findings(
    found: Sequence[tuple[str, float, float, int, NDArray[Any]]], names: Sequence[str]
) -> Iterator[Finding | Checked]:
    """Return what the classifiers' successes say.

    Args:
        found: Per fold its name, accuracy, AUC, rows measured on, importances.
        names: The columns that the importances are of.
    """
    from scipy.stats import binom

    p_values = holm([
        float(binom.sf(round(accuracy * n) - 1, n, 0.5))
        for _, accuracy, _, n, _ in found
    ])
    n = min(each[3] for each in found)
    level = ALPHA / len(found)
    least = accuracy_at(SMALLEST_AUC)
    visible = max(0.5 + smallest_visible_effect(n, alpha=level), least)
    yield Checked(
        check="two-sample",
        state="clear",
        text=(
            f"on {n} rows, a shift by which a classifier is right in {visible:.0%} is "
            "seen with a power of 80 %"
        ),
    )
    told = [
        (each, p)
        for each, p in zip(found, p_values, strict=True)
        if p < ALPHA and each[2] >= SMALLEST_AUC
    ]
    if not told:
        return
    (name, accuracy, auc, n, importances), p = max(told, key=lambda each: each[0][2])
    top = [names[i] for i in np.argsort(-importances)[:_TOP]]
    yield Finding(
        check="two-sample",
        severity=WARNING,
        where=first_few(each[0] for each, _ in told),
        evidence=(
            f"A classifier tells train from validation rows of {name} with accuracy "
            f"{accuracy:.0%}, AUC {auc:.2f} on {n} rows it had not seen "
            f"(p = {p:.2g} after Holm over {len(found)} folds)"
            f"{f', mostly by {first_few(map(repr, top))}' if top else ''}."
        ),
        consequence="The score is measured on another kind of rows than was learned.",
        remedy=(
            "If the rows are in an order, shuffle; if they come from several places or "
            "times, name them as groups= or time= and measure what you will use."
        ),
        columns=tuple(top),
        numbers={
            "accuracy": accuracy,
            "auc": auc,
            "p": p,
            "rows": float(n),
            "power": two_sample_power(0.1, n, level),
        },
    )


def balanced(case: Case, part: Part) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return equally many train and validation rows, no two of them the same."""
    prints = case.fingerprints
    dice = generator(case.seed, "doctor", "two-sample", part.name)
    train, validation = (
        rows[np.unique(prints[rows], return_index=True)[1]]
        for rows in (part.train, part.validation)
    )
    train = train[~np.isin(prints[train], prints[validation])]
    n = min(len(train), len(validation), _MOST_ROWS)
    return dice.permutation(train)[:n], dice.permutation(validation)[:n]


def _tell_apart(
    case: Case, rows: tuple[NDArray[Any], NDArray[Any]]
) -> tuple[float, float, int, NDArray[Any]]:
    """Return accuracy, AUC, rows measured on, and importances of columns.

    Of many columns only mixtures are told apart, and the importances are empty.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import train_test_split

    both, few = np.concatenate(rows), case.columns.n <= MOST_COLUMNS
    x = case.columns.encoded(both) if few else projected(case, both)
    y = np.repeat([0, 1], len(rows[0]))
    random_state = derive(case.seed, "doctor", "forest")
    x_learn, x_tell, y_learn, y_tell = train_test_split(
        x, y, test_size=0.5, stratify=y, random_state=random_state
    )
    forest = RandomForestClassifier(
        100, min_samples_leaf=3, random_state=random_state, n_jobs=1
    ).fit(x_learn, y_learn)
    chance = forest.predict_proba(x_tell)[:, 1]
    accuracy = float(((chance > 0.5) == y_tell).mean())
    return (
        accuracy,
        float(roc_auc_score(y_tell, chance)),
        len(y_tell),
        forest.feature_importances_ if few else np.zeros(0),
    )
