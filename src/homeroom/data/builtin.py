"""Small real datasets that are always there, without a network."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from homeroom.errors import InputError, did_you_mean

from .arrays import from_arrays
from .dataset import Dataset

BUILTIN = ("breast-cancer", "diabetes", "digits", "iris", "wine")


def load(name: str) -> Dataset:
    """Return a dataset that scikit-learn carries.

    digits (1797 × 64 pixels scaled to 0..1, 10 classes), wine (178 × 13, 3 classes),
    breast-cancer (569 × 30, 2 classes), iris (150 × 4, 3 classes) and diabetes
    (442 × 10, regression). Features other than digits have their own units: scale them
    inside the folds.

    Args:
        name: One of `BUILTIN`.

    Raises:
        InputError: If there is no such dataset.

    >>> load("digits").record.shapes["x"]
    (1797, 64)
    """
    if name not in BUILTIN:
        raise InputError(
            f"There is no built-in dataset {name!r}; there are {', '.join(BUILTIN)}."
            f"{did_you_mean(name, BUILTIN)}"
        )
    # scikit-learn takes most of a second to import: only when needed
    from sklearn import datasets

    bunch: Any = getattr(datasets, f"load_{name.replace('-', '_')}")()
    x = bunch.data / 16 if name == "digits" else bunch.data
    dataset = from_arrays(
        x,
        bunch.target,
        name=name,
        task="regression" if name == "diabetes" else "classification",
    )
    classes = tuple(str(label) for label in getattr(bunch, "target_names", ()))
    record = msgspec.structs.replace(
        dataset.record, classes=classes, target=_TARGETS[name]
    )
    return Dataset(np.asarray(dataset.x), dataset.y, record)


_TARGETS = {
    "breast-cancer": "diagnosis",
    "diabetes": "progression",
    "digits": "digit",
    "iris": "species",
    "wine": "cultivar",
}
