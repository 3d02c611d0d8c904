"""Members after the second are drawn without building a model, to the last bit."""

from __future__ import annotations

import random
from functools import partial

import jax.numpy as jnp
import keras
import numpy as np
import pytest
from keras import layers

from homeroom import engine, seeding
from homeroom.engine import recipe, shared, template
from homeroom.engine.shared import Shared

from . import plain
from .zoo import BATCH_SIZE, FEATURES, ZOO, classifier, dense, member

TRAINING = engine.Training(epochs=1, batch_size=BATCH_SIZE, keep_weights=True)


def drawn(build, arrays, seed):
    model = template.draw(build, seed, arrays, BATCH_SIZE)
    return recipe.Drawn(seed, model, template.state_of(model))


def values(state):
    return [[np.asarray(v).tobytes() for v in part] for part in state]


@pytest.mark.parametrize("name", sorted(ZOO))
def test_a_third_model_needs_its_seed_only(name):
    """Of two models of any kind follows what a third begins with, bit for bit."""
    build, arrays = ZOO[name].build, ZOO[name].arrays
    found = recipe.learn(*(drawn(build, arrays, seed) for seed in (3, 4)))
    assert found is not None
    third = drawn(build, arrays, 5)
    assert values(found.state(5)) == values(third.state)
    assert values(found.state(5)) != values(found.state(6))


def numpy_weights():
    model = dense()
    kernel = model.layers[0].kernel
    kernel.assign(np.random.normal(size=kernel.shape))  # noqa: NPY002 - what a user does
    return model


def python_width():
    return classifier(layers.Dense(random.choice((4, 4)), activation="relu"))


def global_generator():
    model = dense()
    kernel = model.layers[0].kernel
    kernel.assign(keras.random.normal(kernel.shape))
    return model


def a_new_scale():
    """Its models differ by how often it was called."""
    a_new_scale.calls += 1
    scale = float(a_new_scale.calls)
    return classifier(
        layers.Dense(4, bias_initializer=keras.initializers.Constant(scale))
    )


a_new_scale.calls = 0


@pytest.mark.parametrize(
    "build", [numpy_weights, python_width, global_generator, a_new_scale]
)
def test_other_random_numbers_have_no_recipe(build):
    """What draws from elsewhere is built anew each time, and stays what Keras gives."""
    arrays = ZOO["dense"].arrays
    assert recipe.learn(*(drawn(build, arrays, seed) for seed in (3, 4))) is None
    if build is a_new_scale:
        return
    members = [member(build, seed=seed) for seed in (1, 2, 3, 4)]
    for each, outcome in zip(members, engine.train(members, TRAINING), strict=True):
        assert plain.same(outcome, plain.fit(each, TRAINING)) == []


def test_seeds_that_are_given_stay():
    """A layer that is told its seed has the same weights in every model."""

    def build():
        kernel = keras.initializers.GlorotUniform(seed=7)
        return classifier(
            layers.Dense(4, kernel_initializer=kernel),
            layers.Dropout(0.3, seed=11),
            layers.Dropout(0.3),
        )

    arrays = ZOO["dense"].arrays
    found = recipe.learn(*(drawn(build, arrays, seed) for seed in (3, 4)))
    assert values(found.state(9)) == values(drawn(build, arrays, 9).state)
    first, other = found.state(9), found.state(10)
    assert np.array_equal(first[0][0], other[0][0])
    assert np.array_equal(first[1][0], other[1][0])
    assert not np.array_equal(first[1][1], other[1][1])


def test_a_model_function_is_called_twice_however_many_members():
    """Forty members of one function build two models."""
    calls = []

    def build():
        calls.append(1)
        return dense()

    outcomes = engine.train([member(build, seed=i) for i in range(40)], TRAINING)
    assert len(calls) == 2
    assert len({outcome.initial_weights for outcome in outcomes}) == 40


