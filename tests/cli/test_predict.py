"""`homeroom predict`: new rows in, their order and identifiers out."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def store(trained: tuple[Path, Any]) -> Path:
    """Return the store of the run on the wine table."""
    return trained[0] / "homeroom.db"


def test_predictions_keep_the_rows(
    store: Path, tables: Path, tmp_path: Path, command: Run
) -> None:
    """Every row gets its prediction, in order, with its id and its probabilities."""
    given = pl.read_csv(tables / "wine.csv")
    new = given.drop("cultivar").reverse()
    new.write_csv(tmp_path / "new.csv")
    said = command(
        *("predict", "wine", "new.csv", "--out", "out.csv", "--store", store),
        cwd=tmp_path,
    )
    assert said.returncode == 0, said.stderr
    assert said.stdout == f"{tmp_path / 'out.csv'}\n"
    assert "178 rows of new.csv predicted by" in said.stderr
    found = pl.read_csv(tmp_path / "out.csv")
    assert found["sample"].to_list() == new["sample"].to_list()
    shares = found.select(pl.selectors.starts_with("probability_"))
    assert shares.columns == [
        "probability_Barbera",
        "probability_Barolo",
        "probability_Grignolino",
    ]
    assert shares.sum_horizontal().is_between(0.999, 1.001).all()
    right = (found["cultivar"] == given["cultivar"].reverse()).mean()
    assert isinstance(right, float)
    assert right > 0.85


def test_a_target_may_be_called_count(
    tmp_path: Path, invoke: Callable[..., Any], few: tuple[str, ...]
) -> None:
    """What is said of the predictions does not trip over the name of the target."""
    rows = [f"{i % 7},{i % 5},{'few' if i % 7 < 3 else 'many'}" for i in range(60)]
    table = tmp_path / "seen.csv"
    table.write_text("\n".join(["a,b,count", *rows]), encoding="utf-8")
    tree = ("--model", "sklearn.tree:DecisionTreeClassifier", "--no-yardstick")
    said = invoke("run", table, "--target", "count", *tree, *few)
    assert said.exit_code == 0, said.stderr
    said = invoke("predict", "latest", table, "--out", "out.csv")
    assert said.exit_code == 0, said.stderr
    assert "60 rows of seen.csv predicted by" in said.stderr


OWN = """\
import keras

class Twice(keras.layers.Layer):
    def call(self, x):
        return 2 * x

def tiny():
    model = keras.Sequential([
        keras.Input((2,)), Twice(), keras.layers.Dense(2, "softmax"),
    ])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
"""


def test_a_layer_of_ones_own_is_found_in_its_module(
    separable: Path,
    tmp_path: Path,
    invoke: Callable[..., Any],
    few: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Keras reads no layer that it was not given: the module is named, as in `run`."""
    (tmp_path / "own_layers.py").write_text(OWN, encoding="utf-8")
    monkeypatch.syspath_prepend("")
    model = ("--model", "own_layers:tiny")
    said = invoke("run", separable, "-t", "answer", *model, "--no-yardstick", *few)
    assert said.exit_code == 0, said.stderr
    said = invoke("predict", "latest", separable)
    assert said.exit_code == 2
    assert "Twice" in said.stderr
    assert "--model MODULE:FUNCTION" in said.stderr
    assert not Path("predictions.csv").exists()
    said = invoke("predict", "latest", separable, *model)
    assert said.exit_code == 0, said.stderr
    assert pl.read_csv("predictions.csv").height == 60


