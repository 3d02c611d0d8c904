"""No spreadsheet runs a cell of ours."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeroom.cli.spreadsheet import without_formulas


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+cmd|' /C calc'!A0", "-2+3+cmd", "@SUM(A1)", "\t=1", "\r=1", "=\n1+1"],
)
def test_text_like_a_formula_gets_an_apostrophe(cell: str) -> None:
    """A cell that a spreadsheet would run becomes text."""
    safe, changed = without_formulas(pl.DataFrame({"id": [cell]}))
    assert safe["id"].to_list() == [f"'{cell}"]
    assert changed == 1


@pytest.mark.parametrize(
    "cell", ["-5", "+3.25", "-1e-9", "-1,234.5", "+", "-", "a=b", "", "<=50K"]
)
def test_other_text_is_left_alone(cell: str) -> None:
    """Signed numbers, lone signs and ordinary labels stay as they are."""
    safe, changed = without_formulas(pl.DataFrame({"id": [cell]}))
    assert safe["id"].to_list() == [cell]
    assert changed == 0


def test_numbers_missing_cells_and_column_names() -> None:
    """Numbers and missing cells stay; a column name like a formula is made safe."""
    frame = pl.DataFrame({"=id": [None, "-x"], "n": [-1.5, 2.0]})
    safe, changed = without_formulas(frame)
    assert safe.columns == ["'=id", "n"]
    assert safe["'=id"].to_list() == [None, "'-x"]
    assert safe["n"].to_list() == [-1.5, 2.0]
    assert changed == 2


@given(st.lists(st.text(max_size=6), min_size=1, max_size=5))
def test_nothing_else_changes(cells: list[str]) -> None:
    """Text is kept up to one apostrophe in front, and none is left dangerous."""
    safe, _ = without_formulas(pl.DataFrame({"id": cells}))
    for before, after in zip(cells, safe["id"].to_list(), strict=True):
        assert after in {before, f"'{before}"}
        assert not after.startswith(("=", "@", "\t", "\r")) or len(after) == 1
