"""The order in which an epoch takes its rows: the same for all that share a seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from homeroom import seeding

from .member import Member, Rows
from .shared import Shared

MakeTables: TypeAlias = Callable[[Mapping[int, Rows]], Any]


def order_of_epoch(member: Member, epoch: int, *, shuffle: bool) -> Rows:
    """Return the training rows in the order of one epoch's batches.

    It depends on the member's `order_seed` and the epoch only: candidates that share
    a fold and a seed see the same batches.
    """
    if not shuffle:
        return member.train_rows
    generator = seeding.generator(member.order_seed, "epoch", epoch)
    return generator.permutation(member.train_rows)


@dataclass(frozen=True)
class Orders:
    """The orders of a training's epochs, from one of them on."""

    shared: Shared
    member: Member
    shuffle: bool
    first: int = 0

    def of_epoch(self, i: int) -> Rows:
        """Return the training rows in the order of the i-th epoch."""
        member, epoch, shuffle = self.member, self.first + i, self.shuffle
        (order,) = self.shared.once(
            (member.order_seed, epoch, shuffle),
            lambda: (order_of_epoch(member, epoch, shuffle=shuffle),),
            of=(member.train_rows,),
        )
        return order

    def of_epochs(self, n: int) -> list[Rows]:
        """Return the orders of the first n epochs."""
        return [self.of_epoch(i) for i in range(n)]

    def tables(self, n: int, make: MakeTables) -> Any:
        """Return what `make` makes of the orders of the first n epochs."""
        return self.shared.once(
            (make, self.member.order_seed, self.first, n, self.shuffle),
            lambda: make(dict(enumerate(self.of_epochs(n)))),
            of=(self.member.train_rows,),
        )
