"""What a run will cost is said before it is trained, and nothing of it is kept."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from sklearn.tree import DecisionTreeClassifier

import homeroom as hr
from homeroom.records import Forecast
from homeroom.report import forecast_table, forecast_text


@pytest.fixture
def experiment(flowers, softmax, net):
    experiment = hr.Experiment(*flowers, test_size=0.25, seed=3, name="flowers")
    experiment.add("slow", softmax, learning_rate=0.01)
    experiment.add("fast", softmax, learning_rate=0.1)
    experiment.add("net", net)
    return experiment.add("tree", DecisionTreeClassifier())


@pytest.fixture
def forecast(experiment) -> Forecast:
    stopping = hr.EarlyStopping(patience=4)
    return experiment.forecast(cv=3, seeds=2, epochs=30, early_stopping=stopping)


def test_trainings_epochs_and_programs_are_counted(forecast):
    """Candidates that differ in a learning rate share a program; all are counted."""
    assert forecast.n_trainings == 4 * 3 * 2
    by_name = {cost.candidate: cost for cost in forecast.costs}
    assert (by_name["net"].least_epochs, by_name["net"].most_epochs) == (5, 30)
    shared = {program.candidates for program in forecast.programs}
    assert shared == {("slow", "fast"), ("net",)}
    for program in forecast.programs:
        assert program.reason
        assert (program.seconds > 0) is program.made
    assert forecast.peak_bytes is None or forecast.peak_bytes > 2**20


def test_seconds_follow_from_the_pace(forecast):
    """The range goes from every training stopped at once to every epoch trained."""
    paced = [c for c in forecast.costs if c.seconds_per_epoch is not None]
    least, most = (
        sum(c.n_trainings * n(c) * c.seconds_per_epoch for c in paced)
        for n in (lambda c: c.least_epochs, lambda c: c.most_epochs)
    )
    low, high = (seconds * forecast.n_lanes for seconds in forecast.seconds)
    assert 0 < least <= low
    assert most <= high
    # what a training costs beside its epochs is the same in both
    assert high - low == pytest.approx(most - least)


def test_what_cannot_be_foreseen_is_named(forecast, flowers, net, keras):
    """Estimators, searches and models that go through fit are no silent zeros."""
    assert "Not foreseen: tree." in forecast_text(forecast)

    def eager():
        model = net()
        model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
        return model

    experiment = hr.Experiment(*flowers, name="flowers")
    experiment.add("eager", eager)
    experiment.add("tuned", net, space={"dropout": [0.1, 0.2]})
    found = experiment.forecast(cv=3, epochs=3)
    reasons = {cost.candidate: cost.reason for cost in found.costs}
    assert "run_eagerly=True" in reasons["eager"]
    assert reasons["tuned"] == "a search comes first"
    assert found.seconds == (0.0, 0.0)


def test_nothing_is_kept(flowers, net):
    """A forecast writes no run, and changes nothing in the one that follows."""

    def trained(*, foretold: bool):
        experiment = hr.Experiment(*flowers, seed=3).add("net", net)
        if foretold:
            experiment.forecast(cv=3, epochs=4)
            assert not list(Path.cwd().glob("*.db"))
        run = experiment.run(cv=3, epochs=4, verbose=0)
        return [member.final_weights for member in run.record.members]

    assert trained(foretold=True) == trained(foretold=False)


def test_the_table_fits_a_terminal(forecast):
    """In 80 columns every candidate, its cost and every program can be read."""
    stream = io.StringIO()
    Console(file=stream, width=80, color_system=None).print(forecast_table(forecast))
    text = stream.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    for said in ("slow", "net", "tree", "not foreseen", "5 to 30", "Program for slow"):
        assert said in text


def test_folds_are_checked_as_in_a_run(experiment):
    """Bad input is refused before anything is compiled."""
    with pytest.raises(hr.InputError, match="n_splits"):
        experiment.forecast(cv=1000)
