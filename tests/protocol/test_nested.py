"""hr.nested_cross_validate: searches inside, one honest score outside."""

from __future__ import annotations

import math
import statistics
from dataclasses import replace

import keras
import msgspec
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neighbors import KNeighborsClassifier

import homeroom as hr
from homeroom.errors import FitError, InputError
from homeroom.protocol import Interrupted
from homeroom.protocol.inside import inner_plan
from homeroom.records import INTERRUPTED, EpochEnded, TrialEnded

RATES = {"learning_rate": hr.log_uniform(1e-3, 1.0)}
PLAN = {"outer_cv": 4, "cv": 3, "n_trials": 4, "epochs": 6, "seed": 5, "verbose": 0}


@pytest.fixture(scope="module")
def nested(softmax, flowers):
    return hr.nested_cross_validate(softmax, RATES, *flowers, seeds=2, **PLAN)


def told(nested):
    """What must not depend on anything but the arguments."""
    inner = [
        (trial.hyperparameters, trial.state, [m.final_weights for m in trial.members])
        for search in nested.searches
        for trial in search.trials
    ]
    return inner, [m.final_weights for m in nested.outer.members]


def test_inner_and_outer_scores_are_what_their_names_say(nested):
    """Inner: the mean of what searches report; outer: the mean over the outer folds."""
    bests = [search.best_score for search in nested.searches]
    assert nested.inner_best == pytest.approx(statistics.mean(bests), abs=1e-12)
    scores = [m.scores["val_accuracy"] for m in nested.outer.members]
    assert len(scores) == 8
    assert nested.score == pytest.approx(statistics.mean(scores), abs=1e-12)
    flattery = nested.inner_best - nested.score
    assert nested.optimism == pytest.approx(flattery, abs=1e-12)
    assert nested.interval == nested.outer.interval()
    assert nested.best_params == tuple(s.best_params for s in nested.searches)


def test_outer_rows_take_part_in_nothing(flowers, net):
    """Other labels and values in the rows of an outer fold change no search of it."""
    x, y = flowers
    folds = [(np.arange(30, 120), np.arange(30)), (np.arange(90), np.arange(90, 120))]
    plan = PLAN | {"outer_cv": folds, "n_trials": 3}
    rates = {"dropout": [0.0, 0.3, 0.5]}
    first = hr.nested_cross_validate(net, rates, x, y, **plan)
    poisoned_x, poisoned_y = x.copy(), y.copy()
    poisoned_x[:30] = 1e3
    poisoned_y[:30] = (y[:30] + 1) % 3
    second = hr.nested_cross_validate(net, rates, poisoned_x, poisoned_y, **plan)
    mine, theirs = first.searches[0], second.searches[0]
    assert mine.best_params == theirs.best_params
    for a, b in zip(mine.trials, theirs.trials, strict=True):
        assert [m.final_weights for m in a.members] == [
            m.final_weights for m in b.members
        ]
    outer = [n.outer.members[0] for n in (first, second)]
    assert outer[0].final_weights == outer[1].final_weights
    assert outer[0].scores["val_accuracy"] != outer[1].scores["val_accuracy"]


def test_inner_folds_are_cut_from_the_training_rows_of_the_outer_fold(flowers):
    """Inner train and validation rows are the outer training rows, each once."""
    from homeroom import data, splits

    dataset = data.from_arrays(*flowers)
    outer = splits.make_plan(4, dataset, seed=1)
    for fold in outer.folds:
        inner = inner_plan(3, dataset, fold, seed=1)
        for each in inner.folds:
            rows = np.concatenate([each.train, each.validation])
            assert sorted(rows) == sorted(fold.train)


def test_groups_stay_together_inside_too(flowers, softmax):
    """An inner fold never has a group on both sides."""
    from homeroom import data, splits

    groups = np.arange(120) // 4
    dataset = data.from_arrays(*flowers, groups=groups)
    outer = splits.make_plan(4, dataset, seed=1)
    for fold in outer.folds:
        for each in inner_plan(3, dataset, fold, seed=1).folds:
            assert not {*groups[each.train]} & {*groups[each.validation]}


