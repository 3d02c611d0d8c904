"""How charts look, on light and on dark: one palette that a colour-blind eye tells.

Blue is always training, orange always validation, after Okabe and Ito (2008); green
marks what was chosen. Marks take their colours from `range.category`, so that a page
can swap the whole theme without touching a chart.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

FONT = (
    'system-ui, -apple-system, "Segoe UI", Roboto, Pretendard, "Apple SD Gothic Neo", '
    '"Malgun Gothic", "Noto Sans KR", NanumGothic, sans-serif'
)


@dataclass(frozen=True, slots=True)
class Theme:
    """Colors of a chart. `series` are training, validation, chosen and other."""

    ink: str
    muted: str
    grid: str
    axis: str
    series: tuple[str, str, str, str]


LIGHT = Theme(
    ink="#1c2430",
    muted="#5d6878",
    grid="#e4e8ee",
    axis="#a9b3c1",
    series=("#0072b2", "#d55e00", "#00805f", "#6b7685"),
)
DARK = Theme(
    ink="#e8ecf2",
    muted="#a3aebd",
    grid="#2c3542",
    axis="#556174",
    series=("#5bb4ee", "#f0913a", "#2fc49b", "#93a0b2"),
)
# Readable on white and on near-black, for a notebook whose theme nobody knows.
EITHER = Theme(
    ink="#7a8595",
    muted="#7a8595",
    grid="#8a94a333",
    axis="#8a94a3",
    series=("#2488cf", "#e0701f", "#109c78", "#8792a2"),
)


# On a page the colors are CSS variables: one drawing serves light, dark and print.
PAGE = Theme(
    ink="var(--ink)",
    muted="var(--muted)",
    grid="var(--grid)",
    axis="var(--axis)",
    series=("var(--training)", "var(--validation)", "var(--chosen)", "var(--other)"),
)


def variables(theme: Theme) -> dict[str, str]:
    """Return the CSS variables that `PAGE` refers to, for one theme."""
    names = ("--training", "--validation", "--chosen", "--other")
    return {
        "--ink": theme.ink,
        "--muted": theme.muted,
        "--grid": theme.grid,
        "--axis": theme.axis,
        **dict(zip(names, theme.series, strict=True)),
    }


def config(theme: Theme) -> dict[str, Any]:
    """Return the Vega-Lite config of a theme."""
    ink, muted = theme.ink, theme.muted
    label = {"labelColor": muted, "titleColor": ink, "labelFont": FONT}
    return {
        "background": "transparent",
        "font": FONT,
        "view": {"stroke": None},
        "range": {"category": list(theme.series)},
        "axis": {
            **label,
            "titleFont": FONT,
            "titleFontWeight": 500,
            "titleFontSize": 12,
            "labelFontSize": 11,
            "titlePadding": 10,
            "labelPadding": 5,
            "gridColor": theme.grid,
            "domainColor": theme.axis,
            "tickColor": theme.axis,
            "tickSize": 4,
        },
        "axisY": {"domain": False, "ticks": False},
        "text": {"color": muted, "font": FONT},
        "rule": {"color": muted},
        "title": {
            "color": ink,
            "font": FONT,
            "fontSize": 13,
            "fontWeight": 600,
            "anchor": "start",
            "offset": 12,
            "subtitleColor": muted,
            "subtitleFont": FONT,
            "subtitleFontSize": 11.5,
            "subtitlePadding": 5,
        },
        "header": {"labelColor": ink, "titleColor": ink, "labelFont": FONT},
    }
