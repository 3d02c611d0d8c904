"""How a score is written for a person: one place, so that it is written one way.

An accuracy is a percentage, its spread is in points (of a percent); every other
metric has four significant digits. NaN is a dash: there is no such number. Sentences
of this room and every table, chart and page above it write their numbers here.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from homeroom.records import Interval, Metric

if TYPE_CHECKING:
    from collections.abc import Callable

ABSENT = "–"
LOSS = Metric("loss", "min")

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
SHARES = frozenset([
    "accuracy",
    "acc",
    "auc",
    "precision",
    "recall",
    "sensitivity",
    "specificity",
    "f1",
    "fbeta",
    "iou",
    "io",
])
_ERRORS = frozenset(["error", "mae", "mse", "rmse", "mape", "msle"])


def metric_label(name: str) -> str:
    """Return a metric's name in plain words.

    >>> metric_label("sparse_categorical_accuracy"), metric_label("f1_score")
    ('accuracy', 'f1 score')
    """
    return _NAMES.get(name, name.replace("_", " "))


def is_percentage(metric: Metric) -> bool:
    """Return whether the metric is a share of right answers.

    >>> is_percentage(Metric("binary_accuracy", "max"))
    True
    >>> is_percentage(Metric("loss", "min"))
    False
    """
    words = metric.name.lower().split("_")
    return metric.direction == "max" and not {"accuracy", "acc"}.isdisjoint(words)


def metric_range(metric: Metric) -> tuple[float, float]:
    """Return the lowest and the highest value that the metric can have.

    As far as its name says so: a share lies in 0 to 1, an error is not negative.

    >>> metric_range(Metric("accuracy", "max"))
    (0.0, 1.0)
    >>> metric_range(Metric("root_mean_squared_error", "min"))
    (0.0, inf)
    >>> metric_range(Metric("loss", "min"))
    (-inf, inf)
    """
    words = set(metric.name.lower().split("_"))
    if metric.direction == "max":
        return (
            0.0 if words & SHARES else -math.inf,
            1.0 if words & SHARES or "r2" in words else math.inf,
        )
    return 0.0 if words & _ERRORS else -math.inf, math.inf


def clipped(interval: Interval, metric: Metric) -> Interval:
    """Return the interval as it is shown: cut off where no score can be.

    A t-interval knows nothing of the metric, so near 100 % it reaches beyond. The
    part outside is impossible; cutting it off loses no coverage.

    >>> clipped(Interval(0.955, 1.02, 0.95, "t"), Metric("accuracy", "max"))
    Interval(low=0.955, high=1.0, level=0.95, method='t')
    """
    lowest, highest = metric_range(metric)
    low, high = max(interval.low, lowest), min(interval.high, highest)
    return Interval(low, high, interval.level, interval.method)


def format_score(value: float | None, metric: Metric, *, extra: int = 0) -> str:
    """Return a score: ``94.2 %`` for an accuracy, ``0.2134`` for anything else.

    Args:
        value: The score; None and NaN are a dash.
        metric: The yardstick.
        extra: Digits beyond the usual ones.

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
        return f"{_fixed(100 * value, 1 + extra)} %"
    return format_number(value, 4 + extra)


def format_spread(value: float | None, metric: Metric, *, extra: int = 0) -> str:
    """Return a spread or a difference: ``1.2 points`` for an accuracy.

    Args:
        value: The spread; None and NaN are a dash.
        metric: The yardstick.
        extra: Digits beyond the usual ones.

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
        digits = 1 + extra
        text = format_number(points, digits) if tiny else _fixed(points, digits)
        return f"{text} points"
    return format_number(value, 3 + extra)


def format_interval(interval: Interval | None, metric: Metric) -> str:
    """Return both ends with the same number of digits, inside the metric's range.

    >>> format_interval(Interval(0.93, 1.0161, 0.95, "…"), Metric("accuracy", "max"))
    '93.0 to 100.0 %'
    >>> format_interval(Interval(-3.2, 10.57, 0.95, "…"), Metric("loss", "min"))
    '-3.20 to 10.57'
    """
    if interval is None or math.isnan(interval.low) or math.isnan(interval.high):
        return ABSENT
    interval = clipped(interval, metric)
    low, high = interval.low, interval.high
    if is_percentage(metric):
        return f"{_fixed(100 * low, 1)} to {_fixed(100 * high, 1)} %"
    return _both_ends(low, high, 4)


def format_difference(value: float, metric: Metric) -> str:
    """Return a difference with its sign.

    >>> format_difference(0.012, Metric("accuracy", "max"))
    '+1.2 points'
    >>> format_difference(-0.5, Metric("loss", "min"))
    '-0.500'
    """
    return f"{'-' if value < 0 else '+'}{format_spread(abs(value), metric)}"


def format_difference_interval(low: float, high: float, metric: Metric) -> str:
    """Return both ends of an interval of a difference, the unit once.

    >>> format_difference_interval(-0.008, 0.028, Metric("accuracy", "max"))
    '-0.8 to +2.8 points'
    """
    lower, upper = format_difference(low, metric), format_difference(high, metric)
    unit = upper.partition(" ")[2]
    return f"{lower.removesuffix(unit).rstrip()} to {upper}"


def format_spread_interval(interval: Interval | None, metric: Metric) -> str:
    """Return the interval of a spread: ``0.7 to 3.3 points`` for an accuracy.

    >>> from homeroom.records import Interval, Metric
    >>> format_spread_interval(
    ...     Interval(0.0068, 0.0328, 0.95, "…"), Metric("accuracy", "max")
    ... )
    '0.7 to 3.3 points'
    """
    if interval is None or math.isnan(interval.low) or math.isnan(interval.high):
        return ABSENT
    if is_percentage(metric):
        low, high = (_fixed(100 * end, 1) for end in (interval.low, interval.high))
        return f"{low} to {high} points"
    return _both_ends(interval.low, interval.high, 3)


def told_apart(
    form: Callable[..., str], values: tuple[float, float], metric: Metric
) -> tuple[str, str]:
    """Return two different values with as many digits as show that they differ.

    >>> told_apart(format_score, (0.97412, 0.97388), Metric("accuracy", "max"))
    ('97.41 %', '97.39 %')
    """
    a, b = (form(value, metric) for value in values)
    for extra in range(1, 12):
        if a != b:
            break
        a, b = (form(value, metric, extra=extra) for value in values)
    return a, b


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


def _both_ends(low: float, high: float, digits: int) -> str:
    largest = max(abs(low), abs(high))
    if largest == 0 or not 1e-4 <= largest < 1e6:
        return f"{format_number(low, digits)} to {format_number(high, digits)}"
    decimals = _decimals(largest, digits)
    return f"{_fixed(low, decimals)} to {_fixed(high, decimals)}"


def _decimals(magnitude: float, digits: int) -> int:
    if magnitude == 0:
        return 1
    return max(0, digits - 1 - math.floor(math.log10(magnitude)))


def _fixed(value: float, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    return text if text.strip("-0.,") else text.lstrip("-")
