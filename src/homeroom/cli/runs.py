"""`homeroom runs`, `show` and `report`: looking at what is stored, training nothing."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options
from .console import output, print_json, print_path, tell
from .training import print_run, write_report

if TYPE_CHECKING:
    from homeroom.records import RunRecord
    from homeroom.store import RunSummary


def runs(store: options.Store = None, as_json: options.AsJson = False) -> None:
    """List the stored runs, newest first.

    Each line says what was chosen, its mean validation score, and what the final test
    gave.
    """
    found = _listed(store)
    if as_json:
        print_json(runs=[_plain(summary) for summary in found])
    elif found:
        from homeroom.report import run_row, runs_table

        output().print(runs_table([run_row(summary) for summary in found]))
    else:
        tell("There are no runs here yet. `homeroom demo` makes one.")


def show(
    run: options.RunId = "latest",
    store: options.Store = None,
    as_json: options.AsJson = False,
) -> None:
    """Show one run.

    The choice and its reason, every candidate, and the final test. As JSON: everything
    that is stored, and the leaderboard.
    """
    record = _record(run, store)
    if as_json:
        print_json(run=_content(record))
    else:
        print_run(record)


def report(
    run: options.RunId = "latest",
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="PATH", help="The HTML file to write."),
    ] = Path("report.html"),
    store: options.Store = None,
) -> None:
    """Write a run as one HTML file.

    Curves, tables and caveats in a page that opens without a network.
    """
    write_report(_record(run, store), out)
    print_path(out)


def _record(run: str, store: str | None) -> RunRecord:
    from homeroom.store import open_store

    return open_store(store, create=False).read_run(run)


def _listed(store: str | None) -> tuple[RunSummary, ...]:
    from homeroom.store import open_store

    if store is None and not Path("homeroom.db").exists():
        return ()  # nobody named a store, so none is missing
    return open_store(store, create=False).list_runs()


def _plain(record: Any) -> dict[str, Any]:
    from homeroom.records import to_json

    plain: dict[str, Any] = json.loads(to_json(record))
    return plain


def _content(record: RunRecord) -> dict[str, Any]:
    """Return everything stored, and the leaderboard that follows from it."""
    from homeroom.report import run_view

    rows = [
        {
            "rank": row.rank,
            "candidate": row.candidate,
            "mean": _number(row.mean.value),
            "interval": None
            if row.interval is None
            else [row.interval.low, row.interval.high],
            "sd_folds": _number(row.sd_folds.value),
            "sd_seeds": _number(row.sd_seeds.value),
            "worst_fold": _number(row.worst_fold.value),
            "mean_epochs": _number(row.epochs.value),
            "n_trainings": row.n_trainings,
            "complete": not row.unfinished,
            "verdict": row.verdict,
            "chosen": row.chosen,
            "failed": row.failed,
        }
        for row in run_view(record).leaderboard
    ]
    return {**_plain(record), "leaderboard": rows}


def _number(value: float) -> float | None:
    """Return a number, or None where there is none: JSON has no NaN."""
    return None if math.isnan(value) else value
