"""What an epoch costs: some batches of it, trained in every lane and thrown away."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from .lane import order_of_epoch, predict
from .member import Rows, Training
from .workshop import Job

_SECONDS = 0.15  # of work, at least, that a figure rests on
_FIRST_BATCHES = 4


@dataclass(frozen=True)
class Pace:
    """What a training of a group costs while every lane is busy.

    Args:
        seconds_per_epoch: Of one training.
        seconds_once: What a training costs beside its epochs.
        lane_bytes: What a lane holds on the device while it trains one.
    """

    seconds_per_epoch: float
    seconds_once: float
    lane_bytes: int


def pace_of(job: Job, training: Training, n_lanes: int) -> Pace:
    """Measure a member that is made ready and has a program; nothing of it is kept."""
    assert job.program is not None
    member, program = job.member, job.program.program
    program.wait()
    n_whole = len(member.train_rows) // training.batch_size
    n_batches, n_epochs = min(_FIRST_BATCHES, n_whole), 1
    _timed(job, training, n_batches, n_epochs, n_lanes)  # the first is never typical
    while True:
        seconds = _timed(job, training, n_batches, n_epochs, n_lanes)
        whole = n_batches >= n_whole
        if seconds >= _SECONDS or (whole and n_epochs >= program.most_epochs):
            break
        more = 2 * _SECONDS / max(seconds, 1e-6)
        if not whole:
            n_batches = min(n_whole, max(2 * n_batches, int(n_batches * more)))
        else:
            wanted = max(2 * n_epochs, int(n_epochs * more))
            n_epochs = min(program.most_epochs, wanted)
    share = max(n_batches, 1) / max(n_whole, 1)
    once = _predicting(job, training)
    return Pace(seconds / n_epochs / share, once, program.call_bytes)


def _timed(
    job: Job, training: Training, n_batches: int, n_epochs: int, n_lanes: int
) -> float:
    """Return the seconds of a call that trains some batches of some epochs."""
    assert job.program is not None
    mine, member, size = job.program, job.member, training.batch_size
    order = order_of_epoch(member, 0, shuffle=training.shuffle)
    orders = [_first(order, n_batches, size)] * n_epochs
    n_whole = len(member.train_rows) // size
    share = n_batches / n_whole if n_whole else 1.0
    measured_size = training.validation_batch_size or size
    tables = mine.program.measured_tables(
        *(
            None if rows is None else _first_share(rows, share, measured_size)
            for rows in (member.validation_rows, member.train_rows)
        )
    )
    finished: list[float] = []

    def lane() -> None:
        mine.program.call(mine.values, job.state, job.arrays, orders, tables)
        finished.append(time.perf_counter())

    lanes = [threading.Thread(target=lane) for _ in range(n_lanes)]
    started = time.perf_counter()
    for each in lanes:
        each.start()
    for each in lanes:
        each.join()
    return sum(finished) / len(finished) - started


def _predicting(job: Job, training: Training) -> float:
    rows = job.member.validation_rows
    if not training.keep_predictions or rows is None or job.program is None:
        return 0.0
    started = time.perf_counter()
    predict(job.program.predict, job.state, job.member.arrays.x, rows)
    return time.perf_counter() - started


def _first_share(rows: Rows, share: float, size: int) -> Rows:
    return _first(rows, round(share * (len(rows) // size)), size)


def _first(rows: Rows, n_batches: int, size: int) -> Rows:
    """Return whole batches and the partial one, whose size programs are made for."""
    return rows[: n_batches * size + len(rows) % size]
