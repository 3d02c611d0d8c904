"""Views as Vega-Lite charts. They only draw: every number and label is in the view."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import altair as alt

from . import theme
from .curve_chart import WIDTH, curve_chart
from .drawing import CHOSEN, OTHER, axis_title, data, score_axis, series_color

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .models import CrossValidationView, FitView, RunView, StripPoint

_MOST_LABELLED_FOLDS = 10


def curves_chart(view: CrossValidationView) -> Any:
    """Return the learning curves of all folds: loss, and the metric beside it."""
    return _standalone(_beside([curve_chart(curve) for curve in view.curves], view))


def fit_chart(view: FitView) -> Any:
    """Return the learning curve of one training, with the epoch that was kept."""
    return _standalone(_beside([curve_chart(curve) for curve in view.curves], view))


def interval_chart(view: RunView) -> Any:
    """Return every candidate's mean, interval and worst fold on one axis."""
    return _standalone(leaderboard_layers(view))


def strip_chart(view: RunView | CrossValidationView) -> Any:
    """Return every score: a row per fold, a dot per seed, a tick for the fold mean."""
    return _standalone(strip_layers(view))


def leaderboard_layers(view: RunView) -> Any:
    """Return the interval chart, without a theme."""
    rows = [
        {
            "candidate": row.candidate,
            "mean": _finite(row.mean.value),
            "low": row.interval.low if row.interval else None,
            "high": row.interval.high if row.interval else None,
            "worst": _finite(row.worst_fold.value),
            "what": CHOSEN if row.chosen else OTHER,
            "text": row.mean.text,
            "interval": row.interval.text if row.interval else "none",
            "worst fold": f"{row.worst_fold.text} ({row.worst_fold_name})",
        }
        for row in view.leaderboard
        if math.isfinite(row.mean.value)
    ]
    base = alt.Chart(data(rows)).encode(
        y=alt.Y("candidate:N", sort=None, title=None, axis=alt.Axis(labelLimit=150)),
        color=series_color(field="what"),
        tooltip=["candidate:N", "text:N", "interval:N", "worst fold:N"],
    )
    label = axis_title(f"mean validation {view.metric.label}", view.metric)
    x = alt.X(
        "mean:Q",
        title=label,
        scale=alt.Scale(zero=False, padding=12),
        axis=score_axis(view.metric),
    )
    return alt.layer(
        base.mark_rule(strokeWidth=3, strokeCap="round", opacity=0.55).encode(
            x=alt.X("low:Q", title=label), x2="high:Q"
        ),
        base.mark_tick(thickness=2, size=13, opacity=0.8).encode(
            x=alt.X("worst:Q", title=label)
        ),
        base.mark_point(filled=True, size=110, opacity=1).encode(x=x),
        base.mark_text(dy=-14, fontSize=11.5, fontWeight=600).encode(
            x=x, text="text:N", color=alt.Undefined
        ),
    ).properties(width=2 * WIDTH, height=46 * len(rows))


def strip_layers(view: RunView | CrossValidationView) -> Any:
    """Return the fold × seed strip, without a theme."""
    folds = sorted({point.fold for point in view.strip})
    step = max(5, 15 if len(folds) <= _MOST_LABELLED_FOLDS else round(180 / len(folds)))
    numbered = 1 < len(folds) <= _MOST_LABELLED_FOLDS
    label = axis_title(f"validation {view.metric.label}", view.metric)
    base = alt.Chart().encode(
        x=alt.X(
            "score:Q",
            title=label,
            scale=alt.Scale(zero=False, padding=12),
            axis=score_axis(view.metric),
        ),
        y=alt.Y(
            "candidate:N",
            sort=None,
            title=None,
            axis=alt.Axis(labelLimit=150, labelPadding=22 if numbered else 6),
            scale=alt.Scale(paddingInner=0.22, paddingOuter=0.1),
        ),
        yOffset=alt.YOffset("fold:O", scale=alt.Scale(domain=folds)),
        color=series_color(field="what"),
    )
    means = data(_fold_means(view.strip))
    layers = [
        base.mark_tick(thickness=2.5, size=max(5, step - 2)).properties(data=means),
        base
        .mark_circle(size=42, opacity=0.62)
        .encode(tooltip=["candidate:N", "fold:O", "seed:O", "text:N"])
        .properties(data=data(_points(view.strip))),
    ]
    if numbered:
        layers.append(
            base
            .mark_text(align="right", fontSize=9.5, opacity=0.75)
            .encode(x=alt.value(-7), text="fold:O", color=alt.Undefined)
            .properties(data=means)
        )
    candidates = len({point.candidate for point in view.strip})
    height = max(40, candidates * (len(folds) * step + 14))
    return alt.layer(*layers).properties(width=2 * WIDTH, height=height)


def _standalone(chart: Any) -> Any:
    return chart.configure(**theme.config(theme.EITHER))


def _beside(charts: Sequence[Any], view: CrossValidationView | FitView) -> Any:
    if not charts:
        nothing = f"{view.name}: no curve, because no epochs were recorded."
        return alt.Chart(data([{"text": nothing}])).mark_text().encode(text="text:N")
    return charts[0] if len(charts) == 1 else alt.hconcat(*charts, spacing=36)


def _points(strip: Iterable[StripPoint]) -> list[dict[str, Any]]:
    return [
        {
            "candidate": point.candidate,
            "fold": point.fold,
            "seed": point.seed,
            "score": point.score.value,
            "text": point.score.text,
            "what": CHOSEN if point.chosen else OTHER,
        }
        for point in strip
    ]


def _fold_means(strip: Iterable[StripPoint]) -> list[dict[str, Any]]:
    scores: dict[tuple[str, int, str], list[float]] = {}
    for point in strip:
        what = CHOSEN if point.chosen else OTHER
        key = (point.candidate, point.fold, what)
        scores.setdefault(key, []).append(point.score.value)
    return [
        {
            "candidate": candidate,
            "fold": fold,
            "what": what,
            "score": sum(values) / len(values),
        }
        for (candidate, fold, what), values in scores.items()
    ]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
