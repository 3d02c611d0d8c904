"""Spaces of hyperparameters, as a dict says them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from homeroom.errors import InputError

from .values import same_value


@dataclass(frozen=True)
class Uniform:
    """Every number from `low` to `high`, or every order of magnitude alike."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Integers:
    """Whole numbers from `low` to `high`, both included, in steps."""

    low: int
    high: int
    step: int = 1
    log: bool = False


@dataclass(frozen=True)
class Choice:
    """One of some values; `branches` has what else is drawn with the value there."""

    values: tuple[Any, ...]
    branches: tuple[Space, ...] = ()


@dataclass(frozen=True)
class Fixed:
    """A value that is not searched."""

    value: Any


Dimension: TypeAlias = Uniform | Integers | Choice | Fixed
Space: TypeAlias = Mapping[str, Dimension]


class Draws(Protocol):
    """What values are drawn from: a trial of Optuna."""

    def suggest_float(
        self, name: str, low: float, high: float, *, log: bool = False
    ) -> float:
        """Return a number of an interval."""
        ...

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        """Return a whole number of a range."""
        ...

    def suggest_categorical(self, name: str, choices: Any) -> Any:
        """Return one of some values."""
        ...


def uniform(low: float, high: float) -> Uniform:
    """Search a number from `low` to `high`, each alike.

    Raises:
        InputError: If these are no finite numbers with low < high.

    >>> uniform(0.1, 0.5)
    Uniform(low=0.1, high=0.5, log=False)
    """
    low, high = _bounds("uniform", low, high)
    return Uniform(low, high)


def log_uniform(low: float, high: float) -> Uniform:
    """Search a positive number, each order of magnitude alike: a learning rate.

    Raises:
        InputError: If these are no finite numbers with 0 < low < high.

    >>> log_uniform(1e-4, 1e-2)
    Uniform(low=0.0001, high=0.01, log=True)
    """
    low, high = _bounds("log_uniform", low, high)
    if low <= 0:
        raise InputError(
            f"log_uniform({low:g}, {high:g}): a logarithm needs numbers above 0. Use "
            "uniform(…), or a list if 0 itself should be tried."
        )
    return Uniform(low, high, log=True)


