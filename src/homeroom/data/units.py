"""Numbers that are written with what they count: "$1,200", "13.5%", "998 CC"."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

import polars as pl

from homeroom.errors import DataError

from .columns import LEVELS, MOSTLY, as_numbers, tidy, without_missing
from .wording import counted, first_few

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .reading import RawTable

_MONEY = r"[A-Z]{0,2}\p{Sc}|만?원|[円元]"
_SIGN = r"[+-]?"
_NUMBER = r"[.,]?\d[\d.,]*"
_WORD = r"[\p{L}°][\p{L}°²³/·^]{0,10}[23]?"
_MONEY_OR_SHARE = (  # how it is written, and how many different ones are no labels
    (rf"^{_SIGN}({_MONEY})\s?{_SIGN}{_NUMBER}$", 0),
    (rf"^{_SIGN}{_NUMBER}\s?({_MONEY}|%|‰)$", 0),
)
_ANY = (*_MONEY_OR_SHARE, (rf"^{_SIGN}{_NUMBER}\s?({_WORD})$", LEVELS))
_TELLING_CELLS = 20


def find_units(raw: RawTable, columns: Iterable[str]) -> dict[str, str]:
    """Return the unit of every text column whose numbers all have the same.

    That is a currency before or after the number, "%", or a word after it. Numbers
    with a word are often labels ("2 doors"), and only taken for numbers where more
    than 30 are different.

    Raises:
        DataError: If all but a few cells have it, and it is no word.

    >>> from homeroom.data.reading import RawTable
    >>> frame = pl.DataFrame({"rent": ["$1,200", "-$95.5"], "door": ["2 dr", "4 dr"]})
    >>> find_units(RawTable("homes.csv", frame), frame.columns)
    {'rent': '$'}
    """
    found = {column: _unit(raw, column, _ANY) for column in columns}
    return {column: unit for column, unit in found.items() if unit}


def unit_of_target(raw: RawTable, target: str, task: str | None) -> str:
    """Return the unit of what is to be learned, if it is a number with one.

    Only of money and shares, unless a regression was asked for; and only where every
    cell has it: "none" beside "10%" is a label.
    """
    cells = tidy(raw.frame[target])
    if task == "classification" or cells.dtype != pl.String:
        return ""
    if without_missing(cells).null_count():
        return ""
    return _unit(raw, target, _ANY if task == "regression" else _MONEY_OR_SHARE)


def without_units(raw: RawTable, units: Mapping[str, str]) -> RawTable:
    """Return a table whose numbers stand alone; cells with another unit stay.

    >>> from homeroom.data.reading import RawTable
    >>> raw = RawTable("homes.csv", pl.DataFrame({"rent": ["$1,200", "$95.5", "80"]}))
    >>> without_units(raw, {"rent": "$"}).frame["rent"].to_list()
    ['1,200', '95.5', '80']
    """
    cells = {c: tidy(raw.frame[c]) for c in units if c in raw.frame.columns}
    bare = [
        _bare(each, units[column]).alias(column)
        for column, each in cells.items()
        if each.dtype == pl.String
    ]
    return replace(raw, frame=raw.frame.with_columns(bare), units=units)


def require_units(raw: RawTable, units: Mapping[str, str]) -> None:
    """Refuse numbers of a new file without the unit that they had in training.

    0.135 is not 13.5%, nor 12000 12 K. Money is the same with or without its sign.

    Raises:
        DataError: If a cell lacks it.
    """
    for column, unit in units.items():
        if column not in raw.frame.columns or _is_money(unit):
            continue
        cells = tidy(raw.frame[column]).cast(pl.String)
        if len(rows := _odd(cells, unit)):
            raise DataError(
                f"Column {column!r} of {raw.name} holds {cells[rows[0]][:40]!r} "
                f"({raw.where(rows)}); expected numbers with {unit!r} beside them, as "
                "in training."
            )


def note(units: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a person should know of the numbers with a unit."""
    if not units:
        return ()
    named = first_few(f"{column!r} in {unit}" for column, unit in units.items())
    return (f"Read as numbers, without their unit: {named}.",)


def _unit(raw: RawTable, column: str, written: tuple[tuple[str, int], ...]) -> str:
    cells = tidy(raw.frame[column])
    if cells.dtype != pl.String:
        return ""
    cells = without_missing(cells).drop_nulls()
    for pattern, levels in written:
        if cells.head(_TELLING_CELLS).str.extract(pattern).is_null().all():
            continue
        several = cells.n_unique()
        if several <= levels or not as_numbers(cells).null_count():
            continue
        unit = str(cells.str.extract(pattern).drop_nulls().mode()[0])
        fits = _fits(cells, unit)
        if fits.all():
            return unit
        # of numbers with a word the others may be labels as well
        mostly = fits.sum() >= MOSTLY * len(cells)
        if mostly and several > LEVELS and (pattern, levels) in _MONEY_OR_SHARE:
            _refuse_odd(raw, column, unit)
    return ""


def _refuse_odd(raw: RawTable, column: str, unit: str) -> NoReturn:
    cells = tidy(raw.frame[column])
    rows = _odd(cells, unit)
    raise DataError(
        f"Column {column!r} of {raw.name} holds numbers with {unit!r}, except "
        f"{cells[rows[0]][:40]!r} ({raw.where(rows)}; {counted(len(rows), 'cell')} in "
        "all). Correct these cells, or leave them empty if the number is unknown."
    )


def _odd(cells: pl.Series, unit: str) -> list[int]:
    """Return the rows whose cells are there, and no number with the unit."""
    known = without_missing(cells)
    return (known.is_not_null() & ~_fits(known, unit)).arg_true().to_list()


def _fits(cells: pl.Series, unit: str) -> pl.Series:
    """Return which cells are a number with the unit; a missing one is not."""
    bare = _bare(cells, unit)
    return (bare != cells).fill_null(value=False) & as_numbers(bare).is_not_null()


def _bare(cells: pl.Series, unit: str) -> pl.Series:
    literal = re.escape(unit)
    before = rf"^({_SIGN}){literal}\s?({_SIGN}{_NUMBER})$"
    after = rf"^({_SIGN})({_NUMBER})\s?{literal}$"
    bare = cells.str.replace(before, "${1}${2}")
    return bare.str.replace(after, "${1}${2}")


def _is_money(unit: str) -> bool:
    return unit in {"원", "円", "元"} or unicodedata.category(unit[-1]) == "Sc"
