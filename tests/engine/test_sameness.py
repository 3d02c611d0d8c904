"""The engine gives what `keras.Model.fit` gives, bit for bit."""

from __future__ import annotations

from functools import partial

import jax
import jax.extend
import keras
import numpy as np
import pytest
from keras import layers

from homeroom import engine
from homeroom.engine import structure

from . import plain, zoo
from .zoo import (
    BATCH_SIZE,
    N_ROWS,
    ZOO,
    OwnStep,
    classifier,
    dense,
    dropout,
    regressor,
    retyped,
    untyped,
)

# two full batches and one of 12; validation is one full and one of 12
member = partial(zoo.member, n_train=44)
TRAINING = engine.Training(epochs=2, batch_size=BATCH_SIZE, keep_weights=True)
CLASSES, NUMBERS = ZOO["dense"].arrays, ZOO["own_step"].arrays
# one lane compiles for all cores and two for one each: the others run on two only
ON_ONE_LANE_TOO = {"attention", "batch_normalization", "conv2d", "dict_outputs", "lstm"}


@pytest.mark.parametrize("name", sorted(ZOO))
def test_outcome_is_that_of_plain_fit(name):
    """Weights, optimizer state and history are plain fit's, last partial batch too."""
    specimen = ZOO[name]
    training = engine.Training(
        epochs=3,
        batch_size=BATCH_SIZE,
        class_weight=specimen.class_weight,
        keep_weights=True,
    )
    members = [
        member(specimen.build, specimen.arrays, seed=seed, split=split)
        for seed, split in ((11, 0), (12, 1))
    ]
    references = [plain.fit(each, training) for each in members]
    for lanes in (1, 2) if name in ON_ONE_LANE_TOO else (2,):
        outcomes = engine.train(members, training, lanes=lanes)
        assert [(o.path, o.state) for o in outcomes] == [("scan", "COMPLETE")] * 2
        assert [
            plain.same(outcome, reference, specimen.tolerance)
            for outcome, reference in zip(outcomes, references, strict=True)
        ] == [[], []]


def test_folds_of_any_size_are_exact():
    """Members whose last batches are full, partial or alone share one exact program."""
    sizes = (48, 44, 33, 16, 5)
    members = [member(dropout, n_train=size, split=size) for size in sizes]
    outcomes = engine.train(members, TRAINING)
    for each, outcome in zip(members, outcomes, strict=True):
        assert plain.same(outcome, plain.fit(each, TRAINING)) == []
    assert [o.updates_per_epoch for o in outcomes] == [3, 3, 3, 1, 1]
    assert [o.n_updates for o in outcomes] == [6, 6, 6, 2, 2]


def test_a_count_of_rows_stays_a_constant_in_a_loop():
    """A mean in one of several branches in a loop has the bits that it has alone.

    Keras divides by an array of one number. A branch would take it as an argument, and
    XLA then divides where it otherwise multiplies.
    """

    def weighted_mean(values):
        n = jax.numpy.prod(np.array([values.shape[0]], np.int32))
        return values.sum() / n.astype("float32") * np.float32(27)

    closed = jax.make_jaxpr(weighted_mean)(np.zeros(27, np.float32))
    alone = jax.jit(weighted_mean)

    def in_a_loop(one):
        branches = [lambda x: one(x)[0], lambda x: one(x)[0] + 1]
        zeros = np.zeros(len(rows), np.int32)
        each = jax.jit(
            lambda i, x: jax.lax.map(
                lambda a: jax.lax.switch(*a[:1], branches, a[1]), (i, x)
            )
        )
        return each(zeros, rows).tolist()

    rows = np.random.default_rng(0).exponential(size=(300, 27)).astype(np.float32)
    expected = [float(alone(row)) for row in rows]
    assert in_a_loop(structure.with_constants_inside(closed)) == expected
    assert in_a_loop(jax.extend.core.jaxpr_as_fun(closed)) != expected


def penalised():
    penalty = keras.regularizers.L2(0.01)
    return classifier(
        layers.Dense(8, activation="gelu", kernel_regularizer=penalty),
        layers.Dense(16, activation="relu", kernel_regularizer=penalty),
    )


def test_a_penalty_is_added_to_what_is_measured_as_keras_adds_it():
    """The product of penalty and rate is rounded with the loss, not before it."""
    training = engine.Training(epochs=20, batch_size=BATCH_SIZE, keep_weights=True)
    each = member(penalised)
    reference = plain.fit(each, training)
    (outcome,) = engine.train([each], training, lanes=1)
    assert plain.same(outcome, reference) == []


