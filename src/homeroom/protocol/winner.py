"""The model that is shipped: how it is used, stored and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from homeroom import data, engine
from homeroom.data import Dataset
from homeroom.errors import StoreError
from homeroom.records import Listener, Note, RefitRecord, RunRecord
from homeroom.store import Store, dump_estimator, load_estimator

from . import estimator

_EVALUATE_ROWS = 256


@dataclass(frozen=True, eq=False)
class Winner:
    """A trained model with its preprocessing, ready for rows it has not seen.

    Args:
        name: The candidate's name.
        kind: "keras" or "estimator".
        model: A `keras.Model`, a fitted estimator, or a list of those, whose
            predictions are averaged.
        preprocessing: What its rows went through, fitted; None for nothing. A list
            has one for each fold of an ensemble.
        task: The dataset's task.
        n_classes: How many classes it has, for a classification.
    """

    name: str
    kind: str
    model: Any
    preprocessing: Any
    task: str
    n_classes: int = 0

    def prepare(self, x: Any, rows: NDArray[np.int32] | None = None) -> Any:
        """Return x as the model takes it; a list where each fold has its own way.

        `rows` is what messages call the rows; their positions by default.
        """
        if self.preprocessing is None:
            return x
        if isinstance(self.preprocessing, list):
            return [data.transform(each, x, rows) for each in self.preprocessing]
        return data.transform(self.preprocessing, x, rows)

    def unknown_categories(self, x: Any) -> list[str]:
        """Return a sentence for each column with categories that training never saw."""
        fitted = self.preprocessing
        return data.unknown_categories(
            fitted if isinstance(fitted, list) else [fitted], x
        )

    def predict(self, x: Any) -> Any:
        """Return the model's outputs for prepared x.

        For an estimator: probabilities [n, classes] or numbers [n, 1].
        """
        if self.kind == "keras":
            return self.model.predict(x, batch_size=_EVALUATE_ROWS, verbose=0)
        models = self.model if isinstance(self.model, list) else [self.model]
        ways = x if isinstance(x, list) else [x]
        n_each = len(models) // len(ways)  # the seeds of a fold share its rows
        outputs = [
            estimator.predict(model, ways[i // n_each], self.task, self.n_classes)
            for i, model in enumerate(models)
        ]
        return np.mean(outputs, axis=0, dtype=np.float32)

    def shares(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Return a classifier's outputs as a share for each class [n, classes]."""
        logits = self.kind == "keras" and engine.gives_logits(self.model)
        return shares_of_logits(outputs) if logits else by_class(outputs)

    def evaluate(self, x: Any, rows: Dataset) -> dict[str, float]:
        """Return every metric, by its Keras name, for prepared x of `rows`."""
        if self.kind == "estimator":
            outputs = self.predict(x)
            return estimator.scores(outputs, rows.y, rows.sample_weight, self.task)
        found = self.model.evaluate(
            x,
            rows.y,
            sample_weight=rows.sample_weight,
            batch_size=_EVALUATE_ROWS,
            verbose=0,
            return_dict=True,
        )
        return {name: float(value) for name, value in found.items()}


def packed(winner: Winner) -> dict[str, bytes]:
    """Return the winner's model and preprocessing as they are stored, by kind.

    Raises:
        StoreError: If a part cannot be stored without running code to read it.
    """
    if winner.kind == "keras":
        contents = {"model": engine.save_model(winner.model)}
    else:
        contents = {"model": dump_estimator(winner.model)}
    if winner.preprocessing is not None:
        contents["preprocessing"] = dump_estimator(winner.preprocessing)
    return contents


def fetch(
    run: RunRecord,
    record: RefitRecord,
    store: Store,
    own: Mapping[str, Any] | None = None,
) -> Winner:
    """Return the winner of `run` whose `packed` contents were stored.

    `own` are custom layers and functions of its model by name, as Keras takes them.
    """
    [kind] = [c.kind for c in run.candidates if c.name == record.candidate]
    content = store.get_artifact(record.artifacts["model"])
    if kind == "keras":
        model = engine.load_model(content, own)
    else:
        model = load_estimator(content)
    preprocessing = None
    if "preprocessing" in record.artifacts:
        address = record.artifacts["preprocessing"]
        preprocessing = load_estimator(store.get_artifact(address))
    task, n_classes = run.dataset.task, len(run.dataset.classes)
    return Winner(record.candidate, kind, model, preprocessing, task, n_classes)


def by_class(outputs: NDArray[Any]) -> NDArray[Any]:
    """Return a classifier's outputs as one column per class; a sigmoid has but one.

    >>> by_class(np.array([[0.25]])).tolist()
    [[0.75, 0.25]]
    """
    if outputs.ndim == 2 and outputs.shape[1] == 1:
        return np.concatenate([1 - outputs, outputs], axis=1)
    return outputs


def shares_of_logits(outputs: NDArray[Any]) -> NDArray[Any]:
    """Return logits as a share for each class [n, classes]; one column is a logit.

    >>> shares_of_logits(np.array([[0.0]])).tolist()
    [[0.5, 0.5]]
    """
    if outputs.shape[1] == 1:
        return by_class(np.exp(-np.logaddexp(0, -outputs)))
    powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def keep_winner(
    winner: Winner, record: RefitRecord, store: Store, tell: Listener
) -> RefitRecord:
    """Store the winner; one that no file can hold is kept in this process only."""
    try:
        contents = packed(winner)
        artifacts = {kind: store.put_artifact(c, kind) for kind, c in contents.items()}
    except StoreError as error:
        tell(Note(f"The chosen model is not in the store. {error}"))
        reason = f"{record.reason}; not stored: {error}"
        return msgspec.structs.replace(record, reason=reason)
    return msgspec.structs.replace(record, artifacts=artifacts)
