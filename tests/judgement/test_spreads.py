"""Rows and luck are told apart, pairs are counted, and a settlement is foretold."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from homeroom.errors import InputError
from homeroom.judgement import (
    compare,
    components,
    outlook,
    pairs_needed,
    summarize,
    superiority,
)
from homeroom.records import Metric

ACCURACY = Metric("accuracy", "max")


@pytest.fixture(scope="module")
def scored(make_member):
    """Summarize a table of scores [folds, seeds]."""

    def build(table, plan, candidate="mlp"):
        members = [
            make_member(fold, seed, float(score), candidate=candidate)
            for fold, row in enumerate(np.atleast_2d(table))
            for seed, score in enumerate(row)
        ]
        return summarize(members, plan, ACCURACY)

    return build


tables = st.integers(2, 6).flatmap(
    lambda j: st.integers(2, 4).flatmap(
        lambda s: st.lists(
            st.lists(st.floats(0, 1, width=32), min_size=s, max_size=s),
            min_size=j,
            max_size=j,
        )
    )
)


@given(table=tables)
@settings(max_examples=60)
def test_the_ratio_of_mean_squares_is_the_f_of_scipy(scored, make_plan, table):
    """The components rebuild the F of `scipy.stats.f_oneway` over the folds."""
    table = np.array(table)
    found = components(scored(table, make_plan(len(table))))
    within = np.mean(table.var(axis=1, ddof=1))
    assert found.sd_luck == pytest.approx(math.sqrt(within), abs=1e-9)
    if within > 1e-6 and found.sd_rows > 0:
        f = stats.f_oneway(*table).statistic
        mine = 1 + table.shape[1] * found.sd_rows**2 / found.sd_luck**2
        assert mine == pytest.approx(f, rel=1e-6)
    low, high = found.sd_rows_interval.low, found.sd_rows_interval.high
    assert 0 <= low <= found.sd_rows + 1e-12
    assert low <= high
    assert found.sd_luck_interval.low <= found.sd_luck <= found.sd_luck_interval.high


@pytest.mark.parametrize("sd_rows", [0.0, 0.5, 2.0])
def test_the_intervals_cover_what_they_name(scored, make_plan, sd_rows):
    """On normal scores 95 % intervals cover the truth in 93 % of 800 draws or more."""
    rng = np.random.default_rng(5)
    plan = make_plan(5)
    hits = np.zeros(2)
    for _ in range(800):
        rows = rng.normal(0, sd_rows, size=(5, 1))
        found = components(scored(rows + rng.normal(size=(5, 3)), plan))
        spans = (found.sd_rows_interval, sd_rows), (found.sd_luck_interval, 1.0)
        hits += [span.low <= truth <= span.high for span, truth in spans]
    assert (hits / 800 > 0.93).all()


def test_one_seed_tells_nothing_apart(scored, make_plan):
    """With one seed, or a training missing, there are no components."""
    plan = make_plan(3)
    assert components(scored([[0.8], [0.9], [0.7]], plan)) is None
    whole = scored([[0.8, 0.9], [0.9, 0.7], [0.7, 0.8]], plan)
    gap = msgspec.structs.replace(whole, complete=False)
    assert components(whole) is not None
    assert components(gap) is None


def test_equal_scores_have_no_spread_at_all(scored, make_plan):
    """Equal scores give zeros, not rounding errors."""
    found = components(scored(np.full((5, 3), 0.1 + 0.2), make_plan(5)))
    assert (found.sd_rows, found.sd_luck) == (0.0, 0.0)


@given(table=tables, other=st.floats(0, 1, width=32))
@settings(max_examples=40)
def test_wins_are_counted_and_ties_are_halves(scored, make_plan, table, other):
    """P(A>B) is the share of pairs won, and the two directions add up to one."""
    table = np.array(table)
    plan = make_plan(len(table))
    a = scored(table, plan, "a")
    b = scored(np.full_like(table, other), plan, "b")
    found, back = superiority(a, b), superiority(b, a)
    wins, ties = (table > other).sum(), (table == other).sum()
    assert found.p == pytest.approx((wins + ties / 2) / table.size)
    assert found.p + back.p == pytest.approx(1)
    assert (found.n_wins, found.n_pairs) == (wins, table.size)
    assert found.interval.low - 1e-12 <= found.p <= found.interval.high + 1e-12


def test_the_bootstrap_keeps_the_trainings_of_a_fold_together(scored, make_plan):
    """Six seeds of two folds are two draws, not twelve: the interval stays wide."""
    plan = make_plan(2)
    a = scored([[1.0] * 6, [0.0] * 6], plan, "a")
    b = scored([[0.5] * 6, [0.5] * 6], plan, "b")
    found = superiority(a, b)
    assert (found.p, found.interval.low, found.interval.high) == (0.5, 0.0, 1.0)
    assert not found.significant


def test_a_win_in_most_pairs_is_significant_and_meaningful(scored, make_plan):
    """Above one half, and possibly above three quarters."""
    plan = make_plan(5, n_repeats=4)
    rng = np.random.default_rng(1)
    table = 0.5 + np.where(rng.random((20, 3)) < 0.9, 0.1, -0.1)
    found = superiority(
        scored(table, plan, "a"), scored(np.full((20, 3), 0.5), plan, "b")
    )
    assert found.significant
    assert found.meaningful
    assert pairs_needed() == 29  # Noether's number at 5 %, both ways


def test_other_folds_are_not_paired(scored, make_plan):
    """Different plans are refused by name."""
    a = scored([[0.5], [0.6]], make_plan(2), "a")
    b = scored([[0.5], [0.6]], make_plan(2, fingerprint="other"), "b")
    with pytest.raises(InputError, match="'a' and 'b' were not scored"):
        superiority(a, b)


@given(table=tables, shift=st.floats(-0.2, 0.2))
@settings(max_examples=60)
def test_what_is_settled_is_what_compare_says(scored, make_plan, table, shift):
    """At the folds and seeds there are, the outlook is that of the posterior."""
    table = np.array(table)
    plan = make_plan(len(table))
    a = scored(table, plan, "a")
    b = scored(np.full_like(table, 0.5 + shift), plan, "b")
    seen = compare(a, b, plan)
    masses = max(seen.p_worse, seen.p_equal, seen.p_better)
    found = outlook(a, b, plan)
    assert abs(masses - 0.95) < 1e-6 or found.settled == (masses >= 0.95)


def test_the_promised_repeats_settle_it_and_one_fewer_does_not(scored, make_plan):
    """Scores with the very same spreads over that many repeats are decisive."""
    luckless = np.array([[0.93], [0.96], [0.95], [0.92], [0.95]])
    plan = make_plan(5)
    found = outlook(
        scored(luckless, plan, "a"), scored(np.full((5, 1), 0.91), plan, "b"), plan
    )
    assert not found.settled
    assert found.n_seeds is None  # with one seed luck is unknown
    n = found.n_repeats
    assert n > 1
    # exactly the same mean and sample variance, n times as many folds
    for repeats, decisive in ((n, True), (n - 1, False)):
        many = make_plan(5, n_repeats=repeats)
        table = np.tile(luckless, (repeats, 1))
        df = len(table) - 1
        wanted, has = luckless.var(ddof=1), table.var(ddof=1)
        table = table.mean() + (table - table.mean()) * math.sqrt(wanted / has)
        assert df == 5 * repeats - 1
        seen = compare(
            scored(table, many, "a"),
            scored(np.full_like(table, 0.91), many, "b"),
            many,
        )
        assert (max(seen.p_worse, seen.p_equal, seen.p_better) >= 0.95) == decisive


def test_luck_is_averaged_by_seeds_and_rows_are_not(scored, make_plan):
    """Where luck is all there is, seeds settle; where rows are, they do not."""
    plan = make_plan(5)
    rng = np.random.default_rng(3)
    luck = 0.93 + rng.normal(0, 0.03, size=(5, 3))
    luck += 0.93 - luck.mean(axis=1, keepdims=True)
    luck[:, 0] += [0.004, -0.004, 0.003, -0.003, 0.0]
    flat = np.full((5, 3), 0.9)
    by_luck = outlook(scored(luck, plan, "a"), scored(flat, plan, "b"), plan)
    rows = np.repeat([[0.99], [0.88], [0.95], [0.87], [0.96]], 3, axis=1)
    by_rows = outlook(scored(rows, plan, "a"), scored(flat, plan, "b"), plan)
    assert by_luck.settled or by_luck.n_seeds is not None
    assert by_rows.n_seeds is None
    assert not by_rows.settled


def test_one_fold_has_no_outlook(scored, make_plan):
    """Nothing can be foretold from one fold."""
    plan = make_plan(1)
    a, b = (scored([[0.9, 0.8]], plan, name) for name in "ab")
    assert outlook(a, b, plan) is None
