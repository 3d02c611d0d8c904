"""The sealed test rows, and the one act that reads them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, final

import numpy as np

from homeroom import data, doctor, judgement
from homeroom.data import Dataset
from homeroom.errors import DataError
from homeroom.records import FinalTest, Finding, Interval, Metric, RunRecord
from homeroom.splits import Partition
from homeroom.store import Opening, Store

from .examining import examine_opened
from .winner import Winner, by_class

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

    Nothing outside this file can read them; `n_rows` and one fingerprint per row, by
    which copies are found, are all that is told.
    """

    def __init__(self, dataset: Dataset, partition: Partition) -> None:
        self.__rows = dataset.take(partition.test)
        self.__positions = partition.test
        self.__dataset = dataset
        self.__development = partition.development
        self.n_rows = len(partition.test)
        self.fingerprints = doctor.row_fingerprints(self.__rows)

    def open(
        self, winner: Winner, run: RunRecord, store: Store, out_of_fold: Any = None
    ) -> FinalTest:
        """Claim the seal, read the rows, and score the winner on them, once.

        The seal is claimed in the store *before* the rows are read, so a crash in
        between still counts as an opened test. Rows that other runs have opened
        before are scored all the same, with a warning and a mark in the record. With
        the winner's out-of-fold predictions the doctor also compares difficulty.

        Raises:
            SealError: If this run's test set has been claimed before.
            DataError: If the rows cannot be scored; the seal is spent all the same.
        """
        store.claim_seal(run.id, candidate=winner.name)
        before = earlier_openings(run, store)
        rows = self.__rows
        x = _prepared(winner, rows, self.__positions)
        scores = winner.evaluate(x, rows)
        score = scores[run.metric.name]
        predictions = winner.predict(x)
        final_test = FinalTest(
            candidate=winner.name,
            metric=run.metric,
            score=score,
            interval=_interval(run, score, predictions, rows),
            n=self.n_rows,
            opened_at=datetime.now(UTC),
            scores=scores,
            earlier_openings=len(before),
            findings=self.__compared(predictions, out_of_fold),
        )
        store.record_final_test(run.id, final_test)
        if before:
            warnings.warn(told_of_openings(before), UserWarning, stacklevel=3)
        return final_test

    def __compared(self, predictions: Any, out_of_fold: Any) -> tuple[Finding, ...]:
        """Return how the rows differ; nothing here may cost a spent seal its score."""
        try:
            return examine_opened(
                self.__dataset,
                self.__development,
                self.__positions,
                predictions,
                out_of_fold,
            )
        except Exception as error:  # noqa: BLE001 - as said
            warnings.warn(
                f"The opened test rows could not be examined: {error}", stacklevel=4
            )
            return ()


def earlier_openings(run: RunRecord, store: Store) -> tuple[Opening, ...]:
    """Return the claims that other runs have made on this run's very test rows."""
    openings = store.openings_of(run.partition.test_fingerprint)
    return tuple(opening for opening in openings if opening.run_id != run.id)


def told_of_openings(openings: Sequence[Opening]) -> str:
    """Return what a person must know of test rows that were opened before."""
    first = openings[0]
    return (
        f"These very test rows were opened before, in run {first.run_id} on "
        f"{first.opened_at:%Y-%m-%d} ({len(openings)} in all). A choice that knows "
        "those results makes this run's final score optimistic."
    )


def _prepared(winner: Winner, rows: Dataset, positions: Any) -> Any:
    """Return x as the winner takes it.

    Raises:
        DataError: If it is not finite numbers.
    """
    try:
        if winner.preprocessing is None:
            data.check_rows(rows, positions)
        return winner.prepare(rows.x)
    except DataError as error:
        raise DataError(
            f"The test rows cannot be scored: {error} The seal of this run is spent "
            "all the same; clean the data and start a new run."
        ) from error


def _interval(
    run: RunRecord, score: float, predictions: Any, rows: Dataset
) -> Interval:
    """Return Wilson's interval for an accuracy, a bootstrap over rows for errors."""
    metric: Metric = run.metric
    if "accuracy" in metric.name:
        return judgement.wilson(round(score * rows.n_rows), rows.n_rows, LEVEL)
    statistic, values = _by_row(metric, predictions, rows)
    # a loss may be another function of the rows, weighted, or have penalties added
    if statistic is None or not math.isclose(statistic(values), score, rel_tol=1e-3):
        return Interval(math.nan, math.nan, LEVEL, f"none is known for {metric.name}")
    return judgement.bootstrap_interval(
        statistic, values, level=LEVEL, seed=run.settings.seed
    )


def _by_row(metric: Metric, predictions: Any, rows: Dataset) -> tuple[Any, Any]:
    """Return a statistic of rows that may be the metric, and its values per row."""
    if not isinstance(predictions, np.ndarray) or not isinstance(rows.y, np.ndarray):
        return None, None
    if rows.record.task == "regression":
        error = predictions.reshape(rows.n_rows, -1) - rows.y.reshape(rows.n_rows, -1)
        name = "mse" if metric.name == "loss" else metric.name
        return _ERRORS.get(name), error
    labels = rows.labels
    if metric.name == "loss" and labels is not None and predictions.ndim == 2:
        shares = by_class(predictions).astype(np.float64)
        if labels.max() < shares.shape[1]:
            chance = shares[np.arange(len(labels)), labels]
            return np.mean, -np.log(np.clip(chance, 1e-7, 1.0))
    return None, None
