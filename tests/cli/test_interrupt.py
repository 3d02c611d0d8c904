"""Ctrl-C: what is done is kept, and said."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from homeroom.errors import HomeroomError
from homeroom.records import COMPLETE, INTERRUPTED
from homeroom.store import open_store


def done_so_far(store: Path) -> int:
    if not store.exists():
        return 0
    try:
        run = open_store(store, create=False).read_run()
    except HomeroomError:
        return 0  # the store is being made
    return sum(member.state == COMPLETE for member in run.members)


# A shell's background jobs ignore SIGINT, and their children with them.
HEARING = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from homeroom.__main__ import main
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT to a child is POSIX")
def test_what_is_done_is_kept(tables: Path, tmp_path: Path) -> None:
    """SIGINT ends a run with 130; finished trainings and the run id remain."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-c", HEARING, "run", tables / "breast-cancer.csv"),
            *("--target", "diagnosis", "--epochs", "400", "--cv", "5"),
        ],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    store = tmp_path / "homeroom.db"
    try:
        deadline = time.monotonic() + 240
        while done_so_far(store) < 1 and time.monotonic() < deadline:
            assert process.poll() is None, process.communicate()
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130, stderr
    assert stdout == ""
    assert "Traceback" not in stderr
    run: Any = open_store(store, create=False).read_run()
    done = [member for member in run.members if member.state == COMPLETE]
    assert run.state == INTERRUPTED
    assert 0 < len(done) < 60
    assert f"{len(done)} of 60 trainings are done and kept in run {run.id}" in stderr
    assert not (tmp_path / "report.html").exists()
    predicted = subprocess.run(
        [sys.executable, "-m", "homeroom", "predict", "latest", "nothing.csv"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert predicted.returncode == 2
    assert "is INTERRUPTED and has no trained winner" in predicted.stderr
