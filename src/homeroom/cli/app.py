"""The command line as a whole: its commands, its global options, its start."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from inspect import cleandoc
from typing import Annotated

import typer

from homeroom import __version__

from . import demo, doctor, predict, run, runs, verify
from .failures import debugging, told

_HELP = """\b
$ homeroom demo
$ homeroom run train.csv --target Survived

Trains every candidate on every fold with every seed, says which one will do best on
data nobody has seen and how sure that is, and opens the sealed test rows once.
"""
_EXIT_CODES = "Exit codes: 0 done, 1 failed, 2 bad input, 130 interrupted."

app = typer.Typer(
    name="homeroom",
    help=_HELP,
    epilog=_EXIT_CODES,
    rich_markup_mode=None,  # plain help fits 80 columns, and starts sooner
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        print(f"homeroom {__version__}")
        raise typer.Exit


def _no_color(asked: bool) -> None:
    if asked:
        os.environ["NO_COLOR"] = "1"  # every console made from here on obeys it


@app.callback()
def everywhere(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_version, is_eager=True, help="Print the version."
        ),
    ] = False,
    no_color: Annotated[
        bool,
        typer.Option(
            "--no-color",
            callback=_no_color,
            is_eager=True,
            help="No colors (as with the environment variable NO_COLOR).",
        ),
    ] = False,
) -> None:
    """Take the options that stand before a command."""


for _command, *_examples in (
    (demo.demo, "homeroom demo"),
    (
        run.run,
        "homeroom run train.csv --target Survived",
        "homeroom run train.csv --target Survived --model my_models:mlp",
    ),
    (doctor.doctor, "homeroom doctor train.csv --target Survived"),
    (predict.predict, "homeroom predict latest new.csv --out predictions.csv"),
    (runs.runs, "homeroom runs"),
    (runs.show, "homeroom show latest"),
    (runs.report, "homeroom report latest --out report.html"),
    (verify.verify, "homeroom verify latest", "homeroom verify latest --members all"),
):
    _said = cleandoc(_command.__doc__ or "")
    app.command(
        _command.__name__,
        help="\n".join(["\b", *(f"$ {line}" for line in _examples), "", _said]),
        short_help=_said.splitlines()[0],
    )(told(_command))


def main() -> None:
    """Run the command line on `sys.argv` and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a "×" must not end a run
    # threads that wait without spinning: on a busy machine trees are 50 times faster
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    if not debugging():
        _silence()
    app(prog_name="homeroom")


def _silence() -> None:
    """Keep what libraries tell their developers off a user's terminal."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for name in ("absl", "jax"):
        logging.getLogger(name).setLevel(logging.ERROR)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
