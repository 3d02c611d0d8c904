"""Many trainings at the price of their arithmetic: build, compile, run in lanes."""

from __future__ import annotations

import signal
import threading
from collections import Counter, deque
from collections.abc import (
    Callable,
    Generator,
    Hashable,
    Iterator,
    Mapping,
    Sequence,
)
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from homeroom.errors import InputError
from homeroom.records import FAILED, INTERRUPTED

from . import callbacks, door, fallback, lane, template
from .cohort import Cohort
from .member import (
    Description,
    Member,
    OnEnd,
    OnEpoch,
    Outcome,
    Prune,
    Training,
)
from .probe import Pace, pace_of
from .relay import Relay
from .workshop import Job, Workshop

_NOT_BEGUN = Outcome(state=INTERRUPTED, stop_reason="interrupted")


def train(
    members: Sequence[Member],
    training: Training,
    *,
    lanes: int | None = None,
    on_epoch: OnEpoch = lambda *_: None,
    on_end: OnEnd = lambda *_: None,
) -> list[Outcome]:
    """Prepare and train every member: see `prepare` and `Prepared.train`."""
    return prepare(members, training, lanes=lanes).train(on_epoch, on_end)


def prepare(
    members: Sequence[Member], training: Training, *, lanes: int | None = None
) -> Prepared:
    """Return the trainings, checked, with what is known before anything is trained.

    Models that compute the same share one compiled program, on one lane per core.
    What cannot be compiled will run through plain `fit`, with the reason in
    `path_reason`.

    Args:
        members: The trainings.
        training: How each is trained.
        lanes: Members trained at once; None is one per core on CPU, else one.

    Raises:
        InputError: If a model function, an argument or the monitor is wrong.
    """
    return begin(members, training, lanes=lanes).prepared()


def begin(
    members: Sequence[Member], training: Training, *, lanes: int | None = None
) -> Begun:
    """Return trainings that are checked but for their models; raises as `prepare`."""
    door.checked_operations(training.operations, "operations")
    kept, rule = callbacks.adopt(training.callbacks, training.early_stopping)
    training = replace(training, callbacks=kept, early_stopping=rule)
    _check_weights(members, training)
    n_lanes = min(door.lane_count(lanes), max(len(members), 1))
    own_callbacks = callbacks.own_copies(training.callbacks, len(members))
    workshop = Workshop(members, training, one_core=n_lanes > 1)
    return Begun(workshop, n_lanes, own_callbacks)


@dataclass(frozen=True, eq=False)
class Begun:
    """Trainings to be made ready at once, or bit by bit before they are needed."""

    _workshop: Workshop
    n_lanes: int
    _own_callbacks: Callable[[], tuple[Any, ...]]

    def look_ahead(self) -> bool:
        """Spend some hundredths of a second on it; return whether any were left.

        Everything is the same without, but later.
        """
        return self._workshop.look_ahead()

    def prepared(self) -> Prepared:
        """Return the trainings ready; raises as `prepare` does."""
        described = self._workshop.descriptions()
        return Prepared(self._workshop, described, self.n_lanes, self._own_callbacks)


