"""How far a classifier's probabilities can be trusted, as a Vega-Lite chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from .drawing import OTHER, VALIDATION, data, series_color

if TYPE_CHECKING:
    from .answers import AnswersView

_SIDE = 300


def calibration_chart(view: AnswersView) -> Any:
    """Return accuracy against probability, without a theme.

    On the diagonal a probability is what it says.
    """
    rows = [
        {
            "probability": each.confidence,
            "accuracy": each.accuracy,
            "low": each.low,
            "high": each.high,
            "rows": each.n,
            "what": VALIDATION,
        }
        for each in view.bins
    ]
    diagonal = [{"probability": end, "accuracy": end, "what": OTHER} for end in (0, 1)]
    color = series_color("what")
    whole = alt.Scale(domain=[0, 1], nice=False)
    axis = alt.Axis(format="%", tickCount=6)
    x = alt.X("probability:Q", title="probability given", scale=whole, axis=axis)
    y = alt.Y("accuracy:Q", title="answered rightly", scale=whole, axis=axis)
    low = alt.Y("low:Q", title="answered rightly", scale=whole, axis=axis)
    base = alt.Chart(data(rows)).encode(x=x, color=color)
    return alt.layer(
        alt
        .Chart(data(diagonal))
        .mark_line(strokeDash=[4, 4], strokeWidth=1.2)
        .encode(x=x, y=y, color=color),
        base.mark_rule(strokeWidth=2.5, strokeCap="round", opacity=0.5).encode(
            y=low, y2="high:Q"
        ),
        base.mark_point(filled=True, opacity=1).encode(
            y=y,
            size=alt.Size("rows:Q", legend=None, scale=alt.Scale(range=[40, 260])),
            tooltip=[
                alt.Tooltip("probability:Q", format=".1%"),
                alt.Tooltip("accuracy:Q", format=".1%"),
                "rows:Q",
            ],
        ),
    ).properties(width=_SIDE, height=_SIDE)