def test_what_is_known_of_a_function_holds_for_other_hyperparameters():
    """Once two models were built, every further trial of the function builds one."""
    calls = []

    def build(rate):
        calls.append(rate)
        return classifier(layers.Dense(4), layers.Dropout(rate))

    def trial(rate):
        return [member(build, seed=seed, rate=rate) for seed in (1, 2, 3)]

    engine.train(trial(0.1), TRAINING)
    outcomes = engine.train(trial(0.2) + trial(0.3), TRAINING)
    assert calls == [0.1, 0.1, 0.2, 0.3]
    for each, outcome in zip(trial(0.2) + trial(0.3), outcomes, strict=True):
        assert plain.same(outcome, plain.fit(each, TRAINING)) == []


def test_a_function_that_changed_between_calls_is_believed():
    """What was learned in one call is given up when the function has changed."""
    scale = [1.0]

    def build():
        start = keras.initializers.RandomNormal(stddev=scale[0])
        return classifier(layers.Dense(4, kernel_initializer=start))

    members = [member(build, seed=seed) for seed in (1, 2, 3)]
    engine.train(members, TRAINING)
    scale[0] = 0.1
    for each, outcome in zip(members, engine.train(members, TRAINING), strict=True):
        assert plain.same(outcome, plain.fit(each, TRAINING)) == []


def test_partials_are_told_by_what_they_hold():
    """Partials of one function with equal arguments do the same; True is not 1."""
    key = recipe.function_key
    assert key(partial(dense, 4, x=(1, 2))) == key(partial(dense, 4, x=(1, 2)))
    assert key(partial(dense, 1)) != key(partial(dense, True))
    assert key(partial(dense, x=(1,))) != key(partial(dense, x=(1.0,)))
    assert key(partial(dense, x=FEATURES)) != key(partial(dense, x=FEATURES))
    assert key(dense) != key(numpy_weights)


def test_default_seeds_are_keras_s_own():
    """The seeds are those that Keras draws, and whatever else is drawn is noticed."""
    from keras.src.random.seed_generator import make_default_seed

    with seeding.preserved_global_randomness():
        keras.utils.set_random_seed(5)
        seeds = tuple(make_default_seed() for _ in range(4))
        assert seeds == seeding.default_seeds(5, 4)
        assert seeding.only_default_seeds(5, 4)
        assert not seeding.only_default_seeds(5, 3)
        random.random()
        assert not seeding.only_default_seeds(5, 4)
        keras.utils.set_random_seed(5)
        np.random.random()  # noqa: NPY002 - what a user does
        assert not seeding.only_default_seeds(5, 0)


def test_candidates_of_a_fold_have_their_weights_drawn_once(monkeypatch):
    """The same initializer, shape and seed: one drawing; else another, bit for bit."""
    monkeypatch.setattr(recipe, "_drawn", Shared())
    fresh, real = [], recipe._Weights._fresh
    monkeypatch.setattr(
        recipe._Weights, "_fresh", lambda *a: fresh.append(1) or real(*a)
    )

    def build(scale=0.1, units=4):
        start = keras.initializers.RandomNormal(stddev=scale)
        return classifier(layers.Dense(units, kernel_initializer=start))

    arrays = ZOO["dense"].arrays
    for each, n in ((build, 2), (partial(build), 0), (partial(build, 0.2), 1)):
        found = recipe.learn(*(drawn(each, arrays, seed) for seed in (3, 4)))
        fresh.clear()
        assert values(found.state(5)) == values(drawn(each, arrays, 5).state)
        assert len(fresh) == n
    for other in (partial(build, units=2**16), partial(build, jnp.float32(0.1))):
        found = recipe.learn(*(drawn(other, arrays, seed) for seed in (3, 4)))
        fresh.clear()
        found.state(5)
        found.state(5)
        assert len(fresh) >= 2


def test_what_was_drawn_long_ago_is_forgotten():
    """However many seeds there are, the drawings that are kept are few."""
    one = np.zeros(8)
    kept = Shared(most_bytes=3 * (one.nbytes + shared._EACH_BYTES))
    for key in (1, 2, 3, 1, 4, 5):
        kept.once(key, lambda: (one.copy(),))
    assert [key for (key,) in kept._kept] == [1, 4, 5]
