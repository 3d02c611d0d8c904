"""Results show themselves: charts, frames, pages and notebooks of real trainings."""

from __future__ import annotations

import html
import json

import keras
import polars as pl
import pytest
from sklearn.dummy import DummyClassifier

import homeroom as hr
from homeroom.store import open_store


@pytest.fixture
def run(experiment, softmax):
    entered = experiment().add("net", softmax).add("guess", DummyClassifier())
    return entered.run(cv=3, epochs=3, verbose=0)


def is_chart(chart):
    return "$schema" in json.loads(chart.to_json())


def is_printed(result, words):
    """Whether its text has the words, and a shell shows the first line of it."""
    text = str(result)
    return words in text and text.splitlines()[0] in repr(result) and "=" not in text


def test_a_fit(softmax, flowers):
    """A fit has a chart, a frame of its epochs and a face in notebooks."""
    fit = hr.fit(softmax, *flowers, epochs=3, validation_split=0.25)
    assert is_chart(fit.plot())
    frame = fit.to_frame()
    assert frame.height == 3
    assert frame["val_loss"].to_list() == fit.history["val_loss"]
    assert fit.verdict.text in fit._repr_html_()
    assert is_printed(fit, fit.verdict.text)


def test_a_fit_without_validation_rows(softmax, flowers):
    """Without validation rows there is a chart all the same."""
    fit = hr.fit(softmax, *flowers, epochs=2)
    assert is_chart(fit.plot())
    assert fit._repr_html_()


def test_a_cross_validation(softmax, flowers):
    """A cross-validation has a chart of all folds and a row per training."""
    cv = hr.cross_validate(softmax, *flowers, cv=3, seeds=2, epochs=3)
    assert is_chart(cv.plot())
    frame = cv.to_frame()
    assert isinstance(frame, pl.DataFrame)
    assert frame.height == 6
    means = frame.group_by("fold").agg(pl.col("val_accuracy").mean())
    assert means["val_accuracy"].mean() == pytest.approx(cv.mean("val_accuracy"))
    assert "softmax" in cv._repr_html_()
    assert is_printed(cv, cv.verdict.text)


def test_verdict_and_face_know_the_baseline_alike(flowers):
    """A model that answers one class is underfitting, in `.verdict` and as shown."""

    def still():
        dense = keras.layers.Dense(3, "softmax", kernel_initializer="zeros")
        model = keras.Sequential([keras.Input((4,)), dense])
        sgd = keras.optimizers.SGD(0.0)
        model.compile(sgd, "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    cv = hr.cross_validate(still, *flowers, cv=3, epochs=3)
    assert cv.verdict.kind == "underfitting"
    assert cv.verdict.text in html.unescape(cv._repr_html_())


def test_estimators_have_no_curve(flowers):
    """Without epochs the result shows itself too."""
    cv = hr.cross_validate(DummyClassifier(), *flowers, cv=3)
    assert cv.verdict.kind == "no curve"
    assert cv.to_frame().height == 3
    assert cv.to_frame()["epochs"].null_count() == 3
    assert is_chart(cv.plot())
    assert cv._repr_html_()


def test_a_run(run, tmp_path):
    """A run has a leaderboard, a chart, a face and a report of one file."""
    board = run.leaderboard
    assert board["candidate"].to_list() == ["net", "guess"]
    assert is_chart(run.plot())
    assert "net" in run._repr_html_()
    assert is_printed(run, run.selection.candidate)
    chosen = run.selection.candidate
    assert repr(run.selection) == f"<Selection: {chosen}. {run.selection.reason}>"
    found = run.final_test()
    assert repr(found).startswith(f"<FinalTest: {chosen}, {found.metric.name} ")
    assert repr(found).endswith(f" on {found.n} rows>")
    path = run.report(tmp_path / "report.html")
    page = path.read_text(encoding="utf-8")
    assert run.selection.reason in html.unescape(page)
    assert f"{found.score:.3f}" in page


def test_a_stored_run_shows_what_the_run_shows(run, store):
    """What is read back from the store has the same leaderboard."""
    from homeroom import report

    view = report.run_view(open_store(store).read_run(run.id))
    assert report.leaderboard_frame(view).equals(run.leaderboard)


def test_progress_is_shown_when_asked_for(softmax, flowers, capsys):
    """verbose=1 writes to the standard error, verbose=0 nowhere."""
    hr.cross_validate(softmax, *flowers, cv=3, epochs=2, verbose=0)
    assert capsys.readouterr() == ("", "")
    hr.cross_validate(softmax, *flowers, cv=3, epochs=2, verbose=1)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "3 trainings" in shown.err