def test_without_validation_the_values_are_the_same():
    """Measuring validation rows changes nothing in the training."""
    members = [member(dropout), member(dropout, validation=False)]
    with_rows, without = engine.train(members, TRAINING)
    assert without.final_weights == with_rows.final_weights
    assert not [key for key in without.history.series if key.startswith("val_")]
    for key in ("loss", "accuracy"):
        assert without.history.series[key] == with_rows.history.series[key]


def test_batches_follow_the_order_seed_only():
    """Two models with one order seed see the same batches; another order differs."""
    from homeroom.engine.orders import order_of_epoch

    first, second = member(dense), member(dropout, seed=11)
    other = member(dense, split=1)
    for epoch in range(3):
        order = order_of_epoch(first, epoch, shuffle=True)
        assert sorted(order) == sorted(first.train_rows)
        assert list(order) == list(order_of_epoch(second, epoch, shuffle=True))
        assert list(order) != list(order_of_epoch(first, epoch + 1, shuffle=True))
        assert list(order) != list(order_of_epoch(other, epoch, shuffle=True))
    assert list(order_of_epoch(first, 1, shuffle=False)) == list(first.train_rows)


def averaged():
    optimizer = keras.optimizers.Adam(0.05, use_ema=True, ema_momentum=0.7)
    return regressor(layers.Dense(4), optimizer=optimizer)


def averaged_among_others():
    averaging = keras.optimizers.Adam(0.05, use_ema=True, ema_momentum=0.7)
    inner = keras.optimizers.OptimizerMap(averaging, {})
    return regressor(optimizer=keras.optimizers.MultiOptimizer(inner))


def averaged_scaled():
    inner = keras.optimizers.Adam(0.05, use_ema=True, ema_momentum=0.7)
    optimizer = keras.optimizers.LossScaleOptimizer(inner, initial_scale=16.0)
    return regressor(layers.Dense(4), optimizer=optimizer)


def eager_step():
    class Printing(OwnStep):
        def train_step(self, state, data):
            logs, state = super().train_step(state, data)
            self.seen = float(logs["loss"])  # impossible in a traced step
            return logs, state

    model = Printing()
    model.compile("sgd", "mse", run_eagerly=True)
    return model


FALLBACKS = {
    "averaged": (averaged, NUMBERS, "use_ema"),
    "averaged_scaled": (averaged_scaled, NUMBERS, "use_ema"),
    "averaged_among_others": (averaged_among_others, NUMBERS, "use_ema"),
    "eager_step": (eager_step, NUMBERS, "run_eagerly"),
    "retyped": (retyped, CLASSES, "cannot be traced"),
}


@pytest.mark.parametrize("name", sorted(FALLBACKS))
def test_what_cannot_be_compiled_runs_through_fit(name):
    """The fallback gives plain fit's values too, and says why it was taken."""
    build, arrays, reason = FALLBACKS[name]
    training = engine.Training(
        epochs=2, batch_size=BATCH_SIZE, shuffle=False, keep_weights=True
    )
    each = member(build, arrays)
    (outcome,) = engine.train([each], training)
    assert (outcome.path, outcome.state, outcome.error) == (
        "keras.fit",
        "COMPLETE",
        None,
    )
    assert reason in outcome.path_reason
    assert plain.same(outcome, plain.fit_at_once(each, training)) == []
    assert outcome.updates_per_epoch == 3
    assert outcome.n_updates == 6


def test_the_fallback_shuffles_as_the_compiled_epoch_does():
    """One member through both paths sees the same batches."""

    shuffled = engine.train([member(retyped), member(untyped)], TRAINING, lanes=1)
    assert [o.path for o in shuffled] == ["keras.fit", "scan"]
    slow, fast = shuffled
    assert slow.history.series["loss"] == fast.history.series["loss"]
    assert slow.final_weights == fast.final_weights


class Counting(layers.Layer):
    """Counts its calls, in evaluation as well, as recurrent dropout draws there."""

    def build(self, shape):
        self.calls = self.add_weight(shape=(), trainable=False, initializer="zeros")

    def call(self, x):
        self.calls.assign_add(1.0)
        return x * (1.0 + 0.1 * self.calls)


def counting(run_eagerly: bool = False):
    model = classifier(Counting())
    loss = "sparse_categorical_crossentropy"
    model.compile("sgd", loss, run_eagerly=run_eagerly)
    return model


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_evaluation_never_moves_a_training(run_eagerly):
    """State that a model changes while it is measured is put back, and reported."""
    members = [
        member(counting, validation=rows, run_eagerly=run_eagerly)
        for rows in (True, False)
    ]
    outcomes = engine.train(members, TRAINING)
    assert [o.evaluation_changed_state for o in outcomes] == [True, True]
    assert outcomes[0].final_weights == outcomes[1].final_weights
    model = plain.fit_without_measuring(members[0], TRAINING)
    parts = zip(outcomes[0].weights.trainable, model["trainable"], strict=True)
    for found, expected in parts:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)
    drawn = zip(outcomes[0].weights.non_trainable, model["non_trainable"], strict=True)
    assert all(np.array_equal(found, expected) for found, expected in drawn)


