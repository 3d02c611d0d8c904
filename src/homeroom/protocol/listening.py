"""Who is told what happens, by Keras's own word for it: `verbose`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from homeroom.errors import InputError
from homeroom.records import Listener, Metric


@contextmanager
def progress(
    verbose: int | str, metric: Metric, listener: Listener | None = None
) -> Iterator[Listener]:
    """Yield the listener that `verbose` asks for; a listener given wins.

    "auto" shows progress on a terminal and nothing elsewhere; 0 shows nothing, 1
    always shows it, on the standard error.

    Raises:
        InputError: If `verbose` is none of these.
    """
    if verbose not in {"auto", 0, 1, 2}:
        raise InputError(f"verbose={verbose!r}: use 'auto', 0 or 1.")
    if listener is not None:
        yield listener
    elif verbose == 0 or (verbose == "auto" and not sys.stderr.isatty()):
        yield lambda _: None
    else:
        from rich.console import Console

        from homeroom.report import LiveProgress

        with LiveProgress(Console(stderr=True), metric) as live:
            yield live
