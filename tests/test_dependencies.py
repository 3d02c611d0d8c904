"""What is installed with Homeroom stays small: no second array library, ever."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, distribution

import homeroom

STRANGERS = {"ray", "tensorflow", "tensorflow-cpu", "torch"}


def requirements(name: str) -> set[str]:
    """Return what `name` requires when it is installed without extras."""
    try:
        lines = distribution(name).requires or []
    except PackageNotFoundError:  # required on another platform or Python only
        return set()
    required = [line for line in lines if not re.search(r";.*\bextra\b", line)]
    names = (re.match(r"[\w.-]+", line) for line in required)
    return {re.sub(r"[-_.]+", "-", found[0]).lower() for found in names if found}


def closure(name: str) -> set[str]:
    """Return everything that is installed with `name`, itself included."""
    found, waiting = {name}, [name]
    while waiting:
        new = requirements(waiting.pop()) - found
        found |= new
        waiting.extend(new)
    return found


def test_no_dependency_brings_another_array_library() -> None:
    """Walking all requirements meets JAX, and neither TensorFlow, torch nor Ray."""
    installed = closure("homeroom")
    assert {"jaxlib", "keras", "numpy"} <= installed
    assert not installed & STRANGERS


def test_the_installed_version_is_the_one_in_the_source() -> None:
    """The version is written once."""
    assert distribution("homeroom").version == homeroom.__version__
