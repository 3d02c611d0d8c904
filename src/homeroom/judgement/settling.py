"""How many more folds or seeds would settle a comparison, if nothing else changed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from .comparison import DECISIVE, default_rope
from .resampled import correlation, masses
from .spreads import mean_squares, score_table

if TYPE_CHECKING:
    from homeroom.records import SplitPlanRecord

    from .summary import Summary

MOST_REPEATS = 100
MOST_SEEDS = 100


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What it would take to tell `a` from `b`, at the difference and spreads seen.

    `settled` says that one of the three probabilities (worse, practically equal,
    better) is at least 95 % already. `n_repeats` and `n_seeds` are how many repeats of
    the same folds, or how many seeds in each fold, would bring one there, the other
    number being as it is; None when no number up to 100 does. More seeds
    only average luck away, more repeats the draw of the folds too; neither adds rows,
    so that some comparisons stay open for ever.
    """

    a: str
    b: str
    settled: bool
    n_repeats: int | None
    n_seeds: int | None


def outlook(
    a: Summary, b: Summary, plan: SplitPlanRecord, *, rope: float | None = None
) -> Outlook | None:
    """Return what would settle the comparison of `compare`.

    The variance of a mean difference over J folds and S seeds is taken as
    (rows + luck/S)·(1/J + ρ/(1-ρ)), with the components of the paired differences
    (see `components`) and the correction of Corani & Benavoli (2015). With one seed
    the share of luck is unknown, and so is `n_seeds`.

    Args:
        a: One candidate.
        b: The other, scored on the same folds and seeds.
        plan: The folds.
        rope: The difference that does not matter in practice, as in `compare`.

    Returns:
        None with one fold, or when a training of either has no score.
    """
    mine, theirs = score_table(a), score_table(b)
    if mine is None or theirs is None or mine.shape != theirs.shape or len(mine) < 2:
        return None
    sign = 1 if a.metric.direction == "max" else -1
    table = sign * (mine - theirs)
    width = default_rope(a, b) if rope is None else rope
    n_folds, n_seeds = table.shape
    rows, luck = _components(table)
    rho = correlation(plan.folds)

    def decided(n_folds: int, n_seeds: int) -> bool:
        variance = (rows + luck / n_seeds) * (1 / n_folds + rho / (1 - rho))
        error = math.sqrt(variance)
        found = masses(float(table.mean()), error, n_folds - 1, width)
        return max(found) >= DECISIVE

    each = n_folds // plan.n_repeats
    repeats = (n for n in range(1, MOST_REPEATS + 1) if decided(each * n, n_seeds))
    seeds = (n for n in range(1, MOST_SEEDS + 1) if decided(n_folds, n))
    return Outlook(
        a=a.candidate,
        b=b.candidate,
        settled=decided(n_folds, n_seeds),
        n_repeats=next(repeats, None),
        n_seeds=next(seeds, None) if n_seeds > 1 else None,
    )


def _components(table: np.ndarray) -> tuple[float, float]:
    """Return the variances of rows and of luck in the paired differences."""
    n_seeds = table.shape[1]
    if n_seeds == 1:
        return float(np.var(table[:, 0], ddof=1)), 0.0
    between, within = mean_squares(table)
    # what luck alone explains leaves nothing to the rows; the mean's variance stays
    rows = max(0.0, (between - within) / n_seeds)
    return rows, n_seeds * (between / n_seeds - rows)
