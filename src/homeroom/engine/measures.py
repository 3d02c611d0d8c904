"""What a compiled model measures: its loss, which way is better, row by row or not."""

from __future__ import annotations

import re
from contextlib import suppress
from inspect import signature
from typing import Any

import numpy as np

from . import door, identity

_CROSSENTROPIES = {
    "binary_crossentropy",
    "categorical_crossentropy",
    "ce",
    "sparse_categorical_crossentropy",
}
_OF_OUTPUTS = {"axis", "from_logits"}  # how outputs are read: the loss is the same
_KINDS = ("", "_weighted")
_COUNTED = re.compile(r"_\d+$")  # of equal names, by Keras


def direction_of(model: Any, name: str) -> str | None:
    """Return "max" or "min" for a metric of a compiled model, None when unknown.

    As in Keras's EarlyStopping, the loss falls, and a metric says of itself. So do the
    losses of outputs, and means that a model keeps under the name of a loss.
    """
    losses = getattr(model, "_compile_loss", None)
    falling = {"loss", *(part.name for part in getattr(losses, "metrics", ()))}
    ways: dict[str, str | None] = {}
    for metric in model.metrics:
        for inner in [metric, *getattr(metric, "metrics", [])]:
            ways[inner.name] = getattr(inner, "_direction", None)
            if type(inner) is door.keras().metrics.Mean:
                falling |= {inner.name} if inner.name.endswith("_loss") else set()
    if name in falling:
        return "min"
    # Keras puts an output's name in front, and "weighted" where a name comes twice
    fronts = [f"{output}_" for output in _outputs(model)]
    fronts = ["", *fronts, "weighted_", *(f"{front}weighted_" for front in fronts)]
    bare = [name.removeprefix(front) for front in fronts if name.startswith(front)]
    known = next((each for each in bare if each in ways), name)
    return {"up": "max", "down": "min"}.get(ways.get(known) or "")


def _outputs(model: Any) -> set[str]:
    """The names of outputs, as far as Keras knows them."""
    compiled = getattr(model, "_compile_metrics", None)
    lists = [getattr(compiled, f"_flat{kind}_metrics", None) for kind in _KINDS]
    parts = [part for each in lists for part in each or () if part is not None]
    names = {getattr(part, "output_name", None) for part in parts}
    return {*names, *(getattr(model, "output_names", None) or ())} - {None}


def name_of_loss(model: Any) -> str:
    """Return what the loss is called, once for all outputs; crossentropies are one.

    With the constants that are not the usual ones: another delta is another loss.
    """
    parts = door.keras().tree.flatten(model.loss)
    names = dict.fromkeys(f"{_called(part)}{_constants(part)}" for part in parts)
    return " and ".join(filter(None, names))


def takes_probabilities(model: Any) -> bool:
    """Return whether the loss is one of Keras's own that take y for 0 to 1.

    Below 0 or above 1 such a loss has no minimum.
    """
    losses = door.keras().losses
    parts = door.keras().tree.flatten(model.loss)
    part = parts[0] if len(parts) == 1 else None
    with suppress(ValueError):  # Keras knows some names only with the shapes
        part = losses.get(part) if isinstance(part, str) else part
    functions = losses.binary_crossentropy, losses.binary_focal_crossentropy
    classes = losses.BinaryCrossentropy, losses.BinaryFocalCrossentropy
    return type(part) in classes or any(part is each for each in functions)


def _called(part: Any) -> str:
    """What a loss computes, whatever name it was given."""
    with suppress(ValueError):  # Keras knows some names only with the shapes
        part = door.keras().losses.get(part) if isinstance(part, str) else part
    function = getattr(part, "fn", part)
    name = getattr(function, "__name__", None) or getattr(part, "name", None)
    name = _COUNTED.sub("", str(part if isinstance(part, str) else name or "").lower())
    return "crossentropy" if name in _CROSSENTROPIES else name


def _constants(part: Any) -> str:
    """What a loss was given that decides how large its values are, in brackets."""
    given = dict(getattr(part, "_fn_kwargs", {}))
    function: Any = getattr(part, "fn", None)
    usual: dict[str, Any] = {}
    with suppress(TypeError, ValueError):  # not every function tells its arguments
        parameters = signature(function).parameters
        usual = {name: each.default for name, each in parameters.items()}
    if getattr(part, "reduction", None) == "sum":
        given["reduction"] = "sum"
    told = [
        f"{name}={_written(value)}"
        for name, value in given.items()
        if name not in _OF_OUTPUTS and _written(value) != _written(usual.get(name))
    ]
    return f" ({', '.join(told)})" if told else ""


def _written(value: Any) -> str:
    if isinstance(value, list | tuple | np.ndarray):
        return f"[{', '.join(map(_written, value))}]"
    is_number = isinstance(value, int | float | np.number)
    return f"{value:g}" if is_number and not isinstance(value, bool) else f"{value}"


def gives_logits(model: Any) -> bool:
    """Return whether the loss takes the outputs for logits."""
    parts = door.keras().tree.flatten(getattr(model, "loss", None))
    return any(
        getattr(part, "from_logits", False)
        or getattr(part, "_fn_kwargs", {}).get("from_logits", False)
        for part in parts
    )


def counts_rows_apart(model: Any) -> bool:
    """Return whether what it measures of rows is the same in batches of any size.

    True only where all is Keras's own, each row has a loss of its own, and the loss of
    a batch is the mean over its rows.
    """
    keras = door.keras()
    if type(model) is not keras.Sequential and type(model).__name__ != "Functional":
        return False
    if identity.has_methods_of_its_own(model):
        return False
    layers = model._flatten_layers(include_self=False)
    operations = getattr(model, "operations", ())
    if not all(isinstance(each, keras.Layer) for each in operations):
        return False  # a mean over a batch may be among them
    given = model._compile_config.config
    parts = [given[name] for name in ("loss", "metrics", "weighted_metrics")]
    return all(map(_sees_a_row, layers)) and all(
        _is_mean_of_rows(part) for part in keras.tree.flatten(parts)
    )


def _sees_a_row(layer: Any) -> bool:
    masks = type(layer).__name__ == "Masking" or getattr(layer, "mask_zero", False)
    # one that looks at outputs may look at those of a whole batch
    regularized = getattr(layer, "activity_regularizer", None) is not None
    return not masks and not regularized and identity.is_of_keras(layer)


def _is_mean_of_rows(part: Any) -> bool:
    if part is None:
        return True
    if isinstance(part, str):
        of_user = part in door.keras().saving.get_custom_objects()
        return not of_user and _called(part) != "circle"
    reduction = getattr(part, "reduction", "mean")
    is_mean = callable(reduction) or reduction in {"mean", "sum_over_batch_size"}
    return is_mean and identity.is_of_keras(part) and _called(part) != "circle"
