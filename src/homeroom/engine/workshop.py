"""Members made ready: their models built, traced, and given their first state."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from homeroom.errors import HomeroomError
from homeroom.records import n_measured

from . import callbacks, door, identity, measures, template
from .epochs import Batches, Shape
from .making import Use
from .member import Arrays, Description, Member, Training
from .plan import Plan
from .program import ModelProgram, Program, device_arrays
from .programs import Programs, Setting, steps_of
from .recipe import Drawn, Patterns, Recipe, function_key, learn
from .steps import Steps
from .stopping import EarlyStopping
from .undisturbed import undisturbed

_KEPT_READY = 8
_programs = Programs()
_patterns = Patterns()


@dataclass(frozen=True, eq=False)
class Job:
    """A member made ready: its program and first state, or why it has none."""

    member: Member
    rule: EarlyStopping | None = None
    description: Description | None = None
    program: ModelProgram | None = None
    state: Any = None
    arrays: Any = None
    reason: str = ""
    error: str = ""


@dataclass(eq=False)
class _Kind:
    """Members of one model function in one setting: what the first ones have told.

    `pattern` is a job for others to be made after, once there is a recipe.
    """

    first: tuple[Drawn, Job] | None = None
    recipe: Recipe | None = None
    pattern: Job | None = None
    is_known: bool = False


class Workshop:
    """Makes members ready, in the caller's thread: Keras keeps its state per thread.

    Members are made ready just before they run, so that memory does not grow with
    their number; only the first two of each group are made before anything runs, and
    that is where bad input shows.
    """

    def __init__(
        self, members: Sequence[Member], training: Training, plan: Plan
    ) -> None:
        self.members = members
        self.training = training
        self.plan = plan
        self._shape = _shape(members, training)
        self._on_device: dict[int, Any] = {}
        self._ready: dict[int, Job] = {}
        self._models: dict[int, Any] = {}
        self._traced: dict[int, Steps] = {}
        self._ahead = self._look_ahead()
        self._kinds: dict[Hashable, _Kind] = {}
        self._used: dict[Program, dict[Hashable, None]] = {}
        self._made: set[Program] = set()

    def look_ahead(self) -> bool:
        """Draw or trace one more model of a search; return whether any was left.

        Whatever comes of it later is the same without: no program is made or chosen.
        """
        return next(self._ahead, False)

    def _look_ahead(self) -> Iterator[bool]:
        seen: set[Any] = set()
        for member in self._firsts()[:_KEPT_READY]:
            with suppress(Exception):  # told of when it is made ready
                self._models[id(member)] = self._drawn(member)
            yield True
            model = self._models.get(id(member))
            if model is None or _cannot_compile(model):
                continue
            told = _programs.told_of(model)
            name = told and told.identity
            if name is not None and name in seen:
                continue  # the steps of the one before are its own
            seen.add(name)
            with suppress(Exception):
                if not _programs.knows(model, self._setting(member)):
                    self._traced[id(model)] = self._steps_of(model, member)
            yield True

    def descriptions(self) -> dict[Hashable, Description]:
        """Make the first two members of each group ready, and describe the first.

        The second call of a function tells whether it hands out one model again.
        """
        self._meet_groups()
        described: dict[Hashable, Description] = {}
        groups: dict[Hashable, list[Member]] = {}
        for member in self.members:
            groups.setdefault(member.group, []).append(member)
        # a group's second at once: it tells how models are drawn, of other groups too
        for group, (first, *others) in groups.items():
            job = self._make(first)
            assert job.description is not None
            described[group] = job.description
            self._keep_ready(job)
            if others:
                self._keep_ready(self.make(others[0]))
            else:  # its only one: its function is asked again
                self._drawn(first)
        return described

    def _keep_ready(self, job: Job) -> None:
        if len(self._ready) < _KEPT_READY:
            self._ready[id(job.member)] = job

    def _meet_groups(self) -> None:
        """Learn how groups differ, before a program is made for any of them."""
        firsts = self._firsts()
        if not self.training.search or len(firsts) == 1:
            return
        for member in firsts:
            model = self._models.get(id(member))
            if model is None:
                model = self._drawn(member)
            if not _cannot_compile(model):
                with suppress(Exception):  # told of when it is made ready
                    _programs.meet(*self._asked(model, member))
            if len(self._models) < _KEPT_READY:
                self._models[id(member)] = model

    def _firsts(self) -> list[Member]:
        """Return the first member of each group."""
        firsts = {member.group: member for member in reversed(self.members)}
        return list(reversed(firsts.values()))

    def make(self, member: Member) -> Job:
        """Return the member's first state and its program, or why it has none."""
        try:
            job = self._ready.pop(id(member), None) or self._make(member)
        except template.ModelFunctionError as error:  # of this member, not of all
            return Job(member, error=str(error))
        if job.program is not None:
            for place in self.plan.places:
                job.program.program.compile_for(place)
        return job

    def look_at(self, member: Member) -> Job:
        """Return what `make` will, which can still be called."""
        job = self.make(member)
        self._ready[id(member)] = job
        return job

    def uses(self) -> tuple[Use, ...]:
        """Return the programs of the members that were made ready so far."""
        return tuple(
            Use(program.making, tuple(groups), program in self._made)
            for program, groups in self._used.items()
        )

    @undisturbed()
    def _drawn(self, member: Member) -> Any:
        size = self.training.batch_size
        return template.draw(member.build, member.seed, member.arrays, size)

    def _make(self, member: Member) -> Job:
        job = self._job(member)
        if job.program is not None:
            door.on_its_way(job.state[:2])  # for its fingerprint
            groups = self._used.setdefault(job.program.program, {})
            groups[member.group] = None
            if job.program.is_new:
                self._made.add(job.program.program)
        return job

    def _job(self, member: Member) -> Job:
        setting = self._setting(member)
        key = (function_key(member.build), setting)
        kind = self._kinds.setdefault(key, _Kind())
        if kind.recipe is not None and kind.pattern is not None:
            state = kind.recipe.state(member.seed)
            arrays = self._arrays(member.arrays)
            return replace(kind.pattern, member=member, state=state, arrays=arrays)
        model = self._models.pop(id(member), None)
        if model is None:
            model = self._drawn(member)
        job = self._made_of(model, member)
        self._traced.pop(id(model), None)
        if not kind.is_known and job.program is not None:
            self._learn(kind, Drawn(member.seed, model, job.state), job)
        return job

    def _learn(self, kind: _Kind, drawn: Drawn, job: Job) -> None:
        """Find the recipe of a member that was made ready, alone or after another."""
        build = job.member.build
        if kind.first is None:
            kind.first = drawn, job
            kind.recipe = _patterns.find(build, drawn)
        else:
            other, before = kind.first
            assert job.program is not None
            assert before.program is not None
            if job.program.does_what(before.program):
                kind.recipe = learn(other, drawn)
            if kind.recipe is not None:
                _patterns.keep(build, kind.recipe)
            kind.first, kind.is_known = None, True
        if kind.recipe is not None:
            kind.pattern = replace(job, state=None)
            kind.first, kind.is_known = None, True

    @undisturbed()
    def _made_of(self, model: Any, member: Member) -> Job:
        size = self.training.batch_size
        reason = _cannot_compile(model)
        if not reason:
            try:
                program = _programs.find(*self._asked(model, member))
            except HomeroomError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever tracing trips over
                reason = f"the model cannot be traced ({template.first_line(error)})"
        if reason:
            template.finish(model, member.build, member.arrays, size)
            facts = template.describe(model, member.arrays.y)
            rule = _resolve(self.training.early_stopping, facts, member, facts.names)
            return Job(member, rule, facts, None, reason=reason)
        steps = program.program.steps
        facts = replace(steps.description, loss=measures.name_of_loss(model))
        logged = steps.train_names
        rule = _resolve(self.training.early_stopping, facts, member, logged)
        state = program.state_of(model)
        return Job(member, rule, facts, program, state, self._arrays(member.arrays))

    def _arrays(self, arrays: Arrays) -> Any:
        if id(arrays) not in self._on_device:
            self._on_device[id(arrays)] = device_arrays(
                arrays, self.training.class_weight
            )
        return self._on_device[id(arrays)]

    def _setting(self, member: Member) -> Setting:
        shape = self._shape
        if member.validation_rows is None:
            shape = replace(shape, n_measured=1)
        return Setting(
            self._arrays(member.arrays),
            shape,
            self.plan.places[0],
            self.plan.one_core,
            self.training.search,
            self.training.operations,
            len(member.train_rows) * (member.epochs or self.training.epochs),
        )

    def _asked(self, model: Any, member: Member) -> tuple[Any, Setting, Any]:
        """Return what `Programs` is asked with."""
        traced = partial(self._steps_of, model, member)
        return model, self._setting(member), traced

    @undisturbed()
    def _steps_of(self, model: Any, member: Member) -> Steps:
        """Return a model's steps, unless they are traced already: now."""
        if (known := self._traced.get(id(model))) is not None:
            return known
        size = self.training.batch_size
        template.finish(model, member.build, member.arrays, size)
        return steps_of(model, self._setting(member))


