"""Race Homeroom against its peers over whole workloads; write docs/workloads.md.

`make bench-workloads` runs it. Measured are the workloads of `work.py`, how near each
comes to what the machine can do, whether time and memory stay flat, and what forecasts
are worth. Parts that are not measured anew (`--only`) stay as they were.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import expectations
import flatness
import forecasts
import limit
import page
import race
import stored
from here import ROOT, machine
from stored import FLATNESS, Record
from work import W1, W2, W3, W4, W5, WORKLOADS

BOUNDED = (W1, W2, W3, W4, W5)  # of which a limit and a forecast are told
PARTS = (*WORKLOADS, FLATNESS)


def main() -> None:
    options = _options()
    options.output.mkdir(parents=True, exist_ok=True)
    for name in options.only:
        record = stored.read(options.output / "workloads.json")
        _measure(name, record, options)
        # after each part, so that an hour's work does not hang on the last of it
        stored.write(record, options.output / "workloads.json")
        text = page.page(record, expectations.of(record))
        (options.output / "workloads.md").write_text(text, "utf-8")
        print(f"Written: {name} in {options.output / 'workloads.md'}", file=sys.stderr)


def _measure(name: str, record: Record, options: argparse.Namespace) -> None:
    """Measure one part, in place of what the record had of it."""
    started = time.perf_counter()
    facts = machine.describe()
    facts |= {"repeats": options.repeats, "load_at_start": machine.load()}
    facts["has_bytecode"] = True  # `race` sees to it
    if name == FLATNESS:
        record.flat = flatness.run(options.repeats)
    else:
        record.races[name] = race.run(name, options.repeats)
        if name in BOUNDED:
            record.limits[name] = limit.run(name)
            if options.forecasts:
                record.foreseen[name] = forecasts.run(name)
    facts["load_at_end"] = machine.load()
    facts["minutes"] = (time.perf_counter() - started) / 60
    record.facts[name] = facts


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--only", default=",".join(PARTS), help=f"some of {','.join(PARTS)}"
    )
    parser.add_argument(
        "--no-forecasts",
        dest="forecasts",
        action="store_false",
        help="leave out the forecasts, which make every training once",
    )
    parser.add_argument("--output", type=Path, default=ROOT / "docs")
    options = parser.parse_args()
    options.only = options.only.split(",")
    if unknown := set(options.only) - set(PARTS):
        parser.error(f"--only: {', '.join(sorted(unknown))} is none of {PARTS}")
    return options


if __name__ == "__main__":
    main()
