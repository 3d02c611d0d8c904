"""What is remembered of models, so that another of their kind need not be traced."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Set
from dataclasses import dataclass
from typing import Any

from .identity import Told
from .literals import Relation
from .structure import Structure

_KEPT = 1024


@dataclass(frozen=True, eq=False)
class Met:
    """A model: what it computes, its optimizer before a step.

    That is None where it is this model's own: it has made steps already.
    """

    structure: Structure
    fresh_optimizer: list[Any] | None


class Acquaintance:
    """Models that were traced, or are like some that were; the oldest are forgotten."""

    def __init__(self) -> None:
        self._met: OrderedDict[Hashable, Met] = OrderedDict()
        self._alike: OrderedDict[Hashable, tuple[Relation, Met]] = OrderedDict()

    def find(self, told: Told, where: Hashable) -> Met | None:
        """Return what a model is in a setting, if it needs no tracing there."""
        key = (told.identity, where)
        if key not in self._met:
            alike = self._alike.get((told.kind, where))
            structure = alike and alike[0].structure_of(told.numbers)
            if not alike or not structure:
                return None
            self._met[key] = Met(structure, alike[1].fresh_optimizer)
            self._forget_oldest()
        self._met.move_to_end(key)
        return self._met[key]

    def add(self, told: Told, where: Hashable, met: Met) -> None:
        """Remember a model that was traced."""
        self._met[told.identity, where] = met
        relation, _ = self._alike.setdefault((told.kind, where), (Relation(), met))
        relation.add(told.numbers, met.structure)
        self._forget_oldest()

    def forget_others(self, skeletons: Set[str]) -> None:
        """Remember only models of these skeletons."""
        for key, met in [*self._met.items()]:
            if met.structure.skeleton not in skeletons:
                del self._met[key]
        for key, (_, met) in [*self._alike.items()]:
            if met.structure.skeleton not in skeletons:
                del self._alike[key]

    def _forget_oldest(self) -> None:
        for known in (self._met, self._alike):
            while len(known) > _KEPT:
                known.popitem(last=False)