def integers(low: int, high: int, *, step: int = 1, log: bool = False) -> Integers:
    """Search a whole number from `low` to `high`, both included.

    Args:
        low: The smallest.
        high: The largest; where `step` does not reach it, the last one below it.
        step: The distance between two that are tried.
        log: Whether each order of magnitude is alike; needs low ≥ 1 and step 1.

    Raises:
        InputError: If a number is not whole, or they leave nothing to search.

    >>> integers(32, 256, step=32)
    Integers(low=32, high=256, step=32, log=False)
    """
    told = f"integers({low!r}, {high!r}, step={step!r}, log={log!r})"
    whole = all(
        isinstance(n, int | np.integer) and not isinstance(n, bool)
        for n in (low, high, step)
    )
    if not whole:
        raise InputError(f"{told}: use whole numbers; for others there is uniform().")
    if low >= high or step < 1:
        raise InputError(f"{told}: low must be below high, and step 1 or more.")
    if log and (low < 1 or step != 1):
        raise InputError(f"{told}: with log=True, low must be 1 or more and step 1.")
    return Integers(int(low), int(low + (high - low) // step * step), int(step), log)


def choice(values: Any) -> Choice:
    """Search among values; each may bring hyperparameters that only it has.

    A list in a space is the same as `choice` of it. A dict maps each value to a space
    of its own, which is searched only where that value is chosen; its names stand
    beside the others when the model function is called.

    Raises:
        InputError: If there is nothing to choose from, or a value comes twice.

    >>> choice({"sgd": {"momentum": uniform(0.0, 0.95)}, "adam": {}}).values
    ('sgd', 'adam')
    """
    branches: tuple[Space, ...] = ()
    if isinstance(values, Mapping):
        branches = tuple(_branch(v, inner) for v, inner in values.items())
    elif isinstance(values, str) or not hasattr(values, "__iter__"):
        raise InputError(f"choice({values!r}): give a list of values, or a dict.")
    options = tuple(_python(value) for value in values)
    if not options:
        raise InputError("A choice needs at least one value; this one is empty.")
    for i, value in enumerate(options):
        if any(same_value(value, other) for other in options[:i]):
            raise InputError(f"The choice {list(options)} has {value!r} twice.")
    return Choice(options, branches)


def as_space(given: Any) -> Space:
    """Return the space that a dict means, checked.

    Lists (and tuples, ranges, arrays) are choices; a single value is fixed.

    Raises:
        InputError: If it is no dict of names, is empty, or has one name in two places.

    >>> as_space({"units": [32, 64], "dropout": uniform(0, 0.5)})["units"]
    Choice(values=(32, 64), branches=())
    """
    if not isinstance(given, Mapping):
        raise InputError(
            "A space is a dict that maps hyperparameters to lists, uniform(…), "
            f"log_uniform(…), integers(…) or choice(…); got {type(given).__name__}."
        )
    strangers = [name for name in given if not isinstance(name, str)]
    if strangers:
        raise InputError(
            f"A space maps names of hyperparameters; {strangers[0]!r} is no text."
        )
    if not given:
        raise InputError("The space is empty: name at least one hyperparameter.")
    space = {name: _dimension(name, value) for name, value in given.items()}
    _check_once(space)
    return space


def names_in(space: Space) -> tuple[str, ...]:
    """Return every hyperparameter of a space, those of branches included.

    >>> names_in(as_space({"a": [1, 2], "b": choice({"x": {"c": 3}, "y": {}})}))
    ('a', 'b', 'c')
    """
    found: dict[str, None] = {}
    for name, dimension in space.items():
        found[name] = None
        if isinstance(dimension, Choice):
            for branch in dimension.branches:
                found.update(dict.fromkeys(names_in(branch)))
    return tuple(found)


def drawn(space: Space, trial: Draws, branch: str = "") -> dict[str, Any]:
    """Return a value for every hyperparameter, drawn from a trial.

    Those of a branch have its name in front: another branch may have a hyperparameter
    of that name with other values.
    """
    values: dict[str, Any] = {}
    for name, dimension in space.items():
        told = branch + name
        match dimension:
            case Uniform(low, high, log):
                values[name] = trial.suggest_float(told, low, high, log=log)
            case Integers(low, high, step, log):
                values[name] = trial.suggest_int(told, low, high, step=step, log=log)
            case Fixed(value):
                values[name] = value
            case Choice(options, branches):
                # by position: Optuna knows only numbers and texts as categories
                at = trial.suggest_categorical(told, tuple(range(len(options))))
                values[name] = options[at]
                if branches:
                    values.update(drawn(branches[at], trial, f"{told}={at}/"))
    return values


def combinations(space: Space) -> Iterator[dict[str, Any]]:
    """Return every combination of a space without intervals, the last name fastest.

    Raises:
        InputError: If a hyperparameter has infinitely many values.

    >>> [c["units"] for c in combinations(as_space({"units": [8, 16], "rate": 0.1}))]
    [8, 16]
    """
    for name, dimension in space.items():
        if isinstance(dimension, Uniform):
            raise InputError(
                f"A grid needs values one can count, and {name!r} is an interval. Give "
                f"{name!r} a list, or use sampler='random'."
            )
    parts = [_options(name, dimension) for name, dimension in space.items()]
    for picked in itertools.product(*parts):
        together: dict[str, Any] = {}
        for part in picked:
            together.update(part)
        yield together


def n_combinations(space: Space) -> int | None:
    """Return how many combinations a space has; None when it has an interval.

    >>> n_combinations(as_space({"units": integers(1, 10**9), "rate": [0.1, 0.2]}))
    2000000000
    """
    whole = 1
    for dimension in space.values():
        match dimension:
            case Uniform():
                return None
            case Integers(low, high, step, _):
                whole *= len(range(low, high + 1, step))
            case Choice(values, ()):
                whole *= len(values)
            case Choice(_, branches):
                inner = [n_combinations(branch) for branch in branches]
                if None in inner:
                    return None
                whole *= sum(n for n in inner if n is not None)
    return whole


def _options(name: str, dimension: Dimension) -> list[dict[str, Any]]:
    match dimension:
        case Integers(low, high, step, _):
            return [{name: value} for value in range(low, high + 1, step)]
        case Choice(values, ()):
            return [{name: value} for value in values]
        case Choice(values, branches):
            return [
                {name: value, **inner}
                for value, branch in zip(values, branches, strict=True)
                for inner in combinations(branch)
            ]
        case Fixed(value):
            return [{name: value}]
    raise AssertionError(dimension)


def _dimension(name: str, value: Any) -> Dimension:
    if isinstance(value, Uniform | Integers | Choice | Fixed):
        return value
    if isinstance(value, Mapping):
        raise InputError(
            f"{name!r} is a dict. For values that bring hyperparameters of their own "
            f"write choice({{…}}); for a list of dicts, choice([…])."
        )
    if isinstance(value, list | tuple | range | np.ndarray | set | frozenset):
        ordered = (
            sorted(value, key=repr) if isinstance(value, set | frozenset) else value
        )
        try:
            return choice(list(ordered))
        except InputError as error:
            raise InputError(f"Hyperparameter {name!r}: {error}") from None
    if callable(getattr(value, "rvs", None)):
        raise InputError(
            f"{name!r} is a distribution of scipy, which can be drawn from but not "
            "searched. Use uniform(low, high) or log_uniform(low, high)."
        )
    return Fixed(_python(value))


def _branch(value: Any, inner: Any) -> Space:
    if not isinstance(inner, Mapping):
        raise InputError(
            f"choice: {value!r} must map to a dict of its own hyperparameters, {{}} if "
            f"it has none; got {type(inner).__name__}."
        )
    return as_space(inner) if inner else {}


def _check_once(space: Space) -> None:
    """Refuse a name that two places of one combination could give a value."""
    seen: set[str] = set()
    for name, dimension in space.items():
        branches = dimension.branches if isinstance(dimension, Choice) else ()
        inner = {n for branch in branches for n in names_in(branch)}
        twice = (seen & inner) | ({name} & (seen | inner))
        if twice:
            raise InputError(
                f"Hyperparameter {min(twice)!r} stands in two places of the space that "
                "can hold at once; name it once."
            )
        seen |= {name, *inner}


def _bounds(what: str, low: Any, high: Any) -> tuple[float, float]:
    numbers = (int, float, np.integer, np.floating)
    fine = all(isinstance(n, numbers) and not isinstance(n, bool) for n in (low, high))
    if not fine or not math.isfinite(low) or not math.isfinite(high) or low >= high:
        raise InputError(
            f"{what}({low!r}, {high!r}): use two numbers, the lower one first."
        )
    return float(low), float(high)


def _python(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
