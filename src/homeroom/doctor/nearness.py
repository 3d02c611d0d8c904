"""Rows that are almost the same, and kinds of rows that a part does not have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from homeroom.data import counted, first_few
from homeroom.records import WARNING, Checked, Finding
from homeroom.seeding import derive, generator

from .duplicates import copies, identities

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from .case import Case

MOST_ROWS = 20_000
_DIMENSIONS = 64
_NEIGHBORS = 30
_OUTER = (5, 6, 7, 8, 9, 10)
_FEWEST = 50
_TINY = 1e-12
_CLOSEST = 0.1
_ROWS_FOR_STEPS = 2000
_EXPECTED_BY_CHANCE = 0.01
_N_TOPICS = 8
_TOPIC_ALPHA = 0.01


@dataclass(frozen=True, eq=False)
class _Near:
    """Of every row: nearest over k-th distance, and which row is nearest.

    `far` is the k-th distance of most rows.
    """

    ratio: NDArray[Any]
    nearest: NDArray[Any]
    k: int
    far: float
    dimension: float


def near_duplicates(case: Case) -> Iterator[Finding | Checked]:
    """Find validation rows that are almost a train row of the same fold.

    A row's distance to its nearest neighbor is compared with that to its k-th, k = 30
    or a tenth of the rows. In d dimensions a ratio below c comes by chance
    (k - 1) c^d times per row (after TwoNN, Facco et al. 2017), so c is the ratio that
    all rows together would reach 0.01 times, and never more than 0.1; d is estimated
    from the data (Levina & Bickel 2004), and at most the number of columns in which
    rows can be that near without being equal: categories are not among them.
    """
    same = identities(case)
    first = np.unique(same, return_index=True)[1]
    if len(first) < _FEWEST or not case.parts:
        yield _too_few("near-duplicates", len(first), _FEWEST)
        return
    rows = _sample(case, first)
    near = _ratios(case, rows)
    limit, dimension = _limit(case, rows, near)
    if len(rows) < len(first):
        yield Checked(
            check="near-duplicates",
            state="clear",
            text=f"looked at {len(rows)} of {len(first)} different rows",
        )
    close = np.flatnonzero(near.ratio < limit)
    if not len(close):
        return
    copied, validated, names = copies(case, _joined(same, rows, close, near.nearest))
    copied &= ~copies(case, same)[0]
    if not copied.any():
        return
    found = np.flatnonzero(copied)
    share = float(len(found) / validated.sum())
    yield Finding(
        check="near-duplicates",
        severity=WARNING,
        where=first_few(names),
        evidence=(
            f"{counted(len(found), 'row')} ({share:.1%} of those validated) lie within "
            f"{limit:.1%} of the usual distance of a train row of the same fold; by "
            "chance, in all rows together, 0.01 would."
        ),
        consequence=(
            "If these are copies of one thing (a photo taken twice, a patient seen "
            f"twice), the score is too good by up to {share:.1%} of the rows."
        ),
        remedy="Give rows of one thing one group (groups=) and use GroupKFold.",
        rows=case.row_ids(found),
        numbers={
            "share": share,
            "rows": float(len(found)),
            "ratio": float(limit),
            "dimension": dimension,
        },
    )


def _too_few(check: str, n: int, needed: int) -> Checked:
    return Checked(
        check=check,
        state="skipped",
        text=f"needs a validation part and {needed} different rows; there are {n}",
    )


def _sample(case: Case, rows: NDArray[Any]) -> NDArray[Any]:
    if len(rows) <= MOST_ROWS:
        return rows
    dice = generator(case.seed, "doctor", "near-duplicates")
    return np.sort(dice.permutation(rows)[:MOST_ROWS])


def _ratios(case: Case, rows: NDArray[Any]) -> _Near:
    """Return how near the nearest row of every row is, by the distance of the k-th."""
    from sklearn.neighbors import NearestNeighbors

    table = projected(case, rows)
    k = min(_NEIGHBORS, len(rows) // 10)
    fitted = NearestNeighbors(n_neighbors=k + 1).fit(table)
    distances, places = fitted.kneighbors(table)  # the first is the row itself
    far = np.maximum(distances[:, -1], _TINY)
    dice = generator(case.seed, "doctor", "dimension")
    thinned = dice.permutation(len(rows))[: max(_FEWEST, len(rows) // 10)]
    return _Near(
        ratio=distances[:, 1] / far,
        nearest=rows[places[:, 1]],
        k=k,
        far=float(np.median(far)),
        dimension=_dimension(table[thinned]),
    )


def _limit(case: Case, rows: NDArray[Any], near: _Near) -> tuple[float, float]:
    """Return the ratio below which no row comes by chance, and in how many dimensions.

    A column whose values lie further apart than that is equal in rows so near: it
    adds to the k-th distance, but not to the dimensions in which rows are near.
    """
    chance = _EXPECTED_BY_CHANCE / ((near.k - 1) * len(rows))
    if case.columns.n > _DIMENSIONS:  # more than rows spread in, whatever the columns
        return min(_CLOSEST, chance ** (1 / near.dimension)), near.dimension
    steps = _steps(case, rows)
    limit, dimension = _CLOSEST, 0.0
    while n_fine := int((steps < limit * near.far).sum()):
        before, dimension = dimension, min(near.dimension, n_fine)
        limit = min(_CLOSEST, chance ** (1 / dimension))
        if dimension == before:
            return limit, dimension
    return 0.0, 0.0


def _steps(case: Case, rows: NDArray[Any]) -> NDArray[np.float64]:
    """Return how far apart the values of a column are, of most of them.

    Infinity where half of the rows or more have one value.
    """
    dice = generator(case.seed, "doctor", "steps")
    table = case.columns.encoded(np.sort(dice.permutation(rows)[:_ROWS_FOR_STEPS]))
    steps = np.full(table.shape[1], np.inf)
    for i, column in enumerate(table.T):
        values, counts = np.unique(column, return_counts=True)
        if 2 * counts.max() < len(column):
            steps[i] = np.median(np.diff(values))
    return steps


def _dimension(table: NDArray[np.float32]) -> float:
    """Return in how many dimensions the rows spread, from their neighbors' distances.

    Only of neighbors 5 to 10 in a tenth of the rows: copies must not disturb it.
    """
    from sklearn.neighbors import NearestNeighbors

    fitted = NearestNeighbors(n_neighbors=_OUTER[-1] + 1).fit(table)
    distances = np.maximum(fitted.kneighbors(table)[0], _TINY)
    inner = np.asarray(_OUTER[:-1])
    spread = np.log(distances[:, [_OUTER[-1]]] / distances[:, inner]).mean()
    expected = np.mean([(1 / np.arange(j, _OUTER[-1])).sum() for j in inner])
    return min(max(float(expected / spread), 1.0), 50.0) if spread > 0 else 1.0


def _joined(
    same: NDArray[np.int64],
    rows: NDArray[Any],
    close: NDArray[Any],
    nearest: NDArray[Any],
) -> NDArray[np.int64]:
    """Return `same` with near rows counted as one."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = int(same.max()) + 1
    a, b = same[rows[close]], same[nearest[close]]
    links = coo_array((np.ones(len(a)), (a, b)), shape=(n, n))
    clusters = connected_components(links, directed=False)[1]
    joined: NDArray[np.int64] = clusters[same].astype(np.int64)
    return joined


