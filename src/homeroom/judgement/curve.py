"""The curve of many trainings: a mean, a band, and how many stand behind each epoch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from homeroom.errors import InputError, did_you_mean
from homeroom.records import COMPLETE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeroom.records import MemberRecord


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """A series over epochs, averaged over folds; all tuples have one value per epoch.

    Seeds are averaged inside their fold first. `low` and `high` are the lowest and
    the highest fold, `sd` the spread of the folds (ddof=1, NaN for one fold). `n`
    counts the trainings that reached the epoch with a finite value: where it drops,
    early stopping has ended some, and the mean is of the others. Where it is 0 the
    other values are NaN.
    """

    key: str
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    sd: tuple[float, ...]
    n: tuple[int, ...]


def mean_curve(members: Sequence[MemberRecord], key: str) -> Curve:
    """Average one series of the histories over folds, epoch by epoch.

    Only complete trainings count, as in `summarize`. A training that has stopped
    contributes to no later epoch.

    Args:
        members: The trainings of one candidate.
        key: A history key, such as "val_loss".

    Raises:
        InputError: If complete trainings exist but none has this series.

    >>> from homeroom.records import History, MemberRecord
    >>> members = [
    ...     MemberRecord(candidate="mlp", fold=fold, seed_index=0, seed=7, scores={},
    ...                  state="COMPLETE", history=History({"val_loss": losses}))
    ...     for fold, losses in enumerate([(1.0, 0.5), (2.0,)])
    ... ]
    >>> curve = mean_curve(members, "val_loss")
    >>> curve.mean, curve.n
    ((1.5, 0.5), (2, 1))
    """
    complete = [m for m in members if m.state == COMPLETE]
    known = sorted({name for m in complete for name in m.history.series})
    if complete and key not in known:
        raise InputError(
            f"No training has a series {key!r}; there are {', '.join(known) or 'none'}."
            f"{did_you_mean(key, known)}"
        )
    with_series = [m for m in complete if key in m.history.series]
    n_epochs = max((len(m.history.series[key]) for m in with_series), default=0)
    rows = [_at_epoch(with_series, key, epoch) for epoch in range(n_epochs)]
    return Curve(
        key=key,
        mean=tuple(row[0] for row in rows),
        low=tuple(row[1] for row in rows),
        high=tuple(row[2] for row in rows),
        sd=tuple(row[3] for row in rows),
        n=tuple(row[4] for row in rows),
    )


def _at_epoch(
    members: Sequence[MemberRecord], key: str, epoch: int
) -> tuple[float, float, float, float, int]:
    by_fold: dict[int, list[float]] = {}
    for member in members:
        values = member.history.series[key]
        if epoch < len(values) and math.isfinite(values[epoch]):
            by_fold.setdefault(member.fold, []).append(values[epoch])
    if not by_fold:
        return math.nan, math.nan, math.nan, math.nan, 0
    folds = np.array([np.mean(values) for values in by_fold.values()])
    sd = float(folds.std(ddof=1)) if len(folds) > 1 else math.nan
    n = sum(map(len, by_fold.values()))
    return float(folds.mean()), float(folds.min()), float(folds.max()), sd, n
