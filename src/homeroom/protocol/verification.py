"""Stored trainings made again with plain Keras, and held against the record."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from homeroom.errors import FitError, InputError, did_you_mean
from homeroom.records import (
    COMPLETE,
    EpochEnded,
    LeftOut,
    Listener,
    MemberEnded,
    MemberRecord,
    RunRecord,
    StageStarted,
    Verification,
    VerifiedMember,
)
from homeroom.store import Store

from .again import Supply
from .listening import check_verbose, progress
from .reference import answers
from .sameness import compared
from .sampling import spread

LEAST = 3
ALL = "all"
_ESTIMATOR = "scikit-learn trained them, and there is nothing to hold them against"


def verify(
    run: RunRecord,
    store: Store,
    *,
    members: int | str | None = None,
    file: str | Path | None = None,
    models: Mapping[str, str] | None = None,
    verbose: int | str = "auto",
    listener: Listener | None = None,
) -> Verification:
    """Train members of a stored run again with `keras.Model.fit`, and compare.

    It happens in a fresh process, from the recorded seeds, on the recorded rows in the
    recorded order. Histories are compared value by value, but for `train_eval_*`, which
    `fit` does not measure; weights by the fingerprints of what was kept, and where
    these differ, by the largest difference to a second training by the engine.

    Args:
        run: The stored run.
        store: Where it and its materials are.
        members: How many trainings, or "all". None: one of each candidate, and three
            at least. Which ones is the same every time.
        file: Where the table is now, if its file was moved.
        models: Import paths "module:function" of candidates whose model has parts of
            its own. These modules are imported; nothing that is stored is.
        verbose: "auto" shows progress on a terminal, 0 never, 1 always.
        listener: Called with each event instead of showing progress.

    Raises:
        InputError: If an argument is wrong, the run cannot be verified, or its file is
            not there.
        DataError: If the file does not hold the rows that were trained on.
        FitError: If the process ends before its work does.
    """
    check_verbose(verbose)
    n = _check_number(members)
    functions = _check_models(models or {}, run)
    materials = run.materials
    if materials is None and any(each.kind == "keras" for each in run.candidates):
        if not run.members:
            raise InputError(
                f"Run {run.id!r} is {run.state} and ended before its trainings: there "
                "is nothing to verify."
            )
        raise InputError(
            f"Run {run.id!r} was made by an earlier version, which kept neither its "
            "rows nor its models. Make it again to verify it."
        )
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="homeroom-") as folder:
        supply = None
        if materials is not None:
            place = None if file is None else Path(file)
            supply = Supply(run, materials, store, place, functions, Path(folder))
        groups, left_out = _sorted_out(run, supply)
        chosen = spread(groups, max(LEAST, len(groups)) if members is None else n)
        found = _Found()
        if chosen and supply is not None:
            supply.check_rows()
            with progress(verbose, run.metric, listener, list(groups)) as tell:
                found = _trained_again(run, supply, chosen, tell)
    return Verification(
        run=run.id,
        n_members=len(run.members),
        members=found.members,
        left_out=left_out,
        versions=found.versions,
        recorded={
            name: run.environment.versions.get(name, "") for name in found.versions
        },
        device=found.device,
        seconds=time.perf_counter() - started,
    )


@dataclass(frozen=True)
class _Found:
    members: tuple[VerifiedMember, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    device: str = "cpu"


def _check_number(members: int | str | None) -> int | None:
    if members is None or members == ALL:
        return None
    if isinstance(members, bool) or not isinstance(members, int) or members < 1:
        raise InputError(
            f"members={members!r}: use a whole number, 1 or more, or {ALL!r}."
        )
    return members


def _check_models(models: Mapping[str, str], run: RunRecord) -> Mapping[str, str]:
    names = [each.name for each in run.candidates if each.kind == "keras"]
    for name, path in models.items():
        if name not in names:
            raise InputError(
                f"Run {run.id!r} has no Keras candidate {name!r}; it has: "
                f"{', '.join(names)}.{did_you_mean(name, names)}"
            )
        module, colon, function = path.partition(":")
        if not (module and colon and function):
            raise InputError(
                f"{path!r} is not an import path: write module:function, such as "
                "my_models:mlp."
            )
    return models


def _sorted_out(
    run: RunRecord, supply: Supply | None
) -> tuple[dict[str, list[MemberRecord]], tuple[LeftOut, ...]]:
    """Return what can be made again, by candidate, and what cannot, with the reason."""
    groups: dict[str, list[MemberRecord]] = {}
    left_out: dict[tuple[str, str], int] = {}
    for candidate in run.candidates:
        reason = _why_not(candidate.kind, candidate.name, supply)
        for member in run.members_of(candidate.name):
            why = reason
            if not why and member.state != COMPLETE:
                why = f"ended as {member.state}"
            if why:
                key = candidate.name, why
                left_out[key] = left_out.get(key, 0) + 1
            else:
                groups.setdefault(candidate.name, []).append(member)
    return groups, tuple(
        LeftOut(candidate=name, n=n, reason=why, estimator=why == _ESTIMATOR)
        for (name, why), n in left_out.items()
    )


def _why_not(kind: str, name: str, supply: Supply | None) -> str:
    if kind == "estimator" or supply is None:
        return _ESTIMATOR
    if supply.materials.without_rows:
        return supply.materials.without_rows
    return supply.why_not(name)


def _trained_again(
    run: RunRecord, supply: Supply, chosen: Sequence[MemberRecord], tell: Listener
) -> _Found:
    tasks = [supply.task(number, member) for number, member in enumerate(chosen)]
    longest = max(task["epochs"] for task in tasks)
    tell(StageStarted("plain keras.Model.fit", len(tasks), longest))
    found: dict[int, VerifiedMember] = {}
    versions: dict[str, str] = {}
    device = run.environment.device
    import_from = [os.getcwd()] if supply.functions else []
    for told in answers(tasks, import_from):
        if "versions" in told:
            versions = told["versions"]
            if told["device"] != "cpu":  # on a CPU only if both were
                device = told["device"]
            continue
        member = chosen[told["task"]]
        if "epoch" in told:
            at = member.candidate, member.fold, member.seed_index
            tell(EpochEnded(*at, told["epoch"], told["logs"]))
            continue
        task = tasks[told["task"]]
        found[told["task"]] = compared(member, told, task, supply, device)
        tell(MemberEnded(member))
    if len(found) != len(tasks):
        raise FitError("The process that trains with plain Keras left trainings out.")
    return _Found(tuple(found[i] for i in range(len(tasks))), versions, device)
