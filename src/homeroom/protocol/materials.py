"""What is kept so that a run can be verified: rows, folds, and models described.

The sealed test rows are not among the rows that are kept. A table that was read from a
file is not copied: its file is read again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeroom import engine
from homeroom.data import Dataset
from homeroom.engine import Training
from homeroom.engine.reference import TRAIN, VALIDATION
from homeroom.errors import InputError
from homeroom.records import Materials
from homeroom.store import Store, dump_arrays, open_store

from .candidate import told_source
from .member import Assignment
from .trials import Trials

LIMIT = "HOMEROOM_KEEP_ROWS"
ROWS_OF_FILE, ORDER_SEEDS = "rows of the file", "order seeds"
_MOST_MEGABYTES = 256.0


def is_whole_file(dataset: Dataset) -> bool:
    """Return whether the rows of a dataset are those of the file it was read from."""
    known = dataset.record
    return known.file is not None and dataset.fingerprint == known.fingerprint


def limit_in_megabytes() -> float:
    """Return how many megabytes of rows a run may keep; 0 keeps none.

    Raises:
        InputError: If the environment variable is no number of megabytes.
    """
    told = os.environ.get(LIMIT) or str(_MOST_MEGABYTES)
    try:
        limit = float(told)
    except ValueError:
        limit = -1.0
    if not limit >= 0:
        raise InputError(
            f"{LIMIT}={told!r} is no number of megabytes. Set it to 0 to keep no rows, "
            f"to a number from 0 on, or not at all for {_MOST_MEGABYTES:.0f}."
        )
    return limit


def open_keeping(place: str | Path | None) -> Store:
    """Open the store that a run and its materials will go to.

    Raises:
        InputError: If the limit of what is kept is no number: before anything trains.
    """
    limit_in_megabytes()
    return open_store(place)


def keep_materials(
    store: Store,
    trials: Trials,
    dataset: Dataset,
    file_rows: NDArray[Any] | None = None,
) -> Materials | None:
    """Keep what the trainings can be made again from; None where no model is Keras's.

    Args:
        store: Where it is kept.
        trials: All trainings of the run.
        dataset: The development rows.
        file_rows: Which rows of their file these are, where they will be read again.
    """
    mine = [each for each in trials.assignments if each.candidate.kind == "keras"]
    if not mine:
        return None
    folds: dict[str, NDArray[Any]] = {
        f"fold {each.fold}": _parts(each, dataset.n_rows) for each in mine
    }
    folds[ORDER_SEEDS] = _order_seeds(mine)
    if file_rows is not None:
        folds[ROWS_OF_FILE] = np.asarray(file_rows, np.int32)
    rows, why = ((), "") if file_rows is not None else _kept_rows(store, mine)
    return Materials(
        folds=store.put_artifact(dump_arrays(folds), "folds"),
        rows=rows,
        table=dataset.record.file if file_rows is not None else None,
        groups=dataset.record.groups if file_rows is not None else None,
        models=_described(store, mine, trials.training),
        class_weight=trials.training.class_weight,
        without_rows=why,
    )


def _parts(assignment: Assignment, n_rows: int) -> NDArray[np.uint8]:
    """Return what a fold makes of each row."""
    parts = np.zeros(n_rows, np.uint8)
    parts[assignment.member.train_rows] = TRAIN
    if assignment.member.validation_rows is not None:
        parts[assignment.member.validation_rows] = VALIDATION
    return parts


def _order_seeds(assignments: Sequence[Assignment]) -> NDArray[np.int64]:
    """Return the order seeds [fold, seed]."""
    n_folds = 1 + max(each.fold for each in assignments)
    n_seeds = 1 + max(each.seed_index for each in assignments)
    seeds = np.zeros((n_folds, n_seeds), np.int64)
    for each in assignments:
        seeds[each.fold, each.seed_index] = each.member.order_seed
    return seeds


def _kept_rows(
    store: Store, assignments: Sequence[Assignment]
) -> tuple[tuple[str, ...], str]:
    """Keep the rows as Keras is given them; return their addresses, or why not."""
    limit = limit_in_megabytes()
    arrays = {each.fold: each.member.arrays for each in assignments}
    distinct = {id(each): engine.named_leaves(each) for each in arrays.values()}
    size = sum(leaf.nbytes for named in distinct.values() for leaf in named.values())
    if size > limit * 1e6:
        return (), (
            f"its rows have {size / 1e6:,.0f} MB, and the store keeps up to "
            f"{limit:,.0f} MB of a run ({LIMIT} sets another limit, before a run)"
        )
    kept = {
        key: store.put_artifact(dump_arrays(named), "rows")
        for key, named in distinct.items()
    }
    return tuple(kept[id(each)] for _, each in sorted(arrays.items())), ""


def _described(
    store: Store, assignments: Sequence[Assignment], training: Training
) -> dict[str, tuple[str, ...]]:
    """Keep a description of each model; return the addresses by candidate and fold.

    A fold has a model of its own where its rows decide an argument or a width.
    """
    first: dict[tuple[str, int], Assignment] = {}
    for each in assignments:
        first.setdefault((each.candidate.name, each.fold), each)
    known: dict[Any, str] = {}
    found: dict[str, list[str]] = {}
    for (name, _), each in sorted(first.items(), key=lambda item: item[0][1]):
        given = _arguments_in(each.member.build)
        key = (name, each.member.group, each.fold if given is None else given)
        if key not in known:
            told = json.dumps(_description(each, training)).encode()
            known[key] = store.put_artifact(told, "model description")
        found.setdefault(name, []).append(known[key])
    return {name: tuple(addresses) for name, addresses in found.items()}


def _description(assignment: Assignment, training: Training) -> dict[str, Any]:
    member = assignment.member
    told = _arguments_in(member.build)
    arguments = None if told is None else json.loads(told)
    source = told_source(assignment.candidate.source)
    try:
        described = engine.blueprint(
            member.build, member.seed, member.arrays, training.batch_size
        )
    except Exception as error:  # noqa: BLE001 - a model function's; training tells of it
        described = {"reason": f"it could not be made to be described ({error})"}
    return {"source": source, "arguments": arguments, **described}


def _arguments_in(build: Any) -> str | None:
    """Return, as JSON, what a model function is called with; None if JSON cannot."""
    if not isinstance(build, partial):
        return "{}"
    if build.args:
        return None
    try:
        return json.dumps(build.keywords, sort_keys=True, default=_plain)
    except (TypeError, ValueError):
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError
