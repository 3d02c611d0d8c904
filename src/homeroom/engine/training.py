"""Many trainings at the price of their arithmetic: build, compile, run in lanes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from homeroom.errors import HomeroomError, InputError
from homeroom.records import FAILED, INTERRUPTED

from . import callbacks, door, fallback, identity, lane, template
from .member import Arrays, Description, Member, OnEnd, OnEpoch, Outcome, Training
from .program import Batches, Program, Shape, device_arrays
from .stopping import EarlyStopping

_KEPT_PROGRAMS = 64
_programs: OrderedDict[Any, Program] = OrderedDict()
_NOT_BEGUN = Outcome(state=INTERRUPTED, stop_reason="interrupted")


@dataclass(frozen=True, eq=False)
class _Job:
    """A member made ready: its program and first state, or why it has none."""

    member: Member
    rule: EarlyStopping | None = None
    description: Description | None = None
    program: Program | None = None
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
    """Train every member; return their outcomes in the order of `members`.

    Models that compute the same share one compiled program, on one lane per core.
    A member's outcome does not depend on which others run, nor on the number of
    lanes. What cannot be compiled runs through plain `fit`, with the reason in
    `path_reason`. Ctrl-C ends the epochs that are running: members not finished come
    back with state INTERRUPTED.

    Args:
        members: The trainings.
        training: How each is trained.
        lanes: Members trained at once; None is one per core on CPU, else one.
        on_epoch: Called as (member, epoch, logs) after each epoch, from lane threads.
        on_end: Called as (member, outcome) when a member is done, from lane threads.

    Raises:
        InputError: Before anything is trained, if a model function, an argument or
            the monitor is wrong.
    """
    training = _adopted(training)
    _check_weights(members, training)
    n_lanes = _lanes(members, lanes)
    workshop = _Workshop(members, training, one_core=n_lanes > 1)
    own_callbacks = callbacks.own_copies(training.callbacks, len(members))
    workshop.firsts()
    outcomes: dict[int, Outcome] = {}
    stop = threading.Event()
    slots = threading.Semaphore(2 * n_lanes)

    def work(job: _Job) -> None:
        try:
            if not stop.is_set():
                own = replace(training, callbacks=own_callbacks())
                outcome = _run(job, own, on_epoch, stop)
                outcomes[id(job.member)] = outcome
                on_end(job.member, outcome)
        finally:
            slots.release()

    with ThreadPoolExecutor(n_lanes, thread_name_prefix="lane") as pool:
        futures = []
        try:
            for member in members:
                slots.acquire()
                job = workshop.make(member)
                if job.program is None:
                    work(job)
                else:
                    futures.append(pool.submit(work, job))
            for future in futures:
                future.result()
        except KeyboardInterrupt:
            stop.set()
        except BaseException:
            stop.set()
            raise
    return [outcomes.get(id(member), _NOT_BEGUN) for member in members]


def describe(
    members: Sequence[Member], training: Training
) -> dict[Hashable, Description]:
    """Return what is known of each group's model before anything is trained.

    Models are built and their steps traced; a later `train` of the same members uses
    the same programs. Raises as `train` does.
    """
    training = _adopted(training)
    workshop = _Workshop(members, training, one_core=_lanes(members, None) > 1)
    return {
        job.member.group: job.description
        for job in workshop.firsts()
        if job.description is not None
    }


def trained_model(member: Member, training: Training, outcome: Outcome) -> Any:
    """Return a `keras.Model` with the weights of an outcome that kept them."""
    if outcome.weights is None:
        msg = "This training did not keep its weights, so there is no model to return."
        raise InputError(msg)
    model = template.build(
        member.build, member.seed, member.arrays, training.batch_size
    )
    return template.restore(model, outcome.weights)


def _adopted(training: Training) -> Training:
    kept, rule = callbacks.adopt(training.callbacks, training.early_stopping)
    return replace(training, callbacks=kept, early_stopping=rule)


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


def _lanes(members: Sequence[Member], lanes: int | None) -> int:
    return min(door.lane_count(lanes), max(len(members), 1))


class _Workshop:
    """Makes members ready, in the caller's thread: Keras keeps its state per thread.

    Members are made ready just before they run, so that memory does not grow with
    their number; only the first of each group is made ready before anything runs,
    and that is where bad input shows.
    """

    def __init__(
        self, members: Sequence[Member], training: Training, *, one_core: bool
    ) -> None:
        self.training = training
        self._one_core = one_core
        self._shape = _shape(members, training)
        self._on_device: dict[int, Any] = {}
        self._ready: dict[int, _Job] = {}
        firsts = {member.group: member for member in reversed(members)}
        self._firsts = list(reversed(firsts.values()))

    def firsts(self) -> list[_Job]:
        """Make the first member of each group ready and return them."""
        for member in self._firsts:
            self._ready[id(member)] = self._make(member)
        return list(self._ready.values())

    def make(self, member: Member) -> _Job:
        """Return the member's first state and its program, or why it has none."""
        try:
            return self._ready.pop(id(member), None) or self._make(member)
        except template.ModelFunctionError as error:  # of this member, not of all
            return _Job(member, error=str(error))

    def _make(self, member: Member) -> _Job:
        size = self.training.batch_size
        model = template.draw(member.build, member.seed, member.arrays, size)
        reason = _cannot_compile(model)
        if not reason:
            try:
                program = self._program(model, member)
            except HomeroomError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever tracing trips over
                reason = f"the model cannot be traced ({template.first_line(error)})"
        if reason:
            template.finish(model, member.build, member.arrays, size)
            facts = template.describe(model, member.arrays.y)
            rule = _resolve(self.training.early_stopping, facts, member, facts.names)
            return _Job(member, rule, facts, None, reason=reason)
        facts = program.description
        logged = program.train_names
        rule = _resolve(self.training.early_stopping, facts, member, logged)
        fresh = None if model.optimizer.built else program.fresh_optimizer
        state = template.state_of(model, fresh)
        return _Job(member, rule, facts, program, state, self._arrays(member.arrays))

    def _arrays(self, arrays: Arrays) -> Any:
        if id(arrays) not in self._on_device:
            self._on_device[id(arrays)] = device_arrays(
                arrays, self.training.class_weight
            )
        return self._on_device[id(arrays)]

    def _program(self, model: Any, member: Member) -> Program:
        shape = self._shape
        if member.validation_rows is None:
            shape = replace(shape, validation=None)
        arrays = self._arrays(member.arrays)
        told = identity.identity(model)
        if not told:
            template.finish(model, member.build, member.arrays, shape.train.size)
            told = identity.trace(model, arrays, shape.train.size)
        leaves, tree = door.jax().tree.flatten(arrays)
        kinds = tuple((leaf.shape, str(leaf.dtype)) for leaf in leaves)
        key = (told, str(tree), kinds, shape, self._one_core)
        if key not in _programs:
            template.finish(model, member.build, member.arrays, shape.train.size)
            _programs[key] = Program(model, arrays, shape, one_core=self._one_core)
        _programs.move_to_end(key)
        while len(_programs) > _KEPT_PROGRAMS:
            _programs.popitem(last=False)
        return _programs[key]


