"""What a training asks of the place it runs in, and what it gets back."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from . import door
from .member import Rows
from .orders import MakeTables
from .patience import Patience
from .program import ModelProgram

Logs = list[tuple[dict[str, float], bool]]


class Ended:
    """What a call came to, for one training.

    Args:
        state: The last state.
        kept: The states after each epoch, stacked; nothing if there was only one.
        logs: Of each epoch: the history's values, and whether measuring tried to
            change the state.
        seconds: What the training's share of the call took.
    """

    at_once = 1  # how many trainings the call had room for

    def __init__(
        self, state: Any, kept: Any = (), logs: Logs | None = None, seconds: float = 0.0
    ) -> None:
        self._state = state
        self._kept = kept
        self.logs = logs or []
        self.seconds = seconds

    @property
    def state(self) -> Any:
        """The last state."""
        return self._state

    def state_after(self, i: int) -> Any:
        """Return the state at the end of the i-th epoch of the call."""
        if not self._kept:
            return self.state
        return taken()(self._kept, i)  # in one piece, because each piece is a wait

    def holding(self, _i: int) -> Ended:
        """Return what is to be kept for the state after the i-th epoch."""
        return self

    def until(self, i: int) -> Ended:
        """Return it without the epochs after the i-th."""
        return self if i + 1 == len(self.logs) else Ended(self.state_after(i))


class EpochOrders(Protocol):
    """The training rows in the order of each epoch to come: see `orders.Orders`."""

    def of_epochs(self, n: int) -> list[Rows]:
        """Return the orders of the first n epochs."""
        ...

    def tables(self, n: int, make: MakeTables) -> Any:
        """Return what `make` makes of the orders of the first n epochs."""
        ...


@dataclass(frozen=True, eq=False)
class Call:
    """Epochs that a training wants next.

    Args:
        mine: What trains it.
        last: What it goes on from.
        arrays: What `device_arrays` returned.
        tables: What `Shape.measured_tables` returned.
        n: How many epochs it wants; it may get fewer.
        patience: What it may stop by; a wave does not look at it in between.
        orders: The training rows in the order of each of them.
        n_rows: How many these are.
    """

    mine: ModelProgram
    last: Ended
    arrays: Any
    tables: Any
    n: int
    patience: Patience
    orders: EpochOrders
    n_rows: int


@cache
def taken() -> Any:
    """A function of (tree, place) that takes a place out of every array, in one go."""
    jax = door.jax()
    return jax.jit(lambda tree, place: jax.tree.map(lambda leaf: leaf[place], tree))
