"""The seam: what every store promises, and the two small answers it gives."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

import msgspec

from homeroom.records import FinalTest, MemberRecord, Metric, RunRecord

UNREADABLE = "UNREADABLE"


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list of runs.

    A run that cannot be read is a line too: its `state` is `UNREADABLE`, `error` says
    why, and everything but `id` and `name` is unknown. `mean` is the chosen
    candidate's mean of `metric` over its validation parts. `opened_at` without a
    `final_score` means that the test set was claimed and no result was recorded;
    `n_test` is how many rows it has.
    """

    id: str
    name: str
    state: str
    created_at: datetime | None = None
    candidate: str | None = None
    metric: Metric | None = None
    mean: float | None = None
    n_test: int = 0
    opened_at: datetime | None = None
    final_score: float | None = None
    error: str | None = None


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """A claim on the sealed test rows of a run; `final_test` once it was recorded."""

    run_id: str
    candidate: str
    opened_at: datetime
    final_test: FinalTest | None = None


class Store(Protocol):
    """Where runs, their members, their seals and their artifacts stay.

    Nothing acknowledged is lost: when a writing method has returned, the fact is on
    disk. Every method may be called from several threads and several processes.
    `where` names the store for a person. `homeroom.testing.StoreContract` is this
    interface as tests.

    Raises:
        StoreError: From every method, when the store is missing, damaged, busy,
            read-only, or written by a newer format.
        InputError: From every method that takes a run id, when there is no such run.
    """

    where: str

    def create_run(self, record: RunRecord) -> RunRecord:
        """Store a new run and return it under its id, such as "digits-0007".

        `record.id` is ignored; the number counts up per name.
        """
        ...

    def update_run(self, record: RunRecord) -> None:
        """Store what has changed in a run: state, selection, refit, final test, ….

        Members that are new to the store are saved too; none is ever removed.

        Raises:
            StoreError: If the partition differs: a run keeps the rows it sealed.
            SealError: If the record has a final test that nobody claimed.
        """
        ...

    def save_member(self, run_id: str, member: MemberRecord) -> None:
        """Store one training under (candidate, fold, seed_index).

        A complete member is final: saving it again changes nothing, so a late
        duplicate is harmless. In any other state it is replaced.
        """
        ...

    def read_run(self, run_id: str | None = None) -> RunRecord:
        """Return a whole run: by id, unique beginning of an id, or the newest.

        `None` and "latest" are the newest run. Members come in the order of the
        candidates, then by fold and seed, whatever order they were saved in.
        """
        ...

    def list_runs(self) -> tuple[RunSummary, ...]:
        """Return one line per run, newest first; a damaged run is a line as well."""
        ...

    def claim_seal(self, run_id: str, *, candidate: str) -> Opening:
        """Claim the sealed test rows of a run, once and for ever.

        Call it *before* the rows are read: a crash in between counts as an opening.

        Raises:
            SealError: If they have been claimed before, with when and what it gave.
        """
        ...

    def record_final_test(self, run_id: str, final_test: FinalTest) -> None:
        """Store the result of the claimed final test; the same result may come twice.

        Raises:
            SealError: If the seal was not claimed for this candidate, or another
                result is already there.
        """
        ...

    def openings_of(self, test_fingerprint: str) -> tuple[Opening, ...]:
        """Return every claim on test rows with this fingerprint, in any run."""
        ...

    def put_artifact(self, content: bytes, kind: str) -> str:
        """Store bytes, once, and return their SHA-256, which is their address."""
        ...

    def get_artifact(self, sha256: str) -> bytes:
        """Return the bytes at this address, verified against it.

        Raises:
            StoreError: If there are none, or they are not what was stored.
        """
        ...
