"""A space means what it says, or is refused before anything is trained."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeroom.errors import InputError
from homeroom.search import (
    Choice,
    HyperParameters,
    as_space,
    choice,
    grid_size,
    integers,
    log_uniform,
    make_study,
    names_in,
    uniform,
)
from homeroom.search.spaces import combinations, n_combinations

FINITE = st.floats(1e-6, 1e6)


def ask(space, n=8, sampler="random", seed=3):
    return make_study(as_space(space), sampler, seed=seed).ask(n)


@given(st.tuples(FINITE, FINITE).filter(lambda ends: ends[0] * 1.0001 < ends[1]))
def test_draws_stay_inside_their_ends(ends):
    """Whatever the ends, every draw is between them, and whole where it must be."""
    low, high = ends
    space = {
        "a": uniform(low, high),
        "b": log_uniform(low, high),
        "c": integers(2, 40, step=3),
        "d": integers(1, 4000, log=True),
    }
    for values in ask(space):
        assert low <= values["a"] <= high
        assert low * 0.999999 <= values["b"] <= high * 1.000001
        assert values["c"] in range(2, 41, 3)
        assert 1 <= values["d"] <= 4000


def test_log_uniform_gives_each_order_of_magnitude_its_share():
    """A quarter of the draws from 1e-4 to 1 is in each of the four decades."""
    values = [v["rate"] for v in ask({"rate": log_uniform(1e-4, 1)}, n=400)]
    counts, _ = np.histogram(np.log10(values), bins=[-4, -3, -2, -1, 0])
    assert counts.min() > 70


def test_a_grid_is_the_product_of_its_lists():
    """Every combination comes once, branches only beside the value they belong to."""
    space = {
        "units": [8, 16],
        "optimizer": choice({"sgd": {"momentum": [0.0, 0.9]}, "adam": {}}),
        "depth": integers(1, 3),
        "seed": 7,
    }
    found = ask(space, n=99, sampler="grid")
    wanted = [
        {"units": units, **optimizer, "depth": depth, "seed": 7}
        for units, optimizer, depth in itertools.product(
            [8, 16],
            [
                {"optimizer": "sgd", "momentum": 0.0},
                {"optimizer": "sgd", "momentum": 0.9},
                {"optimizer": "adam"},
            ],
            [1, 2, 3],
        )
    ]
    assert found == wanted
    assert grid_size(as_space(space)) == 18


def test_a_branch_is_drawn_only_with_its_value():
    """momentum is there exactly when sgd is."""
    space = {
        "optimizer": choice({"sgd": {"momentum": uniform(0, 0.9)}, "adam": {}}),
        "rate": log_uniform(1e-3, 1e-1),
    }
    found = ask(space, n=30)
    assert {v["optimizer"] for v in found} == {"sgd", "adam"}
    assert all(("momentum" in v) == (v["optimizer"] == "sgd") for v in found)
    assert names_in(as_space(space)) == ("optimizer", "momentum", "rate")


@pytest.mark.parametrize(
    "values",
    [[1, 2], (1, 2), range(1, 3), np.array([1, 2]), {1, 2}],
    ids=lambda v: type(v).__name__,
)
def test_what_lists_values_is_a_choice(values):
    """Lists, tuples, ranges, arrays and sets are choices of Python's own values."""
    dimension = as_space({"a": values})["a"]
    assert dimension == Choice((1, 2))
    assert all(type(value) is int for value in dimension.values)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: uniform(1, 1), "the lower one first"),
        (lambda: uniform(0, float("inf")), "the lower one first"),
        (lambda: uniform("0", 1), "use two numbers"),
        (lambda: log_uniform(0, 1), "above 0"),
        (lambda: integers(0.5, 3), "whole numbers"),
        (lambda: integers(3, 3), "low must be below high"),
        (lambda: integers(0, 3, log=True), "low must be 1 or more"),
        (lambda: integers(1, 9, step=2, log=True), "step 1"),
        (lambda: choice([]), "at least one value"),
        (lambda: choice(["a", "b", "a"]), "'a' twice"),
        (lambda: choice("abc"), "a list of values"),
        (lambda: choice({"a": 3}), "a dict of its own hyperparameters"),
        (lambda: as_space({}), "empty"),
        (lambda: as_space([1]), "A space is a dict"),
        (lambda: as_space({1: [2]}), "is no text"),
        (lambda: as_space({"units": []}), "'units'"),
        (lambda: as_space({"a": {"b": 1}}), "choice({"),
        (
            lambda: as_space({"m": [1], "o": choice({"x": {"m": [2]}})}),
            "'m' stands in two places",
        ),
        (
            lambda: as_space({"o": choice({"x": {"o": [2]}})}),
            "'o' stands in two places",
        ),
        (lambda: ask({"rate": uniform(0, 1)}, sampler="grid"), "'rate' is an interval"),
        (lambda: ask({"a": [1]}, sampler="tpee"), "Did you mean 'tpe'"),
    ],
)
def test_a_space_that_means_nothing_is_refused(make, said):
    """One error that names what is wrong, before any trial."""
    with pytest.raises(InputError) as caught:
        make()
    assert said in str(caught.value)


