"""What every test, doctest and documented example runs in.

Nothing a test does may reach the stores and caches of whoever runs it, and two runs
of the tests draw the same examples.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None)
settings.load_profile("ci")


def pytest_configure(config: pytest.Config) -> None:
    """Set the environment before anything imports Keras; subprocesses inherit it."""
    folder = tempfile.TemporaryDirectory(prefix="homeroom-tests-")
    config.add_cleanup(folder.cleanup)
    for name in [*os.environ]:
        if name.startswith("HOMEROOM_") and not name.startswith("HOMEROOM_CACHE_DIR"):
            del os.environ[name]
    for name in ("COLUMNS", "FORCE_COLOR", "JAX_COMPILATION_CACHE_DIR", "XLA_FLAGS"):
        os.environ.pop(name, None)
    os.environ["KERAS_HOME"] = str(Path(folder.name, "keras"))
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ["NO_COLOR"] = "1"
    for name in (
        "XDG_CACHE_HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
    ):
        os.environ[name] = str(Path(folder.name, name.lower()))
    if not hasattr(config, "workerinput"):  # workers have it from who started them
        os.environ["HOMEROOM_CACHE_DIR"] = str(Path(folder.name, "compiled"))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS"):
        os.environ.setdefault(name, "2")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the pages: no process is to be left alone with one, minutes long."""
    items.sort(key=lambda item: item.path.name != "test_docs.py")


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start in an empty folder: the default store is a file in the current one."""
    monkeypatch.chdir(tmp_path)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the tests measured, such as import times and skipped code blocks."""
    for report in terminalreporter.getreports("passed"):
        for name, value in report.user_properties:
            terminalreporter.line(f"{name}: {value}")
