"""Model functions by import path: "my_models:mlp" or "wide=my_models:mlp"."""

from __future__ import annotations

import importlib
import sys
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from homeroom.errors import InputError, did_you_mean


@dataclass(frozen=True, eq=False)
class NamedModel:
    """A candidate's name, and what stands at its import path, in which module."""

    name: str
    source: Any
    module: ModuleType


def load_models(told: list[str]) -> tuple[NamedModel, ...]:
    """Import what each "name=module:function" names, in order.

    The working directory is searched first. A scikit-learn estimator, or its class,
    may stand in place of a function.

    Raises:
        InputError: If a path is malformed, a module or name is missing, a module
            cannot be imported, or two candidates would have one name.
    """
    search_here()
    found = tuple(map(_load, told))
    names = [model.name for model in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(
            f"Two candidates are named {twice!r}. Name them apart: "
            f"--model first={told[names.index(twice)].rpartition('=')[2]}."
        )
    return found


def parts_of(models: Iterable[NamedModel]) -> dict[str, Any]:
    """Return the classes and functions of the models' modules that are not Keras's."""
    return {
        name: value
        for model in models
        for name, value in vars(model.module).items()
        if callable(value)
        and not str(getattr(value, "__module__", "")).startswith("keras.")
    }


def search_here() -> None:
    """Let modules be imported from the working directory, as `python` does."""
    if "" not in sys.path:
        sys.path.insert(0, "")  # "" is the working directory, also after a chdir


def _load(told: str) -> NamedModel:
    name, _, path = told.rpartition("=")
    module_name, colon, attribute = path.partition(":")
    if not colon or not module_name or not attribute or told.startswith("="):
        raise InputError(
            f"--model {told!r} is not an import path. Write module:function, such as "
            "my_models:mlp for the function mlp in my_models.py, or "
            "name=module:function to name the candidate."
        )
    module = _import(module_name.removesuffix(".py"))
    value = getattr(module, attribute, None)
    if value is None:
        near = _public_names(module)
        raise InputError(
            f"Module {module.__name__!r} has no {attribute!r}. It has: "
            f"{', '.join(near[:20]) or 'no functions'}.{did_you_mean(attribute, near)}"
        )
    if isinstance(value, type) and hasattr(value, "get_params"):
        value = value()
    return NamedModel(name or attribute, value, module)


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise InputError(_missing(name)) from None
        raise InputError(_broken(name, error)) from error
    except (Exception, SystemExit) as error:
        raise InputError(_broken(name, error)) from error


def _missing(name: str) -> str:
    here = Path.cwd()
    known = sorted(
        [file.stem for file in here.glob("*.py")]
        + [file.parent.name for file in here.glob("*/__init__.py")]
    )
    listed = ", ".join(known[:20]) or "none"
    return (
        f"There is no module {name!r} here or among the installed packages. Modules in "
        f"the working directory: {listed}.{did_you_mean(name, known)}"
    )


def _broken(name: str, error: BaseException) -> str:
    """Say which line of whose file failed, leaving out the frames of importing."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith("<")
        and frame.filename != __file__
        and Path(frame.filename).parent != Path(importlib.__file__).parent
    ]
    where = (
        f" ({Path(frames[0].filename).name}, line {frames[0].lineno})" if frames else ""
    )
    lines = str(error).strip().splitlines()
    return (
        f"Module {name!r} cannot be imported{where}: {type(error).__name__}: "
        f"{lines[0] if lines else 'no message'}. Correct it, or install what it needs."
    )


def _public_names(module: ModuleType) -> list[str]:
    return sorted(
        name
        for name, value in vars(module).items()
        if callable(value)
        and not name.startswith("_")
        and getattr(value, "__module__", module.__name__) == module.__name__
    )
