"""What several trainings have in common, made once: the latest of it, by bytes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar, cast

_MOST_BYTES = 2**24
_EACH_BYTES = 2**12  # that an array costs beside its numbers
T = TypeVar("T", bound=tuple[Any, ...])


class Shared:
    """Tuples of arrays under the keys that decide them; none is ever changed.

    May be asked from many threads at once.

    Args:
        most_bytes: How much is kept; what was not asked for the longest goes first.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._kept: dict[Any, tuple[Any, tuple[Any, ...]]] = {}
        self._most_bytes = most_bytes
        self._n_bytes = 0
        self._lock = threading.Lock()

    def once(self, key: Any, make: Callable[[], T], of: tuple[Any, ...] = ()) -> T:
        """Return what `make` returns, or returned before under this key.

        Args:
            key: What decides it.
            make: Returns a tuple of arrays.
            of: Objects that belong to the key, told by their identity.
        """
        key = key, *map(id, of)
        with self._lock:
            if key in self._kept:
                self._kept[key] = self._kept.pop(key)  # the latest
                return cast("T", self._kept[key][1])
        made = make()
        with self._lock:
            self._n_bytes += 0 if key in self._kept else _n_bytes(made)
            self._kept[key] = of, made  # while `of` is kept nothing else gets its id
            while self._n_bytes > self._most_bytes:
                _, oldest = self._kept.pop(next(iter(self._kept)))
                self._n_bytes -= _n_bytes(oldest)
        return made


def _n_bytes(arrays: tuple[Any, ...]) -> int:
    return sum(array.nbytes + _EACH_BYTES for array in arrays)
