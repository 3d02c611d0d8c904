"""What a compiled model measures: which way is better, and what its loss is."""

from __future__ import annotations

import re
from typing import Any

from . import door

_CROSSENTROPIES = {
    "binary_crossentropy",
    "categorical_crossentropy",
    "sparse_categorical_crossentropy",
}
_COUNTED = re.compile(r"_\d+$")  # of equal names, by Keras


def direction_of(model: Any, name: str) -> str | None:
    """Return "max" or "min" for a metric of a compiled model, None when unknown.

    As in Keras's EarlyStopping, a loss falls, and only a metric that says so rises.
    """
    losses = getattr(model, "_compile_loss", None)
    if name in {"loss", *(part.name for part in getattr(losses, "metrics", ()))}:
        return "min"
    ways = {
        inner.name: getattr(inner, "_direction", None)
        for metric in model.metrics
        for inner in [metric, *getattr(metric, "metrics", [])]
    }
    if name not in ways:
        # with several outputs Keras puts the output's name in front
        of_outputs = getattr(model, "_compile_metrics", None)
        parts = filter(None, getattr(of_outputs, "_flat_metrics", None) or ())
        outputs = {*(getattr(model, "output_names", None) or ())}
        outputs |= {getattr(part, "output_name", None) for part in parts}
        bare = [name.removeprefix(f"{output}_") for output in outputs if output]
        name = next((each for each in bare if each in ways), name)
    return {"up": "max", "down": "min"}.get(ways.get(name) or "")


def name_of_loss(model: Any) -> str:
    """Return what the loss is called; all crossentropies are one."""
    losses = door.keras().losses
    names = []
    for part in door.keras().tree.flatten(model.loss):
        found = losses.get(part) if isinstance(part, str) else part
        name = getattr(found, "name", None) or getattr(found, "__name__", "")
        name = _COUNTED.sub("", str(name))
        names.append("crossentropy" if name in _CROSSENTROPIES else name)
    return " and ".join(filter(None, names))


def gives_logits(model: Any) -> bool:
    """Return whether the loss takes the outputs for logits."""
    parts = door.keras().tree.flatten(getattr(model, "loss", None))
    return any(
        getattr(part, "from_logits", False)
        or getattr(part, "_fn_kwargs", {}).get("from_logits", False)
        for part in parts
    )
