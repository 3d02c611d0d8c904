"""The one door to Keras and JAX: the backend is checked and the caches are set here."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from homeroom.errors import InputError

from . import disk
from .undisturbed import undisturbed

# the choice of XLA in jaxlib 0.11, and loops with their conditions
_IN_GRAPHS = (
    "FUSION,CUBLAS,CUBLASLT,CUDNN,CUSTOM_CALL,DYNAMIC_SLICE_FUSION,CONDITIONAL,WHILE"
)
_CACHE_BYTES = 512 * 1024 * 1024
FASTEST, KERAS = "fastest", "keras"


@cache
def keras() -> Any:
    """Return the `keras` module, on the JAX backend.

    Raises:
        InputError: If Keras is configured for, or already runs on, another backend.
    """
    if "keras" not in sys.modules:
        os.environ.setdefault("KERAS_BACKEND", "jax")
        chosen = os.environ["KERAS_BACKEND"]
        if chosen != "jax":
            raise InputError(_wrong_backend(chosen))
    with undisturbed():
        keras = import_module("keras")
    if keras.backend.backend() != "jax":
        raise InputError(_wrong_backend(keras.backend.backend()))
    _keep_compiled_programs()
    return keras


@cache
def jax() -> Any:
    """Return the `jax` module, once Keras agrees to use it."""
    keras()
    return import_module("jax")


@cache
def jax_core() -> Any:
    """Return `jax.extend.core`, for traced functions taken apart."""
    keras()
    return import_module("jax.extend.core")


def device() -> str:
    """Return the kind of device that trains: "cpu", "gpu" or "tpu"."""
    return str(jax().default_backend())


def compiler_options(*, one_core: bool) -> dict[str, Any]:
    """Return what XLA is told beside its defaults, on the device that trains.

    On a GPU whole loops become graphs: otherwise the host is asked before each turn of
    a loop whether there is another, which takes several times as long as the turn. What
    XLA_FLAGS say of graphs is left alone.

    Args:
        one_core: Whether a call may use only the core it runs on.
    """
    if device() == "cpu":
        return {"xla_cpu_multi_thread_eigen": not one_core}
    flag = "xla_gpu_enable_command_buffer"
    if device() == "gpu" and flag not in os.environ.get("XLA_FLAGS", ""):
        return {flag: _IN_GRAPHS}
    return {}


def brought_home(tree: Any) -> Any:
    """Return arrays on the device that JAX takes by itself."""
    home, *others = _devices()
    leaves = jax().tree.leaves(tree)
    if not others or all(getattr(leaf, "device", home) == home for leaf in leaves):
        return tree
    return jax().device_put(tree, home)


@cache
def _devices() -> tuple[Any, ...]:
    return tuple(jax().devices())


def on_host(tree: Any) -> Any:
    """Return arrays as NumPy's, all brought over at once: each wait is a long one."""
    if device() == "cpu":  # where they are already
        return jax().tree.map(np.asarray, tree)
    return jax().device_get(tree)


def on_its_way(tree: Any) -> None:
    """Begin to bring arrays to the host, so that `on_host` has less to wait for."""
    if device() != "cpu":
        for leaf in jax().tree.leaves(tree):
            leaf.copy_to_host_async()


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that a device has no more memory."""
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)


def operations() -> str:
    """Return which operations train: HOMEROOM_OPERATIONS, "fastest" if it is not set.

    Raises:
        InputError: If it is set to anything but "fastest" or "keras".
    """
    return checked_operations(
        os.environ.get("HOMEROOM_OPERATIONS") or FASTEST, "HOMEROOM_OPERATIONS"
    )


def checked_operations(chosen: str, name: str) -> str:
    """Return `chosen` if it is one of the two; `name` is what the user calls it.

    Raises:
        InputError: If it is not.
    """
    if chosen not in {FASTEST, KERAS}:
        msg = (
            f"{name}={chosen}: use {FASTEST!r} (a faster form may stand in for an "
            f"operation, equal within rounding) or {KERAS!r} (every bit is that of "
            "keras.Model.fit)."
        )
        raise InputError(msg)
    return chosen


def lane_count(lanes: int | None = None) -> int:
    """Return how many members train at once: on CPU more by one than cores, else one.

    One training more keeps the cores busy while Python looks after another.
    """
    if lanes is not None:
        if not isinstance(lanes, int) or lanes < 1:
            msg = f"lanes={lanes!r}: use 1 or more, or None to keep all cores busy."
            raise InputError(msg)
        return lanes
    if jax().default_backend() != "cpu":
        return 1
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    return cores + 1 if cores > 1 else 1


def _wrong_backend(backend: str) -> str:
    return (
        f"Keras is set to the {backend!r} backend; Homeroom trains on 'jax'. "
        "Set the environment variable KERAS_BACKEND=jax before the first "
        "`import keras` (or import homeroom first, which does it), and start again."
    )


def _keep_compiled_programs() -> None:
    """Keep compiled programs on disk, so that only the first run ever compiles.

    HOMEROOM_CACHE_DIR moves the folder; set to nothing, it turns the cache off. A
    cache that the user has configured in JAX is left alone.
    """
    jax = import_module("jax")
    folder = os.environ.get("HOMEROOM_CACHE_DIR", platformdirs.user_cache_dir())
    if not folder or jax.config.jax_compilation_cache_dir:
        return
    # a home that cannot be written costs compilations, not the run
    with suppress(OSError):
        disk.keep_in(Path(folder) / "homeroom" / "programs", _CACHE_BYTES)
