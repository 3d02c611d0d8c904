"""The dataset doctor: what is wrong with data and folds, before and after training.

Owns: every check, its threshold and its words; the sheet of the eight leakages.
Never: trains a candidate, repairs data, or reads test rows before they are opened.
"""

from .afterwards import examine_losses, examine_opening, row_losses
from .case import Case, Part
from .examination import CHECKS, examine, refuse_leaks
from .fingerprints import row_fingerprints

__all__ = [
    "CHECKS",
    "Case",
    "Part",
    "examine",
    "examine_losses",
    "examine_opening",
    "refuse_leaks",
    "row_fingerprints",
    "row_losses",
]
