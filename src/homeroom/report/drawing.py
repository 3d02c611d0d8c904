"""What all charts share: how colors mean things, how scores are written on an axis.

Altair is typed, but its charts compose into unions that say nothing; a chart is `Any`
outside the files that draw it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .shown import MetricView

TRAINING, VALIDATION, CHOSEN, OTHER = "training", "validation", "chosen", "other"


def series_color(field: str = "series") -> Any:
    """Return the color of a mark; the theme gives one color to each meaning."""
    domain = [TRAINING, VALIDATION, CHOSEN, OTHER]
    return alt.Color(f"{field}:N", scale=alt.Scale(domain=domain), legend=None)


def score_axis(metric: MetricView) -> Any:
    """Return the axis of a score, in percent where the metric is one."""
    form = ".1~%" if metric.percentage else "~g"
    return alt.Axis(format=form, tickCount=6, labelOverlap=True, labelSeparation=8)


def axis_title(what: str, metric: MetricView) -> str | list[str]:
    """Return what an axis shows, on two lines where one may be cut off on a phone."""
    better = f"({metric.better})"
    return f"{what} {better}" if len(what) + len(better) < 40 else [what, better]


def data(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Return rows as the data of a chart, whatever their number."""
    return alt.InlineData(values=[dict(row) for row in rows])
