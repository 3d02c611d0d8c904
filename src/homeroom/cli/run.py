"""`homeroom run`: the whole exam on somebody's table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from homeroom.report import check_report_place

from . import options
from .inferred import say_what_was_inferred
from .training import Plan, carry_out, foretell
from .user_models import load_models

if TYPE_CHECKING:
    from homeroom.data import Dataset

YARDSTICK = "linear"


def run(  # noqa: PLR0913 - each is one option
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A CSV, TSV or Parquet file.", show_default=False
        ),
    ],
    target: Annotated[
        str,
        typer.Option("--target", "-t", metavar="COLUMN", help="The column to predict."),
    ],
    task: Annotated[
        str | None,
        typer.Option(
            metavar="TASK",
            help="classification or regression.",
            show_default="found out from the column",
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What decides: accuracy, loss, rmse, mae, or a metric of your models.",
            show_default="accuracy or rmse",
        ),
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Rows with one value are never separated: a patient, a user.",
            show_default="none",
        ),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="When each row was: the last rows are sealed, folds follow the order.",
            show_default="none",
        ),
    ] = None,
    rule: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=(
                "Who is chosen: steadiest_equivalent, best_mean, one_std_err, pct_loss "
                "or worst_fold."
            ),
        ),
    ] = "steadiest_equivalent",
    final_model: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help=(
                "What is made of the chosen candidate: refit (trained on all rows), "
                "ensemble (the mean of its fold models) or best_member."
            ),
        ),
    ] = "refit",
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]MODULE:FUNCTION",
            help=(
                "A model function of yours, such as my_models:mlp; repeat it for more. "
                "A scikit-learn estimator may stand there too."
            ),
            show_default="four default candidates",
        ),
    ] = None,
    yardstick: Annotated[
        bool,
        typer.Option(
            "--yardstick/--no-yardstick",
            help="Whether the linear model is compared too.",
        ),
    ] = True,
    epochs: Annotated[
        int, typer.Option(metavar="N", help="At most; early stopping ends sooner.")
    ] = 100,
    batch_size: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Rows per weight update.",
            show_default="32 to 512, by the number of rows",
        ),
    ] = None,
    cv: Annotated[int, typer.Option(metavar="N", help="Number of folds.")] = 5,
    seeds: Annotated[
        int, typer.Option(metavar="N", help="Trainings per candidate and fold.")
    ] = 3,
    test_size: Annotated[
        float,
        typer.Option(metavar="SHARE", help="Share of the rows to seal for the test."),
    ] = 0.2,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Only say what it would cost: nothing is kept."),
    ] = False,
    keep_sealed: Annotated[
        bool,
        typer.Option(
            "--keep-sealed", help="Do not open the test rows: more runs will follow."
        ),
    ] = False,
    seed: Annotated[
        int, typer.Option(metavar="N", help="Decides the cut, folds and weights.")
    ] = 0,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What the run is called.",
            show_default="the name of the file",
        ),
    ] = None,
    overrule: options.Overrule = None,
    store: options.Store = None,
    report: options.Report = Path("report.html"),
) -> None:
    """Compare candidates on a table of your own.

    A linear model, two networks and gradient-boosted trees are trained on every fold
    with every seed. Encoding, separator, task and kinds of columns are found out and
    said; missing cells and text are dealt with inside each fold. One candidate is
    chosen, with the reason; the sealed test rows are opened once; a report is written.

    Models of your own replace these candidates; the linear model stays, because a
    network that cannot beat it is not worth having.
    """
    check_report_place(report)
    from homeroom import data

    dataset = data.read_table(file, target, task=task, name=name, groups=groups)
    candidates = _candidates(dataset, model or [], yardstick)
    from homeroom.protocol import Experiment, default_batch_size

    experiment = Experiment(
        dataset,
        test_size=options.share_or_rows(test_size),
        time=time,
        seed=seed,
        name=name,
        store=store,
    )
    for title, source, hyperparameters in candidates:
        experiment.add(title, source, **hyperparameters)
    size = batch_size
    if size is None:
        size = default_batch_size(dataset.record.n_rows)
    plan = Plan(
        cv=cv,
        seeds=seeds,
        epochs=epochs,
        batch_size=size,
        metric=metric,
        rule=rule,
        final_model=final_model,
        report=report,
        keep_sealed=keep_sealed,
        overrule=tuple(overrule or ()),
    )
    say_what_was_inferred(
        file.name,
        dataset.record,
        [title for title, _, _ in candidates],
        plan,
        batch_size_was_given=batch_size is not None,
    )
    if dry_run:
        foretell(experiment, plan)
    else:
        carry_out(experiment, plan)


def _candidates(
    dataset: Dataset, told: list[str], yardstick: bool
) -> list[tuple[str, Any, dict[str, Any]]]:
    own = load_models(told)
    from homeroom.protocol import default_candidates

    defaults = default_candidates(dataset)
    if not own:
        return [c for c in defaults if yardstick or c[0] != YARDSTICK]
    taken = {model.name for model in own}
    kept = [
        c for c in defaults if yardstick and c[0] == YARDSTICK and c[0] not in taken
    ]
    return [*kept, *((model.name, model.source, {}) for model in own)]
