"""Numbers that are written with what they count."""

from __future__ import annotations

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
        [f"v1.{i % 9}.3" for i in range(N)],
    ],
)
def test_labels_with_numbers_stay_labels(tmp_path, cells):
    """Few numbers with a word, two units, or none in some cells: a category."""
    record = read_table(table(tmp_path, size=cells, label=labels()), "label").record
    assert record.kinds == {"size": "category"}
    assert not record.units


def test_new_files_may_leave_the_unit_out_but_have_no_other(tmp_path):
    """A new file is read with or without the unit of training, not with another."""
    cells = [f"${i},000" for i in range(1, N + 1)]
    known = read_table(table(tmp_path, rent=cells, label=labels()), "label").record
    new = table(tmp_path, "new.csv", rent=["$2,500", "1750", "", "-$3"])
    assert frame_for(known, new).x["rent"].to_list() == [2500, 1750, None, -3]
    other = table(tmp_path, "other.csv", rent=["$2,500", "€1750"])
    with pytest.raises(
        DataError, match=r"'€1750' \(line 3\); .* a number in \$ written"
    ):
        frame_for(known, other)


def test_a_target_with_a_unit_is_learned_as_a_number(tmp_path):
    """A price to learn is a regression; few percentages are classes, as written."""
    sizes = [f"{i % 13}.5" for i in range(N)]
    prices = [f"${200 + i}.25" for i in range(N)]
    priced = read_table(table(tmp_path, size=sizes, price=prices), "price")
    assert priced.record.task == "regression"
    assert priced.y[-1] == 259.25
    assert priced.record.units == {"price": "$"}
    rates = [f"{5 * (i % 3)}%" for i in range(N)]
    rated = read_table(table(tmp_path, size=sizes, rate=rates), "rate").record
    assert rated.classes == ("0%", "10%", "5%")
    assert not rated.units


def test_groups_and_identifiers_are_not_touched(tmp_path):
    """A column of groups keeps its cells, and is told as written."""
    groups = [f"${i // 4}" for i in range(N)]
    sizes = [f"{i % 13}.5" for i in range(N)]
    file = table(tmp_path, room=groups, size=sizes, label=labels())
    data = read_table(file, "label", groups="room")
    assert data.groups[-1] == "$14"
    assert frame_for(data.record, file).identifiers["room"][-1] == "$14"
