"""Intervals agree with the reference implementations and with published numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from homeroom.errors import InputError
from homeroom.judgement import (
    bootstrap_interval,
    expanded_level,
    half_width,
    sd_interval,
    wilson,
)
from homeroom.seeding import generator


@settings(max_examples=60, deadline=None)
@given(data=st.data(), level=st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_wilson_agrees_with_scipy(data, level):
    """The Wilson interval is scipy's to 1e-12 for every count and level."""
    n = data.draw(st.integers(1, 100_000))
    successes = data.draw(st.integers(0, n))
    ours = wilson(successes, n, level)
    theirs = stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    assert ours.low == pytest.approx(theirs.low, abs=1e-12)
    assert ours.high == pytest.approx(theirs.high, abs=1e-12)
    assert (ours.level, "Wilson" in ours.method) == (level, True)


@pytest.mark.parametrize(("successes", "n"), [(1, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_impossible_counts(successes, n):
    """Counts that no test can give are refused."""
    with pytest.raises(InputError, match="right answers"):
        wilson(successes, n)


@pytest.mark.parametrize("level", [0.0, 1.0, 95, math.nan])
def test_a_level_is_a_probability(level):
    """A level outside (0, 1), such as 95, is refused by every interval."""
    for make in (
        lambda: wilson(5, 10, level),
        lambda: sd_interval(1.0, 5, level),
        lambda: bootstrap_interval(np.mean, np.arange(3.0), level=level, seed=1),
    ):
        with pytest.raises(InputError, match="coverage"):
            make()


def test_half_widths_of_small_validation_parts():
    """At 90 % an accuracy of 0.85 is open by .059, .026, .019, .006."""
    widths = [half_width(0.85, n) for n in (100, 500, 1000, 10_000)]
    assert [round(w, 3) for w in widths] == [0.059, 0.026, 0.019, 0.006]


def test_the_spread_of_five_folds_is_known_up_to_a_factor_of_five():
    """The 95 % interval of the SD of five values is [0.60 s, 2.87 s]."""
    interval = sd_interval(2.0, 5)
    assert (round(interval.low, 2), round(interval.high, 2)) == (1.2, 5.75)
    low, high = 2 * np.sqrt(4 / stats.chi2.ppf([0.975, 0.025], df=4))
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-12)


def test_one_value_has_no_spread():
    """The spread of one fold is refused, not NaN."""
    with pytest.raises(InputError, match="at least 2"):
        sd_interval(0.0, 1)


def test_bootstrap_agrees_with_scipy():
    """With the same draws the percentile bootstrap is scipy's."""
    x = generator(3, "x").normal(size=40)
    ours = bootstrap_interval(np.mean, x, seed=5, n_resamples=500, level=0.9)
    theirs = stats.bootstrap(
        (x,),
        np.mean,
        n_resamples=500,
        confidence_level=0.9,
        method="percentile",
        rng=generator(5, "bootstrap"),
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs), abs=1e-12)


def test_bootstrap_keeps_rows_together():
    """The same rows are drawn from every array: equal columns stay equal."""
    x = np.arange(30.0)
    interval = bootstrap_interval(
        lambda a, b: np.abs(a - b).max(), x, x.copy(), seed=1, n_resamples=50
    )
    assert (interval.low, interval.high) == (0.0, 0.0)


def test_bootstrap_is_repeatable_and_depends_on_the_seed():
    """The same seed gives the same interval; another seed another one."""
    x = generator(3, "x").normal(size=40)
    one, again, other = (
        bootstrap_interval(np.mean, x, seed=seed, n_resamples=100) for seed in (1, 1, 2)
    )
    assert one == again != other


def test_bootstrap_strata_keep_their_sizes():
    """With strata every resample has every class as often as the data."""
    y = np.array([0] * 38 + [1] * 2)
    interval = bootstrap_interval(np.sum, y, seed=1, n_resamples=50, strata=y)
    assert (interval.low, interval.high) == (2.0, 2.0)
    assert "stratified" in interval.method


def test_bootstrap_draws_whole_groups():
    """Rows that are copies within groups give the interval of the groups."""
    each = generator(3, "x").normal(size=25)
    rows, groups = np.repeat(each, 8), np.repeat(np.arange(25) * 7, 8)
    order = generator(4, "x").permutation(200)
    mine = bootstrap_interval(
        np.mean, rows[order], seed=1, groups=groups[order].astype(str)
    )
    theirs = bootstrap_interval(np.mean, each, seed=1)
    width, wanted = mine.high - mine.low, theirs.high - theirs.low
    assert width == pytest.approx(wanted, rel=0.05)
    assert "bootstrap of 25 groups, n = 200" in mine.method


def test_groups_drawn_whole_cover_where_rows_do_not():
    """Twelve alike rows of each of 20 groups: 95 % are 92 and more, by rows under 75.

    The share of right answers of a group is drawn from Beta(1.6, 0.4), 150 times.
    """
    dice, covered, by_rows = generator(8, "x"), 0, 0
    groups = np.repeat(np.arange(20), 12)
    for seed in range(150):
        share = np.repeat(dice.beta(1.6, 0.4, 20), 12)
        right = (dice.random(240) < share).astype(float)
        level = expanded_level(0.95, 20)
        mine = bootstrap_interval(
            np.mean, right, level=level, seed=seed, groups=groups, n_resamples=400
        )
        rows = wilson(int(right.sum()), 240)
        covered += mine.low <= 0.8 <= mine.high
        by_rows += rows.low <= 0.8 <= rows.high
    assert covered >= 0.92 * 150
    assert by_rows <= 0.75 * 150


def test_bootstrap_of_unequal_groups_keeps_their_rows():
    """Each draw has the rows of as many groups, each whole."""
    groups = np.array([0, 1, 1, 2, 2, 2])

    def is_whole(found):
        counts = np.bincount(found, minlength=3)
        assert (counts % [1, 2, 3] == 0).all()
        return float((counts / [1, 2, 3]).sum())

    interval = bootstrap_interval(
        is_whole, groups, seed=1, n_resamples=50, groups=groups
    )
    assert (interval.low, interval.high) == (3.0, 3.0)


def test_bootstrap_says_how_often_the_statistic_did_not_exist():
    """Undefined resamples are counted, and too many of them are an error."""
    y = np.array([0.0, 0.0, 0.0, 1.0])

    def share_among_ones(values):
        return 1.0 if values.any() else math.nan

    interval = bootstrap_interval(share_among_ones, y, seed=1, n_resamples=200)
    assert "undefined in" in interval.method
    with pytest.raises(InputError, match="strata="):
        bootstrap_interval(lambda _: math.nan, y, seed=1, n_resamples=20)


def test_bootstrap_refuses_arrays_that_do_not_fit():
    """Arrays of different lengths, or of none, have no rows to draw."""
    for arrays in [(np.zeros(3), np.zeros(4)), (np.zeros(0),), ()]:
        with pytest.raises(InputError, match="rows"):
            bootstrap_interval(np.mean, *arrays, seed=1)
    with pytest.raises(InputError, match="one label per row"):
        bootstrap_interval(np.mean, np.zeros(3), seed=1, strata=np.zeros(2))
    with pytest.raises(InputError, match="groups= has 2 labels for 3 rows"):
        bootstrap_interval(np.mean, np.zeros(3), seed=1, groups=np.zeros(2))
    both = {"strata": np.zeros(3), "groups": np.zeros(3)}
    with pytest.raises(InputError, match="both given"):
        bootstrap_interval(np.mean, np.zeros(3), seed=1, **both)
