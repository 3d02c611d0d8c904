"""Finding the store: an argument, an environment variable, or `homeroom.db` here."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from homeroom.errors import InputError, StoreError

from .store import Store

MEMORY = ":memory:"
_SQLITE = "sqlite://"


def open_store(where: str | Path | None = None, *, create: bool = True) -> Store:
    """Open the store, and make an empty one when there is none.

    Without `where` it is the environment variable HOMEROOM_STORE, and without that
    `homeroom.db` in the working directory. Reading commands pass `create=False`: a
    misspelt path is then an error, and no file appears.

    Args:
        where: A path, a URL `sqlite:///path`, or ":memory:" for a store that lives
            as long as the returned object.
        create: Whether to make the file if it does not exist.

    Raises:
        StoreError: If there is no store and `create` is false, or the file is not a
            store, is damaged, cannot be written, or has a newer format.
        InputError: If `where` is a URL of another kind of database.

    Example:
        >>> store = open_store(":memory:")
        >>> store.list_runs()
        ()
    """
    # whoever keeps nothing does not wait for SQLAlchemy
    from .database import Database
    from .schema import prepare
    from .sql import SQLStore

    path = _path(where)
    if path is not None:
        _require_file(path, create=create)
    database = Database(path)
    prepare(database, create=create or path is None)
    return SQLStore(database)


def _path(where: str | Path | None) -> Path | None:
    """Return the file that `where` names, absolute; None is in memory."""
    text = str(where or os.environ.get("HOMEROOM_STORE") or "homeroom.db")
    if text in {MEMORY, _SQLITE, f"{_SQLITE}/{MEMORY}"}:
        return None
    if text.startswith(f"{_SQLITE}/"):
        text = text.removeprefix(f"{_SQLITE}/")
    elif "://" in text:
        kind = text.split("://", maxsplit=1)[0]
        raise InputError(
            f"A store at a {kind!r} URL is not supported; this version keeps runs in "
            "one SQLite file. Pass a path, or sqlite:///path/to/homeroom.db."
        )
    return Path(text).expanduser().absolute()


def _require_file(path: Path, *, create: bool) -> None:
    try:
        if path.is_dir():
            raise StoreError(
                f"{path} is a folder; a store is one file. Pass {path / 'homeroom.db'}."
            )
        if not path.exists():
            _make_file(path, create=create)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise StoreError(
            f"There can be no store at {path}: {reason}. Pass --store with a path in "
            "an existing folder that you may write to."
        ) from error


def _make_file(path: Path, *, create: bool) -> None:
    if not create:
        raise StoreError(
            f"There is no store at {path}. Run `homeroom demo` to make one here, or "
            "pass --store (or set HOMEROOM_STORE) to name another."
        )
    # O_EXCL: a file that exists is never opened here, because closing it would drop
    # the locks that SQLite holds on it in another thread of this process.
    with suppress(FileExistsError):  # another process made it just now
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
