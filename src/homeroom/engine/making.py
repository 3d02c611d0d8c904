"""How programs were made: why, in how long, and whether the disk had them."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any

READ = "/jax/compilation_cache/cache_hits"
_thread = threading.local()


@dataclass(eq=False)
class Making:
    """How one program was made; it outlives the program, and holds nothing of it.

    Args:
        reason: Why no program that was there before would do.
    """

    reason: str
    _started: float = field(default_factory=time.perf_counter)
    _n_begun: int = 0
    _ended: list[tuple[float, float, bool]] = field(default_factory=list)

    def compile(self, lowered: Any, compiler: Executor) -> Future[Any]:
        """Begin to compile a part of the program, in a thread of `compiler`."""
        _listen()
        begun = time.perf_counter() if self._n_begun else self._started
        self._n_begun += 1
        return compiler.submit(self._compiled, lowered, begun)

    @property
    def is_done(self) -> bool:
        """Whether every part is compiled; never, if one cannot be."""
        return len(self._ended) == self._n_begun > 0

    @property
    def seconds(self) -> float:
        """What it took so far, from tracing to the end of compiling or of reading.

        Parts that are made at the same time count once; what lies between two parts,
        when a place was added later, does not.
        """
        total, until = 0.0, self._started
        for begun, at, _ in sorted(self._ended):
            total += max(0.0, at - max(begun, until))
            until = max(until, at)
        return total

    @property
    def from_disk(self) -> bool:
        """Whether every part was read from disk, where an earlier process left it."""
        return all(read for *_, read in self._ended)

    def _compiled(self, lowered: Any, begun: float) -> Any:
        _thread.n_read = 0
        compiled = lowered.compile()
        self._ended.append((begun, time.perf_counter(), _thread.n_read > 0))
        return compiled


@dataclass(frozen=True, eq=False)
class Use:
    """A program, and for whom it was wanted.

    Args:
        making: How it was made; the same object for the same program.
        groups: The groups of the members that it trains, in their order.
        is_new: Whether it was made for them; else this process had it already.
    """

    making: Making
    groups: tuple[Hashable, ...]
    is_new: bool


@cache
def _listen() -> None:
    """Hear when JAX finds a compiled program on disk, in the thread that asked."""
    import_module("jax.monitoring").register_event_listener(_heard)


def _heard(event: str, **_: Any) -> None:
    if event == READ:
        _thread.n_read = getattr(_thread, "n_read", 0) + 1
