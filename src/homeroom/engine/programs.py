"""Which program trains a model: one that is compiled already, if any computes it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from homeroom.records import Need

from . import door, identity
from .acquaintance import Acquaintance, Met
from .epochs import Shape
from .program import ModelProgram, Place, Program, shapes_of
from .steps import LiteralsMovedError, Steps
from .structure import Structure

_KEPT_FAMILIES = 64
_KEPT_IN_FAMILY = 4


@dataclass(frozen=True)
class Setting:
    """Where a model is trained: on which arrays, in which batches and cores.

    `place` is where a program is called first; it may be called in others later.
    `n_rows` is how many training rows go through the model, in all epochs together.
    Models of one `search` share a program though they differ in constants; those of
    different `operations` never do.
    """

    arrays: Any = field(compare=False)
    shape: Shape
    place: Place = field(compare=False)
    one_core: bool
    search: str
    operations: str
    n_rows: int = field(default=0, compare=False)
    kinds: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        leaves, tree = door.jax().tree.flatten(self.arrays)
        kinds = (str(tree), *((leaf.shape, str(leaf.dtype)) for leaf in leaves))
        object.__setattr__(self, "kinds", kinds)

    @property
    def kind(self) -> Hashable:
        """What settings of which a program does for both have in common."""
        return self.kind_but_cores, self.one_core

    @property
    def kind_but_cores(self) -> Hashable:
        """The same, whether a program may use one core or all."""
        return self.kinds, self.shape, self.operations

    def without_rows(self) -> Setting:
        """Return it with the shapes of the arrays only, to be kept for long."""
        return replace(self, arrays=shapes_of(self.arrays))

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

    first: Structure
    setting: Setting
    steps: Steps | None = None  # of one of them, if any was traced
    lifted: frozenset[int] = frozenset()
    programs: list[Program] = field(default_factory=list)

    def program_of(self, structure: Structure) -> Program | None:
        """Return the program that computes a structure, if any does."""
        found = (p for p in self.programs if p.values_of(structure) is not None)
        return next(found, None)


class Programs:
    """Programs by what they compute; those used longest ago are forgotten.

    Models that differ in the values of variables, as learning rates are, share one.
    In a search a literal in which models differ becomes an argument of their program,
    so that a search over dropout rates, momenta or penalties compiles once, too; models
    are then better all met before the first program is made. XLA treats an argument and
    a constant alike but for the last digit, here and there: another search takes the
    same program if just the same literals are arguments in it.
    """

    def __init__(self) -> None:
        self._families: OrderedDict[Hashable, _Family] = OrderedDict()
        self._models = Acquaintance()
        self._told: WeakKeyDictionary[Any, identity.Told | None] = WeakKeyDictionary()

    def told_of(self, model: Any) -> identity.Told | None:
        """Return what a model's configuration tells; of each it is asked once."""
        if model not in self._told:
            self._told[model] = identity.told_of(model)
        return self._told[model]

    def knows(self, model: Any, setting: Setting) -> bool:
        """Return whether a model is known without its steps."""
        told = self.told_of(model)
        where = setting.kind_but_cores
        return told is not None and self._models.find(told, where) is not None

    def find(
        self, model: Any, setting: Setting, traced: Callable[[], Steps]
    ) -> ModelProgram:
        """Return the program of a model, made now if none computes it."""
        met, family = self.meet(model, setting, traced)
        structure = met.structure
        program = family.program_of(structure)
        program = program or self._of_several(family, setting, structure)
        is_new = False
        if program is None:
            program = self._of_another_search(family, structure)
            is_new = program is None
            program = program or self._made(family, structure, traced)
            family.programs = [*family.programs, program][-_KEPT_IN_FAMILY:]
        values = program.values_of(structure)
        assert values is not None
        return ModelProgram(program, values, met.fresh_optimizer, is_new)

    def meet(
        self, model: Any, setting: Setting, traced: Callable[[], Steps]
    ) -> tuple[Met, _Family]:
        """Learn what a model computes; `traced` returns its steps, when needed."""
        told, steps, where = self.told_of(model), None, setting.kind_but_cores
        met = self._models.find(told, where) if told else None
        if met is None:
            steps = traced()
            met = Met(steps.structure, steps.fresh_optimizer)
            if told and met.fresh_optimizer is not None:
                self._models.add(told, where, met)
        family = self._family(met.structure, setting)
        family.steps = family.steps or steps
        if len(self._families) > _KEPT_FAMILIES:
            self._families.popitem(last=False)
            kept = {family.first.skeleton for family in self._families.values()}
            self._models.forget_others(kept)
        return met, family

    def _family(self, structure: Structure, setting: Setting) -> _Family:
        """Return the family of a model, which it belongs to from now on."""
        fixed = () if setting.search else tuple(v.tobytes() for v in structure.literals)
        key = (structure.skeleton, fixed, setting.search, setting.kind)
        if key not in self._families:
            lifted = self._lifted_in(structure, setting)
            shapes = setting.without_rows()
            self._families[key] = _Family(structure, shapes, lifted=lifted)
        family = self._families[key]
        self._families.move_to_end(key)
        family.lifted |= structure.differing(family.first)
        return family

    def _lifted_in(self, structure: Structure, setting: Setting) -> frozenset[int]:
        """Return where models of the search have differed, in whatever setting."""
        return frozenset().union(
            *(
                family.lifted
                for family in self._families.values()
                if setting.search == family.setting.search != ""
                and family.first.skeleton == structure.skeleton
            )
        )

    def _of_another_search(self, mine: _Family, structure: Structure) -> Program | None:
        """Return the program that would be made for a model, if it was made before."""
        others = self._families.values()
        alike = [f for f in others if f.setting.kind == mine.setting.kind]
        return next(_lifting_the_same(mine, alike, structure), None)

    def _of_several(
        self, mine: _Family, setting: Setting, structure: Structure
    ) -> Program | None:
        """Return a program of one core, for a training alone that is soon over.

        Its bits are the same, and to make another takes longer than the training.
        """
        if setting.one_core:
            return None
        kind = setting.kind_but_cores
        alike = [
            family
            for family in self._families.values()
            if family.setting.one_core and family.setting.kind_but_cores == kind
        ]
        for program in _lifting_the_same(mine, alike, structure):
            seconds = program.timing.seconds(setting.place, setting.n_rows)
            if seconds < program.making.seconds:
                return program
        return None

    def _made(
        self, family: _Family, structure: Structure, traced: Callable[[], Steps]
    ) -> Program:
        make = partial(_program, family.setting, self._why_another(family, structure))
        try:
            return make(family.steps or traced(), family.lifted)
        except LiteralsMovedError:
            return make(traced(), frozenset())

    def _why_another(self, mine: _Family, structure: Structure) -> str:
        """Return why none of the programs that were made computes a model."""
        if mine.programs:
            return Need.LATE_CONSTANT.value
        families = [f for f in self._families.values() if f.programs]
        alike = [f for f in families if f.first.skeleton == structure.skeleton]
        if not alike:
            return Need.FIRST.value
        elsewhere = [f.setting for f in alike if f.program_of(structure) is not None]
        if not elsewhere:
            return Need.CONSTANT.value
        needs = min((mine.setting.needs_beside(other) for other in elsewhere), key=len)
        return (needs or [Need.CONSTANT])[0].value


def _lifting_the_same(
    mine: _Family, families: Iterable[_Family], structure: Structure
) -> Iterator[Program]:
    """Return the programs that compute a structure as one of its family's would."""
    return (
        program
        for family in families
        for program in family.programs
        if program.lifted == mine.lifted and program.values_of(structure) is not None
    )


def steps_of(model: Any, setting: Setting) -> Steps:
    """Trace the steps of a model that lacks nothing."""
    size, exact = setting.shape.train.size, setting.operations == door.KERAS
    return Steps(model, setting.arrays, size, exact=exact)


def _program(
    setting: Setting, reason: str, steps: Steps, lifted: frozenset[int]
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
