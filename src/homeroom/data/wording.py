"""Rows, columns and counts in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN = 5


def first_few(items: Iterable[Any], shown: int = _SHOWN) -> str:
    """Return the first items and how many there are when not all are shown.

    >>> first_few([3, 8])
    '3, 8'
    >>> first_few(range(100))
    '0, 1, 2, 3, 4, … (100 in all)'
    """
    everything = list(items)
    text = ", ".join(str(item) for item in everything[:shown])
    if len(everything) > shown:
        text += f", … ({len(everything)} in all)"
    return text


def counted(n: int, noun: str, plural: str | None = None) -> str:
    """Return the number with its noun in the right form.

    >>> counted(1, "row"), counted(2, "row"), counted(2, "class", "classes")
    ('1 row', '2 rows', '2 classes')
    """
    return f"{n} {noun if n == 1 else plural or noun + 's'}"
