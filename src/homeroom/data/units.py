"""Numbers that are written with what they count: "$1,200", "13.5%", "998 CC"."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from .columns import as_numbers, present_numbers, tidy
from .wording import first_few

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .reading import RawTable

_MONEY = r"[A-Z]{0,2}\p{Sc}"
_SIGN = r"[+-]?"
_NUMBER = r"[.,]?\d[\d.,]*"
_AFTER = rf"%|‰|{_MONEY}|[만억]?원|[円元]"
_WORD = r"[\p{L}°][\p{L}\d°²³/·^-]{0,11}"
_LEVELS = 30
_WRITTEN = (  # how, and how many different ones are surely no labels
    (rf"^{_SIGN}({_MONEY})\s?{_SIGN}{_NUMBER}$", 0),
    (rf"^{_SIGN}{_NUMBER}\s?({_AFTER})$", 0),
    (rf"^{_SIGN}{_NUMBER}\s?({_WORD})$", _LEVELS),
)


def find_units(raw: RawTable, columns: Iterable[str]) -> dict[str, str]:
    """Return the unit of every text column whose numbers all have the same.

    That is a currency before or after the number, "%", or a word after it. Numbers
    with a word are often labels ("2 doors"), and only taken for numbers where more
    than 30 are different.

    >>> from homeroom.data.reading import RawTable
    >>> frame = pl.DataFrame({"rent": ["$1,200", "-$95.5"], "door": ["2 dr", "4 dr"]})
    >>> find_units(RawTable("homes.csv", frame), frame.columns)
    {'rent': '$'}
    """
    found = {column: _unit(raw.frame[column]) for column in columns}
    return {column: unit for column, unit in found.items() if unit}


def without_units(raw: RawTable, units: Mapping[str, str]) -> RawTable:
    """Return a table whose numbers stand alone; cells with another unit stay.

    >>> from homeroom.data.reading import RawTable
    >>> raw = RawTable("homes.csv", pl.DataFrame({"rent": ["$1,200", "$95.5", "80"]}))
    >>> without_units(raw, {"rent": "$"}).frame["rent"].to_list()
    ['1,200', '95.5', '80']
    """
    bare = [
        _bare(raw.frame[column], unit).alias(column)
        for column, unit in units.items()
        if column in raw.frame.columns and raw.frame[column].dtype == pl.String
    ]
    return replace(raw, frame=raw.frame.with_columns(bare), units=units)


def note(units: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a person should know of the numbers with a unit."""
    if not units:
        return ()
    named = first_few(f"{column!r} in {unit}" for column, unit in units.items())
    return (f"Read as numbers, without their unit: {named}.",)


def _unit(cells: pl.Series) -> str:
    if cells.dtype != pl.String:
        return ""
    cells = present_numbers(tidy(cells))
    if cells.is_empty():
        return ""
    for pattern, levels in _WRITTEN:
        unit = cells.head(1).str.extract(pattern)[0]
        if unit is not None and cells.str.extract(pattern).eq_missing(unit).all():
            numbers = as_numbers(_bare(cells, unit))
            varied = cells.n_unique() > levels
            return unit if varied and not numbers.null_count() else ""
    return ""


def _bare(cells: pl.Series, unit: str) -> pl.Series:
    literal = re.escape(unit)
    before = rf"^\s*({_SIGN}){literal}\s?({_SIGN}{_NUMBER})\s*$"
    after = rf"^\s*({_SIGN})({_NUMBER})\s?{literal}\s*$"
    bare = cells.str.replace(before, "${1}${2}")
    return bare.str.replace(after, "${1}${2}")
