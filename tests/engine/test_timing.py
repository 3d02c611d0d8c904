"""What is learned of how long rows take."""

from __future__ import annotations

import math

from homeroom.engine.timing import Timing


def test_it_is_by_row_the_fastest_and_of_its_place():
    """A short call does not teach that epochs are short, nor one place of another."""
    timing = Timing()
    timing.took("here", 0.3, 10)  # the first is never typical
    timing.took("here", 2.0, 100)
    timing.took("here", 5.0, 100)
    assert timing.seconds("here", 50) == 1.0
    assert timing.seconds("there", 50) == math.inf
