"""The learning curves of one candidate in one metric, as a Vega-Lite chart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt

from .drawing import (
    TRAINING,
    VALIDATION,
    axis_title,
    data,
    score_axis,
    series_color,
)
from .formats import format_epochs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .models import Band, CurveView, Line

WIDTH, HEIGHT = 340, 250
_LONG = 16


def curve_chart(view: CurveView) -> Any:
    """Return the curves of one candidate in one metric, without a theme."""
    color = series_color()
    x = alt.X(
        "epoch:Q",
        title="epoch",
        axis=alt.Axis(format="d", values=_ticks(_last_epoch(view)), grid=False),
        scale=alt.Scale(domain=[1, _last_epoch(view)], nice=False),
    )
    low, high = _domain(view)
    y = alt.Y(
        "value:Q",
        title=_title(view),
        axis=score_axis(view.metric),
        scale=alt.Scale(domain=[low, high], nice=False, zero=False),
    )
    several = len(view.members) > 1
    lines = (
        alt
        .Chart(data(_member_lines(view)))
        .transform_flatten(["epoch", "value"])
        .mark_line(
            strokeWidth=0.8 if several else 2.4,
            opacity=0.35 if several else 1.0,
            clip=True,
        )
        .encode(x=x, y=y, color=color, detail="training:N")
    )
    layers = [lines]
    if several:
        layers += _mean_layers(view, x, y, color)
    layers += _kept_layers(view, x, y, color)
    layers.append(_end_labels(view, x, y, color, (low, high)))
    return alt.layer(*layers).properties(width=WIDTH, height=HEIGHT)


def _mean_layers(view: CurveView, x: Any, y: Any, color: Any) -> list[Any]:
    bands = {TRAINING: view.train, VALIDATION: view.validation}
    rows = [
        {
            "series": series,
            "epoch": list(band.epochs),
            "value": _rounded(band.mean),
            "low": _rounded(band.low),
            "high": _rounded(band.high),
        }
        for series, band in bands.items()
        if band is not None
    ]
    base = (
        alt
        .Chart(data(rows))
        .transform_flatten(["epoch", "value", "low", "high"])
        .encode(x=x, color=color)
    )
    return [
        base.mark_area(opacity=0.16, clip=True).encode(
            y=alt.Y("low:Q", title=_title(view)), y2="high:Q"
        ),
        base.mark_line(strokeWidth=2.6, clip=True).encode(y=y),
    ]


def _title(view: CurveView) -> Any:
    return axis_title(view.metric.label, view.metric)


def _kept_layers(view: CurveView, x: Any, y: Any, color: Any) -> list[Any]:
    """Return the dots of the kept epochs, and a rule where they are on average."""
    dots = [
        {
            "training": m.name,
            "series": VALIDATION,
            "epoch": m.kept_epoch,
            "value": m.kept_value,
        }
        for m in view.members
        if m.kept_epoch is not None and m.kept_value is not None
    ]
    if not dots or view.kept_epoch is None:
        return []
    several = len(view.members) > 1
    end = _last_epoch(view)
    notes = [(view.kept_epoch, _kept_text(view, several))]
    if view.overfitting_from is not None:
        since = f"overfitting from {view.overfitting_from}"
        notes.append((view.overfitting_from, since))
    rule = alt.Chart(data([{"epoch": view.kept_epoch}]))
    layers = [
        rule.mark_rule(strokeDash=[4, 4]).encode(x=x),
        alt
        .Chart(data(dots))
        .mark_point(filled=True, size=26 if several else 80, opacity=0.9, clip=True)
        .encode(
            x=x,
            y=y,
            color=color,
            tooltip=["training:N", "epoch:Q", alt.Tooltip("value:Q", format=".4~g")],
        ),
    ]
    for place, (epoch, text) in enumerate(notes):
        left = epoch <= 0.55 * end
        layers.append(
            alt
            .Chart(data([{"epoch": epoch, "text": text}]))
            .mark_text(
                align="left" if left else "right",
                dx=5 if left else -5,
                fontSize=11,
                opacity=0.85,
            )
            .encode(x=x, y=alt.value(_free(view, place, len(notes))), text="text:N")
        )
    return layers


def _free(view: CurveView, place: int, n: int) -> int:
    """Return the height of a note: above curves that fall, below curves that rise."""
    rising = view.metric.direction == "max"
    return HEIGHT - 12 - 15 * (n - 1 - place) if rising else 8 + 15 * place


def _kept_text(view: CurveView, several: bool) -> str:
    assert view.kept_epoch is not None
    if not several:
        return f"kept: {view.kept_epoch:.0f}"
    return f"kept: {format_epochs(view.kept_epoch)}"


def _end_labels(
    view: CurveView, x: Any, y: Any, color: Any, domain: tuple[float, float]
) -> Any:
    """Return the names of the curves at their ends, pushed apart where they touch."""
    ends = []
    for series, band, name in (
        (TRAINING, view.train, view.train_name),
        (VALIDATION, view.validation, VALIDATION),
    ):
        end = _end_of(band, view, series)
        if end is not None:
            ends.append({"series": series, "text": name, **end})
    gap = 0.075 * (domain[1] - domain[0])
    if len(ends) == 2:
        lower, upper = sorted(ends, key=lambda end: float(end["value"]))
        missing = gap - (upper["value"] - lower["value"])
        if missing > 0:
            lower["value"] -= missing / 2
            upper["value"] += missing / 2
            below = domain[0] - lower["value"]
            if below > 0:
                lower["value"] += below
                upper["value"] += below
    return (
        alt
        .Chart(data(ends))
        .mark_text(align="left", dx=6, fontSize=11.5, fontWeight=600)
        .encode(x=x, y=y, text="text:N", color=color)
    )


def _end_of(band: Band | None, view: CurveView, series: str) -> dict[str, Any] | None:
    if band is not None and band.epochs:
        return {"epoch": _last_epoch(view), "value": band.mean[-1]}
    lines = [m.train if series == TRAINING else m.validation for m in view.members]
    ends = [(line.epochs[-1], line.values[-1]) for line in lines if line.epochs]
    if not ends:
        return None
    epoch, value = max(ends)
    return {"epoch": epoch, "value": value}


def _member_lines(view: CurveView) -> list[dict[str, Any]]:
    def row(name: str, series: str, line: Line) -> dict[str, Any]:
        return {
            "training": f"{name} {series}",
            "series": series,
            "epoch": list(line.epochs),
            "value": _rounded(line.values),
        }

    rows = [row(m.name, TRAINING, m.train) for m in view.members]
    rows += [row(m.name, VALIDATION, m.validation) for m in view.members]
    return [each for each in rows if each["epoch"]]


def _domain(view: CurveView) -> tuple[float, float]:
    """Return the range of values of the trainings that did not fail, a little wider.

    The first epochs of a long curve do not count: their steep course would press
    the turn, which is what one looks for, into a flat line.
    """
    sound = [m for m in view.members if m.kept_epoch is not None] or view.members
    lines = [line for m in sound for line in (m.train, m.validation)]
    last = _last_epoch(view)
    first = last // 8 if last >= _LONG else 1
    values = [
        value
        for line in lines
        for epoch, value in zip(line.epochs, line.values, strict=True)
        if epoch >= first
    ]
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    margin = 0.04 * (high - low) or 0.5
    return low - margin, high + margin


def _last_epoch(view: CurveView) -> int:
    """Return where the axis of epochs ends; an axis has at least two."""
    ends = [(*m.train.epochs, *m.validation.epochs) for m in view.members]
    return max(2, *(max(epochs) for epochs in ends if epochs))


def _ticks(last: int) -> list[int]:
    """Return epoch 1 and then round numbers.

    >>> _ticks(6), _ticks(36)
    ([1, 2, 3, 4, 5, 6], [1, 5, 10, 15, 20, 25, 30, 35])
    """
    sizes = (unit * ten for ten in (1, 10, 100, 1000, 10_000) for unit in (1, 2, 5))
    step = next((size for size in sizes if last <= 8 * size), last)
    return sorted({1, *range(step, last + 1, step)})


def _rounded(values: Iterable[float]) -> list[float]:
    return [float(f"{value:.5g}") for value in values]
