"""A call ends where early stopping stops, and orders of rows are drawn once."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from homeroom.engine import orders
from homeroom.engine import shared as shared_file
from homeroom.engine.orders import Orders, order_of_epoch
from homeroom.engine.patience import Patience
from homeroom.engine.shared import Shared
from homeroom.engine.stopping import EarlyStopping, StoppingState, step

from .zoo import dense, member

after = jax.jit(Patience.after)
values = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, -0.5, np.nan])
rules = st.builds(
    EarlyStopping,
    mode=st.sampled_from(["min", "max"]),
    patience=st.integers(0, 4),
    min_delta=st.sampled_from([0.0, 0.25, -0.5]),  # no rounding: see the module
    start_from_epoch=st.integers(0, 4),
)


@given(st.lists(values, min_size=1, max_size=12), rules, st.integers(0, 3))
@settings(max_examples=100)
def test_patience_runs_out_in_the_epoch_that_stops(curve, rule, began):
    """From any epoch on, a call ends with the epoch in which the rule stops."""
    state = StoppingState()
    for epoch, value in enumerate(curve):
        if epoch <= began:
            patience = Patience.left(rule, state, epoch, column=1)
        state, decision = step(rule, state, epoch, value)
        patience = after(patience, np.array([7, value], np.float32))
        if epoch > 0:  # in the first, what is no number is not better, and no end
            assert bool(patience.has_run_out) == decision.stop
        if decision.stop:
            break


@given(st.lists(values, min_size=1, max_size=12), rules)
@settings(max_examples=30)
def test_no_epoch_stops_before_the_least_that_are_left(curve, rule):
    """A wave of `epochs_left` epochs never goes past one that stops."""
    state = StoppingState()
    first, left = 0, Patience.left(rule, state, 0, 0).epochs_left
    for epoch, value in enumerate(curve):
        state, decision = step(rule, state, epoch, value)
        if decision.stop:
            assert epoch == first + left - 1
            break
        if epoch == first + left - 1:
            first, left = epoch + 1, Patience.left(rule, state, epoch, 0).epochs_left


def test_what_never_ends_allows_any_number_of_epochs():
    """Without a rule the patience never runs out, whatever an epoch comes to."""
    patience = Patience.endless()
    for value in (1.0, 2.0, np.nan):
        patience = after(patience, np.array([value], np.float32))
        assert not patience.has_run_out


def test_orders_are_those_of_each_epoch_whoever_asks():
    """Kept or forgotten, an order is that of the member's seed, epoch and rows."""
    first, same, other = (member(dense, seed=seed) for seed in (1, 1, 2))
    n_bytes = first.train_rows.nbytes + shared_file._EACH_BYTES
    shared = Shared(most_bytes=3 * n_bytes)
    for epoch in (0, 1, 0, 2, 3, 0):
        for each in (first, same, other):
            for shuffle in (True, False):
                mine = Orders(shared, each, shuffle, first=epoch).of_epoch(0)
                np.testing.assert_array_equal(
                    mine, order_of_epoch(each, epoch, shuffle=shuffle)
                )
    assert 1 < len(shared._kept) <= 3


def test_an_order_that_is_shared_is_drawn_once(monkeypatch):
    """Candidates with the same rows and order seed cost one drawing of an order."""
    drawn = []
    monkeypatch.setattr(
        orders,
        "order_of_epoch",
        lambda *a, **k: drawn.append(a) or order_of_epoch(*a, **k),
    )
    shared, one = Shared(), member(dense)
    made = []

    def make(given):
        made.append(given)
        return tuple(given.values())

    for each in (one, replace(one, group="another"), one):
        orders_of = Orders(shared, each, shuffle=True, first=3)
        assert orders_of.of_epoch(0) is orders_of.tables(2, make)[0]
    assert len(drawn) == 2
    assert len(made) == 1
    other_rows = replace(one, train_rows=one.train_rows.copy())
    Orders(shared, other_rows, shuffle=True, first=3).tables(2, make)
    assert len(made) == 2
