"""The list of runs, from whatever a store lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from .formats import format_score, format_time
from .models import RunRow

if TYPE_CHECKING:
    from datetime import datetime

    from homeroom.records import Metric


class ListedRun(Protocol):
    """What a store's list says of one run."""

    @property
    def id(self) -> str:
        """The id, like digits-0007."""
        ...

    @property
    def name(self) -> str:
        """The name it was given."""
        ...

    @property
    def state(self) -> str:
        """COMPLETE, FAILED, INTERRUPTED, RUNNING or UNREADABLE."""
        ...

    @property
    def created_at(self) -> datetime | None:
        """When it began, if that can be read."""
        ...

    @property
    def candidate(self) -> str | None:
        """Which candidate was chosen."""
        ...

    @property
    def metric(self) -> Metric | None:
        """The yardstick."""
        ...

    @property
    def mean(self) -> float | None:
        """The chosen candidate's mean validation score."""
        ...

    @property
    def n_test(self) -> int:
        """How many rows were set aside."""
        ...

    @property
    def opened_at(self) -> datetime | None:
        """When the test set was opened."""
        ...

    @property
    def final_score(self) -> float | None:
        """What the final test gave."""
        ...

    @property
    def error(self) -> str | None:
        """Why it cannot be read."""
        ...


def run_row(run: ListedRun) -> RunRow:
    """Return one line of the list of runs, from what a store lists."""
    metric = run.metric
    mean = final = "–"
    if metric is not None:
        mean, final = (format_score(v, metric) for v in (run.mean, run.final_score))
    if run.opened_at is None:
        final = "sealed" if metric is not None and run.n_test else "–"
    elif run.final_score is None:
        final = "opened, no result"
    return RunRow(
        id=run.id,
        name=run.name,
        state=run.state.lower(),
        created_at=format_time(run.created_at) if run.created_at else "–",
        candidate=run.candidate or "–",
        mean=mean,
        final_test=final,
        note=run.error or "",
    )
