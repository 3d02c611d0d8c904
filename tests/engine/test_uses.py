"""Which programs were wanted, whether they had to be made, why, and from where."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from keras import layers, optimizers

from homeroom import engine
from homeroom.engine import programs, workshop
from homeroom.engine.making import Making
from homeroom.records import Need

from .zoo import classifier, member

TRAINING = engine.Training(epochs=1, batch_size=32)
OPTIONS = {"n_train": 32, "validation": False}


def rated(rate: float):
    return classifier(layers.Dense(8), optimizer=optimizers.SGD(rate))


def dropped(rate: float):
    return classifier(layers.Dense(8), layers.Dropout(rate))


def wide(units: int):
    return classifier(layers.Dense(units))


def uses_of(members, training=TRAINING, **how):
    prepared = engine.prepare(members, training, **how)
    prepared.train()
    return prepared.uses()


def reasons(uses):
    return [(use.making.reason, use.is_new) for use in uses]


def test_learning_rates_share_and_widths_do_not(made_programs):
    """A use names every group of its program, and why another could not train it."""
    same = [member(rated, rate=rate, **OPTIONS) for rate in (0.1, 0.2)]
    other = [member(wide, units=units, **OPTIONS) for units in (5, 6)]
    uses = uses_of([*same, *other])
    assert [use.groups for use in uses] == [
        tuple(each.group for each in same),
        *((each.group,) for each in other),
    ]
    assert reasons(uses) == [(Need.FIRST, True)] * 3
    assert all(use.making.is_done for use in uses)
    assert all(use.making.seconds > 0 for use in uses)


def test_what_was_there_is_not_new(made_programs):
    """The second time no program is made; the use is of the same one."""
    members = [member(rated, rate=0.1, seed=seed, **OPTIONS) for seed in (1, 2, 3)]
    [first], [second] = uses_of(members), uses_of(members)
    assert (first.is_new, second.is_new) == (True, False)
    assert first.making is second.making


def test_every_reason_is_the_true_one(made_programs):
    """Rows, constants, searches, lanes and operations: each is told as what it is."""

    def asked(rate=0.1, n_train=32, n=2, **how):
        options = {"n_train": n_train, "validation": False}
        some = [member(dropped, rate=rate, seed=s, **options) for s in range(n)]
        [use] = uses_of(some, replace(TRAINING, **how), lanes=2)
        return use.making.reason, use.is_new

    assert asked() == (Need.FIRST, True)
    assert asked(rate=0.2) == (Need.CONSTANT, True)
    assert asked(n_train=34) == (Need.ROWS, True)
    assert asked(search="a") == (Need.FIRST, False)
    assert asked(search="a", rate=0.2) == (Need.LATE_CONSTANT, True)
    assert asked(n=1) == (Need.FIRST, False)
    assert asked(operations="keras") == (Need.OPERATIONS, True)
    assert asked() == (Need.FIRST, False)


def searched(name, *rates):
    """Ask for models that differ in a dropout rate, in a search; return their uses."""
    options = {"n_train": 32, "validation": False}
    members = [member(dropped, rate=rate, **options) for rate in rates]
    return uses_of(members, replace(TRAINING, search=name), lanes=2)


def test_searches_that_lift_the_same_share_a_program(made_programs):
    """A second search compiles nothing, whatever its rates are."""
    [first] = searched("a", 0.1, 0.2)
    [second] = searched("b", 0.3, 0.2)
    assert (first.is_new, second.is_new) == (True, False)
    assert second.making is first.making


def test_searches_that_lift_otherwise_do_not_share(made_programs):
    """What one search lifts decides no last digit of another, which lifts nothing."""
    [_], [second] = searched("a", 0.1, 0.2), searched("b", 0.2, 0.2)
    assert reasons([second]) == [(Need.SEARCH, True)]


def test_only_a_long_training_alone_has_a_program_for_every_core(made_programs):
    """What is over before another program would be made takes that of several."""
    some = [member(rated, rate=0.1, seed=seed, **OPTIONS) for seed in (1, 2)]
    [several] = uses_of(some, lanes=2)
    [short] = uses_of(some[:1])
    assert short.making is several.making
    long = replace(TRAINING, epochs=10**9)
    assert reasons(engine.prepare(some[:1], long).uses()) == [(Need.ALONE, True)]
    [again] = uses_of(some[:1])
    assert again.making is not several.making


def test_a_program_of_several_gives_one_alone_the_same_bits(made_programs, monkeypatch):
    """How many cores a program may use moves no weight."""
    some = [member(wide, units=512, seed=seed, **OPTIONS) for seed in (1, 2)]
    [own] = engine.train(some[:1], TRAINING)
    monkeypatch.setattr(workshop, "_programs", programs.Programs())
    [several] = uses_of(some, lanes=2)
    prepared = engine.prepare(some[:1], TRAINING)
    [lent] = prepared.train()
    [use] = prepared.uses()
    assert use.making is several.making
    assert lent.final_weights == own.final_weights


def test_a_model_alone_first_is_told_of_lanes(made_programs):
    """After a training alone, several at once have a program for one core each."""
    one = member(rated, rate=0.1, **OPTIONS)
    two = member(rated, rate=0.1, seed=12, **OPTIONS)
    uses_of([one], lanes=2)
    assert reasons(uses_of([one, two], lanes=2)) == [(Need.TOGETHER, True)]


def test_what_lay_on_disk_is_told_apart(made_programs, monkeypatch):
    """What an earlier process compiled is read, and said to be; nothing else is."""
    odd = member(dropped, rate=0.2718281, **OPTIONS)
    [compiled] = uses_of([odd])
    monkeypatch.setattr(workshop, "_programs", programs.Programs())
    [read] = uses_of([odd])
    assert (compiled.making.from_disk, read.making.from_disk) == (False, True)
    assert read.is_new
    assert read.making is not compiled.making


@pytest.mark.parametrize("how", [{"run_eagerly": True}, {"jit_compile": False}])
def test_plain_keras_uses_no_program(made_programs, how):
    """What is not to be compiled has none to tell of."""

    def uncompiled():
        model = wide(4)
        model.compile("sgd", model.loss, **how)
        return model

    assert uses_of([member(uncompiled, **OPTIONS)]) == ()


def test_a_layer_that_keras_does_not_compile_is_named(made_programs):
    """Nobody asked for jit_compile=False where Keras does not compile a layer."""

    def turned():
        image = layers.Reshape((3, 2, 1))
        return classifier(image, layers.RandomRotation(0.1), layers.Flatten())

    (outcome,) = engine.train([member(turned, **OPTIONS)], TRAINING)
    assert outcome.path == "keras.fit"
    assert "a RandomRotation layer" in outcome.path_reason


def test_what_cannot_be_compiled_is_never_done():
    """A program whose compiling fails is not one that was made."""

    class Broken:
        def compile(self):
            raise RuntimeError

    making = Making("for no reason")
    assert not making.is_done
    with ThreadPoolExecutor(1) as compiler:
        future = making.compile(Broken(), compiler)
    with pytest.raises(RuntimeError):
        future.result()
    assert not making.is_done
    assert making.seconds == 0
