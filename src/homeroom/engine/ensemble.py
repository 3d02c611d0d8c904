"""Several trained models as one: a plain Keras model whose outputs are their mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import door
from .member import Tree


def average(models: Sequence[Any], inputs: Sequence[Tree]) -> Any:
    """Return a compiled `keras.Model` whose outputs are the mean of the models'.

    Penalties on weights are left out of it: they are for training, and would count
    once per model in its loss.

    Args:
        models: Trained models of one architecture; they become layers of the new one.
        inputs: For each model the x that it takes, of which shapes and dtypes are
            read. Models with the same object share an input; several objects make a
            model that takes a list with one x for each.
    """
    keras = door.keras()
    distinct = list({id(x): x for x in inputs}.values())
    entries = [_entries(x) for x in distinct]
    by_id = {id(x): entry for x, entry in zip(distinct, entries, strict=True)}
    outputs = []
    for number, (model, x) in enumerate(zip(models, inputs, strict=True)):
        model.name = f"member_{number}"
        _drop_penalties(model)
        outputs.append(model(by_id[id(x)], training=False))
    names = list(getattr(models[0], "output_names", []))
    mean = [
        keras.layers.Average(name=name)(list(leaves))
        for name, *leaves in zip(
            names or [None] * len(keras.tree.flatten(outputs[0])),
            *(keras.tree.flatten(each) for each in outputs),
            strict=True,
        )
    ]
    whole = keras.Model(
        entries[0] if len(entries) == 1 else entries,
        keras.tree.pack_sequence_as(outputs[0], mean),
        name="ensemble",
    )
    first = models[0]
    compiled = first._compile_metrics
    whole.compile(
        optimizer="sgd",  # it is not for training: the one with nothing to store
        loss=first.loss,
        loss_weights=first._compile_loss._user_loss_weights,
        metrics=compiled._user_metrics if compiled else None,
        weighted_metrics=compiled._user_weighted_metrics if compiled else None,
    )
    return whole


def _entries(x: Tree) -> Any:
    if isinstance(x, dict):  # Keras wants an input to have the name of its key
        return {name: _entry(leaf, name) for name, leaf in x.items()}
    return door.keras().tree.map_structure(_entry, x)


def _entry(leaf: Any, name: str | None = None) -> Any:
    keras = door.keras()
    dtype = keras.backend.standardize_dtype(np.asarray(leaf[:1]).dtype)
    wide = dtype == "float64"
    kind = keras.config.floatx() if wide else dtype
    return keras.Input(leaf.shape[1:], dtype=kind, name=name)


def _drop_penalties(model: Any) -> None:
    for layer in model._flatten_layers():
        for name, value in list(vars(layer).items()):
            if name.endswith("regularizer") and value is not None:
                setattr(layer, name, None)
    for variable in model.variables:
        variable.regularizer = None
