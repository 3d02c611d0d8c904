"""A model's description in Keras's own JSON, from which it can be built again."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Any

import numpy as np

from homeroom.errors import InputError

from . import door, identity, template
from .member import Arrays, ModelFunction

_OWN = "no description tells all of it"


def blueprint(
    function: ModelFunction, seed: int, arrays: Arrays, batch_size: int
) -> dict[str, Any]:
    """Return a description of a function's model, or why there is none.

    Only a model of which Keras's configuration tells everything is described: one
    with parts of its own would be built again without an error, and be another.

    Returns:
        "model", "identity" and "set" of one that can be built again; else "reason".
    """
    model = template.build(function, seed, arrays, batch_size)
    told = identity.identity(model)
    if told is None:
        return {"reason": _why(model)}
    try:
        return {"model": model.to_json(), "identity": told, "set": _set_later(model)}
    except Exception as error:  # noqa: BLE001 - whatever Keras cannot write down
        return {"reason": f"Keras cannot describe it ({template.first_line(error)})"}


def rebuilt(described: dict[str, Any]) -> Any:
    """Return the compiled model of a `blueprint`; code in it is refused by Keras.

    What random numbers it starts from is decided by `keras.utils.set_random_seed`.

    Raises:
        InputError: If what is built is not what was described.
    """
    keras = door.keras()
    try:
        model = keras.models.model_from_json(described["model"])
    except Exception as error:
        raise InputError(
            "Keras cannot build the model from its description: "
            f"{template.first_line(error)}."
        ) from error
    for name, value in described["set"].items():
        setattr(model, name, value)
    if identity.identity(model) != described["identity"]:
        raise InputError(
            "The model that was built from its description is another one. This "
            "version of Keras may read descriptions in another way."
        )
    return model


def found(path: str) -> Any:
    """Return the function at "module:function", whatever importing it may raise."""
    module, _, name = path.partition(":")
    function: Any = import_module(module)
    for part in name.split("."):
        function = getattr(function, part)
    return function


def imported(path: str, arguments: dict[str, Any]) -> Any:
    """Return the model that the function at "module:function" makes.

    Raises:
        InputError: If there is no such function, or it fails.
    """
    try:
        return found(path)(**arguments)
    except Exception as error:
        raise InputError(
            f"The model function {path} failed: {template.first_line(error)}."
        ) from error


def named_leaves(arrays: Arrays) -> dict[str, Any]:
    """Return arrays under names from which `from_leaves` finds their form again.

    >>> list(named_leaves(Arrays([np.zeros(2), np.ones(2)], np.zeros(2))))
    ['x[0]', 'x[1]', 'y']
    """
    parts = {"x": arrays.x, "y": arrays.y, "sample_weight": arrays.sample_weight}
    named: dict[str, Any] = {}
    for name, part in parts.items():
        if isinstance(part, dict):
            # the key as JSON, so that none is taken for a number of a list
            named |= {f"{name}[{json.dumps(key)}]": leaf for key, leaf in part.items()}
        elif isinstance(part, list | tuple):
            named |= {f"{name}[{i}]": leaf for i, leaf in enumerate(part)}
        elif part is not None:
            named[name] = part
    return {name: np.asarray(leaf) for name, leaf in named.items()}


def from_leaves(named: dict[str, Any]) -> Arrays:
    """Return the arrays that `named_leaves` named.

    >>> from_leaves(named_leaves(Arrays({"a": np.zeros(2)}, np.ones(2)))).x
    {'a': array([0., 0.])}
    """
    parts: dict[str, Any] = {"x": None, "y": None, "sample_weight": None}
    for full, leaf in named.items():
        name, bracket, rest = full.partition("[")
        if not bracket:
            parts[name] = leaf
            continue
        key = json.loads(rest[:-1])
        if isinstance(key, str):
            parts[name] = {**(parts[name] or {}), key: leaf}
        else:
            parts[name] = [*(parts[name] or []), leaf]
    return Arrays(**parts)


def _set_later(model: Any) -> dict[str, bool]:
    """Return what a person may set after compile(), which no configuration tells."""
    return {name: bool(getattr(model, name)) for name in ("run_eagerly", "jit_compile")}


def _why(model: Any) -> str:
    keras = door.keras()
    if type(model) is not keras.Sequential and type(model).__name__ != "Functional":
        return f"it is a {type(model).__name__}: {_OWN}"
    layers = model._flatten_layers(include_self=False)
    parts = [*layers, model.optimizer, identity.inner_optimizer(model)]
    for part in parts:
        if identity.is_opaque(part):
            return f"it has a {type(part).__name__}: {_OWN}"
    return f"its loss, metrics or optimizer have parts of their own: {_OWN}"
