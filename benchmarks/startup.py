"""What it costs to start: Python, `import homeroom`, and commands that only read."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

BARE = "python -c pass"
LEAST = "Keras: one fit of two batches, nothing compiled before"


@dataclass
class Start:
    """Seconds that a command took, or why it did not end well."""

    seconds: list[float] = field(default_factory=list)
    missing: str = ""


def run(repeats: int) -> dict[str, Start]:
    """Run every command `repeats` times in turn, after one run that is not counted."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "HOMEROOM_STORE": str(Path(folder) / "homeroom.db"),
            "KERAS_BACKEND": "jax",
        }
        _make_store(environment)
        commands = _commands()
        found = {name: Start() for name in commands}
        for repeat in range(repeats + 1):
            for name, command in commands.items():
                _add(found[name], command, environment, counts=repeat > 0)
    return found


def _commands() -> dict[str, list[str]]:
    python = [sys.executable, "-c"]
    homeroom = [sys.executable, "-m", "homeroom"]
    return {
        BARE: [*python, "pass"],
        "import homeroom": [*python, "import homeroom"],
        "homeroom --help": [*homeroom, "--help"],
        "homeroom runs (an empty store)": [*homeroom, "runs"],
        "import homeroom; homeroom.cross_validate": [
            *python,
            "import homeroom; homeroom.cross_validate",
        ],
        "import keras (on JAX), for comparison": [*python, "import keras"],
        LEAST: [sys.executable, str(Path(__file__).parent / "least_keras.py")],
    }


def _make_store(environment: dict[str, str]) -> None:
    code = "from homeroom.store import open_store; open_store()"
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)


def _add(
    start: Start, command: list[str], environment: dict[str, str], *, counts: bool
) -> None:
    if start.missing:
        return
    before = time.perf_counter()
    process = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - before
    if process.returncode:
        print(process.stderr, file=sys.stderr)
        start.missing = f"failed (exit {process.returncode})"
    elif counts:
        start.seconds.append(seconds)