def test_logits_become_probabilities() -> None:
    """What the loss takes for logits is no share, and half of a logit no border."""
    import keras
    import numpy as np

    from homeroom.protocol.winner import Winner

    def winner(n: int, loss: Any) -> Winner:
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(n)])
        model.compile("sgd", loss)
        return Winner("net", "keras", model, None, "classification", 3)

    logits = np.array([[-3.0, 0.0, 1.0]], np.float32)
    several = winner(3, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    shares = several.shares(logits)
    assert shares.sum() == pytest.approx(1)
    assert np.log(shares / shares[0, 1]) == pytest.approx(logits, abs=1e-6)
    one = winner(1, keras.losses.BinaryCrossentropy(from_logits=True))
    assert one.shares(np.array([[0.3]])).argmax(axis=1) == [1]
    plain = winner(1, keras.losses.BinaryCrossentropy())
    assert plain.shares(np.array([[0.3]])).argmax(axis=1) == [0]


def test_parquet_and_csv_say_the_same(
    store: Path, tables: Path, tmp_path: Path, invoke: Callable[..., Any]
) -> None:
    """The suffix decides the format, not the content."""
    for out in ("out.parquet", "out.csv"):
        result = invoke(
            "predict", "latest", tables / "wine.csv", "--out", out, "--store", store
        )
        assert result.exit_code == 0, result.stderr
    table = pl.read_parquet(tmp_path / "out.parquet")
    text = pl.read_csv(tmp_path / "out.csv", schema=table.schema)
    assert table.equals(text)
    assert sorted(os.listdir(tmp_path)) == ["out.csv", "out.parquet"]


def test_an_existing_file_is_replaced_only_by_force(
    store: Path, tables: Path, tmp_path: Path, invoke: Callable[..., Any]
) -> None:
    """Overwriting is said, not assumed; a refusal costs no time."""
    out = tmp_path / "predictions.csv"
    out.write_text("mine")
    arguments = ("predict", "latest", tables / "wine.csv", "--store", store)
    refused = invoke(*arguments)
    assert refused.exit_code == 2
    assert "--force" in refused.stderr
    assert out.read_text() == "mine"
    assert invoke(*arguments, "--force").exit_code == 0
    assert out.read_text() != "mine"


def test_identifiers_like_formulas_are_made_safe(
    store: Path, tables: Path, tmp_path: Path, invoke: Callable[..., Any]
) -> None:
    """An id that a spreadsheet would run gets an apostrophe, and that is said."""
    rows = pl.read_csv(tables / "wine.csv").with_columns(
        sample="=1+" + pl.col("sample")
    )
    rows.head(3).write_csv("new.csv")
    result = invoke("predict", "latest", "new.csv", "--store", store)
    assert result.exit_code == 0, result.stderr
    assert "3 text cells begin like a formula" in result.stderr
    text = (tmp_path / "predictions.csv").read_text()
    assert text.splitlines()[1].startswith("'=1+#0000,")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("latest", "nothing.csv"), "There is no file 'nothing.csv'"),
        (("latest", "short.csv"), "short.csv lacks 12 columns"),
        (("wein-0001", "short.csv"), "Did you mean 'wine-0001'?"),
        (("latest", "short.csv", "--out", "out.xlsx"), "end it in .csv or .parquet"),
        (("latest", "short.csv", "--out", "no/out.csv"), "no folder 'no'"),
        (
            ("latest", "short.csv", "--out", "./short.csv", "--force"),
            "is the file with the rows",
        ),
    ],
    ids=["file", "columns", "run", "format", "folder", "itself"],
)
def test_what_cannot_be_predicted_is_said(
    arguments: tuple[str, ...], said: str, store: Path, invoke: Callable[..., Any]
) -> None:
    """Bad input has code 2, one message, and leaves no file."""
    Path("short.csv").write_text("sample,alcohol\n#1,13.2\n#2,14.0\n")
    result = invoke("predict", *arguments, "--store", store)
    assert result.exit_code == 2
    assert said in result.stderr
    assert os.listdir() == ["short.csv"]


def test_a_damaged_store_is_not_used(
    store: Path, tables: Path, tmp_path: Path, invoke: Callable[..., Any]
) -> None:
    """A store that is cut in half is an error in words, not predictions."""
    broken = tmp_path / "broken.db"
    shutil.copy(store, broken)
    with broken.open("r+b") as file:
        file.truncate(broken.stat().st_size // 2)
    result = invoke("predict", "latest", tables / "wine.csv", "--store", broken)
    assert result.exit_code == 2
    assert result.stderr.startswith("StoreError: ")
