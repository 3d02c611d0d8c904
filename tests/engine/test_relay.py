"""Lanes take turns so that they end together, and hold few trainings at a time."""

from __future__ import annotations

import threading
import time

import pytest

from homeroom.engine.program import Place
from homeroom.engine.relay import Relay, Task


class Ledger:
    """Trainings that write down their epochs, and how many are under way."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.epochs: list[int] = []
        self.under_way = self.most = 0

    def course(self, number: int, epochs: int, gates=()):
        with self.lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        for _ in range(epochs):
            yield number
            with self.lock:
                self.epochs.append(number)
        yield from gates
        with self.lock:
            self.under_way -= 1

    def task(self, number: int, epochs: int, kind=None, gates=()):
        return task(self.course(number, epochs, gates), kind)


class Lane:
    """Runs calls that are numbers; writes down which ones ran together."""

    def __init__(self, n_slots: int = 1, room: int = 100) -> None:
        self.place = Place(n_slots)
        self.together: list[tuple[int, ...]] = []
        self.room = room

    def run(self, calls):
        time.sleep(0.002)
        if len(calls) > self.room:
            msg = "RESOURCE_EXHAUSTED: out of memory"
            raise RuntimeError(msg)
        self.together.append(tuple(calls))
        return list(calls)


def task(course, kind=None):
    return Task(course, kind, threading.Event())


def started(relay, lanes):
    threads = [threading.Thread(target=relay.run, args=(lane,)) for lane in lanes]
    for thread in threads:
        thread.start()
    return threads


def ended(threads):
    for thread in threads:
        thread.join(timeout=20)
        assert not thread.is_alive()


def run(n_lanes, lengths, ledger):
    """Run trainings of these lengths, in lanes with one slot."""
    relay = Relay(n_lanes, len(lengths))
    threads = started(relay, [Lane() for _ in range(n_lanes)])
    for number, length in enumerate(lengths):
        relay.add(ledger.task(number, length))
    ended(threads)


@pytest.mark.parametrize("n_lanes", [1, 2, 3])
def test_every_epoch_of_every_training_runs_once(n_lanes):
    """Whatever the lanes, each training runs to its own end."""
    lengths = [3, 1, 0, 7, 2, 5, 1]
    ledger = Ledger()
    run(n_lanes, lengths, ledger)
    assert [ledger.epochs.count(i) for i in range(len(lengths))] == lengths


def test_few_are_under_way():
    """Twenty trainings in two lanes: never more than three have begun and not ended."""
    ledger = Ledger()
    run(2, [3] * 20, ledger)
    assert 2 <= ledger.most <= 3


def test_a_lane_keeps_its_training_while_many_are_left():
    """With one lane nothing is interleaved."""
    ledger = Ledger()
    run(1, [4, 4, 4], ledger)
    assert ledger.epochs == [0] * 4 + [1] * 4 + [2] * 4


def test_the_last_ones_end_together():
    """Three trainings in two lanes take turns: none begins when another has ended."""
    ledger, relay = Ledger(), Relay(2, 3)
    for number in range(3):  # all are there before a lane begins
        relay.add(ledger.task(number, 12))
    ended(started(relay, [Lane(), Lane()]))
    ends = [max(i for i, n in enumerate(ledger.epochs) if n == k) for k in range(3)]
    begins = [ledger.epochs.index(k) for k in range(3)]
    assert max(begins) < min(ends)  # without turns two would have ended first


def test_an_error_in_one_lane_lets_the_others_end():
    """After an error nothing more is expected, and no lane waits for ever."""

    def broken():
        yield 0
        msg = "broken"
        raise RuntimeError(msg)

    relay, ledger, raised = Relay(2, 5), Ledger(), []

    def lane():
        try:
            relay.run(Lane())
        except RuntimeError as error:
            raised.append(str(error))

    lanes = [threading.Thread(target=lane) for _ in range(2)]
    for thread in lanes:
        thread.start()
    relay.add(task(broken()))
    relay.add(ledger.task(1, 3))
    ended(lanes)
    assert raised == ["broken"]
    assert ledger.epochs == [1, 1, 1]
    assert relay.closed


def test_a_free_slot_is_filled_again():
    """Two long and four short trainings in a wave of three: it is full to the end."""
    ledger, relay, lane = Ledger(), Relay(1, 6, 3), Lane(3)
    threads = started(relay, [lane])
    for number, length in enumerate([6, 6, 2, 2, 1, 1]):
        relay.add(ledger.task(number, length))
    ended(threads)
    assert [len(calls) for calls in lane.together] == [3] * 6
    assert lane.together[-1] == (0, 1, 5)


def test_who_waits_for_a_turn_comes_after_the_others():
    """Of three that end in one call, all have sent for results before one waits."""
    done = []

    def course(number):
        yield number
        done.append(("sent", number))
        yield None
        done.append(("got", number))

    relay = Relay(1, 3, 3)
    for number in range(3):
        relay.add(task(course(number)))
    ended(started(relay, [Lane(3)]))
    assert done == [(what, n) for what in ("sent", "got") for n in range(3)]


def test_only_trainings_of_one_kind_share_a_call():
    """A wave whose trainings come in two kinds, in turn, holds one kind at a time."""
    ledger, relay, lane = Ledger(), Relay(1, 8, 4), Lane(4)
    threads = started(relay, [lane])
    for number in range(8):
        relay.add(ledger.task(number, 2, kind=number % 2))
    ended(threads)
    assert all(len({n % 2 for n in calls}) == 1 for calls in lane.together)
    assert sorted(ledger.epochs) == sorted([*range(8)] * 2)


def test_a_training_that_waits_leaves_its_slot_to_another():
    """Two trainings wait for a third in a wave of two: nobody waits for ever."""
    gate, ledger = threading.Event(), Ledger()

    def opens():
        yield from ledger.course(2, 1)
        gate.set()

    relay = Relay(1, 3, 2)
    threads = started(relay, [Lane(2)])
    relay.add(ledger.task(0, 1, gates=[gate]))
    relay.add(ledger.task(1, 1, gates=[gate]))
    relay.add(task(opens()))
    ended(threads)
    assert sorted(ledger.epochs) == [0, 1, 2]


def test_a_wave_that_does_not_fit_is_halved():
    """Memory has room for three of eight: two at once get through, each call once."""
    ledger, lane = Ledger(), Lane(8, room=3)
    relay, tasks = Relay(1, 8, 8), [ledger.task(n, 3) for n in range(8)]
    threads = started(relay, [lane])
    for each in tasks:
        relay.add(each)
    ended(threads)
    assert [ledger.epochs.count(n) for n in range(8)] == [3] * 8
    assert lane.place.n_slots == 2
    assert all(each.ran_out.is_set() for each in tasks)


def test_a_lane_gives_up_where_two_do_not_fit():
    """Calls of two lanes do not fit at once: one lane ends, the other does it all."""
    busy, ran_out, ledger = threading.Semaphore(1), threading.Event(), Ledger()

    class Narrow(Lane):
        def run(self, calls):
            if not busy.acquire(blocking=False):
                ran_out.set()
                msg = "RESOURCE_EXHAUSTED: out of memory"
                raise RuntimeError(msg)
            try:
                assert ran_out.wait(60)  # the other lane has met this call
                return super().run(calls)
            finally:
                busy.release()

    lanes = [Narrow(), Narrow()]
    relay, tasks = Relay(2, 6), [ledger.task(n, 3) for n in range(6)]
    threads = started(relay, lanes)
    for each in tasks:
        relay.add(each)
    ended(threads)
    assert [ledger.epochs.count(n) for n in range(6)] == [3] * 6
    assert sorted(lane.place.n_slots for lane in lanes) == [0, 1]


def test_what_never_fits_is_told_to_the_training():
    """One training alone is too large: it is told, and the others go on."""

    def too_large():
        with pytest.raises(RuntimeError, match="RESOURCE_EXHAUSTED"):
            yield 0
        yield 1

    class Narrow(Lane):
        def run(self, calls):
            if 0 in calls:
                msg = "RESOURCE_EXHAUSTED: out of memory"
                raise RuntimeError(msg)
            return super().run(calls)

    relay, ledger, lane = Relay(1, 2), Ledger(), Narrow()
    threads = started(relay, [lane])
    relay.add(task(too_large()))
    relay.add(ledger.task(7, 2))
    ended(threads)
    assert lane.together == [(1,), (7,), (7,)]
