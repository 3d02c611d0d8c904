"""`homeroom predict`: what the person came for."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from homeroom.errors import InputError
from homeroom.report import check_place, write_whole

from . import options
from .console import print_path, tell
from .spreadsheet import without_formulas
from .user_models import load_models, parts_of

if TYPE_CHECKING:
    import polars as pl

    from homeroom.records import RunRecord

_FORMATS = (".csv", ".parquet")
_SHOWN_CLASSES = 6


def predict(
    run: options.RunId,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="New rows: CSV, TSV or Parquet."),
    ],
    out: Annotated[
        Path,
        typer.Option("--out", "-o", metavar="PATH", help="Written: .csv or .parquet."),
    ] = Path("predictions.csv"),
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]MODULE:FUNCTION",
            help=(
                "The model function of the run, where it has parts of its own, such as "
                "custom layers: its module is imported."
            ),
            show_default="none",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file if it exists.")
    ] = False,
    store: options.Store = None,
) -> None:
    """Apply the chosen model of a run to new rows.

    The file written has one line per row, in their order: what identifies the row, the
    prediction and, for classes, a probability for each.
    """
    _check_out(out, file, replace=force)
    from homeroom.store import open_store

    stored = open_store(store, create=False)
    record = stored.read_run(run)
    from homeroom.protocol import predict_file

    own = parts_of(load_models(model or []))
    predictions = predict_file(record, stored, file, own, tell)
    write_whole(out, _content(predictions, out))
    _say_what_was_predicted(predictions, record, file)
    print_path(out)


def _check_out(out: Path, file: Path, *, replace: bool) -> None:
    if out.suffix.lower() not in _FORMATS:
        raise InputError(
            f"--out {str(out)!r} names no format: end it in {' or '.join(_FORMATS)}."
        )
    check_place(out)
    if out.resolve() == file.resolve():
        raise InputError(
            f"--out {str(out)!r} is the file with the rows. Name another for the "
            "predictions."
        )
    if out.exists() and not replace:
        raise InputError(
            f"{str(out)!r} exists. Pass --force to replace it, or another --out."
        )


def _content(frame: pl.DataFrame, out: Path) -> bytes:
    if out.suffix.lower() == ".parquet":
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        return buffer.getvalue()
    safe, changed = without_formulas(frame)
    if changed:
        cells = "1 text cell begins" if changed == 1 else f"{changed} text cells begin"
        tell(
            f"{cells} like a formula (= + - @) and got an apostrophe in front, so that "
            "no spreadsheet runs it. A .parquet file keeps text as it is."
        )
    return safe.write_csv().encode()


def _say_what_was_predicted(frame: pl.DataFrame, record: RunRecord, file: Path) -> None:
    assert record.refit is not None
    said = (
        f"{frame.height:,} rows of {file.name} predicted by {record.refit.candidate!r} "
        f"of run {record.id}"
    )
    target = record.dataset.target
    if record.dataset.task == "classification" and target is not None:
        labels = frame[target].alias("label")  # a column "count" would be there twice
        counts = labels.value_counts(sort=True).rows()
        told = [f"{label} {n:,}" for label, n in counts[:_SHOWN_CLASSES]]
        more = len(counts) - _SHOWN_CLASSES
        said += f": {', '.join(told)}{f' and {more} more' if more > 0 else ''}"
    tell(f"{said}.")
