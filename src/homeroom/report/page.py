"""One HTML file that opens from disk, offline, in ten years.

Nothing in it is loaded or sent: styles, chart libraries and data are inlined, and a
content security policy forbids everything else. Only the scripts whose hashes the
policy names may run, so a name that broke out of its place would still not run.
"""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from . import charts, theme
from .calibration_chart import calibration_chart
from .curve_chart import curve_chart
from .files import check_report_place, write_whole

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from .models import RunView

SCRIPTS = ("vega.min.js", "vega-lite.min.js", "vega-embed.min.js", "report.js")

_PAPER = {
    theme.LIGHT: {"--paper": "#f7f8fa", "--card": "#ffffff", "--line": "#e2e6ec"},
    theme.DARK: {"--paper": "#12161d", "--card": "#1a2029", "--line": "#303947"},
}
_TINTS = {
    theme.LIGHT: {"--tint": "#e8f5ef", "--alarm": "#b3261e"},
    theme.DARK: {"--tint": "#17302a", "--alarm": "#ff8a80"},
}


def write_page(view: RunView, path: Path) -> None:
    """Write the report as one HTML file, whole or not at all; an earlier one goes.

    Raises:
        InputError: If nothing can be written there, or what is there is no report.
    """
    check_report_place(path)
    write_whole(path, render_page(view).encode())


def render_page(view: RunView) -> str:
    """Return the whole report as one HTML document.

    Args:
        view: What `run_view` made of a run, complete or not.
    """
    specs = chart_specs(view)
    scripts = [asset(name) for name in SCRIPTS]
    level = next((row.interval.level for row in view.leaderboard if row.interval), "")
    return (
        environment()
        .get_template("page.html.j2")
        .render(
            view=view,
            charts=specs,
            level=level,
            policy=_policy(scripts),
            light=Markup(_declared(theme.LIGHT)),
            dark=Markup(_declared(theme.DARK)),
            font=Markup(theme.FONT),
            css=Markup(asset("report.css")),
            licenses=asset("LICENSES.txt"),
            payload=in_script({"config": theme.config(theme.PAGE), "charts": specs}),
            scripts=[Markup(script) for script in scripts],
        )
    )


def chart_specs(view: RunView) -> dict[str, Any]:
    """Return the Vega-Lite specification of every chart of the page, by its place."""
    drawn = {}
    if any(row.interval for row in view.leaderboard):
        drawn["leaderboard"] = charts.leaderboard_layers(view)
    if view.strip:
        drawn["strip"] = charts.strip_layers(view)
    if view.answers is not None and view.answers.bins:
        drawn["calibration"] = calibration_chart(view.answers)
    for number, candidate in enumerate(view.candidates):
        for place, curve in enumerate(candidate.curves):
            drawn[f"curve-{number}-{place}"] = curve_chart(curve)
    return {name: _spec(chart) for name, chart in drawn.items()}


def in_script(value: Any) -> Markup:
    r"""Return JSON that cannot end the script element it stands in.

    >>> print(in_script({"name": "</script>"}))
    {"name":"\u003c/script\u003e"}
    """
    # ASCII only, so U+2028 and U+2029 are escaped as well.
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


@cache
def environment() -> Environment:
    """Return the template engine: everything escaped, nothing undefined."""
    return Environment(
        autoescape=True, undefined=StrictUndefined, loader=FunctionLoader(asset)
    )


@cache
def asset(name: str) -> str:
    """Return the text of a file that lies in `assets`."""
    return files(__package__).joinpath("assets", name).read_text("utf-8")


def _policy(scripts: Sequence[str]) -> str:
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()}'"
        for s in scripts
    )
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _declared(colors: theme.Theme) -> str:
    variables = theme.variables(colors) | _PAPER[colors] | _TINTS[colors]
    return " ".join(f"{name}: {value};" for name, value in variables.items())


def _spec(chart: Any) -> dict[str, Any]:
    spec: dict[str, Any] = chart.to_dict()
    spec.pop("config", None)
    return spec
