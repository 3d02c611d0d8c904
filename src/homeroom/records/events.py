"""What is told while it happens. Events are told, never asked: no handler answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import msgspec

from .examination import Examination
from .member import MemberRecord
from .search import TrialRecord


class StageStarted(msgspec.Struct, frozen=True):
    """A part of the protocol begins: "training", "refit", "final test"."""

    stage: str
    n_members: int = 0
    epochs: int = 0


class EpochEnded(msgspec.Struct, frozen=True):
    """A member has finished an epoch (0-based). `logs` has Keras's keys."""

    candidate: str
    fold: int
    seed_index: int
    epoch: int
    logs: dict[str, float]


class MemberEnded(msgspec.Struct, frozen=True):
    """A member is done, in whatever state."""

    member: MemberRecord


class TrialEnded(msgspec.Struct, frozen=True):
    """A trial of a search is done; `score` is its mean, of all folds or fewer."""

    trial: TrialRecord
    score: float
    n_trials: int


class Note(msgspec.Struct, frozen=True):
    """Something a person should read: what was inferred, left out, fallen back to."""

    text: str


class Examined(msgspec.Struct, frozen=True):
    """The dataset doctor has looked at the data and its folds before training."""

    examination: Examination


Event: TypeAlias = (
    StageStarted | EpochEnded | MemberEnded | TrialEnded | Note | Examined
)
Listener: TypeAlias = Callable[[Event], None]
