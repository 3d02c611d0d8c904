"""Files that are written whole or not at all, and never over what is not ours."""

from __future__ import annotations

import os
from pathlib import Path

from homeroom.errors import InputError

_PAGE, _OUR_MARK = b"<!doctype html", b'<meta name="generator" content="homeroom">'
_MARKED_WITHIN = 4096


def check_place(path: Path) -> None:
    """Refuse, before any work, a path at which no file can be written.

    Raises:
        InputError: If it is a folder, or its folder is missing or read-only.
    """
    folder = path.parent
    if path.is_dir():
        raise InputError(f"{str(path)!r} is a folder; name a file to write.")
    if not folder.is_dir():
        raise InputError(
            f"{str(path)!r} cannot be written: there is no folder {str(folder)!r}. "
            "Make it, or name another."
        )
    if not os.access(folder, os.W_OK):
        raise InputError(
            f"{str(path)!r} cannot be written: the folder {str(folder.resolve())!r} is "
            "read-only. Name another."
        )


def check_report_place(path: Path) -> None:
    """Refuse a path for a report that would replace a file of somebody else.

    An earlier report is replaced: that is what writing it again is for.

    Raises:
        InputError: If nothing can be written there, or what is there is no report.
    """
    check_place(path)
    if path.exists() and path.stat().st_size:
        with path.open("rb") as file:
            beginning = file.read(_MARKED_WITHIN).lower()
        if not beginning.lstrip().startswith(_PAGE) or _OUR_MARK not in beginning:
            raise InputError(
                f"{str(path)!r} exists and is not a report of Homeroom, so it is not "
                "replaced. Name another file, or move this one."
            )


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a temporary name and rename it when it is complete."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    except OSError as error:
        raise InputError(
            f"{str(path)!r} cannot be written: {error.strerror or error}."
        ) from error
    finally:
        partial.unlink(missing_ok=True)
