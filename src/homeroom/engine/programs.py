"""Which program trains a model: one that is compiled already, if any computes it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from homeroom.records import Need

from . import door, identity
from .epochs import Shape
from .program import ModelProgram, Place, Program
from .steps import LiteralsMovedError, Steps
from .structure import Structure

_KEPT_FAMILIES = 64
_KEPT_IN_FAMILY = 4
_KEPT_MODELS = 1024


@dataclass(frozen=True)
class Setting:
    """Where a model is trained: on which arrays, in which batches and cores.

    `place` is where a program is called first; it may be called in others later.
    Models of one `search` share a program though they differ in constants; those of
    different `operations` never do.
    """

    arrays: Any = field(compare=False)
    shape: Shape
    place: Place = field(compare=False)
    one_core: bool
    search: str
    operations: str
    kinds: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        leaves, tree = door.jax().tree.flatten(self.arrays)
        kinds = (str(tree), *((leaf.shape, str(leaf.dtype)) for leaf in leaves))
        object.__setattr__(self, "kinds", kinds)

    def needs_beside(self, other: Setting) -> list[Need]:
        """Return why a program made for another setting does not do for this one."""
        cores = Need.ALONE if not self.one_core else Need.TOGETHER
        differ = {
            Need.ROWS: (self.kinds, self.shape) != (other.kinds, other.shape),
            Need.SEARCH: self.search != other.search,
            cores: self.one_core != other.one_core,
            Need.OPERATIONS: self.operations != other.operations,
        }
        return [need for need, holds in differ.items() if holds]


@dataclass(eq=False)
class _Family:
    """Models that may share a program: `lifted` is where literals of theirs differ."""

    first: Steps
    setting: Setting
    lifted: frozenset[int] = frozenset()
    programs: list[Program] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class _Met:
    """What is remembered of a model: what it computes, its optimizer before a step."""

    structure: Structure
    fresh_optimizer: list[Any]
    family: _Family


class Programs:
    """Programs by what they compute; those used longest ago are forgotten.

    Models that differ in the values of variables, as learning rates are, share one.
    In a search a literal in which models differ becomes an
    argument of their program, so that a search over dropout rates, momenta or
    penalties compiles once, too; models are then better all met before the first
    program is made. XLA treats an argument and a constant alike but for the last
    digit, here and there.
    """

    def __init__(self) -> None:
        self._families: OrderedDict[Hashable, _Family] = OrderedDict()
        self._met: OrderedDict[Hashable, _Met] = OrderedDict()

    def knows(self, model: Any, setting: Setting) -> bool:
        """Return whether a model is known without its steps."""
        told = identity.identity(model)
        return told is not None and (told, setting) in self._met

    def meet(self, model: Any, setting: Setting, traced: Callable[[], Steps]) -> _Met:
        """Learn what a model computes; `traced` returns its steps, when needed."""
        told = identity.identity(model)
        if told and (told, setting) in self._met:
            self._met.move_to_end((told, setting))
            return self._met[told, setting]
        steps = traced()
        structure = steps.structure
        fixed = () if setting.search else tuple(v.tobytes() for v in structure.literals)
        key = (structure.skeleton, fixed, setting)
        family = self._families.setdefault(key, _Family(steps, setting))
        self._families.move_to_end(key)
        family.lifted |= structure.differing(family.first.structure)
        met = _Met(structure, steps.fresh_optimizer, family)
        if told:
            self._met[told, setting] = met
        self._forget()
        return met

    def find(
        self, model: Any, setting: Setting, traced: Callable[[], Steps]
    ) -> ModelProgram:
        """Return the program of a model, made now if none computes it."""
        met = self.meet(model, setting, traced)
        for program in met.family.programs:
            values = program.values_of(met.structure)
            if values is not None:
                return ModelProgram(program, values, met.fresh_optimizer)
        reason = self._why_another(met)
        try:
            program = _made(met.family.first, setting, met.family.lifted, reason)
        except LiteralsMovedError:
            program = _made(traced(), setting, frozenset(), reason)
        met.family.programs = [*met.family.programs, program][-_KEPT_IN_FAMILY:]
        values = program.values_of(met.structure)
        assert values is not None
        return ModelProgram(program, values, met.fresh_optimizer, is_new=True)

    def _why_another(self, met: _Met) -> str:
        """Return why none of the programs that were made computes a model."""
        if met.family.programs:
            return Need.LATE_CONSTANT.value
        skeleton = met.structure.skeleton
        families = [f for f in self._families.values() if f.programs]
        alike = [f for f in families if f.first.structure.skeleton == skeleton]
        if not alike:
            return Need.FIRST.value
        elsewhere = [
            family.setting
            for family in alike
            if any(p.values_of(met.structure) is not None for p in family.programs)
        ]
        if not elsewhere:
            return Need.CONSTANT.value
        mine = met.family.setting
        needs = min((mine.needs_beside(other) for other in elsewhere), key=len)
        return (needs or [Need.CONSTANT])[0].value

    def _forget(self) -> None:
        while len(self._families) > _KEPT_FAMILIES:
            _, gone = self._families.popitem(last=False)
            of_gone = [key for key, met in self._met.items() if met.family is gone]
            for key in of_gone:
                del self._met[key]
        while len(self._met) > _KEPT_MODELS:
            self._met.popitem(last=False)


def steps_of(model: Any, setting: Setting) -> Steps:
    """Trace the steps of a model that lacks nothing."""
    size, exact = setting.shape.train.size, setting.operations == door.KERAS
    return Steps(model, setting.arrays, size, exact=exact)


def _made(
    steps: Steps, setting: Setting, lifted: frozenset[int], reason: str
) -> Program:
    return Program(
        steps,
        setting.arrays,
        setting.shape,
        lifted=lifted,
        one_core=setting.one_core,
        reason=reason,
        place=setting.place,
    )
