"""What the trainings of one candidate answered for rows they had not seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeroom import judgement
from homeroom.data import Dataset
from homeroom.errors import InputError
from homeroom.records import COMPLETE, OutOfFold

from .member import Result
from .winner import by_class, shares_of_logits


def out_of_fold(results: Sequence[Result], n_rows: int) -> NDArray[np.float32] | None:
    """Return the mean prediction of each row over the trainings that validated it.

    A training that failed predicts nothing.
    """
    usable = [
        r
        for r in results
        if isinstance(r.predictions, np.ndarray) and r.record.state == COMPLETE
    ]
    if not usable:
        return None
    shape = usable[0].predictions.shape[1:]
    total = np.zeros((n_rows, *shape), np.float64)
    count = np.zeros(n_rows, np.int64)
    for result in usable:
        rows = result.assignment.member.validation_rows
        total[rows] += result.predictions
        count[rows] += 1
    with np.errstate(invalid="ignore"):
        mean = total / count.reshape(-1, *[1] * len(shape))
    return mean.astype(np.float32)


def counted(
    predictions: Any, results: Sequence[Result], dataset: Dataset, *, logits: bool
) -> OutOfFold | None:
    """Return the out-of-fold answers of a classifier, counted.

    `logits` is whether it was trained to give logits. None for another task, or for
    outputs that are not one column per class.
    """
    labels = dataset.labels
    if dataset.record.task != "classification" or labels is None:
        return None
    if predictions is None or predictions.ndim != 2:
        return None
    shares = shares_of_logits(predictions) if logits else by_class(predictions)
    rows = [r.assignment.member.validation_rows for r in results]
    often = np.bincount(np.concatenate([each for each in rows if each is not None]))
    try:
        return judgement.read_answers(
            labels,
            shares,
            classes=dataset.record.classes,
            n_averaged=int(np.median(often[often > 0])),
        )
    except InputError:  # a label that the model has no output for
        return None
