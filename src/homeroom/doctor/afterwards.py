"""What only trained models can show: difficulty, doubtful labels, hopeless rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from homeroom.data import counted
from homeroom.records import NOTE, WARNING, Finding

from .coverage import classes
from .shift import ALPHA, MOST_COLUMNS, column_drifts, drift_findings
from .significance import holm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from .case import Case, Part

SMALLEST_GAP = 0.2  # in standard deviations of the losses: Cohen's "small"
SMALLEST_CHANCE = 1e-7
_Z = 1.96
_FEWEST = 20
_HOPELESS = 3.0
_FEWEST_OPINIONS = 2
# Half of candidates are wrong labels, and the worst of the ten sets of Northcutt et al.
# (2021) has 10 %: with more candidates it is the models that cannot tell.
_MOST_SUSPECTS = 0.2
_THAN_OTHERS = "the other folds, each row measured by models that did not see it"


def examine_losses(
    case: Case, predictions: Mapping[str, NDArray[Any]]
) -> tuple[Finding, ...]:
    """Return what out-of-fold predictions say of rows and folds.

    Args:
        case: The rows that were trained on, and their parts.
        predictions: Out-of-fold predictions by candidate [n, …], NaN where a row was
            never validated; for classes, probabilities.
    """
    losses = {name: row_losses(case, each) for name, each in predictions.items()}
    known = {name: each for name, each in losses.items() if each is not None}
    if not known:
        return ()
    usual = np.median(np.array(list(known.values())), axis=0)
    return (
        *difficulty(case, usual),
        *label_candidates(case, [predictions[name] for name in known]),
        *unlearned(case, known, predictions),
    )


def row_losses(case: Case, predictions: NDArray[Any]) -> NDArray[np.float64] | None:
    """Return the loss of every row: cross-entropy for classes, else absolute error.

    None when the predictions are not probabilities of this dataset's classes, or not
    one number per row.
    """
    labels = case.dataset.labels
    if labels is not None:
        chances = probabilities(predictions)
        if chances is None or labels.min() < 0 or labels.max() >= chances.shape[1]:
            return None
        mine = chances[np.arange(case.n_rows), labels]
        loss: NDArray[np.float64] = -np.log(np.clip(mine, SMALLEST_CHANCE, 1.0))
        return loss
    if case.quantity is None or predictions.size != case.n_rows:
        return None
    return np.abs(predictions.reshape(-1).astype(np.float64) - case.quantity)


def probabilities(predictions: NDArray[Any]) -> NDArray[np.float64] | None:
    """Return predictions as one chance per class, or None if they are none."""
    table = np.asarray(predictions, np.float64).reshape(len(predictions), -1)
    if table.shape[1] == 1:
        table = np.concatenate([1 - table, table], axis=1)
    seen = table[np.isfinite(table).all(axis=1)]
    if not len(seen) or seen.min() < -1e-6 or np.abs(seen.sum(axis=1) - 1).max() > 1e-3:
        return None
    return table


def difficulty(case: Case, losses: NDArray[np.float64]) -> Iterator[Finding]:
    """Find folds whose validation rows are harder, or easier, than all others.

    Both sides are measured out of fold: losses of rows that a model was trained on
    are of another kind. The fold that differs most is set aside before the next is
    looked at, else one hard fold would make all others easy. Kolmogorov-Smirnov with
    Holm over folds; told from 0.2 standard deviations on.
    """
    left = list(case.parts)
    for _ in range(len(case.parts) // 2):
        sides = [
            (part.name, losses[part.validation], losses[_others(left, part, case)])
            for part in left
        ]
        found = list(compared_losses(sides, _THAN_OTHERS))
        if not found:
            return
        worst = max(found, key=lambda finding: abs(finding.numbers["gap"]))
        yield worst
        left = [part for part in left if part.name != worst.where]


def _others(parts: list[Part], mine: Part, case: Case) -> NDArray[Any]:
    rows = np.zeros(case.n_rows, bool)
    for part in parts:
        rows[part.validation] = True
    rows[mine.validation] = False
    return np.flatnonzero(rows)


def compared_losses(
    sides: list[tuple[str, NDArray[np.float64], NDArray[np.float64]]], than: str
) -> Iterator[Finding]:
    """Find parts whose losses differ from others: (name, its losses, the others')."""
    from scipy.stats import ks_2samp

    finite = [(name, a[np.isfinite(a)], b[np.isfinite(b)]) for name, a, b in sides]
    finite = [each for each in finite if min(len(each[1]), len(each[2])) >= _FEWEST]
    if not any(_is_wide(a, b) for _, a, b in finite):
        return
    p_values = holm([
        float(ks_2samp(a, b, method="asymp").pvalue) for _, a, b in finite
    ])
    for (name, a, b), p in zip(finite, p_values, strict=True):
        gap = float(a.mean() - b.mean())
        if p < ALPHA and _is_wide(a, b):
            half = _Z * float(np.sqrt(a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)))
            yield _harder_or_easier(name, than, {"gap": gap, "half": half, "p": p})


