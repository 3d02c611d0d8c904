"""`runs`, `show` and `report`: reading trains nothing and changes nothing."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from homeroom.cli.console import print_json

Invoke = Callable[..., Any]


@pytest.fixture
def store(trained: tuple[Path, Any]) -> Path:
    """Return the store of the run on the wine table."""
    return trained[0] / "homeroom.db"


def test_the_list_of_runs(store: Path, invoke: Invoke) -> None:
    """A run is a line with its id."""
    result = invoke("runs", "--store", store)
    assert result.exit_code == 0, result.stderr
    assert "wine-0001" in result.stdout


def test_the_list_for_programs(store: Path, invoke: Invoke) -> None:
    """`runs --json` is versioned and has one object per run."""
    content = json.loads(invoke("runs", "--json", "--store", store).stdout)
    assert content["schema"] == 1
    [run] = content["runs"]
    assert (run["id"], run["state"]) == ("wine-0001", "COMPLETE")
    assert 0 < run["mean"] <= 1


def test_no_store_yet_is_no_error(tmp_path: Path, invoke: Invoke) -> None:
    """In an empty folder there are no runs; nothing is created."""
    result = invoke("runs")
    assert result.exit_code == 0
    assert "homeroom demo" in result.stderr
    assert json.loads(invoke("runs", "--json").stdout) == {"schema": 1, "runs": []}
    assert os.listdir(tmp_path) == []


def test_a_store_that_was_named_must_exist(tmp_path: Path, invoke: Invoke) -> None:
    """A misspelt store is an error, and no file appears."""
    result = invoke("runs", "--store", "homeroon.db")
    assert result.exit_code == 2
    assert result.stderr.startswith("StoreError: There is no store")
    assert os.listdir(tmp_path) == []


def test_the_environment_names_the_store(
    store: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HOMEROOM_STORE stands for --store."""
    monkeypatch.setenv("HOMEROOM_STORE", str(store))
    assert "wine-0001" in invoke("runs").stdout


@pytest.mark.parametrize("name", ["wine-0001", "wi", "latest", None])
def test_a_run_is_shown(name: str | None, store: Path, invoke: Invoke) -> None:
    """By id, unique beginning or "latest", which is the default."""
    result = invoke("show", *filter(None, [name]), "--store", store)
    assert result.exit_code == 0, result.stderr
    for told in ("linear", "small MLP", "wide MLP", "gradient boosting"):
        assert told in result.stdout


def test_a_pipe_has_room_for_every_column(
    store: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Off a terminal no column is left out for want of width."""
    monkeypatch.delenv("COLUMNS", raising=False)
    told = invoke("show", "--store", store).stdout
    for column in ("95 % interval", "SD folds", "SD seeds", "worst fold", "epochs"):
        assert column in told


def test_a_run_for_programs(store: Path, invoke: Invoke) -> None:
    """`show --json` has everything that is stored, and the leaderboard."""
    content = json.loads(invoke("show", "--json", "--store", store).stdout)
    assert content["schema"] == 1
    run = content["run"]
    assert run["id"] == "wine-0001"
    assert len(run["members"]) == 12
    assert [row["rank"] for row in run["leaderboard"]] == [1, 2, 3, 4]
    [chosen] = [row for row in run["leaderboard"] if row["chosen"]]
    assert chosen["candidate"] == run["selection"]["candidate"]
    low, high = chosen["interval"]
    assert low <= chosen["mean"] <= high
    trees = next(r for r in run["leaderboard"] if r["candidate"] == "gradient boosting")
    assert trees["sd_seeds"] is None


def test_programs_are_shown(store: Path, invoke: Invoke) -> None:
    """`show` says what was compiled for whom; `show --json` has it in numbers."""
    told = " ".join(invoke("show", "--store", store).stdout.replace("│", " ").split())
    content = json.loads(invoke("show", "--json", "--store", store).stdout)
    programs = content["run"]["programs"]
    assert programs
    assert " program" in told
    named = {name for program in programs for name in program["candidates"]}
    assert named == {"linear", "small MLP", "wide MLP"}
    for program in programs:
        assert program["reason"] in told
        assert program["seconds"] >= 0


def test_a_report_is_written_again(store: Path, tmp_path: Path, invoke: Invoke) -> None:
    """The same run gives a page, and a page may be replaced by a page."""
    for _ in range(2):
        result = invoke("report", "wine", "--out", "page.html", "--store", store)
        assert result.exit_code == 0, result.stderr
        assert result.stdout == f"{tmp_path / 'page.html'}\n"
    assert "wine-0001" in (tmp_path / "page.html").read_text("utf-8")
    assert os.listdir(tmp_path) == ["page.html"]


@pytest.mark.parametrize(
    "arguments", [("runs",), ("show",), ("show", "--json"), ("report",)], ids=" ".join
)
def test_reading_loads_nothing_of_what_trains(
    arguments: tuple[str, ...], store: Path
) -> None:
    """Looking at a run waits for neither Keras nor JAX nor scikit-learn."""
    code = (
        "import sys\n"
        "from homeroom.cli import app\n"
        f"app({[*arguments, '--store', str(store)]!r}, standalone_mode=False)\n"
        "print({'keras', 'jax', 'sklearn'} & set(sys.modules), file=sys.stderr)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert said.stderr.splitlines()[-1] == "set()"


def test_an_unknown_run_names_the_nearest(store: Path, invoke: Invoke) -> None:
    """A misspelt id is bad input, with the nearest id."""
    result = invoke("show", "wine-001", "--store", store)
    assert result.exit_code == 2
    assert "Did you mean 'wine-0001'?" in result.stderr


def test_json_is_json_on_any_console(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the console lacks the letters they are escaped, and come back whole."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr("sys.stdout", stream)
    print_json(name="한글")
    stream.flush()
    written = stream.buffer.getvalue().decode("ascii")
    assert json.loads(written)["name"] == "한글"
