"""What is remembered of the compiled programs that trained."""

from __future__ import annotations

import msgspec

FIRST_OF_STRUCTURE = "the first of its structure"
LATE_CONSTANT = "it differs in a constant that was the same in all before"
OTHER_CONSTANTS = "it differs in constants, which are compiled in"
OTHER_ROWS = "its rows come in other numbers or batches"


class ProgramRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A compiled program: for whom, why they have one of their own, what it took.

    `candidates` are those it trains; in a search the trials. `seconds` go from tracing
    the model to the end of compiling, or of reading what an earlier process had left
    on disk (`from_disk`). A program that this process had before the call is not
    `made`: it cost nothing more, 0 seconds, and `reason` is why it was made then.
    `stage` is the part of the run that used it first, "" before any training.
    """

    candidates: tuple[str, ...]
    reason: str
    seconds: float
    made: bool = True
    from_disk: bool = False
    stage: str = ""
