"""How many epochs one call of a program holds changes nothing but the time."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from homeroom import engine
from homeroom.engine.program import Program

from .zoo import ZOO, dense, member, regressor

NUMBERS = ZOO["own_step"].arrays

STOPPING = engine.EarlyStopping(monitor="val_loss", patience=3)


def trained(monkeypatch, epochs_per_call, members, **settings):
    monkeypatch.setattr(Program, "epochs_per_call", lambda *_: epochs_per_call)
    training = engine.Training(12, 16, keep_weights=True, **settings)
    return engine.train(members, training)


def told(outcome):
    """What a call may not change."""
    return (
        outcome.state,
        outcome.error,
        outcome.stop_reason,
        outcome.stopped_epoch,
        outcome.best_epoch,
        outcome.n_updates,
        outcome.initial_weights,
        outcome.final_weights,
        str(outcome.history),
        str(outcome.scores),
    )


def overshooting():
    """A model whose validation loss soon rises."""
    return regressor(
        layers.Dense(64, activation="relu"), optimizer=keras.optimizers.SGD(0.3)
    )


@pytest.mark.parametrize("rule", [None, STOPPING])
@pytest.mark.parametrize("build", [dense, overshooting])
def test_calls_of_any_length_give_the_same(monkeypatch, build, rule):
    """One, three or all epochs per call: same weights, history and stopping epoch."""
    arrays = {} if build is dense else {"arrays": NUMBERS}

    def with_calls_of(n):
        members = [member(build, seed=seed, **arrays) for seed in (1, 2, 3)]
        return [told(o) for o in trained(monkeypatch, n, members, early_stopping=rule)]

    one = with_calls_of(1)
    assert with_calls_of(3) == one
    assert with_calls_of(12) == one


def test_no_epoch_runs_after_the_one_that_stops(monkeypatch):
    """A call with room for all epochs ends where patience runs out."""
    ran = []
    real = Program.call

    def call(self, *arguments):
        state, kept, rows = real(self, *arguments)
        ran.append(int(rows[:, -1].sum()))
        return state, kept, rows

    monkeypatch.setattr(Program, "call", call)
    each = member(overshooting, NUMBERS)
    (outcome,) = trained(monkeypatch, 32, [each], early_stopping=STOPPING)
    assert ran == [outcome.history.n_epochs]


def test_a_nan_within_a_call_leaves_the_weights_of_its_epoch(monkeypatch):
    """Epochs that a call ran after a divergence are not in the outcome."""

    class Turning(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, done):
            return keras.ops.where(done >= 7, np.nan, 0.01)

    def turning():
        return regressor(layers.Dense(8), optimizer=keras.optimizers.SGD(Turning()))

    short, long = (
        trained(monkeypatch, n, [member(turning, NUMBERS)])[0] for n in (1, 12)
    )
    assert short.stop_reason == "diverged"
    assert short.history.n_epochs < 12
    assert told(long) == told(short)
