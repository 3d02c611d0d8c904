"""What is shown to the doctor: rows, the parts they were cut into, what is declared."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .columns import Columns
from .fingerprints import row_fingerprints

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from homeroom.data import Dataset

_SHOWN = 5
_MOST_CLASSES = 10_000


@dataclass(frozen=True, eq=False)
class Part:
    """One pair of parts, by row position.

    Args:
        name: How a finding calls it, such as "fold 2".
        train: Row positions, integers [m].
        validation: Row positions, integers [k].
    """

    name: str
    train: NDArray[Any]
    validation: NDArray[Any]


@dataclass(frozen=True, eq=False)
class Case:
    """A dataset, how it was cut, and what was declared of it.

    Args:
        dataset: The rows to look at: never the sealed test rows.
        parts: Train and validation rows of every fold; empty when nothing is held out.
        strategy: How the parts were made, in words.
        time: When each row was, numbers or text that sorts [n].
        sealed: The fingerprints of the sealed test rows, if there are any.
        ordered: Whether the parts follow the order of the rows on purpose.
        fitted_inside: Whether preprocessing is fitted on each fold's train rows.
        seed: Decides the samples that costly checks draw.
    """

    dataset: Dataset
    parts: Sequence[Part] = ()
    strategy: str = ""
    time: NDArray[Any] | None = None
    sealed: NDArray[np.uint64] | None = None
    ordered: bool = False
    fitted_inside: bool = False
    seed: int = field(default=0, kw_only=True)

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return self.dataset.n_rows

    @cached_property
    def labels(self) -> NDArray[np.int32] | None:
        """The class of every row as a small number from 0, if there is one."""
        labels = self.dataset.labels
        if labels is None or _are_small(labels):
            return labels
        return np.unique(labels, return_inverse=True)[1].astype(np.int32)

    @property
    def class_names(self) -> list[str]:
        """The names of the classes 0, 1, 2, …."""
        labels = self.labels
        if labels is None:
            return []
        given = self.dataset.labels
        if given is not None and not _are_small(given):
            return [str(label) for label in np.unique(given)]
        n = int(labels.max()) + 1 if len(labels) else 0
        named = [str(name) for name in self.dataset.record.classes]
        return named + [str(i) for i in range(len(named), n)]

    @cached_property
    def quantity(self) -> NDArray[np.float64] | None:
        """The number to predict of every row, if there is one per row."""
        y = self.dataset.y
        if self.dataset.record.task != "regression" or not isinstance(y, np.ndarray):
            return None
        flat = y.reshape(len(y), -1)
        return flat[:, 0].astype(np.float64) if flat.shape[1] == 1 else None

    @cached_property
    def fingerprints(self) -> NDArray[np.uint64]:
        """One fingerprint per row of x."""
        return row_fingerprints(self.dataset)

    @cached_property
    def columns(self) -> Columns:
        """The columns of x."""
        return Columns(self.dataset.x)

    def row_ids(self, rows: Any) -> tuple[int, ...]:
        """Return what a finding calls the first few of these row positions."""
        few, ids = np.asarray(rows)[:_SHOWN], self.dataset.ids
        return tuple(int(i) for i in (few if ids is None else ids[few]))


def _are_small(labels: NDArray[np.int32]) -> bool:
    """Return whether labels can be counted: a loss may want -1 and 1, or codes."""
    return bool(labels.min(initial=0) >= 0 and labels.max(initial=0) < _MOST_CLASSES)
