"""Views in a terminal: tables and a panel that fit 80 columns and use 120."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

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

CHOSEN, FAILED, QUIET = "bold green", "red", "dim"
NAME = 24  # columns a name gets before two lines are taken instead of one

# One line per candidate where that fits; else each column has two values, one above
# the other, so that nothing is left out.
_Form: TypeAlias = tuple[tuple[str, ...], ...]
_ONE_LINE: _Form = (
    ("",),
    ("candidate",),
    ("mean",),
    ("95 % interval",),
    ("SD folds",),
    ("SD seeds",),
    ("worst fold",),
    ("epochs",),
    ("curves",),
)
_TWO_LINES: _Form = (
    ("",),
    ("candidate", "curves"),
    ("mean",),
    ("95 % interval",),
    ("SD folds", "SD seeds"),
    ("worst fold", "epochs"),
)
_LEFT = {"", "candidate", "curves"}
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

    A wide terminal shows a line for each, a narrow one two; both show every number.
    """
    return _Leaderboard(view)


def run_panel(view: RunView) -> RenderableType:
    """Return the answer of a run: what was chosen, why, and what the test gave."""
    lines: list[RenderableType] = [_text(view.headline, "bold")]
    if view.error:
        lines.append(_text(view.error, FAILED))
    if view.reason:
        lines.append(Padding(_text(view.reason), (1, 0, 0, 0)))
    if view.reference:
        lines.append(Padding(_text(view.reference, QUIET), (1, 0, 0, 0)))
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
    if view.untrained:
        missing = Text("Not trained. ", style="bold yellow")
        told = "; ".join(f"{fact.label}: {fact.value}" for fact in view.untrained)
        missing.append(f"{printable(told)}.", style="not bold")
        lines.append(Padding(missing, (1, 0, 0, 0)))
    if view.programs is not None:
        lines.append(Padding(_text(view.programs.text, QUIET), (1, 0, 0, 0)))
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
    table = simple_table()
    # names give way on a narrow terminal: a number that is cut is another number
    table.add_column("run", overflow="fold")
    table.add_column("when (UTC)", no_wrap=True, style=QUIET)
    table.add_column("state", no_wrap=True)
    table.add_column("chosen", overflow="fold")
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
        signs = _ASCII if options.ascii_only else _SIGNS
        rows = [_values(row, signs) for row in self.view.leaderboard]
        form, widths = _ONE_LINE, _widths(_ONE_LINE, rows)
        if _total(widths) - max(0, widths[1] - NAME) > options.max_width:
            form, widths = _TWO_LINES, _widths(_TWO_LINES, rows)
        # A long name gives way; a number never does.
        widths[1] -= min(widths[1] - 8, max(0, _total(widths) - options.max_width))
        table = simple_table()
        table.leading = len(form[1]) - 1
        for names, width in zip(form, widths, strict=True):
            table.add_column(
                "\n".join(names) + "\n" * (len(form[1]) - len(names)),
                justify="left" if names[0] in _LEFT else "right",
                width=width,
                overflow="ellipsis",
                no_wrap=True,
            )
        for row, values in zip(self.view.leaderboard, rows, strict=True):
            cells = (_cell(row, [values[name] for name in names]) for names in form)
            table.add_row(*cells)
        yield Text(_title(self.view), style=QUIET)
        yield table
        yield Padding(_legend(self.view, signs), (0, 0, 1, 0))


def _title(view: RunView) -> str:
    said = f"validation {view.metric.label}, {view.metric.better}"
    return f"{said} · {view.measured_on}" if view.measured_on else said


def _values(row: LeaderboardRow, signs: dict[str, str]) -> dict[str, str]:
    interval = row.interval.text.replace(" to ", "–") if row.interval else "–"
    return {
        "": signs.get(_mark(row), ""),
        "candidate": printable(row.candidate).replace("\n", " "),
        "mean": row.mean.text,
        "95 % interval": interval,
        "SD folds": row.sd_folds.text.replace(" points", " pts"),
        "SD seeds": row.sd_seeds.text.replace(" points", " pts"),
        "worst fold": row.worst_fold.text,
        "epochs": row.epochs.text,
        "curves": row.verdict,
    }


def _widths(form: _Form, rows: Sequence[dict[str, str]]) -> list[int]:
    return [
        max(cell_len(text) for n in names for text in (n, *(row[n] for row in rows)))
        for names in form
    ]


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + 2 * (len(widths) - 1)


def _cell(row: LeaderboardRow, values: Sequence[str]) -> Text:
    cell = Text(values[0], style=_style(row))
    for value in values[1:]:
        cell.append(f"\n{value}", style="" if row.chosen else QUIET)
    return cell


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


def simple_table() -> Table:
    """Return an empty table with a rule below its heads and nothing else."""
    return Table(
        box=box.SIMPLE_HEAD,
        header_style="bold",
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
        padding=(0, 1),
    )
