"""Numbers that are written with what they count."""

from __future__ import annotations

import re

import polars as pl
import pytest

from homeroom.data import frame_for, read_table
from homeroom.errors import DataError

N = 60


def table(tmp_path, name="homes.csv", **columns):
    """Write a CSV file of quoted cells."""
    rows = [list(columns), *zip(*columns.values(), strict=True)]
    file = tmp_path / name
    text = "\n".join(",".join(f'"{cell}"' for cell in row) for row in rows)
    file.write_text(text, "utf-8")
    return file


def labels(n=N):
    return ["yes" if i % 2 else "no" for i in range(n)]


@pytest.mark.parametrize(
    ("cells", "unit", "last"),
    [
        ([f"${1000 + 7 * i:,}" for i in range(N)], "$", 1413),
        ([f"-$ {i}.50" for i in range(N)], "$", -59.5),
        ([f"US${i % 7}" for i in range(N)], "US$", 3),
        ([f"{i * 1000:,}원" for i in range(N)], "원", 59000),
        ([f"{i}.000,5 €" for i in range(1, N + 1)], "€", 60000.5),
        ([f"{i % 9}.5%" for i in range(N)], "%", 5.5),
        ([f"{i} %" if i else "-" for i in range(N)], "%", 59),
        ([f"{i / 4} kmpl" for i in range(N)], "kmpl", 14.75),
        ([f"{i + 3}m²" for i in range(N)], "m²", 62),
    ],
)
def test_a_column_of_numbers_with_one_unit_is_a_number(tmp_path, cells, unit, last):
    """Currency, percent or a word beside all numbers: they are read, and noted."""
    data = read_table(table(tmp_path, size=cells, label=labels()), "label")
    assert data.record.kinds == {"size": "number"}
    assert data.record.units == {"size": unit}
    assert data.x["size"][-1] == last
    assert any(f"'size' in {unit}" in note for note in data.record.notes)


@pytest.mark.parametrize(
    "cells",
    [
        [f"{2 + 2 * (i % 2)} doors" for i in range(N)],
        [f"{i % 9}{'$€'[i % 2]}" for i in range(N)],
        [f"{i % 9}%" if i else "1-2%" for i in range(N)],
        [f"{i % 9}%" if i != 7 else "1-2%" for i in range(N)],
        [f"{i % 9}{['', '%'][i % 2]}" for i in range(N)],
        [f"12.{i % 9}.3v" for i in range(N)],
        [f"{5 * (i % 9):02}%" for i in range(N)],
        [f"{i % 35}호" if i % 60 else "B1호" for i in range(N)],
    ],
)
def test_labels_with_numbers_stay_labels(tmp_path, cells):
    """Few numbers with a word, two units, or none in some cells: a category."""
    record = read_table(table(tmp_path, size=cells, label=labels()), "label").record
    assert record.kinds == {"size": "category"}
    assert not record.units


@pytest.mark.parametrize(
    "cells",
    [
        [f"{i / 10}e-05" for i in range(10, 10 + N)],
        [f"{i / 10}E2" for i in range(10, 10 + N)],
        [f"{i}.5e0" for i in range(N)],
    ],
)
def test_an_exponent_is_no_unit(tmp_path, cells):
    """Numbers that all have one exponent are those numbers, in new files too."""
    data = read_table(table(tmp_path, size=cells, label=labels()), "label")
    assert not data.record.units
    assert data.x["size"].to_list() == [float(cell) for cell in cells]
    new = table(tmp_path, "new.csv", size=["0.00012", "1.2e-04"])
    assert frame_for(data.record, new).x["size"].to_list() == [0.00012, 0.00012]


def test_money_may_stand_without_its_sign_in_a_new_file(tmp_path):
    """A new file is read with or without the currency of training, not with another."""
    cells = [f"${i},000" for i in range(1, N + 1)]
    known = read_table(table(tmp_path, rent=cells, label=labels()), "label").record
    new = table(tmp_path, "new.csv", rent=["$2,500", "1750", "", "-$3"])
    assert frame_for(known, new).x["rent"].to_list() == [2500, 1750, None, -3]
    other = table(tmp_path, "other.csv", rent=["$2,500", "€1750"])
    said = r"'€1750' \(line 3\); .* a number in \$ written"
    with pytest.raises(DataError, match=said):
        frame_for(known, other)


