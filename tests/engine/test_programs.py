"""Models share a compiled program when they compute the same, and only then."""

from __future__ import annotations

import gc
import warnings
from functools import partial

import jax
import keras
import numpy as np
import pytest
from keras import layers, ops

from homeroom import engine

from . import plain
from .zoo import (
    ZOO,
    classifier,
    closure_loss,
    dense,
    dropout,
    member,
    own_step,
    regressor,
)

NUMBERS = ZOO["closure_loss"].arrays
IMAGES = ZOO["conv2d"].arrays
TRAINING = engine.Training(epochs=1, batch_size=32, keep_weights=True)
KEPT = engine.Training(epochs=1, batch_size=32, keep_predictions=True)
OPTIONS = {"n_train": 32, "validation": False}


def relu(x):
    """Only by name the function that Keras calls relu."""
    return ops.where(x > 0, x, 0.5 * x)


def own_activation(foreign: bool):
    return classifier(layers.Dense(8, activation=relu if foreign else "relu"))


def steep_loss(y, prediction):
    return ops.mean(ops.square(y - prediction), axis=-1) * STEEPNESS


STEEPNESS = 1.0


def global_constant(value: float):
    global STEEPNESS
    STEEPNESS = value
    return regressor(layers.Dense(8), loss=steep_loss)


def lambda_global(value: float):
    global STEEPNESS
    STEEPNESS = value
    loss = lambda y, p: ops.mean(ops.square(y - p), axis=-1) * STEEPNESS  # noqa: E731
    return regressor(layers.Dense(8), loss=loss)


def lambda_layer(value: float):
    return regressor(layers.Lambda(lambda x: x * value))


def lambda_penalty(value: float):
    penalty = lambda w: value * ops.sum(ops.square(w))  # noqa: E731
    return regressor(layers.Dense(8, kernel_regularizer=penalty))


def large_closure(value: float):
    mask = np.ones((8,), "float32")
    mask[3] = value

    @jax.jit
    def masked(x):
        return x * mask

    return regressor(layers.Dense(8, activation=masked))


def adapted(shift: float):
    normalization = layers.Normalization()
    normalization.adapt(NUMBERS.x + shift)
    return regressor(normalization, layers.Dense(8))


def nested_adapted(shift: float):
    normalization = layers.Normalization()
    normalization.adapt(NUMBERS.x + shift)
    inner = keras.Sequential([layers.Input((6,)), normalization])
    return regressor(inner, layers.Dense(8))


def partial_loss(power: float):
    def loss(y, prediction, power):
        return ops.mean(ops.abs(y - prediction) ** power, axis=-1)

    return regressor(layers.Dense(8), loss=partial(loss, power=power))


def traced_rate(rate: float):
    """A custom loss and a rate that is a variable: no constant tells them apart."""
    model = closure_loss()
    model.optimizer.learning_rate = rate
    return model


def undecayed(names: tuple[str, ...]):
    optimizer = keras.optimizers.AdamW(0.1, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=list(names))
    return regressor(layers.Dense(8), optimizer=optimizer)


def undecayed_scaled(names: tuple[str, ...]):
    inner = keras.optimizers.AdamW(0.1, weight_decay=0.5)
    inner.exclude_from_weight_decay(var_names=list(names))
    scaled = keras.optimizers.LossScaleOptimizer(inner, initial_scale=8.0)
    return regressor(layers.Dense(8), optimizer=scaled)


def huber(delta: float):
    return regressor(layers.Dense(8), loss=keras.losses.Huber(delta=delta))


def rate_function(rate: float):
    return regressor(
        layers.Dense(8), optimizer=keras.optimizers.SGD(learning_rate=lambda: rate)
    )


def frozen_variable(frozen: bool):
    first = layers.Dense(8)
    model = regressor(first)
    first.bias.trainable = not frozen
    return model


def sliced(step: int):
    inputs = layers.Input((6,))
    outputs = layers.Dense(1)(inputs[:, ::step][:, :2] * 2.0)
    model = keras.Model(inputs, outputs)
    model.compile("adam", "mse")
    return model


