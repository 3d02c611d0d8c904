"""Numbers in Keras's own parts come to literals that need no tracing to be told."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers

from homeroom import engine
from homeroom.engine import door, identity, literals, template, workshop
from homeroom.engine.literals import Relation, numbers_apart
from homeroom.engine.steps import Steps
from homeroom.engine.structure import Structure

from .zoo import ZOO, classifier, member

ARRAYS = ZOO["dense"].arrays
BELOW_ONE = (0.137, 0.2912, 0.613)
OTHERS_BELOW_ONE = (1e-12, 0.25, 0.999999)
ABOVE_ONE = (1.7, 2.3, 31.0)
OTHERS_ABOVE_ONE = (1e6,)
MAY_BE_ABOVE_ONE = {
    "alpha",
    "clipnorm",
    "clipvalue",
    "epsilon",
    "l1",
    "l2",
    "negative_slope",
    "weight_decay",
}
# optimizers that take each of the numbers
OPTIMIZERS = {
    "beta_1": ("Adam", "Adamax", "Nadam", "Lion"),
    "beta_2": ("Adam", "Lamb"),
    "clipnorm": ("Adam", "SGD"),
    "clipvalue": ("Adam", "SGD"),
    "epsilon": ("Adagrad", "Adam", "RMSprop"),
    "momentum": ("RMSprop", "SGD"),
    "rho": ("Adadelta", "RMSprop"),
    "weight_decay": ("AdamW", "SGD"),
}


def with_layer(kind: str, name: str, value: float):
    layer = getattr(layers, kind)(**{name: value})
    shape = {"1": (2, 4), "2": (2, 2, 2), "3": (2, 2, 1, 2)}.get(kind[-2])
    inside = [layers.Reshape(shape), layer, layers.Flatten()] if shape else [layer]
    return classifier(layers.Dense(8), *inside)


def with_penalty(kind: str, name: str, value: float):
    other = {"L1L2": {"l1": 0.1, "l2": 0.1}}.get(kind, {})
    penalty = getattr(keras.regularizers, kind)(**{**other, name: value})
    return classifier(layers.Dense(8, kernel_regularizer=penalty))


def with_optimizer(kind: str, name: str, value: float):
    optimizer = getattr(keras.optimizers, kind)(**{name: value})
    return classifier(layers.Dense(8), optimizer=optimizer)


CASES = [
    *(
        (with_penalty if part.startswith("L1") or part == "L2" else with_layer, part, n)
        for part, names in literals._OF_PARTS.items()
        for n in sorted(names)
    ),
    *((with_optimizer, part, n) for n, parts in OPTIMIZERS.items() for part in parts),
]


def traced(build, part, name, value):
    model = template.build(lambda: build(part, name, value), 3, ARRAYS, 16)
    told = identity.told_of(model)
    arrays = door.jax().device_put((ARRAYS.x, ARRAYS.y, None, None))
    return told, Steps(model, arrays, 16, exact=True).structure


def test_every_number_of_an_optimizer_is_tried_here():
    """No number is taken apart that the next test leaves out."""
    assert OPTIMIZERS.keys() == literals._OF_OPTIMIZERS


@pytest.mark.parametrize(("build", "part", "name"), CASES)
def test_what_is_told_is_what_is_traced(build, part, name):
    """Three traced models tell every literal of others, to the last bit."""
    ranges = [(BELOW_ONE, OTHERS_BELOW_ONE)]
    if name in MAY_BE_ABOVE_ONE:
        ranges.append((ABOVE_ONE, OTHERS_ABOVE_ONE))
    for known, others in ranges:
        relation, kinds = Relation(), set()
        for value in known:
            told, structure = traced(build, part, name, value)
            relation.add(told.numbers, structure)
            kinds.add(told.kind)
        for value in others:
            told, structure = traced(build, part, name, value)
            kinds.add(told.kind)
            found = relation.structure_of(told.numbers)
            assert found is not None
            assert found.skeleton == structure.skeleton
            assert not found.differing(structure)
            assert found.firsts == structure.firsts
        assert len(kinds) == 1


def test_zero_and_one_stay_in_the_configuration():
    """Where Keras asks for a value, models of two values are of two kinds."""
    by_strength = {
        strength: traced(with_penalty, "L2", "l2", strength)[0].kind
        for strength in (0.0, 0.1, 0.5, 1.0, 2.0, 3.0)
    }
    assert by_strength[0.1] == by_strength[0.5]
    assert by_strength[2.0] == by_strength[3.0]
    assert len({*by_strength.values()}) == 4


def test_a_part_of_ones_own_keeps_its_numbers():
    """Only Keras's own parts are known to do nothing else with a number."""
    config = {"module": "mine", "class_name": "Dropout", "config": {"rate": 0.3}}
    assert numbers_apart(config) == (config, ())


