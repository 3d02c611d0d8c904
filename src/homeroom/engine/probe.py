"""What an epoch costs: some batches of it, trained in every lane and thrown away."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any
from weakref import WeakKeyDictionary

from . import door
from .calls import Call, Ended
from .lane import Course, run
from .member import Rows, Training
from .orders import MakeTables, Orders
from .patience import Patience
from .plan import WAVES, Plan, slots_that_fit, wanted_plan, with_slots
from .program import Place, Program
from .relay import Runner
from .shared import Shared
from .wave import runner_at
from .workshop import Job

_CALLS_AT_ONCE = 2  # a lane may hold the call with the best epoch beside the last
_SECONDS = 0.15  # of work, at least, that a figure rests on
_FIRST_BATCHES = 4
_known: WeakKeyDictionary[Program, dict[Any, float]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Pace:
    """What a training of a group costs while every lane is busy.

    Args:
        seconds_per_epoch: Of one training.
        seconds_once: What a training costs beside its epochs, nearly all of it in
            Python, where only one thread runs at a time, but others compute.
        bytes_each: What a training's share of a call holds on the device.
        bytes_undecided: What a training holds while it waits for its cohort, which has
            not decided yet which epoch to keep.
    """

    seconds_per_epoch: float
    seconds_once: float
    bytes_each: int
    bytes_undecided: int = 0


def pace_of(
    job: Job, training: Training, plan: Plan, make: Callable[[], object]
) -> Pace:
    """Measure a member that is made ready and has a program; nothing of it is kept.

    `make` makes another one of its group ready.
    """
    assert job.program is not None
    program, place = job.program.program, plan.places[0]
    undecided = 0
    if job.rule is not None and job.member.cohort is not None:
        n_epochs = min(job.member.epochs or training.epochs, max(1, job.rule.patience))
        n_calls = math.ceil(n_epochs / program.most_epochs)
        undecided = n_calls * program.outcome_bytes(place) // plan.n_slots
    seconds = _seconds_per_epoch(job, training, plan)
    with _others_busy(job, training, plan, seconds):
        started = time.perf_counter()
        make()
        making = time.perf_counter() - started
        beside = _seconds_beside_epochs(job, training, plan)
    return Pace(
        seconds,
        making + beside,
        program.call_bytes(place) // plan.n_slots,
        undecided,
    )


def settled(plan: Plan, jobs: Iterable[Job], training: Training, n: int) -> Plan:
    """Return an open plan with what measuring a training of each program decided.

    Args:
        plan: The plan.
        jobs: Members made ready.
        training: How they are trained.
        n: How many trainings there are.
    """
    each = {j.program.program: j for j in jobs if j.program is not None}
    if not each:
        return plan
    alone = max(program.call_bytes(plan.places[0]) for program in each)
    n_slots = slots_that_fit(_CALLS_AT_ONCE * alone, n, len(plan.places))
    if n_slots == 1:
        return with_slots(plan.places, 1, "memory has room for one training per device")
    wave = with_slots(plan.places, n_slots, plan.reason)
    if wanted_plan() == WAVES:
        return wave
    in_wave, in_turn = (
        sum(_known_seconds(job, training, p) for job in each.values()) / p.n_slots
        for p in (wave, plan)
    )
    told = f"{n_slots} at once take {in_wave / in_turn:.2g} times as long as in turn"
    return replace(wave if in_wave < in_turn else plan, reason=told, is_open=False)


def _known_seconds(job: Job, training: Training, plan: Plan) -> float:
    """Return what was measured of the job's program, in this process, if it was.

    Infinity where there is no room for as many at once.
    """
    assert job.program is not None
    known = _known.setdefault(job.program.program, {})
    rows = job.member.train_rows, job.member.validation_rows, job.member.measured_rows
    sizes = training.batch_size, training.validation_batch_size
    what = plan.places, *(None if each is None else len(each) for each in rows), *sizes
    if what not in known:
        try:
            known[what] = _seconds_per_epoch(job, training, plan)
        except Exception as error:
            if plan.n_slots > 1 and door.is_out_of_memory(error):
                return math.inf
            raise
    return known[what]


def _seconds_per_epoch(job: Job, training: Training, plan: Plan) -> float:
    """Return what an epoch takes while all slots of all lanes train the same member."""
    assert job.program is not None
    program = job.program.program
    for place in plan.places:
        program.compile_for(place)
    n_whole = len(job.member.train_rows) // training.batch_size
    n_batches, n_epochs = min(_FIRST_BATCHES, n_whole), 1
    lanes = [_Lane(runner_at(place), job) for place in plan.places]
    _timed(lanes, training, n_batches, n_epochs)  # the first is never typical
    while True:
        seconds = _timed(lanes, training, n_batches, n_epochs)
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
    return seconds / n_epochs / share


class _Lane:
    """A lane that trains one member in all its slots."""

    def __init__(self, runner: Runner, job: Job) -> None:
        self.job = job
        self._runner = runner
        self._last = [Ended(job.state) for _ in range(runner.place.n_slots)]
        self.finished = 0.0

    def train(self, orders: _SomeBatches, n_epochs: int, tables: Any) -> None:
        mine, arrays = self.job.program, self.job.arrays
        assert mine is not None
        endless, n_rows = Patience.endless(), orders.n_rows
        while n_epochs > 0:
            self._last = self._runner.run([
                Call(mine, last, arrays, tables, n_epochs, endless, orders, n_rows)
                for last in self._last
            ])
            n_epochs -= len(self._last[0].logs)
        self.finished = time.perf_counter()


def _timed(
    lanes: list[_Lane], training: Training, n_batches: int, n_epochs: int
) -> float:
    """Return the seconds of some batches of some epochs, in all lanes at once."""
    orders, tables = _some_batches(lanes[0].job, training, n_batches)
    wanted = (orders, n_epochs, tables)
    started = time.perf_counter()
    with ThreadPoolExecutor(len(lanes)) as pool:
        for trained in [pool.submit(lane.train, *wanted) for lane in lanes]:
            trained.result()
    return sum(lane.finished for lane in lanes) / len(lanes) - started


@dataclass(frozen=True)
class _SomeBatches:
    """The first rows of each epoch."""

    orders: Orders
    n_batches: int
    size: int

    @property
    def n_rows(self) -> int:
        return len(self.of_epochs(1)[0])

    def of_epochs(self, n: int) -> list[Rows]:
        whole = self.orders.of_epochs(n)
        return [_first(rows, self.n_batches, self.size) for rows in whole]

    def tables(self, n: int, make: MakeTables) -> Any:
        return make(dict(enumerate(self.of_epochs(n))))


def _some_batches(
    job: Job, training: Training, n_batches: int
) -> tuple[_SomeBatches, Any]:
    """Return what a lane trains on: some batches of each epoch, as few measured."""
    assert job.program is not None
    member, size = job.member, training.batch_size
    orders = Orders(Shared(), member, training.shuffle)
    n_whole = len(member.train_rows) // size
    share = n_batches / n_whole if n_whole else 1.0
    shape = job.program.program.shape
    given = [r for r in (member.validation_rows, member.measured_rows) if r is not None]
    tables = shape.measured_tables(
        *(
            _first_share(rows, share, batches.size)
            for batches, rows in zip(shape.measured_batches, given, strict=True)
        )
    )
    return _SomeBatches(orders, n_batches, size), tables


@contextmanager
def _others_busy(
    job: Job, training: Training, plan: Plan, seconds_per_epoch: float
) -> Iterator[None]:
    """Let other lanes train the member meanwhile, as they will.

    As many as there are other cores: where there are several lanes, one is more.
    """
    assert job.program is not None
    program = job.program.program
    n_batches = max(1, len(job.member.train_rows) // training.batch_size)
    some = min(1.0, _SECONDS / max(seconds_per_epoch, 1e-6))
    orders, tables = _some_batches(job, training, math.ceil(some * n_batches))
    done = threading.Event()

    def keep_busy(place: Place) -> None:
        lane = _Lane(runner_at(place), job)
        n = program.epochs_per_call(place, orders.n_rows)
        while not done.is_set():
            lane.train(orders, n, tables)

    with ThreadPoolExecutor(len(plan.places)) as pool:
        others = [pool.submit(keep_busy, place) for place in plan.places[2:]]
        try:
            yield
        finally:
            done.set()
        for other in others:
            other.result()


def _seconds_beside_epochs(job: Job, training: Training, plan: Plan) -> float:
    """Return what a training of one epoch takes, less that epoch."""
    assert job.program is not None
    runner = runner_at(plan.places[0])
    once = replace(training, epochs=1, early_stopping=None, callbacks=())
    seconds = 0.0
    for _ in range(2):  # the first is never typical
        course = Course(job.member, None, lambda *_: None, lambda: False)
        trained = run(job.member, job.state, job.program, job.arrays, once, course)
        started, called = time.perf_counter(), 0.0
        answer = None
        with suppress(StopIteration):
            while True:
                wanted, answer = trained.send(answer), None
                if isinstance(wanted, Call):
                    before = time.perf_counter()
                    [answer] = runner.run([wanted])
                    called += time.perf_counter() - before
        seconds = time.perf_counter() - started - called
    return seconds


def _first_share(rows: Rows, share: float, size: int) -> Rows:
    return _first(rows, round(share * (len(rows) // size)), size)


def _first(rows: Rows, n_batches: int, size: int) -> Rows:
    """Return whole batches and the partial one, whose size programs are made for."""
    return rows[: n_batches * size + len(rows) % size]
