"""What trainings will cost, measured on a few batches before any of them is made."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence

import numpy as np

from homeroom.engine import Pace
from homeroom.records import CandidateCost, Forecast

from .member import INNER_SPLIT, ONE_STD_ERR, Assignment
from .trials import Trials

try:
    import resource
except ImportError:  # Windows does not tell
    resource = None  # type: ignore[assignment]

Paces = Mapping[Hashable, Pace | str]
_CALLS_AT_ONCE = 2  # a lane may hold the call with the best epoch beside the last


def forecast(
    prepared: Trials, epoch_choice: str, tuned: Sequence[str] = ()
) -> Forecast:
    """Return what the trainings will cost on this machine, as it is now.

    Args:
        prepared: Trainings that can begin.
        epoch_choice: Two of the ways to choose the epoch train twice.
        tuned: Names of candidates whose search comes first, which is not foreseen.
    """
    by_name: dict[str, list[Assignment]] = {}
    for each in prepared.assignments:
        by_name.setdefault(each.candidate.name, []).append(each)
    compiled = prepared.compiled
    paces = {} if compiled is None else compiled.paces()
    n_lanes = 1 if compiled is None else compiled.plan.at_once
    costs, seconds, bytes_each, undecided = [], np.zeros(2), 0, 0
    for name, mine in by_name.items():
        cost = _cost(name, mine, prepared, paces)
        costs.append(cost)
        if cost.seconds_per_epoch is None:
            continue
        found = _paces_of(mine, paces)
        once = float(np.mean([pace.seconds_once for pace in found]))
        epochs = np.array([cost.least_epochs, cost.most_epochs])
        # epochs run side by side in all lanes, Python one line after the other
        training = epochs * cost.seconds_per_epoch / n_lanes + once
        seconds += cost.n_trainings * training
        bytes_each = max(bytes_each, *(pace.bytes_each for pace in found))
        waiting = max(Counter(each.member.cohort for each in mine).values())
        each_waits = max(pace.bytes_undecided for pace in found)
        undecided = max(undecided, waiting * each_waits)
    if epoch_choice in {ONE_STD_ERR, INNER_SPLIT}:
        seconds[1] *= 2
    now = _peak_bytes()
    more = n_lanes * _CALLS_AT_ONCE * bytes_each + undecided
    return Forecast(
        n_lanes=n_lanes,
        costs=(*costs, *map(_searched, tuned)),
        seconds=(float(seconds[0]), float(seconds[1])),
        peak_bytes=None if now is None else now + more,
        programs=prepared.ledger.records(),
    )


def _cost(
    name: str, mine: Sequence[Assignment], prepared: Trials, paces: Paces
) -> CandidateCost:
    training = prepared.training
    least = training.epochs
    if (rule := training.early_stopping) is not None:
        soonest = rule.start_from_epoch + max(rule.patience, 1) + 1
        least = min(training.epochs, soonest)
    per_epoch, reason = None, ""
    if mine[0].candidate.kind == "estimator":
        least, reason = 0, "a scikit-learn estimator has no epochs"
    else:
        why = [w for e in mine if isinstance(w := paces[e.member.group], str)]
        if why:
            reason = f"plain Keras trains it: {why[0]}"
        else:
            found = [pace.seconds_per_epoch for pace in _paces_of(mine, paces)]
            per_epoch = float(np.mean(found))
    return CandidateCost(
        candidate=name,
        n_trainings=len(mine),
        least_epochs=least,
        most_epochs=training.epochs if least else 0,
        seconds_per_epoch=per_epoch,
        reason=reason,
    )


def _paces_of(mine: Sequence[Assignment], paces: Paces) -> list[Pace]:
    found = (paces[each.member.group] for each in mine)
    return [pace for pace in found if isinstance(pace, Pace)]


def _searched(name: str) -> CandidateCost:
    return CandidateCost(
        candidate=name,
        n_trainings=0,
        least_epochs=0,
        most_epochs=0,
        seconds_per_epoch=None,
        reason="a search comes first",
    )


def _peak_bytes() -> int | None:
    """Return the most memory that this process has held so far."""
    if resource is None:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * unit
