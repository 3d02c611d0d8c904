"""Nobody waits for Keras who has not asked for a training."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAVY = {"altair", "jax", "keras", "pandas", "polars", "scipy", "sklearn", "sqlalchemy"}
TRAINING = {"jax", "keras", "sklearn"}
GENEROUS_SECONDS = 1.0

needs_cli = pytest.mark.skipif(
    find_spec("homeroom.cli") is None, reason="the command line is not built yet"
)


def modules_after(code: str, folder: Path) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after `code`."""
    report = (
        "\nimport json, sys; "
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code + report],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
    )
    return set(json.loads(result.stdout.splitlines()[-1]))


def command_line(*arguments: str) -> str:
    return (
        "import sys\n"
        "from homeroom.__main__ import main\n"
        f"sys.argv = ['homeroom', *{arguments!r}]\n"
        "try:\n    main()\n"
        "except SystemExit as stop:\n    assert stop.code in (None, 0), stop.code\n"
    )


def seconds(code: str) -> float:
    """Return the fastest of three fresh interpreters running `code`."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - start)
    return min(times)


def test_importing_homeroom_loads_nothing_heavy(tmp_path: Path) -> None:
    """`import homeroom` loads no array, table, chart or store library."""
    loaded = modules_after("import homeroom", tmp_path)
    assert not loaded & (HEAVY | {"numpy", "typer"})


def test_importing_homeroom_costs_next_to_nothing(
    record_property: Callable[[str, object], None],
) -> None:
    """`import homeroom` costs less than a second over a bare interpreter."""
    cost = seconds("import homeroom") - seconds("")
    record_property("seconds of `import homeroom` (budget 0.2)", f"{cost:.3f}")
    assert cost < GENEROUS_SECONDS


def test_an_error_can_be_caught_without_loading_a_room(tmp_path: Path) -> None:
    """`except homeroom.InputError` does not wait for Keras."""
    loaded = modules_after("import homeroom; homeroom.InputError", tmp_path)
    assert not loaded & HEAVY


def test_early_stopping_can_be_described_without_keras(tmp_path: Path) -> None:
    """`homeroom.EarlyStopping` is plain Python."""
    loaded = modules_after("import homeroom; homeroom.EarlyStopping", tmp_path)
    assert not loaded & TRAINING


@needs_cli
@pytest.mark.parametrize(
    "arguments", [("--help",), ("run", "--help"), ("runs",)], ids=" ".join
)
def test_reading_commands_do_not_load_the_training_side(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """Help and the list of runs load neither Keras, JAX nor scikit-learn."""
    loaded = modules_after(command_line(*arguments), tmp_path)
    assert not loaded & TRAINING