LEARNING_RATE = "learning rate under a custom loss"
# a global that another model has changed since: the trace tells, once more
UNSTABLE = {"global read by a lambda", "global read by a loss"}
# what a cache keyed by configuration alone would take for the same
TWINS = {
    "adapted normalization": (adapted, 0.0, 3.0),
    "adapted normalization in a model": (nested_adapted, 0.0, 3.0),
    "array inside a compiled function": (large_closure, 1.0, 0.0),
    "closure of a loss": (closure_loss, 0.3, 3.0),
    "constant of an own training step": (own_step, 1.0, 2.0),
    "frozen variable": (frozen_variable, False, True),
    "function named as one of Keras's": (own_activation, False, True),
    "global read by a loss": (global_constant, 1.0, 9.0),
    "global read by a lambda": (lambda_global, 1.0, 9.0),
    "argument that a loss does not tell": (huber, 1.0, 0.3),
    "argument of NumPy that it does not tell": (huber, np.float32(1), np.int64(3)),
    "lambda layer": (lambda_layer, 1.0, 2.0),
    "lambda regularizer": (lambda_penalty, 0.0, 0.5),
    "learning rate function": (rate_function, 0.01, 0.1),
    LEARNING_RATE: (traced_rate, 1e-4, 0.1),
    "partial loss": (partial_loss, 1.0, 2.0),
    "slice in a functional model": (sliced, 1, 3),
    "weights without decay": (undecayed, ("bias",), ("bias", "kernel")),
    "weights without decay, scaled": (undecayed_scaled, ("bias",), ("kernel",)),
}


lambdas = pytest.mark.filterwarnings(
    "ignore:The object being serialized includes a `lambda`"
)


def twins(name):
    """Return two members that differ in the hidden constant, and the first again."""
    build, first, second = TWINS[name]
    arrays = ZOO["dense"].arrays if build is own_activation else NUMBERS
    parameter = build.__code__.co_varnames[0]
    return [
        member(build, arrays, seed=seed, **{parameter: value}, **OPTIONS)
        for value, seed in ((first, 11), (second, 11), (first, 12))
    ]


@lambdas
@pytest.mark.parametrize("name", sorted(set(TWINS) - {LEARNING_RATE}))
def test_a_hidden_constant_makes_another_program(name, planned_programs):
    """Models that differ in what no configuration tells never share a program."""
    first, second, first_again = twins(name)
    engine.prepare([first], TRAINING)
    engine.prepare([second], TRAINING)
    assert len(planned_programs) == 2
    if name not in UNSTABLE:
        engine.prepare([first_again], TRAINING)
        assert len(planned_programs) == 2


@lambdas
@pytest.mark.parametrize(
    "name",
    [
        "adapted normalization",
        "argument that a loss does not tell",
        "global read by a lambda",
        LEARNING_RATE,
    ],
)
def test_twins_train_as_plain_fit_does(name, made_programs):
    """Each of two models that look the same gets the values of its own plain fit."""
    members = twins(name)[:2]
    outcomes = engine.train(members, TRAINING)
    references = [plain.fit(each, TRAINING) for each in members]
    assert [o.path for o in outcomes] == ["scan"] * 2
    assert [
        plain.same(outcome, reference)
        for outcome, reference in zip(outcomes, references, strict=True)
    ] == [[], []]
    assert references[0]["history"] != references[1]["history"]


def test_a_changed_setting_of_keras_makes_another_program(planned_programs):
    """The epsilon inside a loss is a constant that belongs to the process."""
    before = keras.config.epsilon()
    engine.prepare([member(dense, **OPTIONS)], TRAINING)
    try:
        keras.config.set_epsilon(0.1)
        engine.prepare([member(dense, **OPTIONS)], TRAINING)
    finally:
        keras.config.set_epsilon(before)
    assert len(planned_programs) == 2


def named_metric(name: str):
    model = closure_loss()
    metric = keras.metrics.MeanAbsoluteError(name=name)
    model.compile("adam", model.loss, metrics=[metric])
    return model


class Offset(keras.metrics.Metric):
    """Counts rows from `start` on; more is better, or less."""

    def __init__(self, start: float, direction: str = "up") -> None:
        super().__init__(name="offset")
        self._direction = direction
        initial = keras.initializers.Constant(start)
        self.count = self.add_variable((), initial, name="count")
        self.start = start

    def update_state(self, y, prediction, sample_weight=None):
        self.count.assign_add(1.0)

    def result(self):
        return ops.convert_to_tensor(self.count)

    def reset_state(self):
        self.count.assign(self.start)


def offset(start: float):
    model = regressor(layers.Dense(8))
    model.compile("adam", "mse", metrics=[Offset(start)])
    return model


def directed(direction: str):
    model = regressor(layers.Dense(8))
    model.compile("adam", "mse", metrics=[Offset(0.0, direction)])
    return model


def test_metric_names_belong_to_the_model():
    """Models that compute the same under other metric names keep their names."""
    members = [
        member(named_metric, NUMBERS, name=name, **OPTIONS) for name in ("near", "mark")
    ]
    first, second = engine.train(members, TRAINING)
    assert "near" in first.history.series
    assert "mark" in second.history.series


