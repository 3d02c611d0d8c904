"""Fresh starts, the same batches for all, and preprocessing that cannot peek."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import StandardScaler

import homeroom as hr
from homeroom import data, engine, seeding, splits
from homeroom.engine import template
from homeroom.protocol import member as members
from homeroom.protocol.candidate import as_candidate


@pytest.fixture
def plan_of(flowers):
    def make(cv=3, preprocess=None, n_seeds=2, models=(), seed=5):
        dataset = data.from_arrays(*flowers)
        plan = splits.make_plan(cv, dataset, seed=seed)
        return plan, members.assign(
            [as_candidate(model, {}, name) for name, model in models],
            dataset,
            plan.folds,
            n_seeds=n_seeds,
            seed=seed,
            preprocess=preprocess,
        )

    return make


def fresh_fingerprint(function, seed, x, y):
    arrays = engine.Arrays(x, y)
    model = template.build(function, seed, arrays, 32)
    return template.weights_fingerprint(template.state_of(model))


def test_every_fold_starts_from_fresh_weights(net, flowers):
    """Each training starts as its own seed builds it, never as a former one ended."""
    x, y = flowers
    found = hr.cross_validate(net, x, y, cv=3, seeds=2, epochs=2).members
    for one in found:
        assert one.initial_weights == fresh_fingerprint(net, one.seed, x, y)
    assert len({one.initial_weights for one in found}) == 6
    ends = {one.final_weights for one in found}
    assert len(ends) == 6
    assert ends.isdisjoint(one.initial_weights for one in found)


def test_a_training_does_not_depend_on_the_others(net, flowers):
    """Lanes and neighbours change nothing: one lane and two give the same records."""
    x, y = flowers
    one, two = (
        hr.cross_validate(net, x, y, cv=3, epochs=2, lanes=lanes).members
        for lanes in (1, 2)
    )
    assert [m.history for m in one] == [m.history for m in two]
    assert [m.final_weights for m in one] == [m.final_weights for m in two]


def test_all_candidates_see_the_same_folds_and_batches(net, softmax, plan_of):
    """The rows and the batch order of a fold and seed are every candidate's own."""
    plan, assignments = plan_of(models=[("net", net), ("softmax", softmax)])
    assert len(assignments) == 2 * 3 * 2
    by_candidate = {}
    for a in assignments:
        by_candidate.setdefault(a.candidate.name, []).append(a)
    for a, b in zip(by_candidate["net"], by_candidate["softmax"], strict=True):
        assert (a.fold, a.seed_index) == (b.fold, b.seed_index)
        assert a.member.order_seed == b.member.order_seed
        assert a.member.seed == b.member.seed
        for part in ("train_rows", "validation_rows"):
            np.testing.assert_array_equal(
                getattr(a.member, part), getattr(b.member, part)
            )
        np.testing.assert_array_equal(a.member.train_rows, plan.folds[a.fold].train)
    seeds = {a.member.order_seed for a in by_candidate["net"]}
    assert len(seeds) == 6


class Spy(TransformerMixin, BaseEstimator):
    """A transformer that notes the rows it was fitted on."""

    seen: ClassVar[list] = []

    def fit(self, x, y=None):
        Spy.seen.append(np.array(x))
        self.fitted_ = True
        return self

    def transform(self, x):
        return np.asarray(x)


def test_preprocessing_is_fitted_on_the_training_rows_only(softmax, flowers, plan_of):
    """The transformer of a fold was shown that fold's training rows and no other."""
    x, _ = flowers
    Spy.seen = []
    plan, _ = plan_of(models=[("softmax", softmax)], preprocess=Spy())
    assert len(Spy.seen) == 3
    for fold, seen in zip(plan.folds, Spy.seen, strict=True):
        np.testing.assert_array_equal(seen, x[fold.train])


