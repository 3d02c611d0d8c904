"""The canaries try each hazard on record, and tell when something relied on is gone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

CANARY = Path(__file__).resolve().parent.parent / "benchmarks" / "canary"
SECONDS = 60
ON_RECORD = (
    "small writes in a loop (jax#40101)",
    "pass-through cond in a loop (jax#38145)",
    "fused reduction of rank 7 (jax#39257)",
    "many small leaves in a loop (jax#40150)",
    "NCHW convolution in a loop (jax#12868)",
    "native convolution in a loop",
    "convolution of few channels as a matrix product",
    "gradient of a convolution under vmap",
    "jax.random.permutation on CPU (jax#5328)",
    "rbg keys under vmap (jax#16792, #22684)",
    "last digits under vmap (jax#26308)",
    "EarlyStopping after a first epoch of NaN",
    "labels out of range",
    "int64 cut to int32",
    "an empty validation set",
    "steps_per_execution loops in Python (keras#23527)",
    "TensorFlow beside Keras slows its import",
)
GONE = {
    "class weights": """
from keras.src.trainers.data_adapters import data_adapter_utils
del data_adapter_utils.class_weight_to_sample_weights
""",
    "weights follow from the seeds": """
import numpy
from keras.src.backend.jax import random
random.make_default_seed = lambda: int(numpy.random.randint(1, 9))
""",
    "a traced step": """
import jax
del jax.stages.Traced.out_info
""",
    "JAX tells what it read from disk": """
from jax._src import monitoring
monitoring.record_event = lambda *_, **__: None
""",
}


def said_by(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_hazard_is_tried_within_a_minute() -> None:
    """With the pinned versions nothing that we lean on is broken."""
    before = time.monotonic()
    said = said_by(str(CANARY / "run.py"))
    seconds = time.monotonic() - before
    assert said.returncode == 0, said.stdout + said.stderr
    assert "Broken: none" in said.stdout
    assert [name for name in ON_RECORD if name not in said.stdout] == []
    assert seconds <= SECONDS


@pytest.mark.parametrize("hook", GONE)
def test_a_hook_that_is_gone_is_told(hook: str) -> None:
    """Without it, or with another behaviour, the canary names it and fails."""
    driver = f"""
import sys
sys.path.insert(0, {str(CANARY)!r})
{GONE[hook]}
import run
sys.exit(run.main(["--only", {hook!r}]))
"""
    said = said_by("-c", driver)
    assert said.returncode == 1, said.stdout + said.stderr
    assert f"Broken:\n  {hook}" in said.stdout
