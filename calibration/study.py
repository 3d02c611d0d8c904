"""One study: rows are drawn, candidates cross-validated, and measured on the truth.

The candidates are equal: the same network with other weights to start from. Whoever
is called better than another is therefore a false winner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
from populations import N_FEATURES, N_TEST, Population

from homeroom import data, engine, splits
from homeroom.records import History, MemberRecord, Metric, SplitPlanRecord
from homeroom.seeding import derive

N_CANDIDATES, N_FOLDS, N_SEEDS = 6, 5, 2
TRAINING = engine.Training(epochs=10, batch_size=32, keep_predictions=True)
METRICS = {
    "accuracy": Metric("accuracy", "max"),
    "rmse": Metric("root_mean_squared_error", "min"),
}


@dataclass(frozen=True)
class Study:
    """What one draw of rows came to.

    `members` are by candidate; `true` has the true score of every training
    [candidates, folds, seeds]. `test` is the refitted model's number of right test
    rows, None where the metric is no share; `refit_true` its true score.
    """

    plan: SplitPlanRecord
    metric: Metric
    members: Sequence[Sequence[MemberRecord]]
    true: Any
    test: int | None
    refit_true: float


def network(task: str, start: int) -> Any:
    """Return a compiled network; `start` tells equal candidates apart."""
    for _ in range(start):  # each initializer takes a number of the model's own seed
        keras.initializers.GlorotUniform()
    head = keras.layers.Dense(1, activation="sigmoid" if task == "accuracy" else None)
    body = keras.layers.Dense(8, activation="relu")
    model = keras.Sequential([keras.Input((N_FEATURES,)), body, head])
    loss = "binary_crossentropy" if task == "accuracy" else "mse"
    model.compile(keras.optimizers.Adam(0.02), loss=loss)
    return model


def study(population: Population, truth: tuple[Any, Any], seed: int) -> Study:
    """Draw rows, train every candidate on every fold with every seed, measure."""
    rng = np.random.default_rng([seed, population.n_rows])
    x, y = population.draw(rng, population.n_rows)
    test_x, test_y = population.draw(rng, N_TEST)
    dataset = data.from_arrays(x, y)
    plan = splits.make_plan(N_FOLDS, dataset, seed=seed)
    arrays = engine.Arrays(
        np.vstack([x, test_x, truth[0]]), np.concatenate([y, test_y, truth[1]])
    )
    n = population.n_rows
    unseen = np.arange(n, len(arrays.y), dtype=np.int32)

    def member(key: Any, start: int, rows: Any, more: Any, seeds: Any) -> Any:
        return engine.Member(
            key=key,
            build=partial(network, population.truth, start),
            arrays=arrays,
            train_rows=rows,
            validation_rows=np.concatenate([more, unseen]),
            seed=derive(seed, "weights", *seeds),
            order_seed=derive(seed, "order", *seeds),
            group="network",
        )

    places = [
        (c, f, s)
        for c in range(N_CANDIDATES)
        for f in range(N_FOLDS)
        for s in range(N_SEEDS)
    ]
    members = [
        member((c, f, s), c, plan.folds[f].train, plan.folds[f].validation, (f, s))
        for c, f, s in places
    ]
    everything = np.arange(n, dtype=np.int32)
    members.append(member("refit", 0, everything, everything[:0], ("refit",)))
    *outcomes, refit = engine.train(members, TRAINING)
    records: list[list[MemberRecord]] = [[] for _ in range(N_CANDIDATES)]
    true = np.zeros((N_CANDIDATES, N_FOLDS, N_SEEDS))
    metric = METRICS[population.truth]
    for (c, f, s), outcome in zip(places, outcomes, strict=True):
        rows = plan.folds[f].validation
        predictions = outcome.predictions[:, 0]
        near, far = predictions[: len(rows)], predictions[len(rows) + N_TEST :]
        true[c, f, s] = score(far, truth[1], population.truth)
        value = score(near, y[rows], population.truth)
        records[c].append(
            MemberRecord(
                candidate=f"candidate {c + 1}",
                fold=f,
                seed_index=s,
                seed=0,
                state=outcome.state,
                history=History({}),
                scores={metric.validation_key: value},
            )
        )
    final = refit.predictions[:, 0]
    right = None
    if population.truth == "accuracy":
        right = int(((final[:N_TEST] > 0.5) == test_y).sum())
    return Study(
        plan=plan.record,
        metric=metric,
        members=records,
        true=true,
        test=right,
        refit_true=score(final[N_TEST:], truth[1], population.truth),
    )


def score(predictions: Any, y: Any, truth: str) -> float:
    """Return the accuracy of probabilities, or the error of numbers."""
    if truth == "accuracy":
        return float(((predictions > 0.5) == y).mean())
    return float(np.sqrt(np.mean((predictions - y) ** 2)))