def test_the_final_preprocessing_is_fitted_on_development_rows_only(
    experiment, softmax, flowers
):
    """The refit's transformer was shown all development rows and no test row."""
    x, y = flowers
    Spy.seen = []
    entered = experiment(preprocess=Spy()).add("net", softmax)
    with pytest.warns(UserWarning, match="cannot be stored safely"):
        entered.run(cv=3, epochs=1, verbose=0)
    development = splits.partition(
        data.from_arrays(x, y), test_size=0.25, seed=7
    ).development
    assert [len(seen) for seen in Spy.seen] == [60, 60, 60, 90]
    np.testing.assert_array_equal(Spy.seen[-1], x[development])


def test_preprocessing_that_draws_is_repeatable(softmax, flowers):
    """An open random_state follows from the seed, and not from NumPy's global state."""
    from sklearn.random_projection import GaussianRandomProjection

    def scores(state):
        np.random.seed(state)  # noqa: NPY002 - what is left open draws from here
        found = hr.cross_validate(
            softmax,
            *flowers,
            cv=3,
            epochs=1,
            preprocess=GaussianRandomProjection(4),
        )
        unmoved = np.random.get_state()[1]  # noqa: NPY002
        np.random.seed(state)  # noqa: NPY002
        assert (unmoved == np.random.get_state()[1]).all()  # noqa: NPY002
        return [member.scores["val_loss"] for member in found.members]

    assert scores(1) == scores(2)


def test_an_outlier_to_validate_on_moves_no_scaler(softmax, flowers):
    """A huge value among a fold's validation rows leaves its training as it was."""
    x, y = flowers
    plan = splits.make_plan(3, data.from_arrays(x, y), seed=0)
    pairs = [(fold.train, fold.validation) for fold in plan.folds]
    spoiled = x.copy()
    spoiled[pairs[0][1][0], 0] = 1e6
    clean, changed = (
        hr.cross_validate(
            softmax, rows, y, cv=pairs, epochs=3, preprocess=StandardScaler()
        ).members
        for rows in (x, spoiled)
    )
    assert clean[0].final_weights == changed[0].final_weights
    assert clean[0].history.series["loss"] == changed[0].history.series["loss"]
    assert clean[0].history.series["val_loss"] != changed[0].history.series["val_loss"]
    assert clean[1].final_weights != changed[1].final_weights


def test_evaluation_changes_nothing(keras, flowers):
    """Weights and statistics are the same before and after every measurement."""

    def normalized():
        model = keras.Sequential([
            keras.Input((4,)),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(3, activation="softmax"),
        ])
        model.compile("sgd", "sparse_categorical_crossentropy")
        return model

    found = hr.cross_validate(normalized, *flowers, cv=3, epochs=2).members
    assert not any(one.evaluation_changed_state for one in found)


def test_evaluation_that_does_change_something_is_seen(keras, flowers):
    """A layer that counts its calls during evaluation is told of in the record."""

    class Counter(keras.layers.Layer):
        def build(self, shape):
            self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x):
            self.calls.assign_add(1.0)
            return x

    def counting():
        model = keras.Sequential([
            keras.Input((4,)),
            Counter(),
            keras.layers.Dense(3, activation="softmax"),
        ])
        model.compile("sgd", "sparse_categorical_crossentropy")
        return model

    found = hr.cross_validate(counting, *flowers, cv=3, epochs=1).members
    assert all(one.evaluation_changed_state for one in found)


def test_the_test_score_has_no_part_in_the_choice(experiment, net, softmax, flowers):
    """Test rows that no model gets right change the final score and no choice."""
    x, y = flowers
    rows = splits.partition(data.from_arrays(x, y), test_size=0.25, seed=7).test
    reversed_x = x.copy()
    reversed_x[rows] *= -1
    runs = [
        experiment(features, y)
        .add("net", net)
        .add("softmax", softmax)
        .run(cv=3, epochs=3, verbose=0)
        for features in (x, reversed_x)
    ]
    tests = [run.final_test() for run in runs]
    assert runs[0].selection == runs[1].selection
    assert tests[0].score > tests[1].score + 0.3


def test_seeds_are_named_paths(flowers, softmax):
    """A member's seed is what its fold and number derive, whoever else runs."""
    found = hr.cross_validate(softmax, *flowers, cv=3, seeds=2, seed=9).members
    assert [one.seed for one in found] == [
        seeding.derive(9, "weights", fold, i) for fold in range(3) for i in range(2)
    ]
