"""A trial is given up by what came before it, never by luck or by its start alone."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from homeroom.search import best_until, falls_behind, rungs

SCORES = st.lists(st.floats(0, 1), min_size=4, max_size=30)


@given(SCORES, st.sampled_from(["max", "min"]))
def test_the_best_so_far_is_never_given_up(earlier, direction):
    """A trial at least as good as every earlier one goes on."""
    best = max(earlier) if direction == "max" else min(earlier)
    assert falls_behind(best, earlier, 3, direction) is None


@given(SCORES, st.floats(0, 1))
def test_whoever_goes_on_is_in_the_best_third_or_near_it(earlier, value):
    """Who is given up has at least a third of the earlier ones above by the rope."""
    rung = falls_behind(value, earlier, 3, "max", rope=lambda _: 0.01)
    better = sum(other - 0.01 > value for other in earlier)
    if rung is None:
        assert better <= (len(earlier) + 1) // 3
    else:
        assert better >= max(1, (len(earlier) + 1) // 3)
        assert (rung.value, rung.n_compared) == (value, len(earlier))
        assert value < rung.threshold


@given(SCORES, st.floats(0, 1))
def test_both_directions_are_mirror_images(earlier, value):
    """What is true of a score is true of its negative."""
    up = falls_behind(value, earlier, 3, "max")
    down = falls_behind(-value, [-v for v in earlier], 3, "min")
    assert (up is None) == (down is None)


def test_few_or_broken_comparisons_end_nothing():
    """Fewer than four finite values, or a NaN, say nothing."""
    assert falls_behind(0.1, [0.9] * 3, 0, "max") is None
    assert falls_behind(0.1, [0.9] * 3 + [math.nan] * 9, 0, "max") is None
    assert falls_behind(math.nan, [0.9] * 9, 0, "max") is None


def test_a_third_of_the_trials_is_never_given_up_between_epochs():
    """Brackets: two rungs, one, none; and no rung at the last epoch."""
    assert [rungs(90, n) for n in range(3)] == [(9, 29), (29,), ()]
    assert [rungs(3, n) for n in range(3)] == [(0,), (0,), ()]
    assert rungs(1, 0) == ()


def test_the_best_until_an_epoch_counts_finite_values():
    """An early best is kept; an epoch without a number does not hide it."""
    assert best_until([0.5, math.nan, 0.7, 0.9], 2, "max") == 0.7
    assert math.isnan(best_until([math.nan], 4, "min"))
