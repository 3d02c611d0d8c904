"""Data: what is known, converted and checked once, at the door.

Owns: Dataset, the ways into it, input checks, preprocessing inside a fold.
Never: decides who may see which rows, or trains a model.
"""

from .arrays import from_arrays, in_order, rows_together
from .builtin import BUILTIN, load
from .checks import check_probabilities, check_rows, check_sparse_labels
from .dataset import Array, Arrays, Dataset, Features, row_positions
from .joining import join
from .preprocessing import (
    fit_preprocessing,
    seeded,
    table_preprocessing,
    transform,
    unknown_categories,
)
from .table import NewTable, frame_for, read_table
from .wording import counted, first_few

__all__ = [
    "BUILTIN",
    "Array",
    "Arrays",
    "Dataset",
    "Features",
    "NewTable",
    "check_probabilities",
    "check_rows",
    "check_sparse_labels",
    "counted",
    "first_few",
    "fit_preprocessing",
    "frame_for",
    "from_arrays",
    "in_order",
    "join",
    "load",
    "read_table",
    "row_positions",
    "rows_together",
    "seeded",
    "table_preprocessing",
    "transform",
    "unknown_categories",
]
