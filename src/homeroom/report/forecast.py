"""A forecast in words and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .formats import format_count, format_seconds
from .programs import programs_view

if TYPE_CHECKING:
    from rich.console import RenderableType

    from homeroom.records import CandidateCost, Forecast

_GIB, _MIB = 2**30, 2**20


def forecast_text(forecast: Forecast) -> str:
    """Return what trainings will cost in two or three sentences."""
    least, most = map(format_seconds, forecast.seconds)
    span = least if least == most else f"{least} to {most}"
    n = format_count(forecast.n_trainings, "training")
    said = f"{n}, {format_count(forecast.n_lanes)} at once: {span}"
    if least != most:
        said += ", by how soon early stopping ends them"
    said += "."
    apart = [
        cost.candidate for cost in forecast.costs if cost.seconds_per_epoch is None
    ]
    if apart:
        said += f" Not foreseen: {', '.join(apart)}."
    if forecast.peak_bytes is not None:
        said += f" Memory: up to {_bytes(forecast.peak_bytes)}."
    return said


def forecast_table(forecast: Forecast) -> RenderableType:
    """Return what each candidate will cost, and which programs were compiled."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("candidate")
    for heading in ("trainings", "epochs", "ms per epoch", "seconds"):
        table.add_column(heading, justify="right", no_wrap=True)
    for cost in forecast.costs:
        table.add_row(Text(cost.candidate), *_cells(cost, forecast.n_lanes))
    notes = [
        f"{cost.candidate}: {cost.reason}." for cost in forecast.costs if cost.reason
    ]
    programs = programs_view(forecast.programs)
    rows = () if programs is None else programs.rows
    made = [f"Program for {row.label}: {row.value}." for row in rows]
    told = [Text(line, style="dim") for line in (*notes, *made)]
    return Group(table, *told, Text(""), Text(forecast_text(forecast), style="bold"))


def _cells(cost: CandidateCost, n_lanes: int) -> list[str]:
    trainings = format_count(cost.n_trainings) if cost.n_trainings else "–"
    if cost.seconds_per_epoch is None:
        return [trainings, "–", "–", "not foreseen"]
    epochs = {cost.least_epochs, cost.most_epochs}
    share = cost.n_trainings * cost.seconds_per_epoch / n_lanes
    return [
        trainings,
        " to ".join(format_count(n) for n in sorted(epochs)),
        f"{1000 * cost.seconds_per_epoch:.3g}",
        " to ".join(f"{n * share:.2g}" for n in sorted(epochs)),
    ]


def _bytes(n: int) -> str:
    return f"{n / _GIB:.1f} GiB" if n >= _GIB else f"{n / _MIB:.0f} MiB"
