"""Real tables as people have them, and two ways to run the command line on them."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn import datasets
from typer.testing import CliRunner

from homeroom.cli import app

if TYPE_CHECKING:
    from collections.abc import Callable

FEW = ("--cv", "2", "--seeds", "1", "--epochs", "3", "--no-yardstick")


def write_csv(path: Path, header: list[str], rows: list[list[Any]], **how: Any) -> Path:
    """Write rows as people's spreadsheets do."""
    encoding = how.pop("encoding", "utf-8")
    with path.open("w", newline="", encoding=encoding) as file:
        writer = csv.writer(file, **how)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def table_rows(bunch: Any, labels: list[str] | None = None) -> list[list[Any]]:
    """Return an id, the features with every 29th cell missing, and the target."""
    rows = []
    cell = 0
    for i, (features, target) in enumerate(zip(bunch.data, bunch.target, strict=True)):
        told: list[Any] = [f"#{i:04d}"]
        for value in features:
            told.append("" if cell % 29 == 0 else f"{value:.6g}")
            cell += 1
        told.append(labels[target] if labels else target)
        rows.append(told)
    return rows


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wine, breast-cancer and diabetes with ids, missing cells and text labels."""
    folder = tmp_path_factory.mktemp("tables")
    wine = datasets.load_wine()
    header = ["sample", *wine.feature_names, "cultivar"]
    rows = table_rows(wine, ["Barolo", "Grignolino", "Barbera"])
    write_csv(folder / "wine.csv", header, rows)
    write_csv(
        folder / "wine-cp949.csv",
        ["시료", *wine.feature_names, "품종"],
        [
            [*row[:-1], {"Ba": "바롤로", "Gr": "그리뇰리노"}.get(row[-1][:2])]
            for row in rows
        ],
        encoding="cp949",
        delimiter=";",
    )
    cancer = datasets.load_breast_cancer()
    names = [name.replace(" ", "_") for name in cancer.feature_names]
    write_csv(
        folder / "breast-cancer.csv",
        ["patient_id", *names, "diagnosis"],
        table_rows(cancer, ["malignant", "benign"]),
    )
    diabetes = datasets.load_diabetes()
    write_csv(
        folder / "diabetes.csv",
        ["patient_id", *diabetes.feature_names, "progression"],
        table_rows(diabetes),
    )
    return folder


@pytest.fixture(scope="session")
def command() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `python -m homeroom` in a process of its own."""

    def run(*arguments: Any, cwd: Path | None = None, **env: str) -> Any:
        return subprocess.run(
            [sys.executable, "-m", "homeroom", *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, **env},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return run


@pytest.fixture(scope="session")
def invoke() -> Callable[..., Any]:
    """Run the command line in this process."""

    def run(*arguments: Any) -> Any:
        return CliRunner().invoke(app, list(map(str, arguments)))

    return run


@pytest.fixture(scope="session")
def trained(
    tables: Path,
    tmp_path_factory: pytest.TempPathFactory,
    command: Callable[..., subprocess.CompletedProcess[str]],
) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A folder with a store that has one run on the wine table, and what was said."""
    folder = tmp_path_factory.mktemp("trained")
    # 144 rows are left: folds of 48, so that one size of last batch is compiled
    few = ("--cv", "3", "--seeds", "1", "--epochs", "8", "--test-size", "34")
    said = command("run", tables / "wine.csv", "--target", "cultivar", *few, cwd=folder)
    assert said.returncode == 0, said.stderr
    return folder, said


@pytest.fixture
def few() -> tuple[str, ...]:
    """Options under which a run takes a second or two."""
    return FEW


@pytest.fixture
def separable(tmp_path: Path) -> Path:
    """Write a table that a network learns in no time."""
    generator = np.random.Generator(np.random.PCG64(3))
    x = generator.normal(size=(60, 2)).round(3)
    rows = [[*row, "yes" if row[0] > 0 else "no"] for row in x.tolist()]
    return write_csv(tmp_path / "separable.csv", ["a", "b", "answer"], rows)
