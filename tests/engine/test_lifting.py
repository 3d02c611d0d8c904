"""Models that differ in constants only share a program, and keep their own values."""

from __future__ import annotations

from dataclasses import replace

import keras
import pytest
from keras import layers

from homeroom import engine
from homeroom.engine import workshop

from . import plain
from .zoo import ZOO, classifier, member, regressor

NUMBERS = ZOO["closure_loss"].arrays
TRAINING = engine.Training(epochs=3, batch_size=16, keep_weights=True, search="a")


def dropout(rate: float):
    return classifier(layers.Dense(8, activation="relu"), layers.Dropout(rate))


def learning_rate(rate: float):
    return classifier(layers.Dense(8), optimizer=keras.optimizers.Adam(rate))


def beta(beta: float):
    return classifier(
        layers.Dense(8), optimizer=keras.optimizers.Adam(0.01, beta_1=beta)
    )


def momentum(momentum: float):
    optimizer = keras.optimizers.SGD(0.05, momentum=momentum, nesterov=True)
    return regressor(layers.Dense(8), optimizer=optimizer)


def weight_decay(decay: float):
    optimizer = keras.optimizers.AdamW(0.01, weight_decay=decay)
    return classifier(layers.Dense(8), optimizer=optimizer)


def penalty(strength: float):
    both = keras.regularizers.L1L2(strength, 2 * strength)
    return classifier(layers.Dense(8, kernel_regularizer=both))


def clipping(norm: float):
    return classifier(
        layers.Dense(8), optimizer=keras.optimizers.SGD(0.1, clipnorm=norm)
    )


def joint_clipping(norm: float):
    optimizer = keras.optimizers.SGD(0.1, global_clipnorm=norm)
    return classifier(layers.Dense(8), optimizer=optimizer)


def value_clipping(value: float):
    optimizer = keras.optimizers.SGD(0.1, clipvalue=value)
    return classifier(layers.Dense(8), optimizer=optimizer)


def slope(slope: float):
    return classifier(layers.Dense(8), layers.LeakyReLU(slope))


def decay_steps(steps: int):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.05, steps, 0.7)
    return classifier(layers.Dense(8), optimizer=keras.optimizers.SGD(schedule))


def huber(delta: float):
    return regressor(layers.Dense(8), loss=keras.losses.Huber(delta=delta))


def smoothing(smoothing: float):
    model = regressor(layers.Dense(8))
    loss = keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=smoothing)
    model.compile("adam", loss)
    return model


def noise(stddev: float):
    return classifier(layers.GaussianNoise(stddev), layers.Dense(8))


def batch_momentum(momentum: float):
    normalization = layers.BatchNormalization(momentum=momentum, epsilon=momentum / 100)
    return classifier(layers.Dense(8), normalization)


def everything(value: float):
    return classifier(
        layers.Dense(8, kernel_regularizer=keras.regularizers.L2(value / 100)),
        layers.LeakyReLU(value),
        layers.Dropout(value / 2),
        optimizer=keras.optimizers.AdamW(
            value / 10, weight_decay=value / 50, beta_1=1 - value, clipnorm=value
        ),
    )


def width(units: int):
    return classifier(layers.Dense(units))


def two(rate: float, strength: float):
    penalty = keras.regularizers.L2(strength)
    return classifier(layers.Dense(8, kernel_regularizer=penalty), layers.Dropout(rate))


BUILDS = {
    "activation slope": (slope, 0.1, 0.25),
    "batch normalization": (batch_momentum, 0.99, 0.7),
    "clipping by norm": (clipping, 0.1, 0.3),
    "clipping by joint norm": (joint_clipping, 0.1, 0.3),
    "clipping by value": (value_clipping, 0.01, 0.03),
    "dropout": (dropout, 0.2, 0.7),
    "everything at once": (everything, 0.1, 0.2),
    "first moment": (beta, 0.9, 0.5),
    "label smoothing": (smoothing, 0.1, 0.3),
    "learning rate": (learning_rate, 0.1, 0.001),
    "loss": (huber, 1.0, 0.7),
    "momentum": (momentum, 0.9, 0.99),
    "noise": (noise, 0.1, 0.9),
    "penalty": (penalty, 0.01, 0.003),
    "schedule": (decay_steps, 3, 13),
    "weight decay": (weight_decay, 0.004, 0.5),
}


