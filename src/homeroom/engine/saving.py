"""Models as bytes: Keras's own `.keras` format, never a pickle."""

from __future__ import annotations

import tempfile
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


def load_model(content: bytes) -> Any:
    """Return the model that `save_model` wrote; code in the file is refused.

    Raises:
        StoreError: If Keras cannot or may not read it.
    """
    keras = door.keras()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(content)
        with suppress(Exception):
            return keras.models.load_model(path, safe_mode=True)
        try:  # a loss of one's own is not needed to predict
            return keras.models.load_model(path, safe_mode=True, compile=False)
        except Exception as error:
            raise StoreError(
                f"Keras cannot read the stored model: {template.first_line(error)}. "
                "If it has custom layers, import the module that registers them first."
            ) from error