def test_the_same_name_may_stand_in_two_branches():
    """Only one branch holds at once, so each may have a momentum."""
    space = as_space({
        "o": choice({"sgd": {"momentum": [0.5]}, "rms": {"momentum": [0.9]}})
    })
    assert names_in(space) == ("o", "momentum")


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_the_same_name_may_have_other_values_in_another_branch(sampler):
    """Each branch keeps to its own, whatever the sampler has drawn before."""
    space = as_space({
        "kind": choice({
            "mlp": {"units": [32, 64], "rate": uniform(0, 1)},
            "cnn": {"units": [8, 16, 4], "rate": log_uniform(1e-3, 1)},
        })
    })
    study = make_study(space, sampler, seed=0)
    asked = [values for _ in range(4) for values in study.ask(8)]
    drawn = {
        kind: {values["units"] for values in asked if values["kind"] == kind}
        for kind in ("mlp", "cnn")
    }
    assert drawn == {"mlp": {32, 64}, "cnn": {8, 16, 4}}


@pytest.mark.parametrize("sampler", ["tpe", "random", "qmc", "cmaes"])
def test_the_same_seed_proposes_the_same_trials(sampler):
    """A study is a function of its seed and of what it is told."""
    from homeroom.search import Answer

    space = {"rate": log_uniform(1e-4, 1), "units": [8, 16, 32]}

    def course(seed):
        study = make_study(as_space(space), sampler, seed=seed)
        seen = []
        for _ in range(3):
            asked = study.ask(8)
            for i, values in enumerate(asked):
                step = 2 if i == 3 else None
                study.tell(values, Answer(-abs(np.log10(values["rate"]) + 2), step))
            seen += asked
        return seen

    assert course(1) == course(1)
    assert course(1) != course(2)


def test_tpe_learns():
    """After 24 answers the proposals are nearer to the optimum than random ones."""
    from homeroom.search import Answer

    space = as_space({"rate": uniform(0, 1)})

    def last_distance(sampler):
        study = make_study(space, sampler, seed=5)
        for _ in range(4):
            asked = study.ask(8)
            for values in asked:
                study.tell(values, Answer(-abs(values["rate"] - 0.3)))
        return np.mean([abs(values["rate"] - 0.3) for values in asked])

    assert last_distance("tpe") < 0.5 * last_distance("random")


def test_nothing_is_proposed_twice_and_a_small_space_ends():
    """Six combinations are six trials, however many are asked for."""
    study = make_study(as_space({"a": [1, 2, 3], "b": [0, 1]}), "tpe", seed=1)
    found = study.ask(4) + study.ask(20)
    assert len(found) == len({(v["a"], v["b"]) for v in found}) == 6
    assert study.ask(8) == []


