"""The demo: no network, no configuration, a choice with its reason, a report."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from homeroom.store import open_store


def test_the_demo_ends_with_a_choice_and_a_report(
    tmp_path: Path, command: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Three candidates are trained, one is chosen, the test is opened, all is kept."""
    said = command("demo", "--quick", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    run = open_store(tmp_path / "homeroom.db", create=False).read_run("latest")
    assert run.state == "COMPLETE"
    assert run.final_test is not None
    assert run.final_test.n == 357
    for name in ("small", "wide", "convnet"):
        assert name in said.stdout
    assert f"{100 * run.final_test.score:.1f} %" in said.stdout
    assert str(tmp_path / "report.html") in said.stdout
    assert sorted(os.listdir(tmp_path)) == ["homeroom.db", "report.html"]
    assert "\x1b" not in said.stdout + said.stderr
    for noise in ("Warning", "Traceback", "absl", "cpu_"):
        assert noise not in said.stderr
