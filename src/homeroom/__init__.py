"""Homeroom: `keras.Model.fit` with the honest half of the job built in.

The names below are the whole public surface. Each one is loaded from its room when
it is first used, so that `import homeroom` costs no more than the import of an
empty package and `homeroom --help` does not wait for Keras.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from homeroom.data import Dataset, read_table
    from homeroom.engine.stopping import EarlyStopping
    from homeroom.errors import (
        DataError,
        FitError,
        HomeroomError,
        InputError,
        LeakageError,
        SealError,
        StoreError,
    )
    from homeroom.protocol import (
        CrossValidation,
        Experiment,
        FitResult,
        NestedCrossValidation,
        PassesStudy,
        Run,
        Search,
        SelectionStudy,
        cross_validate,
        examine,
        fit,
        nested_cross_validate,
        passes_study,
        selection_study,
        tune,
    )
    from homeroom.records import Metric
    from homeroom.search.spaces import choice, integers, log_uniform, uniform
    from homeroom.splits import (
        GroupKFold,
        KFold,
        RepeatedKFold,
        StratifiedKFold,
        TimeSeriesSplit,
    )

__version__ = "0.1.0"

# Keras falls back on TensorFlow, which is not ours to install. Whoever has chosen a
# backend keeps it, and is told before training if it is not this one.
os.environ.setdefault("KERAS_BACKEND", "jax")

__all__ = [
    "CrossValidation",
    "DataError",
    "Dataset",
    "EarlyStopping",
    "Experiment",
    "FitError",
    "FitResult",
    "GroupKFold",
    "HomeroomError",
    "InputError",
    "KFold",
    "LeakageError",
    "Metric",
    "NestedCrossValidation",
    "PassesStudy",
    "RepeatedKFold",
    "Run",
    "SealError",
    "Search",
    "SelectionStudy",
    "StoreError",
    "StratifiedKFold",
    "TimeSeriesSplit",
    "__version__",
    "choice",
    "cross_validate",
    "examine",
    "fit",
    "integers",
    "log_uniform",
    "nested_cross_validate",
    "passes_study",
    "read_table",
    "selection_study",
    "tune",
    "uniform",
]

_ROOM_OF = {
    "CrossValidation": "homeroom.protocol",
    "DataError": "homeroom.errors",
    "Dataset": "homeroom.data",
    "EarlyStopping": "homeroom.engine.stopping",
    "Experiment": "homeroom.protocol",
    "FitError": "homeroom.errors",
    "FitResult": "homeroom.protocol",
    "GroupKFold": "homeroom.splits",
    "HomeroomError": "homeroom.errors",
    "InputError": "homeroom.errors",
    "KFold": "homeroom.splits",
    "LeakageError": "homeroom.errors",
    "Metric": "homeroom.records",
    "NestedCrossValidation": "homeroom.protocol",
    "PassesStudy": "homeroom.protocol",
    "RepeatedKFold": "homeroom.splits",
    "Run": "homeroom.protocol",
    "SealError": "homeroom.errors",
    "Search": "homeroom.protocol",
    "SelectionStudy": "homeroom.protocol",
    "StoreError": "homeroom.errors",
    "StratifiedKFold": "homeroom.splits",
    "TimeSeriesSplit": "homeroom.splits",
    "choice": "homeroom.search.spaces",
    "cross_validate": "homeroom.protocol",
    "examine": "homeroom.protocol",
    "fit": "homeroom.protocol",
    "integers": "homeroom.search.spaces",
    "log_uniform": "homeroom.search.spaces",
    "nested_cross_validate": "homeroom.protocol",
    "passes_study": "homeroom.protocol",
    "read_table": "homeroom.data",
    "selection_study": "homeroom.protocol",
    "tune": "homeroom.protocol",
    "uniform": "homeroom.search.spaces",
}


def __getattr__(name: str) -> Any:
    if name not in _ROOM_OF:
        msg = f"module 'homeroom' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(_ROOM_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
