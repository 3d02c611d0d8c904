"""Fresh weights without building a model: what a model function draws, drawn again.

Keras gives every layer and initializer that is told no seed the next of the numbers
that follow from `keras.utils.set_random_seed`. Two models of one function tell which
variable takes which of them; the weights of a third then need its seed only.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from homeroom import seeding

from . import door, template
from .random_bits import cheap_random_bits

State = tuple[list[Any], list[Any], list[Any]]
_KEPT_RECIPES = 16  # of one function
_KEPT_BYTES = 2**20  # of one recipe
_SEED_STATE = "SeedGenerator.__init__.<locals>.seed_initializer"


@dataclass(frozen=True, eq=False)
class Drawn:
    """A model of a function, the seed it was drawn with, its first state."""

    seed: int
    model: Any
    state: State


@dataclass(frozen=True, eq=False)
class _Same:
    """A value that is the same in every model."""

    value: Any

    def draw(self, seeds: Sequence[int]) -> Any:
        return self.value


@dataclass(frozen=True, eq=False)
class _SeedState:
    """The first state of a random generator that was given the n-th seed."""

    n: int
    dtype: str

    def draw(self, seeds: Sequence[int]) -> Any:
        tensor = door.keras().ops.convert_to_tensor
        return tensor([seeds[self.n], 0], dtype=self.dtype)


@dataclass(frozen=True, eq=False)
class _Weights:
    """What an initializer of Keras's makes of the n-th seed."""

    n: int
    initializer: Any
    shape: tuple[int, ...]
    dtype: str

    def draw(self, seeds: Sequence[int]) -> Any:
        mine = copy.copy(self.initializer)
        mine.seed = seeds[self.n]
        return door.keras().ops.convert_to_tensor(mine(self.shape, dtype=self.dtype))


@dataclass(frozen=True, eq=False)
class Recipe:
    """How the first state of a function's models follows from the seed."""

    _sources: tuple[tuple[Any, ...], ...]
    n_seeds: int

    @property
    def n_bytes(self) -> int:
        """What its constant values take in memory."""
        values = (s.value for part in self._sources for s in part if type(s) is _Same)
        return sum(int(value.nbytes) for value in values)

    def state(self, seed: int) -> State:
        """Return the state that the model drawn with `seed` would begin with."""
        seeds = seeding.default_seeds(seed, self.n_seeds)
        with cheap_random_bits():
            trainable, non_trainable, optimizer = (
                [source.draw(seeds) for source in part] for part in self._sources
            )
        return trainable, non_trainable, optimizer


class Recipes:
    """Recipes of model functions that still exist, for the next time they are used.

    What a function does may have changed meanwhile, by a global of its module: `find`
    believes no recipe that does not give the model just drawn.
    """

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Any, OrderedDict[Hashable, Recipe]]
        self._known = WeakKeyDictionary()

    def find(self, function: Any, setting: Hashable, drawn: Drawn) -> Recipe | None:
        """Return the function's recipe if it gives what was drawn."""
        try:
            known = self._known.get(_inner(function))
        except TypeError:  # not everything that can be called can be held weakly
            return None
        recipe = known and known.get((function_key(function), setting))
        if not recipe or recipe.n_seeds != template.drawing_of(drawn.model).n_seeds:
            return None
        return recipe if _same(recipe.state(drawn.seed), drawn.state) else None

    def keep(self, function: Any, setting: Hashable, recipe: Recipe) -> None:
        """Remember a recipe, if it is small: a large model costs more than to build."""
        if recipe.n_bytes > _KEPT_BYTES:
            return
        try:
            known = self._known.setdefault(_inner(function), OrderedDict())
        except TypeError:
            return
        known[function_key(function), setting] = recipe
        while len(known) > _KEPT_RECIPES:
            known.popitem(last=False)


def learn(first: Drawn, second: Drawn) -> Recipe | None:
    """Return the recipe behind two models of one function; None if there is none.

    It gives both models' states to the last bit. A function that draws other random
    numbers, or gives models of different shapes, has none.
    """
    n_seeds = template.drawing_of(first.model).n_seeds
    if n_seeds is None or n_seeds != template.drawing_of(second.model).n_seeds:
        return None
    if first.seed == second.seed:
        return None
    told = (first.model.trainable_variables, first.model.non_trainable_variables, ())
    sources = tuple(
        tuple(_sources(first, n_seeds, variables, values))
        for variables, values in zip(told, first.state, strict=True)
    )
    recipe = Recipe(sources, n_seeds)
    for drawn in (first, second):
        if not _same(recipe.state(drawn.seed), drawn.state):
            return None
    return recipe


def function_key(function: Any) -> Any:
    """Return what two model functions share only if they do the same.

    Partials are told by what they hold: one is made for every fold.
    """
    if type(function) is not partial:
        return id(function)
    held = (function.args, tuple(sorted(function.keywords.items())))
    try:
        hash(held)
    except TypeError:
        return id(function)
    # 1, 1.0 and True are equal, and a model function may tell them apart
    return function_key(function.func), held, repr(held)


def _inner(function: Any) -> Any:
    return _inner(function.func) if type(function) is partial else function


def _sources(
    drawn: Drawn, n_seeds: int, variables: Sequence[Any], values: Sequence[Any]
) -> list[Any]:
    seeds = seeding.default_seeds(drawn.seed, n_seeds)
    initializers = template.drawing_of(drawn.model).initializers
    by_variable = [initializers.get(id(v)) for v in variables] or [None] * len(values)
    return [
        _source(initializer, value, seeds)
        for initializer, value in zip(by_variable, values, strict=True)
    ]


def _source(initializer: Any, value: Any, seeds: tuple[int, ...]) -> Any:
    """Where a value comes from; whoever is wrong about it is found out by `learn`."""
    if getattr(initializer, "__qualname__", "") == _SEED_STATE:
        if (first := int(value[0])) in seeds:
            return _SeedState(seeds.index(first), str(value.dtype))
    elif type(initializer).__module__.startswith("keras."):
        seed = getattr(initializer, "seed", None)
        if isinstance(seed, int) and seed in seeds:
            dtype = str(value.dtype)
            return _Weights(seeds.index(seed), initializer, value.shape, dtype)
    return _Same(value)


def _same(a: State, b: State) -> bool:
    return all(
        len(mine) == len(other) and all(map(_equal, mine, other))
        for mine, other in zip(a, b, strict=True)
    )


def _equal(a: Any, b: Any) -> bool:
    a, b = np.asarray(a), np.asarray(b)
    alike = a.dtype == b.dtype and a.shape == b.shape
    return bool(alike and a.tobytes() == b.tobytes())
