"""A fresh process in which plain Keras trains: a job goes in, answers come out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from homeroom.errors import FitError

_COMMAND = ("-P", "-m", "homeroom.engine.reference")  # -P: no module of this folder


def answers(
    tasks: Sequence[Mapping[str, Any]], import_from: Sequence[str] = ()
) -> Iterator[dict[str, Any]]:
    """Yield what the process says, line by line, until it has done every task.

    Args:
        tasks: See `engine.reference`.
        import_from: Folders in which it may look for model functions.

    Raises:
        FitError: If the process ends before its work does.
    """
    job = json.dumps({"tasks": list(tasks), "import_from": list(import_from)})
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as talk:
        process = subprocess.Popen(
            [sys.executable, *_COMMAND],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=talk,
            env=_environment(),
            text=True,
            encoding="utf-8",
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(job)
            process.stdin.close()
            for line in process.stdout:
                yield json.loads(line)
            if process.wait():
                talk.seek(0)
                raise FitError(_ended(process.returncode, talk.read()))
        finally:  # also when Ctrl-C comes, or nobody wants the rest
            process.kill()
            process.wait()
            process.stdout.close()


def _environment() -> dict[str, str]:
    home = str(Path(__file__).parents[2])  # where this homeroom is
    places = [home, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(places),
        # this process may hold a GPU too: each takes what it needs
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }


def _ended(code: int, talk: str) -> str:
    lines = [line for line in talk.strip().splitlines() if line.strip()]
    said = f" Its last words: {lines[-1]}" if lines else ""
    return (
        f"The process that trains with plain Keras ended with code {code} before its "
        f"work was done, perhaps for want of memory.{said}"
    )
