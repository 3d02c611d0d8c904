"""What a wave's calls came to: arrays of all slots, of which each training has one."""

from __future__ import annotations

from functools import cache
from typing import Any

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
        self.held: dict[int, tuple[int, Held]] = {}  # by slot: of which epoch


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
        held = Held(self._ended, self._slot, i)
        self._ended.held[self._slot] = i, held
        return held


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
        return taken()(*self.where)


class Best:
    """The epoch that each training of a wave would keep so far, an array for all slots.

    Otherwise each new best epoch would be a wait for the device, or would keep all
    epochs of all slots in memory.
    """

    def __init__(self, n_slots: int) -> None:
        self._states: Any = None
        self._held: list[Held | None] = [None] * n_slots

    def take_in(self, ended: EndedInSlots) -> None:
        """Copy what trainings keep of a call, whose states may go then."""
        if not ended.held:
            return
        epochs = np.full(ended.n_slots, -1, np.int32)
        for slot, (epoch, held) in ended.held.items():
            epochs[slot], self._held[slot] = epoch, held
        kept = ended.kept or door.jax().tree.map(lambda a: a[:, None], ended.state)
        before = ended.state if self._states is None else self._states
        self._states = _chosen()(before, kept, epochs)
        for slot, each in enumerate(self._held):
            if each is not None:
                each.where = self._states, (slot,)
        ended.held = {}

    def forget(self, slot: int) -> None:
        """Keep nothing more for the training that had a slot.

        What it holds stays where it is, for as long as it wants it.
        """
        self._held[slot] = None


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
