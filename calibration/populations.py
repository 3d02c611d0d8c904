"""Populations of which the truth is known: rows are drawn, never used up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

N_FEATURES = 6
N_TEST = 100


@dataclass(frozen=True)
class Population:
    """Rows that can be drawn without end, and how many one study has.

    `truth` is the metric's name: "accuracy" of two classes, or "rmse".
    """

    name: str
    n_rows: int
    truth: str
    draw: Callable[[Any, int], tuple[Any, Any]]


def _classes(rng: Any, n: int) -> tuple[Any, Any]:
    x = rng.normal(size=(n, N_FEATURES)).astype("float32")
    logit = 1.2 * x[:, 0] - 0.8 * x[:, 1] + 1.5 * x[:, 2] * x[:, 3]
    return x, (rng.random(n) < 1 / (1 + np.exp(-logit))).astype("int32")


def _numbers(rng: Any, n: int) -> tuple[Any, Any]:
    x = rng.normal(size=(n, N_FEATURES)).astype("float32")
    mean = x[:, 0] - 0.7 * x[:, 1] + np.sin(2 * x[:, 2])
    return x, (mean + rng.normal(0, 0.5, n)).astype("float32")


POPULATIONS = (
    Population("two classes, 200 rows", 200, "accuracy", _classes),
    Population("two classes, 800 rows", 800, "accuracy", _classes),
    Population("numbers, 200 rows", 200, "rmse", _numbers),
)
