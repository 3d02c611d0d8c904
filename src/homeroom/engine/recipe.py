"""Fresh weights without building a model: what a model function draws, drawn again.

Keras gives every layer and initializer that is told no seed the next of the numbers
that follow from `keras.utils.set_random_seed`. Two models of one function tell which
variable takes which of them; the weights of a third then need its seed only.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from homeroom import seeding

from . import door, template
from .random_bits import cheap_random_bits
from .shared import Shared

State = tuple[list[Any], list[Any], list[Any]]
Pattern = tuple[int, tuple[int, ...]]
_SMALL_BYTES = 2**16  # larger ones take longer to train than to draw
_SEEDS = {"seed", "_init_seed"}  # of an initializer
_TOLD = {bool, float, int, str, type(None)}  # what `repr` tells to the last digit
_drawn = Shared()  # candidates of a fold begin with the same weights
_SEED_STATE = "SeedGenerator.__init__.<locals>.seed_initializer"


@dataclass(frozen=True, eq=False)
class Drawn:
    """A model of a function, the seed it was drawn with, its first state."""

    seed: int
    model: Any
    state: State


@dataclass(frozen=True, eq=False)
class _Seeds:
    """The seeds that follow from one: as numbers, and as Keras makes of them."""

    numbers: tuple[int, ...]

    @cached_property
    def on_device(self) -> list[Any]:
        """All at once: Keras does it one by one, taking its time."""
        numbers = [np.array([n, 0], np.uint32) for n in self.numbers]
        return list(_on_device()(numbers))


@dataclass(frozen=True, eq=False)
class _Same:
    """A value that is the same in every model."""

    value: Any

    def draw(self, seeds: _Seeds) -> Any:
        return self.value


@dataclass(frozen=True, eq=False)
class _SeedState:
    """The first state of a random generator that was given the n-th seed."""

    n: int

    def draw(self, seeds: _Seeds) -> Any:
        number = seeds.numbers[self.n]
        (state,) = _drawn.once(number, lambda: (seeds.on_device[self.n],))
        return state


@dataclass(frozen=True, eq=False)
class _Weights:
    """What an initializer of Keras's makes of the n-th seed."""

    n: int
    initializer: Any
    shape: tuple[int, ...]
    dtype: str

    def draw(self, seeds: _Seeds) -> Any:
        held = {k: v for k, v in vars(self.initializer).items() if k not in _SEEDS}
        small = math.prod(self.shape) <= _SMALL_BYTES // np.dtype(np.float32).itemsize
        if not small or not all(type(value) in _TOLD for value in held.values()):
            return self._fresh(seeds)
        what = type(self.initializer), repr(held), self.shape, self.dtype
        key = what, seeds.numbers[self.n]
        (weights,) = _drawn.once(key, lambda: (self._fresh(seeds),))
        return weights

    def _fresh(self, seeds: _Seeds) -> Any:
        mine = copy.copy(self.initializer)
        mine.seed = seeds.on_device[self.n]
        return door.keras().ops.convert_to_tensor(mine(self.shape, dtype=self.dtype))


@dataclass(frozen=True, eq=False)
class Recipe:
    """How the first state of a function's models follows from the seed."""

    _sources: tuple[tuple[Any, ...], ...]
    n_seeds: int

    @property
    def pattern(self) -> Pattern:
        """Which variable takes which seed; -1 for what is the same in every model."""
        places = tuple(getattr(s, "n", -1) for part in self._sources for s in part)
        return self.n_seeds, places

    def state(self, seed: int) -> State:
        """Return the state that the model drawn with `seed` would begin with."""
        seeds = _Seeds(seeding.default_seeds(seed, self.n_seeds))
        with cheap_random_bits():
            trainable, non_trainable, optimizer = (
                [source.draw(seeds) for source in part] for part in self._sources
            )
        return trainable, non_trainable, optimizer


class Patterns:
    """What is known of model functions: which variable takes which seed.

    The functions of a search have one pattern under many names, and a function keeps
    its own from call to call: then one model gives the recipe of all others.
    """

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Any, set[Pattern]] = WeakKeyDictionary()

    def find(self, function: Any, drawn: Drawn) -> Recipe | None:
        """Return the recipe of a model, if its pattern was learned before."""
        recipe = _recipe_of(drawn)
        if recipe is None or recipe.pattern not in self._of(function):
            return None
        return recipe if _same(recipe.state(drawn.seed), drawn.state) else None

    def keep(self, function: Any, recipe: Recipe) -> None:
        """Remember the pattern of a recipe that was learned."""
        self._of(function).add(recipe.pattern)

    def _of(self, function: Any) -> set[Pattern]:
        while type(function) is partial:
            function = function.func
        try:
            return self._known.setdefault(function, set())
        except TypeError:  # not everything that can be called can be held weakly
            return set()


def learn(first: Drawn, second: Drawn) -> Recipe | None:
    """Return the recipe behind two models of one function; None if there is none.

    It gives both models' states to the last bit. A function that draws other random
    numbers, or gives models of different shapes, has none.
    """
    recipe, other = _recipe_of(first), _recipe_of(second)
    if recipe is None or other is None or recipe.pattern != other.pattern:
        return None
    if first.seed == second.seed:
        return None
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


def _recipe_of(drawn: Drawn) -> Recipe | None:
    """Return what one model says; what is the same in others it cannot know."""
    drawing = template.drawing_of(drawn.model)
    if drawing.n_seeds is None:
        return None
    seeds = seeding.default_seeds(drawn.seed, drawing.n_seeds)
    trainable, non_trainable = (
        [drawing.initializers.get(id(variable)) for variable in part]
        for part in (
            drawn.model.trainable_variables,
            drawn.model.non_trainable_variables,
        )
    )
    optimizer = [None] * len(drawn.state[2])
    sources = tuple(
        tuple(_source(*each, seeds) for each in zip(initializers, values, strict=True))
        for initializers, values in zip(
            (trainable, non_trainable, optimizer), drawn.state, strict=True
        )
    )
    return Recipe(sources, drawing.n_seeds)


def _source(initializer: Any, value: Any, seeds: tuple[int, ...]) -> Any:
    """Where a value comes from; whoever is wrong about it is found out by `learn`."""
    if getattr(initializer, "__qualname__", "") == _SEED_STATE:
        first = int(value[0])
        if first in seeds and value.dtype == np.uint32:
            return _SeedState(seeds.index(first))
    elif type(initializer).__module__.startswith("keras."):
        seed = getattr(initializer, "seed", None)
        if isinstance(seed, int) and seed in seeds:
            dtype = str(value.dtype)
            return _Weights(seeds.index(seed), initializer, value.shape, dtype)
    return _Same(value)


@cache
def _on_device() -> Any:
    """What takes arrays to the device in a tenth of `device_put`'s time."""
    return door.jax().jit(lambda arrays: arrays)


def _same(a: State, b: State) -> bool:
    return all(
        len(mine) == len(other) and all(map(_equal, mine, other))
        for mine, other in zip(*door.on_host((a, b)), strict=True)
    )


def _equal(a: Any, b: Any) -> bool:
    alike = a.dtype == b.dtype and a.shape == b.shape
    return bool(alike and a.tobytes() == b.tobytes())
