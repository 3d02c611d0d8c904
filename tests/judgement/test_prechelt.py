"""Prechelt's criteria stop where the published test vectors stop."""

from __future__ import annotations

import math

import pytest

from homeroom.errors import InputError
from homeroom.judgement import (
    first_above,
    generalization_loss,
    progress_quotient,
    successive_rises,
    training_progress,
)

LOSSES = [10, 8, 9, 10, 11, 12, 12, 13, 14, 15, 16, 17, 16]
TRAIN = [9.5, 9.3, 9.1, 8.9, 8.3, 8.4, 9.9, 9.5, 10.6, 10.4, 11.8, 11.7, 11.6, 11.4]
TRAIN += [12.2, 12.1, 14.5, 14.1, 13.9, 13.7, 12.5, 12.3, 11.2, 11.0, 10.5, 10.3]


def counted_from_one(epoch: int | None) -> int | None:
    return None if epoch is None else epoch + 1


@pytest.mark.parametrize(
    ("alpha", "stop"), [(12, 3), (20, 4), (40, 6), (90, 11), (110, 12), (1000, None)]
)
def test_generalization_loss_stops_where_published(alpha, stop):
    """GL > alpha stops at the published epoch."""
    assert counted_from_one(first_above(generalization_loss(LOSSES), alpha)) == stop


@pytest.mark.parametrize(
    ("s", "stop"), [(1, 3), (2, 4), (3, 5), (4, 6), (5, 12), (6, None)]
)
def test_successive_rises_stop_where_published(s, stop):
    """UP_s stops at the published epoch; a tie starts the count again."""
    assert counted_from_one(first_above(successive_rises(LOSSES), s - 0.5)) == stop


@pytest.mark.parametrize(
    ("alpha", "stop"), [(2.0, 3), (3.8, 5), (11.6, 6), (15.1, 8), (15.3, None)]
)
def test_progress_quotient_stops_where_published(alpha, stop):
    """PQ > alpha stops at the published strip."""
    quotient = progress_quotient(TRAIN, LOSSES, strip=2)
    assert counted_from_one(first_above(quotient, alpha)) == stop


def test_degenerate_series_have_an_answer():
    """Flat training, a loss of zero and an empty series give no NaN."""
    assert training_progress([2.0, 2.0]) == 0.0
    assert training_progress([0.0, 1.0]) == math.inf
    assert generalization_loss([1.0, 0.0, 0.0, 0.5]).tolist() == [0, 0, 0, math.inf]
    assert progress_quotient([1, 1, 1, 1], [1, 2], strip=2).tolist() == [0, math.inf]
    assert generalization_loss([]).tolist() == []
    assert first_above([], 1.0) is None


def test_scores_that_are_no_losses_are_refused():
    """A negative or missing loss breaks the division and is refused."""
    for broken in ([1.0, -0.5], [1.0, math.nan], [math.inf]):
        with pytest.raises(InputError, match="finite"):
            generalization_loss(broken)
    with pytest.raises(InputError, match="2 training losses per validation loss"):
        progress_quotient([1.0, 1.0, 1.0], [1.0], strip=2)
