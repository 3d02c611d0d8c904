"""Where words go: results to standard output, talk to standard error."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

SCHEMA = 1
_FILE_WIDTH = 120  # a table written to a file or a pipe has room for every column


def output() -> Console:
    """Return the console of results."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _FILE_WIDTH
    return console


def talk() -> Console:
    """Return the console of everything that is not a result."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def tell(message: str, *, heading: str = "", style: str = "") -> None:
    """Say something on standard error; words wrap on a terminal and nowhere else."""
    from rich.text import Text

    console = talk()
    text = Text(message, style=style)
    if heading:
        text = Text.assemble((heading, "bold red"), " ", text)
    console.print(text, soft_wrap=not console.is_terminal)


def print_path(path: Path) -> None:
    """Print where a file is, as a result."""
    from rich.text import Text

    output().print(Text(str(path.resolve())), soft_wrap=True)


def print_json(**content: Any) -> None:
    """Print a result for programs; "schema" rises when a field changes its meaning."""
    # escapes where a console's own encoding is no JSON, or lacks letters
    ascii_only = "utf" not in (sys.stdout.encoding or "").lower()
    print(json.dumps({"schema": SCHEMA, **content}, ensure_ascii=ascii_only, indent=2))
