"""Early stopping decides as `keras.callbacks.EarlyStopping` does, NaN excepted."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from homeroom import engine
from homeroom.engine.callbacks import from_keras
from homeroom.engine.stopping import EarlyStopping, StoppingState, step
from homeroom.errors import InputError

from . import plain
from .zoo import ZOO, classifier, member, retyped, untyped

values = st.one_of(
    st.sampled_from([0.0, 0.1, 0.2, 0.25, 0.3, -0.1, 1.0]),  # so that ties occur
    st.floats(-10, 10, width=32),
)
curves = st.lists(values, min_size=1, max_size=16)


@st.composite
def parameters(draw):
    return {
        "min_delta": draw(st.sampled_from([0, 0.05, 0.1, 1e-8, 0.5, -0.1])),
        "patience": draw(st.integers(0, 4)),
        "mode": draw(st.sampled_from(["min", "max"])),
        "baseline": draw(st.sampled_from([None, 0.0, 0.2, -1.0, 1.5])),
        "restore_best_weights": draw(st.booleans()),
        "start_from_epoch": draw(st.integers(0, 4)),
    }


@dataclass
class Stub:
    """A model whose only weight is the number of the epoch."""

    epoch: int = 0
    stop_training: bool = False

    def get_weights(self) -> int:
        return self.epoch

    def set_weights(self, epoch: int) -> None:
        self.epoch = epoch


@dataclass(frozen=True)
class Course:
    """What a rule made of a curve."""

    last_epoch: int
    stopped: bool
    best: float | None
    kept_epoch: int


def by_keras(curve: list[float], chosen: dict[str, Any]) -> Course:
    model = Stub()
    callback = keras.callbacks.EarlyStopping(monitor="val_loss", **chosen)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(curve):
        model.epoch = epoch
        callback.on_epoch_end(epoch, {"val_loss": value})
        if model.stop_training:
            break
    last = model.epoch
    callback.on_train_end()
    return Course(last, model.stop_training, callback.best, model.epoch)


def by_us(curve: list[float], chosen: dict[str, Any]) -> Course:
    rule, state, stopped = EarlyStopping(**chosen), StoppingState(), False
    kept = epoch = 0
    for epoch, value in enumerate(curve):
        state, decision = step(rule, state, epoch, value)
        kept = epoch if decision.is_best else kept
        if stopped := decision.stop:
            break
    restores = rule.restore_best_weights and state.best is not None
    return Course(epoch, stopped, state.best, kept if restores else epoch)


@given(curves, parameters())
@settings(max_examples=150)
def test_decisions_are_those_of_keras(curve, chosen):
    """Stopping epoch, best value and kept weights equal Keras's on any curve."""
    assert by_us(curve, chosen) == by_keras(curve, chosen)


@given(curves, parameters(), st.data())
@settings(max_examples=60)
def test_a_later_nan_is_no_improvement_as_in_keras(curve, chosen, data):
    """NaN after the first watched epoch counts as Keras counts it: as waiting."""
    first = chosen["start_from_epoch"]
    for epoch in range(first + 1, len(curve)):
        if data.draw(st.booleans()):
            curve[epoch] = math.nan
    assert by_us(curve, chosen) == by_keras(curve, chosen)


@given(curves, parameters(), st.integers(1, 3))
@settings(max_examples=60)
def test_a_first_nan_does_not_freeze_the_rest(curve, chosen, n_nan):
    """After NaN epochs the best is that of the curve without them; NaN never is."""
    chosen |= {"patience": 100, "start_from_epoch": 0}
    repaired = by_us([math.nan] * n_nan + curve, chosen)
    assert repaired.best == by_us(curve, chosen).best
    if chosen["restore_best_weights"]:
        assert repaired.kept_epoch == by_us(curve, chosen).kept_epoch + n_nan
    assert math.isnan(by_keras([math.nan, *curve], chosen).best)


@given(parameters(), st.integers(2, 8))
@settings(max_examples=30)
def test_only_nan_stops_after_patience_with_nothing_best(chosen, n):
    """A monitor that never is a number has no best and runs out of patience."""
    course = by_us([math.nan] * n, chosen)
    assert course.best is None
    watched = n - chosen["start_from_epoch"]
    assert course.stopped == (watched >= max(chosen["patience"], 1) and n > 1)


def test_differences_below_float32_are_ties():
    """Values are compared in float32, in which Keras compares them."""
    rule = EarlyStopping(mode="min", patience=9)
    state, _ = step(rule, StoppingState(), 0, 0.3)
    _, decision = step(rule, state, 1, 0.3 - 1e-12)
    assert not decision.is_best


def test_the_parameters_of_keras_are_taken_over():
    """An adopted callback gives the rule with all of its eight parameters."""
    chosen = {
        "monitor": "val_accuracy",
        "min_delta": 0.01,
        "patience": 3,
        "verbose": 1,
        "mode": "max",
        "baseline": 0.2,
        "restore_best_weights": False,
        "start_from_epoch": 2,
    }
    assert from_keras(keras.callbacks.EarlyStopping(**chosen)).to_dict() == chosen


