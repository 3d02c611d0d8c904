"""What searches promise where nothing can be learned; write docs/searches.md."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np

import homeroom as hr
from homeroom import judgement

DOCS = Path(__file__).resolve().parent.parent / "docs"
N_REPEATS, N_ROWS, N_FEATURES = 200, 120, 6
N_TRIALS, N_EPOCHS, OUTER, INNER = 8, 5, 5, 2
SPACE = {"learning_rate": hr.log_uniform(1e-3, 0.3)}
CHANCE = 0.5


@dataclass(frozen=True)
class Searched:
    """What one search on coin tosses said, alone and nested.

    `best` is the best trial's mean, `covered` whether its interval has chance in it,
    `foretold` the optimism it was said to have; `nested` and `nested_covered` are the
    same of a nested cross-validation.
    """

    best: float
    covered: bool
    foretold: float
    nested: float
    nested_covered: bool


def network(learning_rate: float = 0.01) -> Any:
    """Return a compiled network with 8 hidden units."""
    model = keras.Sequential([
        keras.Input((N_FEATURES,)),
        keras.layers.Dense(8, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid"),
    ])
    optimizer = keras.optimizers.Adam(learning_rate)
    model.compile(optimizer, loss="binary_crossentropy", metrics=["accuracy"])
    return model


def searched(seed: int) -> Searched:
    """Draw rows and coin tosses; search on them, alone and nested."""
    rng = np.random.default_rng([seed, 17])
    x = rng.normal(size=(N_ROWS, N_FEATURES)).astype("float32")
    y = rng.permutation(np.arange(N_ROWS) % 2)
    chosen: dict[str, Any] = {
        "n_trials": N_TRIALS,
        "epochs": N_EPOCHS,
        "sampler": "random",
        "prune": False,
        "metric": "accuracy",
        "verbose": 0,
    }
    search = hr.tune(network, SPACE, x, y, cv=5, **chosen)
    nested = hr.nested_cross_validate(
        network, SPACE, x, y, outer_cv=OUTER, cv=INNER, **chosen
    )
    alone = search.cross_validation()
    return Searched(
        best=alone.mean(),
        covered=_has_chance(alone.interval()),
        foretold=search.optimism,
        nested=nested.score,
        nested_covered=_has_chance(nested.interval),
    )


def figures(found: Sequence[Searched]) -> dict[str, float]:
    """Return what all repeats say together."""
    n = len(found)
    best = np.array([each.best for each in found])
    nested = np.array([each.nested for each in found])
    return {
        "repeats": n,
        "mean best score of a search": float(best.mean()),
        "its standard error": float(best.std(ddof=1) / math.sqrt(n)),
        "foretold optimism": float(np.mean([each.foretold for each in found])),
        "best scores above chance": float((best > CHANCE).mean()),
        "interval of the best has chance": float(np.mean([e.covered for e in found])),
        "mean nested score": float(nested.mean()),
        "nested standard error": float(nested.std(ddof=1) / math.sqrt(n)),
        "nested interval has chance": float(np.mean([e.nested_covered for e in found])),
    }


def page(found: dict[str, float]) -> str:
    """Return the page with the figures."""
    n = int(found["repeats"])
    n_fits = N_TRIALS * 5 + OUTER * (N_TRIALS * INNER + 1)

    def covers(name: str) -> str:
        interval = judgement.wilson(round(found[name] * n), n)
        ends = f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"
        return f"{100 * found[name]:.1f} % ({ends})"

    intro = " ".join([
        f"Measured by `make calibrate` on {datetime.now(UTC):%Y-%m-%d}, Homeroom",
        f"{hr.__version__}. In each of {n} repeats {N_ROWS} rows are drawn, and half",
        "of them get one label, half the other, at random: nothing can be learned, and",
        f"the true accuracy is {100 * CHANCE:.0f} %. A search tries {N_TRIALS}",
        f"learning rates on 5 folds; the same search is then nested in {OUTER} outer",
        f"folds ({INNER} inner ones): {n_fits} real trainings of a network.",
    ])
    rows = [
        ("mean score", _percent(found, "mean best score of a search"),
         _percent(found, "mean nested score")),
        ("± one standard error", _points(found, "its standard error"),
         _points(found, "nested standard error")),
        ("too good by", _points(found, "mean best score of a search", CHANCE),
         _points(found, "mean nested score", CHANCE)),
        ("foretold at most", _points(found, "foretold optimism"), "–"),
        ("95 % interval has 50 % in it", covers("interval of the best has chance"),
         covers("nested interval has chance")),
    ]  # fmt: skip
    lines = [
        "# What a search promises where nothing can be learned",
        "",
        intro,
        "",
        "| | best trial of the search | nested cross-validation |",
        "| --- | ---: | ---: |",
        *(f"| {what} | {alone} | {nested} |" for what, alone, nested in rows),
    ]
    return "\n".join(lines) + "\n"


def main(n_repeats: int = N_REPEATS) -> None:
    started = time.perf_counter()
    found = figures([searched(seed) for seed in range(n_repeats)])
    (DOCS / "searches.md").write_text(page(found), encoding="utf-8")
    told = json.dumps(found, indent=1)
    (DOCS / "searches.json").write_text(told + "\n", encoding="utf-8")
    print(page(found), f"\n{time.perf_counter() - started:.0f} s")


def _has_chance(interval: Any) -> bool:
    return bool(interval.low <= CHANCE <= interval.high)


def _percent(found: dict[str, float], name: str) -> str:
    return f"{100 * found[name]:.1f} %"


def _points(found: dict[str, float], name: str, origin: float = 0.0) -> str:
    return f"{100 * (found[name] - origin):.1f} points"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
