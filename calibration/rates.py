"""What many studies say of every interval and every comparison that is printed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from study import Study

from homeroom import judgement
from homeroom.records import Interval


@dataclass(frozen=True)
class Rate:
    """How often something happened, and how often it should have."""

    what: str
    nominal: str
    times: int
    n: int
    note: str = ""

    @property
    def share(self) -> float:
        return self.times / self.n

    @property
    def interval(self) -> Interval:
        return judgement.wilson(self.times, self.n)


def rates(studies: Sequence[Study]) -> list[Rate]:
    """Return the rate of every interval and comparison over the studies."""
    sums = [
        [judgement.summarize(m, s.plan, s.metric) for m in s.members] for s in studies
    ]
    own = np.array([s.true[0].mean() for s in studies])
    expected = float(own.mean())
    first = [each[0] for each in sums]
    pairs = [
        judgement.compare(each[0], each[1], s.plan)
        for each, s in zip(sums, studies, strict=True)
    ]
    gaps = np.array([s.true[0].mean() - s.true[1].mean() for s in studies])
    wins = [judgement.superiority(each[0], each[1]) for each in sums]
    parts = [judgement.components(each) for each in first]
    table = np.array([_table(s) for s in studies])
    luck = math.sqrt(np.mean(table.var(axis=2, ddof=1)))
    between = np.mean(table.mean(axis=2).var(axis=1, ddof=1))
    rows = math.sqrt(max(0.0, between - luck**2 / table.shape[2]))
    found = [
        _covers(
            "interval of a mean, of the trainings that were made",
            [(s.interval, truth) for s, truth in zip(first, own, strict=True)],
        ),
        _covers(
            "interval of a mean, of any such trainings",
            [(s.interval, expected) for s in first],
        ),
        _covers(
            "plain mean ± t·SD/√k, of any such trainings (not printed)",
            [(_plain(s), expected) for s in first],
        ),
        _covers(
            "interval of a difference, of the trainings that were made",
            [(p.interval, gap) for p, gap in zip(pairs, gaps, strict=True)],
        ),
        _covers(
            "interval of a difference of equals", [(p.interval, 0.0) for p in pairs]
        ),
        _covers(
            "interval of the spread over folds",
            [(s.sd_folds_interval, math.sqrt(between)) for s in first],
        ),
        _covers(
            "interval of the spread due to luck",
            [(p.sd_luck_interval, luck) for p in parts],
        ),
        _covers(
            "interval of the spread due to rows",
            [(p.sd_rows_interval, rows) for p in parts],
        ),
        _happens(
            "false winner: two-sided p below 0.05",
            "5 % or less",
            (p.p_two_sided < 0.05 for p in pairs),
        ),
        _happens(
            "false winner: better or worse with 95 %",
            "10 % or less",
            (max(p.p_better, p.p_worse) >= 0.95 for p in pairs),
        ),
        _happens(
            "false winner: wins in significantly more pairs",
            "5 % or less",
            (
                w.significant or (w.interval is not None and w.interval.high < 0.5)
                for w in wins
            ),
        ),
        _happens(
            "false winner: plain paired t-test (not printed)",
            "5 %",
            (_plain_p(a, b) < 0.05 for a, b, *_ in sums),
        ),
    ]
    tested = [s for s in studies if s.test is not None]
    if tested:
        found.append(
            _covers(
                "Wilson interval of the final test",
                [(judgement.wilson(s.test, 100), s.refit_true) for s in tested],
            )
        )
    return found


@dataclass(frozen=True)
class Optimism:
    """How much the best of several flattered itself, and how much was foretold."""

    n_candidates: int
    seen: float
    error: float
    foretold: float


def optimism(studies: Sequence[Study]) -> Optimism:
    """Return by how much the best validation mean exceeded the truth of its models."""
    seen, foretold = [], []
    for each in studies:
        sums = [judgement.summarize(m, each.plan, each.metric) for m in each.members]
        chosen = judgement.select(sums, each.plan, n_weights={}, rule="best_mean")
        best = next(i for i, s in enumerate(sums) if s.candidate == chosen.candidate)
        sign = 1 if each.metric.direction == "max" else -1
        seen.append(sign * (sums[best].mean - each.true[best].mean()))
        foretold.append(chosen.optimism)
    error = float(np.std(seen, ddof=1) / math.sqrt(len(seen)))
    return Optimism(len(sums), float(np.mean(seen)), error, float(np.mean(foretold)))


def _covers(what: str, pairs: Iterable[tuple[Interval | None, float]]) -> Rate:
    known = [(interval, truth) for interval, truth in pairs if interval is not None]
    times = sum(interval.low <= truth <= interval.high for interval, truth in known)
    return Rate(what, "95 %", times, len(known))


def _happens(what: str, nominal: str, cases: Iterable[bool]) -> Rate:
    told = list(cases)
    return Rate(what, nominal, sum(map(bool, told)), len(told))


def _table(each: Study) -> Any:
    key = each.metric.validation_key
    values = [m.scores[key] for m in each.members[0]]
    return np.array(values).reshape(each.true.shape[1:])


def _plain(summary: judgement.Summary) -> Interval:
    k = summary.n_folds
    half = stats.t.ppf(0.975, k - 1) * summary.sd_folds / math.sqrt(k)
    return Interval(summary.mean - half, summary.mean + half, 0.95, "plain")


def _plain_p(a: judgement.Summary, b: judgement.Summary) -> float:
    if a.fold_scores == b.fold_scores:
        return 1.0
    return float(stats.ttest_rel(a.fold_scores, b.fold_scores).pvalue)
