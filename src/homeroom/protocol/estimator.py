"""A scikit-learn estimator trained as a member: same rows, same names for scores."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from homeroom import data
from homeroom.engine import Arrays
from homeroom.errors import InputError
from homeroom.records import COMPLETE, FAILED, History

from .candidate import Candidate
from .member import Assignment, Result

NAMES = {
    "classification": ("loss", "accuracy"),
    "regression": ("loss", "mae", "root_mean_squared_error"),
}
_MOST_CLASSES = 10_000
LOSSES = {"classification": "crossentropy", "regression": "mean_squared_error"}


def run(
    assignment: Assignment, task: str, class_weight: dict[int, float] | None = None
) -> Result:
    """Fit a clone of the estimator on the fold's training rows and score it.

    Scores carry the Keras names of the same quantities: "loss" is the mean log loss
    or the mean squared error, over the validation rows.
    """
    started = time.perf_counter()
    member = assignment.member
    n_classes = _n_classes(member.arrays.y) if task == "classification" else 0
    predictions = None
    named: dict[str, float] = {}
    try:
        model = fitted(assignment, class_weight)
        for prefix, rows in (
            ("train_eval_", member.train_rows),
            ("val_", member.validation_rows),
        ):
            if rows is not None:
                predictions = predict(model, member.arrays.x[rows], task, n_classes)
                weight = member.arrays.sample_weight
                weight = None if weight is None else weight[rows]
                found = scores(predictions, member.arrays.y[rows], weight, task)
                named |= {prefix + name: value for name, value in found.items()}
    except Exception as error:  # noqa: BLE001 - one member's failure is its own
        outcome = _outcome(FAILED, {}, started)
        line = str(error).strip().splitlines()[0] if str(error).strip() else ""
        text = f"{type(error).__name__}: {line}"
        return Result(assignment, outcome | {"stop_reason": "error", "error": text})
    if member.validation_rows is None:
        predictions = None
    return Result(
        assignment, _outcome(COMPLETE, named, started), None, predictions, model
    )


def unfitted(candidate: Candidate) -> Any:
    """Return a clone of the candidate's estimator with its hyperparameters set."""
    from sklearn.base import clone

    return clone(candidate.source).set_params(**candidate.hyperparameters)


def fitted(assignment: Assignment, class_weight: dict[int, float] | None = None) -> Any:
    """Return a clone of the assignment's estimator, fitted on its training rows.

    Every `random_state` in it that was left open is seeded with the member's seed.
    """
    member = assignment.member
    model = data.seeded(unfitted(assignment.candidate), member.seed)
    rows = member.train_rows
    x, y = member.arrays.x[rows], _flat(member.arrays.y[rows])
    weight = member.arrays.sample_weight
    if class_weight is not None:
        weight = np.array([class_weight.get(int(label), 1.0) for label in y])
    elif weight is not None:
        weight = weight[rows]
    return model.fit(x, y) if weight is None else model.fit(x, y, sample_weight=weight)


def predict(model: Any, x: Any, task: str, n_classes: int) -> Any:
    """Return class probabilities [n, n_classes], or predicted numbers [n, 1].

    A class that was not among the training rows has probability 0.
    """
    if task != "classification":
        return np.asarray(model.predict(x), np.float32).reshape(len(x), -1)
    known = np.asarray(model.classes_, np.int64)
    shares = np.zeros((len(x), max(n_classes, int(known.max()) + 1)), np.float32)
    shares[:, known] = model.predict_proba(x)
    return shares


def check(
    candidate: Candidate, arrays: Arrays, task: str, *, weighted: bool = False
) -> None:
    """Refuse what a scikit-learn estimator cannot take, before training.

    Raises:
        InputError: If x is not a matrix, the task has no scores here, a classifier
            gives no probabilities, labels are below 0, or rows have weights that it
            cannot use.
    """
    who = f"Candidate {candidate.name!r} is a scikit-learn estimator"
    if task not in NAMES:
        raise InputError(
            f"{who}, and the task is {task!r}; estimators are scored for "
            "classification and regression."
        )
    if not isinstance(arrays.x, np.ndarray) or arrays.x.ndim != 2:
        raise InputError(
            f"{who} and needs x as a matrix [rows, features]; got shape "
            f"{np.shape(arrays.x)}."
        )
    model = unfitted(candidate)
    if task == "classification" and not hasattr(model, "predict_proba"):
        raise InputError(
            f"{who} without class probabilities ({type(model).__name__}), so its log "
            "loss is unknown. Wrap it in sklearn.calibration.CalibratedClassifierCV."
        )
    if task == "classification" and (odd := _no_class(arrays.y)) is not None:
        raise InputError(
            f"{who}, whose probabilities have a column for each of the classes 0, 1, "
            f"2, …; y has the label {odd}. Number the classes from 0, as "
            "np.unique(y, return_inverse=True)[1] does, or name them with text."
        )
    if task == "regression" and np.size(arrays.y) != len(arrays.y):
        raise InputError(
            f"{who} and predicts one number for each row; y has shape "
            f"{list(np.shape(arrays.y))}. Compare Keras models on several numbers, or "
            "estimators on one of them at a time."
        )
    if weighted and not _takes_weights(model):
        raise InputError(
            f"{who} whose fit takes no sample_weight ({type(model).__name__}), so the "
            "weights would have no effect. Leave them or this candidate out."
        )


def scores(outputs: Any, y: Any, weight: Any, task: str) -> dict[str, float]:
    """Return the scores of predictions for rows, by their Keras names.

    As in Keras, sample weights count in the loss and not in the metrics.
    """
    truth = _flat(y)
    if task != "classification":
        error = outputs[:, 0].astype(np.float64) - truth
        return {
            "loss": _weighted(error**2, weight),
            "mae": float(np.abs(error).mean()),
            "root_mean_squared_error": float((error**2).mean() ** 0.5),
        }
    known = truth < outputs.shape[1]
    column = np.where(known, truth, 0).astype(np.int64)
    chance = np.where(known, outputs[np.arange(len(truth)), column], 0.0)
    losses = -np.log(np.clip(chance.astype(np.float64), 1e-7, 1.0))
    accuracy = float((outputs.argmax(axis=1) == truth).mean())
    return {"loss": _weighted(losses, weight), "accuracy": accuracy}


def _weighted(values: Any, weight: Any) -> float:
    return float((values if weight is None else values * weight).mean())


def _no_class(y: Any) -> int | None:
    """Return a label that can be no number of a class: below 0, or a large code."""
    lowest, highest = int(np.min(y)), int(np.max(y))
    if lowest < 0:
        return lowest
    is_code = highest >= _MOST_CLASSES and highest >= 2 * len(np.unique(y))
    return highest if is_code else None


def _takes_weights(model: Any) -> bool:
    from sklearn.utils.validation import has_fit_parameter

    return bool(has_fit_parameter(model, "sample_weight"))


def _n_classes(y: Any) -> int:
    return int(y.shape[1] if y.ndim > 1 and y.shape[1] > 1 else y.max() + 1)


def _flat(y: Any) -> Any:
    if y.ndim > 1 and y.shape[1] > 1:
        return y.argmax(axis=1)
    return y.reshape(-1)


def _outcome(state: str, named: dict[str, float], started: float) -> dict[str, Any]:
    series: dict[str, tuple[float, ...]] = {
        name: (value,) for name, value in named.items()
    }
    return {
        "state": state,
        "history": History(series),
        "scores": named,
        "path": "estimator",
        "seconds": time.perf_counter() - started,
    }
