"""What the doctor found, as a view, in a terminal, on the page, while training."""

from __future__ import annotations

from io import StringIO

import msgspec
import pytest
from rich.console import Console

from homeroom.records import (
    Checked,
    Examination,
    Examined,
    Finding,
    Metric,
    SheetLine,
    from_json,
    to_json,
)
from homeroom.report import (
    LiveProgress,
    examination_panel,
    examination_view,
    render_page,
    run_view,
)
from homeroom.testing import sample_run

LEAK = Finding(
    check="target",
    severity="leakage",
    where="all rows",
    evidence="'code' is <b>y</b> under other numbers.",
    consequence="The model learns to read the answer.",
    remedy="Leave 'code' out.",
    overruled=True,
)
FOUND = Examination(
    dataset="orders",
    n_rows=1200,
    strategy="KFold(5)",
    thorough=False,
    findings=(
        LEAK,
        Finding(
            check="duplicates",
            severity="warning",
            where="fold 2",
            evidence="9 rows have an exact copy.",
            consequence="They are recited.",
            remedy="Remove the copies.",
            rows=(3, 5, 8, 13, 21),
            numbers={"rows": 9.0},
        ),
    ),
    checked=(Checked(check="topics", state="skipped", text="costly"),),
    sheet=(SheetLine(kind="L2", title="features", answer="checked", text="One."),),
)


def printed(view: object, width: int = 80) -> str:
    console = Console(file=StringIO(), width=width)
    console.print(examination_panel(view, sheet=True))  # type: ignore[arg-type]
    return console.file.getvalue()  # type: ignore[attr-defined]


def test_the_headline_counts_what_was_found() -> None:
    """Checks made, rows, folds, and findings by severity."""
    view = examination_view(FOUND)
    assert view.headline == "0 checks on 1,200 rows, KFold(5): 1 leakage, 1 warning."
    assert view.findings[1].rows == "3, 5, 8, 13, 21, …"
    assert view.alarming


def test_nothing_found_is_no_alarm() -> None:
    """Notes alone do not need a place in the terminal."""
    view = examination_view(msgspec.structs.replace(FOUND, findings=()))
    assert view.headline.endswith("nothing found.")
    assert not view.alarming


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_terminal_shows_every_finding(width: int) -> None:
    """Severity, evidence, remedy and rows, at any width."""
    text = printed(examination_view(FOUND), width)
    assert max(map(len, text.splitlines())) <= width
    for word in ("overruled leakage", "<b>y</b>", "→ Leave", "rows 3, 5", "L2"):
        assert word in text


def test_the_page_has_a_section_for_it() -> None:
    """Findings of before and of the opening are on the page, escaped."""
    run = msgspec.structs.replace(sample_run(), examination=FOUND)
    page = render_page(run_view(run))
    assert 'id="examination"' in page
    assert "leakage, overruled" in page
    assert "&lt;b&gt;y&lt;/b&gt;" in page
    assert 'id="examination"' not in render_page(run_view(sample_run()))


def test_findings_at_the_opening_say_so() -> None:
    """What was found on opened test rows is told apart."""
    view = examination_view(FOUND, [LEAK])
    assert [each.at_opening for each in view.findings] == [False, False, True]


def test_progress_tells_what_may_mislead() -> None:
    """Whoever watches hears of leakages and warnings, not of notes."""
    console = Console(file=StringIO(), width=100)
    with LiveProgress(console, Metric("accuracy", "max")) as live:
        live(Examined(FOUND))
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "warning: 9 rows have an exact copy." in said


def test_an_examination_comes_back_from_json() -> None:
    """What is stored is what was found."""
    assert from_json(to_json(FOUND), Examination) == FOUND
