"""Trainings side by side in one call come out as they do one after the other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from weakref import WeakKeyDictionary

import keras
import numpy as np
import pytest
from keras import layers

from homeroom import engine
from homeroom.engine import EarlyStopping, Training, door, lane, plan, probe
from homeroom.engine.program import Program
from homeroom.engine.slots import Best, EndedInSlot, EndedInSlots
from homeroom.errors import InputError
from homeroom.records import BATCHED, FAILED, PRUNED

from .test_cohort import PLAN, folds
from .zoo import BATCH_SIZE, ZOO, dense, dropout, member, regressor

NUMBERS = ZOO["own_step"].arrays
THREE = Training(epochs=3, batch_size=BATCH_SIZE, keep_weights=True)
OF_EVERY_KIND = [
    "attention",
    "batch_normalization",
    "conv2d",
    "dropout",
    "gru",
    "mixed_precision",
    "own_step",
    "separable_conv",
]


@pytest.fixture
def waves(monkeypatch):
    """Ask for waves, of which CPU has none by itself."""
    monkeypatch.setenv("HOMEROOM_PLAN", plan.WAVES)


def side_by_side(members, training, slots, **options):
    """Train in a wave with so many slots; all members of it have to be of a wave."""
    outcomes = engine.train(members, training, lanes=slots, **options)
    assert {(o.path, o.sameness) for o in outcomes} == {("wave", BATCHED)}
    return outcomes


def far(outcome, reference):
    """Return the largest difference of weights, relative to what they are."""
    pairs = zip(
        [*outcome.weights.trainable, *outcome.weights.non_trainable],
        [*reference.weights.trainable, *reference.weights.non_trainable],
        strict=True,
    )
    return max(
        float(np.max(np.abs(np.asarray(a, float) - b) / (0.01 + np.abs(b)), initial=0))
        for a, b in pairs
    )


@pytest.mark.parametrize("name", OF_EVERY_KIND)
def test_a_wave_is_plain_training_within_rounding(name, monkeypatch):
    """For every kind of layer: weights and curves are those of lanes, but for ulps.

    Three members in two slots, so that one slot is filled again.
    """
    specimen = ZOO[name]
    training = replace(THREE, class_weight=specimen.class_weight)
    members = [
        member(specimen.build, specimen.arrays, seed=seed, split=split)
        for seed, split in ((11, 0), (12, 1), (13, 2))
    ]
    references = engine.train(members, training)
    monkeypatch.setenv("HOMEROOM_PLAN", plan.WAVES)
    for outcome, reference in zip(
        side_by_side(members, training, 2), references, strict=True
    ):
        assert outcome.state == "COMPLETE"
        assert outcome.initial_weights == reference.initial_weights
        assert far(outcome, reference) < 2e-3
        series = outcome.history.series
        assert list(series) == list(reference.history.series)
        for key, values in reference.history.series.items():
            assert series[key] == pytest.approx(values, rel=1e-3, abs=1e-5)


def test_who_else_is_in_the_wave_changes_no_bit(waves):
    """Other companions, in another order: the same weights, bit for bit."""
    mine = member(dropout, seed=1)
    others = [member(dropout, seed=seed, split=seed) for seed in range(2, 8)]
    (first, *_) = side_by_side([mine, *others[:3]], THREE, 4)
    *_, last = side_by_side([*others[3:], others[0], mine], THREE, 4)
    alone = side_by_side([*others, mine], THREE, 4)[-1]
    assert first.final_weights == last.final_weights == alone.final_weights


@pytest.mark.parametrize("slots", [3, 8])
def test_early_stopping_in_waves(waves, monkeypatch, slots):
    """Each stops at its own epoch and keeps its own best weights, as in lanes."""
    build = ZOO["dense"].build
    rule = EarlyStopping(monitor="val_loss", patience=3)
    training = replace(THREE, epochs=40, early_stopping=rule)
    members = [
        member(build, seed=s, split=s, n_train=20 + 7 * (s % 3)) for s in range(8)
    ]
    outcomes = side_by_side(members, training, slots)
    monkeypatch.setenv("HOMEROOM_PLAN", plan.LANES)
    references = engine.train(members, training)
    for outcome, reference in zip(outcomes, references, strict=True):
        assert outcome.stopped_epoch == reference.stopped_epoch
        assert outcome.best_epoch == reference.best_epoch
        assert far(outcome, reference) < 1e-2
        assert outcome.scores == outcome.history.at(outcome.best_epoch)
    assert len({o.stopped_epoch for o in outcomes}) > 1  # so that it can fail


@pytest.mark.parametrize("slots", [2, 4])
def test_cohorts_in_waves(waves, monkeypatch, slots):
    """Folds that stop together do so where fewer of them fit into a wave, too."""
    found = side_by_side(folds(), PLAN, slots)
    monkeypatch.setenv("HOMEROOM_PLAN", plan.LANES)
    for a, b in zip(found, engine.train(folds(), PLAN), strict=True):
        assert (a.stopped_epoch, a.best_epoch) == (b.stopped_epoch, b.best_epoch)
        assert far(a, b) < 1e-2


@pytest.mark.parametrize("restores", [True, False])
def test_few_calls_and_no_epoch_too_many(waves, monkeypatch, restores):
    """A call of a wave goes past where some can stop; nobody hears of what is dropped.

    With one epoch a call every training has the same history and the same weights,
    the best or the last ones, however many epochs of states the program keeps.
    """
    build = ZOO["dense"].build
    rule = EarlyStopping("val_loss", patience=2, restore_best_weights=restores)
    training = replace(THREE, epochs=30, early_stopping=rule)
    members = [member(build, seed=s, split=s, n_train=44) for s in range(6)]
    calls, heard, trained_epochs = [], [], []
    real = Program.call

    def call(self, place, *arguments):
        calls.append(arguments[4])
        state, kept, rows = real(self, place, *arguments)
        # slots that train have rows
        busy = np.asarray(arguments[3][1])[:, 0] > 0
        trained_epochs.append(int(busy.sum()) * arguments[4])
        return state, kept, rows

    monkeypatch.setattr(Program, "call", call)

    def trained(most):
        monkeypatch.setattr(Program, "epochs_per_call", lambda *_: most)
        for each in (calls, heard, trained_epochs):
            each.clear()
        outcomes = side_by_side(
            members, training, 4, on_epoch=lambda m, epoch, _: heard.append(epoch)
        )
        assert len(heard) == sum(o.history.n_epochs for o in outcomes)
        return [(o.final_weights, o.stopped_epoch, str(o.history)) for o in outcomes]

    one = trained(1)
    n_calls = len(calls)
    assert trained(16) == one
    assert len(calls) < n_calls
    assert sum(trained_epochs) > len(heard)  # some were dropped


def test_states_of_one_epoch_only(waves, monkeypatch):
    """Where no states between epochs are kept, best weights are those of lanes."""
    monkeypatch.setattr(Program, "_epochs_that_fit", lambda _: 1)

    def own():
        return regressor(layers.Dense(7, activation="tanh"))

    rule = EarlyStopping("val_loss", patience=1)
    training = replace(THREE, epochs=6, early_stopping=rule)
    members = [member(own, NUMBERS, seed=s, split=s) for s in range(5)]
    found = side_by_side(members, training, 2)
    monkeypatch.setenv("HOMEROOM_PLAN", plan.LANES)
    for a, b in zip(found, engine.train(members, training), strict=True):
        assert (a.stopped_epoch, a.best_epoch) == (b.stopped_epoch, b.best_epoch)
        assert far(a, b) < 1e-3


@pytest.mark.parametrize("slots", [2, 4])
def test_a_call_that_fails_takes_only_its_own_along(waves, monkeypatch, slots):
    """What waited meanwhile, and what comes later, train as if nothing had been."""
    real, n_calls = Program.call, []

    def call(self, place, *arguments):
        n_calls.append(place)
        if len(n_calls) == 3:
            msg = "a device has stumbled"
            raise RuntimeError(msg)
        return real(self, place, *arguments)

    members = [member(ZOO["dense"].build, seed=s, split=s) for s in range(8)]
    monkeypatch.setattr(Program, "epochs_per_call", lambda *_: 2)
    wanted = engine.train(members, THREE, lanes=slots)
    monkeypatch.setattr(Program, "call", call)
    found = engine.train(members, THREE, lanes=slots)
    failed = [o for o in found if o.state == FAILED]
    assert 0 < len(failed) <= slots
    assert all("stumbled" in o.error for o in failed)
    for mine, other in zip(found, wanted, strict=True):
        if mine.state != FAILED:
            assert mine.final_weights == other.final_weights
            assert mine.history == other.history


def test_what_is_kept_of_slots_is_what_was_there():
    """Best epochs of many calls, slots given away in between: the states of then."""
    random = np.random.default_rng(3)
    best, expected, waiting = Best(4), {}, []
    for _ in range(8):
        for mine, wanted in waiting:  # asks when the wave has gone on
            expected[mine.holding(1)] = wanted
        state, kept = random.normal(size=(4, 2)), random.normal(size=(4, 5, 2))
        ended = EndedInSlots([state], [kept], 4)
        for slot in random.choice(4, 2, replace=False):
            i = int(random.integers(5))
            mine = EndedInSlot(ended, int(slot), [({}, False)] * 5, 0.0)
            expected[mine.holding(i)] = kept[slot, i]
        waiting = [(mine, kept[slot, 1])]
        best.take_in(ended)
        best.forget(int(random.integers(4)))
    for held, wanted in expected.items():
        np.testing.assert_array_equal(held.state[0], np.float32(wanted))


def test_one_that_diverges_does_not_touch_the_others(waves):
    """NaN in one slot ends that training; its neighbours keep every bit."""

    def model(learning_rate):
        optimizer = keras.optimizers.SGD(learning_rate)
        return regressor(layers.Dense(8, activation="relu"), optimizer=optimizer)

    def members(rate):
        return [
            member(model, NUMBERS, seed=s, learning_rate=rate if s == 1 else 0.01)
            for s in range(3)
        ]

    broken = side_by_side(members(1e30), THREE, 4)
    sound = side_by_side(members(0.01), THREE, 4)
    assert [o.state for o in broken] == ["COMPLETE", FAILED, "COMPLETE"]
    assert "nan" in broken[1].error or "inf" in broken[1].error
    for i in (0, 2):
        assert broken[i].final_weights == sound[i].final_weights


def test_pruned_ones_leave_their_slots(waves):
    """What is given up after an epoch has that epoch's history, others have all."""
    members = [member(dense, seed=seed) for seed in range(5)]
    prepared = engine.prepare(members, Training(epochs=4), lanes=2)
    outcomes = prepared.train(prune=lambda mine, *_: mine.seed % 2 == 0)
    assert [o.history.n_epochs for o in outcomes] == [1, 4, 1, 4, 1]
    assert [o.state == PRUNED for o in outcomes] == [True, False] * 2 + [True]


