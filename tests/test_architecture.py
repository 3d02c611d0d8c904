"""The house stands as ARCHITECTURE.md draws it, and its contracts can fail."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tomllib
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "homeroom"
ROOMS = sorted(path.parent for path in PACKAGE.glob("*/__init__.py"))
DOORS = {
    "altair": "report",
    "jax": "engine",
    "jinja2": "report",
    "keras": "engine",
    "optuna": "search",
    "skops": "store",
    "sqlalchemy": "store",
    "typer": "cli",
}
IMPORTED_BY_A_NAME_THAT_IS_COMPUTED = {
    "__init__.py": "the public list, from a literal table",
    "cli/user_models.py": "the module a user names, where the models are",
    "engine/architecture.py": "the model function that a user names, to verify it",
    "engine/__init__.py": "the training side of the same room",
    "judgement/__init__.py": "the statistics, in the same room",
    "report/__init__.py": "what draws, in the same room",
    "store/artifacts.py": "a module of scikit-learn, to see whose a class is",
}
NAMELESS = {"common", "helper", "helpers", "misc", "util", "utils"}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as lint; lint()",
        "--no-cache",
        "--no-logo",
    ]
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_contract_is_kept() -> None:
    """Imports between rooms are those that pyproject.toml allows."""
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("records/history.py", "import homeroom.data", "Imports point down"),
        ("engine/__init__.py", "import homeroom.splits", "Imports point down"),
        (
            "engine/__init__.py",
            "def later(): import homeroom.data",
            "The engine has never heard of datasets",
        ),
        (
            "records/history.py",
            "if TYPE_CHECKING: from .run import RunRecord",
            "No circles",
        ),
        ("report/__init__.py", "import jax.numpy", "Reading a run needs no Keras"),
        (
            "report/__init__.py",
            "import homeroom.engine",
            "Reading a run needs no Keras",
        ),
        ("protocol/__init__.py", "import keras", "Only engine knows Keras"),
        ("protocol/__init__.py", "import sqlalchemy", "Only store knows SQLAlchemy"),
        ("data/__init__.py", "import skops.io", "Only store knows SQLAlchemy"),
        ("protocol/__init__.py", "import altair", "Only report knows Altair"),
        ("protocol/__init__.py", "import optuna", "Only search knows Optuna"),
        ("report/__init__.py", "import typer", "Only cli knows Typer"),
        ("data/__init__.py", "import torch", "No room knows a second array library"),
    ],
)
def test_a_forbidden_import_breaks_its_contract(
    tmp_path: Path, file: str, line: str, contract: str
) -> None:
    """Each contract fails when the import that it forbids is written."""
    shutil.copytree(PACKAGE, tmp_path / "src" / "homeroom")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "src" / "homeroom" / file).open("a", encoding="utf-8") as source:
        source.write(f"\n{line}\n")
    result = lint_imports(tmp_path)
    broken = [row for row in result.stdout.splitlines() if row.endswith("BROKEN")]
    assert any(row.startswith(contract) for row in broken), result.stdout


def test_no_contract_has_an_exception() -> None:
    """What is forbidden is forbidden to everybody."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for contract in settings["tool"]["importlinter"]["contracts"]:
        assert not [key for key in contract if "ignore" in key], contract["id"]


def test_an_unannounced_room_breaks_the_floors(tmp_path: Path) -> None:
    """A new room must be given a floor before anything can be built in it."""
    shutil.copytree(PACKAGE, tmp_path / "src" / "homeroom")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "src" / "homeroom" / "attic.py").write_text("", encoding="utf-8")
    result = lint_imports(tmp_path)
    assert "homeroom.attic" in result.stdout
    assert result.returncode == 1


def test_no_module_imports_itself_through_others() -> None:
    """There is no circle, not even one of imports for types or inside functions."""
    graph = grimp.build_graph("homeroom", cache_dir=None)
    imported = {
        module: graph.find_modules_directly_imported_by(module)
        for module in graph.modules
    }
    TopologicalSorter(imported).prepare()  # raises CycleError, which names the circle


def imports_by_name(source: str) -> list[str | None]:
    """Return what `source` imports through a call; None where the name is computed."""
    return [
        node.args[0].value
        if node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
        else None
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in {"import_module", "__import__"}
    ]


def test_imports_by_name_are_seen() -> None:
    """The reader below finds what an import graph cannot."""
    source = "importlib.import_module('keras.src')\nimport_module(n)\n__import__('jax')"
    assert imports_by_name(source) == ["keras.src", None, "jax"]


def test_no_import_by_name_goes_round_a_door() -> None:
    """A vendor loaded by a call is loaded in its own room, and rooms never are."""
    strays = []
    for path in sorted(PACKAGE.rglob("*.py")):
        where = path.relative_to(PACKAGE)
        for name in imports_by_name(path.read_text(encoding="utf-8")):
            vendor = (name or "").partition(".")[0]
            if name is None:
                allowed = where.as_posix() in IMPORTED_BY_A_NAME_THAT_IS_COMPUTED
            else:
                allowed = DOORS.get(vendor) == where.parts[0]
            if not allowed:
                strays.append((where.as_posix(), name))
    assert strays == []


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_says_what_it_owns_and_what_it_never_does(room: Path) -> None:
    """Each room's docstring has its three lines: what it is, Owns, Never."""
    source = (room / "__init__.py").read_text(encoding="utf-8")
    text = ast.get_docstring(ast.parse(source)) or ""
    assert "\nOwns: " in text
    assert "\nNever: " in text


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_lists_what_others_may_use(room: Path) -> None:
    """Each room has a sorted `__all__`, or exports nothing."""
    tree = ast.parse((room / "__init__.py").read_text(encoding="utf-8"))
    lists = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
    ]
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    exports = [node for node in imports if node.level == 1]
    assert lists or not exports
    for names in lists:
        # constants, then classes, then functions: the order that ruff keeps
        assert names == sorted(names, key=_as_ruff_sorts)


def _as_ruff_sorts(name: str) -> tuple[int, str]:
    if name.isupper():
        return (0, name)
    return (1, name) if name[:1].isupper() else (2, name)


def test_every_file_has_a_name_that_says_something() -> None:
    """No module is called after the fact that nobody knew where to put it."""
    nameless = [path for path in PACKAGE.rglob("*") if path.stem.lower() in NAMELESS]
    assert nameless == []