def structure(*values: float) -> Structure:
    return Structure("s", tuple(np.asarray(v, np.float32) for v in values), (0,))


LAWS = {
    "complement": lambda x: 1 - x,
    "constant": lambda x: 0.5,
    "negative": lambda x: -x,
    "quotient": lambda x: 1 / (1 - x),
    "root": lambda x: np.sqrt(1 - x),
    "square": lambda x: x * x,
}
NUMBERS = st.floats(1e-9, 0.999999) | st.floats(1e-9, 1e-6)


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
@given(st.lists(NUMBERS, min_size=4, max_size=8))
def test_no_literal_is_told_wrongly(law, values):
    """Whatever a literal is of a number, it is told to the last bit or not at all."""
    *known, new = values
    relation = Relation()
    for value in known:
        relation.add((value,), structure(value, law(value)))
    found = relation.structure_of((new,))
    assert found is None or not found.differing(structure(new, law(new)))


def test_three_values_far_enough_apart_tell():
    """A number and its complement are told; of tiny numbers, which all look the same
    beside one, nothing is."""
    relation = Relation()
    for value in (1e-9, 2e-9, 3e-9):
        relation.add((value,), structure(value, 1 - value))
    assert relation.structure_of((0.5,)) is None
    for value in (0.1, 0.2):
        relation.add((value,), structure(value, 1 - value))
    assert not relation.structure_of((0.5,)).differing(structure(0.5, 0.5))


@pytest.mark.parametrize("known", [(), (0.1,), (0.1, 0.2), (0.1, 0.2, 0.2)])
def test_too_few_values_tell_nothing(known):
    """Two values of a number, seen however often, are no proof."""
    relation = Relation()
    for value in known:
        relation.add((value,), structure(value))
    assert relation.structure_of((0.3,)) is None


def dropout_and_penalty(rate: float, strength: float):
    penalty = keras.regularizers.L2(strength)
    return classifier(layers.Dense(8, kernel_regularizer=penalty), layers.Dropout(rate))


def searched(monkeypatch):
    """Train eight trials of a search; return how many were traced, and the weights."""
    n_traced = []
    real = workshop.steps_of
    monkeypatch.setattr(
        workshop, "steps_of", lambda *args: n_traced.append(1) or real(*args)
    )
    random = np.random.default_rng(5)
    members = [
        member(dropout_and_penalty, seed=3, rate=rate, strength=strength)
        for rate, strength in random.uniform(0.001, 0.6, (8, 2)).tolist()
    ]
    training = engine.Training(epochs=2, batch_size=16, search="a")
    outcomes = engine.train(members, training)
    return len(n_traced), [outcome.final_weights for outcome in outcomes]


def test_a_search_traces_three_models_of_a_kind(made_programs, monkeypatch):
    """Of eight trials five are trained untraced, bit for bit as if each was traced."""
    n_traced, weights = searched(monkeypatch)
    assert (n_traced, len(made_programs)) == (3, 1)
    assert len({*weights}) == 8
    monkeypatch.setattr(workshop, "_programs", type(workshop._programs)())
    monkeypatch.setattr(Relation, "structure_of", lambda *_: None)
    assert searched(monkeypatch) == (8, weights)
