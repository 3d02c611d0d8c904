"""Models by import path: found beside the data, and errors that name the cure."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeroom.cli.user_models import load_models
from homeroom.errors import InputError

MODULE = """\
from pathlib import Path

def mlp(units=8):
    return units

def deep_mlp():
    return None
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with a module of models, forgotten afterwards."""
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "some_models.py").write_text(MODULE)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith(("some_", "broken_")):
            del sys.modules[name]


@pytest.mark.usefixtures("here")
def test_a_function_beside_the_data_is_found() -> None:
    """The working directory is searched, and the function's name names it."""
    first, second = load_models(["some_models:mlp", "deep=some_models:deep_mlp"])
    assert (first.name, first.source()) == ("mlp", 8)
    assert second.name == "deep"


@pytest.mark.usefixtures("here")
def test_an_estimator_class_stands_for_its_default() -> None:
    """A scikit-learn class is made an estimator; an estimator stays one."""
    [tree] = load_models(["tree=sklearn.tree:DecisionTreeClassifier"])
    assert tree.source.get_params()["max_depth"] is None


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            "some_models:mpl",
            r"has no 'mpl'\. It has: deep_mlp, mlp\. Did you mean 'mlp'",
        ),
        ("some_model:mlp", r"no module 'some_model'.*Did you mean 'some_models'\?"),
        ("some_models", "Write module:function"),
        ("=some_models:mlp", "Write module:function"),
        ("some_models:", "Write module:function"),
    ],
)
def test_a_wrong_path_names_what_is_near(told: str, said: str) -> None:
    """A misspelt module or function is answered with the nearest name."""
    with pytest.raises(InputError, match=said):
        load_models([told])


def test_a_module_that_fails_is_quoted_with_its_line(here: Path) -> None:
    """An error inside the user's module names their file and line."""
    (here / "broken_line.py").write_text("x = 1\nx / 0\n")
    with pytest.raises(
        InputError, match=r"\(broken_line.py, line 2\): ZeroDivisionError"
    ):
        load_models(["broken_line:mlp"])


def test_a_missing_dependency_is_not_taken_for_a_missing_module(here: Path) -> None:
    """The module exists; what it needs does not."""
    (here / "broken_need.py").write_text("import nowhere_to_be_found\n")
    with pytest.raises(InputError, match=r"broken_need.*nowhere_to_be_found"):
        load_models(["broken_need:mlp"])


def test_a_syntax_error_is_quoted(here: Path) -> None:
    """A module that is no Python says where."""
    (here / "broken_syntax.py").write_text("def mlp(:\n")
    with pytest.raises(InputError, match=r"SyntaxError.*broken_syntax.py, line 1"):
        load_models(["broken_syntax:mlp"])


@pytest.mark.usefixtures("here")
def test_two_candidates_need_two_names() -> None:
    """The same name twice is refused with how to name them apart."""
    with pytest.raises(InputError, match="--model first=some_models:mlp"):
        load_models(["some_models:mlp", "mlp=some_models:deep_mlp"])


def test_a_module_that_exits_ends_nothing(here: Path) -> None:
    """sys.exit on import is the module's fault, and is said."""
    (here / "broken_exit.py").write_text("import sys\nsys.exit(0)\n")
    with pytest.raises(InputError, match=r"broken_exit.*SystemExit"):
        load_models(["broken_exit:mlp"])
