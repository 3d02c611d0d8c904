"""A run whose trainings went side by side in one call is the same run, and says so."""

from __future__ import annotations

import pytest

import homeroom as hr
from homeroom.store import open_store


@pytest.fixture
def race(flowers, softmax, net):
    """Make a run of two candidates, three folds and two seeds."""

    def race():
        experiment = hr.Experiment(*flowers, test_size=0.25, seed=3, name="flowers")
        experiment.add("softmax", softmax).add("net", net)
        stopping = hr.EarlyStopping(patience=4)
        return experiment.run(cv=3, seeds=2, epochs=12, early_stopping=stopping)

    return race


def test_a_run_in_waves_is_the_run_in_lanes(race, monkeypatch, tmp_path):
    """Same scores within rounding, same choice; plan and sameness are in the record."""
    lanes = race()
    assert lanes.record.environment.plan == "lanes"
    assert "core" in lanes.record.environment.plan_reason
    monkeypatch.setenv("HOMEROOM_PLAN", "waves")
    waves = race()
    environment = waves.record.environment
    assert (environment.plan, environment.lanes) == ("waves", 16)
    assert waves.selection.candidate == lanes.selection.candidate
    for mine, other in zip(waves.record.members, lanes.record.members, strict=True):
        assert (mine.path, mine.sameness) == ("wave", "batched")
        assert mine.stopped_epoch == other.stopped_epoch
        assert mine.scores == pytest.approx(other.scores, rel=1e-3)
    page = waves.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "16 in one call (HOMEROOM_PLAN=waves)" in page
    assert "values are those of keras.Model.fit within rounding" in page
    found = waves.verify(members=2)
    assert found.holds
    assert {each.reason for each in found.members} <= {
        "",
        "trained in a wave: its last weights were not compared",
    }


def test_a_kept_cross_validation_says_how_it_ran(
    flowers, softmax, monkeypatch, tmp_path
):
    """What `cross_validate` stores has the plan of its own trainings."""
    store = tmp_path / "runs.db"
    monkeypatch.setenv("HOMEROOM_PLAN", "waves")
    hr.cross_validate(softmax, *flowers, cv=3, epochs=2, store=store, lanes=3)
    environment = open_store(store).read_run().environment
    assert (environment.plan, environment.lanes) == ("waves", 3)
    assert environment.plan_reason == "lanes=3"


def test_waves_are_foreseen(flowers, net, monkeypatch):
    """A forecast measures the wave that will run."""
    monkeypatch.setenv("HOMEROOM_PLAN", "waves")
    experiment = hr.Experiment(*flowers, test_size=0.25, seed=3).add("net", net)
    forecast = experiment.forecast(cv=3, seeds=2, epochs=5)
    assert forecast.n_lanes == 8
    assert 0 < forecast.seconds[0] <= forecast.seconds[1]
