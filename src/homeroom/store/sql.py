"""The store in SQL: records as JSON beside the few columns that queries need."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, final

import msgspec
import sqlalchemy as sa

from homeroom.errors import InputError, SealError, StoreError, did_you_mean

from .rows import (
    header_of,
    mean_of,
    member_of,
    opened_before,
    opening_of,
    put_final_test,
    put_member,
    run_of,
    slug,
    summary_of,
)
from .schema import artifacts, members, runs, seals
from .store import Opening

if TYPE_CHECKING:
    from homeroom.records import FinalTest, MemberRecord, RunRecord

    from .database import Database
    from .store import RunSummary

LATEST = "latest"
_LARGEST_ARTIFACT = 999_999_000  # SQLite's own limit for one value is 10**9 bytes


@final
class SQLStore:
    """A `Store` in SQL tables; made by `open_store`.

    Args:
        database: An open database that has the tables.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.where = database.where

    def create_run(self, record: RunRecord) -> RunRecord:
        """Store a new run and return it under its id (see `Store`)."""
        if record.final_test is not None:
            raise InputError(
                f"The new run {record.name!r} already has a final test. A run is "
                "stored first; its test set is claimed later, with claim_seal."
            )
        name = slug(record.name)
        with self._database.writing() as connection:
            last = connection.scalar(
                sa.select(sa.func.max(runs.c.number)).where(runs.c.slug == name)
            )
            number = (last or 0) + 1
            created = msgspec.structs.replace(record, id=f"{name}-{number:04d}")
            connection.execute(
                sa.insert(runs).values(
                    id=created.id, slug=name, number=number, **header_of(created)
                )
            )
            for member in record.members:
                put_member(connection, created.id, member)
        return created

    def update_run(self, record: RunRecord) -> None:
        """Store what has changed in a run (see `Store`)."""
        header = header_of(record)
        with self._database.writing() as connection:
            before = run_of(self._row(connection, record.id))
            if before.partition != record.partition:
                raise StoreError(
                    f"Run {record.id!r} was stored with another partition "
                    f"({before.partition.n_development} development and "
                    f"{before.partition.n_test} test rows). A run keeps the rows it "
                    "sealed. To cut the data anew, start a new run."
                )
            for member in record.members:
                put_member(connection, record.id, member)
            if record.final_test is not None:
                put_final_test(connection, record.id, record.final_test)
            mean = mean_of(connection, record)
            connection.execute(
                sa
                .update(runs)
                .where(runs.c.id == record.id)
                .values(mean=mean, **header)
            )

    def save_member(self, run_id: str, member: MemberRecord) -> None:
        """Store one training (see `Store`)."""
        with self._database.writing() as connection:
            self._row(connection, run_id)
            put_member(connection, run_id, member)

    def read_run(self, run_id: str | None = None) -> RunRecord:
        """Return a whole run (see `Store`)."""
        with self._database.reading() as connection:
            run_id = self._resolve(connection, run_id)
            header = self._row(connection, run_id)
            rows = connection.execute(
                sa.select(members).where(members.c.run_id == run_id)
            ).all()
            seal = _one(connection, sa.select(seals).where(seals.c.run_id == run_id))
        # decoded after the transaction: a reader holds the file for a moment only
        record = run_of(header)
        order = {c.name: i for i, c in enumerate(record.candidates)}
        found = sorted(
            (member_of(row) for row in rows),
            key=lambda m: (
                order.get(m.candidate, len(order)),
                m.candidate,
                m.fold,
                m.seed_index,
            ),
        )
        opening = None if seal is None else opening_of(seal)
        return msgspec.structs.replace(
            record,
            members=tuple(found),
            final_test=opening and opening.final_test,
            seal_claimed_at=opening and opening.opened_at,
        )

    def list_runs(self) -> tuple[RunSummary, ...]:
        """Return one line per run, newest first (see `Store`)."""
        with self._database.reading() as connection:
            rows = connection.execute(
                sa
                .select(
                    runs,
                    seals.c.opened_at,
                    seals.c.content.label("final"),
                    seals.c.fingerprint.label("final_fingerprint"),
                )
                .join_from(runs, seals, seals.c.run_id == runs.c.id, isouter=True)
                .order_by(runs.c.sequence.desc())
            ).all()
        return tuple(map(summary_of, rows))

    def claim_seal(self, run_id: str, *, candidate: str) -> Opening:
        """Claim the sealed test rows of a run, once and for ever (see `Store`)."""
        with self._database.writing() as connection:
            record = run_of(self._row(connection, run_id))
            before = _one(connection, sa.select(seals).where(seals.c.run_id == run_id))
            if before is not None:
                raise SealError(opened_before(opening_of(before)))
            names = [c.name for c in record.candidates]
            if candidate not in names:
                raise InputError(
                    f"Run {run_id!r} has no candidate {candidate!r}; it has: "
                    f"{', '.join(names)}.{did_you_mean(candidate, names)}"
                )
            opened_at = datetime.now(UTC)
            connection.execute(
                sa.insert(seals).values(
                    run_id=run_id,
                    test_fingerprint=record.partition.test_fingerprint,
                    candidate=candidate,
                    opened_at=opened_at.isoformat(),
                )
            )
        return Opening(run_id=run_id, candidate=candidate, opened_at=opened_at)

    def record_final_test(self, run_id: str, final_test: FinalTest) -> None:
        """Store the result of the claimed final test (see `Store`)."""
        with self._database.writing() as connection:
            self._row(connection, run_id)
            put_final_test(connection, run_id, final_test)

    def openings_of(self, test_fingerprint: str) -> tuple[Opening, ...]:
        """Return every claim on test rows with this fingerprint (see `Store`)."""
        with self._database.reading() as connection:
            rows = connection.execute(
                sa
                .select(seals)
                .join_from(seals, runs, seals.c.run_id == runs.c.id)
                .where(seals.c.test_fingerprint == test_fingerprint)
                .order_by(runs.c.sequence)
            ).all()
        return tuple(map(opening_of, rows))

    def put_artifact(self, content: bytes, kind: str) -> str:
        """Store bytes, once, and return their SHA-256 (see `Store`)."""
        if len(content) > _LARGEST_ARTIFACT:
            raise StoreError(
                f"The {kind} has {len(content):,} bytes; one artifact may have up to "
                f"{_LARGEST_ARTIFACT:,}. Store it in several parts."
            )
        address = hashlib.sha256(content).hexdigest()
        here = artifacts.c.sha256 == address
        with self._database.writing() as connection:
            stored = connection.scalar(sa.select(artifacts.c.content).where(here))
            if stored == content:
                return address
            if stored is None:
                connection.execute(
                    sa.insert(artifacts).values(
                        sha256=address,
                        kind=kind,
                        n_bytes=len(content),
                        created_at=datetime.now(UTC).isoformat(),
                        content=content,
                    )
                )
            else:  # it was damaged, and here are the right bytes again
                connection.execute(
                    sa.update(artifacts).where(here).values(content=content)
                )
        return address

    def get_artifact(self, sha256: str) -> bytes:
        """Return the bytes at this address, verified (see `Store`)."""
        with self._database.reading() as connection:
            row = _one(
                connection, sa.select(artifacts).where(artifacts.c.sha256 == sha256)
            )
        if row is None:
            raise StoreError(
                f"The store at {self.where} has no artifact {sha256!r}. It may be in "
                "the store that the run was made in; pass that one with --store."
            )
        if (
            not isinstance(row.content, bytes)
            or hashlib.sha256(row.content).hexdigest() != sha256
        ):
            raise StoreError(
                f"The {row.kind} {sha256[:12]}… in the store at {self.where} is "
                "damaged: its SHA-256 is not its address. It was not used. Restore "
                "a copy of the store, or train again."
            )
        return row.content

    def _resolve(self, connection: sa.Connection, run_id: str | None) -> str:
        newest = sa.select(runs.c.id).order_by(runs.c.sequence.desc())
        if run_id is None or run_id == LATEST:
            latest = connection.scalar(newest.limit(1))
            if latest is None:
                raise StoreError(
                    f"The store at {self.where} has no runs yet. Run `homeroom demo`, "
                    "or pass --store to name another."
                )
            return str(latest)
        begins = sa.func.substr(runs.c.id, 1, len(run_id)) == run_id
        near = list(connection.scalars(newest.where(begins))) if run_id else []
        if run_id in near:
            return run_id
        if len(near) > 1:
            raise InputError(
                f"{run_id!r} is the beginning of {len(near)} runs: "
                f"{', '.join(near[:5])}{', …' if len(near) > 5 else ''}. "
                "Give more of the id."
            )
        if not near:
            raise self._no_run(connection, run_id)
        return str(near[0])

    def _row(self, connection: sa.Connection, run_id: str) -> sa.Row[Any]:
        row = _one(connection, sa.select(runs).where(runs.c.id == run_id))
        if row is None:
            raise self._no_run(connection, run_id)
        return row

    def _no_run(self, connection: sa.Connection, run_id: str) -> InputError:
        newest = sa.select(runs.c.id).order_by(runs.c.sequence.desc()).limit(200)
        known = list(connection.scalars(newest))
        return InputError(
            f"The store at {self.where} has no run {run_id[:60]!r}."
            f"{did_you_mean(run_id[:60], known)} `homeroom runs` lists them."
        )


def _one(connection: sa.Connection, query: sa.Select[Any]) -> sa.Row[Any] | None:
    return connection.execute(query).first()
