"""A member's outcome is its own: neither others nor the caller see anything of it."""

from __future__ import annotations

import random

import keras
import numpy as np
import pytest
from keras import layers

from homeroom import engine
from homeroom.engine import template

from . import plain
from .zoo import N_TRAIN, ZOO, dense, dropout, member, regressor, retyped

TRAINING = engine.Training(epochs=2, batch_size=16, keep_weights=True)


def told(outcomes):
    """Return everything about outcomes that must not depend on their company."""
    return [
        (
            o.initial_weights,
            o.final_weights,
            o.history.series,
            o.scores,
            [w.tobytes() for w in o.weights.optimizer],
        )
        for o in outcomes
    ]


@pytest.fixture(scope="module")
def members():
    return [
        member(build, seed=seed, split=split)
        for build in (dropout, dense)
        for seed in (1, 2)
        for split in (0, 1)
    ]


@pytest.fixture(scope="module")
def together(members):
    return told(engine.train(members, TRAINING, lanes=2))


def test_the_order_of_members_changes_nothing(members, together):
    """Backwards, each member comes to the same outcome, in the place it was given."""
    backwards = told(engine.train(members[::-1], TRAINING, lanes=2))
    assert backwards[::-1] == together


@pytest.mark.parametrize("lanes", [1, 3])
def test_the_number_of_lanes_changes_nothing(members, together, lanes):
    """One lane or three, each member comes to the same outcome."""
    assert told(engine.train(members, TRAINING, lanes=lanes)) == together


def test_company_changes_nothing(members, together):
    """Alone, or beside members that fail and that go through fit: the same outcome."""
    assert told(engine.train(members[:1], TRAINING)) == together[:1]
    beside = [member(retyped), members[5], member(hopeless, _numbers), members[0]]
    outcomes = engine.train(beside, TRAINING, lanes=2)
    assert [o.path for o in outcomes] == ["keras.fit", "scan", "scan", "scan"]
    assert told(outcomes)[1] == together[5]
    assert told(outcomes)[3] == together[0]


def test_folds_of_other_sizes_change_nothing_but_a_last_digit(members, together):
    """Company of other sizes leaves weights and every Keras value bit for bit.

    Training rows are measured in batches that suit all folds: a last digit may move.
    """
    sizes = [N_TRAIN, 40, 33]
    unequal = [member(dropout, seed=1, n_train=n) for n in sizes]
    outcome = engine.train(unequal, TRAINING, lanes=2)[0]
    _, final, series, _, optimizer = together[0]
    assert outcome.final_weights == final
    assert [w.tobytes() for w in outcome.weights.optimizer] == optimizer
    for name, values in outcome.history.series.items():
        if name.startswith("train_eval_"):
            np.testing.assert_allclose(values, series[name], rtol=2e-6)
        else:
            assert values == series[name]


_numbers = ZOO["own_step"].arrays


def hopeless():
    """Becomes NaN in its first epoch."""
    return regressor(optimizer=keras.optimizers.SGD(1e30))


def test_weights_are_fresh_for_each_member(together, members):
    """Equal seeds start equal, others do not, and nobody starts where another ended."""
    starts = {}
    for each, (initial, *_) in zip(members, together, strict=True):
        starts.setdefault((each.build, each.seed), set()).add(initial)
    assert all(len(found) == 1 for found in starts.values())
    assert len({found for (found,) in starts.values()}) == len(starts)
    ends = {final for _, final, *_ in together}
    assert len(ends) == len(members)
    assert not ends & {initial for initial, *_ in together}


def test_initial_weights_are_those_of_the_seed():
    """A member starts where `set_random_seed(seed)` puts its model function."""
    each = member(dense, seed=5)
    (outcome,) = engine.train([each], TRAINING)
    keras.utils.set_random_seed(5)
    state = template.state_of(dense())
    assert template.weights_fingerprint(state) == outcome.initial_weights


def test_random_states_of_the_caller_do_not_move():
    """Python's, NumPy's and Keras's own random numbers go on as if nothing had run."""

    def drawn():
        return (
            random.random(),
            float(np.random.rand()),  # noqa: NPY002 - the state that must not move
            np.asarray(keras.random.normal((2,))).tolist(),
            layers.Dense(2).kernel_initializer.seed,
        )

    def draws(in_between):
        keras.utils.set_random_seed(31)
        first = drawn()
        in_between()
        return first, drawn()

    def trains():
        each, late = member(dropout, seed=9), ZOO["built_late"]
        others = [member(retyped), member(late.build, late.arrays)]
        outcomes = engine.train([each, *others], TRAINING)
        engine.prepare([each], TRAINING)
        engine.trained_model(each, TRAINING, outcomes[0])

    assert draws(trains) == draws(lambda: None)


def test_the_callers_names_go_on_as_before():
    """Layers that the caller makes next are numbered as if nothing had run."""
    keras.utils.clear_session()
    layers.Dense(1)
    engine.train([member(dense)], TRAINING)
    assert layers.Dense(1).name == "dense_1"


def string_metrics():
    metrics = [keras.metrics.AUC(curve="PR"), "AUC"]
    model = keras.Sequential([
        layers.Input((6,)),
        layers.Dense(1, activation="sigmoid"),
    ])
    model.compile("adam", "binary_crossentropy", metrics=metrics)
    return model


def test_metrics_have_the_same_names_in_every_member():
    """A metric made by its name is not numbered on from member to member."""
    training = engine.Training(epochs=1, batch_size=16)
    keras.metrics.AUC()  # the caller has one already
    arrays = ZOO["auc"].arrays
    members = [member(string_metrics, arrays, seed=seed) for seed in (1, 2)]
    outcomes = engine.train(members, training)
    for outcome in outcomes:
        assert {"auc", "AUC"} <= set(outcome.history.series), outcome.error
    described = engine.prepare(members, training).descriptions
    assert {"auc", "AUC"} <= set(described[members[0].group].names)


def test_layers_have_the_same_names_in_every_member():
    """Every member's model has Keras's first names, as in a fresh session."""
    models = [
        template.build(dropout, seed, ZOO["dropout"].arrays, 16) for seed in (1, 2)
    ]
    assert [layer.name for layer in models[0].layers] == ["dense", "dropout", "dense_1"]
    assert [v.path for v in models[0].variables] == [
        v.path for v in models[1].variables
    ]


def test_the_trained_model_is_nobodys_start():
    """Training goes on in a returned model without a trace in later members."""
    each = member(dense, seed=3)
    (before,) = engine.train([each], TRAINING)
    model = engine.trained_model(each, TRAINING, before)
    x, y, _ = plain.rows_of(each.arrays, each.train_rows)
    model.fit(x, y, verbose=0)
    (after,) = engine.train([each], TRAINING)
    assert told([after]) == told([before])
