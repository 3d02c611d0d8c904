"""Members that stop together: early stopping that watches the mean of their curves.

Every member of a cohort tells as many epochs as the others, a round at a time, and
waits for them after it. When to stop is decided by the mean of all curves. Which
epoch's weights a member keeps is decided by the mean of the *others*, so that a
validation score does not choose the epoch it is taken at.

A call may go past the end of a round, in a lane until the patience with the member's
own curve runs out: epochs that the mean does not want are dropped, and nobody is told
of them.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable
from typing import Protocol

from .stopping import EarlyStopping, StoppingState, step


class Follower(Protocol):
    """What a member tells of itself, and what it is told at the end of a round."""

    rule: EarlyStopping | None
    rows: list[dict[str, float]]
    stopping: StoppingState
    stopped_epoch: int | None
    reason: str


class Cohort:
    """Members under way together; told of from the threads of lanes.

    A round ends where patience can run out, or after the last epoch. `n_decided` are
    the epochs of all rounds that have ended.

    Args:
        n_members: How many there are.
        n_epochs: How many each trains at most.
        patience: That of the rule they share.
    """

    def __init__(self, n_members: int, n_epochs: int, patience: int) -> None:
        self._lock = threading.Lock()
        self._n_members = n_members
        self._n_epochs = n_epochs
        self._patience = patience
        self._waiting: list[Follower] = []
        self._mean = StoppingState()
        self._round = threading.Event()
        self._is_given_up = False
        self.n_decided = 0
        self._until = self._next_end()

    def has_reached_end(self, epoch: int) -> bool:
        """Return whether the round ends before `epoch`."""
        with self._lock:
            return epoch == self._until

    def longest_wait(self, epoch: int) -> int:
        """Return how long the mean will not have improved before `epoch`, at most."""
        with self._lock:
            return self._mean.wait + epoch - self.n_decided

    def arrive(self, course: Follower) -> threading.Event:
        """Take in a member that is done with the round; return what is set at its end.

        By then the member has been told its best epoch and whether to stop.
        """
        with self._lock:
            self._waiting.append(course)
            ended = self._round
            self._end_round()
            return ended

    def give_up(self, ended: threading.Event) -> bool:
        """Decide nothing more unless the round has ended; return whether it has not."""
        with self._lock:
            self._is_given_up = self._is_given_up or not ended.is_set()
            return not ended.is_set()

    def leave(self, course: Follower) -> None:
        """Go on without a member that ended or failed; without one cut short, not."""
        with self._lock:
            self._is_given_up = self._is_given_up or course.reason == "interrupted"
            self._n_members -= 1
            self._waiting = [other for other in self._waiting if other is not course]
            self._end_round()

    def _end_round(self) -> None:
        if self._is_given_up or not self._waiting:
            return
        if len(self._waiting) < self._n_members:
            return
        for epoch in range(self.n_decided, self._until):
            self._decide(epoch)
        self._waiting, self.n_decided = [], self._until
        self._until = self._next_end()
        self._round.set()
        self._round = threading.Event()

    def _next_end(self) -> int:
        patience = max(1, self._patience - self._mean.wait)
        return min(self._n_epochs, self.n_decided + patience)

    def _decide(self, epoch: int) -> None:
        rule = self._waiting[0].rule
        assert rule is not None
        values = [course.rows[epoch][rule.monitor] for course in self._waiting]
        self._mean, decision = step(rule, self._mean, epoch, _mean(values))
        for i, course in enumerate(self._waiting):
            others = [*values[:i], *values[i + 1 :]] or values
            state, _ = step(rule, course.stopping, epoch, _mean(others))
            course.stopping = state
            if decision.stop:
                course.stopped_epoch, course.reason = epoch, "patience"


def _mean(values: Iterable[float]) -> float:
    """Return the mean of what is a number, whatever the order; NaN if nothing is."""
    finite = [value for value in values if math.isfinite(value)]
    return math.fsum(finite) / len(finite) if finite else math.nan
