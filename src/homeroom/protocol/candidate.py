"""A candidate: a named way of making a model, and what is filled in for a fold."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from homeroom import engine
from homeroom.errors import InputError, did_you_mean
from homeroom.records import CandidateRecord

FILLED_IN = ("n_features", "n_classes", "target_mean", "target_std")


@dataclass(frozen=True, eq=False)
class Candidate:
    """A model function with hyperparameters, or a scikit-learn estimator.

    Args:
        name: How results call it.
        source: The model function, or the estimator.
        hyperparameters: Keyword arguments of the function, or parameters to set.
        kind: "keras" or "estimator".
    """

    name: str
    source: Any
    kind: str
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)

    def build_for(self, facts: Mapping[str, Any]) -> Any:
        """Return the function without arguments that builds the model of a fold.

        `facts` are what the fold's training rows tell; a function gets those that it
        has parameters for, where these have no default, or None, and were not given.
        """
        known = _parameters(self.source) or {}
        filled = {
            name: value
            for name, value in facts.items()
            if name in known
            and name not in self.hyperparameters
            and (
                known[name].default is None or known[name].default is known[name].empty
            )
        }
        if not filled and not self.hyperparameters:
            return self.source
        return partial(self.source, **filled, **self.hyperparameters)

    def record(self, n_weights: int | None) -> CandidateRecord:
        """Return what is remembered of the candidate."""
        return CandidateRecord(
            name=self.name,
            kind=self.kind,
            source=told_source(self.source),
            hyperparameters={k: _plain(v) for k, v in self.hyperparameters.items()},
            n_weights=n_weights,
        )


def as_candidate(
    model: Any, hyperparameters: Mapping[str, Any], name: str | None = None
) -> Candidate:
    """Return the candidate that a person means by `model`.

    A live Keras model stands for its architecture: it is copied with fresh weights
    for each training and never trained itself.

    Raises:
        InputError: If it is neither a model function, a Keras model nor an estimator,
            or a hyperparameter is unknown to it.
    """
    if is_estimator(model):
        known: list[str] | None = sorted(model.get_params(deep=True))
        kind = "estimator"
    elif _is_keras_model(model):
        model, known, kind = engine.clone_function(model), [], "keras"
    elif callable(model):
        parameters = _parameters(model)
        known = None if parameters is None else sorted(parameters)
        kind = "keras"
    else:
        raise InputError(
            f"A candidate is a function that returns a compiled keras.Model, a keras "
            f"Model, or a scikit-learn estimator; got {type(model).__name__}."
        )
    named = model.func if isinstance(model, partial) else model
    name = name or str(getattr(named, "__name__", type(named).__name__))
    for given in hyperparameters:
        if known is not None and given not in known:
            listed = ", ".join(known) or "none"
            raise InputError(
                f"Candidate {name!r} has no hyperparameter {given!r}; it has: {listed}."
                f"{did_you_mean(given, known)}"
            )
    plain = {key: as_python(value) for key, value in hyperparameters.items()}
    return Candidate(name, model, kind, plain)


def facts_of(x: Any, y: Any, n_classes: int | None) -> dict[str, Any]:
    """Return what a fold's training rows tell a model function.

    >>> facts_of(np.zeros((4, 3)), np.array([0, 1, 0, 1]), 2)["n_features"]
    3
    """
    facts: dict[str, Any] = {}
    if n_classes is not None:
        facts["n_classes"] = n_classes
    if isinstance(x, np.ndarray) and x.ndim == 2:
        facts["n_features"] = int(x.shape[1])
    if n_classes is None and isinstance(y, np.ndarray) and y.size:
        facts["target_mean"] = float(y.mean())
        facts["target_std"] = float(y.std()) or 1.0
    return facts


def is_estimator(model: Any) -> bool:
    """Return whether `model` is a scikit-learn estimator (and not a class)."""
    return (
        all(hasattr(model, name) for name in ("get_params", "set_params", "fit"))
        and not isinstance(model, type)
        and not _is_keras_model(model)
    )


def _is_keras_model(model: Any) -> bool:
    names = {f"{k.__module__}.{k.__name__}" for k in type(model).__mro__}
    return "keras.src.models.model.Model" in names


def _parameters(function: Any) -> dict[str, Any] | None:
    """Return the keyword parameters of a function; None when it takes any."""
    parameters = inspect.signature(function).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return None
    return dict(parameters)


def told_source(source: Any) -> str:
    """Return the import path of a model function, or what an estimator calls itself."""
    if is_estimator(source):
        return " ".join(repr(source).split())
    if isinstance(source, partial):
        source = source.func
    module = getattr(source, "__module__", "")
    return f"{module}:{getattr(source, '__qualname__', repr(source))}"


def as_python(value: Any) -> Any:
    """Return a number of NumPy as one of Python, which every store takes."""
    return value.item() if isinstance(value, np.generic) else value


def _plain(value: Any) -> Any:
    value = as_python(value)
    if isinstance(value, bool | int | float | str | None):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return repr(value)
