"""A lane: calls run one at a time, each for one training."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from . import door
from .calls import Call, Ended
from .program import Place


class Solo:
    """A place with one slot.

    Args:
        place: Where its calls run.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self._arrays = Arrivals(place.device)

    def run(self, calls: Sequence[Call]) -> list[Ended]:
        """Return what the one call came to, once it is done."""
        (call,) = calls
        program = call.mine.program
        program.compile_for(self.place)
        n = min(call.n, program.epochs_per_call(self.place, call.n_rows))
        program.wait()  # so that a training's seconds are its own
        started = time.perf_counter()
        state, kept, rows = program.call(
            self.place,
            call.mine.values,
            self._arrays.moved(call.last.state),
            self._arrays.here(call.arrays),
            call.orders.tables(n, program.order_tables),
            n,
            call.tables,
            call.patience,
        )
        seconds = time.perf_counter() - started
        logs = program.logs(rows)
        program.timing.took(self.place, seconds, len(logs) * call.n_rows)
        return [Ended(state, kept, logs, seconds)]


class Arrivals:
    """Copies of arrays on a device, each made once.

    Args:
        device: The device; None is where arrays are anyway.
    """

    def __init__(self, device: Any) -> None:
        self._device = device
        self._here: dict[int, tuple[Any, Any]] = {}

    def moved(self, tree: Any) -> Any:
        """Return a tree of arrays on the device."""
        if self._device is None:
            return tree
        return door.jax().device_put(tree, self._device)

    def here(self, tree: Any) -> Any:
        """Return the one copy of a tree that many trainings share."""
        if self._device is None:
            return tree
        if id(tree) not in self._here:
            self._here[id(tree)] = tree, self.moved(tree)
        return self._here[id(tree)][1]
