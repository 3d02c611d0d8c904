"""Many trainings at the price of their arithmetic: build, compile, run in lanes."""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from homeroom.errors import HomeroomError, InputError
from homeroom.records import FAILED, INTERRUPTED

from . import callbacks, door, fallback, identity, lane, template
from .member import (
    Arrays,
    Description,
    Member,
    OnEnd,
    OnEpoch,
    Outcome,
    Prune,
    Training,
)
from .program import Batches, ModelProgram, Shape, device_arrays
from .programs import Programs, Setting
from .relay import Relay
from .stopping import EarlyStopping

_KEPT_READY = 8
_programs = Programs()
_NOT_BEGUN = Outcome(state=INTERRUPTED, stop_reason="interrupted")


@dataclass(frozen=True, eq=False)
class _Job:
    """A member made ready: its program and first state, or why it has none."""

    member: Member
    rule: EarlyStopping | None = None
    description: Description | None = None
    program: ModelProgram | None = None
    state: Any = None
    arrays: Any = None
    reason: str = ""
    error: str = ""


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
    kept, rule = callbacks.adopt(training.callbacks, training.early_stopping)
    training = replace(training, callbacks=kept, early_stopping=rule)
    _check_weights(members, training)
    n_lanes = min(door.lane_count(lanes), max(len(members), 1))
    own_callbacks = callbacks.own_copies(training.callbacks, len(members))
    workshop = _Workshop(members, training, one_core=n_lanes > 1)
    return Prepared(workshop, workshop.descriptions(), n_lanes, own_callbacks)


@dataclass(frozen=True, eq=False)
class Prepared:
    """Trainings that can begin. `descriptions` are of each group's model."""

    _workshop: _Workshop
    descriptions: dict[Hashable, Description]
    _n_lanes: int
    _own_callbacks: Callable[[], tuple[Any, ...]]

    def train(
        self,
        on_epoch: OnEpoch = lambda *_: None,
        on_end: OnEnd = lambda *_: None,
        prune: Prune = lambda *_: False,
        members: Sequence[Member] | None = None,
    ) -> list[Outcome]:
        """Train the members; return their outcomes in the order of the members.

        A member's outcome does not depend on which others run, nor on the number of
        lanes. Ctrl-C ends the epochs that are running: members not finished come back
        with state INTERRUPTED.

        Args:
            on_epoch: Called as (member, epoch, logs) after each epoch.
            on_end: Called as (member, outcome) when a member is done.
            prune: Called as (member, epoch, logs) after each epoch that stopped
                nothing; True ends the member there, with state PRUNED. All three are
                called from the threads of lanes.
            members: Those to train now, of the prepared ones; None is all.
        """
        _let_ctrl_c_end_a_wait()
        members = self._workshop.members if members is None else members
        outcomes: dict[int, Outcome] = {}
        stop = threading.Event()
        relay = Relay(self._n_lanes, len(members))

        def course(job: _Job) -> Iterator[None]:
            if stop.is_set():
                return
            own = replace(self._workshop.training, callbacks=self._own_callbacks())
            outcome = yield from _run(job, own, on_epoch, prune, stop)
            outcomes[id(job.member)] = outcome
            on_end(job.member, outcome)

        with ThreadPoolExecutor(self._n_lanes, thread_name_prefix="lane") as pool:
            running = [pool.submit(relay.run) for _ in range(self._n_lanes)]
            try:
                for member in members:
                    job = self._workshop.make(member)
                    if job.program is not None:
                        relay.add(course(job))
                    else:  # Keras keeps its state per thread: in the caller's own
                        deque(course(job), maxlen=0)
                        relay.leave_out()
                    if relay.closed:
                        break
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


def _let_ctrl_c_end_a_wait() -> None:
    """Make SIGINT interrupt a wait for lanes.

    polars installs a handler after which waits go on: Ctrl-C would be heard only when
    a training ends.
    """
    if hasattr(signal, "siginterrupt"):  # not on Windows
        signal.siginterrupt(signal.SIGINT, True)


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


