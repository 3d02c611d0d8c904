"""What ends a command early is one message and one exit code, never a traceback."""

from __future__ import annotations

import pytest
import typer

from homeroom.cli.failures import told
from homeroom.errors import DataError, FitError, InputError, StoreError


def raises(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InputError("cv=1: use 2 or more."), 2, "InputError: cv=1: use 2 or more.\n"),
        (DataError("Row 3 is [bold] NaN."), 2, "DataError: Row 3 is [bold] NaN.\n"),
        (StoreError("Damaged."), 2, "StoreError: Damaged.\n"),
        (FitError("All failed."), 1, "FitError: All failed.\n"),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
    ],
)
def test_an_error_is_a_sentence_and_a_code(
    error: BaseException, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Errors raised on purpose are told on standard error, word for word."""
    with pytest.raises(typer.Exit) as stopped:
        told(raises)(error)
    assert stopped.value.exit_code == code
    assert capsys.readouterr() == ("", said)


def test_an_unforeseen_error_says_how_to_see_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A fault has no traceback, but says how to get one."""
    with pytest.raises(typer.Exit) as stopped:
        told(raises)(ZeroDivisionError("division by zero\nsecond line"))
    assert stopped.value.exit_code == 1
    said = capsys.readouterr().err
    assert said.startswith("Unexpected error: ZeroDivisionError: division by zero\n")
    assert "HOMEROOM_DEBUG=1" in said
    assert "Traceback" not in said


def test_debugging_shows_the_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """HOMEROOM_DEBUG=1 shows where it happened; the exit code stays."""
    monkeypatch.setenv("HOMEROOM_DEBUG", "1")
    with pytest.raises(typer.Exit) as stopped:
        told(raises)(InputError("No."))
    assert stopped.value.exit_code == 2
    said = capsys.readouterr().err
    assert "Traceback" in said
    assert "in raises" in said


def test_a_long_message_is_not_broken_off_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Off a terminal lines do not wrap, so that a message can be searched for."""
    words = "word " * 60
    with pytest.raises(typer.Exit):
        told(raises)(InputError(f"{words}end"))
    assert capsys.readouterr().err == f"InputError: {words}end\n"
