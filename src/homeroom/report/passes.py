"""Few rows often or many rows once, in words: the answer, and every point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from . import measures
from .formats import (
    aligned,
    format_count,
    format_difference,
    format_difference_interval,
    metric_label,
)
from .shown import MetricView, Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeroom.judgement import Gain
    from homeroom.records import Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class PassesRow:
    """One point: how many rows, how often, and the scores of its repeats."""

    passes: int
    rows: str
    mean: Shown
    spread: Shown
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PassesView:
    """What is shown of a passes study."""

    metric: MetricView
    headline: str
    rows: tuple[PassesRow, ...]
    counts: str


def passes_view(
    passes: Sequence[int],
    rows: Sequence[int],
    scores: Sequence[Sequence[float]],
    gain: Gain,
    metric: Metric,
    *,
    n_updates: int,
) -> PassesView:
    """Return the view of a passes study."""
    return PassesView(
        metric=measures.metric_view(metric),
        headline=_headline(passes, rows, gain, metric),
        rows=tuple(
            PassesRow(
                passes=n,
                rows=format_count(m),
                mean=measures.score(float(np.mean(each)), metric),
                spread=measures.spread(float(np.std(each, ddof=1)), metric),
                scores=tuple(each),
            )
            for n, m, each in zip(passes, rows, scores, strict=True)
        ),
        counts=(
            f"{format_count(gain.n, 'repeat')}; every training has "
            f"{format_count(n_updates, 'weight update')}"
        ),
    )


def passes_text(view: PassesView) -> str:
    """Return the study as lines for a terminal."""
    head = ("passes", "rows", f"mean {view.metric.label}", "SD")
    lines = [(str(r.passes), r.rows, r.mean.text, r.spread.text) for r in view.rows]
    return "\n".join([
        view.headline,
        "",
        *aligned([head, *lines]),
        "",
        view.counts + ".",
    ])


def _headline(
    passes: Sequence[int], rows: Sequence[int], gain: Gain, metric: Metric
) -> str:
    many = f"{format_count(rows[0], 'row')} once"
    few = f"{format_count(rows[-1], 'row')} {passes[-1]} times"
    label = metric_label(metric.name)
    by = format_difference(gain.difference, metric)
    ends = ""
    if gain.interval is not None:
        low, high = gain.interval.low, gain.interval.high
        ends = f", 95 % interval {format_difference_interval(low, high, metric)}"
    numbers = f"{label} {by}{ends}"
    told = {
        "better": f"Reading {many} is better than {few}",
        "worse": f"Reading {few} is better than {many}",
        "equal": f"Reading {many} and {few} comes to the same",
        "open": f"Whether {many} or {few} is better stays open",
    }
    return f"{told[gain.answer]} at equal updates ({numbers})."
