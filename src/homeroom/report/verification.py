"""A verification: a line for each training that was made again, and the answer."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from homeroom.records import DIFFERENT, EXACT, IDENTICAL, UNVERIFIED

from .formats import format_count, format_seconds, printable
from .terminal import FAILED, QUIET, simple_table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from homeroom.records import Difference, Verification, VerifiedMember

_STYLES = {IDENTICAL: "green", DIFFERENT: f"bold {FAILED}", UNVERIFIED: "yellow"}
_TITLE = (
    "Stored trainings, made again by keras.Model.fit in a process of its own: the same "
    "rows, order and seeds."
)
_APART = (
    "Compared: loss, metrics and val_* of every epoch, and all weights that were kept; "
    "train_eval_* is Homeroom's own measurement."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedRow:
    """A training: whose it is, how far its record is from plain Keras, the verdict."""

    candidate: str
    fold: str
    seed: str
    epochs: str
    path: str
    history: str
    weights: str
    verdict: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationView:
    """A verification in words.

    `answer` is the last sentence; `notes` are what could not be verified and what else
    a person should know.
    """

    run: str
    rows: tuple[VerifiedRow, ...]
    answer: str
    notes: tuple[str, ...]
    differs: bool


def verification_view(found: Verification) -> VerificationView:
    """Return what a verification says, in words."""
    rows = tuple(map(_row, found.members))
    left_out = [
        f"{each.candidate}: {format_count(each.n, 'training')} not verified: "
        f"{each.reason}."
        for each in found.left_out
    ]
    named = [f"{_name(row)}: {row.note}." for row in rows if row.note]
    reasons = Counter(m.reason for m in found.of(IDENTICAL) if m.reason)
    shared = [f"{format_count(n, 'training')}: {why}." for why, n in reasons.items()]
    return VerificationView(
        run=found.run,
        rows=rows,
        answer=_answer(found),
        notes=(*named, *shared, *left_out, *_environment(found)),
        differs=bool(found.of(DIFFERENT)),
    )


def verification_table(view: VerificationView) -> RenderableType:
    """Return a line for each training, what to know, and the answer."""
    parts: list[RenderableType] = []
    if view.rows:
        table = simple_table()
        table.add_column("candidate", overflow="fold")
        for name in ("fold", "seed", "epochs", "history", "weights"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("path", no_wrap=True, style=QUIET)
        table.add_column("verdict", no_wrap=True)
        for row in view.rows:
            numbers = (row.fold, row.seed, row.epochs, row.history, row.weights)
            table.add_row(
                Text(printable(row.candidate)),
                *numbers,
                Text(row.path),
                Text(row.verdict, style=_STYLES[row.verdict]),
            )
        parts += [Text(_TITLE, QUIET), table, Text(_APART, QUIET)]
    parts += [Text(printable(note), "yellow") for note in view.notes]
    style = "bold green" if view.rows else "bold yellow"
    answer = Text(printable(view.answer), f"bold {FAILED}" if view.differs else style)
    parts.append(Padding(answer, (1 if parts else 0, 0, 0, 0)))
    return Group(*parts)


def _row(each: VerifiedMember) -> VerifiedRow:
    return VerifiedRow(
        candidate=each.candidate,
        fold=str(each.fold + 1),
        seed=str(each.seed_index + 1),
        epochs=str(each.epochs),
        path=each.path,
        history=_gap(None if each.history is None else each.history.value),
        weights=_gap(each.weights),
        verdict=each.verdict,
        note=_note(each),
    )


def _gap(value: float | None) -> str:
    if value is None:
        return "–"
    return "0" if value == 0 else "NaN" if math.isnan(value) else f"{value:.1e}"


def _note(each: VerifiedMember) -> str:
    if each.verdict == IDENTICAL:
        return ""
    if each.verdict == UNVERIFIED:
        return f"not verified: {each.reason.rstrip('.')}"
    said = [_where(each.history)] if each.history and each.history.name else []
    if each.weights:
        said.append(f"its weights by up to {each.weights:.1e}")
    gaps = f"differs: {' and '.join(said)}" if said else "differs"
    return f"{gaps}; {each.reason}" if each.reason else gaps


def _where(gap: Difference) -> str:
    if gap.epoch is None:
        return f"{gap.name} is not of the same epochs in both"
    return f"{gap.name} of epoch {gap.epoch + 1} by {_gap(gap.value)}"


def _name(row: VerifiedRow) -> str:
    return f"{row.candidate}, fold {row.fold}, seed {row.seed}"


def _answer(found: Verification) -> str:
    made = [each for each in found.members if each.verdict != UNVERIFIED]
    if not made:
        return f"No training of run {found.run} could be verified."
    versions = found.versions
    others = found.of(DIFFERENT)
    were = "was" if len(made) == 1 else "were"
    said = (
        f"{len(made)} of {format_count(found.n_members, 'training')} of run "
        f"{found.run} {were} made again with plain keras.Model.fit "
        f"(Keras {versions['keras']}, JAX {versions['jax']}) in "
        f"{format_seconds(found.seconds)}: "
    )
    if others:
        differ = "differs" if len(others) == 1 else "differ"
        return f"{said}{len(others)} {differ} from the record."
    same = "it is" if len(made) == 1 else "all are"
    levels = sorted({each.level for each in made})
    how = "bit for bit" if levels == [EXACT] else f"the same ({', '.join(levels)})"
    word = "identical, " if levels == [EXACT] else ""
    return f"{said}{same} {word}{how}."


def _environment(found: Verification) -> tuple[str, ...]:
    """Say where the run was made with other versions than the verification."""
    others = {
        name: old
        for name, old in found.recorded.items()
        if old and old != found.versions.get(name)
    }
    if not others:
        return ()
    told = ", ".join(f"{name} {version}" for name, version in others.items())
    return (
        f"The run was made with {told}: another version may give other last digits. "
        "Install that one to verify it bit for bit.",
    )
