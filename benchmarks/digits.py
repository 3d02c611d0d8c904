"""Every peer on the same folds of the digits, interleaved, each in its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import machine
import workload

HERE = Path(__file__).resolve().parent
OURS = Path(sys.executable)
THEIRS = HERE.parent / ".venv-bench" / "bin" / "python"
LIMIT = 600.0  # seconds; a peer that takes longer has failed

HOMEROOM = "Homeroom"
PLAIN_LOOP = "Keras loop, steps_per_execution=1"


@dataclass(frozen=True)
class Peer:
    """How one competitor is started.

    A peer that keeps compiled programs on disk runs in two processes per repeat: the
    first finds an empty folder, the second a filled one. What it `imports` is read once
    before, so that no peer waits for a disk or for bytecode that another had already.
    """

    name: str
    script: str
    imports: str
    variant: str = ""
    python: Path = OURS
    keeps_programs: bool = False
    validates: str = "each epoch"
    calls: int = 3


@dataclass
class Samples:
    """What was measured of a peer, in seconds; `missing` says why nothing was."""

    first: list[float] = field(default_factory=list)
    later: list[float] = field(default_factory=list)
    warm: list[float] = field(default_factory=list)
    accuracy: set[float] = field(default_factory=set)
    updates: set[int] = field(default_factory=set)
    versions: dict[str, str] = field(default_factory=dict)
    validates: str = "each epoch"
    missing: str = ""


def peers(cores: int) -> list[Peer]:
    """Return the competitors; Homeroom is one of them."""
    loops = [
        Peer(
            f"Keras loop, steps_per_execution={steps}{', JAX cache' if cache else ''}",
            "peer_keras.py",
            "keras",
            steps + cache,
            keeps_programs=bool(cache),
            calls=2,
        )
        for cache in ("", "+cache")
        for steps in ("1", "8", "all")
    ]
    return [
        Peer(
            HOMEROOM,
            "peer_homeroom.py",
            "homeroom.protocol, keras",
            keeps_programs=True,
            calls=6,
        ),
        *loops,
        *(
            Peer(
                f"scikit-learn MLPClassifier, n_jobs={n}",
                "peer_sklearn.py",
                "sklearn.neural_network",
                str(n),
                validates="at the end",
            )
            for n in sorted({1, cores})
        ),
        *(
            Peer(f"torch by hand, {how}", "peer_torch.py", "torch", variant, THEIRS)
            for how, variant in (
                ("folds in turn", "sequential"),
                ("a process per core", "processes"),
            )
        ),
        *(
            Peer(
                f"skorch + cross_validate, n_jobs={n}",
                "peer_skorch.py",
                "skorch",
                str(n),
                THEIRS,
                validates="at the end",
            )
            for n in sorted({1, cores})
        ),
    ]


def is_keras_loop(name: str) -> bool:
    """Whether a peer is one of the loops that the ratios are taken against."""
    return name.startswith("Keras loop")


def run(repeats: int, cores: int) -> dict[str, Samples]:
    """Measure every peer `repeats` times, in a rotating order."""
    competitors = peers(cores)
    found = {peer.name: Samples(validates=peer.validates) for peer in competitors}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "digits.npz"
        workload.write(data)
        for repeat in range(repeats):
            start = repeat * len(competitors) // max(repeats, 1)
            for peer in competitors[start:] + competitors[:start]:
                _add(found[peer.name], peer, data)
                print(f"  {repeat + 1}/{repeats} {peer.name}", file=sys.stderr)
    return found


def _add(samples: Samples, peer: Peer, data: Path) -> None:
    if samples.missing:
        return
    if not peer.python.exists():
        samples.missing = "not installed (make bench-peers)"
        return
    with tempfile.TemporaryDirectory() as cache:
        try:
            _read_from_disk(peer)
            seconds, report = _process(peer, data, cache, peer.calls)
            samples.first.append(seconds)
            samples.warm.extend(report["calls"][1:])
            if peer.keeps_programs:
                seconds, _ = _process(peer, data, cache, 1)
            samples.later.append(seconds)
        except (subprocess.SubprocessError, ValueError) as error:
            print(getattr(error, "stderr", None) or error, file=sys.stderr)
            samples.missing = f"failed ({type(error).__name__})"
            return
    samples.accuracy.add(report["accuracy"])
    samples.updates.add(report["updates"])
    samples.versions |= report["versions"]


def _read_from_disk(peer: Peer) -> None:
    command = [str(peer.python), "-c", f"import {peer.imports}"]
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    machine.compile_bytecode(peer.python)
    subprocess.run(
        command, env=environment, capture_output=True, check=True, timeout=LIMIT
    )


def _process(
    peer: Peer, data: Path, cache: str, calls: int
) -> tuple[float, dict[str, Any]]:
    """Return the seconds from starting Python to the first result, and the report."""
    command = [str(peer.python), str(HERE / peer.script), str(data)]
    command += ["--calls", str(calls), "--variant", peer.variant]
    environment = os.environ | {"HOMEROOM_CACHE_DIR": cache, "PEER_CACHE_DIR": cache}
    started = time.time()
    process = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=LIMIT,
    )
    report = json.loads(process.stdout.splitlines()[-1])
    return report["first"] - started, report
