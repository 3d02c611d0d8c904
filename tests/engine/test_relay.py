"""Lanes take turns so that they end together, and hold few trainings at a time."""

from __future__ import annotations

import threading
import time

import pytest

from homeroom.engine.relay import Relay


class Ledger:
    """Trainings that write down their epochs, and how many are under way."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.epochs: list[int] = []
        self.under_way = self.most = 0

    def course(self, number: int, epochs: int):
        with self.lock:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
        for _ in range(epochs):
            time.sleep(0.002)
            with self.lock:
                self.epochs.append(number)
            yield
        with self.lock:
            self.under_way -= 1


def run(n_lanes, lengths, ledger):
    """Run trainings of these lengths; return how many epochs each lane took."""
    relay = Relay(n_lanes, len(lengths))
    lanes = [threading.Thread(target=relay.run) for _ in range(n_lanes)]
    for lane in lanes:
        lane.start()
    for number, length in enumerate(lengths):
        relay.add(ledger.course(number, length))
    for lane in lanes:
        lane.join(timeout=20)
        assert not lane.is_alive()


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
        relay.add(ledger.course(number, 12))
    lanes = [threading.Thread(target=relay.run) for _ in range(2)]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join(timeout=20)
    ends = [max(i for i, n in enumerate(ledger.epochs) if n == k) for k in range(3)]
    begins = [ledger.epochs.index(k) for k in range(3)]
    assert max(begins) < min(ends)  # without turns two would have ended first


def test_an_error_in_one_lane_lets_the_others_end():
    """After an error nothing more is expected, and no lane waits for ever."""

    def broken():
        yield
        msg = "broken"
        raise RuntimeError(msg)

    relay, ledger, raised = Relay(2, 5), Ledger(), []

    def lane():
        try:
            relay.run()
        except RuntimeError as error:
            raised.append(str(error))

    lanes = [threading.Thread(target=lane) for _ in range(2)]
    for thread in lanes:
        thread.start()
    relay.add(broken())
    relay.add(ledger.course(1, 3))
    for thread in lanes:
        thread.join(timeout=20)
        assert not thread.is_alive()
    assert raised == ["broken"]
    assert ledger.epochs == [1, 1, 1]
    assert relay.closed
