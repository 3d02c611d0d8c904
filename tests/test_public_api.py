"""The public surface is a reviewed list: a change to it is a change to this file."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

import homeroom
from homeroom.errors import HomeroomError

REVIEWED = [
    "CrossValidation",
    "DataError",
    "Dataset",
    "EarlyStopping",
    "Experiment",
    "FitError",
    "FitResult",
    "GroupKFold",
    "HomeroomError",
    "InputError",
    "KFold",
    "LeakageError",
    "Metric",
    "NestedCrossValidation",
    "PassesStudy",
    "RepeatedKFold",
    "Run",
    "SealError",
    "Search",
    "SelectionStudy",
    "StoreError",
    "StratifiedKFold",
    "TimeSeriesSplit",
    "__version__",
    "choice",
    "cross_validate",
    "examine",
    "fit",
    "integers",
    "log_uniform",
    "nested_cross_validate",
    "passes_study",
    "read_table",
    "selection_study",
    "tune",
    "uniform",
]
DOCUMENTED = [name for name in REVIEWED if name != "__version__"]


def test_the_public_list_is_the_reviewed_one() -> None:
    """Nothing becomes public, or stops being so, without a review."""
    assert homeroom.__all__ == REVIEWED == sorted(REVIEWED)


def test_types_and_rooms_agree_with_the_public_list() -> None:
    """A type checker, a reader and the interpreter see the same names."""
    tree = ast.parse(Path(homeroom.__file__).read_text(encoding="utf-8"))
    seen_by_type_checkers = {
        alias.name: node.module
        for branch in tree.body
        if isinstance(branch, ast.If)
        for node in branch.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert seen_by_type_checkers == homeroom._ROOM_OF
    assert sorted(homeroom._ROOM_OF) == DOCUMENTED


@pytest.mark.parametrize("name", DOCUMENTED)
def test_a_public_name_explains_itself(name: str) -> None:
    """Each public name has a docstring; all but the errors show an example."""
    value = getattr(homeroom, name)
    text = value.__doc__ or ""
    assert text.strip()
    if isinstance(value, type) and issubclass(value, HomeroomError):
        return
    assert ">>> " in text, f"{name} has no example in its docstring"


def test_an_unknown_name_is_an_ordinary_attribute_error() -> None:
    """A misspelt name fails as it does in every module."""
    with pytest.raises(AttributeError, match="no attribute 'cross_validation'"):
        _ = homeroom.cross_validation


def test_completion_offers_every_public_name() -> None:
    """`dir(homeroom)` has the names that are not loaded yet."""
    assert set(homeroom.__all__) <= set(dir(homeroom))


def test_early_stopping_is_loaded_without_the_rest_of_the_engine() -> None:
    """The policy is plain Python in a module of its own."""
    assert find_spec("homeroom.engine.stopping") is not None
