"""Notebook fragments are whole, safe and quiet."""

from __future__ import annotations

import re

import pytest

from homeroom.records import Verdict
from homeroom.report import (
    cross_validation_html,
    cross_validation_view,
    fit_html,
    fit_view,
    run_html,
    run_view,
)
from homeroom.report.notebook import bars

from . import fakes


def fragments() -> list[str]:
    pupil = fakes.PUPILS[0]
    members = fakes.members_of(pupil)
    verdict = Verdict("good fit", "Good fit: the curve is flat.")
    return [
        run_html(run_view(fakes.run_of())),
        run_html(run_view(fakes.interrupted_run())),
        cross_validation_html(
            cross_validation_view("tuned", members, fakes.plan_of(), fakes.ACCURACY)
        ),
        fit_html(fit_view(members[0], fakes.ACCURACY, verdict)),
    ]


@pytest.mark.parametrize("fragment", fragments(), ids=["run", "stopped", "cv", "fit"])
def test_a_fragment_has_no_script_and_no_address(fragment: str) -> None:
    """Nothing runs and nothing is loaded; details can be folded."""
    assert "<script" not in fragment
    assert not re.search(r"https?:|src=|@import|url\(", fragment)
    assert fragment.count("<details") == fragment.count("</details>") > 0
    assert fragment.count("<div") == fragment.count("</div>")


def test_a_run_shows_choice_leaderboard_and_final_test() -> None:
    """The answer is in the first lines, each candidate in the table."""
    fragment = run_html(run_view(fakes.run_of()))
    assert "tuned was chosen of 3" in fragment
    assert fragment.count('class="homeroom-bar"') == 3
    assert "93.6 % accuracy on 360 rows" in fragment


def test_a_fit_shows_its_verdict() -> None:
    """One training: score, verdict and how it went."""
    fragment = fragments()[3]
    assert "Good fit: the curve is flat." in fragment
    assert "patience used up" in fragment


def test_hostile_names_are_escaped() -> None:
    """A name cannot leave its cell."""
    fragment = run_html(run_view(fakes.hostile_run()))
    assert "<img" not in fragment
    assert "&lt;/script&gt;&lt;img" in fragment


def test_bars_share_one_axis() -> None:
    """The lowest end is at 0 %, the highest at 100 %, every mean inside its bar."""
    drawn = bars(run_view(fakes.run_of()).leaderboard)
    assert min(bar.low for bar in drawn.values()) == 0
    assert max(bar.low + bar.width for bar in drawn.values()) == 100
    for bar in drawn.values():
        assert bar.low < bar.mean < bar.low + bar.width
