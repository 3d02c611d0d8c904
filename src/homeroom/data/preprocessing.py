"""Preprocessing that is fitted on the rows it is given, and on no other."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from homeroom.errors import DataError, InputError

from .columns import model_columns
from .dataset import Dataset, Features, row_positions
from .wording import counted, first_few

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from homeroom.records import DatasetRecord

_MAX_CATEGORIES = 30


def table_preprocessing(record: DatasetRecord) -> Any:
    """Return the unfitted scikit-learn ColumnTransformer for a table.

    Numbers, booleans and dates: median, an indicator where cells were missing, then
    mean 0 and variance 1. Categories: "missing" for missing, then one column per
    category; rare ones beyond 30 share a column, and so do unseen ones.

    Args:
        record: What is known of the table; its `kinds` name the columns.

    Raises:
        InputError: If the record is not of a table.

    >>> from homeroom.records import DatasetRecord
    >>> record = DatasetRecord(name="pets", task="regression", n_rows=3, shapes={},
    ...                        fingerprint="", kinds={"fur": "category"})
    >>> table_preprocessing(record).transformers[0][0]
    'categories'
    """
    # scikit-learn takes most of a second to import: only when needed
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    if not record.kinds:
        raise InputError(
            f"Dataset {record.name!r} is arrays, not a table: there are no columns to "
            "choose a preprocessing for. Pass a scikit-learn transformer of your own."
        )
    numbers = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
        StandardScaler(),
    )
    categories = make_pipeline(
        SimpleImputer(
            missing_values=None,
            strategy="constant",
            fill_value="missing",
            keep_empty_features=True,
        ),
        OneHotEncoder(
            handle_unknown="infrequent_if_exist",
            max_categories=_MAX_CATEGORIES,
            sparse_output=False,
            dtype=np.float32,
        ),
    )
    named: dict[str, list[str]] = {"numbers": [], "categories": []}
    for name, kind in record.kinds.items():
        part = "categories" if kind == "category" else "numbers"
        named[part] += model_columns(name, kind)
    steps = {"numbers": numbers, "categories": categories}
    return ColumnTransformer([
        (part, steps[part], columns) for part, columns in named.items() if columns
    ])


def seeded(estimator: Any, seed: int) -> Any:
    """Return an estimator of scikit-learn, each open `random_state` in it set.

    One left at None would draw from NumPy's global state: other results at every run.

    >>> from sklearn.decomposition import PCA
    >>> seeded(PCA(), 7).random_state, seeded(PCA(random_state=1), 7).random_state
    (7, 1)
    """
    left_open = [
        name
        for name, value in estimator.get_params().items()
        if value is None and name.rpartition("__")[2] == "random_state"
    ]
    return estimator.set_params(**dict.fromkeys(left_open, seed))


def fit_preprocessing(
    transformer: Any, dataset: Dataset, rows: Any, seed: int = 0
) -> Any:
    """Return a clone of `transformer`, fitted on these rows of `dataset` only.

    Args:
        transformer: A scikit-learn transformer, or a Pipeline of them.
        dataset: One array or table as x.
        rows: Row positions to learn from: the train part of a fold.
        seed: What each open `random_state` in it is set to.

    Raises:
        InputError: If it is not a transformer, or x has several parts.
        DataError: If the transformer cannot be fitted on these rows.

    >>> from sklearn.preprocessing import StandardScaler
    >>> from homeroom.data import load
    >>> fitted = fit_preprocessing(StandardScaler(), load("iris"), range(50))
    >>> round(float(fitted.mean_[0]), 3)
    5.006
    """
    from sklearn.base import clone

    if not (hasattr(transformer, "fit") and hasattr(transformer, "transform")):
        raise InputError(
            f"preprocessing must be a scikit-learn transformer with fit and transform; "
            f"got {type(transformer).__name__}."
        )
    if isinstance(dataset.x, list | dict):
        raise InputError(
            "preprocessing needs one x, but this dataset has "
            f"{counted(len(dataset.x), 'input')}. Put normalization layers inside the "
            "model instead."
        )
    part = dataset.take(row_positions(rows, dataset.n_rows))
    y = part.labels if part.labels is not None else part.y
    try:
        return seeded(clone(transformer), seed).fit(part.x, y)
    except (ValueError, TypeError) as error:
        raise DataError(
            f"{_name(transformer)} cannot be fitted on {counted(part.n_rows, 'row')} "
            f"of {dataset.record.name!r}: {error}"
        ) from error


def transform(
    fitted: Any, x: Features, rows: NDArray[np.int32] | None = None
) -> NDArray[np.float32]:
    """Return `x` as the fitted transformer sees it: float32 [n, features].

    Args:
        fitted: What `fit_preprocessing` returned.
        x: An array or frame with the columns it was fitted on.
        rows: What messages call the rows; their positions by default.

    Raises:
        DataError: If the result is not finite numbers, with rows and columns named.
    """
    with warnings.catch_warnings():
        # unseen categories are expected in validation rows, and have their place
        warnings.filterwarnings("ignore", message="Found unknown categories")
        try:
            result = fitted.transform(x)
        except (ValueError, TypeError, pl.exceptions.PolarsError) as error:
            raise DataError(f"{_name(fitted)} cannot transform x: {error}") from error
    dense = result.toarray() if hasattr(result, "toarray") else result
    try:
        with np.errstate(over="ignore"):
            values = np.asarray(dense).astype(np.float32)
    except (ValueError, TypeError):
        raise DataError(
            f"{_name(fitted)} leaves text in its output; expected numbers. Add a "
            "OneHotEncoder for the text columns."
        ) from None
    _check_result(fitted, values, rows)
    return values


def unknown_categories(fitted: Sequence[Any], x: Features) -> list[str]:
    """Return a sentence for each column of `x` with categories never seen in training.

    Args:
        fitted: ColumnTransformers, of several folds if there are several, of which one
            may have seen it; of other transformers nothing is known.
        x: A frame with the columns they were fitted on.
    """
    if not isinstance(x, pl.DataFrame):
        return []
    seen: dict[str, set[Any]] = {}
    for each in fitted:
        for name, categories in _categories_of(each):
            seen.setdefault(name, set()).update(categories)
    told = []
    for name, known in seen.items():
        unknown = [cell for cell in x[name].drop_nulls() if cell not in known]
        if len(unknown):
            told.append(
                f"Column {name!r} holds categories that training never saw in "
                f"{len(unknown)} of {counted(x.height, 'row')}, such as "
                f"{str(unknown[0])[:40]!r}: to the model they are none that it knows."
            )
    return told


def _categories_of(fitted: Any) -> list[tuple[str, Any]]:
    """Return the columns that are encoded as they came, with what was seen in them."""
    found: list[tuple[str, Any]] = []
    for _, step, columns in getattr(fitted, "transformers_", ()):
        steps = [each for _, each in getattr(step, "steps", [("", step)])]
        kinds = [type(each).__name__ for each in steps]
        encoded = kinds in (["OneHotEncoder"], ["SimpleImputer", "OneHotEncoder"])
        if encoded and isinstance(columns, list):
            found += zip(columns, steps[-1].categories_, strict=True)
    return found


def _check_result(
    fitted: Any, values: NDArray[np.float32], ids: NDArray[np.int32] | None
) -> None:
    bad = ~np.isfinite(values)
    if not bad.any():
        return
    places = np.flatnonzero(bad.reshape(len(values), -1).any(axis=1))
    rows: NDArray[Any] = places if ids is None else ids[places]
    columns = np.flatnonzero(bad.any(axis=0)).tolist() if values.ndim == 2 else []
    try:
        names = list(fitted.get_feature_names_out())
    except (AttributeError, ValueError):
        names = []
    told = first_few(repr(str(names[j])) if j < len(names) else j for j in columns)
    raise DataError(
        f"After {_name(fitted)}, {counted(len(rows), 'row')} (rows {first_few(rows)}) "
        f"hold NaN or infinity{f' in columns {told}' if told else ''}. Add a "
        "SimpleImputer to the preprocessing, or remove these rows."
    )


def _name(transformer: Any) -> str:
    return type(transformer).__name__
