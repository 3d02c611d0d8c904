"""Where a history stops being numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from homeroom.records import History


def first_nonfinite(history: History, keys: Iterable[str]) -> str | None:
    """Return "loss became NaN in epoch 4" for the earliest such value, or None.

    Epochs are counted from 1, as in every sentence for a person; of several series
    that break in the same epoch the first of `keys` is named.

    >>> from homeroom.records import History
    >>> first_nonfinite(History({"loss": (1.0, float("nan"))}), ["loss"])
    'loss became NaN in epoch 2'
    """
    broken = [
        (epoch, place, key, value)
        for place, key in enumerate(keys)
        for epoch, value in enumerate(history.series.get(key, ()))
        if not math.isfinite(value)
    ]
    if not broken:
        return None
    epoch, _, key, value = min(broken, key=lambda item: item[:2])
    word = "NaN" if math.isnan(value) else "infinite"
    return f"{key} became {word} in epoch {epoch + 1}"
