"""How long training rows take, as far as it was seen."""

from __future__ import annotations

import math
from collections.abc import Hashable


class Timing:
    """The fastest that rows went through a program, by the place where they did."""

    def __init__(self) -> None:
        self._each: dict[Hashable, float] = {}

    def took(self, place: Hashable, seconds: float, n_rows: int) -> None:
        """Learn what a call costs that trained so many rows in all its epochs."""
        each = seconds / max(n_rows, 1)
        self._each[place] = min(self._each.get(place, each), each)

    def seconds(self, place: Hashable, n_rows: int) -> float:
        """Return how long so many rows take; infinity if nothing was seen there."""
        return self._each.get(place, math.inf) * max(n_rows, 1)
