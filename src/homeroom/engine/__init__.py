"""Many trainings, fast: Keras's own steps, looped in one compiled epoch, in lanes.

Owns: the only door to Keras and JAX; early stopping; what a member's training is.
Never: folds, candidates, test rows, scores that choose. It is given members and rows.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .member import Arrays, Description, Member, Outcome, Training, Weights
from .stopping import EarlyStopping

if TYPE_CHECKING:
    from .architecture import blueprint, from_leaves, imported, named_leaves, rebuilt
    from .callbacks import adopt
    from .door import device, lane_count
    from .ensemble import average
    from .making import Making, Use
    from .measures import gives_logits
    from .probe import Pace
    from .saving import load_model, save_model
    from .template import clone_function
    from .training import Begun, Prepared, begin, prepare, train, trained_model

__all__ = [
    "Arrays",
    "Begun",
    "Description",
    "EarlyStopping",
    "Making",
    "Member",
    "Outcome",
    "Pace",
    "Prepared",
    "Training",
    "Use",
    "Weights",
    "adopt",
    "average",
    "begin",
    "blueprint",
    "clone_function",
    "device",
    "from_leaves",
    "gives_logits",
    "imported",
    "lane_count",
    "load_model",
    "named_leaves",
    "prepare",
    "rebuilt",
    "save_model",
    "train",
    "trained_model",
]

_LATE = {
    "Begun": "training",
    "Making": "making",
    "Pace": "probe",
    "Prepared": "training",
    "Use": "making",
    "adopt": "callbacks",
    "average": "ensemble",
    "begin": "training",
    "blueprint": "architecture",
    "clone_function": "template",
    "device": "door",
    "from_leaves": "architecture",
    "gives_logits": "measures",
    "imported": "architecture",
    "lane_count": "door",
    "load_model": "saving",
    "named_leaves": "architecture",
    "prepare": "training",
    "rebuilt": "architecture",
    "save_model": "saving",
    "train": "training",
    "trained_model": "training",
}


def __getattr__(name: str) -> Any:
    """Load the training side, and Keras with it, on first use."""
    if name in _LATE:
        return getattr(import_module(f".{_LATE[name]}", __name__), name)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
