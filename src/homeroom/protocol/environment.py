"""Versions and machine, so that a number can be made again."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from homeroom import engine
from homeroom.records import Environment

_PACKAGES = ("homeroom", "keras", "jax", "jaxlib", "numpy", "scikit-learn", "polars")


def environment() -> Environment:
    """Return what this process runs on."""
    return Environment(
        versions={"python": platform.python_version(), **_installed()},
        platform=f"{platform.system()} {platform.machine()}",
        n_cpus=os.cpu_count() or 1,
        device=engine.device(),
        lanes=engine.lane_count(None),
    )


def _installed() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
