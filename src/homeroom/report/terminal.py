"""Views in a terminal: tables and a panel that fit 80 columns and use 120."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len
from rich.console import Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .formats import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from .models import LeaderboardRow, RunRow, RunView

WIDE = 104
CHOSEN, FAILED, QUIET = "bold green", "red", "dim"

_COLUMNS = (
    "",
    "candidate",
    "mean",
    "95 % interval",
    "SD folds",
    "SD seeds",
    "worst fold",
    "epochs",
    "curves",
)
_WIDE_ONLY = {"SD seeds", "epochs"}
_WORDS = {"", "candidate", "curves"}
_SIGNS = {"chosen": "★", "equivalent": "≈", "failed": "✗", "unfinished": "…"}
_ASCII = {"chosen": "*", "equivalent": "=", "failed": "x", "unfinished": "~"}
_MEANINGS = {
    "chosen": "chosen",
    "equivalent": "cannot be told from the best mean",
    "failed": "a training failed",
    "unfinished": "not all trainings are done",
}


def leaderboard_table(view: RunView) -> RenderableType:
    """Return the candidates from the best mean to the worst.

    Below about 100 columns the spread over seeds and the epochs are left out.
    """
    return _Leaderboard(view)


def run_panel(view: RunView) -> RenderableType:
    """Return the answer of a run: what was chosen, why, and what the test gave."""
    lines: list[RenderableType] = [_text(view.headline, "bold")]
    if view.error:
        lines.append(_text(view.error, FAILED))
    if view.reason:
        lines.append(Padding(_text(view.reason), (1, 0, 0, 0)))
    final = Text("Final test. ", style="bold")
    final.append(printable(view.final_test.sentence), style="not bold")
    lines.append(Padding(final, (1, 0, 0, 0)))
    if view.failures:
        failed = Text("Failed. ", style=f"bold {FAILED}")
        shown = [f"{fact.label}, {fact.value}" for fact in view.failures[:3]]
        more = len(view.failures) - len(shown)
        told = "; ".join(shown) + (f"; and {more} more" if more else "")
        lines.append(
            Padding(failed.append(printable(told), style="not bold"), (1, 0, 0, 0))
        )
    return Panel(
        Group(*lines),
        title=_text(f"{view.name} · {view.id} · {view.state}"),
        title_align="left",
        border_style="green" if view.chosen else "yellow",
        box=box.ROUNDED,
        padding=(1, 2),
    )


def runs_table(rows: Sequence[RunRow]) -> RenderableType:
    """Return the list of runs, one line each."""
    table = _table()
    table.add_column("run", no_wrap=True, overflow="ellipsis")
    table.add_column("when", no_wrap=True, style=QUIET)
    table.add_column("state", no_wrap=True)
    table.add_column("chosen", overflow="ellipsis", no_wrap=True)
    table.add_column("mean", justify="right", no_wrap=True)
    table.add_column("final test", justify="right", no_wrap=True)
    states = {"complete": "green", "failed": FAILED, "unreadable": FAILED}
    for row in rows:
        table.add_row(
            _text(row.id, "bold"),
            Text(row.created_at.removesuffix(" UTC")),
            Text(row.state, style=states.get(row.state, "yellow")),
            _text(row.candidate),
            Text(row.mean),
            Text(row.final_test, style="" if row.final_test[:1].isdigit() else QUIET),
        )
    notes = [_text(f"{row.id}: {row.note}", FAILED) for row in rows if row.note]
    return Group(table, *notes) if notes else table


@dataclass(frozen=True, slots=True)
class _Leaderboard:
    """A table that chooses its columns when it knows how wide it may be."""

    view: RunView

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> RenderResult:
        wide = options.max_width >= WIDE
        signs = _ASCII if options.ascii_only else _SIGNS
        metric = self.view.metric
        table = _table(
            title=Text(f"validation {metric.label}, {metric.better}", style=QUIET)
        )
        rows = [_cells(row, signs, wide=wide) for row in self.view.leaderboard]
        names = [name for name in _COLUMNS if wide or name not in _WIDE_ONLY]
        columns = [[name, *(row[i] for row in rows)] for i, name in enumerate(names)]
        widths = [max(map(cell_len, column)) for column in columns]
        others = sum(widths) - widths[1] + 2 * (len(widths) - 1)
        # A long name gives way; a number never does.
        widths[1] = min(widths[1], max(8, options.max_width - others))
        for name, width in zip(names, widths, strict=True):
            table.add_column(
                name,
                justify="left" if name in _WORDS else "right",
                width=width,
                overflow="ellipsis",
                no_wrap=True,
            )
        for row, cells in zip(self.view.leaderboard, rows, strict=True):
            table.add_row(*map(Text, cells), style=_style(row))
        yield table
        yield Padding(_legend(self.view, signs), (0, 0, 1, 0))


def _cells(row: LeaderboardRow, signs: dict[str, str], *, wide: bool) -> list[str]:
    interval = row.interval.text.replace(" to ", "–") if row.interval else "–"
    cells = [
        signs.get(_mark(row), ""),
        printable(row.candidate),
        row.mean.text,
        interval,
        row.sd_folds.text.replace(" points", " pts"),
        row.sd_seeds.text.replace(" points", " pts"),
        row.worst_fold.text,
        row.epochs.text,
        row.verdict,
    ]
    both = zip(_COLUMNS, cells, strict=True)
    return [cell for name, cell in both if wide or name not in _WIDE_ONLY]


def _legend(view: RunView, signs: dict[str, str]) -> Text:
    marks = {_mark(row) for row in view.leaderboard}
    said = [f"{signs[m]} {meaning}" for m, meaning in _MEANINGS.items() if m in marks]
    lines = ["   ".join(said), view.optimism]
    return Text("\n".join(line for line in lines if line), style=QUIET)


def _text(content: str, style: str = "") -> Text:
    return Text(printable(content), style=style)


def _mark(row: LeaderboardRow) -> str:
    if row.chosen:
        return "chosen"
    if row.failed:
        return "failed"
    if row.unfinished:
        return "unfinished"
    return "equivalent" if row.equivalent else ""


def _style(row: LeaderboardRow) -> str:
    if row.chosen:
        return CHOSEN
    return QUIET if row.unfinished else ""


def _table(title: Text | None = None) -> Table:
    return Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        header_style="bold",
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
        padding=(0, 1),
    )
