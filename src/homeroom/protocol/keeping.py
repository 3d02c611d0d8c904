"""A bare fit or cross-validation kept in a store: a run without a sealed test."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from homeroom.data import Dataset
from homeroom.records import (
    COMPLETE,
    FAILED,
    INTERRUPTED,
    CandidateRecord,
    Examination,
    MemberRecord,
    Metric,
    PartitionRecord,
    RunRecord,
    Settings,
    SplitPlanRecord,
)
from homeroom.store import Store

from .environment import environment, where
from .materials import keep_materials
from .trials import Trials


def keep_run(  # noqa: PLR0913 - what a run is remembered by
    store: Store,
    candidate: CandidateRecord,
    dataset: Dataset,
    plan: SplitPlanRecord,
    settings: Settings,
    metric: Metric,
    members: Sequence[MemberRecord],
    examination: Examination | None,
    prepared: Trials,
) -> str:
    """Store the trainings of one model and return the id of the run.

    Materials, programs, and how many ran at once follow from the trainings `prepared`.
    The run has no test part: nothing was sealed, so nothing can be opened.
    """
    states = {member.state for member in members}
    done = FAILED if FAILED in states and COMPLETE not in states else COMPLETE
    now = datetime.now(UTC)
    record = RunRecord(
        id="",
        name=candidate.name,
        state=INTERRUPTED if INTERRUPTED in states else done,
        created_at=now,
        finished_at=now,
        dataset=dataset.record,
        partition=PartitionRecord(
            n_development=dataset.n_rows,
            n_test=0,
            stratified=False,
            seed=settings.seed,
            development_fingerprint=dataset.fingerprint,
            test_fingerprint="",
        ),
        plan=plan,
        settings=settings,
        metric=metric,
        candidates=(candidate,),
        environment=where(environment(), prepared),
        members=tuple(members),
        examination=examination,
        materials=keep_materials(store, prepared, dataset),
        programs=prepared.ledger.records(),
        seconds=sum(member.seconds for member in members),
    )
    record = store.create_run(record)
    store.update_run(record)
    return record.id