def test_an_outer_training_is_as_long_as_the_inner_ones(nested):
    """Updates, not epochs, are carried over: more rows, fewer epochs."""
    for search, fold in zip(nested.searches, nested.outer.plan.folds, strict=True):
        updates = statistics.median(m.n_updates for m in search.best_trial.members)
        per_epoch = -(-fold.n_train // 32)
        expected = max(1, round(updates / per_epoch))
        mine = [m for m in nested.outer.members if m.fold == fold.fold]
        assert {m.history.n_epochs for m in mine} == {expected}


def test_lanes_and_repetition_change_nothing(nested, softmax, flowers):
    """The same arguments give the same searches and scores, on one lane or two."""
    again = hr.nested_cross_validate(softmax, RATES, *flowers, seeds=2, lanes=1, **PLAN)
    assert told(again) == told(nested)


def test_a_grid_over_an_estimator_is_scikit_learns(flowers):
    """With given folds the outer scores are those of GridSearchCV in a loop."""
    x, y = flowers
    grid = {"C": [0.01, 1.0]}
    outer = StratifiedKFold(3)
    pairs = list(outer.split(x, y))
    mine = hr.nested_cross_validate(
        LogisticRegression(),
        grid,
        x,
        y,
        outer_cv=pairs,
        cv=StratifiedKFold(4),
        sampler="grid",
        prune=False,
        verbose=0,
    )
    for (train, validation), member, found in zip(
        pairs, mine.outer.members, mine.best_params, strict=True
    ):
        search = GridSearchCV(LogisticRegression(), grid, cv=StratifiedKFold(4))
        search.fit(x[train], y[train])
        assert found == search.best_params_
        score = search.score(x[validation], y[validation])
        assert member.scores["val_accuracy"] == pytest.approx(score, abs=1e-7)


def test_on_noise_the_search_flatters_and_the_nested_interval_covers_chance():
    """Coin tosses: inner bests look better than chance, outer intervals cover it.

    Thirty datasets; Varma & Simon (2006) in small. An interval that covered with
    probability 0.8 only would miss this bound in most of such tests.
    """
    inner, outer, covered, told = [], [], 0, 0
    space = {"n_neighbors": [1, 2, 3, 5, 7, 9, 11, 15]}
    for seed in range(30):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(60, 6)).astype("float32")
        y = rng.permutation(np.repeat([0, 1], 30))
        found = hr.nested_cross_validate(
            KNeighborsClassifier(),
            space,
            x,
            y,
            outer_cv=5,
            cv=3,
            sampler="grid",
            prune=False,
            seed=seed,
            verbose=0,
        )
        inner.append(found.inner_best)
        outer.append(found.score)
        told += "too good by" in str(found)
        covered += found.interval.low <= 0.5 <= found.interval.high
    error = statistics.stdev(outer) / math.sqrt(30)
    assert abs(statistics.mean(outer) - 0.5) < 3 * error
    assert statistics.mean(inner) > 0.55
    assert covered >= 27
    assert told >= 15


def test_an_inner_search_says_that_it_has_no_model(nested):
    """What was searched on part of the rows ships nothing, and says where to look."""
    with pytest.raises(hr.FitError, match=r"homeroom\.tune makes one"):
        _ = nested.searches[0].model


def test_faces(nested, softmax):
    """Text, frame and HTML say the same numbers, with n and interval."""
    said = str(nested)
    assert "on rows that no search has seen (95 % interval" in said
    assert "Best in the outer folds: learning_rate" in said
    frame = nested.to_frame()
    assert frame["inner_best"].to_list() == [s.best_score for s in nested.searches]
    assert frame["outer"].mean() == pytest.approx(nested.score)
    assert frame["param_learning_rate"].to_list() == [
        params["learning_rate"] for params in nested.best_params
    ]
    page = nested._repr_html_()
    assert "nested cross-validation · 4 outer folds, 16 trials" in page
    assert page.count("<tr>") == 5


