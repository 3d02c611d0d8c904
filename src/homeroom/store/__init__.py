"""Where runs stay: the only door to SQLAlchemy and skops.

Owns: the store file, run ids, artifacts by SHA-256, and the claims on sealed tests.
Never: data, training, judgement, a pickle, or an answer from a file it cannot verify.
"""

from .artifacts import dump_arrays, dump_estimator, load_arrays, load_estimator
from .opening import open_store
from .store import UNREADABLE, Opening, RunSummary, Store

__all__ = [
    "UNREADABLE",
    "Opening",
    "RunSummary",
    "Store",
    "dump_arrays",
    "dump_estimator",
    "load_arrays",
    "load_estimator",
    "open_store",
]
