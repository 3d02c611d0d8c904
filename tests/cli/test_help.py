"""Help: at once, an example first, and nothing loaded for it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

import homeroom

COMMANDS = ("demo", "run", "doctor", "predict", "runs", "show", "report", "verify")
Run = Callable[..., subprocess.CompletedProcess[str]]


def test_help_names_every_command(invoke: Callable[..., Any]) -> None:
    """`homeroom --help` lists each command with a line, and the exit codes."""
    result = invoke("--help")
    assert result.exit_code == 0
    for name in COMMANDS:
        assert re.search(rf"^  {name} +[A-Z].*\.$", result.output, re.MULTILINE)
    assert "130 interrupted" in result.output


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_an_example_comes_first(
    command: str | None, invoke: Callable[..., Any]
) -> None:
    """The first thing below the usage line can be copied."""
    result = invoke(*filter(None, [command]), "--help")
    lines = [line.strip() for line in result.output.splitlines() if line.strip()]
    assert lines[0].startswith("Usage:")
    assert lines[1].startswith(f"$ homeroom {command or ''}".strip())


def test_help_fits_eighty_columns(invoke: Callable[..., Any]) -> None:
    """No line of help is wider than a terminal."""
    for command in COMMANDS:
        assert max(map(len, invoke(command, "--help").output.splitlines())) <= 80


def test_the_version(command: Run) -> None:
    """`--version` says which one, on standard output."""
    said = command("--version")
    assert (said.returncode, said.stdout) == (0, f"homeroom {homeroom.__version__}\n")


@pytest.mark.parametrize(
    "wrong", [("--colour",), ("run", "x.csv"), ("runs", "--jsno"), ("rnu",)]
)
def test_wrong_usage_exits_with_2(
    wrong: tuple[str, ...], invoke: Callable[..., Any]
) -> None:
    """Unknown options and commands and missing arguments are bad input."""
    result = invoke(*wrong)
    assert result.exit_code == 2
    assert result.stdout == ""
