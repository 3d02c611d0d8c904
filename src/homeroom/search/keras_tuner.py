"""Model functions in KerasTuner's style: `build(hp)` draws what it builds with."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from homeroom.errors import InputError

from .spaces import Draws, choice


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

    def Int(
        self,
        name: str,
        min_value: int,
        max_value: int,
        step: int | None = None,
        sampling: str | None = None,
        default: int | None = None,
    ) -> int:
        """Return a whole number from `min_value` to `max_value`."""
        del default  # every trial is drawn
        log = _is_log(name, sampling)
        if log and step is not None:
            raise InputError(
                f"hp.Int({name!r}): step and sampling='log' together have no meaning "
                "here; leave step out."
            )

        def draw(trial: Draws) -> int:
            return trial.suggest_int(
                name, min_value, max_value, step=step or 1, log=log
            )

        return int(self._value(name, draw))

    def Float(
        self,
        name: str,
        min_value: float,
        max_value: float,
        step: float | None = None,
        sampling: str | None = None,
        default: float | None = None,
    ) -> float:
        """Return a number from `min_value` to `max_value`."""
        del default
        log = _is_log(name, sampling)
        if step is not None:
            raise InputError(
                f"hp.Float({name!r}, step={step!r}): give the steps as "
                f"hp.Choice({name!r}, [...]), or leave step out."
            )

        def draw(trial: Draws) -> float:
            return trial.suggest_float(name, min_value, max_value, log=log)

        return float(self._value(name, draw))

    def Choice(
        self,
        name: str,
        values: Sequence[Any],
        ordered: bool | None = None,
        default: Any = None,
    ) -> Any:
        """Return one of the values."""
        del ordered, default
        options = choice(list(values)).values

        def draw(trial: Draws) -> Any:
            return options[trial.suggest_categorical(name, tuple(range(len(options))))]

        return self._value(name, draw)

    def Boolean(self, name: str, default: bool = False) -> bool:
        """Return True or False."""
        del default
        return bool(self.Choice(name, [False, True]))

    def Fixed(self, name: str, value: Any) -> Any:
        """Return the value, which is told with the others."""
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
        """Do nothing: what is not asked is not drawn, which is the same."""
        del parent_name, parent_values
        yield

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


def _is_log(name: str, sampling: str | None) -> bool:
    if sampling not in {None, "linear", "log"}:
        raise InputError(
            f"hp: {name!r} has sampling={sampling!r}; use 'linear' or 'log'."
        )
    return sampling == "log"
