"""Tables fit their terminal, and names in them are only names."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console

from homeroom.report import (
    RunRow,
    leaderboard_table,
    run_panel,
    run_view,
    runs_table,
)

from . import fakes


def shown(renderable: object, width: int, encoding: str = "utf-8") -> str:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
    console = Console(file=stream, width=width, color_system=None)
    console.print(renderable)
    stream.seek(0)
    return stream.read()


@pytest.mark.parametrize("width", [80, 88, 100, 120])
@pytest.mark.parametrize(
    "run",
    [
        fakes.run_of(),
        fakes.run_with_failures(),
        fakes.regression_run(),
        fakes.interrupted_run(),
    ],
    ids=["complete", "failures", "regression", "interrupted"],
)
def test_no_number_is_left_out_or_cut_off(width: int, run: object) -> None:
    """From 80 columns on each candidate shows mean, both spreads, interval, …."""
    view = run_view(run)  # type: ignore[arg-type]
    text = shown(leaderboard_table(view), width)
    assert max(map(len, text.splitlines())) <= width
    assert view.measured_on in text
    for name in ("SD folds", "SD seeds", "95 % interval", "worst fold", "epochs"):
        assert name in text
    lines = text.splitlines()
    for row in view.leaderboard:
        [at] = [i for i, line in enumerate(lines) if row.candidate in line.split()]
        mine = " ".join(lines[at : at + 2])
        for number in (row.mean, row.sd_folds, row.sd_seeds, row.worst_fold):
            assert number.text.replace(" points", " pts") in mine
        assert row.epochs.text in mine.split()
        assert row.verdict in mine
        if row.interval:
            assert row.interval.text.replace(" to ", "–") in mine


@pytest.mark.parametrize("width", [80, 120])
def test_columns_stay_under_each_other_in_korean(width: int) -> None:
    """A name of wide characters moves no number: every mean ends in one column."""
    names = ("한국어 후보 모형", "small", "아주아주긴이름의후보모형이라서잘려야한다")
    pupils = tuple(fakes.Pupil(n, 0.2 + i / 10, 0.1) for i, n in enumerate(names))
    view = run_view(fakes.run_of(pupils))
    lines = shown(leaderboard_table(view), width).splitlines()
    ends = {
        cell_len(line[: line.index(row.mean.text)])
        for row in view.leaderboard
        for line in lines
        if row.mean.text in line
    }
    assert len(ends) == 1
    assert max(map(cell_len, lines)) <= width


def test_a_wide_terminal_needs_one_line_for_each() -> None:
    """Two lines are for narrow terminals only."""
    view = run_view(fakes.run_of())
    narrow, wide = (shown(leaderboard_table(view), w) for w in (80, 120))
    assert len(narrow.splitlines()) > len(wide.splitlines())


def test_a_long_name_gives_way_to_the_numbers() -> None:
    """A name is cut before a number is."""
    view = run_view(fakes.hostile_run())
    text = shown(leaderboard_table(view), 80)
    for row in view.leaderboard:
        assert row.mean.text in text
        assert row.worst_fold.text in text
    assert "…" in text


def test_marks_survive_a_terminal_without_unicode() -> None:
    """Where only ASCII can be shown, the chosen candidate has a plain star."""
    view = run_view(fakes.run_of())
    table = leaderboard_table(view)
    console = Console(
        file=io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="replace"),
        width=80,
    )
    with console.capture() as captured:
        console.print(table)
    assert "* chosen" in captured.get()


def test_brackets_in_names_are_not_markup() -> None:
    """A candidate called [red]x[/red] is shown as it is called."""
    text = shown(leaderboard_table(run_view(fakes.hostile_run())), 120)
    assert "학습[red]x[/red]" in text


def test_an_escape_sequence_in_a_name_is_not_obeyed() -> None:
    """No control character of a name reaches the terminal."""
    pupil = fakes.Pupil("\x1b[2Jgone", 0.2, 0.1)
    run = fakes.run_of((pupil,), name="\x1b]0;title\x07")
    view = run_view(run)
    for renderable in (leaderboard_table(view), run_panel(view)):
        text = shown(renderable, 100)
        assert "\x1b" not in text
        assert "\x07" not in text


def test_the_panel_tells_choice_reason_and_final_test() -> None:
    """One panel answers which, why, and how good."""
    run = fakes.run_of()
    text = " ".join(shown(run_panel(run_view(run)), 120).replace("│", " ").split())
    assert "tuned was chosen of 3" in text
    assert "cannot be told from it" in text
    assert "tuned scored 93.6 % accuracy on 360 rows" in text


def test_the_panel_names_failures_and_counts_the_rest() -> None:
    """Three failures are told, more are counted; what never began is no failure."""
    view = run_view(fakes.run_with_failures())
    text = " ".join(shown(run_panel(view), 120).replace("│", " ").split())
    assert "Failed. large, fold 2, seed 1: loss became NaN in epoch 3" in text
    assert "Not trained. late: none of 15 trainings began." in text
    more = replace(view, failures=view.failures * 2)
    text = " ".join(shown(run_panel(more), 120).replace("│", " ").split())
    assert "and 3 more" in text


def test_the_panel_of_an_interrupted_run_names_no_failure() -> None:
    """Ctrl-C is not a failure: what is missing is counted under its own word."""
    text = shown(run_panel(run_view(fakes.interrupted_run())), 120)
    assert "Failed" not in text
    assert "Not trained. tuned: of 15 trainings, 1 was interrupted" in text


def test_the_list_of_runs_says_what_cannot_be_read() -> None:
    """An unreadable run is a line, with its reason below the table."""
    rows = [
        RunRow(
            id="digits-0007",
            name="digits",
            state="complete",
            created_at="2026-08-22 13:41 UTC",
            candidate="tuned",
            mean="93.5 %",
            final_test="sealed",
        ),
        RunRow(
            id="old-0001",
            name="old",
            state="unreadable",
            created_at="–",
            candidate="–",
            mean="–",
            final_test="–",
            note="Run 'old-0001' was written by format 3.",
        ),
    ]
    text = shown(runs_table(rows), 80)
    assert "digits-0007" in text
    assert "sealed" in text
    assert "old-0001: Run 'old-0001' was written by format 3." in text


def test_the_list_of_runs_cuts_no_number() -> None:
    """On 80 columns long names give way, and means and dates stay whole."""
    row = RunRow(
        id="house-price-of-the-year-0001",
        name="house-price-of-the-year",
        state="complete",
        created_at="2026-08-22 13:41 UTC",
        candidate="gradient boosting",
        mean="28,412",
        final_test="29,077",
    )
    text = shown(runs_table([row]), 80)
    for whole in ("28,412", "29,077", "2026-08-22 13:41", "complete", "when (UTC)"):
        assert whole in text
    assert "…" not in text
