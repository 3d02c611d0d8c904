"""How far trainings, candidates and trials are, as progress counts them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from homeroom.records import COMPLETE, INTERRUPTED, PRUNED


@dataclass(slots=True)
class TrainingTally:
    """How far one training is. `scores` are NaN until validation was measured."""

    epoch: int = 0
    now: float = math.nan
    best: float = math.nan
    state: str = ""

    @property
    def ended(self) -> bool:
        """Whether it came to an end of its own: an interrupted one did not."""
        return self.state not in {"", INTERRUPTED}


@dataclass(slots=True)
class Tally:
    """The trainings of one candidate that have begun, by fold and seed."""

    trainings: dict[tuple[int, int], TrainingTally] = field(default_factory=dict)

    def at(self, fold: int, seed: int) -> TrainingTally:
        """Return one training, from now on one that has begun."""
        return self.trainings.setdefault((fold, seed), TrainingTally())

    @property
    def running(self) -> list[TrainingTally]:
        """Those that have not ended."""
        return [t for t in self.trainings.values() if not t.state]

    @property
    def n_done(self) -> int:
        """How many came to an end of their own."""
        return sum(1 for t in self.trainings.values() if t.ended)


@dataclass(slots=True)
class TrialsTally:
    """The trials of a search that are done."""

    done: int = 0
    given_up: int = 0
    of: int = 0
    best: float = math.nan


def mark_of(training: TrainingTally) -> tuple[str, str]:
    """Return the sign of a training, and its color."""
    if not training.state:
        return "◐", "cyan"
    if training.state == PRUNED:
        return "–", "dim"
    return ("●", "green") if training.state == COMPLETE else ("✗", "red")
