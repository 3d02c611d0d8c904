"""Every peer of a workload, interleaved, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import rows
from here import FOLDER, machine
from peers import HOMEROOM, Peer, peers_of
from work import W6, WORKLOADS

LIMIT = 600.0  # seconds; a peer that takes longer has failed


@dataclass
class Samples:
    """What was measured of a peer, in seconds; `missing` says why nothing was.

    `first` is from starting Python to the end of the first call, `warm` the second
    call alone, which the counts are of. `total` is how many trainings the workload has
    for this peer.
    """

    total: int
    same_model: bool = True
    first: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    trainings: list[int] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)
    updates: list[int] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    missing: str = ""

    def add(self, call: dict[str, Any]) -> None:
        """Add what a peer printed of a warm call."""
        self.warm.append(call["seconds"])
        for count in ("trainings", "epochs", "updates", "accuracy"):
            getattr(self, count).append(call[count])
        self.versions |= call["versions"]

    @property
    def n(self) -> int:
        """How many trainings it really made in a call."""
        return round(median(self.trainings))

    @property
    def is_sample(self) -> bool:
        return self.n < self.total

    @property
    def each(self) -> list[float]:
        """Seconds per training of every warm call."""
        return [s / n for s, n in zip(self.warm, self.trainings, strict=True)]

    @property
    def warm_total(self) -> list[float]:
        """Seconds of all trainings, warm; extrapolated from a sample."""
        return [each * max(self.total, self.n) for each in self.each]

    @property
    def cold_total(self) -> list[float]:
        """Seconds from nothing to the end; what a sample left out is as warm."""
        left_out = max(self.total - self.n, 0)
        return [
            first + left_out * each
            for first, each in zip(self.first, self.each, strict=True)
        ]

    @property
    def ms_per_epoch(self) -> float:
        pairs = zip(self.warm, self.epochs, strict=True)
        return median(seconds / n * 1e3 for seconds, n in pairs)

    @property
    def epochs_each(self) -> float:
        return sum(self.epochs) / sum(self.trainings)


def run(name: str, repeats: int) -> dict[str, Samples]:
    """Measure every peer of a workload `repeats` times, in a rotating order."""
    spec = WORKLOADS[name]
    competitors = peers_of(name)
    found = {
        peer.name: Samples(_total(name, peer), peer.same_model) for peer in competitors
    }
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "rows.npz"
        rows.write(spec, data)
        for repeat in range(repeats):
            start = repeat * len(competitors) // repeats
            for peer in competitors[start:] + competitors[:start]:
                before = time.perf_counter()
                _add(found[peer.name], name, peer, data)
                took = time.perf_counter() - before
                print(
                    f"  {name} {repeat + 1}/{repeats} {peer.name}: {took:.1f} s",
                    file=sys.stderr,
                    flush=True,
                )
    return found


def _total(name: str, peer: Peer) -> int:
    """Return the trainings that the workload has: the nested one, as many as made."""
    if name == W6 and peer.name.startswith(HOMEROOM):
        return 0
    return WORKLOADS[name].n_trainings


def _add(samples: Samples, name: str, peer: Peer, data: Path) -> None:
    if samples.missing:
        return
    if not peer.python.exists():
        samples.missing = f"not installed ({peer.installed_by})"
        return
    machine.compile_bytecode(peer.python)
    with tempfile.TemporaryDirectory() as cache:
        try:
            first, warm = _process(name, peer, data, cache)
        except (subprocess.SubprocessError, ValueError, IndexError) as error:
            told = getattr(error, "stderr", None) or str(error)
            print(told[-2000:], file=sys.stderr)
            samples.missing = f"failed ({type(error).__name__})"
            return
    samples.first.append(first)
    samples.add(warm)


def _process(
    name: str, peer: Peer, data: Path, cache: str
) -> tuple[float, dict[str, Any]]:
    """Return the seconds from starting Python to the first result, and a warm call."""
    started = time.time()
    process = subprocess.run(
        command(name, peer, data),
        env=environment(peer, cache),
        capture_output=True,
        text=True,
        check=True,
        timeout=LIMIT,
    )
    cold, warm = map(json.loads, process.stdout.splitlines()[-2:])
    return cold["ended"] - started, warm


def command(name: str, peer: Peer, data: Path) -> list[str]:
    """Return what starts a peer of a workload."""
    told = [str(peer.python), str(FOLDER / peer.script), name, str(data)]
    return [*told, "--sample", str(peer.shares[name]), "--variant", peer.variant]


def environment(peer: Peer, cache: str) -> dict[str, str]:
    """Return the environment of a peer that has no compiled programs yet."""
    places = {"HOMEROOM_CACHE_DIR": cache, "PEER_CACHE_DIR": cache}
    return {**os.environ, **places, **dict(peer.environment)}
