"""Numbers are written one way, and no number breaks the writing."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeroom.records import Interval, Metric
from homeroom.report import (
    format_interval,
    format_number,
    format_score,
    format_seconds,
    format_spread,
)
from homeroom.report.formats import is_percentage, printable

ACCURACY, LOSS = Metric("accuracy", "max"), Metric("loss", "min")
anything = st.floats(allow_nan=True, allow_infinity=True)


@pytest.mark.parametrize(
    ("name", "direction", "expected"),
    [
        ("accuracy", "max", True),
        ("sparse_categorical_accuracy", "max", True),
        ("auc", "max", False),
        ("mean_absolute_error", "min", False),
        ("inaccuracy_score", "max", False),
    ],
)
def test_only_shares_of_right_answers_are_percentages(
    name: str, direction: str, expected: bool
) -> None:
    """A percentage has the word accuracy in its name, and should rise."""
    assert is_percentage(Metric(name, direction)) is expected


def test_an_accuracy_and_its_spread_have_one_digit_after_the_point() -> None:
    """Percent and points are written alike, so columns line up."""
    assert format_score(1.0, ACCURACY) == "100.0 %"
    assert format_score(0.08, ACCURACY) == "8.0 %"
    assert format_spread(0.1, ACCURACY) == "10.0 points"


def test_a_tiny_spread_is_not_zero() -> None:
    """A spread below a tenth of a point keeps a digit that says so."""
    assert format_spread(0.0004, ACCURACY) == "0.04 points"
    assert format_spread(0.0, ACCURACY) == "0.0 points"


def test_both_ends_of_an_interval_have_the_same_digits() -> None:
    """The digits after the point follow the larger end."""
    assert format_interval(Interval(9.9, 120.55, 0.95, "…"), LOSS) == "9.9 to 120.5"
    assert format_interval(Interval(math.nan, 1, 0.95, "…"), LOSS) == "–"
    assert format_interval(None, LOSS) == "–"


def test_rounding_never_shows_a_negative_zero() -> None:
    """Minus nothing is nothing."""
    assert format_spread(-0.0, ACCURACY) == "0.0 points"
    assert format_number(-0.0) == "0.0"


@settings(max_examples=150)
@given(value=anything, percentage=st.booleans())
def test_every_float_can_be_written(value: float, percentage: bool) -> None:
    """No float raises, and no text says nan."""
    metric = ACCURACY if percentage else LOSS
    for text in (
        format_score(value, metric),
        format_spread(value, metric),
        format_interval(Interval(value, value, 0.95, "…"), metric),
        format_seconds(abs(value)),
    ):
        assert text
        assert "nan" not in text


@settings(max_examples=100)
@given(st.floats(1e-4, 9e5))
def test_four_significant_digits_are_kept(value: float) -> None:
    """What is written differs from the value by less than a part in a thousand."""
    written = float(format_number(value).replace(",", ""))
    assert math.isclose(written, value, rel_tol=1e-3)


def test_control_characters_cannot_reach_a_terminal() -> None:
    """An escape sequence in a name is shown, not obeyed; Korean is left alone."""
    assert (
        printable("\x1b]0;title\x07학습\u00a0ok") == "\ufffd]0;title\ufffd학습\u00a0ok"
    )
