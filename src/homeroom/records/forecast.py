"""What a run will cost, said before it is trained."""

from __future__ import annotations

import msgspec

from .program import ProgramRecord


class CandidateCost(msgspec.Struct, frozen=True, kw_only=True):
    """What the trainings of one candidate will take.

    `seconds_per_epoch` is that of one training while every lane is busy, measured on
    a few batches; None for what is not foreseen, and then `reason` says why.
    `least_epochs` is where early stopping can end a training at the soonest.
    """

    candidate: str
    n_trainings: int
    least_epochs: int
    most_epochs: int
    seconds_per_epoch: float | None
    reason: str = ""


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What the trainings of a run will cost on this machine.

    `seconds` is a range: from every training stopped as soon as patience allows to
    every epoch trained; `n_lanes` trainings run at once. `peak_bytes` is the memory of
    the process at its highest, None where the system does not tell. Tuning, refit and
    final test are not in it.
    """

    n_lanes: int
    costs: tuple[CandidateCost, ...]
    seconds: tuple[float, float]
    peak_bytes: int | None
    programs: tuple[ProgramRecord, ...]

    @property
    def n_trainings(self) -> int:
        """How many trainings there are, those that are not foreseen too."""
        return sum(cost.n_trainings for cost in self.costs)
