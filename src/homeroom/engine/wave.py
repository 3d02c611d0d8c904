"""A wave: one call advances many trainings, for devices that one does not fill.

Keras's own epochs, with one more axis over all that is a training's own (`jax.vmap`).
A sum over a row of a matrix may then be added in another order: values are those of
`keras.Model.fit` within rounding. Which other trainings are in the wave changes
nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache
from statistics import median_low
from typing import Any

from . import door
from .calls import Call, Ended
from .program import Place, Program
from .slots import Best, EndedInSlot, EndedInSlots
from .solo import Arrivals, Solo


def runner_at(place: Place) -> Solo | Wave:
    """Return what runs the calls of a lane."""
    return Solo(place) if place.n_slots == 1 else Wave(place)


class Wave:
    """A place with slots; what is a training's own stays in its slot between calls.

    A slot is free again when its training asks for no more. Free slots are given
    no rows. When `place` is changed to one with other slots, all are seated anew.

    Args:
        place: Where its calls run.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self._alone: Solo | None = None
        self._arrays = Arrivals(place.device)
        self._program: Program | None = None
        self._slots: list[Ended | None] = [None] * place.n_slots
        self._ended: EndedInSlots | None = None
        self._best = Best(place.n_slots)
        self._stacked: Any = None  # values, state and tables of every slot

    def run(self, calls: Sequence[Call]) -> list[Ended]:
        """Return what the calls came to, once all are done.

        All have the same program and arrays, and get as many epochs as the one that
        wants the fewest, but no more than half of them surely want.
        """
        if self.place.n_slots == 1:  # what is left when memory had no room for two
            self._stacked = self._ended = None
            self._best = Best(1)
            self._alone = self._alone or Solo(self.place)
            return self._alone.run(calls)
        program = calls[0].mine.program
        program.compile_for(self.place)
        program.wait()
        n = self._n_epochs(program, calls)
        started = time.perf_counter()
        ended, self._ended = self._ended, None
        if ended is not None:
            self._best.take_in(ended)
        slots = self._seated(program, calls)
        self._slots = [None] * self.place.n_slots  # until the call has come to an end
        orders = {
            (slot, i): rows
            for slot, call in zip(slots, calls, strict=True)
            for i, rows in enumerate(call.orders.of_epochs(n))
        }
        values, _, tables = self._stacked
        state, kept, rows = program.call(
            self.place,
            values,
            self._stacked[1],
            self._arrays.here(calls[0].arrays),
            program.order_tables(orders, self.place.n_slots),
            n,
            tables,
            None,
        )
        self._stacked = values, state, tables
        seconds = time.perf_counter() - started
        program.timing.took(self.place, seconds, n * max(call.n_rows for call in calls))
        each = seconds / len(calls)
        self._ended = EndedInSlots(state, kept, self.place.n_slots)
        outcomes: list[Ended] = []
        for slot in slots:
            logs = program.logs(rows[slot])
            outcomes.append(EndedInSlot(self._ended, slot, logs, each))
            self._slots[slot] = outcomes[-1]
        return outcomes

    def _n_epochs(self, program: Program, calls: Sequence[Call]) -> int:
        """Return how many epochs a call has.

        Of a training that stops before its end the rest is dropped.
        """
        fewest = min(call.n for call in calls)
        sure = median_low(int(min(c.n, c.patience.epochs_left)) for c in calls)
        n_rows = max(call.n_rows for call in calls)
        return min(fewest, sure, program.epochs_per_call(self.place, n_rows))

    def _seated(self, program: Program, calls: Sequence[Call]) -> list[int]:
        """Return each call's slot, in which what is its own is now."""
        new = [call for call in calls if call.last not in self._slots]
        if self._program is not program or len(self._slots) != self.place.n_slots:
            own = self._arrays.moved(_own(calls[0]))
            self._stacked = _room()(own, self.place.n_slots)
            self._program, new = program, list(calls)
            self._slots = [None] * self.place.n_slots
            self._best = Best(self.place.n_slots)
        elif new:  # what is stacked now may still be wanted as an outcome
            self._stacked = door.jax().tree.map(door.jax().numpy.copy, self._stacked)
        going_on = {call.last for call in calls if call not in new}
        free = (i for i, last in enumerate(self._slots) if last not in going_on)
        slots = []
        for call in calls:
            if call not in new:
                slots.append(self._slots.index(call.last))
                continue
            slots.append(slot := next(free))
            self._best.forget(slot)
            own = self._arrays.moved(_own(call))
            self._stacked = _put()(self._stacked, slot, own)
        return slots


def _own(call: Call) -> Any:
    return call.mine.values, call.last.state, call.tables


@cache
def _room() -> Any:
    """Slots for what one training is made of, with zeros in them."""
    jax = door.jax()

    def room(tree: Any, n: int) -> Any:
        return jax.tree.map(
            lambda leaf: jax.numpy.zeros((n, *leaf.shape), leaf.dtype), tree
        )

    return jax.jit(room, static_argnums=1)


@cache
def _put() -> Any:
    jax = door.jax()

    def put(stacked: Any, slot: Any, own: Any) -> Any:
        return jax.tree.map(lambda leaf, mine: leaf.at[slot].set(mine), stacked, own)

    return jax.jit(put, donate_argnums=0)
