"""Race Homeroom on a GPU against what else trains there; write docs/gpu.md.

`make bench-gpu` runs it, on a machine with a GPU that JAX and torch both see. The
peers of a workload are processes that make their first call, the compiling one, side
by side; then they take turns, a warm call each. Parts that are not measured anew
(`--only`) stay as they were.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import page
import race
import rows
from here import OURS, ROOT, machine
from peers import HOMEROOM, Peer
from race import Samples
from work import W1, W2, W3, W4, W5, WORKLOADS

LANES = "Homeroom, one training at a time"
ON_CPU = "Homeroom on the processor's cores"
ENSEMBLE = "torch.func ensemble, CUDA graphs"
ORDER = (W1, W2, W4, W5, W3)
_JAX = (("KERAS_BACKEND", "jax"), ("XLA_PYTHON_CLIENT_PREALLOCATE", "false"))


def _peer(
    name: str, script: str, shares: dict[str, int], variant: str = "", **more: str
) -> Peer:
    return Peer(name, script, shares, variant, OURS, (*_JAX, *more.items()), "")


# as many trainings as make a call of two seconds or so; 0 is all
PEERS = (
    _peer(HOMEROOM, "peer_homeroom.py", dict.fromkeys(ORDER, 0)),
    _peer(
        LANES, "peer_homeroom.py", {W2: 20, W3: 5, W4: 5, W5: 5}, HOMEROOM_PLAN="lanes"
    ),
    _peer(
        ON_CPU, "peer_homeroom.py", {W1: 0, W2: 0, W3: 10, W4: 10, W5: 20},
        JAX_PLATFORMS="cpu",
    ),
    _peer(
        "Keras loop, JAX, steps_per_execution=1", "peer_keras.py",
        {W1: 1, W2: 2, W3: 1, W4: 2, W5: 2}, "1+cache",
    ),
    _peer(
        "Keras loop, JAX, steps_per_execution=all", "peer_keras.py",
        {W1: 1, W2: 4}, "all+cache",
    ),
    _peer(
        "torch by hand, CUDA graphs, one at a time", "peer_cuda.py",
        {W1: 4, W2: 40, W3: 5, W4: 10, W5: 10},
    ),
    _peer(ENSEMBLE, "peer_cuda.py", dict.fromkeys(ORDER, 0), "ensemble"),
)  # fmt: skip

LEGEND = (
    "Warm calls, in turns in one run, each peer a process of its own that has made one "
    "call before: median [min–max]. Of a slow peer a sample is trained, spread over "
    "configurations and folds, and the seconds of all (marked ~) are its milliseconds "
    "per training times their number. × is how many times longer than Homeroom's on "
    "the GPU; whoever is below 1 is faster. First calls are not compared, because all "
    "peers compile at once.",
    "Products may use TF32, in JAX and in torch. torch's steps are captured as CUDA "
    "graphs, which are kept from call to call. The ensemble trains every epoch of "
    "every member, returns no predictions, keeps no weights, cuts folds to one length. "
    "Homeroom examines the data, draws Keras's own first weights and orders of rows, "
    "stops early and keeps the best weights, and returns a record and out-of-fold "
    "predictions of every training.",
)


class Rival:
    """A peer under way, which makes a call when asked."""

    def __init__(self, name: str, peer: Peer, data: Path, cache: str) -> None:
        self.peer = peer
        self.samples = Samples(WORKLOADS[name].n_trainings)
        self._errors = Path(cache) / "stderr"
        self._process = subprocess.Popen(
            [*race.command(name, peer, data), "--calls", "0"],
            env=race.environment(peer, cache),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors.open("w"),
            text=True,
        )

    def answer(self) -> dict[str, Any] | None:
        """Wait for what it says of a call; nothing once it has failed."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if line:
            told: dict[str, Any] = json.loads(line)
            return told
        self.samples.missing = "failed"
        print(self._errors.read_text("utf-8")[-2000:], file=sys.stderr)
        return None

    def call(self) -> None:
        """Have it make a warm call."""
        if self.samples.missing:
            return
        assert self._process.stdin is not None
        with suppress(OSError):  # it has died: the answer tells
            self._process.stdin.write("\n")
            self._process.stdin.flush()
        if (told := self.answer()) is not None:
            self.samples.add(told)

    def end(self) -> None:
        """Have it end."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        self._process.wait()


def main() -> None:
    options = _options()
    path = options.output / "gpu.json"
    record = json.loads(path.read_text("utf-8")) if path.exists() else {}
    for name in options.only.split(","):
        started = time.perf_counter()
        found = run(name, options.repeats)
        facts = machine.describe() | {"gpu": _gpu(), "repeats": options.repeats}
        facts["minutes"] = (time.perf_counter() - started) / 60
        peers = {peer: asdict(samples) for peer, samples in found.items()}
        record[name] = {"facts": facts, "peers": peers}
        text = json.dumps(record, indent=1, ensure_ascii=False)
        path.write_text(text + "\n", "utf-8")
        (options.output / "gpu.md").write_text(markdown(record), "utf-8")
        print(f"Written: {name}", file=sys.stderr, flush=True)


def run(name: str, repeats: int) -> dict[str, Samples]:
    """Measure every peer of a workload `repeats` times, in a rotating order."""
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "rows.npz"
        rows.write(WORKLOADS[name], data)
        rivals = []
        for peer in (peer for peer in PEERS if name in peer.shares):
            cache = stack.enter_context(tempfile.TemporaryDirectory())
            rivals.append(Rival(name, peer, data, cache))
        for rival in rivals:
            stack.callback(rival.end)
            rival.answer()
        for repeat in range(repeats):
            start = repeat * len(rivals) // repeats
            for rival in rivals[start:] + rivals[:start]:
                rival.call()
    return {rival.peer.name: rival.samples for rival in rivals}


def markdown(record: dict[str, Any]) -> str:
    """Return the page."""
    facts = next(iter(record.values()))["facts"]
    lines = [
        "# On a GPU",
        "",
        f"Measured by `make bench-gpu`: {facts['gpu']}; {facts['processor']}, "
        f"{facts['cores']} cores, Python {facts['python']}, Homeroom "
        f"{facts['homeroom']}.",
        "",
        *(f"{each}\n" for each in LEGEND),
    ]
    versions: dict[str, str] = {}
    for name in (each for each in WORKLOADS if each in record):
        found = {p: Samples(**s) for p, s in record[name]["peers"].items()}
        facts = record[name]["facts"]
        lines += [*page.table_of_race(name, found)]
        lines += [f"{facts['date']}, {facts['gpu']}, {facts['repeats']} repeats.", ""]
        versions |= {n: v for s in found.values() for n, v in s.versions.items()}
    told = ", ".join(f"{each} {versions[each]}" for each in sorted(versions))
    return "\n".join([*lines, f"Versions: {told}.", ""])


def _gpu() -> str:
    query = "--query-gpu=name,memory.total,driver_version"
    told = subprocess.run(
        ["nvidia-smi", query, "--format=csv,noheader"],
        capture_output=True,
        text=True,
        check=True,
    )
    name, memory, driver = told.stdout.splitlines()[0].split(", ")
    return f"{name}, {memory}, driver {driver}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default=",".join(ORDER))
    parser.add_argument("--output", type=Path, default=ROOT / "docs")
    return parser.parse_args()


if __name__ == "__main__":
    main()
