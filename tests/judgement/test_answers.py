"""Out-of-fold answers: confusions and calibration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from homeroom.errors import InputError
from homeroom.judgement import read_answers


@st.composite
def answered(draw):
    """Labels, and probabilities for them."""
    n_classes = draw(st.integers(2, 5))
    n = draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    shares = rng.dirichlet(np.full(n_classes, draw(st.sampled_from([0.1, 1.0]))), n)
    return rng.integers(0, n_classes, n), shares


@given(answered())
def test_confusions_are_those_of_scikit_learn(given_):
    """Rows are true classes and columns answers, as in `confusion_matrix`."""
    labels, shares = given_
    told = read_answers(labels, shares)
    names = range(shares.shape[1])
    expected = confusion_matrix(labels, shares.argmax(axis=1), labels=names)
    np.testing.assert_array_equal(told.confusion, expected)
    assert told.n == len(labels)


@given(answered())
def test_the_calibration_error_is_that_of_guo(given_):
    """Bins of equal width, gaps weighted by rows: written out row by row."""
    labels, shares = given_
    told = read_answers(labels, shares)
    bins = {}
    for label, row in zip(labels, shares, strict=True):
        place = min(int(row.max() * 10), 9)
        bins.setdefault(place, []).append((row.max(), row.argmax() == label))
    expected = sum(
        abs(sum(p for p, _ in rows) - sum(r for _, r in rows)) for rows in bins.values()
    ) / len(labels)
    assert told.calibration_error == pytest.approx(expected, abs=1e-12)
    assert sum(each.n for each in told.bins) == len(labels)
    assert all(each.low <= each.accuracy <= each.high for each in told.bins)


def test_a_perfect_forecaster_is_calibrated():
    """Answers drawn with the probabilities that are given have almost no error."""
    rng = np.random.default_rng(4)
    shares = rng.dirichlet([1.0, 1.0, 1.0], 40_000)
    labels = np.array([rng.choice(3, p=row) for row in shares[:40_000:4]])
    told = read_answers(labels, shares[::4])
    assert told.calibration_error < 0.015
    sure = read_answers(labels, np.eye(3)[shares[::4].argmax(axis=1)])
    assert sure.calibration_error > 0.2


def test_rows_that_no_fold_validated_are_left_out():
    """NaN means that there was no answer."""
    shares = np.array([[0.9, 0.1], [np.nan, np.nan], [0.2, 0.8]])
    told = read_answers(np.array([0, 1, 1]), shares, classes=("no", "yes"))
    assert (told.n, told.confusion) == (2, ((1, 0), (0, 1)))
    assert told.classes == ("no", "yes")


def test_scores_before_a_softmax_have_no_calibration():
    """Outputs that are no probabilities are counted, and not binned."""
    told = read_answers(np.array([0, 1]), np.array([[3.0, -1.0], [0.0, 2.0]]))
    assert told.confusion == ((1, 0), (0, 1))
    assert told.bins == ()
    assert told.calibration_error is None


def test_shapes_that_do_not_fit_are_refused():
    """The error says both shapes."""
    with pytest.raises(InputError, match=r"\(3,\).*\(2, 2\)"):
        read_answers(np.zeros(3, int), np.full((2, 2), 0.5))
    with pytest.raises(InputError, match="Label 2"):
        read_answers(np.array([2]), np.array([[0.5, 0.5]]))
