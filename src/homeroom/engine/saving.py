"""Models as bytes: Keras's own `.keras` format, never a pickle."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from homeroom.errors import StoreError

from . import door, template


def save_model(model: Any) -> bytes:
    """Return a model in the `.keras` format.

    Raises:
        StoreError: If Keras cannot write it.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        try:
            model.save(path)
        except Exception as error:
            raise StoreError(
                f"Keras cannot save this model: {template.first_line(error)}. A custom "
                "layer needs get_config and keras.saving.register_keras_serializable."
            ) from error
        return path.read_bytes()


def load_model(content: bytes, own: Mapping[str, Any] | None = None) -> Any:
    """Return the model that `save_model` wrote; code in the file is refused.

    `own` are the layers and functions of the user's that the model is made of, by name,
    beside those that are registered with Keras.

    Raises:
        StoreError: If Keras cannot or may not read it.
    """
    keras = door.keras()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(content)
        with suppress(Exception):
            return keras.models.load_model(path, own, safe_mode=True)
        try:  # a loss of one's own is not needed to predict
            return keras.models.load_model(path, own, safe_mode=True, compile=False)
        except Exception as error:
            raise StoreError(
                f"Keras cannot read the stored model: {_innermost(error)}. "
                "If it has custom layers, import the module that registers them first; "
                "on the command line, name its function: --model MODULE:FUNCTION."
            ) from error


def _innermost(error: Exception) -> str:
    """Return the first sentence of what Keras met at the bottom of a nested config."""
    *_, met = str(error).split("Exception encountered: ")
    sentence = met.strip().partition("\n")[0].partition(". ")[0].rstrip(".")
    return sentence or type(error).__name__
