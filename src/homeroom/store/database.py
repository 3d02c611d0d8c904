"""SQLite behind SQLAlchemy: connections, transactions, and what its errors mean."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, final

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, StaticPool

from homeroom.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUSY_SECONDS = 30.0


@final
class Database:
    """A place for tables, with short transactions that several may use at once.

    A file is opened anew for every transaction: nothing stays locked in between, and
    threads and forked processes share nothing. `:memory:` is one connection behind a
    lock.

    Args:
        path: The SQLite file, which must exist; None is a database in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self.where = ":memory:" if path is None else str(path)
        self._lock: AbstractContextManager[Any] = nullcontext()
        if path is None:
            self._lock = threading.Lock()
        # mode=rw: a file that vanished is an error, not an empty database
        uri = ":memory:" if path is None else f"{path.as_uri()}?mode=rw"
        self._engine = sa.create_engine(
            "sqlite://",
            creator=lambda: _connect(uri),
            poolclass=StaticPool if path is None else NullPool,
        )
        sa.event.listen(self._engine, "begin", _begin)
        weakref.finalize(self, self._engine.dispose)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a connection that sees one moment of the database."""
        with self._transaction(writes=False) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Give a connection that nobody else writes beside, until it is committed.

        What is read in it stays true, so "look, then write" is one step.
        """
        with self._transaction(writes=True) as connection:
            yield connection

    @contextmanager
    def _transaction(self, *, writes: bool) -> Iterator[sa.Connection]:
        with (
            _explained(self.where),
            self._lock,
            self._engine.connect().execution_options(writes=writes) as connection,
            connection.begin(),
        ):
            yield connection

    def check(self) -> None:
        """Walk every page of the file.

        Raises:
            StoreError: If one of them is damaged.
        """
        with self.reading() as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if found != "ok":
            raise StoreError(_damaged(self.where, str(found)))


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri,
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,  # transactions begin where we say so
        check_same_thread=False,
    )
    try:
        # The rollback journal (the default) with FULL: SQLite before 3.51.3 can
        # corrupt a write-ahead log that has several writers.
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA trusted_schema=OFF")
    except sqlite3.Error:
        connection.close()
        raise
    # A damaged name is shown damaged; it does not fail the query around it.
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    return connection


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options()["writes"]
    # IMMEDIATE waits at the door: a reader that turns writer could deadlock.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _explained(where: str) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise StoreError(_explanation(where, error.orig or error)) from error
    except sqlite3.Error as error:
        raise StoreError(_explanation(where, error)) from error
    except UnicodeEncodeError as error:
        raise StoreError(
            f"The store at {where} was given a name that is not valid text "
            f"({error.object!r}). Rename it with characters that exist in Unicode."
        ) from error


def _explanation(where: str, error: BaseException) -> str:
    code = str(getattr(error, "sqlite_errorname", ""))
    if code == "SQLITE_NOTADB":
        return (
            f"The file at {where} is not a database. It was left as it is. "
            "Pass --store with another path, or restore a copy of the file."
        )
    if code.startswith("SQLITE_CORRUPT"):
        return _damaged(where, str(error))
    if code.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return (
            f"The store at {where} is busy: another process has been writing to it "
            f"for more than {BUSY_SECONDS:.0f} seconds. Nothing was written. "
            "Try again, or find the process that holds the file."
        )
    if code.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM")):
        return (
            f"The store at {where} cannot be opened for writing ({error}). Nothing "
            "was written. Check that the file is still there and that you may "
            "write to it and to its folder, or pass --store with another path."
        )
    if code == "SQLITE_FULL" or code.startswith("SQLITE_IOERR"):
        return (
            f"The disk under the store at {where} refused ({error}). What was stored "
            "before is intact; the last record was not stored. Make space, or pass "
            "--store with a path on another disk."
        )
    return f"The store at {where} refused: {error}. Nothing was written."


def _damaged(where: str, detail: str) -> str:
    return (
        f"The store at {where} is damaged ({detail}). It was left as it is. Restore a "
        f"copy, or save what can be read: sqlite3 '{where}' .recover | sqlite3 new.db"
    )
