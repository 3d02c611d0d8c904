"""What was measured so far, part by part, in docs/workloads.json."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from flatness import Flatness
from forecasts import Foreseen
from limit import Limit
from race import Samples
from work import WORKLOADS

FLATNESS = "flatness"


@dataclass
class Record:
    """Parts by name; `facts` are when and where each was measured."""

    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    races: dict[str, dict[str, Samples]] = field(default_factory=dict)
    limits: dict[str, Limit] = field(default_factory=dict)
    foreseen: dict[str, Foreseen] = field(default_factory=dict)
    flat: Flatness | None = None


def read(path: Path) -> Record:
    """Return what a file holds; nothing when there is none."""
    record = Record()
    if not path.exists():
        return record
    told = json.loads(path.read_text("utf-8"))
    record.facts = told["facts"]
    for name in (each for each in WORKLOADS if each in told["workloads"]):
        part = told["workloads"][name]
        record.races[name] = {p: Samples(**s) for p, s in part["peers"].items()}
        if part["limit"]:
            record.limits[name] = Limit(**part["limit"])
        if part["foreseen"]:
            record.foreseen[name] = Foreseen(**part["foreseen"])
    if told[FLATNESS]:
        record.flat = _flat(told[FLATNESS])
    return record


def write(record: Record, path: Path) -> None:
    """Write all parts, in the order of the workloads."""
    workloads = {
        name: {
            "title": WORKLOADS[name].title,
            "peers": {p: asdict(s) for p, s in record.races[name].items()},
            "limit": asdict(record.limits[name]) if name in record.limits else None,
            "foreseen": (
                asdict(record.foreseen[name]) if name in record.foreseen else None
            ),
        }
        for name in WORKLOADS
        if name in record.races
    }
    told = {
        "facts": record.facts,
        "workloads": workloads,
        FLATNESS: asdict(record.flat) if record.flat else None,
    }
    text = json.dumps(told, indent=1, ensure_ascii=False, default=sorted)
    path.write_text(text + "\n", "utf-8")


def _flat(told: dict[str, Any]) -> Flatness:
    by_number = {
        name: {int(n): values for n, values in told[name].items()}
        for name in ("seconds", "peak")
    }
    return Flatness(**{**told, **by_number})
