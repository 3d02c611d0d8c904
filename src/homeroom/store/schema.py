"""The tables, and the one row that says which format they have."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import sqlalchemy as sa

from homeroom.errors import StoreError

if TYPE_CHECKING:
    from .database import Database

SCHEMA = 1

metadata = sa.MetaData()

formats = sa.Table(
    "homeroom_format",
    metadata,
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("homeroom", sa.String, nullable=False),
    sa.Column("created_at", sa.String, nullable=False),
)

# `sequence` orders the runs: a clock may jump back. `content` is the record as JSON,
# in bytes, so that damaged text cannot fail the query that reads a hundred others.
runs = sa.Table(
    "run",
    metadata,
    sa.Column("sequence", sa.Integer, primary_key=True),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("slug", sa.String, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("mean", sa.String),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("fingerprint", sa.String, nullable=False),
    sa.UniqueConstraint("slug", "number"),
)

members = sa.Table(
    "member",
    metadata,
    sa.Column("run_id", sa.ForeignKey("run.id"), primary_key=True),
    sa.Column("candidate", sa.String, primary_key=True),
    sa.Column("fold", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("seed_index", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("fingerprint", sa.String, nullable=False),
)

# The primary key is the seal: a second claim on a run cannot be written.
seals = sa.Table(
    "seal",
    metadata,
    sa.Column("run_id", sa.ForeignKey("run.id"), primary_key=True),
    sa.Column("test_fingerprint", sa.String, nullable=False, index=True),
    sa.Column("candidate", sa.String, nullable=False),
    sa.Column("opened_at", sa.String, nullable=False),
    sa.Column("content", sa.LargeBinary),
    sa.Column("fingerprint", sa.String),
)

artifacts = sa.Table(
    "artifact",
    metadata,
    sa.Column("sha256", sa.String(64), primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("n_bytes", sa.Integer, nullable=False),
    sa.Column("created_at", sa.String, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)


def prepare(database: Database, *, create: bool) -> None:
    """Check that the database is a store we can read, and make it one if it is empty.

    A second process that starts at the same moment waits for the first one's write
    transaction, looks again, and finds the store made.

    Raises:
        StoreError: If it is empty and `create` is false, is somebody else's
            database, is damaged, or was written by a newer format.
    """
    with database.reading() as connection:
        written = _format_of(connection, database.where)
    if written is None and not create:
        raise StoreError(
            f"The store at {database.where} is empty: it has no runs and no tables. "
            "Run `homeroom demo` to fill one, or pass --store to name another."
        )
    if written is None:
        with database.writing() as connection:
            written = _format_of(connection, database.where)
            if written is None:
                _create(connection)
                return
    _require_readable(written, database.where)
    if create:  # it will be written to: nothing is added to a damaged file
        database.check()


def _create(connection: sa.Connection) -> None:
    metadata.create_all(connection)
    connection.execute(
        sa.insert(formats).values(
            version=SCHEMA,
            homeroom=_our_version(),
            created_at=datetime.now(UTC).isoformat(),
        )
    )


def _format_of(connection: sa.Connection, where: str) -> tuple[int, str] | None:
    """Return the format and the Homeroom version that wrote it; None when empty."""
    tables = sa.inspect(connection).get_table_names()
    if not tables:
        return None
    if formats.name not in tables:
        names = ", ".join(sorted(tables)[:5])
        raise StoreError(
            f"{where} is a database, but not a Homeroom store (its tables: {names}). "
            "It was left as it is. Pass --store with another path."
        )
    row = connection.execute(sa.select(formats.c.version, formats.c.homeroom)).first()
    if row is None:
        raise StoreError(
            f"The store at {where} does not say which format it has. It was left as "
            "it is. Restore a copy of the file."
        )
    return row.version, row.homeroom


def _require_readable(written: tuple[int, str], where: str) -> None:
    number, homeroom = written
    if number > SCHEMA:
        raise StoreError(
            f"The store at {where} was written by format {number} (homeroom "
            f"{homeroom}); this version reads up to {SCHEMA} (homeroom "
            f"{_our_version()}). Upgrade homeroom, or read it with homeroom "
            f"{homeroom}."
        )


def _our_version() -> str:
    try:
        return version("homeroom")
    except PackageNotFoundError:
        return "unknown"
