"""`homeroom verify`: the record beside plain Keras, on a table that was read again."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from homeroom import fingerprint, protocol
from homeroom.records import History, MemberRecord, from_json, to_json

Invoke = Callable[..., Any]
CHOSEN = ("linear", 0), ("small MLP", 1), ("wide MLP", 2)


@pytest.fixture
def store(trained: tuple[Path, Any], tmp_path: Path) -> Path:
    """Return a copy of the store with the run on the wine table."""
    return Path(shutil.copy(trained[0] / "homeroom.db", tmp_path / "wine.db"))


def tamper(store: Path, candidate: str, fold: int, **changes: Any) -> None:
    """Change one stored training as somebody would who knows the fingerprints."""
    where = "where candidate = ? and fold = ?"
    with closing(sqlite3.connect(store)) as connection, connection:
        query = f"select content from member {where}"
        [content] = connection.execute(query, (candidate, fold)).fetchone()
        member = from_json(content, MemberRecord)
        changed = to_json(msgspec.structs.replace(member, **changes))
        connection.execute(
            f"update member set content = ?, fingerprint = ? {where}",
            (changed, fingerprint.of_bytes(changed), candidate, fold),
        )


def test_a_table_is_verified_bit_for_bit(store: Path, invoke: Invoke) -> None:
    """One training of each network is Keras's own; trees are named as left out."""
    result = invoke("verify", "wine", "--store", store)
    assert result.exit_code == 0, result.stdout + result.stderr
    assert result.stdout.count("identical") == 3 + 1
    assert "gradient boosting: 3 trainings not verified" in result.stdout
    assert "3 of 12 trainings of run wine-0001 were made again" in result.stdout
    assert "all are identical, bit for bit." in " ".join(result.stdout.split())


def test_a_changed_record_is_found(
    store: Path, tables: Path, tmp_path: Path, invoke: Invoke
) -> None:
    """One digit of a history, or a fingerprint, that is not Keras's: exit code 1.

    The table has been moved meanwhile.
    """
    moved = shutil.copy(tables / "wine.csv", tmp_path / "moved.csv")
    first, second, _ = CHOSEN
    with closing(sqlite3.connect(store)) as connection:
        query = "select content from member where candidate = ? and fold = ?"
        [content] = connection.execute(query, first).fetchone()
    series = dict(from_json(content, MemberRecord).history.series)
    series["val_loss"] = (*series["val_loss"][:-1], series["val_loss"][-1] + 1e-7)
    tamper(store, *first, history=History(series))
    tamper(store, *second, final_weights="0" * 32)
    arguments = ("verify", "--store", store, "--data", moved)
    result = invoke(*arguments, "--members", 3, "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)["verification"]
    assert told["holds"] is False
    found = {(m["candidate"], m["fold"]): m for m in told["members"]}
    assert list(found) == list(CHOSEN)
    assert [found[each]["verdict"] for each in CHOSEN] == [
        "different",
        "different",
        "identical",
    ]
    assert found[first]["history"]["name"] == "val_loss"
    assert found[first]["history"]["epoch"] == 7
    assert 0.9e-7 < found[first]["history"]["value"] < 1.1e-7
    assert found[first]["weights"] == 0
    assert found[second]["history"]["value"] == 0
    assert "neither Keras nor Homeroom" in found[second]["reason"]


def test_a_difference_is_named_in_the_terminal(store: Path, invoke: Invoke) -> None:
    """The last sentence counts those that differ, and each is named."""
    tamper(store, "small MLP", 1, initial_weights="0" * 32)
    result = invoke("verify", "--store", store)
    assert result.exit_code == 1
    said = " ".join(result.stdout.split())
    assert "small MLP, fold 2, seed 1: differs; the recorded first weights" in said
    assert "1 differs from the record." in said


def test_changed_data_is_not_verified(
    store: Path, tables: Path, tmp_path: Path, invoke: Invoke
) -> None:
    """Another cell, a row less, or no file: code 2, and what to do."""
    lines = (tables / "wine.csv").read_text().splitlines()
    changed = tmp_path / "changed.csv"
    for other in (
        [lines[0], *(line.replace(",1", ",2", 1) for line in lines[1:])],
        lines[:-40],
        ["a,b", "1,2"],
    ):
        changed.write_text("\n".join(other))
        result = invoke("verify", "--store", store, "--data", changed)
        assert result.exit_code == 2
        assert "does not hold the rows that run 'wine-0001' was trained on" in (
            result.stderr
        )
    result = invoke("verify", "--store", store, "--data", tmp_path / "none.csv")
    assert result.exit_code == 2
    assert "there is no such file. Put it back" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nine",), "has no run 'nine'"),
        (("--members", "0"), "members=0: use a whole number, 1 or more, or 'all'"),
        (("--members", "some"), "--members 'some': use a whole number"),
        (("--model", "my_models:mlp"), "names no candidate"),
        (("--model", "linaer=my_models:mlp"), "Did you mean 'linear'?"),
        (("--model", "linear=my_models"), "is not an import path"),
    ],
    ids=["run", "none", "no number", "no name", "unknown", "no path"],
)
def test_bad_input_is_said(
    arguments: tuple[str, ...],
    said: str,
    store: Path,
    invoke: Invoke,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Bad input has code 2 and starts no process."""
    monkeypatch.delattr(protocol.verification, "answers")
    result = invoke("verify", *arguments, "--store", store)
    assert result.exit_code == 2
    assert said in result.stderr


def test_ctrl_c_ends_it(
    store: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An interruption has code 130."""

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(protocol.verification, "answers", interrupted)
    assert invoke("verify", "--store", store).exit_code == 130
