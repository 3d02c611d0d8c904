"""The discipline: the only room that joins data, splits, engine, judgement and store.

Owns: fit, cross-validate, experiment, refit, the final test, prediction,
verification.
Never: reads test rows outside final_test.py, or lets two scores pass for each other.
"""

from .candidate import Candidate, as_candidate
from .cases import SelectionStudy, selection_study
from .cross_validation import CrossValidation, cross_validate
from .defaults import default_batch_size, default_candidates
from .examining import examine
from .experiment import Experiment
from .fit_result import FitResult
from .fitting import Interrupted, fit
from .nested import NestedCrossValidation, nested_cross_validate
from .papers import PassesStudy, passes_study
from .prediction import predict_file, stored_winner
from .run import Run
from .tuning import Search, tune
from .verification import verify

__all__ = [
    "Candidate",
    "CrossValidation",
    "Experiment",
    "FitResult",
    "Interrupted",
    "NestedCrossValidation",
    "PassesStudy",
    "Run",
    "Search",
    "SelectionStudy",
    "as_candidate",
    "cross_validate",
    "default_batch_size",
    "default_candidates",
    "examine",
    "fit",
    "nested_cross_validate",
    "passes_study",
    "predict_file",
    "selection_study",
    "stored_winner",
    "tune",
    "verify",
]
