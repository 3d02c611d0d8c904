"""Versions and machine, so that a number can be made again."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from msgspec import structs

from homeroom import engine
from homeroom.records import Environment

from .trials import Trials

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


def where(environment: Environment, prepared: Trials) -> Environment:
    """Return the environment with how many trainings run at once in it, and how."""
    if prepared.compiled is None:
        return environment
    plan = prepared.compiled.plan
    return structs.replace(
        environment, lanes=plan.at_once, plan=plan.name, plan_reason=plan.reason
    )


def _installed() -> dict[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