def _shape(members: Sequence[Member], training: Training) -> Shape:
    """Return the one shape that every member's row tables fit into."""
    size = training.batch_size
    trained = [len(m.train_rows) for m in members]
    validated = [
        len(m.validation_rows) for m in members if m.validation_rows is not None
    ]
    leaves = [door.jax().tree.leaves(m.arrays.x) for m in members]
    row_bytes = max(sum(leaf[:1].nbytes for leaf in each) for each in leaves)
    train = _batches(size, trained)
    validation = _batches(training.validation_batch_size or size, validated)
    train_eval = _large_batches(trained, size, row_bytes)
    rows = [*trained, *validated, *(len(each[0]) for each in leaves)]
    return Shape(
        train=train,
        validation=validation,
        train_eval=train_eval,
        # a batch is sliced from a table, so that none may be longer than a table
        n_rows=max([*rows, train.size, validation.size, train_eval.size]),
    )


def _batches(size: int, lengths: Sequence[int]) -> Batches:
    return Batches(size, tuple(sorted({n % size for n in lengths})))


def _large_batches(lengths: Sequence[int], least: int, row_bytes: int) -> Batches:
    """Return batches of up to 512 rows or 1 MiB with the fewest partial sizes.

    Every partial size is one more thing to compile.
    """
    most = max(least, min(512, 2**20 // max(row_bytes, 1)))
    sizes = range(max(least, most // 2), most + 1)
    choices = [_batches(size, lengths) for size in sizes]
    return min(choices, key=lambda c: (sum(c.partial_sizes), -c.size))


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
    job: _Job, training: Training, on_epoch: OnEpoch, stop: threading.Event
) -> Outcome:
    if job.error:
        return Outcome(state=FAILED, stop_reason="error", error=job.error)
    course = lane.Course(job.member, job.rule, on_epoch, stop.is_set)
    try:
        if job.program is None:
            return fallback.run(job.member, training, course, job.reason)
        job.program.wait()  # so that a member's seconds are its own
        return lane.run(
            job.member, job.state, job.program, job.arrays, training, course
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
