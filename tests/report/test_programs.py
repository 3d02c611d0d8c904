"""Compiled programs in words: how many, for whom, why, in how long."""

from __future__ import annotations

import io
from string import ascii_lowercase

import msgspec
import pytest
from rich.console import Console

from homeroom.records import Need, ProgramRecord
from homeroom.report import render_page, run_panel, run_view
from homeroom.report.programs import programs_view

from . import fakes


def program(*candidates: str, **changes: object) -> ProgramRecord:
    fields = {"reason": Need.FIRST.value, "seconds": 0.8, "stage": "training"}
    return ProgramRecord(candidates=candidates, **{**fields, **changes})


MADE = (program("small"), program("wide", "deep", reason=Need.CONSTANT.value))
FOUND = tuple(msgspec.structs.replace(p, made=False, seconds=0.0) for p in MADE)
READ = tuple(msgspec.structs.replace(p, from_disk=True, seconds=0.3) for p in MADE)
WHY = "it differs in a constant, such as a dropout rate, that is compiled in"


@pytest.mark.parametrize(
    ("programs", "said"),
    [
        (MADE[:1], "1 program compiled (0.80 s): small (the first of its structure, "),
        (MADE, "2 programs compiled (1.6 s added up): "),
        (FOUND, "Nothing had to be compiled: 2 programs in memory already: "),
        (
            READ,
            "Nothing had to be compiled: 2 programs read from disk (0.60 s added up)",
        ),
        (
            (*MADE, *READ, *FOUND),
            "(1.6 s added up), 2 programs read from disk (0.60 s ",
        ),
    ],
)
def test_the_sentence_tells_what_was_paid_for(programs, said):
    """Compiled, read from disk and in memory already are three things."""
    view = programs_view(programs)
    assert said in view.text
    assert view.text.endswith(".")


def test_each_program_has_its_reason_and_seconds():
    """A row names the candidates, the reason, and seconds where any were spent."""
    made, found = programs_view(MADE), programs_view(FOUND)
    assert [(r.label, r.value) for r in made.rows] == [
        ("small", "the first of its structure, 0.80 s"),
        ("wide, deep", f"{WHY}, 0.80 s"),
    ]
    assert found.rows[1].value == f"{WHY}, in memory already"
    refit = programs_view([program("small", stage="refit", reason=Need.ROWS.value)])
    assert refit.rows[0].value.startswith("refit: its rows come in other numbers")


def test_many_are_counted_and_not_listed():
    """A long search fills no terminal: trials are numbers, and the rest is counted."""
    trials = program(*(f"trial {i}" for i in range(40)), stage="trials 0 to 7")
    view = programs_view([trials] * 9)
    assert "trials 0, 1, 2, 3, 4, 5 and 34 more (trials 0 to 7: the first" in view.text
    assert view.text.endswith("; and 5 more.")
    assert len(view.rows) == 9


def test_every_reason_has_korean_words():
    """In Korean nothing is left in English but names."""
    programs = [program("작은 모델", reason=need.value) for need in Need]
    for each in programs:
        view = programs_view([each])
        assert not set(view.korean) & set(ascii_lowercase)
        assert "1개를 컴파일함 (0.80초)" in view.korean
    tuned = programs_view([program("가", stage="trials 0 to 7"), *FOUND, *READ])
    for said in ("시도 0~7: ", "이미 메모리에 있었음", "디스크에서 읽는 데 0.30초"):
        assert said in tuned.korean


def test_page_and_terminal_tell_of_programs():
    """Both say how many, for whom and why; the page in two languages."""
    run = msgspec.structs.replace(fakes.run_of(), programs=MADE)
    view = run_view(run)
    page = render_page(view)
    for said in ("2 programs compiled (1.6 s added up)", "<dt>wide, deep</dt>", WHY):
        assert said in page
    assert ">프로그램 2개를 컴파일함 (더해서 1.6초)" in page
    stream = io.StringIO()
    Console(file=stream, width=100, color_system=None).print(run_panel(view))
    text = " ".join(stream.getvalue().replace("│", " ").split())
    assert f"small (the first of its structure, 0.80 s); wide, deep ({WHY}" in text


def test_a_run_that_tells_of_none_shows_none():
    """Runs stored before programs were remembered lack the part, and nothing else."""
    run = fakes.run_of()
    assert run.programs == ()
    assert run_view(run).programs is None
    page = render_page(run_view(run))
    assert "Compiled programs" not in page
    assert "Fingerprints" in page


def test_a_hostile_name_stays_text():
    """A candidate's name in this part is escaped as everywhere."""
    run = msgspec.structs.replace(fakes.run_of(), programs=(program(fakes.HOSTILE),))
    assert fakes.HOSTILE not in render_page(run_view(run))
