"""A mean curve says how many trainings stand behind each epoch."""

from __future__ import annotations

import math

import pytest

from homeroom.errors import InputError
from homeroom.judgement import mean_curve
from homeroom.records import History


def losses(*values: float) -> History:
    return History({"val_loss": values})


def test_seeds_are_averaged_inside_their_fold(make_member):
    """Two seeds of one fold weigh as much as one seed of another."""
    members = [
        make_member(0, 0, history=losses(1.0)),
        make_member(0, 1, history=losses(3.0)),
        make_member(1, 0, history=losses(4.0)),
    ]
    curve = mean_curve(members, "val_loss")
    assert (curve.mean, curve.low, curve.high) == ((3.0,), (2.0,), (4.0,))
    assert curve.sd == pytest.approx((math.sqrt(2),))
    assert curve.n == (3,)


def test_a_stopped_training_leaves_the_mean_and_the_count(make_member):
    """After a training has stopped, n drops and the mean is of the others."""
    members = [
        make_member(0, history=losses(1.0, 0.5, 0.2)),
        make_member(1, history=losses(3.0)),
    ]
    curve = mean_curve(members, "val_loss")
    assert curve.n == (2, 1, 1)
    assert curve.mean == (2.0, 0.5, 0.2)
    assert math.isnan(curve.sd[1])


def test_failed_trainings_and_broken_values_do_not_count(make_member):
    """A failed training is not drawn into the mean, nor is a single NaN."""
    members = [
        make_member(0, history=losses(1.0, math.nan)),
        make_member(1, history=losses(9.0, 9.0), state="FAILED"),
    ]
    curve = mean_curve(members, "val_loss")
    assert curve.n == (1, 0)
    assert curve.mean[0] == 1.0
    assert math.isnan(curve.mean[1])


def test_an_unknown_series_is_refused_and_no_training_is_an_empty_curve(make_member):
    """A misspelt key is an error; without complete trainings the curve is empty."""
    with pytest.raises(InputError, match="Did you mean 'val_loss'"):
        mean_curve([make_member(0)], "val_los")
    assert mean_curve([], "val_loss").mean == ()