@dataclass(frozen=True, eq=False)
class Prepared:
    """Trainings that can begin. `descriptions` are of each group's model."""

    _workshop: Workshop
    descriptions: dict[Hashable, Description]
    n_lanes: int
    _own_callbacks: Callable[[], tuple[Any, ...]]

    def train(
        self,
        on_epoch: OnEpoch = lambda *_: None,
        on_end: OnEnd = lambda *_: None,
        prune: Prune = lambda *_: False,
        members: Sequence[Member] | None = None,
        meanwhile: Callable[[], bool] = lambda: False,
    ) -> list[Outcome]:
        """Train the members; return their outcomes in the order of the members.

        A member's outcome does not depend on which others run (those of its cohort
        aside), nor on the number of lanes. Ctrl-C ends the epochs that are running:
        members not finished come back with state INTERRUPTED.

        Args:
            on_epoch: Called as (member, epoch, logs) after each epoch.
            on_end: Called as (member, outcome) when a member is done.
            prune: Called as (member, epoch, logs) after each epoch that stopped
                nothing; True ends the member there, with state PRUNED. All three are
                called from the threads of lanes.
            members: Those to train now, of the prepared ones; None is all.
            meanwhile: Called while there is nothing to do but wait for the lanes,
                until it returns False.
        """
        _let_ctrl_c_end_a_wait()
        members = self._workshop.members if members is None else members
        cohorts = _cohorts(members, self._workshop.training)
        outcomes: dict[int, Outcome] = {}
        stop = threading.Event()
        relay = Relay(self.n_lanes, len(members))

        def course(job: Job) -> Iterator[lane.Gate]:
            if stop.is_set():
                return
            own = replace(
                self._workshop.training,
                callbacks=self._own_callbacks(),
                epochs=job.member.epochs or self._workshop.training.epochs,
            )
            cohort = cohorts.get(job.member.cohort)
            trained = lane.Course(
                job.member, job.rule, on_epoch, stop.is_set, prune, cohort
            )
            outcome = yield from _run(job, own, trained)
            if cohort is not None:
                cohort.leave(trained)
            outcomes[id(job.member)] = outcome
            on_end(job.member, outcome)

        with ThreadPoolExecutor(self.n_lanes, thread_name_prefix="lane") as pool:
            running = [pool.submit(relay.run) for _ in range(self.n_lanes)]
            try:
                for member in _together(members, cohorts):
                    job = self._workshop.make(member)
                    if job.program is not None:
                        _make_use_of_the_wait(relay.has_room, meanwhile)
                        relay.add(course(job))
                    else:  # Keras keeps its state per thread: in the caller's own
                        deque(course(job), maxlen=0)
                        relay.leave_out()
                    if relay.closed:
                        break
                _make_use_of_the_wait(
                    lambda: all(lane_thread.done() for lane_thread in running),
                    meanwhile,
                )
                for lane_thread in running:
                    lane_thread.result()
            except KeyboardInterrupt:
                stop.set()
            except BaseException:
                stop.set()
                raise
            finally:
                relay.close()
        return [outcomes.get(id(member), _NOT_BEGUN) for member in members]

    def paces(self) -> dict[Hashable, Pace | str]:
        """Measure what an epoch of each group costs, or say why it is not foreseen.

        A few batches are trained in every lane at once, and nothing of it is kept.
        """
        found: dict[Hashable, Pace | str] = {}
        for member in self._workshop.members:
            if member.group in found:
                continue
            job = self._workshop.look_at(member)
            if job.program is None:
                found[member.group] = job.reason or job.error
                continue
            training = self._workshop.training
            found[member.group] = pace_of(job, training, self.n_lanes)
        return found


def _let_ctrl_c_end_a_wait() -> None:
    """Make SIGINT interrupt a wait for lanes.

    polars installs a handler after which waits go on: Ctrl-C would be heard only when
    a training ends.
    """
    if hasattr(signal, "siginterrupt"):  # not on Windows
        signal.siginterrupt(signal.SIGINT, True)


def _make_use_of_the_wait(
    is_over: Callable[[], bool], meanwhile: Callable[[], bool]
) -> None:
    while not is_over() and meanwhile():
        pass


def trained_model(member: Member, training: Training, outcome: Outcome) -> Any:
    """Return a `keras.Model` with the weights of an outcome that kept them."""
    if outcome.weights is None:
        msg = "This training did not keep its weights, so there is no model to return."
        raise InputError(msg)
    model = template.build(
        member.build, member.seed, member.arrays, training.batch_size
    )
    return template.restore(model, outcome.weights)


def _check_weights(members: Sequence[Member], training: Training) -> None:
    if training.class_weight is None:
        return
    if any(member.arrays.sample_weight is not None for member in members):
        msg = (
            "class_weight and sample_weight were both given; Keras takes one of them. "
            "Multiply the class weights into sample_weight and leave class_weight out."
        )
        raise InputError(msg)
    targets = [len(door.jax().tree.leaves(member.arrays.y)) for member in members]
    if any(n != 1 for n in targets):
        msg = (
            f"class_weight weighs the classes of one target, but y has {max(targets)}. "
            "Give the rows their weights with sample_weight instead."
        )
        raise InputError(msg)


def _cohorts(members: Sequence[Member], training: Training) -> dict[Hashable, Cohort]:
    """Return the cohorts of two members and more, where there is a rule to share."""
    sizes = Counter(m.cohort for m in members if m.cohort is not None)
    if training.early_stopping is None:
        return {}
    return {name: Cohort(size) for name, size in sizes.items() if size > 1}


def _together(
    members: Sequence[Member], cohorts: Mapping[Hashable, Cohort]
) -> Iterator[Member]:
    """Return a cohort's members one after the other, so that few wait for others."""
    place: dict[Hashable, int] = {}
    for member in members:
        if member.cohort in cohorts:
            place.setdefault(member.cohort, len(place))
    return iter(sorted(members, key=lambda m: place.get(m.cohort, -1)))


def _run(
    job: Job, training: Training, course: lane.Course
) -> Generator[lane.Gate, None, Outcome]:
    if job.error:
        return Outcome(state=FAILED, stop_reason="error", error=job.error)
    try:
        if job.program is None:
            course.cohort = None  # Keras's fit does not wait for others
            return fallback.run(job.member, training, course, job.reason)
        job.program.program.wait()  # so that a member's seconds are its own
        return (
            yield from lane.run(
                job.member, job.state, job.program, job.arrays, training, course
            )
        )
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - one member's failure is its own
        return replace(
            course.outcome(0),
            state=FAILED,
            stop_reason="error",
            error=template.first_line(error),
        )
