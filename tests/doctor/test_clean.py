"""Clean data raises no alarm: what is found on known datasets is really there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from homeroom.data import Dataset, from_arrays, load, read_table
from homeroom.doctor import Case, examine
from homeroom.doctor.nearness import near_duplicates
from homeroom.records import Finding
from homeroom.splits import KFold, TimeSeriesSplit

from .conftest import alarms, case_of

MakeCase = Callable[..., Case]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("iris", ["duplicates"]),  # rows 101 and 142 are the same flower
        ("wine", []),
        ("breast-cancer", []),
        ("digits", []),
        ("diabetes", []),
    ],
)
def test_known_datasets_have_no_alarm_but_the_true_one(
    name: str, expected: list[str]
) -> None:
    """No leakage on five clean datasets, and no warning but iris's duplicate row."""
    found = examine(case_of(load(name)))
    assert found.leaks == ()
    assert alarms(found) == expected


def test_the_duplicate_of_iris_is_named() -> None:
    """The finding names the very two rows, as a warning that stops nothing."""
    [found] = examine(case_of(load("iris"))).of("duplicates")
    assert found.rows == (101, 142)
    assert found.severity == "warning"
    assert found.numbers["rows"] == 2


def test_sorted_datasets_are_sorted() -> None:
    """iris and wine lie in the order of their classes; digits do not."""
    sorted_ones = [
        name
        for name in ("iris", "wine", "breast-cancer", "digits", "diabetes")
        if examine(case_of(load(name)), thorough=False).of("order")
    ]
    assert sorted_ones == ["iris", "wine"]


def test_digits_have_three_dead_pixels() -> None:
    """Columns that never change are named."""
    [found] = examine(case_of(load("digits")), thorough=False).of("constant")
    assert found.columns == ("column 0", "column 32", "column 39")


def test_a_clean_table_raises_no_alarm(clean: tuple[Any, Any]) -> None:
    """600 random rows pass all checks, each of which was made."""
    found = examine(case_of(*clean))
    assert alarms(found) == []
    assert {each.state for each in found.checked} == {"clear"}


@pytest.mark.parametrize("kind", ["one-hot", "binary", "coarse"])
def test_rows_that_coincide_by_chance_stop_nothing(
    kind: str, dice: np.random.Generator
) -> None:
    """Few coarse columns make equal rows; that is a warning and no proof of a leak."""
    levels = dice.integers(0, 3, (400, 3))
    x = {
        "one-hot": np.eye(3)[levels].reshape(400, 9),
        "binary": dice.integers(0, 2, (400, 8)),
        "coarse": levels,
    }[kind]
    found = examine(case_of(x, dice.integers(0, 2, 400)))
    [finding] = found.of("duplicates")
    assert finding.severity == "warning"
    assert finding.numbers["share"] > 0.5
    assert found.leaks == ()


@pytest.mark.parametrize("n_numbers", [1, 2, 3])
@pytest.mark.parametrize("n_categories", [2, 4])
def test_rows_of_a_mixed_table_are_near_by_chance(
    n_numbers: int, n_categories: int, dice: np.random.Generator, tmp_path: Path
) -> None:
    """Rows of the same categories are no copies because others are far away."""
    frame = mixed_table(3000, n_numbers, n_categories, dice)
    assert list(near_duplicates(case_of(read_from(tmp_path, frame)))) == []


@pytest.mark.parametrize("noise", [1e-5, 1e-3])
def test_rows_of_a_mixed_table_measured_twice_are_found(
    noise: float, dice: np.random.Generator, tmp_path: Path
) -> None:
    """Forty rows with the same categories and nearly the same numbers are found."""
    frame = mixed_table(1000, 6, 3, dice)
    again = frame.head(40).with_columns(
        pl.col(pl.Float64) + noise * pl.lit(dice.normal(size=40))
    )
    twice = read_from(tmp_path, pl.concat([frame, again]))
    [finding] = near_duplicates(case_of(twice))
    assert isinstance(finding, Finding)
    assert finding.numbers["rows"] > 50


def read_from(folder: Path, frame: pl.DataFrame) -> Dataset:
    frame.write_parquet(folder / "table.parquet")
    return read_table(folder / "table.parquet", "label")


def mixed_table(
    n: int, n_numbers: int, n_categories: int, dice: np.random.Generator
) -> pl.DataFrame:
    """Return columns of numbers and of four to six words each, all independent."""
    columns: dict[str, Any] = {
        f"number {i}": dice.normal(size=n) for i in range(n_numbers)
    }
    for i in range(n_categories):
        columns[f"word {i}"] = [f"w{code}" for code in dice.integers(0, 4 + i % 3, n)]
    return pl.DataFrame(columns | {"label": dice.choice(["yes", "no"], n)})


