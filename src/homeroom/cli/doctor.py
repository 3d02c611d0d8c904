"""`homeroom doctor`: what is wrong with a table and its folds, before training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import options
from .console import output, print_json
from .failures import FAILURE

if TYPE_CHECKING:
    from homeroom.records import Examination


def doctor(  # noqa: PLR0913 - each is one option
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A CSV, TSV or Parquet file.", show_default=False
        ),
    ],
    target: Annotated[
        str,
        typer.Option("--target", "-t", metavar="COLUMN", help="The column to predict."),
    ],
    task: Annotated[
        str | None,
        typer.Option(
            metavar="TASK",
            help="classification or regression.",
            show_default="found out from the column",
        ),
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Rows with one value belong together: a patient, a user.",
            show_default="none",
        ),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="When each row was.", show_default="none"),
    ] = None,
    cv: Annotated[int, typer.Option(metavar="N", help="Number of folds.")] = 5,
    test_size: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            help="What `homeroom run` would seal; 0 to examine every row.",
        ),
    ] = 0.2,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Decides the cut and the folds, as in run.")
    ] = 0,
    overrule: options.Overrule = None,
    as_json: options.AsJson = False,
) -> None:
    """Say what is wrong with a table and its folds.

    Leaks (copied rows, a column that gives the answer away, torn groups, training on
    the future), missing classes and categories, sorted rows, parts that are too small,
    and shift between train and validation rows, each with evidence and remedy; then
    what is known of the eight kinds of leakage. Nothing is trained or changed. Of the
    rows that would be sealed only fingerprints are looked at.

    Exits with 1 when a leakage stands.
    """
    from homeroom import data
    from homeroom.protocol import examine

    dataset = data.read_table(file, target, task=task, groups=groups)
    found = examine(
        dataset,
        cv=cv,
        test_size=options.share_or_rows(test_size) if test_size else None,
        time=time,
        overrule=tuple(overrule or ()),
        seed=seed,
    )
    if as_json:
        print_json(examination=_plain(found))
    else:
        print_examination(found)
    if found.leaks:
        raise typer.Exit(FAILURE)


def print_examination(found: Examination) -> None:
    """Print what was found, and the sheet of the eight leakages."""
    from homeroom.report import examination_panel, examination_view

    output().print(examination_panel(examination_view(found), sheet=True))


def _plain(found: Examination) -> dict[str, Any]:
    from homeroom.records import to_json

    plain: dict[str, Any] = json.loads(to_json(found))
    return {**plain, "leaks": [leak.check for leak in found.leaks]}