class _Workshop:
    """Makes members ready, in the caller's thread: Keras keeps its state per thread.

    Members are made ready just before they run, so that memory does not grow with
    their number; only the first two of each group are made before anything runs, and
    that is where bad input shows.
    """

    def __init__(
        self, members: Sequence[Member], training: Training, *, one_core: bool
    ) -> None:
        self.members = members
        self.training = training
        self._one_core = one_core
        self._shape = _shape(members, training)
        self._on_device: dict[int, Any] = {}
        self._ready: dict[int, _Job] = {}

    def descriptions(self) -> dict[Hashable, Description]:
        """Make the first two members of each group ready, and describe the first.

        The second call of a function tells whether it hands out one model again.
        """
        self._meet_groups()
        described: dict[Hashable, Description] = {}
        seconds: set[Hashable] = set()
        for member in self.members:
            if member.group not in described:
                job = self._make(member)
                assert job.description is not None
                described[member.group] = job.description
            elif member.group not in seconds:
                seconds.add(member.group)
                job = self.make(member)
            else:
                continue
            if len(self._ready) < _KEPT_READY:
                self._ready[id(member)] = job
        for member in self.members:
            if member.group not in seconds:  # its only one: its function is asked again
                self._drawn(member)
        return described

    def _meet_groups(self) -> None:
        """Learn how groups differ, before a program is made for any of them."""
        firsts = {member.group: member for member in reversed(self.members)}
        if not self.training.search or len(firsts) == 1:
            return
        for member in reversed(firsts.values()):
            model = self._drawn(member)
            if not _cannot_compile(model):
                with suppress(Exception):  # told of when it is made ready
                    _programs.meet(*self._place(model, member))

    def make(self, member: Member) -> _Job:
        """Return the member's first state and its program, or why it has none."""
        try:
            return self._ready.pop(id(member), None) or self._make(member)
        except template.ModelFunctionError as error:  # of this member, not of all
            return _Job(member, error=str(error))

    def _drawn(self, member: Member) -> Any:
        size = self.training.batch_size
        return template.draw(member.build, member.seed, member.arrays, size)

    def _make(self, member: Member) -> _Job:
        size = self.training.batch_size
        model = self._drawn(member)
        reason = _cannot_compile(model)
        if not reason:
            try:
                program = _programs.find(*self._place(model, member))
            except HomeroomError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever tracing trips over
                reason = f"the model cannot be traced ({template.first_line(error)})"
        if reason:
            template.finish(model, member.build, member.arrays, size)
            facts = template.describe(model, member.arrays.y)
            rule = _resolve(self.training.early_stopping, facts, member, facts.names)
            return _Job(member, rule, facts, None, reason=reason)
        steps = program.program.steps
        facts, logged = steps.description, steps.train_names
        rule = _resolve(self.training.early_stopping, facts, member, logged)
        state = program.state_of(model)
        return _Job(member, rule, facts, program, state, self._arrays(member.arrays))

    def _arrays(self, arrays: Arrays) -> Any:
        if id(arrays) not in self._on_device:
            self._on_device[id(arrays)] = device_arrays(
                arrays, self.training.class_weight
            )
        return self._on_device[id(arrays)]

    def _place(self, model: Any, member: Member) -> tuple[Any, Setting, Any]:
        """Return what `Programs` is asked with."""
        shape, size = self._shape, self.training.batch_size
        if member.validation_rows is None:
            shape = replace(shape, n_measured=1)
        setting = Setting(
            self._arrays(member.arrays),
            shape,
            self._one_core,
            self.training.search,
        )
        return (
            model,
            setting,
            partial(template.finish, model, member.build, member.arrays, size),
        )


def _shape(members: Sequence[Member], training: Training) -> Shape:
    """Return the one shape that every member's row tables fit into."""
    size = training.batch_size
    trained = [len(m.train_rows) for m in members]
    validated = [
        len(m.validation_rows) for m in members if m.validation_rows is not None
    ]
    train = _batches(size, trained)
    measured = _batches(training.validation_batch_size or size, [*trained, *validated])
    leaves = [leaf for m in members for leaf in door.jax().tree.leaves(m.arrays.x)]
    return Shape(
        train=train,
        measured=measured,
        n_measured=2,
        # a batch is sliced from a table, so that none may be longer than a table
        n_rows=max([
            *map(len, leaves),
            *trained,
            *validated,
            train.size,
            measured.size,
        ]),
    )


def _batches(size: int, lengths: Sequence[int]) -> Batches:
    return Batches(size, tuple(sorted({n % size for n in lengths})))


def _cannot_compile(model: Any) -> str:
    """Return why a model has to go through plain fit, or nothing."""
    if model.run_eagerly:
        return "the model was compiled with run_eagerly=True"
    if not model.jit_compile:
        return "the model was compiled with jit_compile=False"
    if getattr(identity.inner_optimizer(model), "use_ema", False):
        return "the optimizer averages its weights at the end of fit (use_ema=True)"
    return ""


def _resolve(
    rule: EarlyStopping | None,
    facts: Description,
    member: Member,
    logged: Sequence[str],
) -> EarlyStopping | None:
    """Return the rule for a model that logs `logged` while it trains."""
    if rule is None:
        return None
    known = list(logged)
    if member.validation_rows is not None:
        known += [f"val_{name}" for name in facts.names]
    known += [f"train_eval_{name}" for name in facts.names]
    name = rule.monitor.removeprefix("val_").removeprefix("train_eval_")
    return callbacks.resolve_rule(rule, known, facts.directions.get(name))


def _run(
    job: _Job,
    training: Training,
    on_epoch: OnEpoch,
    prune: Prune,
    stop: threading.Event,
) -> Generator[None, None, Outcome]:
    if job.error:
        return Outcome(state=FAILED, stop_reason="error", error=job.error)
    course = lane.Course(job.member, job.rule, on_epoch, stop.is_set, prune)
    try:
        if job.program is None:
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