def test_equal_numbers_of_other_types_are_other_values():
    """True is not 1: a flag and a number are two choices."""
    assert len(choice([True, 1, 1.0]).values) == 3


def test_keras_tuners_names_draw_and_answer_again():
    """hp draws each name once, and replays exactly what was drawn."""

    def build(hp):
        units = hp.Int("units", 32, 256, step=32)
        rate = hp.Float("rate", 1e-4, 1e-2, sampling="log")
        kind = hp.Choice("kind", ["sgd", "adam"])
        with hp.conditional_scope("kind", ["sgd"]):
            assert kind == "sgd" or hp.Float("momentum", 0.1, 0.9) == 0.1
        assert hp.Int("units", 32, 256, step=32) == units == hp.get("units")
        return units, rate, kind, hp.Boolean("norm"), hp.Fixed("batch", 32)

    drawn = []

    def space(trial):
        hp = HyperParameters(trial)
        drawn.append(build(hp))
        return hp.values

    found = make_study(space, "random", seed=1).ask(12)
    assert len({values["units"] for values in found}) > 2
    assert {values["kind"] for values in found} == {"sgd", "adam"}
    assert not any("momentum" in values for values in found)
    for before, values in zip(drawn, found, strict=True):
        assert build(HyperParameters(values=values)) == before


def test_keras_tuners_steps_and_parents():
    """Steps are added or multiplied; what a parent switches off is not drawn."""

    def space(trial):
        hp = HyperParameters(trial)
        hp.Float("dropout", 0.0, 0.5, step=0.1)
        hp.Int("units", 16, 128, step=2, sampling="log")
        hp.Float("rate", 1e-4, 1e-2, step=10, sampling="log")
        hp.Choice("kind", ["sgd", "adam"])
        nesterov = hp.Boolean("nesterov", parent_name="kind", parent_values=["sgd"])
        assert nesterov is False or hp.get("kind") == "sgd"
        return hp.values

    found = make_study(space, "random", seed=1).ask(60)
    numbers = ("dropout", "units", "rate")
    values = {name: {f"{each[name]:.4g}" for each in found} for name in numbers}
    assert values["dropout"] == {"0", "0.1", "0.2", "0.3", "0.4", "0.5"}
    assert values["units"] == {"16", "32", "64", "128"}
    assert values["rate"] == {"0.0001", "0.001", "0.01"}
    assert all(("nesterov" in each) == (each["kind"] == "sgd") for each in found)


@pytest.mark.parametrize(
    ("ask_for", "said"),
    [
        (lambda hp: hp.Float("a", 0, 1, step=-0.1), "no steps of -0.1"),
        (lambda hp: hp.Int("a", 2, 8, step=0), "no steps of 0 from 2 to 8"),
        (lambda hp: hp.Int("a", 0, 8, step=2, sampling="log"), "by multiplication"),
        (lambda hp: hp.Int("a", 1, 8, sampling="reverse_log"), "'reverse_log'"),
        (lambda hp: hp.get("b"), "nothing was drawn"),
        (lambda hp: 1 / 0, "ZeroDivisionError"),
        (lambda hp: [1], "got list"),
    ],
)
def test_a_function_that_cannot_be_drawn_from_is_refused(ask_for, said):
    """What a space function does wrong is told in one error."""
    study = make_study(lambda trial: ask_for(HyperParameters(trial)), "tpe", seed=1)
    with pytest.raises(InputError) as caught:
        study.ask(1)
    assert said in str(caught.value)


@given(st.integers(2, 6), st.integers(1, 5), st.integers(1, 4))
def test_combinations_are_counted_without_making_them(a, b, c):
    """The number is that of those that are made, branches counted."""
    space = as_space({
        "a": integers(1, a),
        "b": choice({"x": {"d": list(range(b))}, "y": {}}),
        "c": list(range(c)),
        "e": 0.5,
    })
    assert n_combinations(space) == len(list(combinations(space)))
    assert n_combinations(as_space({"a": uniform(0, 1), "c": [1]})) is None
