"""Options that several commands have, worded once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

Store: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="PATH",
        envvar="HOMEROOM_STORE",
        show_default="homeroom.db",
        help="The file in which runs stay.",
    ),
]

Report: TypeAlias = Annotated[
    Path,
    typer.Option(
        "--report", metavar="PATH", help="Where to write the report, one HTML file."
    ),
]

RunId: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="RUN",
        help="The id of a run, its unique beginning, or 'latest'.",
    ),
]

Overrule: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CHECK",
        help="A check of the doctor whose leakage is accepted; repeat it for more.",
        show_default="none",
    ),
]

AsJson: TypeAlias = Annotated[
    bool,
    typer.Option("--json", help="Print JSON for programs instead of a table."),
]


def share_or_rows(test_size: float) -> float:
    """Return a share, or a number of rows when it is a whole one from 1 on.

    >>> share_or_rows(0.2), share_or_rows(50.0)
    (0.2, 50)
    """
    return int(test_size) if test_size >= 1 and test_size.is_integer() else test_size
