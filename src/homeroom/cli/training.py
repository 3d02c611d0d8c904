"""What `demo` and `run` share: train, open the test once, write the report, print."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from homeroom.errors import HomeroomError
from homeroom.report import check_report_place

from .console import output, talk, tell
from .failures import INTERRUPTION

if TYPE_CHECKING:
    from homeroom.engine import EarlyStopping
    from homeroom.protocol import Experiment, Run
    from homeroom.records import RunRecord

_STOPPED = "bold yellow"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is decided before training, and where the report goes."""

    cv: int
    seeds: int
    epochs: int
    batch_size: int
    report: Path
    metric: str | None = None
    rule: str = "steadiest_equivalent"
    final_model: str = "refit"
    early_stopping: EarlyStopping | None = None
    keep_sealed: bool = False
    overrule: tuple[str, ...] = ()


def carry_out(experiment: Experiment, plan: Plan) -> None:
    """Run the experiment, open the test once, and print the result.

    Raises:
        typer.Exit: With 130, if Ctrl-C ended it; what was done is kept and said.
        HomeroomError: If the final test failed; all else is written and said before.
    """
    from rich.text import Text

    from homeroom.protocol import Interrupted

    check_report_place(plan.report)
    tell(
        "Starting Keras. A first run also compiles; later ones reuse it.\n", style="dim"
    )
    try:
        run = experiment.run(
            cv=plan.cv,
            seeds=plan.seeds,
            epochs=plan.epochs,
            batch_size=plan.batch_size,
            metric=plan.metric,
            rule=plan.rule,
            final_model=plan.final_model,
            early_stopping=plan.early_stopping,
            overrule=plan.overrule,
            verbose=1,
        )
    except Interrupted as stop:
        _say_what_is_kept(stop.result)
        raise typer.Exit(INTERRUPTION) from None
    except KeyboardInterrupt:
        tell("Interrupted before the first training: no run was made.", style=_STOPPED)
        raise typer.Exit(INTERRUPTION) from None
    failure = None if plan.keep_sealed else _final_test(run)
    write_report(run.record, plan.report)  # first: who reads along may stop reading
    talk().print()
    print_run(run.record)
    where = Text(f"report  {plan.report.resolve()}", style="bold")
    output().print(where, soft_wrap=True)
    if failure is not None:
        raise failure


def _final_test(run: Run) -> HomeroomError | None:
    """Open the test rows; what goes wrong is told after what did not."""
    try:
        run.final_test()
    except HomeroomError as error:
        return error
    return None


def foretell(experiment: Experiment, plan: Plan) -> None:
    """Print what the experiment would cost; train, keep and open nothing."""
    from homeroom.report import forecast_table

    tell("Compiling, and training a few batches to time them.\n", style="dim")
    found = experiment.forecast(
        cv=plan.cv,
        seeds=plan.seeds,
        epochs=plan.epochs,
        batch_size=plan.batch_size,
        early_stopping=plan.early_stopping,
    )
    output().print(forecast_table(found))


def write_report(record: RunRecord, path: Path) -> None:
    """Write a run as one HTML file, whole or not at all.

    Raises:
        InputError: If the path cannot be written, or holds something else.
    """
    from homeroom.report import run_view, write_page

    write_page(run_view(record), path)


def print_run(record: RunRecord) -> None:
    """Print the answer, the candidates and what the choice rests on."""
    from homeroom.report import (
        examination_panel,
        leaderboard_table,
        run_panel,
        run_view,
    )

    view = run_view(record)
    console = output()
    console.print(leaderboard_table(view))
    if view.examination is not None and view.examination.alarming:
        console.print(examination_panel(view.examination))
    console.print(run_panel(view))


def _say_what_is_kept(run: Run) -> None:
    from homeroom.records import COMPLETE

    members = run.record.members
    done = sum(member.state == COMPLETE for member in members)
    tell(
        f"Interrupted: {done} of {len(members)} trainings are done and kept in run "
        f"{run.id}. The test rows stay sealed.",
        style=_STOPPED,
    )
    talk().print(f"  homeroom show {run.id}", style="dim")
