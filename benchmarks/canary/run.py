"""Which plans are safe with the JAX, Keras and NumPy that are installed?

`make canary` runs it, in a minute at most. Hazards that Homeroom avoids are told; only
what its engine relies on makes it fail.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from importlib import import_module
from importlib.metadata import version

os.environ.setdefault("KERAS_BACKEND", "jax")

from finding import BROKEN, CANARIES, HAZARD, SAFE, UNKNOWN, Finding
from rich.console import Console
from rich.table import Table

PARTS = ("loops", "silence", "hooks")


def main(arguments: list[str] | None = None) -> int:
    """Ask every canary, or some; return 1 when something relied on is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="canaries with this in their name")
    options = parser.parse_args(arguments)
    before = time.perf_counter()
    for part in PARTS:
        import_module(part)
    found = [canary.sing() for canary in CANARIES if options.only in canary.name]
    _tell(found, time.perf_counter() - before)
    return any(each.verdict == BROKEN for each in found)


def _tell(found: list[Finding], seconds: float) -> None:
    console = Console(width=None if Console().is_terminal else 240)
    names = ("jax", "jaxlib", "keras", "numpy", "homeroom")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    table = Table(title=versions)
    for column in ("", "measured", "verdict", "Homeroom's plan, or what leans on it"):
        table.add_column(column, overflow="fold")
    for each in found:
        table.add_row(each.name, each.measured, each.verdict, each.plan)
    console.print(table, markup=False)
    relied = {canary.name for canary in CANARIES if canary.is_relied_on}
    avoided = [each for each in found if each.name not in relied]
    for title, chosen in (
        ("Broken", _those(found, BROKEN)),
        ("Hazards here, and what Homeroom does instead", _those(avoided, HAZARD)),
        ("Not known here", _those(avoided, UNKNOWN)),
        ("No hazard here", [e.name for e in avoided if e.verdict == SAFE]),
    ):
        said = "".join(f"\n  {each}" for each in chosen) or " none"
        console.print(f"{title}:{said}", markup=False, highlight=False)
    console.print(f"{len(found)} canaries, {seconds:.0f} s.", highlight=False)


def _those(found: list[Finding], verdict: str) -> list[str]:
    return [f"{e.name} → {e.plan}" for e in found if e.verdict == verdict]


if __name__ == "__main__":
    sys.exit(main())
