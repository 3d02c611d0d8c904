"""What is remembered of the compiled programs that trained."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Need(StrEnum):
    """Why a model had to have a program of its own, in words for a person."""

    FIRST = "the first of its structure"
    CONSTANT = "it differs in a constant, such as a dropout rate, that is compiled in"
    LATE_CONSTANT = "it differs in a constant that was the same in all before"
    ROWS = "its rows come in other numbers or batches"
    SEARCH = "a search has programs of its own"
    ALONE = "it trains alone, and may use every core"
    TOGETHER = "several train at once, each on a core of its own"
    OPERATIONS = "HOMEROOM_OPERATIONS was set differently before"


class ProgramRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A compiled program: for whom, why they have one of their own, what it took.

    `candidates` are those it trains; in a search the trials. `seconds` go from tracing
    the model to the end of compiling, or of reading what an earlier process had left
    on disk (`from_disk`); programs are compiled side by side, so that their seconds
    may overlap. A program that this process had before the call is not `made`: it cost
    nothing more, 0 seconds, and `reason` (see `Need`) is why it was made then.
    `stage` is the part of the run that used it first, "" before any training.
    """

    candidates: tuple[str, ...]
    reason: str
    seconds: float
    made: bool = True
    from_disk: bool = False
    stage: str = ""
