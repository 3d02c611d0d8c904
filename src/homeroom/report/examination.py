"""What the doctor found: a view, a terminal panel, the rows of a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich import box
from rich.console import Group
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .formats import format_count, format_seconds, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from homeroom.records import Examination, Finding

_STYLES = {"leakage": "bold red", "warning": "yellow", "note": "dim"}
_WORTH_SAYING = 0.1
_PLURALS = {"leakage": "leakages", "warning": "warnings", "note": "notes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """One finding in words."""

    severity: str
    check: str
    where: str
    evidence: str
    consequence: str
    remedy: str
    rows: str
    overruled: bool
    at_opening: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminationView:
    """An examination, ready to be drawn.

    `checked` has the name of a check and what it says of itself; `sheet` the kind of
    leakage, its title, the answer and why. `alarming` is whether something was found
    that may mislead.
    """

    dataset: str
    headline: str
    findings: tuple[FindingView, ...]
    checked: tuple[tuple[str, str], ...]
    sheet: tuple[tuple[str, str, str, str], ...]

    @property
    def alarming(self) -> bool:
        """Whether something was found that may make a score mislead."""
        return any(each.severity != "note" for each in self.findings)


def examination_view(
    examination: Examination, at_opening: Sequence[Finding] = ()
) -> ExaminationView:
    """Return everything that is shown of an examination.

    Args:
        examination: What was found before and after training.
        at_opening: What was found when the test rows were opened.
    """
    return ExaminationView(
        dataset=examination.dataset,
        headline=_headline(examination),
        findings=(
            *(_finding(each) for each in examination.findings),
            *(_finding(each, at_opening=True) for each in at_opening),
        ),
        checked=tuple(
            (each.check, each.text) for each in examination.checked if each.text
        ),
        sheet=tuple(
            (line.kind, line.title, line.answer, line.text)
            for line in examination.sheet
        ),
    )


def _headline(examination: Examination) -> str:
    made = [each for each in examination.checked if each.state != "skipped"]
    counts = {
        severity: sum(f.severity == severity for f in examination.findings)
        for severity in _PLURALS
    }
    told = [
        f"{n} {severity if n == 1 else _PLURALS[severity]}"
        for severity, n in counts.items()
        if n
    ]
    found = ", ".join(told) if told else "nothing found"
    took = examination.seconds
    seconds = f", in {format_seconds(took)}" if took >= _WORTH_SAYING else ""
    return (
        f"{format_count(len(made), 'check')} on "
        f"{format_count(examination.n_rows, 'row')}, {examination.strategy}{seconds}: "
        f"{found}."
    )


def _finding(finding: Finding, *, at_opening: bool = False) -> FindingView:
    rows = ", ".join(map(str, finding.rows))
    n = int(finding.numbers.get("rows", len(finding.rows)))
    return FindingView(
        severity=finding.severity,
        check=finding.check,
        where=finding.where,
        evidence=finding.evidence,
        consequence=finding.consequence,
        remedy=finding.remedy,
        rows=f"{rows}, …" if rows and n > len(finding.rows) else rows,
        overruled=finding.overruled,
        at_opening=at_opening,
    )


def examination_panel(view: ExaminationView, *, sheet: bool = False) -> RenderableType:
    """Return the findings for a terminal, and the sheet when it is asked for."""
    parts: list[RenderableType] = [Text(printable(view.headline))]
    for each in view.findings:
        parts.append(Padding(_lines(each), (1, 0, 0, 0)))
    quiet = [f"{name}: {text}" for name, text in view.checked]
    if quiet:
        parts.append(Padding(Text("\n".join(quiet), style="dim"), (1, 0, 0, 0)))
    if sheet:
        parts.append(Padding(_sheet(view), (1, 0, 0, 0)))
    gravest = next(
        (s for s in _STYLES if any(f.severity == s for f in view.findings)), ""
    )
    return Panel(
        Group(*parts),
        title=Text(printable(f"doctor · {view.dataset}")),
        title_align="left",
        border_style={"leakage": "red", "warning": "yellow"}.get(gravest, "green"),
        box=box.ROUNDED,
        padding=(1, 2),
    )


def _lines(finding: FindingView) -> Text:
    mark = "overruled " if finding.overruled else ""
    text = Text.assemble(
        (f"{mark}{finding.severity}", _STYLES[finding.severity]),
        (f"  {finding.check} · {printable(finding.where)}\n", "bold"),
        f"{printable(finding.evidence)} {printable(finding.consequence)}\n",
        (f"→ {printable(finding.remedy)}", "italic"),
    )
    if finding.rows:
        text.append(f"\nrows {finding.rows}", style="dim")
    return text


def _sheet(view: ExaminationView) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, title_justify="left"
    )
    table.add_column("leakage", no_wrap=True)
    table.add_column("answer", no_wrap=True)
    table.add_column("why", overflow="fold")
    for kind, title, answer, text in view.sheet:
        table.add_row(Text(kind), Text(answer), Text(printable(f"{title}: {text}")))
    return table
