"""Out-of-fold answers: which classes are confused, how far to trust a probability."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from homeroom.errors import InputError
from homeroom.records import ConfidenceBin, OutOfFold

from .intervals import wilson

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_BINS = 10
_MOST_CLASSES = 100


def read_answers(
    labels: NDArray[np.integer],
    outputs: NDArray[np.floating],
    *,
    classes: Sequence[str] = (),
    n_averaged: int = 1,
) -> OutOfFold | None:
    """Count what was answered for rows that nobody had trained on.

    Args:
        labels: The true classes [n], numbers from 0 on.
        outputs: One column per class [n, classes]; rows with NaN were not answered.
        classes: Names of the classes; their numbers by default.
        n_averaged: Of how many trainings each row's outputs are the mean.

    Returns:
        Confusion and calibration; None above 100 classes, or when no row was
        answered. Bins are ten of equal width; outputs that are not probabilities
        (scores before a softmax) have none.

    Raises:
        InputError: If shapes do not fit, or a label is no column.

    >>> told = read_answers(
    ...     np.array([0, 1, 1]), np.array([[0.8, 0.2], [0.4, 0.6], [0.7, 0.3]])
    ... )
    >>> told.confusion, round(told.calibration_error, 2)
    (((1, 0), (1, 1)), 0.43)
    """
    labels, outputs = np.asarray(labels), np.asarray(outputs)
    if outputs.ndim != 2 or labels.shape != outputs.shape[:1]:
        raise InputError(
            f"Labels {labels.shape} and outputs {outputs.shape} do not fit: labels "
            "[n] and outputs [n, classes] are expected."
        )
    answered = ~np.isnan(outputs).any(axis=1)
    labels, outputs = labels[answered], outputs[answered]
    n_classes = outputs.shape[1]
    if not len(labels) or n_classes > _MOST_CLASSES:
        return None
    if labels.min() < 0 or labels.max() >= n_classes:
        raise InputError(
            f"Label {labels.max()} is no column: outputs have {n_classes} classes."
        )
    given = outputs.argmax(axis=1)
    counts = np.bincount(labels * n_classes + given, minlength=n_classes**2)
    table = counts.reshape(n_classes, n_classes)
    names = [*classes, *map(str, range(len(classes), n_classes))][:n_classes]
    bins = _bins(outputs.max(axis=1), given == labels) if _shares(outputs) else ()
    error = sum(b.n * abs(b.confidence - b.accuracy) for b in bins) / len(labels)
    return OutOfFold(
        n=len(labels),
        n_averaged=n_averaged,
        classes=tuple(names),
        confusion=tuple(tuple(int(n) for n in row) for row in table),
        bins=bins,
        calibration_error=float(error) if bins else None,
    )


def _shares(outputs: NDArray[np.floating]) -> bool:
    return bool(
        (outputs >= 0).all() and np.allclose(outputs.sum(axis=1), 1.0, atol=1e-3)
    )


def _bins(
    confidence: NDArray[np.floating], right: NDArray[np.bool_]
) -> tuple[ConfidenceBin, ...]:
    place = np.minimum((confidence * _BINS).astype(np.int64), _BINS - 1)
    found = []
    for number in np.unique(place):
        mine = place == number
        n, n_right = int(mine.sum()), int(right[mine].sum())
        interval = wilson(n_right, n, 0.95)
        found.append(
            ConfidenceBin(
                n=n,
                confidence=float(confidence[mine].mean()),
                accuracy=n_right / n,
                low=interval.low,
                high=interval.high,
            )
        )
    return tuple(found)
