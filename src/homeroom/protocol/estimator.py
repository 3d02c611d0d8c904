"""A scikit-learn estimator trained as a member: same rows, same names for scores."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from homeroom.errors import InputError
from homeroom.records import COMPLETE, FAILED, History

from .member import Assignment, Result

NAMES = {
    "classification": ("loss", "accuracy"),
    "regression": ("loss", "mae", "root_mean_squared_error"),
}


def run(assignment: Assignment, task: str) -> Result:
    """Fit a clone of the estimator on the fold's training rows and score it.

    Scores carry the Keras names of the same quantities: "loss" is the mean log loss
    or the mean squared error, over the validation rows.
    """
    started = time.perf_counter()
    member = assignment.member
    x, y = member.arrays.x, member.arrays.y
    rows, validation = member.train_rows, member.validation_rows
    try:
        model = fitted(assignment, x, y, rows)
        found = scores(model, x, y, rows, task)
        named = {f"train_eval_{name}": value for name, value in found.items()}
        predictions = None
        if validation is not None:
            found = scores(model, x, y, validation, task)
            named |= {f"val_{name}": value for name, value in found.items()}
            predictions = predict(model, x[validation], task)
    except Exception as error:  # noqa: BLE001 - one member's failure is its own
        outcome = _outcome(FAILED, {}, started)
        line = str(error).strip().splitlines()[0] if str(error).strip() else ""
        text = f"{type(error).__name__}: {line}"
        return Result(assignment, outcome | {"stop_reason": "error", "error": text})
    return Result(
        assignment, _outcome(COMPLETE, named, started), None, predictions, model
    )


def fitted(assignment: Assignment, x: Any, y: Any, rows: Any) -> Any:
    """Return a fitted clone of the assignment's estimator."""
    from sklearn.base import clone

    candidate = assignment.candidate
    model = clone(candidate.source).set_params(**candidate.hyperparameters)
    if "random_state" in model.get_params(deep=False):
        model.set_params(random_state=assignment.member.seed)
    weight = assignment.member.arrays.sample_weight
    if weight is None:
        return model.fit(x[rows], _flat(y[rows]))
    return model.fit(x[rows], _flat(y[rows]), sample_weight=weight[rows])


def predict(model: Any, x: Any, task: str) -> Any:
    """Return class probabilities [n, classes], or predicted numbers [n, 1]."""
    if task != "classification":
        return np.asarray(model.predict(x), np.float32).reshape(len(x), -1)
    if not hasattr(model, "predict_proba"):
        raise InputError(
            f"{type(model).__name__} gives no class probabilities, so its log loss is "
            "unknown. Wrap it in sklearn.calibration.CalibratedClassifierCV."
        )
    return np.asarray(model.predict_proba(x), np.float32)


def check_arrays(name: str, x: Any, task: str) -> None:
    """Refuse what a scikit-learn estimator cannot take, before training.

    Raises:
        InputError: If x is not a matrix, or the task has no scores here.
    """
    if task not in NAMES:
        raise InputError(
            f"Candidate {name!r} is a scikit-learn estimator, and the task is "
            f"{task!r}; estimators are scored for classification and regression."
        )
    if not isinstance(x, np.ndarray) or x.ndim != 2:
        raise InputError(
            f"Candidate {name!r} is a scikit-learn estimator and needs x as a matrix "
            f"[rows, features]; got shape {np.shape(x)}."
        )


def scores(model: Any, x: Any, y: Any, rows: Any, task: str) -> dict[str, float]:
    """Return the scores of a fitted estimator on some rows, by their Keras names."""
    predictions = predict(model, x[rows], task)
    truth = _flat(y[rows])
    if task != "classification":
        error = predictions[:, 0].astype(np.float64) - truth
        squared = float((error**2).mean())
        return {
            "loss": squared,
            "mae": float(np.abs(error).mean()),
            "root_mean_squared_error": squared**0.5,
        }
    position = {int(label): i for i, label in enumerate(model.classes_)}
    column = np.array([position.get(int(label), -1) for label in truth])
    chance = np.where(column >= 0, predictions[np.arange(len(truth)), column], 0.0)
    accuracy = float((model.classes_[predictions.argmax(axis=1)] == truth).mean())
    loss = float(-np.log(np.clip(chance.astype(np.float64), 1e-7, 1.0)).mean())
    return {"loss": loss, "accuracy": accuracy}


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
