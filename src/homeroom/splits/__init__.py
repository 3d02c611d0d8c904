"""Splits: who may see which rows, decided before anything is trained.

Owns: the sealed test cut, strategies, split plans and the checks against leaks.
Never: reads what rows mean beyond class and group, trains, or scores.
"""

from .cuts import Partition, holdout, partition
from .plan import Fold, SplitPlan, fold_record, make_plan, summarize
from .strategies import (
    GroupKFold,
    KFold,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    Strategy,
    StratifiedKFold,
    TimeSeriesSplit,
)

__all__ = [
    "Fold",
    "GroupKFold",
    "KFold",
    "Partition",
    "RepeatedKFold",
    "RepeatedStratifiedKFold",
    "SplitPlan",
    "Strategy",
    "StratifiedKFold",
    "TimeSeriesSplit",
    "fold_record",
    "holdout",
    "make_plan",
    "partition",
    "summarize",
]
