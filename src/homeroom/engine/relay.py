"""Who advances next: members in lanes, a call at a time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Hashable, Sequence
from dataclasses import replace
from typing import Any, Protocol

from . import door
from .calls import Call, Ended
from .program import Place

Course = Generator[Call | threading.Event | None, Any, None]


class Runner(Protocol):
    """What a lane runs calls with; `place` tells how many it takes at once.

    Another place may be set between calls.
    """

    place: Place

    def run(self, calls: Sequence[Call]) -> list[Ended]:
        """Return what each call came to."""
        ...


class Task:
    """A training under way.

    Args:
        course: Yields the calls it wants, and what it has to wait for: an event, or
            None for the next turn of the others.
        kind: Trainings of one kind can share a call.
        ran_out: Set when memory ran out in a call of it.
    """

    def __init__(
        self, course: Course, kind: Hashable, ran_out: threading.Event
    ) -> None:
        self.course = course
        self.kind = kind
        self.ran_out = ran_out
        self.call: Call | None = None


class Relay:
    """Trainings under way, advanced by one thread per lane.

    A lane keeps its trainings, as many as it has slots, to their ends, and fills a
    slot again when it is free. Where lanes have one slot, and fewer trainings than
    two per lane are left, they take turns with all of them, a call each, so that they
    end together and no core waits. Twice as many as there are slots are under way at
    most, those aside that wait for others of their cohort: memory does not grow with
    the number of trainings.

    Args:
        n_lanes: How many threads call `run`.
        n_members: How many trainings there will be.
        n_slots: How many a lane advances at once.
    """

    def __init__(self, n_lanes: int, n_members: int, n_slots: int = 1) -> None:
        self._n_lanes = n_lanes
        self._n_slots = n_slots
        self._to_come = self._left = n_members
        self._waiting: deque[Task] = deque()
        self._gated: list[tuple[Task, threading.Event]] = []
        self._n_under_way = 0
        self._changed = threading.Condition()
        self.closed = False

    def add(self, task: Task) -> None:
        """Take a training in, once there is room for it; none when closed."""
        with self._changed:
            self._changed.wait_for(self.has_room)
            self._waiting.append(task)
            self._n_under_way += 1
            self._to_come -= 1
            self._changed.notify_all()

    def has_room(self) -> bool:
        """Return whether a training can be added at once."""
        return not self._is_full() or self.closed

    def leave_out(self) -> None:
        """Count one training less: it needs no lane."""
        with self._changed:
            self._left -= 1
            self._to_come -= 1
            self._changed.notify_all()

    def close(self) -> None:
        """Expect no more trainings than were added."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()

    def run(self, runner: Runner) -> None:
        """Advance trainings until none is left; what the thread of a lane does."""
        mine: list[Task] = []
        try:
            while mine := self._next(mine, runner.place.n_slots):
                new = [task for task in mine if task.call is None]
                self._tell(new, [None] * len(new))
                ready = [task for task in mine if task.call is not None]
                mine = self._advanced(ready, runner) if ready else []
                if runner.place.n_slots == 0:
                    return
        except BaseException:
            self.close()
            raise

    def _advanced(self, tasks: list[Task], runner: Runner) -> list[Task]:
        """Run one call of each; return those that want another."""
        calls, n_lanes = [t.call for t in tasks if t.call is not None], self._n_lanes
        answers: Sequence[Ended | Exception]
        try:
            answers = runner.run(calls)
        except Exception as error:  # noqa: BLE001 - each training tells it as its own
            if door.is_out_of_memory(error):
                less = self._less_at_once(runner, n_lanes)
                if less is not None:
                    return self._given_back(tasks, less)
            answers = [error] * len(tasks)
        self._tell(tasks, answers)
        return [task for task in tasks if task.call is not None]

    def _less_at_once(self, runner: Runner, n_lanes: int) -> int | None:
        """Give up half of a lane's slots, or the lane; return how many it keeps.

        None when there is nothing to give up, and was not when the call began.
        """
        place = runner.place
        with self._changed:
            if place.n_slots > 1:
                runner.place = replace(place, n_slots=place.n_slots // 2)
            elif self._n_lanes > 1:
                self._n_lanes -= 1
                runner.place = replace(place, n_slots=0)
            elif n_lanes == 1:
                return None
            return runner.place.n_slots

    def _given_back(self, tasks: list[Task], n: int) -> list[Task]:
        """Keep some tasks; let the others be taken again, by whatever lane."""
        with self._changed:
            for task in tasks:
                task.ran_out.set()
            self._waiting.extendleft(reversed(tasks[n:]))
            self._changed.notify_all()
        return tasks[:n]

    def _tell(
        self, tasks: Sequence[Task], answers: Sequence[Ended | Exception | None]
    ) -> None:
        """Tell trainings what their calls came to, until each wants another or none."""
        pairs = zip(tasks, answers, strict=True)
        later = [task for task, answer in pairs if self._waits_its_turn(task, answer)]
        if later:
            self._tell(later, [None] * len(later))

    def _waits_its_turn(self, task: Task, answer: Ended | Exception | None) -> bool:
        """Tell one; return whether it is to be told again when the others were."""
        course, task.call = task.course, None
        resume: Callable[[Any], Any] = (
            course.throw if isinstance(answer, Exception) else course.send
        )
        try:
            wanted = resume(answer)
        except StopIteration:
            self._ended()
            return False
        if isinstance(wanted, threading.Event):
            self._hold(task, wanted)
            return False
        task.call = wanted
        return wanted is None

    def _next(self, mine: list[Task], n_slots: int) -> list[Task]:
        """Return what a lane advances next; nothing when all is done."""
        with self._changed:
            if mine and n_slots == 1:
                takes_turns = self._n_lanes < self._left < 2 * self._n_lanes
                if not (takes_turns and self._waiting):
                    return mine
                self._waiting.extend(mine)
                mine = []
            if not mine:
                self._changed.wait_for(
                    lambda: self._can_begin(n_slots) or self.closed or not self._left
                )
            self._let_go()
            return mine + self._of_one_kind(n_slots - len(mine), mine)

    def _can_begin(self, n_slots: int) -> bool:
        """Return whether slots can be filled, or never will be more than now."""
        self._let_go()
        if not self._waiting:
            return False
        kind = self._waiting[0].kind
        alike = sum(task.kind == kind for task in self._waiting)
        return alike >= n_slots or not self._to_come or self._is_full()

    def _of_one_kind(self, n: int, mine: list[Task]) -> list[Task]:
        """Take some of those that wait, of the kind that a lane has already."""
        if not self._waiting:
            return []
        kind = (mine or self._waiting)[0].kind
        taken = [task for task in self._waiting if task.kind == kind][:n]
        for task in taken:
            self._waiting.remove(task)
        return taken

    def _is_full(self) -> bool:
        return self._n_under_way >= 2 * self._n_lanes * self._n_slots

    def _hold(self, task: Task, gate: threading.Event) -> None:
        with self._changed:
            self._gated.append((task, gate))
            self._n_under_way -= 1
            self._changed.notify_all()

    def _let_go(self) -> None:
        """Put first those whose wait is over."""
        ready = [t for t, gate in self._gated if gate.is_set() or self.closed]
        if ready:
            self._gated = [pair for pair in self._gated if pair[0] not in ready]
            self._waiting.extendleft(reversed(ready))
            self._n_under_way += len(ready)
            self._changed.notify_all()

    def _ended(self) -> None:
        with self._changed:
            self._left -= 1
            self._n_under_way -= 1
            self._changed.notify_all()