@pytest.mark.parametrize(("unit", "other"), [("%", "0.135"), ("K", "12000")])
def test_a_new_file_without_another_unit_is_refused(tmp_path, unit, other):
    """0.135 is not taken for 13.5%: a cell that lacks the unit of training is named."""
    cells = [f"{i}.5{unit}" for i in range(N)]
    known = read_table(table(tmp_path, size=cells, label=labels()), "label").record
    new = table(tmp_path, "new.csv", size=[f"12{unit}", "", f"1.5 {unit}"])
    assert frame_for(known, new).x["size"].to_list() == [12, None, 1.5]
    wrong = table(tmp_path, "wrong.csv", size=[f"12{unit}", other])
    with pytest.raises(DataError, match=rf"'{other}' \(line 3\); .* with '{unit}'"):
        frame_for(known, wrong)


@pytest.mark.parametrize("odd", ["Free", "$1,2,3", "7", "€7"])
def test_a_few_cells_without_the_unit_are_refused_before_training(tmp_path, odd):
    """One price that is none among many is named, as one number that is none is."""
    cells = [f"${i},000" for i in range(1, N + 1)]
    cells[7] = odd
    said = rf"'rent' .* with '\$', except {re.escape(repr(odd))} \(line 9;"
    with pytest.raises(DataError, match=said):
        read_table(table(tmp_path, rent=cells, label=labels()), "label")


def test_a_target_with_a_unit_is_learned_as_a_number(tmp_path):
    """A price to learn is a regression; few percentages are classes, as written."""
    sizes = [f"{i % 13}.5" for i in range(N)]
    prices = [f"${200 + i}.25" for i in range(N)]
    priced = read_table(table(tmp_path, size=sizes, price=prices), "price")
    assert priced.record.task == "regression"
    assert priced.y[-1] == 259.25
    assert priced.record.units == {"price": "$"}


@pytest.mark.parametrize(
    ("cells", "task", "classes"),
    [
        ([f"{5 * (i % 3)}%" for i in range(N)], None, ("0%", "10%", "5%")),
        ([["0.5%", "1.5%"][i % 2] for i in range(N)], "classification", 2),
        ([["none", "10%", "20%"][i % 3] for i in range(N)], None, 3),
        ([f"{i % 40}번" for i in range(800)], None, 40),
    ],
)
def test_labels_to_learn_stay_as_they_are_written(tmp_path, cells, task, classes):
    """Classes with a unit keep it, "none" among them is one, and so are many words."""
    sizes = [f"{i % 13}.5" for i in range(len(cells))]
    file = table(tmp_path, size=sizes, rate=cells)
    record = read_table(file, "rate", task=task).record
    assert record.task == "classification"
    assert not record.units
    assert classes in {record.classes, len(record.classes)}


def test_groups_are_not_touched(tmp_path):
    """A column of groups keeps its cells, and is told as written."""
    groups = [f"${i // 4}" for i in range(N)]
    sizes = [f"{i % 13}.5" for i in range(N)]
    file = table(tmp_path, room=groups, size=sizes, label=labels())
    data = read_table(file, "label", groups="room")
    assert data.groups[-1] == "$14"
    assert frame_for(data.record, file).identifiers["room"][-1] == "$14"


def test_categories_of_parquet_are_text(tmp_path):
    """Numbers with a unit are found in categorical columns, too."""
    prices = pl.Series([f"${i}.5" for i in range(N)], dtype=pl.Categorical)
    file = tmp_path / "homes.parquet"
    pl.DataFrame({"price": prices, "label": labels()}).write_parquet(file)
    record = read_table(file, "label").record
    assert record.units == {"price": "$"}
    assert frame_for(record, file).x["price"][-1] == 59.5
