"""Candidates and a batch size for those who have data and no model yet."""

from __future__ import annotations

import math
from typing import Any

from homeroom.data import Dataset
from homeroom.engine import models
from homeroom.errors import InputError

SMALLEST_BATCH, LARGEST_BATCH = 32, 512
_UPDATES_PER_EPOCH = 50


def default_candidates(dataset: Dataset) -> tuple[tuple[str, Any, dict[str, Any]], ...]:
    """Return (name, source, hyperparameters) of four candidates for a table.

    A linear model is the yardstick that the others must beat, two perceptrons are
    what Keras is for, and gradient-boosted trees are what usually wins on tables.
    Enter them with ``experiment.add(name, source, **hyperparameters)``.

    Args:
        dataset: A table, or one array [n, features], with a class or one number per
            row to predict.

    Raises:
        InputError: If rows are not flat, or the task is custom.

    Examples:
        >>> from homeroom import data
        >>> [name for name, _, _ in default_candidates(data.load("iris"))]
        ['linear', 'small MLP', 'wide MLP', 'gradient boosting']
    """
    task = dataset.record.task
    shape = dataset.record.shapes.get("x", ())
    if task not in {"classification", "regression"} or len(shape) != 2:
        raise InputError(
            f"There are default candidates for rows of columns and one class or number "
            f"to predict; {dataset.record.name!r} has x of shape {list(shape)} and the "
            f"task {task!r}. Add candidates of your own."
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


def default_batch_size(n_rows: int) -> int:
    """Return a batch size that grows with the data: a power of two, 32 to 512.

    It gives an epoch about fifty updates; with fewer an epoch learns little, with many
    more it only costs time.

    >>> [default_batch_size(n) for n in (150, 1797, 10_000, 1_000_000)]
    [32, 32, 256, 512]
    """
    wanted = max(n_rows / _UPDATES_PER_EPOCH, SMALLEST_BATCH)
    return min(LARGEST_BATCH, 1 << round(math.log2(wanted)))