def test_a_column_that_tells_one_flower_apart_is_no_leak() -> None:
    """A petal's length separates setosa without an error: told, but not stopped."""
    iris = load("iris")
    y = (iris.y == 0).astype(int)
    found = examine(case_of(iris.x, y))
    [finding] = found.of("target")
    assert finding.severity == "warning"
    assert set(finding.columns) == {"column 2", "column 3"}


def test_a_single_column_is_the_task_and_no_leak() -> None:
    """y = 2.5 x with nothing but x is a lesson, not a leak."""
    x = np.linspace(0, 1, 60).reshape(-1, 1)
    assert not examine(case_of(x, 2.5 * x, cv=KFold(3))).of("target")


def test_holes_are_no_code_for_the_answer(dice: np.random.Generator) -> None:
    """A column that is mostly missing, in all classes, gives nothing away."""
    y = dice.integers(0, 2, 500)
    some = np.full(500, np.nan)
    some[:90] = np.arange(90) / 7
    flag = np.where((y == 1) & (dice.random(500) < 0.2), 1.0, np.nan)
    x = np.stack([some, flag, dice.normal(size=500)], axis=1)
    assert examine(case_of(from_arrays(x, y, allow_missing=True))).leaks == ()


def test_coarse_rows_coincide_the_more_the_more_there_are(
    dice: np.random.Generator,
) -> None:
    """What chance does to many rows is measured on few, and is no leak."""
    x = dice.integers(0, 100, size=(80_000, 3)).astype(np.float32)
    found = examine(case_of(x, dice.normal(size=80_000)), thorough=False)
    assert found.leaks == ()


@pytest.mark.parametrize(
    "x",
    [
        np.arange(24.0).reshape(24, 1),
        np.full((24, 2), 3.0),
        np.r_[np.full((4, 2), np.nan), np.ones((20, 2))],
    ],
    ids=["one column", "all the same", "with holes"],
)
def test_odd_data_is_examined_without_an_error(x: np.ndarray) -> None:
    """One column, constant columns and NaN are no reason to break."""
    y = np.tile([0, 1], 12)
    dataset = from_arrays(x, y, allow_missing=True)
    assert examine(case_of(dataset, cv=3)).leaks == ()


def test_images_and_several_inputs_are_examined(dice: np.random.Generator) -> None:
    """Pixels and named inputs are columns too."""
    images = dice.integers(0, 256, (120, 6, 6)).astype(np.uint8)
    y = np.tile([0, 1, 2], 40)
    images[:, 5, 5] = y * 7  # a mark in the corner
    found = examine(case_of(images, y))
    assert [f.columns for f in found.leaks] == [("column 35",)]
    x = {"image": images, "age": dice.normal(size=(120, 1))}
    [leak] = examine(case_of(x, y)).leaks
    assert leak.columns == ("x['image'] column 35",)


def test_the_cheap_examination_is_cheap() -> None:
    """What is made before every run takes less than 0.1 s on digits.

    Others may have the core for a while: the fastest of five counts.
    """
    seconds = []
    for _ in range(5):
        case = case_of(load("digits"))
        started = time.perf_counter()
        found = examine(case, thorough=False)
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 0.1
    skipped = {each.check for each in found.checked if each.state == "skipped"}
    assert skipped == {"near-duplicates", "topics", "shift", "two-sample"}


def test_a_missing_word_is_no_category_of_its_own(
    dice: np.random.Generator, tmp_path: Path
) -> None:
    """One missing cell is nothing that train rows lack."""
    frame = mixed_table(100, 2, 1, dice)
    words = frame["word 0"].to_list()
    words[7] = None
    data = read_from(tmp_path, frame.with_columns(pl.Series("word 0", words)))
    case = case_of(data)
    [column] = case.columns.categories
    assert column.codes[7] == -1
    assert (np.delete(column.codes, 7) >= 0).all()
    assert "" not in column.values
    assert not examine(case, thorough=False).of("categories")


def test_what_follows_time_is_not_to_be_shuffled(dice: np.random.Generator) -> None:
    """Rows that drift, cut in their order on purpose, are no rows left unshuffled."""
    y = np.cumsum(dice.normal(size=400))
    x = dice.normal(size=(400, 3))
    for ordered, said in ((False, 1), (True, 0)):
        case = replace(case_of(x, y, cv=TimeSeriesSplit(4)), ordered=ordered)
        assert len(examine(case, thorough=False).of("order")) == said
