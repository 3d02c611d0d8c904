"""Numbers of records as numbers with their text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from homeroom import judgement

from .formats import (
    format_interval,
    format_score,
    format_spread,
    is_percentage,
    metric_label,
)
from .shown import MetricView, Shown, ShownInterval

if TYPE_CHECKING:
    from homeroom.records import Interval, Metric


def metric_view(metric: Metric) -> MetricView:
    """Return the metric in words."""
    way = "higher" if metric.direction == "max" else "lower"
    return MetricView(
        name=metric.name,
        direction=metric.direction,
        label=metric_label(metric.name),
        better=f"{way} is better",
        percentage=is_percentage(metric),
    )


def score(value: float | None, metric: Metric) -> Shown:
    """Return a score; an absent one is NaN and a dash."""
    return Shown(
        math.nan if value is None else value,
        format_score(value, metric),
    )


def spread(value: float, metric: Metric) -> Shown:
    """Return a spread in the units of the metric."""
    return Shown(value, format_spread(value, metric))


def interval(value: Interval | None, metric: Metric) -> ShownInterval | None:
    """Return the interval inside the metric's range, or None where ends are unknown."""
    if value is None or math.isnan(value.low) or math.isnan(value.high):
        return None
    value = judgement.clipped(value, metric)
    return ShownInterval(
        low=value.low,
        high=value.high,
        text=format_interval(value, metric),
        level=f"{100 * value.level:g} %",
        method=value.method,
    )
