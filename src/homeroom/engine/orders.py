"""The order in which an epoch takes its rows: the same for all that share a seed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar, cast

from homeroom import seeding

from .member import Member, Rows

_MOST_BYTES = 2**24
T = TypeVar("T", bound=tuple[Any, ...])
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


class Shared:
    """What is made of the rows of a fold, once for all candidates; the latest only.

    May be asked from many threads at once.
    """

    def __init__(self) -> None:
        self._kept: dict[Any, tuple[Any, Any]] = {}
        self._n_bytes = 0
        self._lock = threading.Lock()

    def once(self, key: Any, rows: tuple[Rows | None, ...], make: Callable[[], T]) -> T:
        """Return what `make` returns, or returned before for the key and the rows.

        That is a tuple of NumPy's arrays.
        """
        key = key, *map(id, rows)
        with self._lock:
            if key in self._kept:
                return cast("T", self._kept[key][1])
        made = make()
        with self._lock:
            self._n_bytes += 0 if key in self._kept else _n_bytes(made)
            self._kept[key] = rows, made  # the rows too: nothing else gets their id
            while self._n_bytes > _MOST_BYTES:
                _, oldest = self._kept.pop(next(iter(self._kept)))
                self._n_bytes -= _n_bytes(oldest)
        return made


def _n_bytes(arrays: tuple[Any, ...]) -> int:
    return sum(array.nbytes for array in arrays)


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
            (member.train_rows,),
            lambda: (order_of_epoch(member, epoch, shuffle=shuffle),),
        )
        return order

    def of_epochs(self, n: int) -> list[Rows]:
        """Return the orders of the first n epochs."""
        return [self.of_epoch(i) for i in range(n)]

    def tables(self, n: int, make: MakeTables) -> Any:
        """Return what `make` makes of the orders of the first n epochs."""
        return self.shared.once(
            (make, self.member.order_seed, self.first, n, self.shuffle),
            (self.member.train_rows,),
            lambda: make(dict(enumerate(self.of_epochs(n)))),
        )