def _is_wide(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    spread = float(np.concatenate([a, b]).std())
    return spread > 0 and abs(float(a.mean() - b.mean())) >= SMALLEST_GAP * spread


def _harder_or_easier(name: str, than: str, numbers: dict[str, float]) -> Finding:
    gap, half = numbers["gap"], numbers["half"]
    return Finding(
        check="difficulty",
        severity=WARNING,
        where=name,
        evidence=(
            f"{name[0].upper()}{name[1:]} is {'harder' if gap > 0 else 'easier'}: its "
            f"mean loss differs by {gap:+.3g} (95 % interval {gap - half:+.3g} to "
            f"{gap + half:+.3g}; p = {numbers['p']:.2g}) from that of {than}."
        ),
        consequence=(
            f"Its score is too {'bad' if gap > 0 else 'good'} to stand for all rows."
        ),
        remedy="Read the mean over all folds, and look at what these rows share.",
        numbers={"gap": gap, "low": gap - half, "high": gap + half, "p": numbers["p"]},
    )


def label_candidates(case: Case, predictions: list[NDArray[Any]]) -> Iterator[Finding]:
    """Find rows whose label is probably wrong (Northcutt et al. 2021).

    None is doubted by models that are wrong too often to doubt anything.
    """
    labels = case.labels
    if labels is None:
        return
    # outputs beyond the classes are never right; candidates may have more or fewer
    n = len(case.class_names)
    known = [p[:, :n] for p in map(probabilities, predictions) if p is not None]
    chances = np.mean([np.pad(p, ((0, 0), (0, n - p.shape[1]))) for p in known], axis=0)
    suspects = confident_off_diagonals(labels, chances)
    share = len(suspects) / case.n_rows
    if not 0 < share <= _MOST_SUSPECTS:
        return
    names = case.class_names
    told = [
        f"row {case.row_ids([row])[0]} is {names[labels[row]]!r}, looks like "
        f"{names[int(chances[row].argmax())]!r}"
        for row in suspects[:3]
    ]
    yield Finding(
        check="labels",
        severity=NOTE,
        where="all rows",
        evidence=(
            f"{counted(len(suspects), 'label')} ({share:.1%}) may be wrong: "
            f"{'; '.join(told)}{'; …' if len(suspects) > 3 else ''}."
        ),
        consequence=(
            "A wrong label teaches a wrong answer, and marks a right one as wrong."
        ),
        remedy=(
            "Look at these rows first; usually about half of such candidates are "
            "wrong. Nothing was changed."
        ),
        rows=case.row_ids(suspects),
        numbers={"share": share, "rows": float(len(suspects))},
    )


def confident_off_diagonals(
    labels: NDArray[Any], chances: NDArray[Any]
) -> NDArray[np.int64]:
    """Return the rows that the confident joint counts as another class, worst first.

    The threshold of a class is the mean chance that its own rows give it; a row counts
    as the likeliest class whose threshold it reaches.

    Args:
        labels: The given class of every row, integers [n].
        chances: Out-of-fold probabilities [n, classes]; rows with NaN are left out.

    >>> chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.2, 0.8], [0.1, 0.9], [0.9, 0.1]])
    >>> confident_off_diagonals(np.array([0, 0, 1, 1, 1]), chances).tolist()
    [4]
    """
    seen = np.flatnonzero(np.isfinite(chances).all(axis=1))
    mine, table = labels[seen], chances[seen]
    limits = np.array([
        table[mine == i, i].mean() if (mine == i).any() else np.inf
        for i in range(table.shape[1])
    ])
    reaches = table >= limits - 1e-6
    best = np.where(reaches, table, -np.inf).argmax(axis=1)
    wrong = reaches.any(axis=1) & (best != mine)
    margin = table[np.arange(len(mine)), mine] - table.max(axis=1)
    found = np.flatnonzero(wrong)
    return seen[found[np.argsort(margin[found], kind="stable")]]


def unlearned(
    case: Case,
    losses: Mapping[str, NDArray[np.float64]],
    predictions: Mapping[str, NDArray[Any]],
) -> Iterator[Finding]:
    """Find rows that no candidate gets right, though each never trained on them.

    Classes: the wrong answer from every candidate. Numbers: an error above three
    times the usual one from every candidate.
    """
    if len(losses) < _FEWEST_OPINIONS:
        return
    hopeless = np.ones(case.n_rows, bool)
    for name, loss in losses.items():
        if case.labels is not None:
            chances = probabilities(predictions[name])
            assert chances is not None
            wrong = np.nan_to_num(chances).argmax(axis=1) != case.labels
        else:
            wrong = loss > _HOPELESS * np.nanmean(loss)
        hopeless &= wrong & np.isfinite(loss)
    rows = np.flatnonzero(hopeless)
    if not len(rows):
        return
    share = len(rows) / case.n_rows
    yield Finding(
        check="unlearned",
        severity=NOTE,
        where="all rows",
        evidence=(
            f"{counted(len(rows), 'row')} ({share:.1%}) "
            f"{'is' if len(rows) == 1 else 'are'} missed by all {len(losses)} "
            "candidates."
        ),
        consequence=(
            "Where they were trained long enough, the answer is wrong, or not in the "
            "columns."
        ),
        remedy="Look at these rows before looking for a better model.",
        rows=case.row_ids(rows),
        numbers={"share": share, "rows": float(len(rows))},
    )


def examine_opening(
    case: Case,
    losses: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
) -> tuple[Finding, ...]:
    """Return how the opened test rows differ from the development rows.

    Args:
        case: Development and test rows together, with one part: development as train,
            test as validation.
        losses: The winner's losses on the test rows, and its out-of-fold losses on
            the development rows.
    """
    [part] = case.parts
    few = case.columns.n <= MOST_COLUMNS
    drifts = list(column_drifts(case, part)) if few else []
    sides = [] if losses is None else [(part.name, *losses)]
    return (
        *classes(case),
        *drift_findings(drifts, "development and test rows"),
        *compared_losses(sides, "the development rows, measured out of fold"),
    )
