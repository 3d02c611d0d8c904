"""What costs nothing, on the same folds: without looking, and by a straight line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from homeroom.data import Dataset
from homeroom.engine import Arrays
from homeroom.judgement import LINEAR, MEAN, MOST_FREQUENT
from homeroom.records import MemberRecord, Metric

from . import estimator
from .candidate import Candidate
from .member import Assignment

_MOST_WORK = 2e10  # rows × columns², a second of a core: more is not for nothing


def train_baselines(
    dataset: Dataset,
    assignments: Sequence[Assignment],
    metric: Metric,
    losses: set[str],
) -> tuple[MemberRecord, ...]:
    """Return the trainings of the baselines, which can never be chosen.

    Classification: the most frequent class, and a linear discriminant (Ledoit-Wolf);
    none where labels are below 0, as for a hinge loss. There are none either where the
    yardstick is a loss that they do not have.
    Regression: the mean, and ridge regression. A line needs rows of numbers (images
    are flattened), no row weights, and fewer than 20 billion rows × columns².

    Args:
        dataset: The rows.
        assignments: Trainings of candidates, whose rows and preparation are shared.
        metric: The yardstick.
        losses: What the losses of the candidates are called.
    """
    task = dataset.record.task
    if task not in estimator.NAMES or not isinstance(dataset.y, np.ndarray):
        return ()
    flat = dataset.y.reshape(dataset.n_rows, -1)
    if task == "regression" and flat.shape[1] != 1:
        return ()
    if task == "classification" and flat.min() < 0:
        return ()
    if metric.name == "loss" and not losses <= {estimator.LOSSES[task]}:
        return ()
    folds: dict[int, Assignment] = {}
    for each in assignments:
        folds.setdefault(each.fold, each)
    records = []
    for candidate in _baselines(task):
        for first in folds.values():
            mine = replace(first, candidate=candidate, seed_index=0)
            if candidate.name != LINEAR:
                records.append(estimator.run(_blind(mine), task).record)
            elif (seen := _flattened(mine)) is not None:
                records.append(estimator.run(seen, task).record)
    return tuple(records)


def _baselines(task: str) -> list[Candidate]:
    # scikit-learn takes most of a second to import: only when needed
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if task == "classification":
        lines = LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto")
        return [
            Candidate(MOST_FREQUENT, DummyClassifier(strategy="prior"), "estimator"),
            Candidate(LINEAR, lines, "estimator"),
        ]
    ridge = make_pipeline(StandardScaler(), Ridge())
    return [
        Candidate(MEAN, DummyRegressor(), "estimator"),
        Candidate(LINEAR, ridge, "estimator"),
    ]


def _blind(assignment: Assignment) -> Assignment:
    """Return the assignment without its inputs, whatever they are."""
    arrays = assignment.member.arrays
    nothing = np.zeros((len(arrays.y), 1), np.float32)
    return _with(assignment, replace(arrays, x=nothing))


def _flattened(assignment: Assignment) -> Assignment | None:
    """Return the assignment with rows of numbers; None if it has none."""
    arrays = assignment.member.arrays
    x = arrays.x
    if not isinstance(x, np.ndarray) or x.dtype.kind != "f" or x.ndim < 2:
        return None
    if arrays.sample_weight is not None:
        return None
    x = x.reshape(len(x), -1)
    if len(x) * float(x.shape[1]) ** 2 > _MOST_WORK:
        return None
    return _with(assignment, replace(arrays, x=x))


def _with(assignment: Assignment, arrays: Arrays) -> Assignment:
    member = replace(assignment.member, arrays=arrays)
    return replace(assignment, member=member)
