"""What is learned of how long rows take."""

from __future__ import annotations

import math
import threading
import time

import pytest

from homeroom import engine
from homeroom.engine.plan import Plan
from homeroom.engine.probe import pace_of
from homeroom.engine.program import Place, Program
from homeroom.engine.timing import Timing
from homeroom.engine.workshop import Workshop

from .zoo import dense, member

ONCE = engine.Training(epochs=1, batch_size=16)


def test_it_is_by_row_the_fastest_and_of_its_place():
    """A short call does not teach that epochs are short, nor one place of another."""
    timing = Timing()
    timing.took("here", 0.3, 10)  # the first is never typical
    timing.took("here", 2.0, 100)
    timing.took("here", 5.0, 100)
    assert timing.seconds("here", 50) == 1.0
    assert timing.seconds("there", 50) == math.inf


@pytest.mark.parametrize(("n_lanes", "n_others"), [(1, 0), (2, 0), (4, 2)])
def test_what_a_training_costs_once_is_measured_while_others_compute(
    monkeypatch, n_lanes, n_others
):
    """Of lanes, one more than cores, as many are at work as there are other cores."""
    real, callers, seen = Program.call, set(), []

    def call(self, place, *arguments):
        callers.add(threading.current_thread())
        return real(self, place, *arguments)

    def make():
        callers.clear()
        time.sleep(0.3)  # long enough for one too many to be seen
        for _ in range(6000):
            if len(callers) >= n_others:
                break
            time.sleep(0.01)
        seen.append(len(callers))

    monkeypatch.setattr(Program, "call", call)
    plan = Plan((Place(),) * n_lanes, "")
    workshop = Workshop([member(dense)], ONCE, plan)
    pace_of(workshop.look_at(workshop.members[0]), ONCE, plan, make)
    assert seen == [n_others]
