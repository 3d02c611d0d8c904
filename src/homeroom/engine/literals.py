"""Literals without tracing: what numbers in Keras's own parts come to in a step.

A dropout rate is a literal in the traced steps, its complement another. A few traced
models of one kind tell which; a further one then need not be traced.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from .structure import Structure

Numbers = tuple[float, ...]

_SEVERAL = 3  # values of a number, before what they came to is no coincidence
_MOST = 16
_DTYPES = (np.dtype(np.float32), np.dtype(np.float64))
_FORMS: tuple[Callable[[float], float], ...] = (
    lambda x: x,
    lambda x: 1 - x,
    lambda x: -x,
)
# Numbers of Keras's parts that come to literals, and for which Keras asks nothing but
# whether they are zero, one, or between.
_OF_PARTS = {
    "BatchNormalization": {"momentum", "epsilon"},
    "Dropout": {"rate"},
    "ELU": {"alpha"},
    "GaussianNoise": {"stddev"},
    "L1L2": {"l1", "l2"},
    "L2": {"l2"},
    "LayerNormalization": {"epsilon"},
    "LeakyReLU": {"negative_slope"},
    "SpatialDropout1D": {"rate"},
    "SpatialDropout2D": {"rate"},
    "SpatialDropout3D": {"rate"},
}
_OF_OPTIMIZERS = {
    "beta_1",
    "beta_2",
    "clipnorm",
    "clipvalue",
    "epsilon",
    "momentum",
    "rho",
    "weight_decay",
}


def numbers_apart(config: Any) -> tuple[Any, Numbers]:
    """Return a configuration without the numbers that come to literals, and those.

    In their places is what Keras asks of them. Zero, one and negative numbers stay.
    """
    numbers: list[float] = []

    def without(part: Any) -> Any:
        if isinstance(part, list | tuple):
            return [without(each) for each in part]
        if not isinstance(part, dict):
            return part
        names = _names_in(part)
        return {
            key: apart(value, names) if key == "config" else without(value)
            for key, value in part.items()
        }

    def apart(config: Any, names: set[str]) -> Any:
        if not isinstance(config, dict):
            return without(config)
        kept = without(config)
        for name in sorted(names & config.keys()):
            value = config[name]
            if type(value) is float and 0 < value < np.inf and value != 1:
                kept[name] = "a number below one" if value < 1 else "one above"
                numbers.append(value)
        return kept

    return without(config), tuple(numbers)


def _names_in(part: dict[str, Any]) -> set[str]:
    """Return which numbers in the configuration of a part come to literals."""
    module, name = str(part.get("module")), str(part.get("class_name"))
    if module == "keras.optimizers":
        return _OF_OPTIMIZERS
    return _OF_PARTS.get(name, set()) if module.startswith("keras.") else set()


@dataclass(eq=False)
class Relation:
    """What models of one kind were traced to, by their numbers."""

    _known: list[tuple[Numbers, Structure]] = field(default_factory=list)

    def add(self, numbers: Numbers, structure: Structure) -> None:
        """Learn of a model that was traced."""
        self._known = [*self._known, (numbers, structure)][-_MOST:]

    def structure_of(self, numbers: Numbers) -> Structure | None:
        """Return what a model would be traced to, or None when that is not sure.

        It is where every literal is the same in all that is known, or is a number, its
        complement or its negative in all of them, and nothing else would fit as well.
        """
        if not self._tells(numbers):
            return None
        first = self._known[0][1]
        forms = self._forms(numbers)
        literals = []
        for seen in zip(*(s.literals for _, s in self._known), strict=True):
            told = [each.tobytes() for each in seen]
            fitting = {told[0]} if len({*told}) == 1 else set()
            fitting |= forms.get((seen[0].dtype, *told), set())
            if len(fitting) != 1:
                return None
            literals.append(np.frombuffer(fitting.pop(), seen[0].dtype).reshape(()))
        return Structure(first.skeleton, tuple(literals), first.firsts)

    def _forms(self, numbers: Numbers) -> dict[tuple[Any, ...], set[bytes]]:
        """Return what a literal may be now, by its dtype and what it was for others."""
        found: dict[tuple[Any, ...], set[bytes]] = {}
        rows = [*(numbers for numbers, _ in self._known), numbers]
        for dtype, column, form in product(_DTYPES, zip(*rows, strict=True), _FORMS):
            *others, mine = (np.asarray(form(x), dtype).tobytes() for x in column)
            found.setdefault((dtype, *others), set()).add(mine)
        return found

    def _tells(self, numbers: Numbers) -> bool:
        """Whether enough is known of each number that may be another now."""
        if len({s.skeleton for _, s in self._known}) != 1:
            return False
        columns = zip(*(numbers for numbers, _ in self._known), strict=True)
        return all(
            _are_several(column) or {*column} == {mine}
            for column, mine in zip(columns, numbers, strict=True)
        )


def _are_several(column: Numbers) -> bool:
    """Whether values are so many, and so far apart, that what follows from them shows.

    Of very small ones the complement, and much else, is the same to the last bit.
    """
    values, complements = ({np.float32(form(x)) for x in column} for form in _FORMS[:2])
    return min(len(values), len(complements)) >= _SEVERAL
