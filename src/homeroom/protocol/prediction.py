"""The winner of a stored run, applied to new rows: what the person came for."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from homeroom import data
from homeroom.errors import InputError
from homeroom.records import DatasetRecord, RefitRecord, RunRecord
from homeroom.store import Store

from .rows import new_rows
from .winner import Winner, fetch


def stored_winner(
    run: RunRecord, store: Store, own: Mapping[str, Any] | None = None
) -> Winner:
    """Return the refitted winner of a stored run.

    `own` are custom layers and functions of its model by name, as Keras takes them.

    Raises:
        InputError: If the run ended before its winner was trained.
        StoreError: If the stored model is damaged or cannot be read.
    """
    return fetch(run, _refit_of(run), store, own)


def predict_rows(winner: Winner, x: Any, dataset: DatasetRecord) -> Any:
    """Return a winner's outputs for new rows, of the form of its training rows.

    Raises:
        DataError: If they are not numbers, or hold NaN that nothing fills in.
        InputError: If a row has another shape than in training.
    """
    rows = new_rows(x, dataset, missing=winner.preprocessing is not None)
    for sentence in winner.unknown_categories(rows):
        warnings.warn(sentence, UserWarning, stacklevel=3)
    return winner.predict(winner.prepare(rows))


def predict_file(
    run: RunRecord,
    store: Store,
    path: str | Path,
    own: Mapping[str, Any] | None = None,
    tell: Callable[[str], object] = lambda _: None,
) -> pl.DataFrame:
    """Return predictions for the rows of a file, in their order.

    Columns: what identifies the rows, then "prediction" under the target's name, then
    one probability per class ("probability_<class>") for a classification, made from
    logits where the loss takes them; outputs that are no probabilities are called
    "output_<class>". Where the file or the target has a column of that name already,
    the name ends in "_predicted". `own` is that of `stored_winner`; `tell` gets a
    sentence for each column with categories that training never saw.

    Raises:
        InputError: If the run was not made from a table, or has no trained winner.
        DataError: If a column is missing or does not hold what it held in training.
    """
    if not run.dataset.kinds:
        raise InputError(
            f"Run {run.id!r} was trained on arrays, not on a table: use run.predict(x) "
            "in Python."
        )
    _refit_of(run)  # before the file: its columns are of no interest without a model
    table = data.frame_for(run.dataset, path)
    winner = stored_winner(run, store, own)
    for sentence in winner.unknown_categories(table.x):
        tell(sentence)
    outputs = np.asarray(winner.predict(winner.prepare(table.x)))
    if run.dataset.task == "classification":
        outputs = winner.shares(outputs)
    taken = table.identifiers.columns
    return pl.concat(
        [table.identifiers, _columns(run, outputs, taken)], how="horizontal"
    )


def _refit_of(run: RunRecord) -> RefitRecord:
    if run.refit is None or "model" not in run.refit.artifacts:
        raise InputError(
            f"Run {run.id!r} is {run.state} and has no trained winner to predict with. "
            "Start it again, or name another run (see `homeroom runs`)."
        )
    return run.refit


def _columns(run: RunRecord, outputs: Any, taken: Sequence[str]) -> pl.DataFrame:
    target = _free(run.dataset.target or "prediction", taken)
    if run.dataset.task != "classification":
        return pl.DataFrame({target: outputs.reshape(len(outputs))})
    are_shares = outputs.min() >= 0 and np.allclose(outputs.sum(axis=1), 1, atol=1e-3)
    kind = "probability" if are_shares else "output"
    classes = run.dataset.classes[: outputs.shape[1]]
    chosen = [classes[i] for i in outputs[:, : len(classes)].argmax(axis=1)]
    columns: dict[str, Any] = {target: chosen}
    for i, name in enumerate(classes):
        columns[_free(f"{kind}_{name}", [*taken, *columns])] = outputs[:, i]
    return pl.DataFrame(columns)


def _free(name: str, taken: Sequence[str]) -> str:
    """Return the name of a predicted column, changed where something has it."""
    while name in taken:
        name = f"{name}_predicted"
    return name
