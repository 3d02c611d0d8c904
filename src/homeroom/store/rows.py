"""Records to rows and back; a row that is not what was written is never believed."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from homeroom import fingerprint
from homeroom.errors import SealError, StoreError
from homeroom.records import (
    COMPLETE,
    FORMAT,
    FinalTest,
    MemberRecord,
    Metric,
    PartitionRecord,
    RunRecord,
    Selection,
    from_json,
    to_json,
)

from .schema import members, seals
from .store import UNREADABLE, Opening, RunSummary

T = TypeVar("T")

_LONGEST_SLUG = 40


class _Listed(msgspec.Struct, frozen=True):
    """The part of a run that a line of the list needs; the rest is not decoded."""

    name: str
    state: str
    created_at: datetime
    metric: Metric
    partition: PartitionRecord
    selection: Selection | None = None


class _Written(msgspec.Struct, frozen=True):
    """The part of a run that every future format will have."""

    format: int


def slug(name: str) -> str:
    """Return `name` as the beginning of a run id: letters, digits and hyphens.

    >>> slug("Iris, 2nd try"), slug("../../붓꽃"), slug("…")
    ('iris-2nd-try', '붓꽃', 'run')
    """
    plain = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[\W_]+", "-", plain)[:_LONGEST_SLUG].strip("-") or "run"


def content_of(record: msgspec.Struct, what: str) -> dict[str, Any]:
    """Return the columns `content` and `fingerprint` of a record.

    Raises:
        StoreError: If it holds a value that JSON cannot keep.
    """
    try:
        content = to_json(record)
    except (TypeError, UnicodeEncodeError, RecursionError) as error:
        raise StoreError(
            f"{what} cannot be stored: {error}. Records hold numbers, text, lists and "
            "dictionaries; convert the value, for example with float(value)."
        ) from error
    return {"content": content, "fingerprint": fingerprint.of_bytes(content)}


def header_of(record: RunRecord) -> dict[str, Any]:
    """Return the content of a run without what has its own table."""
    header = msgspec.structs.replace(record, members=(), final_test=None)
    return content_of(header, f"Run {record.id!r}")


def run_of(row: sa.Row[Any]) -> RunRecord:
    """Return the run in a row, without its members and final test."""
    what = f"Run {row.id!r}"
    _require_format(row, what)
    return _decoded(row.content, row.fingerprint, RunRecord, what)


def member_of(row: sa.Row[Any]) -> MemberRecord:
    """Return the training in a row."""
    what = (
        f"Run {row.run_id!r}: candidate {row.candidate!r}, fold {row.fold}, seed "
        f"{row.seed_index}"
    )
    return _decoded(row.content, row.fingerprint, MemberRecord, what)


def opening_of(row: sa.Row[Any]) -> Opening:
    """Return the claim in a row, with its result once there is one."""
    what = f"The final test of run {row.run_id!r}"
    return Opening(
        run_id=row.run_id,
        candidate=row.candidate,
        opened_at=datetime.fromisoformat(row.opened_at),
        final_test=None
        if row.content is None
        else _decoded(row.content, row.fingerprint, FinalTest, what),
    )


def summary_of(row: sa.Row[Any]) -> RunSummary:
    """Return the line of the list for a run joined with its seal, readable or not."""
    what = f"Run {row.id!r}"
    try:
        _require_format(row, what)
        run = _decoded(row.content, row.fingerprint, _Listed, what)
        final = (
            None
            if row.final is None
            else _decoded(row.final, row.final_fingerprint, FinalTest, what)
        )
    except StoreError as error:
        return RunSummary(id=row.id, name=row.slug, state=UNREADABLE, error=str(error))
    return RunSummary(
        id=row.id,
        name=run.name,
        state=run.state,
        created_at=run.created_at,
        candidate=None if run.selection is None else run.selection.candidate,
        metric=run.metric,
        mean=None if row.mean is None else float(row.mean),
        n_test=run.partition.n_test,
        opened_at=row.opened_at and datetime.fromisoformat(row.opened_at),
        final_score=None if final is None else final.score,
    )


def put_member(connection: sa.Connection, run_id: str, member: MemberRecord) -> None:
    """Insert a training, or replace one that is not complete."""
    key = {
        "run_id": run_id,
        "candidate": member.candidate,
        "fold": member.fold,
        "seed_index": member.seed_index,
    }
    here = sa.and_(*(members.c[name] == value for name, value in key.items()))
    state = connection.scalar(sa.select(members.c.state).where(here))
    if state == COMPLETE:
        return
    what = f"Candidate {member.candidate!r}, fold {member.fold}"
    row = {"state": member.state, **content_of(member, what)}
    if state is None:
        connection.execute(sa.insert(members).values(**key, **row))
    else:
        connection.execute(sa.update(members).where(here).values(**row))


def put_final_test(connection: sa.Connection, run_id: str, final: FinalTest) -> None:
    """Write the result beside the claim it belongs to.

    Raises:
        SealError: If there is no such claim, or it has another result.
    """
    here = seals.c.run_id == run_id
    row = connection.execute(sa.select(seals).where(here)).first()
    if row is None:
        raise SealError(
            f"The test set of run {run_id!r} has not been claimed, so a result for it "
            "cannot be recorded. Claim the seal before its rows are read."
        )
    opening = opening_of(row)
    if opening.candidate != final.candidate:
        raise SealError(
            f"The test set of run {run_id!r} was opened for candidate "
            f"{opening.candidate!r}; a result of {final.candidate!r} cannot be "
            "recorded. A test set is evaluated once, on one candidate."
        )
    new = content_of(final, f"The final test of run {run_id!r}")
    if row.content is None:
        connection.execute(sa.update(seals).where(here).values(**new))
    elif row.content != new["content"]:
        raise SealError(opened_before(opening))


def mean_of(connection: sa.Connection, record: RunRecord) -> str | None:
    """Return the chosen candidate's mean score as text, so that NaN stays NaN."""
    if record.selection is None:
        return None
    chosen = record.selection.candidate
    rows = connection.execute(
        sa.select(members).where(
            members.c.run_id == record.id, members.c.candidate == chosen
        )
    ).all()
    scores = [member_of(row).scores.get(record.metric.validation_key) for row in rows]
    known = [score for score in scores if score is not None]
    if not known or len(known) < len(scores):
        return None
    return repr(sum(known) / len(known))


