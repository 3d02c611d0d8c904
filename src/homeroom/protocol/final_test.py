"""The sealed test rows, and the one act that reads them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, final

import numpy as np

from homeroom import judgement
from homeroom.data import Dataset
from homeroom.errors import DataError
from homeroom.records import FinalTest, Interval, Metric, RunRecord
from homeroom.splits import Partition
from homeroom.store import Store

from .refit import Winner

LEVEL = 0.95
_ERRORS = {
    "mae": lambda error: float(np.abs(error).mean()),
    "mean_absolute_error": lambda error: float(np.abs(error).mean()),
    "mse": lambda error: float((error**2).mean()),
    "mean_squared_error": lambda error: float((error**2).mean()),
    "root_mean_squared_error": lambda error: float((error**2).mean() ** 0.5),
}


@final
class SealedTest:
    """The test rows, set aside before anything else saw the data.

    Nothing outside this file can read them; `n_rows` is all that is told.
    """

    def __init__(self, dataset: Dataset, partition: Partition) -> None:
        self.__rows = dataset.take(partition.test)
        self.n_rows = len(partition.test)

    def open(self, winner: Winner, run: RunRecord, store: Store) -> FinalTest:
        """Claim the seal, read the rows, and score the winner on them, once.

        The seal is claimed in the store *before* the rows are read, so a crash in
        between still counts as an opened test.

        Raises:
            SealError: If this run's test set has been claimed before.
            DataError: If the rows cannot be scored; the seal is spent all the same.
        """
        store.claim_seal(run.id, candidate=winner.name)
        rows = self.__rows
        x = winner.prepare(rows.x)
        if isinstance(x, np.ndarray) and not np.isfinite(x).all():
            raise DataError(
                "The test rows hold NaN or infinity, so they cannot be scored. The "
                "seal of this run is spent; clean the data and start a new run."
            )
        scores = winner.evaluate(x, rows)
        final_test = FinalTest(
            candidate=winner.name,
            metric=run.metric,
            score=scores[run.metric.name],
            interval=_interval(run, scores, winner.predict(x), rows),
            n=self.n_rows,
            opened_at=datetime.now(UTC),
            scores=scores,
        )
        store.record_final_test(run.id, final_test)
        return final_test


def _interval(
    run: RunRecord, scores: dict[str, float], predictions: Any, rows: Dataset
) -> Interval:
    """Return Wilson's interval for an accuracy, a bootstrap over rows for errors."""
    metric: Metric = run.metric
    if "accuracy" in metric.name:
        successes = round(scores[metric.name] * rows.n_rows)
        return judgement.wilson(successes, rows.n_rows, LEVEL)
    statistic, values = _by_row(metric, predictions, rows)
    if statistic is None:
        return Interval(
            float("nan"), float("nan"), LEVEL, f"none is known for {metric.name}"
        )
    return judgement.bootstrap_interval(
        statistic, values, level=LEVEL, seed=run.settings.seed
    )


def _by_row(metric: Metric, predictions: Any, rows: Dataset) -> tuple[Any, Any]:
    """Return a statistic of rows that is the metric, and its values per row."""
    if not isinstance(predictions, np.ndarray) or not isinstance(rows.y, np.ndarray):
        return None, None
    if rows.record.task == "regression":
        error = predictions.reshape(rows.n_rows, -1) - rows.y.reshape(rows.n_rows, -1)
        name = "mse" if metric.name == "loss" else metric.name
        return _ERRORS.get(name), error
    labels = rows.labels
    if metric.name == "loss" and labels is not None and predictions.ndim == 2:
        chance = predictions[np.arange(len(labels)), labels].astype(np.float64)
        return np.mean, -np.log(np.clip(chance, 1e-7, 1.0))
    return None, None
