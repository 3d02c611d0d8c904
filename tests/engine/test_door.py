"""The door to Keras and JAX: the right backend, and compilations kept on disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from homeroom.engine import door

TRAIN = """
import numpy as np
import homeroom.engine as engine
from homeroom.engine import models

rows = np.arange(8, dtype=np.int32)
arrays = engine.Arrays(np.ones((8, 2), "float32"), np.ones((8, 1), "float32"))
member = engine.Member("m", lambda: models.linear(2), arrays, rows, None, 1, 2)
(outcome,) = engine.train([member], engine.Training(1, 8))
assert outcome.state == "COMPLETE", outcome.error
"""
CACHE = TRAIN + "import jax; print(jax.config.jax_compilation_cache_dir)"


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | environment,
    )


@pytest.mark.parametrize("kind", ["cpu", "gpu", "tpu"])
def test_the_compiler_knows_what_it_is_told(monkeypatch, kind):
    """Options of every device are among those of the XLA that is installed."""
    monkeypatch.setattr(door, "device", lambda: kind)
    options = door.compiler_options(one_core=True)
    twice = door.jax().jit(lambda x: 2 * x, compiler_options=options)
    assert twice(1.5) == 3


@pytest.mark.parametrize("backend", ["tensorflow", "torch"])
def test_another_backend_is_refused(backend):
    """KERAS_BACKEND set to another backend is an error that says what to set."""
    code = "from homeroom.engine import door\nfrom homeroom.errors import InputError\n"
    code += "try:\n    door.keras()\nexcept InputError as error:\n    print(error)\n"
    done = run(code, KERAS_BACKEND=backend)
    assert done.returncode == 0, done.stderr
    assert repr(backend) in done.stdout
    assert "KERAS_BACKEND=jax before the first `import keras`" in done.stdout


def test_a_keras_that_already_runs_elsewhere_is_refused():
    """Keras imported with another backend before us is an error, not a wrong number."""
    code = (
        "import keras\nkeras.backend.backend = lambda: 'torch'\n"
        "from homeroom.engine import door\nfrom homeroom.errors import InputError\n"
        "try:\n    door.keras()\nexcept InputError as error:\n    print(error)\n"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert "Keras is set to the 'torch' backend" in done.stdout


def test_without_a_setting_the_backend_is_jax():
    """Nothing has to be set: the first use of the engine chooses JAX."""
    code = "from homeroom.engine import door; print(door.keras().backend.backend())"
    environment = {k: v for k, v in os.environ.items() if k != "KERAS_BACKEND"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
    )
    assert done.stdout.strip() == "jax", done.stderr


def test_programs_are_kept_where_the_environment_says(tmp_path):
    """HOMEROOM_CACHE_DIR holds the compiled programs."""
    folder = tmp_path / "kept"
    done = run(CACHE, HOMEROOM_CACHE_DIR=str(folder))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().startswith(str(folder))
    assert list(folder.rglob("*-cache"))


def test_an_empty_setting_keeps_nothing():
    """HOMEROOM_CACHE_DIR set to nothing turns the cache off."""
    done = run(CACHE, HOMEROOM_CACHE_DIR="", XDG_CACHE_HOME=str(Path.cwd() / "xdg"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "None"
    assert not list(Path.cwd().rglob("*-cache"))


def test_a_cache_of_the_callers_is_left_alone(tmp_path):
    """A compilation cache that JAX was given before stays as it is."""
    mine = tmp_path / "mine"
    done = run(CACHE, JAX_COMPILATION_CACHE_DIR=str(mine))
    assert done.stdout.strip() == str(mine), done.stderr


def test_a_folder_that_cannot_be_written_costs_no_run(tmp_path):
    """Where no folder can be made, training runs without a cache."""
    file = tmp_path / "file"
    file.write_text("in the way")
    done = run(CACHE, HOMEROOM_CACHE_DIR=str(file))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "None"


def test_lanes_are_the_cores_that_may_be_used():
    """Without a number there is one lane more than cores this process may use."""
    from homeroom.engine import door

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    cores = cores or os.cpu_count()
    assert door.lane_count() == (cores + 1 if cores > 1 else 1)
    assert door.lane_count(7) == 7
    assert door.device() == "cpu"
