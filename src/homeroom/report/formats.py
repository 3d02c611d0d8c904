"""How a number is written for a person: one place, so that it is written one way.

An accuracy is a percentage, its spread is in points (of a percent); every other
metric has four significant digits. NaN is a dash: there is no such number.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from unicodedata import category

if TYPE_CHECKING:
    from datetime import datetime

    from homeroom.records import Interval, Metric

ABSENT = "–"
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}

_NAMES = {
    "acc": "accuracy",
    "sparse_categorical_accuracy": "accuracy",
    "categorical_accuracy": "accuracy",
    "binary_accuracy": "accuracy",
    "mae": "mean absolute error",
    "mse": "mean squared error",
    "rmse": "root mean squared error",
    "auc": "AUC",
    "r2_score": "R²",
}


def metric_label(name: str) -> str:
    """Return a metric's name in plain words.

    >>> metric_label("sparse_categorical_accuracy"), metric_label("f1_score")
    ('accuracy', 'f1 score')
    """
    return _NAMES.get(name, name.replace("_", " "))


def is_percentage(metric: Metric) -> bool:
    """Return whether the metric is a share of right answers.

    >>> from homeroom.records import Metric
    >>> is_percentage(Metric("binary_accuracy", "max")), is_percentage(
    ...     Metric("loss", "min")
    ... )
    (True, False)
    """
    words = metric.name.lower().split("_")
    return metric.direction == "max" and not {"accuracy", "acc"}.isdisjoint(words)


def format_score(value: float | None, metric: Metric) -> str:
    """Return a score: ``94.2 %`` for an accuracy, ``0.2134`` for anything else.

    >>> from homeroom.records import Metric
    >>> format_score(0.94215, Metric("accuracy", "max"))
    '94.2 %'
    >>> format_score(0.21339, Metric("loss", "min"))
    '0.2134'
    >>> format_score(float("nan"), Metric("loss", "min"))
    '–'
    """
    if value is None or math.isnan(value):
        return ABSENT
    if is_percentage(metric):
        return f"{_fixed(100 * value, 1)} %"
    return format_number(value)


def format_spread(value: float | None, metric: Metric) -> str:
    """Return a spread or a difference: ``1.2 points`` for an accuracy.

    >>> from homeroom.records import Metric
    >>> format_spread(0.0123, Metric("accuracy", "max"))
    '1.2 points'
    >>> format_spread(0.0123, Metric("loss", "min"))
    '0.0123'
    """
    if value is None or math.isnan(value):
        return ABSENT
    if is_percentage(metric):
        points = 100 * value
        tiny = 0 < abs(points) < 0.095
        return f"{format_number(points, 1) if tiny else _fixed(points, 1)} points"
    return format_number(value, 3)


def format_interval(interval: Interval | None, metric: Metric) -> str:
    """Return both ends with the same number of digits.

    >>> from homeroom.records import Interval, Metric
    >>> format_interval(Interval(0.93, 0.9561, 0.95, "…"), Metric("accuracy", "max"))
    '93.0 to 95.6 %'
    >>> format_interval(Interval(-3.2, 10.57, 0.95, "…"), Metric("loss", "min"))
    '-3.20 to 10.57'
    """
    if interval is None or math.isnan(interval.low) or math.isnan(interval.high):
        return ABSENT
    low, high = interval.low, interval.high
    if is_percentage(metric):
        return f"{_fixed(100 * low, 1)} to {_fixed(100 * high, 1)} %"
    largest = max(abs(low), abs(high))
    if largest == 0 or not 1e-4 <= largest < 1e6:
        return f"{format_number(low)} to {format_number(high)}"
    digits = _decimals(largest, 4)
    return f"{_fixed(low, digits)} to {_fixed(high, digits)}"


def format_number(value: float, digits: int = 4) -> str:
    """Return a number with so many significant digits.

    >>> [format_number(v) for v in (0.00012345, 12.3, 123456.7, 1.5e9, -0.5)]
    ['0.0001234', '12.30', '123,457', '1.5e+09', '-0.5000']
    """
    if math.isnan(value):
        return ABSENT
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value != 0 and not 1e-4 <= abs(value) < 1e6:
        return f"{value:.{digits}g}"
    return _fixed(value, _decimals(abs(value), digits))


def format_count(n: int, noun: str | None = None) -> str:
    """Return ``1,437`` or, with a noun, ``1 fold`` and ``5 folds``.

    >>> format_count(1437), format_count(1, "fold"), format_count(5, "fold")
    ('1,437', '1 fold', '5 folds')
    """
    if noun is None:
        return f"{n:,}"
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def format_epochs(mean: float | None) -> str:
    """Return a mean number of epochs: whole, or with one digit.

    >>> format_epochs(23.0), format_epochs(23.26), format_epochs(float("nan"))
    ('23', '23.3', '–')
    """
    if mean is None or math.isnan(mean):
        return ABSENT
    return f"{mean:.0f}" if mean == round(mean) else f"{mean:.1f}"


def format_seconds(seconds: float) -> str:
    """Return a duration as one would say it.

    >>> [format_seconds(s) for s in (0.234, 12.34, 75, 3725)]
    ['0.23 s', '12.3 s', '1 min 15 s', '1 h 2 min']
    """
    if not math.isfinite(seconds):
        return ABSENT
    if seconds < 1:
        return f"{seconds:.2f} s"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def format_time(moment: datetime) -> str:
    """Return a moment to the minute, with the zone it is in.

    >>> from datetime import UTC, datetime
    >>> format_time(datetime(2026, 8, 22, 14, 3, tzinfo=UTC))
    '2026-08-22 14:03 UTC'
    """
    return f"{moment:%Y-%m-%d %H:%M} {moment.tzname() or ''}".rstrip()


def printable(text: str) -> str:
    r"""Return text whose control characters cannot speak to a terminal.

    >>> printable("a\x1b[2Jb\nc")
    'a�[2Jb\nc'
    """
    return "".join(
        "\ufffd" if category(sign) in _UNPRINTABLE and sign != "\n" else sign
        for sign in text
    )


def _decimals(magnitude: float, digits: int) -> int:
    if magnitude == 0:
        return 1
    return max(0, digits - 1 - math.floor(math.log10(magnitude)))


def _fixed(value: float, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    return text if text.strip("-0.,") else text.lstrip("-")
