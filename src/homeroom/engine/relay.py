"""Who advances next: members in lanes, an epoch at a time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator

# a training that goes on by one call at each `next`, once what it yields is set
Course = Iterator[threading.Event | None]


class Relay:
    """Trainings under way, advanced by one thread per lane.

    A lane keeps its training to the end. Only when fewer than two per lane are left
    do the lanes take turns with all of them, an epoch each, so that they end
    together and no core waits. Twice as many as lanes are under way at most, those
    aside that wait for others of their cohort: memory does not grow with the number
    of trainings.
    """

    def __init__(self, n_lanes: int, n_members: int) -> None:
        self._n_lanes = n_lanes
        self._left = n_members
        self._waiting: deque[Course] = deque()
        self._gated: list[tuple[Course, threading.Event]] = []
        self._n_under_way = 0
        self._changed = threading.Condition()
        self.closed = False

    def add(self, course: Course) -> None:
        """Take a training in, once there is room for it; none when closed."""
        with self._changed:
            self._changed.wait_for(self.has_room)
            self._waiting.append(course)
            self._n_under_way += 1
            self._changed.notify_all()

    def has_room(self) -> bool:
        """Return whether a training can be added at once."""
        return self._n_under_way < 2 * self._n_lanes or self.closed

    def leave_out(self) -> None:
        """Count one training less: it needs no lane."""
        with self._changed:
            self._left -= 1
            self._changed.notify_all()

    def close(self) -> None:
        """Expect no more trainings than were added."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def run(self) -> None:
        """Advance trainings until none is left; what the thread of a lane does."""
        mine: Course | None = None
        try:
            while (mine := self._next(mine)) is not None:
                try:
                    gate = next(mine)
                except StopIteration:
                    self._ended()
                    mine = None
                else:
                    if gate is not None:
                        self._hold(mine, gate)
                        mine = None
        except BaseException:
            self.close()
            raise

    def _next(self, mine: Course | None) -> Course | None:
        with self._changed:
            if mine is not None:
                takes_turns = self._n_lanes < self._left < 2 * self._n_lanes
                if not (takes_turns and self._waiting):
                    return mine
                self._waiting.append(mine)
            self._changed.wait_for(
                lambda: self._let_go() or self.closed or not self._left
            )
            return self._waiting.popleft() if self._waiting else None

    def _hold(self, course: Course, gate: threading.Event) -> None:
        with self._changed:
            self._gated.append((course, gate))
            self._n_under_way -= 1
            self._changed.notify_all()

    def _let_go(self) -> bool:
        """Put first those whose wait is over; return whether any can go on."""
        ready = [c for c, gate in self._gated if gate.is_set() or self.closed]
        if ready:
            self._gated = [pair for pair in self._gated if pair[0] not in ready]
            self._waiting.extendleft(reversed(ready))
            self._n_under_way += len(ready)
            self._changed.notify_all()
        return bool(self._waiting)

    def _ended(self) -> None:
        with self._changed:
            self._left -= 1
            self._n_under_way -= 1
            self._changed.notify_all()
