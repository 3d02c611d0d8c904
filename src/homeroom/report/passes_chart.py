"""Scores by number of passes at equal updates, as a Vega-Lite chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from . import theme
from .drawing import VALIDATION, axis_title, data, score_axis, series_color

if TYPE_CHECKING:
    from .passes import PassesView

_WIDTH, _HEIGHT = 480, 280


def passes_chart(view: PassesView) -> Any:
    """Return a dot per training and a line through the means."""
    dots = [
        {"passes": row.passes, "rows": row.rows, "score": score, "what": VALIDATION}
        for row in view.rows
        for score in row.scores
    ]
    means = [
        {
            "passes": row.passes,
            "rows": row.rows,
            "score": row.mean.value,
            "text": row.mean.text,
            "what": VALIDATION,
        }
        for row in view.rows
    ]
    passes = [row.passes for row in view.rows]
    x = alt.X(
        "passes:Q",
        title="passes over the rows (fewer rows to the right)",
        scale=alt.Scale(type="log", nice=False, padding=14),
        axis=alt.Axis(values=passes, format="d", grid=False),
    )
    y = alt.Y(
        "score:Q",
        title=axis_title(f"validation {view.metric.label}", view.metric),
        scale=alt.Scale(zero=False),
        axis=score_axis(view.metric),
    )
    color = series_color("what")
    return (
        alt
        .layer(
            alt
            .Chart(data(dots))
            .mark_circle(size=40, opacity=0.4)
            .encode(x=x, y=y, color=color),
            alt
            .Chart(data(means))
            .mark_line(strokeWidth=2.4, point=alt.OverlayMarkDef(size=70))
            .encode(x=x, y=y, color=color, tooltip=["passes:Q", "rows:N", "text:N"]),
        )
        .properties(width=_WIDTH, height=_HEIGHT)
        .configure(**theme.config(theme.EITHER))
    )