def test_different_models_and_data_take_turns(waves):
    """Two models and two sets of rows are four waves, and all members get through."""
    again = replace(ZOO["dense"].arrays)
    members = [
        member(build, arrays, seed=seed)
        for seed in (1, 2, 3)
        for build in (dense, dropout)
        for arrays in (ZOO["dense"].arrays, again)
    ]
    outcomes = engine.train(members, THREE, lanes=4)
    lanes = {o.path for o in outcomes}
    assert lanes == {"wave"}
    assert [o.state for o in outcomes] == ["COMPLETE"] * len(members)


def test_predictions_and_callbacks_in_waves(waves):
    """Out-of-fold outputs are those of the kept weights; callbacks see every epoch."""
    seen = []

    class See(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(epoch)

    training = replace(THREE, keep_predictions=True, callbacks=(See(),))
    members = [member(dense, seed=seed) for seed in (1, 2, 3)]
    for each, outcome in zip(members, side_by_side(members, training, 4), strict=True):
        model = engine.trained_model(each, training, outcome)
        expected = model.predict(each.arrays.x[each.validation_rows], verbose=0)
        assert outcome.predictions == pytest.approx(expected, abs=1e-5)
    assert sorted(seen) == [0, 0, 0, 1, 1, 1, 2, 2, 2]


def test_what_a_training_in_a_wave_ends_with_is_foreseen(waves, monkeypatch):
    """The forecast counts what comes after a training's last turn."""
    joined = lane._joined

    def slow(*arguments):
        time.sleep(0.4)
        return joined(*arguments)

    monkeypatch.setattr(lane, "_joined", slow)
    training = replace(THREE, keep_predictions=True)
    members = [member(dense, seed=seed) for seed in range(4)]
    (pace,) = engine.prepare(members, training, lanes=4).paces().values()
    assert pace.seconds_once > 0.4


@pytest.mark.parametrize("room", [1, 2])
def test_memory_that_runs_out_halves_the_wave(waves, monkeypatch, room):
    """Eight do not fit, two or one do: the weights are those of two, or of lanes."""
    real = Program.call

    def call(self, place, *arguments):
        if place.n_slots > room:
            msg = "RESOURCE_EXHAUSTED: Out of memory while trying to allocate"
            raise RuntimeError(msg)
        return real(self, place, *arguments)

    members = [member(dense, seed=seed) for seed in range(8)]
    wanted = engine.train(members, THREE, lanes=room)
    monkeypatch.setattr(Program, "call", call)
    outcomes = engine.train(members, THREE, lanes=8)
    assert {o.path for o in outcomes} == {"scan" if room == 1 else "wave"}
    assert [o.final_weights for o in outcomes] == [o.final_weights for o in wanted]
    assert all("memory ran out" in o.path_reason for o in outcomes)


def test_what_fits_nowhere_fails_by_name(monkeypatch):
    """A training that alone has no room fails with that error; no other does."""
    real = Program.call

    def call(self, place, values, state, *arguments):
        if len(state[0]) > 4:
            msg = "RESOURCE_EXHAUSTED: Out of memory allocating 99 bytes"
            raise RuntimeError(msg)
        return real(self, place, values, state, *arguments)

    def large():
        return regressor(layers.Dense(8), layers.Dense(8))

    def small():
        return regressor(layers.Dense(8))

    monkeypatch.setattr(Program, "call", call)
    members = [member(b, NUMBERS, seed=s) for s in (1, 2) for b in (large, small)]
    outcomes = engine.train(members, THREE)
    assert [o.state for o in outcomes] == [FAILED, "COMPLETE"] * 2
    assert "RESOURCE_EXHAUSTED" in outcomes[0].error


def test_several_devices_have_a_lane_each():
    """On two devices members come out bit for bit as on one, in lanes and in waves."""
    code = """
import json, jax
jax.config.update("jax_num_cpu_devices", 2)
import keras, numpy as np
from keras import layers
from homeroom import engine
from homeroom.engine import door
x = np.linspace(-1, 1, 180, dtype="float32").reshape(60, 3)
arrays = engine.Arrays(x, x[:, :1] ** 2)
def net():
    model = keras.Sequential([
        keras.Input((3,)), layers.Dense(8), layers.BatchNormalization(),
        layers.Dropout(0.2), layers.Dense(1),
    ])
    model.compile(keras.optimizers.SGD(0.01, momentum=0.9), "mse")
    return model
rows = np.arange(60, dtype="int32")
members = [
    engine.Member(s, net, arrays, np.roll(rows, s)[:44], rows[44:], s, s)
    for s in range(5)
]
training = engine.Training(epochs=3, batch_size=16, keep_predictions=True)
def told(lanes):
    prepared = engine.prepare(members, training, lanes=lanes)
    outcomes = prepared.train()
    return [len(prepared.plan.places), prepared.plan.n_slots,
            [o.state + o.final_weights for o in outcomes]]
one = told(1)
door.device = lambda: "an accelerator"  # which has no lanes on one device
import os
os.environ["HOMEROOM_PLAN"] = "lanes"
several = told(2)
os.environ["HOMEROOM_PLAN"] = "waves"
wave = told(4)
again = told(4)
print(json.dumps([one, several, wave, again]))
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KERAS_BACKEND": "jax"},
    )
    assert done.returncode == 0, done.stderr
    one, several, wave, again = json.loads(done.stdout.splitlines()[-1])
    assert (one[:2], several[:2], wave[:2]) == ([1, 1], [2, 1], [2, 2])
    assert all(told.startswith("COMPLETE") for told in one[2])
    assert several[2] == one[2]
    assert wave == again


@pytest.mark.parametrize(("in_wave", "in_turn"), [(1.0, 3.0), (3.0, 1.0)])
def test_the_faster_plan_is_taken(monkeypatch, in_wave, in_turn):
    """Where a device may want waves, a measurement decides, and the plan says which."""
    measured = []

    def seconds(job, training, plan):
        measured.append(plan.n_slots)
        return in_wave * 4 if plan.n_slots > 1 else in_turn

    monkeypatch.setattr(door, "device", lambda: "gpu")
    monkeypatch.setattr(probe, "_known", WeakKeyDictionary())
    monkeypatch.setattr(probe, "_seconds_per_epoch", seconds)
    members = [member(dense, seed=seed) for seed in range(4)]
    engine.prepare(members, THREE)
    prepared = engine.prepare(members, THREE)
    assert measured == [4, 1]  # the second time it is known
    assert prepared.plan.name == (plan.WAVES if in_wave < in_turn else plan.LANES)
    assert prepared.plan.at_once == (4 if in_wave < in_turn else 1)
    assert "times as long" in prepared.plan.reason
    assert {o.state for o in prepared.train()} == {"COMPLETE"}


@pytest.mark.parametrize(
    ("message", "outcome"),
    [("RESOURCE_EXHAUSTED: no room", plan.LANES), ("INTERNAL: no such graph", None)],
)
def test_a_probe_that_fails_is_not_the_fastest(monkeypatch, message, outcome):
    """No memory for a wave means lanes; whatever else goes wrong is not hidden."""

    def seconds(job, training, plan):
        if plan.n_slots > 1:
            raise RuntimeError(message)
        return 1.0

    monkeypatch.setattr(door, "device", lambda: "gpu")
    monkeypatch.setattr(probe, "_known", WeakKeyDictionary())
    monkeypatch.setattr(probe, "_seconds_per_epoch", seconds)
    members = [member(dense, seed=seed) for seed in range(4)]
    if outcome:
        assert engine.prepare(members, THREE).plan.name == outcome
    else:
        with pytest.raises(RuntimeError, match="no such graph"):
            engine.prepare(members, THREE)


def test_a_wave_is_measured_before_it_is_trusted(monkeypatch):
    """On other devices than a CPU lanes and waves are both tried, and one is taken."""
    monkeypatch.setattr(door, "device", lambda: "gpu")
    monkeypatch.setattr(probe, "_known", WeakKeyDictionary())
    members = [member(dense, seed=seed) for seed in range(4)]
    prepared = engine.prepare(members, THREE)
    assert "4 at once take" in prepared.plan.reason
    assert not prepared.plan.is_open


def test_memory_decides_how_many_slots(monkeypatch):
    """Slots are a power of two that fits into half of the free memory."""
    monkeypatch.setattr(plan, "_free_bytes", lambda: 1000.0)
    assert plan.slots_that_fit(100, 1000, 1) == 4
    assert plan.slots_that_fit(100, 3, 1) == 4
    assert plan.slots_that_fit(100, 2, 1) == 2
    assert plan.slots_that_fit(100, 6, 2) == 4
    assert plan.slots_that_fit(10_000, 1000, 1) == 1
    assert plan.slots_that_fit(0, 10**6, 1) == 256


def test_an_unknown_plan_is_refused(monkeypatch):
    """HOMEROOM_PLAN=fast is one clear error before anything is built."""
    monkeypatch.setenv("HOMEROOM_PLAN", "fast")
    with pytest.raises(InputError, match=r"HOMEROOM_PLAN=fast.*'lanes'.*'waves'"):
        engine.prepare([member(dense)], THREE)
