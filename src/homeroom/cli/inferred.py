"""What was found out about a table, said before training so that it can be stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .console import talk

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from homeroom.records import DatasetRecord

    from .training import Plan

_SHOWN_NAMES = 8
_SHOWN_DROPPED = 6


def say_what_was_inferred(
    file: str,
    dataset: DatasetRecord,
    candidates: Sequence[str],
    plan: Plan,
    *,
    batch_size_was_given: bool,
) -> None:
    """Say on standard error what the table is, and what will be trained."""
    from rich.table import Table
    from rich.text import Text

    from homeroom.report import printable

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, value in _facts(file, dataset):
        grid.add_row(label, Text(printable(value)))  # no markup: "[m/s]" is a unit
    n = len(candidates) * plan.cv * plan.seeds
    chosen = "" if batch_size_was_given else " (by the number of rows)"
    grid.add_row("compared", Text(printable(", ".join(candidates))))
    grid.add_row(
        "trained",
        f"each on {plan.cv} folds with {_counted(plan.seeds, 'seed')}: {n} trainings "
        f"of at most {_counted(plan.epochs, 'epoch')}, in batches of {plan.batch_size}"
        f"{chosen}",
    )
    talk().print(grid)


def _facts(file: str, dataset: DatasetRecord) -> Iterator[tuple[str, str]]:
    yield "table", f"{file}: {dataset.n_rows:,} rows"
    yield "target", f"{dataset.task}, because {dataset.task_reason}"
    by_kind: dict[str, list[str]] = {}
    for column, kind in dataset.kinds.items():
        by_kind.setdefault(kind, []).append(column)
    label = "used"
    for kind, columns in by_kind.items():
        yield label, f"{_kind(kind, len(columns))}: {_few(columns)}"
        label = ""
    label = "left out"
    for dropped in dataset.dropped[:_SHOWN_DROPPED]:
        yield label, f"{dropped.name}: {dropped.reason}"
        label = ""
    if len(dataset.dropped) > _SHOWN_DROPPED:
        yield (
            label,
            f"and {len(dataset.dropped) - _SHOWN_DROPPED} more (see the report)",
        )
    label = "note"
    for note in dataset.notes:
        yield label, note
        label = ""


def _kind(kind: str, n: int) -> str:
    plural = {"category": "categories", "boolean": "true/false"}.get(kind, f"{kind}s")
    singular = {"boolean": "true/false"}.get(kind, kind)
    return f"{n} {singular if n == 1 else plural}"


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN_NAMES])
    more = len(names) - _SHOWN_NAMES
    return f"{shown} and {more} more" if more > 0 else shown
