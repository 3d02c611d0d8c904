"""The order in which an epoch takes its rows: the same for all that share a seed."""

from __future__ import annotations

import threading
from typing import Any

from homeroom import seeding

from .member import Member, Rows

_MOST_BYTES = 2**24


def order_of_epoch(member: Member, epoch: int, *, shuffle: bool) -> Rows:
    """Return the training rows in the order of one epoch's batches.

    It depends on the member's `order_seed` and the epoch only: candidates that share
    a fold and a seed see the same batches.
    """
    if not shuffle:
        return member.train_rows
    generator = seeding.generator(member.order_seed, "epoch", epoch)
    return generator.permutation(member.train_rows)


class Orders:
    """Orders drawn once for all candidates; of many only the latest are kept.

    May be asked from many threads at once.
    """

    def __init__(self) -> None:
        self._kept: dict[Any, tuple[Rows, Rows]] = {}
        self._n_bytes = 0
        self._lock = threading.Lock()

    def of_epoch(self, member: Member, epoch: int, *, shuffle: bool) -> Rows:
        """Return what `order_of_epoch` does."""
        rows = member.train_rows
        key = member.order_seed, epoch, id(rows), shuffle
        with self._lock:
            if key in self._kept:
                return self._kept[key][1]
        order = order_of_epoch(member, epoch, shuffle=shuffle)
        with self._lock:
            self._n_bytes += 0 if key in self._kept else order.nbytes
            self._kept[key] = rows, order  # the rows too: nothing else gets their id
            while self._n_bytes > _MOST_BYTES:
                _, oldest = self._kept.pop(next(iter(self._kept)))
                self._n_bytes -= oldest.nbytes
        return order
