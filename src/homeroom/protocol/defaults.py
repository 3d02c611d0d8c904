"""Candidates and a batch size for those who have data and no model yet."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from homeroom.data import Dataset
from homeroom.engine import models
from homeroom.errors import InputError

from .candidate import Candidate, as_candidate

SMALLEST_BATCH, LARGEST_BATCH = 32, 512
_UPDATES_PER_EPOCH = 50


def default_candidates(dataset: Dataset) -> tuple[tuple[str, Any, dict[str, Any]], ...]:
    """Return (name, source, hyperparameters) of candidates for a table or for images.

    For a table: a linear model is the yardstick that the others must beat, two
    perceptrons are what Keras is for, and gradient-boosted trees are what usually wins
    on tables. For images: a linear model and a small convolutional network.
    Enter them with ``experiment.add(name, source, **hyperparameters)``.

    Args:
        dataset: A table, one array [n, features], with a class or one number per row
            to predict, or images [n, height, width] or [n, height, width, channels]
            with a class each.

    Raises:
        InputError: If rows are neither, or the task is custom.

    Examples:
        >>> from homeroom import data
        >>> [name for name, _, _ in default_candidates(data.load("iris"))]
        ['linear', 'small MLP', 'wide MLP', 'gradient boosting']
    """
    task = dataset.record.task
    shape = dataset.record.shapes.get("x", ())
    if task == "classification" and _are_images(dataset):
        return _for_images(dataset)
    several = task == "regression" and math.prod(dataset.record.shapes["y"][1:]) > 1
    if task not in {"classification", "regression"} or len(shape) != 2 or several:
        also = ", several numbers to predict" if several else ""
        raise InputError(
            "There are default candidates for rows of columns with one class or number "
            f"to predict, and for images with a class; {dataset.record.name!r} has x "
            f"of shape {list(shape)}{also} and the task {task!r}. Add candidates of "
            "your own."
        )
    # scikit-learn takes most of a second to import: only when needed
    from sklearn import ensemble

    trees = (
        ensemble.HistGradientBoostingClassifier()
        if task == "classification"
        else ensemble.HistGradientBoostingRegressor()
    )
    return (
        ("linear", models.linear, {}),
        ("small MLP", models.mlp, {"units": (64,)}),
        ("wide MLP", models.mlp, {"units": (256, 128)}),
        ("gradient boosting", trees, {}),
    )


def defaults(dataset: Dataset) -> list[Candidate]:
    """Return the default candidates, ready to take part."""
    return [
        as_candidate(source, parameters, name)
        for name, source, parameters in default_candidates(dataset)
    ]


def _are_images(dataset: Dataset) -> bool:
    x = dataset.x
    if not isinstance(x, np.ndarray) or x.ndim not in {3, 4}:
        return False
    return x.ndim == 3 or x.shape[3] in {1, 3, 4}


def _for_images(dataset: Dataset) -> tuple[tuple[str, Any, dict[str, Any]], ...]:
    assert isinstance(dataset.x, np.ndarray)
    shape = tuple(map(int, dataset.x.shape[1:]))
    # the depth of the pixels, and nothing finer: no row decides how others are scaled
    largest = 2.0 ** math.ceil(math.log2(max(1.0, float(np.abs(dataset.x).max()))))
    told = {"input_shape": shape, "largest": largest}
    image = shape if len(shape) == 3 else (*shape, 1)
    return (
        ("linear", models.linear_image, told),
        ("small convnet", models.convnet, {"image_shape": image, **told}),
    )


def default_batch_size(n_rows: int) -> int:
    """Return a batch size that grows with the data: a power of two, 32 to 512.

    It gives an epoch about fifty updates; with fewer an epoch learns little, with many
    more it only costs time.

    >>> [default_batch_size(n) for n in (150, 1797, 10_000, 1_000_000)]
    [32, 32, 256, 512]
    """
    wanted = max(n_rows / _UPDATES_PER_EPOCH, SMALLEST_BATCH)
    return min(LARGEST_BATCH, 1 << round(math.log2(wanted)))
