"""`homeroom doctor`: findings, exit codes, JSON; and what `run` does about a leak."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Invoke = Callable[..., Any]


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Path]:
    def write(*, leak: bool = False, copies: int = 0) -> Path:
        dice = np.random.default_rng(5)
        lines = []
        for _ in range(150):
            size, age = dice.normal(size=2)
            sick = "yes" if size + dice.normal() > 0 else "no"
            code = f",{'31' if sick == 'yes' else '17'}" if leak else ""
            lines.append(f"{size:.5f},{age:.5f},{dice.integers(30)}{code},{sick}")
        header = "size,age,patient_id" + (",result" if leak else "") + ",sick"
        file = tmp_path / "visits.csv"
        rows = [header, *lines, *lines[:copies]]
        file.write_text("\n".join(rows), encoding="utf-8")
        return file

    return write


def test_a_table_without_a_leak_exits_with_0(
    table: Callable[..., Path], invoke: Invoke
) -> None:
    """Findings that are no leak are printed, with the eight leakages answered."""
    result = invoke("doctor", str(table()), "--target", "sick")
    assert result.exit_code == 0
    assert "Column 'patient_id' looks like a group" in result.stdout
    for kind in ("L1.1", "L1.4", "L2", "L3.3"):
        assert kind in result.stdout


def test_a_leak_exits_with_1(table: Callable[..., Path], invoke: Invoke) -> None:
    """A column that gives the answer away fails the command and is named."""
    result = invoke("doctor", str(table(leak=True)), "--target", "sick")
    assert result.exit_code == 1
    assert "'result' is y under other numbers" in result.stdout
    assert "the target 'sick'" in " ".join(result.stdout.split())


def test_a_leak_that_is_overruled_exits_with_0(
    table: Callable[..., Path], invoke: Invoke
) -> None:
    """What is accepted by name does not fail, and stays visible."""
    file = str(table(leak=True))
    result = invoke("doctor", file, "--target", "sick", "--overrule", "target")
    assert result.exit_code == 0
    assert "overruled leakage" in result.stdout


def test_json_is_for_programs(table: Callable[..., Path], invoke: Invoke) -> None:
    """--json prints all of it, with a schema and the leaks by name."""
    file = str(table(copies=60))
    result = invoke("doctor", file, "--target", "sick", "--json")
    assert result.exit_code == 1
    content = json.loads(result.stdout)
    assert content["schema"] == 1
    found = content["examination"]
    assert found["leaks"] == ["duplicates", "duplicates"]
    assert len(found["sheet"]) == 8
    assert found["findings"][0]["severity"] == "leakage"


def test_declared_groups_are_kept_together(
    table: Callable[..., Path], invoke: Invoke
) -> None:
    """--groups takes the column out of x and keeps its values whole."""
    args = ("doctor", str(table()), "--target", "sick", "--groups", "patient_id")
    result = invoke(*args, "--json")
    found = json.loads(result.stdout)["examination"]
    assert found["strategy"].startswith("GroupKFold")
    answers = {line["kind"]: line["answer"] for line in found["sheet"]}
    assert answers["L3.2"] == "enforced"
    assert not [f for f in found["findings"] if f["check"] == "groups"]


def test_what_is_examined_is_what_run_would_train_on(
    tmp_path: Path, invoke: Invoke
) -> None:
    """With --time the last rows are sealed and the folds are in order, as in run."""
    dice = np.random.default_rng(5)
    lines = [
        f"{dice.normal():.5f},2024-01-01 00:{i // 60:02d}:{i % 60:02d},{'ab'[i % 2]}"
        for i in dice.permutation(200)
    ]
    file = tmp_path / "days.csv"
    file.write_text("\n".join(["size,when,kind", *lines]), encoding="utf-8")
    args = ("doctor", str(file), "--target", "kind", "--time", "when", "--json")
    for more in ((), ("--test-size", "50")):
        result = invoke(*args, *more)
        found = json.loads(result.stdout)["examination"]
        assert found["strategy"].startswith("TimeSeriesSplit"), result.stdout
        assert not [f for f in found["findings"] if f["check"] == "time"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--target", "sik"), "Did you mean 'sick'"),
        (("--target", "sick", "--groups", "patient"), "Did you mean 'patient_id'"),
        (("--target", "sick", "--overrule", "all"), "stops training"),
        (("--target", "sick", "--cv", "1"), "n_splits"),
        (("--target", "sick", "--test-size", "7.5"), "test_size"),
    ],
)
def test_bad_input_exits_with_2(
    options: tuple[str, ...],
    message: str,
    table: Callable[..., Path],
    invoke: Invoke,
) -> None:
    """Every wrong argument is told in a sentence."""
    result = invoke("doctor", str(table()), *options)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert result.stdout == ""


def test_run_refuses_a_leak_and_makes_no_store(
    table: Callable[..., Path],
    invoke: Invoke,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`homeroom run` stops before training, and says how to overrule."""
    monkeypatch.chdir(tmp_path)
    result = invoke("run", str(table(leak=True)), "--target", "sick", "--epochs", "1")
    assert result.exit_code == 2
    assert "--overrule target" in " ".join(result.stderr.split())
    assert not (tmp_path / "homeroom.db").exists()
