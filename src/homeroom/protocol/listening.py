"""Who is told what happens, by Keras's own word for it: `verbose`."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from homeroom.errors import InputError
from homeroom.records import Event, Listener, Metric, Note


@contextmanager
def progress(
    verbose: int | str,
    metric: Metric,
    listener: Listener | None = None,
    candidates: Sequence[str] = (),
) -> Iterator[Listener]:
    """Yield the listener that `verbose` asks for; a listener given wins.

    "auto" shows progress on a terminal or in a notebook and none elsewhere; 0 shows
    none, 1 always shows it, on the standard error. Where no progress is shown, a
    note, which a person should read, is a warning.

    Raises:
        InputError: If `verbose` is none of these.
    """
    check_verbose(verbose)
    if listener is not None:
        yield listener
    elif verbose == 0 or (verbose == "auto" and not _someone_looks()):
        yield _quiet
    else:
        from rich.console import Console

        from homeroom.report import LiveProgress

        with LiveProgress(Console(stderr=True), metric, candidates=candidates) as live:
            yield live


def check_verbose(verbose: int | str) -> None:
    """Refuse a word that `verbose` does not have.

    Raises:
        InputError: If it is none of "auto", 0, 1 and Keras's 2.
    """
    if verbose not in {"auto", 0, 1, 2}:
        raise InputError(f"verbose={verbose!r}: use 'auto', 0 or 1.")


def _quiet(event: Event) -> None:
    if isinstance(event, Note):
        warnings.warn(event.text, UserWarning, stacklevel=4)


def _someone_looks() -> bool:
    return sys.stderr.isatty() or "ipykernel" in sys.modules
