"""Time Homeroom against its peers on this machine; write docs/benchmarks.md and .json.

`make bench` runs it; `make bench-peers` first installs torch and skorch beside it.
Every part is written when it is measured; `--only` measures some of them anew.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import digits
import examination
import machine
import msgspec
import scaling
import search
import startup
import tables
import zoo
from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).resolve().parent.parent / "docs"
FEWEST_STARTS = 10


@dataclass(frozen=True)
class Part:
    """How a part is measured, what that gives, and the table of it."""

    measure: Callable[[int], Any]
    kind: Any
    table: Callable[[Any], tables.Table]


PARTS = {
    "digits": Part(
        lambda n: digits.run(n, machine.cores()),
        dict[str, digits.Samples],
        tables.of_digits,
    ),
    "startup": Part(
        lambda n: startup.run(max(FEWEST_STARTS, 2 * n)),
        dict[str, startup.Start],
        tables.of_startup,
    ),
    "scaling": Part(scaling.run, scaling.Scaling, tables.of_scaling),
    "search": Part(search.run, dict[str, search.Searches], tables.of_search),
    "doctor": Part(examination.run, dict[str, examination.Examined], tables.of_doctor),
    "zoo": Part(
        lambda n: zoo.run(max(zoo.REPEATS, n)), dict[str, zoo.Contest], tables.of_zoo
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--output", type=Path, default=DOCS, help="a folder")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    file = options.output / "benchmarks.json"
    record = json.loads(file.read_text("utf-8")) if file.exists() else {}
    console = Console(width=None if Console().is_terminal else 200)
    for name in options.only:
        facts = machine.describe() | {"repeats": options.repeats}
        facts["load_at_start"] = machine.load()
        found = PARTS[name].measure(options.repeats)
        facts["load_at_end"] = machine.load()
        record.setdefault("machine", {})[name] = facts
        record.setdefault("seconds", {})[name] = msgspec.to_builtins(
            found, str_keys=True
        )
        tables.show(console, PARTS[name].table(found))
        console.print(Text(_when(facts)))
        text = json.dumps(record, indent=1, default=sorted, ensure_ascii=False)
        file.write_text(text + "\n", "utf-8")
        page = _page(record["machine"], record["seconds"])
        (options.output / "benchmarks.md").write_text(page, "utf-8")
    console.print(f"Written: {options.output / 'benchmarks.md'} and benchmarks.json")


def _page(facts: dict[str, Any], seconds: dict[str, Any]) -> str:
    lines = [
        "# Benchmarks",
        "",
        "Measured by `make bench`, every peer in every repeat, in a rotating order, "
        "each in a process of its own (but for the last table).",
        "",
    ]
    for name, part in PARTS.items():
        if name in seconds:
            found = msgspec.convert(seconds[name], part.kind, str_keys=True)
            lines += [tables.markdown(part.table(found)), _when(facts[name]), ""]
    return "\n".join(lines)


def _when(facts: dict[str, Any]) -> str:
    return (
        f"Measured on {facts['date']}: {facts['processor']}, {facts['cores']} cores, "
        f"{facts['memory']}, {facts['system']}, Python {facts['python']}, Homeroom "
        f"{facts['homeroom']}. Repeats: {facts['repeats']}. Load of the machine: "
        f"{facts['load_at_start']:.2f} before, {facts['load_at_end']:.2f} at the end."
    )


if __name__ == "__main__":
    main()
