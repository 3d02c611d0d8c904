"""Two spreads told apart: what the rows do to a score, and what luck does.

A score of fold j and seed s is taken as mean + rows(j) + luck(j, s), the one-way
random-effects model of analysis of variance. Its components are standard deviations:
that of rows says how much scores would differ between folds if training had no
randomness, that of luck how much they differ between seeds on the same rows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from scipy import special

from homeroom.records import Interval

from .intervals import check_level

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .summary import Summary


class Components(msgspec.Struct, frozen=True, kw_only=True):
    """The spread of scores due to rows (folds) and due to luck (seeds).

    Both are standard deviations in units of the metric. `sd_rows` is what is left of
    the spread of fold means after the share that luck has in them; 0 when they differ
    by no more than luck explains. Folds share training rows, so that both intervals
    are approximate; that of luck is too narrow where a few trainings are much worse
    than the rest (see docs/calibration.md).
    """

    sd_rows: float
    sd_rows_interval: Interval
    sd_luck: float
    sd_luck_interval: Interval
    n_folds: int
    n_seeds: int


def components(summary: Summary, *, level: float = 0.95) -> Components | None:
    """Return the two spreads; None unless every fold was trained with two seeds.

    The interval of luck is the chi-square interval of a standard deviation, that of
    rows Williams' (1962), which has at least the coverage it names if scores are
    normal and folds independent.

    Args:
        summary: Of one candidate, every training with a score.
        level: The nominal coverage of both intervals.

    Raises:
        InputError: If the level is not in (0, 1).

    >>> from homeroom.records import FoldRecord, History, MemberRecord, Metric
    >>> from homeroom.records import SplitPlanRecord
    >>> from homeroom.judgement import summarize
    >>> folds = [
    ...     FoldRecord(repeat=0, fold=i, n_train=80, n_validation=20, fingerprint="")
    ...     for i in range(3)
    ... ]
    >>> plan = SplitPlanRecord(strategy="KFold", n_splits=3, n_repeats=1,
    ...     folds=tuple(folds), fingerprint="plan")
    >>> scores = [(0.90, 0.92), (0.95, 0.97), (0.85, 0.87)]
    >>> members = [
    ...     MemberRecord(candidate="mlp", fold=fold, seed_index=s, seed=7,
    ...                  state="COMPLETE", history=History({}),
    ...                  scores={"val_accuracy": score})
    ...     for fold, both in enumerate(scores) for s, score in enumerate(both)
    ... ]
    >>> found = components(summarize(members, plan, Metric("accuracy", "max")))
    >>> round(found.sd_rows, 4), round(found.sd_luck, 4)
    (0.049, 0.0141)
    """
    check_level(level)
    table = score_table(summary)
    if table is None or min(table.shape) < 2:
        return None
    n_folds, n_seeds = table.shape
    between, within = mean_squares(table)
    df = n_folds - 1, n_folds * (n_seeds - 1)
    tail = (1 - level) / 2
    rows = [
        _bounded(df[0] * (between - f * within) / (n_seeds * chi))
        for f, chi in (
            (special.fdtri(*df, 1 - tail), special.chdtri(df[0], tail)),
            (special.fdtri(*df, tail), special.chdtri(df[0], 1 - tail)),
        )
    ]
    luck = [
        _bounded(df[1] * within / special.chdtri(df[1], p)) for p in (tail, 1 - tail)
    ]
    count = f"{n_folds} folds × {n_seeds} seeds"
    return Components(
        sd_rows=_bounded((between - within) / n_seeds),
        sd_rows_interval=Interval(
            rows[0], rows[1], level, f"Williams (1962), {count}; approximate"
        ),
        sd_luck=_bounded(within),
        sd_luck_interval=Interval(
            luck[0], luck[1], level, f"chi-square, {count}; approximate"
        ),
        n_folds=n_folds,
        n_seeds=n_seeds,
    )


def score_table(summary: Summary) -> NDArray[np.float64] | None:
    """Return the scores [folds, seeds]; None when a training has none."""
    folds = sorted({fold for fold, _, _ in summary.scores})
    seeds = sorted({seed for _, seed, _ in summary.scores})
    if not summary.complete or len(summary.scores) != len(folds) * len(seeds):
        return None
    values = [score for _, _, score in sorted(summary.scores)]
    return np.array(values).reshape(len(folds), len(seeds))


def mean_squares(table: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean squares between folds and within them, of [folds, seeds]."""
    n_folds, n_seeds = table.shape
    shifted = table - table.flat[0]  # equal scores have no spread, to the last bit
    means = shifted.mean(axis=1, keepdims=True)
    between = n_seeds * float(((means - means.mean()) ** 2).sum()) / (n_folds - 1)
    within = float(((shifted - means) ** 2).sum()) / (n_folds * (n_seeds - 1))
    return between, within


def _bounded(variance: float) -> float:
    return math.sqrt(max(0.0, float(variance)))
