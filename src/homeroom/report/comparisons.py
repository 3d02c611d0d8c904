"""The chosen candidate against the others, and what its spread comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeroom import judgement

from .formats import (
    ABSENT,
    format_difference,
    format_difference_interval,
    format_spread,
    format_spread_interval,
)
from .shown import Shown, ShownInterval

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from homeroom.judgement import Outlook, Summary, Superiority
    from homeroom.records import Interval, Metric, SplitPlanRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRow:
    """The chosen candidate against another, on the same folds and seeds.

    `difference` is chosen minus other. `worse`, `equal` and `better` are the
    probabilities that the chosen one is so; `wins` counts the pairs in which it is,
    with the bootstrap interval of their share; `settles` is what would tell the two
    apart.
    """

    candidate: str
    difference: Shown
    interval: ShownInterval | None
    worse: str
    equal: str
    better: str
    wins: str
    settles: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadRow:
    """The spread of one candidate's scores: due to rows, and due to luck."""

    candidate: str
    rows: str
    rows_range: str
    luck: str
    luck_range: str


def comparison_rows(
    summaries: Sequence[Summary], chosen: str | None, plan: SplitPlanRecord
) -> tuple[ComparisonRow, ...]:
    """Return the chosen candidate against every other that has no failure."""
    whole = [s for s in summaries if s.complete]
    mine = next((s for s in whole if s.candidate == chosen), None)
    if mine is None or mine.n_folds < 2:
        return ()
    return tuple(_row(mine, s, plan) for s in whole if s is not mine)


def spread_rows(summaries: Iterable[Summary]) -> tuple[SpreadRow, ...]:
    """Return the two spreads of every candidate with several seeds in each fold."""
    found = [(s, judgement.components(s)) for s in summaries]
    return tuple(
        SpreadRow(
            candidate=summary.candidate,
            rows=format_spread(each.sd_rows, summary.metric),
            rows_range=format_spread_interval(each.sd_rows_interval, summary.metric),
            luck=format_spread(each.sd_luck, summary.metric),
            luck_range=format_spread_interval(each.sd_luck_interval, summary.metric),
        )
        for summary, each in found
        if each is not None
    )


def _row(mine: Summary, other: Summary, plan: SplitPlanRecord) -> ComparisonRow:
    metric = mine.metric
    found = judgement.compare(mine, other, plan)
    return ComparisonRow(
        candidate=other.candidate,
        difference=Shown(found.difference, format_difference(found.difference, metric)),
        interval=_interval(found.interval, metric),
        worse=_percent(found.p_worse),
        equal=_percent(found.p_equal),
        better=_percent(found.p_better),
        wins=_wins(judgement.superiority(mine, other)),
        settles=_settles(judgement.outlook(mine, other, plan)),
    )


def _interval(value: Interval | None, metric: Metric) -> ShownInterval | None:
    if value is None:
        return None
    return ShownInterval(
        low=value.low,
        high=value.high,
        text=format_difference_interval(value.low, value.high, metric),
        level=f"{100 * value.level:g} %",
        method=value.method,
    )


def _percent(probability: float) -> str:
    if probability < 0.005:
        return "< 1 %"
    return "> 99 %" if probability > 0.995 else f"{100 * probability:.0f} %"


def _wins(found: Superiority) -> str:
    said = f"{found.n_wins} of {found.n_pairs}"
    n_ties = round(2 * (found.p * found.n_pairs - found.n_wins))
    if n_ties:
        said += f", {n_ties} tied"
    if found.interval is None or found.interval.low == found.interval.high:
        return said  # resamples of nothing but wins are all alike
    ends = found.interval.low, found.interval.high
    low, high = (f"{100 * end:.0f}" for end in ends)
    return f"{said}, {low} to {high} %"


def _settles(found: Outlook | None) -> str:
    if found is None:
        return ABSENT
    if found.settled:
        return "settled"
    ways = []
    if found.n_repeats is not None:
        ways.append(f"{found.n_repeats} repeats")
    if found.n_seeds is not None:
        ways.append(f"{found.n_seeds} seeds")
    return " or ".join(ways) or "more rows"