def test_a_model_that_only_learns_has_no_changed_state():
    """Batch statistics move in training only, and are not reported."""
    specimen = ZOO["batch_normalization"]
    each = member(specimen.build, specimen.arrays)
    (outcome,) = engine.train([each], TRAINING)
    assert not outcome.evaluation_changed_state


def test_predictions_are_those_of_predict():
    """Kept predictions are the trained model's, row by row, through either path."""
    training = engine.Training(
        epochs=1, batch_size=BATCH_SIZE, keep_weights=True, keep_predictions=True
    )
    specimen = ZOO["dict_outputs"]
    members = [member(specimen.build, specimen.arrays), member(retyped)]
    for each, outcome in zip(members, engine.train(members, training), strict=True):
        model = engine.trained_model(each, training, outcome)
        x, _, _ = plain.rows_of(each.arrays, each.validation_rows)
        expected = keras.tree.flatten(model.predict(x, verbose=0))
        found = keras.tree.flatten(outcome.predictions)
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            assert a.shape == b.shape
            assert len(a) == N_ROWS - len(each.train_rows)
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_the_trained_model_has_the_outcomes_weights():
    """`trained_model` gives a Keras model that measures what the history says."""
    each = member(dropout)
    (outcome,) = engine.train([each], TRAINING)
    model = engine.trained_model(each, TRAINING, outcome)
    x, y, _ = plain.rows_of(each.arrays, each.validation_rows)
    measured = model.evaluate(x, y, batch_size=BATCH_SIZE, verbose=0, return_dict=True)
    assert measured["loss"] == outcome.history.series["val_loss"][-1]
    for part, values in plain.parts_of(model).items():
        kept = getattr(outcome.weights, part)
        assert all(np.array_equal(a, b) for a, b in zip(kept, values, strict=True))


def schedule_free():
    """Its momentum starts as a copy of the weights."""
    optimizer = keras.optimizers.ScheduleFreeAdamW(0.05)
    return regressor(layers.Dense(8, activation="relu"), optimizer=optimizer)


def of_two_optimizers():
    """Whose variables come in another order once they are built."""
    inner = keras.optimizers.OptimizerMap(
        keras.optimizers.SGD(0.01, momentum=0.9),
        {"hidden/.*": keras.optimizers.Adam(0.02)},
    )
    optimizer = keras.optimizers.MultiOptimizer(inner)
    return regressor(layers.Dense(8, name="hidden"), optimizer=optimizer)


@pytest.mark.parametrize("build", [schedule_free, of_two_optimizers])
def test_an_optimizer_that_starts_from_the_weights_starts_from_its_own(build):
    """The state of no optimizer is that of another member, of four seeds."""
    members = [zoo.member(build, NUMBERS, seed=seed) for seed in (1, 2, 3, 4)]
    outcomes = engine.train(members, TRAINING)
    references = [plain.fit(each, TRAINING) for each in members]
    pairs = zip(outcomes, references, strict=True)
    assert [plain.same(o, r) for o, r in pairs] == [[]] * 4


def test_a_trained_optimizer_leaves_nothing_to_a_fresh_one():
    """A model whose optimizer has made steps trains first, and a fresh one after it."""
    x, y = NUMBERS.x[:32], NUMBERS.y[:32]

    def fresh():
        return regressor(layers.Dense(8), optimizer=keras.optimizers.Adam(0.01))

    def trained():
        model = fresh()
        model.fit(x, y, batch_size=16, verbose=0)
        return model

    members = [zoo.member(build, NUMBERS, seed=3) for build in (trained, fresh)]
    outcomes = engine.train(members, TRAINING)
    assert plain.same(outcomes[1], plain.fit(members[1], TRAINING)) == []


def test_a_step_replaced_on_the_object_is_its_own():
    """Two models of equal layers, one with another compute_loss: each trains as in fit.

    No type and no configuration tells them apart.
    """

    def usual():
        return regressor(layers.Dense(8), optimizer=keras.optimizers.SGD(0.01))

    def tripled():
        model = usual()

        def compute_loss(*given, **named):
            return 3.0 * type(model).compute_loss(model, *given, **named)

        model.compute_loss = compute_loss
        return model

    members = [zoo.member(build, NUMBERS, seed=3) for build in (usual, tripled)]
    outcomes = engine.train(members, TRAINING)
    references = [plain.fit(each, TRAINING) for each in members]
    pairs = zip(outcomes, references, strict=True)
    assert [plain.same(o, r, 1e-5) for o, r in pairs] == [[], []]
    assert outcomes[0].final_weights != outcomes[1].final_weights
