"""`homeroom verify`: the proof that a fast result is Keras's own result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from homeroom.errors import InputError

from . import options
from .console import output, print_json, tell
from .failures import FAILURE
from .user_models import search_here

if TYPE_CHECKING:
    from homeroom.records import Verification

_ALL = "all"
_BAD_INPUT = 2


def verify(
    run: options.RunId = "latest",
    members: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="How many trainings to make again, or 'all'.",
            show_default="one of each candidate, 3 at least",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where the table is now.",
            show_default="where it was",
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=MODULE:FUNCTION",
            help=(
                "The model function of a candidate with parts of its own, such as "
                "custom layers: its module is imported. Repeat it for more."
            ),
            show_default="none",
        ),
    ] = None,
    store: options.Store = None,
    as_json: options.AsJson = False,
) -> None:
    """Train stored members again with plain Keras, and compare.

    A fresh process trains them with keras.Model.fit, from the recorded seeds, on the
    recorded rows in the recorded order. The largest difference of history and weights
    is told; on a CPU none is allowed. The sealed test rows have no part in it.

    Which trainings are made again is the same every time: every candidate first, then
    spread evenly over folds and seeds. Exits with 1 when a training differs.
    """
    number = _number(members)
    functions = dict(map(_named, model or []))
    if functions:
        search_here()
    from homeroom.store import open_store

    stored = open_store(store, create=False)
    record = stored.read_run(run)
    tell("Starting plain Keras in a process of its own.\n", style="dim")
    from homeroom import protocol

    found = protocol.verify(
        record, stored, members=number, file=data, models=functions, verbose=1
    )
    if as_json:
        print_json(verification=_plain(found))
    else:
        from homeroom.report import verification_table, verification_view

        output().print(verification_table(verification_view(found)))
    if found.is_empty:
        raise typer.Exit(_BAD_INPUT)
    if not found.holds:
        raise typer.Exit(FAILURE)


def _number(told: str | None) -> int | str | None:
    if told is None or told == _ALL:
        return told
    try:
        return int(told)
    except ValueError:
        raise InputError(
            f"--members {told!r}: use a whole number, 1 or more, or {_ALL!r}."
        ) from None


def _named(told: str) -> tuple[str, str]:
    name, equals, path = told.rpartition("=")
    if not equals or not name:
        raise InputError(
            f"--model {told!r} names no candidate: write NAME=MODULE:FUNCTION, such as "
            "mlp=my_models:mlp."
        )
    return name, path


def _plain(found: Verification) -> dict[str, Any]:
    from homeroom.records import to_json

    plain: dict[str, Any] = json.loads(to_json(found))
    return {**plain, "holds": found.holds}