def opened_before(opening: Opening) -> str:
    """Return the sentence for a second attempt at a test set."""
    final = opening.final_test
    when = f"{opening.opened_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    advice = (
        "A test set is evaluated once. To judge another model honestly,\n"
        "  start a new run on data that has not been looked at."
    )
    if final is not None:
        return (
            f"The test set of run {opening.run_id!r} was opened on {when}\n"
            f"  ({final.metric.name} {final.score:.4g}). {advice}"
        )
    return (
        f"The test set of run {opening.run_id!r} was claimed on {when}\n"
        f"  for candidate {opening.candidate!r}, and no result was recorded: it is "
        "being evaluated now,\n  or the process ended before it could write one. A "
        f"claim counts as an opening.\n  {advice}"
    )


def _require_format(row: sa.Row[Any], what: str) -> None:
    # first, because a newer record may not decode at all
    written = _decoded(row.content, row.fingerprint, _Written, what).format
    if written > FORMAT:
        raise StoreError(
            f"{what} was written by format {written}; this version reads up to "
            f"{FORMAT}. Upgrade homeroom."
        )


def _decoded(content: object, expected: str | None, kind: type[T], what: str) -> T:
    if not isinstance(content, bytes) or fingerprint.of_bytes(content) != expected:
        raise StoreError(
            f"{what} is damaged in the store: its content is not what was written. "
            "Other runs are unaffected. Restore a copy of the store to read it."
        )
    try:
        return from_json(content, kind)
    except msgspec.DecodeError as error:
        raise StoreError(
            f"{what} cannot be read by this version: {error}. Other runs are "
            "unaffected. Read it with the version of homeroom that wrote it."
        ) from error