def test_metric_state_belongs_to_the_model():
    """A metric's own initial value is not taken from an earlier model's."""
    members = [member(offset, NUMBERS, start=s, **OPTIONS) for s in (0.0, 40.0)]
    first, second = engine.train(members, TRAINING)
    assert first.history.series["offset"] == (1.0,)
    assert second.history.series["offset"] == (41.0,)


def test_metric_direction_belongs_to_the_model():
    """Which way is better is asked of each model, not of one that computes alike."""
    members = [
        member(directed, NUMBERS, direction=way, **OPTIONS) for way in ("up", "down")
    ]
    described = engine.prepare(members, TRAINING).descriptions
    ways = [described[each.group].directions["offset"] for each in members]
    assert ways == ["max", "min"]


@pytest.mark.parametrize("name", sorted(ZOO))
def test_seeds_share_one_program(name, planned_programs):
    """Models that differ in their seed make one program, whatever they are made of."""
    specimen = ZOO[name]
    for seed in (1, 2):
        engine.prepare([member(specimen.build, specimen.arrays, seed=seed)], TRAINING)
    assert len(planned_programs) == 1


@pytest.mark.parametrize(
    ("build", "arrays"), [(dropout, ZOO["dropout"].arrays), (own_step, NUMBERS)]
)
def test_a_shared_program_is_used_again(build, arrays, made_programs):
    """Seeds and folds make one program, a second call none, and equal results."""
    members = [
        member(build, arrays, seed=seed, split=split, **OPTIONS)
        for seed in (1, 2)
        for split in (0, 1)
    ]
    first = engine.train(members, TRAINING)
    assert len(made_programs) == 1
    second = engine.train(members, TRAINING)
    assert len(made_programs) == 1
    assert len({o.final_weights for o in first}) == 4
    assert [o.final_weights for o in first] == [o.final_weights for o in second]
    assert [o.history for o in first] == [o.history for o in second]


def test_other_groups_of_the_same_model_share_the_program(planned_programs):
    """Two candidates with the same model cost one compilation."""

    def again():
        return dense()

    engine.prepare([member(dense, **OPTIONS), member(again, **OPTIONS)], TRAINING)
    assert len(planned_programs) == 1


def test_units_and_dropout_rates_do_not_share(planned_programs):
    """What changes a shape or a constant makes a program of its own."""

    def shaped(units: int, rate: float):
        return classifier(layers.Dense(units), layers.Dropout(rate))

    members = [
        member(shaped, units=units, rate=rate, **OPTIONS)
        for units, rate in ((4, 0.1), (5, 0.1), (4, 0.2))
    ]
    engine.prepare(members, TRAINING)
    assert len(planned_programs) == 3


def test_describing_leaves_the_programs_for_training(made_programs):
    """A description costs no second compilation."""
    members = [member(dense, split=split, **OPTIONS) for split in (0, 1)]
    described = engine.prepare(members, TRAINING).descriptions
    engine.train(members, TRAINING)
    assert len(made_programs) == 1
    assert described[members[0].group].names == ("accuracy", "loss")


@pytest.mark.parametrize("validation", [True, False])
def test_outputs_are_compiled_for_rows_that_are_validated(made_programs, validation):
    """A training that validates nothing compiles nothing to predict with."""
    [outcome] = engine.train([member(dense, n_train=32, validation=validation)], KEPT)
    [program] = made_programs
    assert (program._predict is not None) == validation
    assert (outcome.predictions is not None) == validation


def test_old_programs_are_let_go(planned_programs, monkeypatch):
    """No more programs are kept than the limit, and the oldest goes first."""
    from homeroom.engine import acquaintance, programs, workshop

    monkeypatch.setattr(programs, "_KEPT_FAMILIES", 1)
    monkeypatch.setattr(acquaintance, "_KEPT", 1)
    small, large = member(dense, **OPTIONS), member(dropout, **OPTIONS)
    for each in (small, large, small):
        engine.prepare([each], TRAINING)
        assert len(workshop._programs._families) == 1
    assert len(planned_programs) == 3


def test_rows_are_let_go():
    """Programs are kept for later calls, the rows they were made for are not."""
    x = np.ones((397, 6), np.float32)
    arrays = engine.Arrays(x, x[:, :1])
    engine.train([member(closure_loss, arrays, penalty=0.31, **OPTIONS)], TRAINING)
    gc.collect()
    assert not [array for array in jax.live_arrays() if array.shape[:1] == (397,)]


def test_identity_warns_nobody(planned_programs):
    """Looking at a model's configuration does not warn of its lambdas."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lambdas = member(lambda_penalty, NUMBERS, value=0.1, **OPTIONS)
        engine.prepare([lambdas], TRAINING)
