"""How often one candidate beats another on the same fold with the same seed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np
from scipy import special

from homeroom.errors import InputError
from homeroom.records import Interval

from .intervals import bootstrap_interval, expanded_level

if TYPE_CHECKING:
    from .summary import Summary

LEVEL, MEANINGFUL = 0.95, 0.75


class Superiority(msgspec.Struct, frozen=True, kw_only=True):
    """The share of paired trainings in which `a` beats `b`; a tie counts half.

    `interval` is the percentile bootstrap over folds, whose trainings stay together,
    expanded for their small number (Hesterberg 2015); None with one fold.
    `significant` says that it lies above one half, `meaningful` that its upper end is
    above 0.75 too (Bouthillier et al. 2021). Twenty-nine independent pairs are needed
    to tell 0.75 from 0.5 at 5 % both ways (Noether 1987).
    """

    a: str
    b: str
    p: float
    interval: Interval | None
    n_pairs: int
    n_wins: int

    @property
    def significant(self) -> bool:
        """Whether `a` beats `b` more often than chance would."""
        return self.interval is not None and self.interval.low > 0.5

    @property
    def meaningful(self) -> bool:
        """Whether that may be often enough to matter."""
        return (
            self.significant
            and self.interval is not None
            and self.interval.high > MEANINGFUL
        )


def superiority(a: Summary, b: Summary) -> Superiority:
    """Return P(a > b) over the trainings that both have scored.

    Args:
        a: One candidate.
        b: The other, with the same folds, seeds and metric.

    Raises:
        InputError: If plan or metric differ, or no training is paired.

    >>> from homeroom.records import FoldRecord, History, MemberRecord, Metric
    >>> from homeroom.records import SplitPlanRecord
    >>> from homeroom.judgement import summarize
    >>> folds = [
    ...     FoldRecord(repeat=0, fold=i, n_train=80, n_validation=20, fingerprint="")
    ...     for i in range(4)
    ... ]
    >>> plan = SplitPlanRecord(strategy="KFold", n_splits=4, n_repeats=1,
    ...     folds=tuple(folds), fingerprint="plan")
    >>> def scored(name, scores):
    ...     return summarize([
    ...         MemberRecord(candidate=name, fold=fold, seed_index=0, seed=7,
    ...                      state="COMPLETE", history=History({}),
    ...                      scores={"val_accuracy": score})
    ...         for fold, score in enumerate(scores)
    ...     ], plan, Metric("accuracy", "max"))
    >>> a, b = scored("a", [0.9, 0.8, 0.9, 0.7]), scored("b", [0.8, 0.8, 0.7, 0.8])
    >>> found = superiority(a, b)
    >>> found.p, found.n_wins, found.significant
    (0.625, 2, False)
    """
    if (a.plan_fingerprint, a.metric) != (b.plan_fingerprint, b.metric):
        raise InputError(
            f"{a.candidate!r} and {b.candidate!r} were not scored on the same folds "
            "with the same metric, so their trainings cannot be paired."
        )
    theirs = {(fold, seed): score for fold, seed, score in b.scores}
    by_fold: dict[int, list[float]] = {}
    for fold, seed, score in a.scores:
        if (fold, seed) in theirs:
            other = theirs[fold, seed]
            won = 0.5 if score == other else float(a.metric.better(score, other))
            by_fold.setdefault(fold, []).append(won)
    if not by_fold:
        raise InputError(
            f"{a.candidate!r} and {b.candidate!r} have no training on the same fold "
            "with the same seed."
        )
    wins = [won for fold in by_fold.values() for won in fold]
    return Superiority(
        a=a.candidate,
        b=b.candidate,
        p=math.fsum(wins) / len(wins),
        interval=_interval(by_fold),
        n_pairs=len(wins),
        n_wins=sum(won == 1 for won in wins),
    )


def pairs_needed(gamma: float = MEANINGFUL, alpha: float = 0.05) -> int:
    """Return how many independent pairs tell P(A>B) = gamma from chance (Noether).

    `alpha` is the chance of either error, one-sided.

    >>> pairs_needed()
    29
    """
    quantile = float(special.ndtri(1 - alpha))
    return math.ceil((2 * quantile / (math.sqrt(6) * (gamma - 0.5))) ** 2)


def _interval(by_fold: dict[int, list[float]]) -> Interval | None:
    if len(by_fold) < 2:
        return None
    won = np.array([math.fsum(wins) for wins in by_fold.values()])
    n = np.array([len(wins) for wins in by_fold.values()])
    found = bootstrap_interval(
        lambda w, m: float(w.sum() / m.sum()),
        won,
        n,
        level=expanded_level(LEVEL, len(by_fold)),
        seed=0,
    )
    method = f"expanded percentile bootstrap over {len(by_fold)} folds; approximate"
    return Interval(found.low, found.high, LEVEL, method)
