"""Time Homeroom against its peers on this machine; write docs/benchmarks.md and .json.

`make bench` runs it; `make bench-peers` first installs torch and skorch beside it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import digits
import examination
import machine
import scaling
import search
import startup
import tables
import zoo
from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).resolve().parent.parent / "docs"
FEWEST_STARTS = 10
PARTS: dict[str, tuple[Callable[[int], Any], Callable[[Any], tables.Table]]] = {
    "digits": (lambda n: digits.run(n, machine.cores()), tables.of_digits),
    "startup": (lambda n: startup.run(max(FEWEST_STARTS, 2 * n)), tables.of_startup),
    "scaling": (scaling.run, tables.of_scaling),
    "search": (search.run, tables.of_search),
    "doctor": (examination.run, tables.of_doctor),
    "zoo": (lambda n: zoo.run(max(zoo.REPEATS, n)), tables.of_zoo),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--output", type=Path, help="a folder; docs when all is run")
    options = parser.parse_args()
    whole = options.only == list(PARTS)
    output = options.output or (DOCS if whole else None)

    facts: dict[str, Any] = machine.describe()
    facts |= {"repeats": options.repeats, "load_at_start": machine.load()}
    samples: dict[str, Any] = {}
    drawn = []
    for name in options.only:
        measure, table = PARTS[name]
        found = measure(options.repeats)
        samples[name] = _plain(found)
        drawn.append(table(found))
    facts["load_at_end"] = machine.load()

    console = Console(width=None if Console().is_terminal else 200)
    for table in drawn:
        tables.show(console, table)
    caption = _caption(facts)
    console.print(Text(caption))
    if output:
        output.mkdir(parents=True, exist_ok=True)
        page = ["# Benchmarks", "", caption, "", *map(tables.markdown, drawn)]
        (output / "benchmarks.md").write_text("\n".join(page), "utf-8")
        record = {"machine": facts, "seconds": samples}
        text = json.dumps(record, indent=1, default=sorted, ensure_ascii=False)
        (output / "benchmarks.json").write_text(text + "\n", "utf-8")
        console.print(f"Written: {output / 'benchmarks.md'} and benchmarks.json")


def _plain(found: Any) -> Any:
    """Return what was measured as JSON takes it: one dataclass, or many by name."""
    if isinstance(found, dict):
        return {name: asdict(each) for name, each in found.items()}
    return asdict(found)


def _caption(facts: dict[str, Any]) -> str:
    return (
        f"Measured by `make bench` on {facts['date']}: {facts['processor']}, "
        f"{facts['cores']} cores, {facts['memory']}, {facts['system']}, Python "
        f"{facts['python']}, Homeroom {facts['homeroom']}. "
        f"Repeats: {facts['repeats']}, every peer in every one, in a rotating order, "
        "each in a process of its own (but for the last table). Load of the machine: "
        f"{facts['load_at_start']:.2f} before it ran, {facts['load_at_end']:.2f} at "
        "its end."
    )


if __name__ == "__main__":
    main()