def _shape(members: Sequence[Member], training: Training) -> Shape:
    """Return the one shape that every member's row tables fit into."""
    size = training.batch_size
    counts = {
        (len(m.train_rows), 0 if m.validation_rows is None else len(m.validation_rows))
        for m in members
    }
    counts |= {*training.row_counts}
    trained = [n for n, _ in counts]
    validated = [n for _, n in counts if n]
    sampled = sorted({n_measured(*each) for each in counts})
    looked_at = [*sampled, *validated]
    measured_size = training.validation_batch_size or size
    leaves = [leaf for m in members for leaf in door.jax().tree.leaves(m.arrays.x)]
    return Shape(
        train=Batches.of(size, trained),
        measured=Batches.of(measured_size, looked_at),
        validation=Batches.of(measured_size, validated),
        n_measured=2,
        # a batch is sliced from a table, so that none may be longer than a table
        n_rows=max([
            *map(len, leaves),
            *trained,
            *looked_at,
            size,
            measured_size,
        ]),
        sampled=tuple(sampled),
    )


def _cannot_compile(model: Any) -> str:
    """Return why a model has to go through plain fit, or nothing."""
    if model.run_eagerly:
        return "the model was compiled with run_eagerly=True"
    if not model.jit_compile:
        layers = model._flatten_layers()
        kept = next((layer for layer in layers if not layer.supports_jit), None)
        if kept is not None:
            return f"Keras does not compile models with a {type(kept).__name__} layer"
        return "the model was compiled with jit_compile=False"
    if any(getattr(o, "use_ema", False) for o in identity.optimizers_in(model)):
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
