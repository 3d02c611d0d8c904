"""What ends a command early: one clear message, and the exit code that says why.

0 is success, 1 a failure, 2 bad input, 130 an interruption.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import typer

from homeroom.errors import HomeroomError

from .console import tell

P = ParamSpec("P")

FAILURE, INTERRUPTION = 1, 130


def debugging() -> bool:
    """Return whether tracebacks and the warnings of libraries are asked for."""
    return os.environ.get("HOMEROOM_DEBUG", "") not in {"", "0"}


def told(command: Callable[P, None]) -> Callable[P, None]:
    """Return the command with its errors told in a sentence instead of a traceback."""

    @wraps(command)
    def careful(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except KeyboardInterrupt:
            tell("Interrupted.", style="bold yellow")
            raise typer.Exit(INTERRUPTION) from None
        except HomeroomError as error:
            _explain(type(error).__name__, str(error))
            raise typer.Exit(error.exit_code) from None
        except Exception as error:  # noqa: BLE001 - the last hand before a traceback
            _explain(*_unforeseen(error))
            raise typer.Exit(FAILURE) from None

    return careful


def _unforeseen(error: Exception) -> tuple[str, str]:
    lines = str(error).strip().splitlines()
    said = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return "Unexpected error", (
        f"{said}\nThis was not foreseen, so there is no advice. Set HOMEROOM_DEBUG=1 "
        "and run the command again to see where it happened."
    )


def _explain(kind: str, message: str) -> None:
    if debugging():
        traceback.print_exc()
    tell(message, heading=f"{kind}:")
