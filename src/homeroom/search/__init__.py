"""What to try next: spaces of hyperparameters, samplers, when to give a trial up.

Owns: what a space may hold, the order of trials, the rungs of pruning; Optuna.
Never: trains or scores, and never asks what ran at the same time.
"""

from .hyperband import Rung, best_until, falls_behind, rungs
from .keras_tuner import HyperParameters, takes_hp
from .spaces import (
    Choice,
    Fixed,
    Integers,
    Space,
    Uniform,
    as_space,
    choice,
    integers,
    log_uniform,
    names_in,
    uniform,
)
from .study import BATCH, SAMPLERS, Answer, Study, grid_size, make_study

__all__ = [
    "BATCH",
    "SAMPLERS",
    "Answer",
    "Choice",
    "Fixed",
    "HyperParameters",
    "Integers",
    "Rung",
    "Space",
    "Study",
    "Uniform",
    "as_space",
    "best_until",
    "choice",
    "falls_behind",
    "grid_size",
    "integers",
    "log_uniform",
    "make_study",
    "names_in",
    "rungs",
    "takes_hp",
    "uniform",
]