def test_a_search_that_did_not_flatter_says_so(nested):
    """When the outer score is better than the inner bests, no flattery is claimed."""
    from homeroom.report import nested_view

    view = nested_view(
        "net",
        nested.outer.summary(),
        inner=[nested.score - 0.1] * 4,
        expected=[0.01] * 4,
        hyperparameters=[{"units": 8}, {"units": 8}, {"units": 4}, {"units": 8}],
        trials=nested.searches[0].trials,
    )
    assert "10.0 points worse, so that no flattery shows" in view.verdict
    assert view.agreement == "Best in the outer folds: units 8 in 3 of 4."


def test_what_failed_inside_is_told(flowers):
    """Trials that failed are counted where the searches are summed up."""

    def net(units: int):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units)])
        model.add(keras.layers.Dense(3, activation="softmax"))
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    plan = {"outer_cv": 3, "cv": 2, "sampler": "grid", "verbose": 0}
    nested = hr.nested_cross_validate(net, {"units": [4, -3]}, *flowers, **plan)
    told = "3 outer folds, 6 trials, 3 failed, 6 trainings"
    assert told in str(nested)
    assert told in nested._repr_html_()


def test_an_outer_fold_without_a_score_is_named(nested):
    """It keeps its row, its reason is told, and means are over the other folds."""
    lost = 1
    failed = {"state": "FAILED", "scores": {}, "error": "the loss became nan"}
    members = tuple(
        msgspec.structs.replace(m, **failed) if m.fold == lost else m
        for m in nested.outer.members
    )
    damaged = replace(nested, outer=replace(nested.outer, members=members))
    frame = damaged.to_frame()
    assert frame["fold"].to_list() == [0, 1, 2, 3]
    assert frame["outer"].is_null().to_list() == [False, True, False, False]
    assert frame["inner_best"].to_list() == [s.best_score for s in nested.searches]
    scores = nested.outer.summary().fold_scores
    gaps = [
        search.best_score - score
        for fold, (search, score) in enumerate(
            zip(nested.searches, scores, strict=True)
        )
        if fold != lost
    ]
    assert damaged.optimism == pytest.approx(statistics.mean(gaps))
    for said in (str(damaged), damaged._repr_html_()):
        assert "3 outer folds of 4 have a score" in said
        assert "fold 2, seed 1: the loss became nan" in said


def test_bad_input_is_one_error_before_training(net, flowers):
    """What tune refuses is refused here, and so are searches without any score."""
    with pytest.raises(InputError, match="unitz"):
        hr.nested_cross_validate(net, {"unitz": [1]}, *flowers, **PLAN)
    with pytest.raises(InputError, match="no epochs"):
        hr.nested_cross_validate(
            LogisticRegression(),
            {"C": [1.0]},
            *flowers,
            early_stopping=hr.EarlyStopping(),
        )
    with pytest.raises(FitError, match="No outer fold of 'net' has a score"):
        hr.nested_cross_validate(
            net, {"learning_rate": [float("inf")]}, *flowers, **PLAN
        )


def test_ctrl_c_keeps_the_outer_folds_that_are_done(softmax, flowers, ctrl_c):
    """The searches made so far and their outer scores are in `.result`."""
    seen = []

    def stop(event):
        seen.append(event)
        if sum(isinstance(e, TrialEnded) for e in seen) == 5:
            ctrl_c()

    plan = PLAN | {"epochs": 200}
    with pytest.raises(Interrupted) as caught:
        hr.nested_cross_validate(softmax, RATES, *flowers, listener=stop, **plan)
    result = caught.value.result
    assert len(result.searches) == 2
    assert len(result.outer.members) == 1
    assert len(result.searches[0].trials) == 4


def test_ctrl_c_in_a_training_ends_its_search(softmax, flowers, ctrl_c):
    """A training that was interrupted leaves its trial so, and nothing follows."""

    def stop(event):
        if isinstance(event, EpochEnded) and event.epoch == 40:
            ctrl_c()

    plan = PLAN | {"epochs": 30_000}
    with pytest.raises(Interrupted) as caught:
        hr.nested_cross_validate(softmax, RATES, *flowers, listener=stop, **plan)
    [search] = caught.value.result.searches
    assert INTERRUPTED in {trial.state for trial in search.trials}
    assert caught.value.result.outer.members == ()
    assert str(caught.value.result) == "No outer fold of 'softmax' has been scored."
