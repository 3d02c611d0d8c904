"""The errors of each way to choose, one dot per repeat, as a Vega-Lite chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from . import theme
from .drawing import OTHER, VALIDATION, data, score_axis, series_color

if TYPE_CHECKING:
    from .study import StudyView

_WIDTH, _STEP = 560, 44


def study_chart(view: StudyView) -> Any:
    """Return a line of dots per way; on the dashed line a score was true."""
    names = [row.way for row in view.rows]
    dots = [
        {"way": row.way, "error": error, "what": VALIDATION}
        for row in view.rows
        for error in row.errors
    ]
    means = [
        {
            "way": row.way,
            "error": row.error.value,
            "text": row.error.text,
            "what": OTHER,
        }
        for row in view.rows
    ]
    label = view.metric.label
    title = f"{label} said, minus the true one (right: too good)"
    if view.metric.direction == "min":
        title = f"true {label}, minus the one said (right: too good)"
    x = alt.X("error:Q", title=title, axis=score_axis(view.metric))
    y = alt.Y("way:N", sort=names, title=None, axis=alt.Axis(labelLimit=260))
    zero = data([{"error": 0.0, "what": OTHER}])
    return (
        alt
        .layer(
            alt
            .Chart(zero)
            .mark_rule(strokeDash=[4, 4], strokeWidth=1.2)
            .encode(x=x, color=series_color("what")),
            alt
            .Chart(data(dots))
            .mark_circle(size=46, opacity=0.5)
            .encode(x=x, y=y, color=series_color("what")),
            alt
            .Chart(data(means))
            .mark_tick(thickness=3, size=24)
            .encode(x=x, y=y, color=series_color("what"), tooltip=["way:N", "text:N"]),
        )
        .properties(width=_WIDTH, height=_STEP * len(names))
        .configure(**theme.config(theme.EITHER))
    )
