"""The simulation that checks the intervals measures what its page says."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parent.parent
CORRECTED = [
    "interval of a mean, of the trainings that were made",
    "interval of a mean, of any such trainings",
    "interval of a difference, of the trainings that were made",
    "interval of a difference of equals",
]
FALSE = [
    "false winner: two-sided p below 0.05",
    "false winner: better or worse with 95 %",
    "false winner: wins in significantly more pairs",
]


@pytest.fixture(scope="module")
def calibration():
    """The modules of the simulation, as `make calibrate` finds them."""
    sys.path.insert(0, str(ROOT / "calibration"))
    try:
        import homeroom  # noqa: F401, I001 - chooses Keras's backend
        import populations
        import rates
        import run
        import study
    finally:
        sys.path.pop(0)
    return populations, rates, run, study


@pytest.fixture(scope="module")
def studies(calibration):
    populations, _, _, study = calibration
    population = populations.POPULATIONS[0]
    truth = population.draw(np.random.default_rng(1), 500)
    return [study.study(population, truth, seed) for seed in (0, 0, 1)]


def test_a_study_is_made_again_exactly(studies):
    """The same seed draws the same rows and trains the same models."""
    first, again, other = studies
    assert first.members == again.members
    assert np.array_equal(first.true, again.true)
    assert not np.array_equal(first.true, other.true)


def test_candidates_are_equal_in_kind_and_not_the_same(studies):
    """Other weights to start from: other scores, in every fold and seed."""
    for each in studies:
        flat = each.true.reshape(len(each.members), -1)
        assert len({tuple(row) for row in flat}) == len(flat)
        assert {m.state for mine in each.members for m in mine} == {"COMPLETE"}
        assert (flat > 0.4).all()


def test_every_printed_interval_has_a_rate(calibration, studies):
    """Thirteen rates of the three studies, each a share of them."""
    _, rates, _, _ = calibration
    found = rates.rates(studies)
    assert len(found) == 13
    assert {rate.n for rate in found} == {3}
    seen = rates.optimism(studies)
    assert seen.n_candidates == 6
    assert seen.foretold > 0


@pytest.mark.parametrize(
    ("nominal", "times", "off"),
    [
        ("95 %", 380, False),
        ("95 %", 340, True),
        ("95 %", 400, True),
        ("5 % or less", 20, False),
        ("5 % or less", 0, False),
        ("5 % or less", 40, True),
    ],
)
def test_what_is_surely_off_is_marked(calibration, nominal, times, off):
    """Too narrow, too wide, too many false winners of 400: but only beyond chance."""
    _, rates, run, _ = calibration
    assert run.is_off(rates.Rate("", nominal, times, 400)) == off


def test_what_the_report_says_of_its_intervals_is_what_was_measured():
    """On every population the corrected intervals cover 95 % or more, as is said."""
    measured = json.loads((ROOT / "docs" / "calibration.json").read_text("utf-8"))
    assert len(measured) == 3
    for rates in measured.values():
        assert all(rates[name] >= 0.95 for name in CORRECTED)
        assert all(rates[name] <= 0.05 for name in FALSE)


def test_the_search_on_noise_is_searched_and_nested(calibration, monkeypatch):
    """One small repeat: both scores, both intervals, and a page with all figures."""
    sys.path.insert(0, str(ROOT / "calibration"))
    try:
        import noise
    finally:
        sys.path.pop(0)
    monkeypatch.setattr(noise, "N_TRIALS", 2)
    monkeypatch.setattr(noise, "N_EPOCHS", 1)
    found = noise.figures([noise.searched(0), noise.searched(1)])
    assert found["repeats"] == 2
    assert 0.3 < found["mean nested score"] < 0.7
    assert found["foretold optimism"] > 0
    text = noise.page(found)
    assert "2 repeats" in text
    assert text.count("\n|") == 7


def test_a_search_flatters_on_noise_and_nesting_does_not():
    """In 200 repeats the best trial is above chance and nested intervals cover it."""
    found = json.loads((ROOT / "docs" / "searches.json").read_text("utf-8"))
    assert found["repeats"] >= 200
    flattery = found["mean best score of a search"] - 0.5
    assert flattery > 5 * found["its standard error"]
    assert flattery <= found["foretold optimism"]
    assert found["best scores above chance"] > 0.75
    assert abs(found["mean nested score"] - 0.5) < 4 * found["nested standard error"]
    assert found["nested interval has chance"] >= 0.9
