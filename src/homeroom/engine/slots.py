"""What a wave's calls came to: arrays of all slots, of which each training has one."""

from __future__ import annotations

from functools import cache
from typing import Any
from weakref import ref

import numpy as np

from . import door
from .calls import Ended, Logs, taken


class EndedInSlots:
    """What a call came to, for all trainings of a wave.

    Args:
        state: The last states, of every slot.
        kept: The states after each epoch, of every slot; nothing if there was only one.
        n_slots: How many slots there are.
    """

    def __init__(self, state: Any, kept: Any, n_slots: int) -> None:
        self.state = state
        self.kept = kept
        self.n_slots = n_slots
        # what trainings keep of it: the epoch, by slot; None once that was copied
        self.held: dict[int, tuple[int, Held]] | None = {}


class EndedInSlot(Ended):
    """What it came to for one of them."""

    def __init__(
        self, ended: EndedInSlots, slot: int, logs: Logs, seconds: float
    ) -> None:
        super().__init__(None, ended.kept, logs, seconds)
        self._ended = ended
        self._slot = slot
        self.at_once = ended.n_slots

    @property
    def state(self) -> Any:
        """The last state, taken out of the slot."""
        return taken()(self._ended.state, self._slot)

    def state_after(self, i: int) -> Any:
        """Return the state at the end of the i-th epoch of the call."""
        return self.until(i).state

    def until(self, i: int) -> Ended:
        """Return it without the epochs after the i-th."""
        return Held(self._ended, self._slot, i) if self._kept else self

    def holding(self, i: int) -> Ended:
        """Return the state after the i-th epoch, which the wave keeps for it."""
        held = self._ended.held
        if held is None:  # the wave has gone on
            return Ended(self.state_after(i))
        mine = Held(self._ended, self._slot, i)
        held[self._slot] = i, mine
        return mine


class Held(Ended):
    """A training's state after one epoch, in its slot until it is wanted."""

    def __init__(self, ended: EndedInSlots, slot: int, i: int) -> None:
        super().__init__(None)
        self.at_once = ended.n_slots
        self.where: tuple[Any, tuple[int, ...]] = (ended.state, (slot,))
        if ended.kept:
            self.where = ended.kept, (slot, i)

    @property
    def state(self) -> Any:
        """The state, taken out of the slot."""
        among, place = self.where
        return taken()(among, place) if place else among

    def leave_slot(self) -> None:
        """Take the state out of the slot now, so that the others may go."""
        self.where = self.state, ()


class Best:
    """The epoch that each training of a wave would keep so far, an array for all slots.

    Otherwise each new best epoch would be a wait for the device, or would keep all
    epochs of all slots in memory.
    """

    def __init__(self, n_slots: int) -> None:
        self._states: Any = None
        self._held: list[ref[Held] | None] = [None] * n_slots

    def take_in(self, ended: EndedInSlots) -> None:
        """Copy what trainings keep of a call: nothing more is held of it then."""
        held, ended.held = ended.held, None
        if not held:
            return
        epochs = np.full(ended.n_slots, -1, np.int32)
        # a copy, because another lane may be looking at a training of this one
        for slot, (epoch, mine) in list(held.items()):
            epochs[slot], self._held[slot] = epoch, ref(mine)
        kept = ended.kept or door.jax().tree.map(lambda a: a[:, None], ended.state)
        before = ended.state if self._states is None else self._states
        self._states = _chosen()(before, kept, epochs)
        for slot in range(ended.n_slots):
            if (current := self._of(slot)) is not None:
                current.where = self._states, (slot,)

    def forget(self, slot: int) -> None:
        """Keep nothing more for the training that had a slot."""
        if (current := self._of(slot)) is not None:
            current.leave_slot()
        self._held[slot] = None

    def _of(self, slot: int) -> Held | None:
        """Return what is held in a slot, if it is still wanted."""
        held = self._held[slot]
        return None if held is None else held()


@cache
def _chosen() -> Any:
    """A function of (states, states of epochs, epochs): -1 leaves a slot as it was."""
    jax = door.jax()

    def chosen(before: Any, kept: Any, epochs: Any) -> Any:
        def choose(old: Any, new: Any) -> Any:
            each = new[jax.numpy.arange(len(epochs)), epochs]
            stays = epochs.reshape(-1, *[1] * (old.ndim - 1)) < 0
            return jax.numpy.where(stays, old, each)

        return jax.tree.map(choose, before, kept)

    return jax.jit(chosen)
