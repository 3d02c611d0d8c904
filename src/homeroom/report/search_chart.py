"""A search as a chart: every trial's score in order, and the best so far."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any

import altair as alt

from . import theme
from .curve_chart import WIDTH
from .drawing import CHOSEN, OTHER, axis_title, data, score_axis, series_color

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .models import SearchView, TrialRow

_HEIGHT = 260
_TITLE, _SUBTITLE = 78, 100  # characters that fit the width: a title is cut, not broken


def search_chart(view: SearchView) -> Any:
    """Return scores by trial; a cross was given up, and is at the edge if far off."""
    rows = [
        _point(row, view.names) for row in view.rows if math.isfinite(row.score.value)
    ]
    label = axis_title(f"mean validation {view.metric.label}", view.metric)
    y = alt.Y(
        "score:Q",
        title=label,
        axis=score_axis(view.metric),
        scale=alt.Scale(zero=False, nice=True, clamp=True, domain=_ends(view))
        if rows
        else alt.Scale(),
    )
    x = alt.X(
        "trial:Q",
        title="trial",
        axis=alt.Axis(tickMinStep=1, grid=False, format="d"),
        scale=alt.Scale(padding=12, zero=False, nice=False),
    )
    told = [
        alt.Tooltip("trial:Q"),
        alt.Tooltip("told:N", title="score"),
        alt.Tooltip("state:N"),
        *[alt.Tooltip(f"p{i}:N", title=name) for i, name in enumerate(view.names)],
    ]
    base = alt.Chart(data(rows)).encode(x=x, y=y, color=series_color(field="what"))
    done, partial = "!datum.partial", "datum.partial"
    best = alt.Chart(data(_best_so_far(view))).encode(
        x=x, y=y, color=series_color(field="what")
    )
    chart = alt.layer(
        best.mark_line(interpolate="step-after", strokeWidth=2, opacity=0.7),
        base
        .transform_filter(partial)
        .mark_point(shape="cross", angle=45, size=50, opacity=0.7)
        .encode(tooltip=told),
        base
        .transform_filter(done)
        .mark_point(filled=True, size=80, opacity=1)
        .encode(tooltip=told),
    ).properties(
        width=2 * WIDTH,
        height=_HEIGHT,
        title=alt.Title(
            textwrap.wrap(view.headline, _TITLE),
            subtitle=[
                line
                for text in (view.optimism, _legend(view))
                for line in textwrap.wrap(text, _SUBTITLE)
            ],
        ),
    )
    return chart.configure(**theme.config(theme.EITHER))


def _legend(view: SearchView) -> str:
    said = "Dots: every fold is done. Line: the best so far."
    crosses = any(row.partial for row in view.rows)
    return f"{said} Crosses: given up or failed, partial scores." if crosses else said


def _point(row: TrialRow, names: Sequence[str]) -> dict[str, Any]:
    values = {fact.label: fact.value for fact in row.hyperparameters}
    return {
        "trial": row.number,
        "score": row.score.value,
        "told": row.score.text,
        "state": row.note or row.state,
        "partial": row.partial,
        "what": CHOSEN if row.best else OTHER,
        # by position: a name may hold a dot, or be the name of another field
        **{f"p{i}": values.get(name, "") for i, name in enumerate(names)},
    }


def _ends(view: SearchView) -> list[float]:
    """Return the axis of the complete trials, so that no early loser flattens it."""
    done = [row for row in view.rows if not row.partial] or list(view.rows)
    scores = [row.score.value for row in done if math.isfinite(row.score.value)]
    low, high = min(scores), max(scores)
    pad = (high - low or abs(high) or 1.0) * 0.15
    return [low - pad, high + pad]


def _best_so_far(view: SearchView) -> list[dict[str, Any]]:
    pick = max if view.metric.direction == "max" else min
    line: list[dict[str, Any]] = []
    best: float | None = None
    for row in view.rows:
        if not row.partial:
            value = row.score.value
            best = value if best is None else pick(best, value)
        if best is not None:
            line.append({"trial": row.number, "score": best, "what": CHOSEN})
    return line
