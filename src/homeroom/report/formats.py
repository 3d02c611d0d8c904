"""How counts, durations and moments are written, and a name that is safe to print.

Scores, spreads and intervals are written as judgement writes them in its sentences:
they are passed on from there, so that a page and its reason say the same number.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from unicodedata import category

from homeroom.judgement import (
    ABSENT,
    format_difference,
    format_difference_interval,
    format_interval,
    format_number,
    format_score,
    format_spread,
    format_spread_interval,
    is_percentage,
    metric_label,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

__all__ = [
    "ABSENT",
    "aligned",
    "format_count",
    "format_difference",
    "format_difference_interval",
    "format_epochs",
    "format_interval",
    "format_number",
    "format_score",
    "format_seconds",
    "format_spread",
    "format_spread_interval",
    "format_time",
    "is_percentage",
    "metric_label",
    "printable",
]

_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Return lines of cells as text, the first column to the left, others to the right.

    >>> aligned([("way", "said"), ("a", "9 %")])
    ['way  said', 'a     9 %']
    """
    first, *others = (max(map(len, column)) for column in zip(*lines, strict=True))
    return [
        "  ".join([
            head.ljust(first),
            *(cell.rjust(w) for cell, w in zip(cells, others, strict=True)),
        ]).rstrip()
        for head, *cells in lines
    ]


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
