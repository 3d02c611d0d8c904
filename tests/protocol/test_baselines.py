"""Baselines always run beside the candidates, and never take part in the choice."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from homeroom import report, splits
from homeroom.protocol import baselines


def _scores(run, name):
    return [
        m.scores[run.record.metric.validation_key]
        for m in run.record.baselines
        if m.candidate == name
    ]


def test_they_are_what_scikit_learn_gives(experiment, net, softmax):
    """Each score is that of the named estimator on the run's own folds."""
    entered = experiment().add("net", net)
    run = entered.run(cv=3, seeds=2, epochs=3, verbose=0)
    rows = entered._development
    plan = splits.make_plan(3, rows, seed=7)
    for name, model in (
        ("most frequent class", DummyClassifier(strategy="prior")),
        ("linear model", LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")),
    ):
        expected = [
            model.fit(rows.x[f.train], rows.y[f.train]).score(
                rows.x[f.validation], rows.y[f.validation]
            )
            for f in plan.folds
        ]
        assert _scores(run, name) == pytest.approx(expected)
    assert {c.name for c in run.record.candidates} == {"net"}
    assert run.selection.n_compared == 1


def test_a_regression_has_the_mean_and_a_ridge(experiment, straight, line):
    """The line is scaled ridge regression; it beats the mean by far here."""
    entered = experiment(*line).add("straight", straight)
    run = entered.run(cv=3, epochs=5, metric="mae", verbose=0)
    rows = entered._development
    plan = splits.make_plan(3, rows, seed=7)
    model = make_pipeline(StandardScaler(), Ridge())
    y = rows.y.reshape(-1)
    expected = [
        np.abs(model.fit(rows.x[f.train], y[f.train]).predict(rows.x[f.validation])
               - y[f.validation]).mean()
        for f in plan.folds
    ]  # fmt: skip
    assert _scores(run, "linear model") == pytest.approx(expected, rel=1e-4)
    assert min(_scores(run, "mean")) > max(expected)


def test_what_costs_nothing_is_said(experiment, net, flowers):
    """Where no label can be known, the report says that guessing is as good."""
    x, y = flowers
    noise = np.random.default_rng(2).permutation(y)
    run = experiment(x, noise).add("net", net).run(cv=3, epochs=30, verbose=0)
    view = report.run_view(run.record)
    assert "answering the most frequent class" in view.reference
    assert "net is not shown to be better than" in view.reference
    assert view.candidates[0].verdict == "no better than the baseline"
    assert "기준선" in view.candidates[0].verdict_korean


def test_images_are_flattened_and_tokens_have_no_line(experiment, keras, flowers):
    """Numbers in any shape get a line; whole numbers may be codes, so they get none."""
    x, y = flowers

    def images():
        model = keras.Sequential([
            keras.Input((2, 2)),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="softmax"),
        ])
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    run = experiment(x.reshape(-1, 2, 2), y).add("one", images).run(cv=2, verbose=0)
    assert len(_scores(run, "linear model")) == 2
    tokens = (x > 0).astype(np.int32).reshape(-1, 2, 2)
    run = experiment(tokens, y).add("one", images).run(cv=2, verbose=0)
    assert _scores(run, "linear model") == []
    assert len(_scores(run, "most frequent class")) == 2


def test_a_line_that_is_not_for_nothing_is_left_out(
    experiment, net, monkeypatch
):  # fmt: skip
    """Wide rows would cost more than the candidates: then there is no line."""
    monkeypatch.setattr(baselines, "_MOST_WORK", 1000)
    run = experiment().add("net", net).run(cv=2, epochs=1, verbose=0)
    assert _scores(run, "linear model") == []
    assert len(_scores(run, "most frequent class")) == 2
