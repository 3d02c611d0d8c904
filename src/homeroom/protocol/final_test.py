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
from .winner import Winner

LEVEL = 0.95
_FEW_GROUPS = 8
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
        x = _prepared(winner, rows)
        scores = winner.evaluate(x, rows)
        score = scores[run.metric.name]
        predictions = winner.predict(x)
        final_test = FinalTest(
            candidate=winner.name,
            metric=run.metric,
            score=score,
            interval=_interval(run, winner, predictions, score, rows),
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


def _prepared(winner: Winner, rows: Dataset) -> Any:
    """Return x as the winner takes it.

    Raises:
        DataError: If it is not finite numbers.
    """
    try:
        if winner.preprocessing is None:
            data.check_rows(rows)
        return winner.prepare(rows.x, rows.ids)
    except DataError as error:
        raise DataError(
            f"The test rows cannot be scored: {error} The seal of this run is spent "
            "all the same; clean the data and start a new run."
        ) from error


def _interval(
    run: RunRecord, winner: Winner, predictions: Any, score: float, rows: Dataset
) -> Interval:
    """Return what the score may be off by, with rows of a group kept together.

    Wilson's interval for a share of the rows, a bootstrap for a mean over them. Rows of
    one group are alike, so that whole groups are drawn; a share's interval then reaches
    as far as either does. Nothing here may cost a spent seal its score.
    """
    name = run.metric.name
    try:
        wilson = None
        if judgement.is_percentage(run.metric) and 0 <= score <= 1:
            wilson = judgement.wilson(round(score * rows.n_rows), rows.n_rows, LEVEL)
            if rows.groups is None:
                return wilson
        statistic, values = _by_row(run.metric, winner, predictions, rows)
        # it may be another function of the rows, weighted, or have penalties added
        known = statistic is not None and np.isclose(statistic(values), score, 1e-3)
        if not known:
            return _unknown(f"none is known for {name}")
        level = LEVEL
        if rows.groups is not None:
            n_groups = len(np.unique(rows.groups))
            if n_groups == 1:
                return _unknown("none is known: the test rows are one group")
            level = judgement.expanded_level(LEVEL, n_groups)
        drawn = judgement.bootstrap_interval(
            statistic, values, level=level, seed=run.settings.seed, groups=rows.groups
        )
        method = drawn.method
        if rows.groups is not None and n_groups < _FEW_GROUPS:
            method += "; so few groups make it rather too narrow"
    except Exception as error:  # noqa: BLE001 - as said
        return _unknown(f"none could be made for {name}: {error}")
    if wilson is None:
        return Interval(drawn.low, drawn.high, LEVEL, method)
    low, high = min(drawn.low, wilson.low), max(drawn.high, wilson.high)
    return Interval(low, high, LEVEL, f"{method}; no narrower than Wilson's")


def _unknown(reason: str) -> Interval:
    return Interval(math.nan, math.nan, LEVEL, reason)


def _by_row(
    metric: Metric, winner: Winner, predictions: Any, rows: Dataset
) -> tuple[Any, Any]:
    """Return a statistic of rows that may be the metric, and its values per row."""
    if not isinstance(predictions, np.ndarray) or not isinstance(rows.y, np.ndarray):
        return None, None
    if rows.record.task == "regression":
        error = predictions.reshape(rows.n_rows, -1) - rows.y.reshape(rows.n_rows, -1)
        name = "mse" if metric.name == "loss" else metric.name
        return _ERRORS.get(name), error
    labels = rows.labels
    if labels is None or predictions.ndim != 2:
        return None, None
    shares = winner.shares(predictions).astype(np.float64)
    if labels.max() >= shares.shape[1]:
        return None, None
    if metric.name == "loss":
        chance = shares[np.arange(len(labels)), labels]
        return np.mean, -np.log(np.clip(chance, 1e-7, 1.0))
    if not judgement.is_percentage(metric):
        return None, None
    return np.mean, (shares.argmax(axis=1) == labels).astype(np.float64)