@pytest.mark.parametrize("name", sorted(BUILDS))
def test_a_hyperparameter_shares_one_program(name, made_programs):
    """Models that differ in a constant compile once; each trains as plain fit does."""
    build, *values = BUILDS[name]
    arrays = NUMBERS if build in {huber, momentum, smoothing} else ZOO["dense"].arrays
    parameter = build.__code__.co_varnames[0]
    members = [member(build, arrays, seed=3, **{parameter: v}) for v in values]
    outcomes = engine.train(members, TRAINING)
    assert len(made_programs) == 1
    references = [plain.fit(each, TRAINING) for each in members]
    differences = [
        plain.same(outcome, reference, tolerance=1e-6)
        for outcome, reference in zip(outcomes, references, strict=True)
    ]
    assert differences == [[], []]
    said = "exact" if name == "learning rate" else "shared"  # a rate is a variable
    assert {outcome.sameness for outcome in outcomes} == {said}
    assert len({outcome.final_weights for outcome in outcomes}) == 2


def test_constants_are_compiled_in_unless_they_are_to_be_shared(made_programs):
    """By default each of two rates has its program, and is plain fit bit for bit."""
    members = [member(dropout, seed=3, rate=rate) for rate in (0.2, 0.7)]
    training = replace(TRAINING, search="")
    outcomes = engine.train(members, training)
    assert len(made_programs) == 2
    assert {outcome.sameness for outcome in outcomes} == {"exact"}
    references = [plain.fit(each, training) for each in members]
    assert [plain.same(o, r) for o, r in zip(outcomes, references, strict=True)] == [
        [],
        [],
    ]


def test_learning_rates_share_a_program_without_lifting(made_programs):
    """A learning rate is a variable: trials share a program, bit for bit plain fit."""
    members = [member(learning_rate, seed=3, rate=rate) for rate in (0.1, 0.001)]
    training = replace(TRAINING, search="")
    outcomes = engine.train(members, training)
    assert len(made_programs) == 1
    references = [plain.fit(each, training) for each in members]
    assert [plain.same(o, r) for o, r in zip(outcomes, references, strict=True)] == [
        [],
        [],
    ]


@pytest.mark.parametrize("search", ["", "a"])
def test_learning_rates_are_traced_once(made_programs, monkeypatch, search):
    """Of five rates one is traced; each is trained with its own, bit for bit."""
    traced = []
    real = workshop.steps_of
    monkeypatch.setattr(
        workshop, "steps_of", lambda *args: traced.append(args) or real(*args)
    )
    rates = (0.1, 0.03, 0.01, 0.003, 0.001)
    members = [member(learning_rate, seed=3, rate=rate) for rate in rates]
    training = replace(TRAINING, search=search)
    outcomes = engine.train(members, training)
    assert (len(traced), len(made_programs)) == (1, 1)
    assert {outcome.sameness for outcome in outcomes} == {"exact"}
    references = [plain.fit(each, training) for each in members]
    pairs = zip(outcomes, references, strict=True)
    assert [plain.same(o, r) for o, r in pairs] == [[]] * 5


def test_other_shapes_make_other_programs(made_programs):
    """Lifting never joins models that differ in more than constants."""
    members = [member(width, seed=3, units=n) for n in (4, 8)]
    engine.train(members, TRAINING)
    assert len(made_programs) == 2


def test_what_comes_later_may_differ_elsewhere(made_programs):
    """A later model with another constant gets a program that lifts it as well."""

    def trained(**constants):
        return engine.train([member(two, seed=3, **constants)], TRAINING)[0]

    first = trained(rate=0.2, strength=0.01)
    assert trained(rate=0.5, strength=0.01).final_weights != first.final_weights
    assert trained(rate=0.5, strength=0.03).state == "COMPLETE"
    assert trained(rate=0.1, strength=0.07).state == "COMPLETE"
    assert len(made_programs) == 3
    assert trained(rate=0.2, strength=0.01).final_weights == first.final_weights
    assert len(made_programs) == 3
