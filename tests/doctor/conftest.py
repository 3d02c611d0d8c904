"""Datasets without a fault, into which a test plants exactly one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from homeroom.data import Dataset, from_arrays
from homeroom.doctor import Case, Part
from homeroom.records import Examination
from homeroom.splits import make_plan

# what may be true of any clean dataset and is no alarm
HARMLESS = {"size", "order", "constant"}


@pytest.fixture
def dice() -> np.random.Generator:
    return np.random.default_rng(11)


@pytest.fixture
def clean(dice: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return 600 rows of 6 columns and three classes that follow from two of them."""
    x = dice.normal(size=(600, 6))
    score = x[:, 0] + 0.5 * x[:, 1] + 0.7 * dice.normal(size=600)
    return x, np.digitize(score, [-0.5, 0.5])


@pytest.fixture
def case() -> Callable[..., Case]:
    return case_of


def case_of(x: Any, y: Any = None, cv: Any = 5, seed: int = 0, **known: Any) -> Case:
    """Return a case with the folds that `cv` makes."""
    data = {key: known.pop(key) for key in ("groups", "task") if key in known}
    dataset = x if isinstance(x, Dataset) else from_arrays(x, y, **data)
    plan = make_plan(cv, dataset, seed=seed)
    return Case(dataset, parts_of(plan.folds), str(cv), seed=seed, **known)


def parts_of(folds: Sequence[Any]) -> list[Part]:
    return [Part(f"fold {f.fold}", f.train, f.validation) for f in folds]


def alarms(examination: Examination) -> list[str]:
    """Return the names of what was found beyond the harmless."""
    return [f.check for f in examination.findings if f.check not in HARMLESS]
