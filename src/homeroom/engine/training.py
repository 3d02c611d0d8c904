"""Many trainings at the price of their arithmetic: build, compile, run in lanes."""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import (
    Callable,
    Generator,
    Hashable,
    Iterator,
    Mapping,
    Sequence,
)
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from homeroom.errors import InputError
from homeroom.records import FAILED, INTERRUPTED

from . import callbacks, door, fallback, lane, template
from .cohort import Cohort
from .making import Use
from .member import (
    Description,
    Member,
    OnEnd,
    OnEpoch,
    Outcome,
    Prune,
    Training,
)
from .plan import Plan, first_plan
from .probe import Pace, pace_of, settled
from .relay import Course, Relay, Task
from .shared import Shared
from .wave import runner_at
from .workshop import Job, Workshop

_RAN_OUT = "memory ran out with as many at once, so that fewer were"
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

    Models that compute the same share one compiled program. What cannot be compiled
    will run through plain `fit`, with the reason in `path_reason`.

    Args:
        members: The trainings.
        training: How each is trained.
        lanes: Members trained at once; None is what `lane_count` says.

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
    plan = first_plan(lanes, len(members))
    own_callbacks = callbacks.own_copies(training.callbacks, len(members))
    workshop = Workshop(members, training, plan)
    return Begun(workshop, own_callbacks)


@dataclass(frozen=True, eq=False)
class Begun:
    """Trainings to be made ready at once, or bit by bit before they are needed."""

    _workshop: Workshop
    _own_callbacks: Callable[[], tuple[Any, ...]]

    def look_ahead(self) -> bool:
        """Spend some hundredths of a second on it; return whether any were left.

        Everything is the same without, but later.
        """
        return self._workshop.look_ahead()

    def prepared(self) -> Prepared:
        """Return the trainings ready; raises as `prepare` does."""
        workshop = self._workshop
        described = workshop.descriptions()
        if workshop.plan.is_open:
            firsts = {member.group: member for member in reversed(workshop.members)}
            jobs = map(workshop.look_at, firsts.values())
            workshop.plan = settled(
                workshop.plan, jobs, workshop.training, len(workshop.members)
            )
        return Prepared(workshop, described, self._own_callbacks)


@dataclass(frozen=True, eq=False)
class Prepared:
    """Trainings that can begin. `descriptions` are of each group's model."""

    _workshop: Workshop
    descriptions: dict[Hashable, Description]
    _own_callbacks: Callable[[], tuple[Any, ...]]

    @property
    def plan(self) -> Plan:
        """Where the trainings run, how many at once, and why so."""
        return self._workshop.plan

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
        own_training = partial(_own, self._workshop.training, self._own_callbacks)
        cohorts = _cohorts(members, self._workshop.training)
        courses = _Courses(own_training, on_epoch, on_end, prune, cohorts)
        places = self.plan.places
        relay = Relay(len(places), len(members), self.plan.n_slots)
        with ThreadPoolExecutor(len(places), thread_name_prefix="lane") as pool:
            running = [pool.submit(relay.run, runner_at(place)) for place in places]
            try:
                for member in _together(members, cohorts):
                    job = self._workshop.make(member)
                    if job.program is not None:
                        _make_use_of_the_wait(relay.has_room, meanwhile)
                        relay.add(courses.task(job))
                    else:  # Keras keeps its state per thread: in the caller's own
                        deque(courses.course(job), maxlen=0)
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
                courses.stop.set()
            except BaseException:
                courses.stop.set()
                raise
            finally:
                relay.close()
        return [courses.outcomes.get(id(m), _NOT_BEGUN) for m in members]

    def uses(self) -> tuple[Use, ...]:
        """Return the compiled programs of the members that were made ready so far.

        In the order of their first use. Nothing is waited for: of a program that is
        still being compiled, `making.is_done` is False.
        """
        return self._workshop.uses()

    def paces(self) -> dict[Hashable, Pace | str]:
        """Measure what an epoch of each group costs, or say why it is not foreseen.

        A few batches are trained in every lane at once, and nothing of it is kept.
        """
        found: dict[Hashable, Pace | str] = {}
        last = {member.group: member for member in self._workshop.members}
        for member in self._workshop.members:
            if member.group in found:
                continue
            job = self._workshop.look_at(member)
            if job.program is None:
                found[member.group] = job.reason or job.error
                continue
            another = partial(self._workshop.look_at, last[member.group])
            training = self._workshop.training
            try:
                found[member.group] = pace_of(job, training, self.plan, another)
            except InputError:
                raise
            except Exception as error:  # noqa: BLE001 - a forecast is no training
                found[member.group] = template.first_line(error)
        return found


@dataclass(eq=False)
class _Courses:
    """The courses of the trainings of one call, and what they came to."""

    own_training: Callable[[Member], Training]
    on_epoch: OnEpoch
    on_end: OnEnd
    prune: Prune
    cohorts: Mapping[Hashable, Cohort]
    shared: Shared = field(default_factory=Shared)
    stop: threading.Event = field(default_factory=threading.Event)
    outcomes: dict[int, Outcome] = field(default_factory=dict)

    def task(self, job: Job) -> Task:
        """Return a member that has a program as something for lanes to advance."""
        assert job.program is not None
        kind, ran_out = (job.program.program, id(job.arrays)), threading.Event()
        return Task(self.course(job, ran_out), kind, ran_out)

    def course(self, job: Job, ran_out: threading.Event | None = None) -> Course:
        """Train one member; its outcome is in `outcomes` then."""
        if self.stop.is_set():
            return
        member = job.member
        cohort = self.cohorts.get(member.cohort)
        trained = lane.Course(
            member,
            job.rule,
            self.on_epoch,
            self.stop.is_set,
            self.prune,
            cohort,
            self.shared,
        )
        outcome = yield from _run(job, self.own_training(member), trained)
        if cohort is not None:
            cohort.leave(trained)
        if ran_out is not None and ran_out.is_set():
            outcome = replace(outcome, path_reason=_RAN_OUT)
        self.outcomes[id(member)] = outcome
        self.on_end(member, outcome)


def _own(
    training: Training, own_callbacks: Callable[[], tuple[Any, ...]], member: Member
) -> Training:
    """Return how one member is trained."""
    epochs = member.epochs or training.epochs
    return replace(training, callbacks=own_callbacks(), epochs=epochs)


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
    rule = training.early_stopping
    if rule is None:
        return {}
    epochs: dict[Hashable, list[int]] = {}
    for member in members:
        if member.cohort is not None:
            epochs.setdefault(member.cohort, []).append(
                member.epochs or training.epochs
            )
    return {
        name: Cohort(len(each), min(each), rule.patience)
        for name, each in epochs.items()
        if len(each) > 1
    }


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
) -> Generator[lane.Wanted, Any, Outcome]:
    if job.error:
        return Outcome(state=FAILED, stop_reason="error", error=job.error)
    try:
        if job.program is None:
            course.cohort = None  # Keras's fit does not wait for others
            return fallback.run(job.member, training, course, job.reason)
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
