"""A run from its first training to its last: tune, train, choose, refit."""

from __future__ import annotations

import time as clock
from datetime import UTC, datetime
from typing import Any

from homeroom.doctor import Case
from homeroom.records import (
    COMPLETE,
    FAILED,
    INTERRUPTED,
    Listener,
    RunRecord,
    SearchRecord,
    StageStarted,
)
from homeroom.store import Store

from .answers import counted, out_of_fold
from .baselines import train_baselines
from .choosing import select
from .environment import where
from .examining import after_training
from .final_model import ship
from .final_test import SealedTest
from .fitting import Interrupted
from .materials import keep_materials
from .run import Run, evolved
from .tuned import Entry, searched
from .winner import keep_winner


def carry_out(
    record: RunRecord,
    case: Case,
    entry: Entry,
    sealed: SealedTest,
    store: Store,
    tell: Listener,
    rule: Any,
) -> Run:
    """Train everything that takes part, choose, refit; every step is stored.

    Raises:
        Interrupted: If Ctrl-C came; what was done is kept.
        FitError: If every candidate has a failed training, or the refit fails.
    """
    started, development = clock.perf_counter(), entry.ground.dataset

    def left(state: str, error: str | None = None) -> RunRecord:
        return evolved(
            record,
            state=state,
            error=error,
            finished_at=datetime.now(UTC),
            seconds=clock.perf_counter() - started,
            programs=entry.ground.ledger.records(),
        )

    def keep_search(found: SearchRecord) -> None:
        nonlocal record
        record = evolved(record, searches=(*record.searches, found))
        store.update_run(record)

    try:
        candidates = entry.tune(record.metric, tell, keep_search)
        prepared = entry.ready(candidates)
        if record.searches:
            record = searched(record, candidates, prepared)
        record = evolved(
            record,
            environment=where(record.environment, prepared),
            materials=keep_materials(
                store, prepared, development, entry.ground.file_rows
            ),
        )
        store.update_run(record)
        blind = train_baselines(
            development,
            prepared.assignments,
            record.metric,
            {each.loss for each in prepared.descriptions.values()},
        )
        record = evolved(record, baselines=blind)
        results = entry.passes(prepared).run(
            record.settings,
            record.metric,
            tell,
            keep=lambda result: store.save_member(record.id, result.record),
        )
        names = [candidate.name for candidate in record.candidates]
        members = sorted(
            (result.record for result in results),
            key=lambda member: names.index(member.candidate),
        )
        record = evolved(record, members=tuple(members))
        if any(member.state == INTERRUPTED for member in members):
            raise KeyboardInterrupt
        by_name = {
            name: [r for r in results if r.record.candidate == name] for name in names
        }
        told = {name: out_of_fold(by_name[name], case.n_rows) for name in names}
        assert record.examination is not None
        record = evolved(
            record, examination=after_training(record.examination, case, told)
        )
        record = evolved(record, selection=select(record, rule))
        tell(StageStarted("refit"))
        winner, shipped = ship(record, candidates, results, entry.ground, tell)
        record = evolved(
            record,
            refit=keep_winner(winner, shipped, store, tell),
            out_of_fold=counted(
                told[winner.name],
                by_name[winner.name],
                development,
                logits=prepared.descriptions[winner.name].logits,
            ),
        )
    except KeyboardInterrupt:
        store.update_run(left(INTERRUPTED))
        record = store.read_run(record.id)  # with the trainings kept until then
        raise Interrupted(Run(record, store, None, None)) from None
    except Exception as error:
        store.update_run(left(FAILED, str(error)))
        raise
    record = left(COMPLETE)
    store.update_run(record)
    return Run(record, store, winner, sealed, told[winner.name])