@pytest.mark.parametrize(
    "wrong",
    [
        {"mode": "down"},
        {"patience": -1},
        {"patience": True},
        {"start_from_epoch": 1.5},
        {"monitor": 5},
        {"restore_best_weights": "no"},
    ],
)
def test_a_parameter_out_of_range_is_refused(wrong):
    """The rule names the parameter and the value that it cannot work with."""
    with pytest.raises(InputError, match=next(iter(wrong))):
        EarlyStopping(**wrong)


def overfitting():
    """Learns labels made of noise by heart, so that validation soon gets worse."""
    return classifier(
        layers.Dense(32, activation="relu"), optimizer=keras.optimizers.Adam(0.05)
    )


CLASSES = ZOO["dense"].arrays


@pytest.mark.parametrize(
    ("chosen", "stops"),
    [
        ({"patience": 2}, True),
        ({"patience": 1, "monitor": "val_accuracy", "start_from_epoch": 2}, True),
        ({"patience": 3, "restore_best_weights": False}, True),
        ({"patience": 50, "monitor": "loss"}, False),
    ],
)
def test_training_stops_and_restores_as_keras_does(chosen, stops):
    """The epoch that stops and the weights that stay are those of plain fit."""
    chosen = {"restore_best_weights": True} | chosen
    training = engine.Training(
        epochs=8,
        batch_size=16,
        shuffle=False,
        keep_weights=True,
        early_stopping=engine.EarlyStopping(**chosen),
    )
    each = member(overfitting, CLASSES)
    (outcome,) = engine.train([each], training)
    reference = plain.fit_at_once(
        each, training, [keras.callbacks.EarlyStopping(**chosen)]
    )
    assert outcome.history.n_epochs == len(reference["history"]["loss"])
    assert outcome.stop_reason == ("patience" if stops else "epochs")
    last = outcome.history.n_epochs - 1
    assert outcome.stopped_epoch == (last if stops else None)
    for part in ("trainable", "non_trainable"):
        pairs = zip(getattr(outcome.weights, part), reference[part], strict=True)
        assert all(np.array_equal(a, b) for a, b in pairs)
    kept = last if outcome.best_epoch is None else outcome.best_epoch
    assert outcome.scores == outcome.history.at(kept)


def test_a_callback_stops_as_the_argument_does():
    """`keras.callbacks.EarlyStopping` in callbacks= is the same rule."""
    rule = {"patience": 1, "restore_best_weights": True}
    by_argument, by_callback = (
        engine.train([member(overfitting, CLASSES)], engine.Training(8, 16, **how))[0]
        for how in (
            {"early_stopping": engine.EarlyStopping(**rule)},
            {"callbacks": (keras.callbacks.EarlyStopping(**rule),)},
        )
    )
    assert by_argument.stop_reason == by_callback.stop_reason == "patience"
    assert by_argument.history == by_callback.history
    assert by_argument.final_weights == by_callback.final_weights


def test_the_fallback_stops_and_restores_too():
    """Plain fit under the engine's rule ends where the compiled epochs end."""
    training = engine.Training(
        epochs=8,
        batch_size=32,
        keep_weights=True,
        early_stopping=engine.EarlyStopping(patience=1),
    )
    slow, fast = engine.train(
        [member(build, CLASSES, rate=0.1) for build in (retyped, untyped)], training
    )
    assert (slow.path, fast.path) == ("keras.fit", "scan")
    assert fast.stop_reason == "patience"
    assert slow.history.series["loss"] == fast.history.series["loss"]
    assert slow.history.series["val_loss"] == fast.history.series["val_loss"]
    assert slow.best_epoch == fast.best_epoch
    assert slow.stopped_epoch == fast.stopped_epoch
    assert slow.final_weights == fast.final_weights


def test_watching_begins_after_the_last_epoch():
    """A rule that never looks leaves a complete training with its last weights."""
    rule = engine.EarlyStopping(start_from_epoch=5)
    training = engine.Training(2, 16, early_stopping=rule)
    (outcome,) = engine.train([member(overfitting, CLASSES)], training)
    assert (outcome.state, outcome.error) == ("COMPLETE", None)
    assert outcome.scores == outcome.history.at(1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_delta": "much"},
        {"min_delta": math.nan},
        {"min_delta": True},
        {"baseline": "0.5"},
    ],
)
def test_what_is_no_number_is_refused_by_name(wrong):
    """A min_delta or baseline that cannot be compared is one error, when it is made."""
    [name] = wrong
    with pytest.raises(InputError, match=f"{name}=.*finite number"):
        EarlyStopping(**wrong)


def test_numbers_of_numpy_are_remembered_as_pythons():
    """A rule made from NumPy's numbers is written as JSON like any other."""
    rule = EarlyStopping(patience=np.int64(3), min_delta=np.float32(0.5))
    assert json.loads(json.dumps(rule.to_dict()))["patience"] == 3
    assert rule == EarlyStopping(patience=3, min_delta=0.5)
