"""Twenty passes over one paper against one pass over twenty."""

from __future__ import annotations

import numpy as np
import pytest

import homeroom as hr
from homeroom.errors import InputError, LeakageError
from homeroom.records import MemberEnded


@pytest.fixture(scope="module")
def noisy():
    """A line through one column in much noise: few rows tell little."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(400, 8)).astype(np.float32)
    y = (x @ rng.normal(size=8) + rng.normal(0, 1, 400)).astype(np.float32)
    return x, y


@pytest.fixture(scope="module")
def linear(keras):
    """Linear regression on eight columns."""

    def linear():
        model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.05), loss="mse", metrics=["mae"])
        return model

    return linear


def test_every_training_has_as_many_updates(noisy, linear):
    """Rows times passes is the same everywhere, so are updates and first weights."""
    seen = []

    def listen(event):
        if isinstance(event, MemberEnded):
            seen.append(event.member)

    study = hr.passes_study(linear, *noisy, papers=6, repeats=2, listener=listen)
    assert study.passes == (1, 2, 3, 6)
    assert {n * rows for n, rows in zip(study.passes, study.rows, strict=True)} == {
        study.rows[0]
    }
    assert {member.n_updates for member in seen} == {study.n_updates}
    seen.sort(key=lambda member: member.fold)
    first = [member.initial_weights for member in seen]
    assert len(set(first[:4])) == len(set(first[4:])) == 1
    assert first[0] != first[4]


def test_more_rows_are_better_where_rows_are_noisy(noisy, linear):
    """With as many updates, 20 papers read once beat one paper read 20 times."""
    study = hr.passes_study(linear, *noisy, repeats=8, batch_size=7, verbose=0)
    means = [np.mean(each) for each in study.scores]
    assert means[0] < means[-1]  # an error
    assert study.gain.answer == "better"
    assert study.gain.difference == pytest.approx(means[0] - means[-1])
    text = str(study)
    assert text.startswith("Reading 280 rows once is better than 14 rows 20 times")
    assert study.to_frame().height == 6 * 8
    assert "passes" in study._repr_html_()
    assert study.plot().to_dict()


def test_copies_are_worth_nothing(noisy, linear):
    """Where all papers are copies of one, reading them once is reading one often."""
    x, y = noisy
    x, y = np.tile(x[:14], (30, 1)), np.tile(y[:14], 30)
    with pytest.raises(LeakageError, match="copy"):
        hr.passes_study(linear, x, y, papers=5)
    study = hr.passes_study(
        linear, x, y, papers=5, repeats=6, validation_size=0.2, overrule=["duplicates"]
    )
    assert study.gain.answer in {"equal", "open"}
    low, high = study.gain.interval.low, study.gain.interval.high
    assert low < 0 < high


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"papers": 1}, "papers=1"),
        ({"papers": 1000}, "280 training rows cannot be cut into 1000"),
        ({"repeats": 1}, "repeats=1"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"validation_size": 2}, "validation_size=2"),
    ],
)
def test_what_makes_no_sense_is_refused(noisy, linear, changes, told):
    """One clear error before anything is trained."""
    with pytest.raises(InputError, match=told):
        hr.passes_study(linear, *noisy, **changes)


def test_estimators_have_no_passes(noisy):
    """A scikit-learn estimator is refused by what it is."""
    from sklearn.linear_model import Ridge

    with pytest.raises(InputError, match="not trained in passes"):
        hr.passes_study(Ridge(), *noisy)
