"""Race Homeroom against its peers over whole workloads; write docs/workloads.md.

`make bench-workloads` runs it. Measured are the workloads of `work.py`, how near each
comes to what the machine can do, whether time and memory stay flat, and what forecasts
are worth.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import expectations
import flatness
import forecasts
import limit
import page
import race
from here import ROOT, machine
from work import W1, W2, W3, W4, W5, WORKLOADS

FLATNESS = "flatness"
BOUNDED = (W1, W2, W3, W4, W5)  # of which a limit and a forecast are told
PARTS = (*WORKLOADS, FLATNESS)
FEW = 3  # repeats of what compares Homeroom with itself


def main() -> None:
    options = _options()
    started = time.perf_counter()
    facts: dict[str, Any] = machine.describe()
    facts |= {"repeats": options.repeats, "load_at_start": machine.load()}
    races: expectations.Races = {}
    limits, foreseen = {}, {}
    for name in (each for each in options.only if each in WORKLOADS):
        races[name] = race.run(name, options.repeats)
        if name in BOUNDED:
            limits[name] = limit.run(name)
            foreseen |= {name: forecasts.run(name)} if options.forecasts else {}
    few = min(options.repeats, FEW)
    flat = flatness.run(few) if FLATNESS in options.only else None
    wanted = [
        *expectations.of_races(races),
        *expectations.of_limits(limits, races),
        *(expectations.of_flatness(flat) if flat else ()),
        *expectations.of_forecasts(foreseen),
    ]
    facts["load_at_end"] = machine.load()
    facts["minutes"] = (time.perf_counter() - started) / 60
    text = page.page(facts, races, limits, flat, foreseen, wanted)
    record = {
        "machine": facts,
        "workloads": {
            name: {
                "title": WORKLOADS[name].title,
                "peers": {peer: asdict(samples) for peer, samples in found.items()},
            }
            for name, found in races.items()
        },
        "limits": {name: asdict(each) for name, each in limits.items()},
        "flatness": asdict(flat) if flat else None,
        "forecasts": {name: asdict(each) for name, each in foreseen.items()},
        "expectations": [asdict(each) for each in wanted],
    }
    print(text)
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "workloads.md").write_text(text, "utf-8")
        told = json.dumps(record, indent=1, ensure_ascii=False)
        (options.output / "workloads.json").write_text(told + "\n", "utf-8")
        print(f"Written: {options.output / 'workloads.md'} and .json", file=sys.stderr)


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
    parser.add_argument("--output", type=Path, help="a folder; docs when all is run")
    options = parser.parse_args()
    options.only = options.only.split(",")
    if unknown := set(options.only) - set(PARTS):
        parser.error(f"--only: {', '.join(sorted(unknown))} is none of {PARTS}")
    if options.output is None and set(options.only) == set(PARTS):
        options.output = ROOT / "docs"
    return options


if __name__ == "__main__":
    main()
