"""CSV that a spreadsheet reads as data, and never runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

# A spreadsheet takes such a cell for a formula, unless it is only a signed number.
_FORMULA = r"(?s)^[=+\-@\t\r]."
_NUMBER = r"^[+-]?\d*([.,]\d+)*(e[+-]?\d+)?$"


def without_formulas(frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Return the frame with an apostrophe before text that begins like a formula.

    Numbers keep their sign, also as text. The count is of the cells that changed;
    column names that begin so are changed too, and counted.

    >>> import polars as pl
    >>> frame = pl.DataFrame({"id": ["=1+1", "-7", "b-2"], "n": [-1, 2, 3]})
    >>> safe, n = without_formulas(frame)
    >>> safe["id"].to_list(), safe["n"].to_list(), n
    (["'=1+1", '-7', 'b-2'], [-1, 2, 3], 1)
    """
    import polars as pl

    changed = 0
    columns = []
    for column in frame.iter_columns():
        if column.dtype == pl.String:
            risky = _risky(column)
            changed += int(risky.sum())
            column = ("'" + column).zip_with(risky, column)
        columns.append(column)
    names = pl.Series(frame.columns, dtype=pl.String)
    risky = _risky(names)
    changed += int(risky.sum())
    safe = ("'" + names).zip_with(risky, names)
    return pl.DataFrame([
        column.alias(name) for column, name in zip(columns, safe, strict=True)
    ]), changed


def _risky(cells: pl.Series) -> pl.Series:
    risky = cells.str.contains(_FORMULA) & ~cells.str.contains(_NUMBER)
    return risky.fill_null(value=False)
