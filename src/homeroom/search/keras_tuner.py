"""Model functions in KerasTuner's style: `build(hp)` draws what it builds with."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from homeroom.errors import InputError

from .spaces import Draws, choice

_ROUNDING = 1e-9  # of a step


class HyperParameters:
    """What a `build(hp)` function asks: the methods of `keras_tuner.HyperParameters`.

    It draws from a trial, or answers with what was drawn before.

    Args:
        trial: What is drawn from; None answers from `values` alone.
        values: What was drawn before, by name.
    """

    def __init__(
        self, trial: Draws | None = None, values: dict[str, Any] | None = None
    ) -> None:
        self._trial = trial
        self.values = dict(values or {})
        self._scopes: list[tuple[str, Any]] = []

    def Int(  # noqa: PLR0913 - KerasTuner's own arguments
        self,
        name: str,
        min_value: int,
        max_value: int,
        step: int | None = None,
        sampling: str | None = None,
        default: int | None = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> int:
        """Return a whole number from `min_value` to `max_value`.

        `step` is added, or, with sampling="log", multiplied by. Where a `parent_name`
        has none of its `parent_values` the answer is `default`, and nothing is drawn.
        """
        log = _is_log(name, sampling)
        if not self._is_active(parent_name, parent_values):
            return min_value if default is None else default

        def draw(trial: Draws) -> int:
            if step is None:
                return trial.suggest_int(name, min_value, max_value, log=log)
            n = _n_steps(name, min_value, max_value, step, log=log)
            k = trial.suggest_int(name, 0, n)
            return int(min_value * step**k if log else min_value + step * k)

        return int(self._value(name, draw))

    def Float(  # noqa: PLR0913 - KerasTuner's own arguments
        self,
        name: str,
        min_value: float,
        max_value: float,
        step: float | None = None,
        sampling: str | None = None,
        default: float | None = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> float:
        """Return a number from `min_value` to `max_value`; see `Int`."""
        log = _is_log(name, sampling)
        if not self._is_active(parent_name, parent_values):
            return min_value if default is None else default

        def draw(trial: Draws) -> float:
            if step is None:
                return trial.suggest_float(name, min_value, max_value, log=log)
            n = _n_steps(name, min_value, max_value, step, log=log)
            k = trial.suggest_int(name, 0, n)
            return min_value * step**k if log else round(min_value + step * k, 12)

        return float(self._value(name, draw))

    def Choice(
        self,
        name: str,
        values: Sequence[Any],
        ordered: bool | None = None,
        default: Any = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """Return one of the values; see `Int` for a parent."""
        del ordered
        options = choice(list(values)).values
        if not self._is_active(parent_name, parent_values):
            return options[0] if default is None else default

        def draw(trial: Draws) -> Any:
            return options[trial.suggest_categorical(name, tuple(range(len(options))))]

        return self._value(name, draw)

    def Boolean(
        self,
        name: str,
        default: bool = False,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> bool:
        """Return True or False; see `Int` for a parent."""
        if not self._is_active(parent_name, parent_values):
            return default
        return bool(self.Choice(name, [False, True]))

    def Fixed(
        self,
        name: str,
        value: Any,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """Return the value, which is told with the others; see `Int` for a parent."""
        if not self._is_active(parent_name, parent_values):
            return value
        return self._value(name, lambda _: value)

    def get(self, name: str) -> Any:
        """Return what was drawn under a name."""
        if name not in self.values:
            raise InputError(
                f"hp.get({name!r}): nothing was drawn under that name yet."
            )
        return self.values[name]

    @contextmanager
    def conditional_scope(
        self, parent_name: str, parent_values: Sequence[Any]
    ) -> Iterator[None]:
        """Draw what is asked inside only where the parent has one of these values."""
        self._scopes.append((parent_name, parent_values))
        try:
            yield
        finally:
            self._scopes.pop()

    def _is_active(self, name: str | None, values: Any) -> bool:
        """Return whether a parent, and those of scopes around, have their values."""
        asked = [*self._scopes, *([] if name is None else [(name, values)])]
        return all(
            parent in self.values
            and self.values[parent] in (v if isinstance(v, list | tuple) else [v])
            for parent, v in asked
        )

    def _value(self, name: str, draw: Callable[[Draws], Any]) -> Any:
        if name not in self.values:
            if self._trial is None:
                raise InputError(
                    f"build(hp) asked for {name!r}, which it did not ask for when the "
                    "trial was drawn. What it asks may depend on hp only."
                )
            self.values[name] = draw(self._trial)
        return self.values[name]


def takes_hp(model: Any) -> bool:
    """Return whether a model function takes `hp`, in KerasTuner's style.

    >>> takes_hp(lambda hp: None), takes_hp(lambda units=8: None)
    (True, False)
    """
    if not inspect.isfunction(model) and not inspect.ismethod(model):
        return False
    return next(iter(inspect.signature(model).parameters), "") == "hp"


def _n_steps(name: str, low: float, high: float, step: float, *, log: bool) -> int:
    """Return how many steps there are from low to high, added or multiplied."""
    rises = step > 1 and low > 0 if log else step > 0
    if not rises or high < low:
        raise InputError(
            f"hp: {name!r} has no steps of {step!r} from {low!r} to {high!r}"
            f"{' by multiplication' if log else ''}."
        )
    steps = math.log(high / low, step) if log else (high - low) / step
    return int(steps + _ROUNDING)


def _is_log(name: str, sampling: str | None) -> bool:
    if sampling not in {None, "linear", "log"}:
        raise InputError(
            f"hp: {name!r} has sampling={sampling!r}; use 'linear' or 'log'."
        )
    return sampling == "log"
