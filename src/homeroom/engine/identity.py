"""Whether two models compute the same, so that they may share a program."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from . import door
from .literals import Numbers, numbers_apart

# Layers whose behaviour is not told by their configuration.
_OPAQUE_LAYERS = {"Lambda", "Normalization", "Discretization", "JaxLayer", "FlaxLayer"}
# Optimizers that start from constants; the state of others may follow from the weights.
_OPTIMIZERS = {
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "Muon",
    "Nadam",
    "RMSprop",
    "SGD",
}
_METHODS = (
    "call",
    "compute_loss",
    "compute_metrics",
    "predict_step",
    "test_step",
    "train_step",
)


@dataclass(frozen=True)
class Told:
    """What a model's configuration tells of what it computes.

    Args:
        identity: Two models of equal identity differ at most in the values of their
            variables.
        kind: Two models of equal kind, beside that, in literals that follow from the
            `numbers`.
        numbers: Numbers in the configuration.
    """

    identity: str
    kind: str
    numbers: Numbers


def identity(model: Any) -> str | None:
    """Return a fingerprint of what the model computes, or None when it is not told."""
    told = told_of(model)
    return None if told is None else told.identity


def told_of(model: Any) -> Told | None:
    """Return what the configuration tells, or None when it does not tell everything.

    Only configurations of Keras's own parts are believed; custom layers, losses and
    closures can hide constants, and then the traced step has to be compared.
    """
    keras = door.keras()
    if type(model) is not keras.Sequential and type(model).__name__ != "Functional":
        return None
    optimizer = inner_optimizer(model)
    if type(optimizer).__name__ not in _OPTIMIZERS or has_methods_of_its_own(model):
        return None
    parts = [*model._flatten_layers(include_self=False), model.optimizer, optimizer]
    if any(is_opaque(part) for part in parts) or spares_from_decay(optimizer):
        return None
    try:
        with warnings.catch_warnings(action="ignore"):  # of lambdas, not saved here
            config = [model.get_config(), _without_rate(model)]
        losses = [_arguments_of(part) for part in losses_of(model)]
        config = [_without_initializers(config), losses]
        if _has_custom_part(config):
            return None
        shapes = [[str(v.dtype), list(v.shape), v.trainable] for v in model.variables]
        settings = [keras.config.epsilon(), keras.config.image_data_format()]
        rest, numbers = numbers_apart(config)
        whole, kind = (_hashed([c, shapes, settings]) for c in (config, rest))
    except Exception:  # noqa: BLE001 - a config that cannot be read tells nothing
        return None
    return Told(whole, kind, numbers)


def _hashed(config: list[Any]) -> str:
    text = msgspec.json.encode(config, enc_hook=_written)
    return hashlib.blake2b(text, digest_size=16).hexdigest()


def _written(value: Any) -> Any:
    if hasattr(value, "dtype"):  # long arrays are not told by their repr
        array = np.asarray(value)
        return [str(array.dtype), array.shape, array.tobytes().hex()]
    return repr(value)


def _without_rate(model: Any) -> Any:
    """What compile was told, less a learning rate that is a variable."""
    config = model.get_compile_config()
    told = config["optimizer"]["config"]
    is_number = isinstance(told.get("learning_rate"), int | float)
    if is_number and model.optimizer is inner_optimizer(model):
        mine = {**config["optimizer"], "config": {**told, "learning_rate": None}}
        return {**config, "optimizer": mine}
    return config


def losses_of(model: Any) -> list[Any]:
    """Return the loss and metric objects that a model was compiled with."""
    given = model._compile_config.config
    parts = [given["loss"], given["metrics"], given["weighted_metrics"]]
    flat = door.keras().tree.flatten(parts)
    return [part for part in flat if hasattr(part, "get_config")]


def _arguments_of(part: Any) -> dict[str, Any]:
    """Return what a loss or metric holds; some configurations leave arguments out."""
    return {
        name: value
        for name, value in vars(part).items()
        if name == "_fn_kwargs" or _is_plain(value)
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(v) for key, v in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float | str)


def inner_optimizer(model: Any) -> Any:
    """Return the optimizer that changes the weights, inside any loss scaling."""
    return getattr(model.optimizer, "inner_optimizer", model.optimizer)


def optimizers_in(model: Any) -> list[Any]:
    """Return the optimizers that change weights, of which one may hold others."""
    outer = inner_optimizer(model)
    inner = getattr(outer, "optimizers", ())
    return [outer, *(getattr(each, "inner_optimizer", each) for each in inner)]


def has_methods_of_its_own(model: Any) -> bool:
    """Return whether a step was replaced on the object, which its type cannot tell."""
    return any(name in vars(model) for name in _METHODS)


def lost_in_a_copy(model: Any) -> str:
    """Return what no configuration of a model's parts tells; nothing mostly."""
    for layer in model._flatten_layers():
        if type(layer).__name__ == "Normalization" and _is_adapted(layer):
            return f"what its layer {layer.name!r} was adapted to"
    if any(map(spares_from_decay, optimizers_in(model))):
        return "what its optimizer excludes from weight decay"
    for part in losses_of(model):
        given = getattr(part, "_fn_kwargs", None)
        if given and _arguments_of_a_copy(part) != repr(given):
            return f"the arguments {given} of its {type(part).__name__}"
    return ""


def _is_adapted(layer: Any) -> bool:
    if not layer.built or layer.input_mean is not None:
        return False
    mean, variance, *_ = layer.get_weights()
    return bool((mean != 0).any() or (variance != 1).any())


def _arguments_of_a_copy(part: Any) -> str:
    try:
        return repr(type(part).from_config(part.get_config())._fn_kwargs)
    except Exception:  # noqa: BLE001 - then there is no copy
        return ""


def is_opaque(part: Any) -> bool:
    """Return whether a part's configuration may not tell all that it does."""
    return type(part).__name__ in _OPAQUE_LAYERS or not is_of_keras(part)


def is_of_keras(part: Any) -> bool:
    """Return whether a part, and all the functions that it was given, are Keras's."""
    # a configuration tells a function by its name only
    functions = [value for value in vars(part).values() if callable(value)]
    return all(_is_of_keras(_module(each)) for each in [type(part), *functions])


def spares_from_decay(optimizer: Any) -> bool:
    """Return whether some weights do not decay, which no configuration tells."""
    names = ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern")
    return any(getattr(optimizer, name, None) for name in names)


def _is_of_keras(module: str) -> bool:
    return module == "keras" or module.startswith("keras.")


def _module(value: Any) -> str:
    return getattr(value, "__module__", None) or type(value).__module__


def _has_custom_part(config: Any) -> bool:
    if isinstance(config, dict):
        if "class_name" in config and "module" in config:
            if not _is_of_keras(str(config["module"])):
                return True
        elif config.get("class_name") == "__lambda__":
            return True
        return any(_has_custom_part(value) for value in config.values())
    if isinstance(config, list | tuple):
        return any(_has_custom_part(value) for value in config)
    return callable(config)


def _without_initializers(config: Any) -> Any:
    """Initial values are state; they do not change what is computed."""
    if isinstance(config, dict):
        return {
            key: _without_initializers(value)
            for key, value in config.items()
            if not str(key).endswith("initializer") and key != "seed"
        }
    if isinstance(config, list | tuple):
        return [_without_initializers(value) for value in config]
    return config
