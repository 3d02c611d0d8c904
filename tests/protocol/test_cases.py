"""The lesson's cases: what each way to choose says, held against fresh rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

import homeroom as hr
from homeroom.errors import FitError, InputError
from homeroom.protocol import cases

MODELS = {
    "stiff": LogisticRegression(C=0.001),
    "free": LogisticRegression(C=10.0),
    "near": KNeighborsClassifier(3),
}


@pytest.fixture(scope="module")
def study(flowers):
    """Four repeats of the five ways on the flowers."""
    x, y = flowers
    return hr.selection_study(MODELS, x, y, repeats=4, cv=3, seed=5, verbose=0)


def test_every_way_chose_in_every_repeat(study):
    """Five ways, a choice and three scores per repeat, and all trainings counted."""
    assert [way.name for way in study.ways] == [
        "the test rows",
        "one validation part",
        "cross-validation",
        "nested cross-validation",
        "cross-validation, then the test",
    ]
    assert study.n_trainings == 4 * 3 * (3 + 3 + 9)
    frame = study.to_frame()
    assert frame.height == 5 * 4
    assert set(frame["chosen"]) <= set(MODELS)
    assert (study.n_known, study.n_test, study.n_fresh) == (60, 12, 60)


def test_the_scores_are_those_of_scikit_learn(study, flowers):
    """Every number of one repeat, made again by hand with scikit-learn."""
    x, y = flowers
    repeat = 1
    cuts = {
        cut.part: cut.fold
        for cut in cases._cuts(
            hr.protocol.cases.data.from_arrays(x, y), repeat, 3, 0.2, 0.5, 5
        )
    }

    def score(part, name):
        fold = cuts[part]
        model = clone(MODELS[name]).fit(x[fold.train], y[fold.train])
        return model.score(x[fold.validation], y[fold.validation])

    def best(scores):
        return max(scores, key=scores.get)

    def over(parts, name):
        return np.mean([score(part, name) for part in parts])

    folds = [("fold", k) for k in range(3)]
    fresh = {name: score(("fresh",), name) for name in MODELS}
    tested = {name: score(("test",), name) for name in MODELS}
    part = {name: score(("fold", 0), name) for name in MODELS}
    crossed = {name: over(folds, name) for name in MODELS}
    nested = np.mean([
        score(
            ("fold", k),
            best({n: over([("inner", k, j) for j in range(3)], n) for n in MODELS}),
        )
        for k in range(3)
    ])
    expected = {
        "the test rows": (best(tested), max(tested.values()), fresh[best(tested)]),
        "one validation part": (
            best(part), max(part.values()), score(("part fresh",), best(part))
        ),
        "cross-validation": (
            best(crossed), max(crossed.values()), fresh[best(crossed)]
        ),
        "nested cross-validation": (best(crossed), nested, fresh[best(crossed)]),
        "cross-validation, then the test": (
            best(crossed), tested[best(crossed)], fresh[best(crossed)]
        ),
    }  # fmt: skip
    for way in study.ways:
        chosen, reported, true = expected[way.name]
        assert way.chosen[repeat] == chosen
        assert way.reported[repeat] == pytest.approx(reported)
        assert way.fresh[repeat] == pytest.approx(true)
        assert way.best[repeat] == pytest.approx(max(fresh.values()))


def test_no_row_is_fresh_and_known(flowers):
    """Fresh rows are in no training, in no fold and not in the test."""
    x, y = flowers
    dataset = cases.data.from_arrays(x, y)
    for repeat in range(3):
        cuts = cases._cuts(dataset, repeat, 3, 0.2, 0.5, 0)
        fresh = set(next(c.fold.validation for c in cuts if c.part == ("fresh",)))
        test = set(next(c.fold.validation for c in cuts if c.part == ("test",)))
        for cut in cuts:
            assert not fresh & set(cut.fold.train)
            assert not test & set(cut.fold.train)
            assert not set(cut.fold.train) & set(cut.fold.validation)
            if cut.part[0] in {"fold", "inner"}:
                assert not (fresh | test) & set(cut.fold.validation)


def test_equal_trainings_are_one_model(flowers, net):
    """What is scored on the test and on fresh rows has the same weights."""
    x, y = flowers
    seen = {}

    def listen(event):
        if isinstance(event, hr.protocol.cases.trials.MemberEnded):
            seen[event.member.candidate, event.member.fold] = event.member

    models = {"a": net, "b": lambda: net(4)}
    hr.selection_study(models, x, y, repeats=2, cv=2, epochs=2, listener=listen)
    for name in models:
        for first in (0, 3 + 2 + 4):  # of each repeat: test, fresh, part fresh, folds
            weights = [seen[name, first + i].final_weights for i in range(4)]
            assert weights[0] == weights[1] != weights[2]
            assert weights[2] == weights[3]  # one validation part, and on fresh rows


def test_the_best_of_many_guesses_promises_too_much():
    """On coin-toss labels the test rows, chosen by, promise skill; fresh rows none."""
    rng = np.random.default_rng(8)
    x, y = rng.normal(size=(160, 6)), rng.integers(0, 2, 160)
    models = {f"guess {i}": KNeighborsClassifier(2 * i + 1) for i in range(8)}
    study = hr.selection_study(models, x, y, repeats=12, cv=3, verbose=0)
    by_test, _, _, nested, sealed = study.summaries
    assert by_test.error > 0.05
    assert abs(nested.error) < 0.05
    assert abs(sealed.error) < 0.06
    assert by_test.error > sealed.error
    assert "the test rows" in str(study)
    assert "the test rows" in study._repr_html_()
    assert study.plot().to_dict()


def test_an_error_that_is_too_small_promises_too_much(line):
    """For an error, reporting less than the truth counts as too good."""
    x, y = line
    from sklearn.linear_model import Ridge
    from sklearn.neighbors import KNeighborsRegressor

    models = {"ridge": Ridge(), "near": KNeighborsRegressor(1)}
    study = hr.selection_study(models, x, y, repeats=3, cv=2, metric="mae", verbose=0)
    for way, summary in zip(study.ways, study.summaries, strict=True):
        expected = np.mean(np.subtract(way.fresh, way.reported))
        assert summary.error == pytest.approx(expected)
        assert summary.lost >= -1e-12 or way.name == "one validation part"


def test_a_candidate_that_fails_is_left_out_and_said(flowers):
    """The others are compared without it, and the reason is shown."""
    x, y = flowers
    models = {**MODELS, "broken": KNeighborsClassifier(1000)}
    study = hr.selection_study(models, x, y, repeats=2, cv=2, verbose=0)
    assert set(study.excluded) == {"broken"}
    assert "broken is left out" in study._repr_html_()
    only = {"a": KNeighborsClassifier(1000), "b": KNeighborsClassifier(999)}
    with pytest.raises(FitError, match="Every candidate failed"):
        hr.selection_study(only, x, y, repeats=2, cv=2, verbose=0)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"models": {"one": DummyClassifier()}}, "two candidates"),
        ({"models": [DummyClassifier()]}, "two candidates"),
        ({"repeats": 1}, "repeats=1"),
        ({"cv": 1}, "cv=1"),
        ({"fresh_size": 1.5}, "size=1.5"),
    ],
)
def test_what_makes_no_sense_is_refused(flowers, changes, told):
    """One clear error before anything is trained."""
    x, y = flowers
    arguments = {"models": MODELS, "repeats": 2, "cv": 2, **changes}
    with pytest.raises(InputError, match=told):
        hr.selection_study(arguments.pop("models"), x, y, **arguments)