def projected(case: Case, rows: NDArray[Any]) -> NDArray[np.float32]:
    """Return rows in at most 64 dimensions, distances kept but for a few percent.

    More columns are mixed at random (Johnson & Lindenstrauss 1984).
    """
    n_columns = case.columns.n
    if n_columns <= _DIMENSIONS:
        return case.columns.encoded(rows)
    dice = generator(case.seed, "doctor", "projection")
    mix = dice.standard_normal((n_columns, _DIMENSIONS)).astype(np.float32)
    mix /= np.float32(np.sqrt(_DIMENSIONS))
    return np.concatenate([block @ mix for block in case.columns.encoded_blocks(rows)])


def topics(case: Case) -> Iterator[Finding | Checked]:
    """Find kinds of rows (k-means clusters) that a part does not have.

    A kind is missing only if rows drawn at random would have hit it: with a chance of
    99 % over all kinds and parts together (Bonferroni).
    """
    from sklearn.cluster import KMeans

    if case.n_rows < 10 * _N_TOPICS or not case.parts:
        yield _too_few("topics", case.n_rows, 10 * _N_TOPICS)
        return
    dice = generator(case.seed, "doctor", "topics")
    learned = dice.permutation(case.n_rows)[:MOST_ROWS]
    kinds = KMeans(
        _N_TOPICS, n_init=3, random_state=derive(case.seed, "doctor", "k-means")
    ).fit(projected(case, learned))
    every = np.array_split(np.arange(case.n_rows), -(-case.n_rows // MOST_ROWS))
    kind = np.concatenate([kinds.predict(projected(case, rows)) for rows in every])
    limit = _TOPIC_ALPHA / (2 * _N_TOPICS * len(case.parts))
    missing: list[str] = []
    names: list[str] = []
    for part in case.parts:
        both = np.r_[part.train, part.validation]
        share = np.bincount(kind[both], minlength=_N_TOPICS) / len(both)
        for where, rows in (("train", part.train), ("validation", part.validation)):
            counts = np.bincount(kind[rows], minlength=_N_TOPICS)
            gone = (counts == 0) & (share > 0) & ((1 - share) ** len(rows) < limit)
            for i in np.flatnonzero(gone):
                named = _described(case, kind == i)
                missing.append(
                    f"the {where} part of {part.name} has none of the "
                    f"{share[i]:.0%} of rows with {named}"
                )
                names.append(part.name)
    if missing:
        yield Finding(
            check="topics",
            severity=WARNING,
            where=first_few(dict.fromkeys(names)),
            evidence=f"Of {_N_TOPICS} kinds of rows, {first_few(missing, 3)}.",
            consequence="What is not in a part is not learned there, or not measured.",
            remedy="Shuffle, or stratify by what tells these kinds apart.",
            numbers={"kinds": float(len(missing))},
        )


def _described(case: Case, chosen: NDArray[np.bool_]) -> str:
    """Return the column in which these rows differ most from the others."""
    rows = np.flatnonzero(chosen)
    blocks = case.columns.encoded_blocks(rows)
    gap = np.sum([block.sum(axis=0) for block in blocks], axis=0) / len(rows)
    i = int(np.abs(gap).argmax())
    return f"{'high' if gap[i] > 0 else 'low'} {case.columns.all_names[i]!r}"
