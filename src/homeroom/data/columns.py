"""What a raw column is: a number, a category, a date, true/false, or of no use."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NoReturn

import polars as pl

from homeroom.errors import DataError

from .wording import counted

if TYPE_CHECKING:
    from .reading import RawTable

IDENTIFIER = "identifier"

_MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "<NA>", "#N/A")
_MISSING_NUMBERS = (*_MISSING, "?", "-", ".", "na", "None", "none")
_ID_NAME = re.compile(
    r"(?i:(^|[\W_])(id|idx|index|no|nr|uuid|guid|key)\.?$)|[a-z0-9](Id|ID|No|Key)$"
    r"|번호$|순번$|아이디$|식별자$"
)
_YEAR_FIRST = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d")
_YEAR_LAST = ("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")
_DATE_FORMATS = (
    *(
        date + time
        for date in (*_YEAR_FIRST, *_YEAR_LAST)
        for time in ("", " %H:%M", " %H:%M:%S%.f", "T%H:%M:%S%.f")
    ),
    *(f"%Y-%m-%d{t}%H:%M{s}%#z" for t in "T " for s in ("", ":%S%.f")),
    "%Y년 %m월 %d일",
)
_ENGLISH, EUROPEAN = "1,234.5", "1.234,5"
_FORMS = _ENGLISH, EUROPEAN
_IN_GROUPS = r"^[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?$"
_WITH_COMMA = r"^[+-]?(\d+|[1-9]\d{0,2}(\.\d{3})+)(,\d+)?([eE][+-]?\d+)?$"
_TELLING_ROWS = 1000
_DECIMALS = r"[.,](\d{1,2}|\d{4,})$"  # not those of a thousand
_LOOKS_LIKE_A_DATE = r"\d{4}\D+\d{1,2}\D+\d{1,2}|\d{1,2}\D\d{1,2}\D\d{4}"
_LEADING_ZERO = r"^0\d"
_COUNTER_ROWS = 20
MOSTLY = 0.9
LEVELS = 30
_WORDS = 4
_DATE_PARTS = ("year", "month", "day of week", "day number")


@dataclass(frozen=True)
class Column:
    """What was found out about one column.

    `kind` is None when it is left out, for `reason`. `format` is how its dates or
    numbers are written ("" when the file itself says so).
    """

    kind: str | None
    reason: str = ""
    format: str = ""


def model_columns(name: str, kind: str) -> list[str]:
    """Return the names under which a raw column reaches the preprocessing.

    >>> model_columns("when", "date")[0]
    'when (year)'
    """
    if kind == "date":
        return [f"{name} ({part})" for part in _DATE_PARTS]
    return [name]


def infer(raw: RawTable, name: str) -> Column:
    """Find out what a raw column is.

    Raises:
        DataError: If it holds numbers except for a few cells.
    """
    cells = tidy(raw.frame[name])
    present = cells.drop_nulls()
    n_values = present.n_unique() if _is_flat(present.dtype) else 0
    if present.is_empty():
        return Column(None, "every cell is missing")
    if n_values == 1 and len(present) == len(cells):
        return Column(None, f"the same in every row ({str(present[0])[:40]!r})")
    if name == raw.unnamed:
        return Column(None, f"{IDENTIFIER}: an index without a name")
    if present.dtype == pl.String:
        return _infer_text(raw, name, present, n_values)
    if present.dtype == pl.Boolean:
        return Column("boolean")
    if present.dtype.is_numeric():
        return _number(name, present, n_values)
    if present.dtype in (pl.Date, pl.Datetime):
        return Column("date")
    return Column(None, f"cells of type {present.dtype} are not supported")


def _is_flat(kind: pl.DataType) -> bool:
    return not kind.is_nested() and kind not in (pl.Object, pl.Binary)


def _infer_text(raw: RawTable, name: str, present: pl.Series, n_values: int) -> Column:
    lowered = present.str.to_lowercase()
    if lowered.is_in(["true", "false"]).all():
        return Column("boolean")
    form = _number_form(present, raw.numbers)
    numbers = as_numbers(present, form)
    countable = present.filter(~present.is_in(_MISSING_NUMBERS))
    is_code = countable.str.contains(_LEADING_ZERO).any()
    if len(countable) and not is_code:
        share = numbers.drop_nulls().len() / len(countable)
        if share == 1:
            found = _number(name, numbers.drop_nulls(), n_values)
            form = form or raw.numbers
            return replace(found, format=form) if found.kind else found
        if share >= MOSTLY and n_values > LEVELS:
            refuse_mixed(raw, name)
    if (dates := _dates(countable)) is not None:
        return dates
    return _text(name, present, n_values)


def _number(name: str, numbers: pl.Series, n_values: int) -> Column:
    whole = numbers.dtype.is_integer() or bool((numbers == numbers.floor()).all())
    if whole and n_values == len(numbers) > 1:
        if _ID_NAME.search(name):
            return Column(None, f"{IDENTIFIER}: a different whole number in every row")
        steps = numbers.cast(pl.Float64).diff().drop_nulls()
        is_counter = numbers[0] in (0, 1) and bool((steps == 1).all())
        if is_counter and len(numbers) >= _COUNTER_ROWS:
            return Column(None, f"{IDENTIFIER}: counts the rows")
    return Column("number")


def _text(name: str, present: pl.Series, n_values: int) -> Column:
    different = n_values / len(present)
    if different == 1 and len(present) > 1:
        return Column(None, f"{IDENTIFIER} or free text: different in every row")
    if len(present) >= _COUNTER_ROWS and different >= MOSTLY:
        return Column(None, f"free text: {n_values} different in {len(present)} rows")
    words = present.str.count_matches(r"\s+").mean()
    if different > 0.5 and isinstance(words, float) and words >= _WORDS:
        return Column(None, f"free text: {words + 1:.0f} words in a cell")
    return Column("category")


def looks_mixed(cells: pl.Series, numbers: pl.Series) -> bool:
    """Return whether text cells are numbers but for a few, too many to be labels."""
    share = 1 - numbers.null_count() / len(cells)
    return MOSTLY <= share < 1 and cells.n_unique() > LEVELS


def refuse_mixed(raw: RawTable, name: str) -> NoReturn:
    """Refuse a column of numbers for the cells that are none.

    Raises:
        DataError: Always.
    """
    cells = tidy(raw.frame[name])
    odd = cells.is_not_null() & as_numbers(cells, usual=raw.numbers).is_null()
    odd &= ~cells.is_in(_MISSING_NUMBERS).fill_null(value=False)
    rows = odd.arg_true().to_list()
    raise DataError(
        f"Column {name!r} of {raw.name} holds numbers, except {cells[rows[0]][:40]!r} "
        f"({raw.where(rows)}; {counted(len(rows), 'cell')} in all). Correct these "
        "cells, or leave them empty if the number is unknown."
    )


def numbers_missing(cells: pl.Series, usual: str) -> pl.Series:
    """Return text cells that are numbers, or missing as "?" is, with null for those.

    Other text is returned as it is: "none" may be a label among labels.
    """
    known = without_missing(cells)
    unread = as_numbers(cells, usual=usual).null_count()
    are_numbers = unread == known.null_count() < len(cells)
    return known if are_numbers else cells


def tidy(cells: pl.Series) -> pl.Series:
    """Return cells with one idea of missing: null, also for NaN, blanks and "NA"."""
    if cells.dtype in (pl.Categorical, pl.Enum):
        cells = cells.cast(pl.String)
    if cells.dtype == pl.String:
        cells = cells.str.strip_chars()
        return cells.set(cells.is_in(_MISSING), None)
    if cells.dtype.is_decimal():
        cells = cells.cast(pl.Float64)
    return cells.fill_nan(None) if cells.dtype.is_float() else cells


def as_numbers(cells: pl.Series, form: str = "", usual: str = "") -> pl.Series:
    """Return text as Float64; null where it is not a number.

    "1,234.5" may have thousands separators and "1.234,5" has a decimal comma; a column
    is read the way that more of its cells fit.

    Args:
        cells: The text.
        form: How the numbers are known to be written; found out where it is empty.
        usual: How the file writes numbers, for cells that fit both ways.
    """
    form = form or _number_form(cells, usual) or _ENGLISH
    return _read_as(form, without_missing(cells))


def usual_form(frame: pl.DataFrame) -> str:
    """Return how a file writes numbers, by columns that fit one way; "" by none.

    >>> usual_form(pl.DataFrame({"clear": ["1,5", "22"], "either": ["4.282", "7.100"]}))
    '1.234,5'
    """
    told = set()
    for column in frame.head(_TELLING_ROWS):
        if column.dtype == pl.String:
            cells = without_missing(tidy(column)).drop_nulls()
            if cells.str.contains(_DECIMALS).any():
                fits = {f for f in _FORMS if not _read_as(f, cells).null_count()}
                told |= fits if len(fits) == 1 else set()
    return told.pop() if len(told) == 1 else ""


def fits_both_ways(cells: pl.Series) -> bool:
    """Return whether cells are numbers in both forms, and other numbers in each."""
    if cells.dtype != pl.String:
        return False
    cells = without_missing(tidy(cells)).drop_nulls()
    english, european = (_read_as(form, cells) for form in _FORMS)
    both = not english.null_count() and not european.null_count()
    return both and not english.equals(european)


def _number_form(cells: pl.Series, usual: str) -> str:
    """Return how numbers are written, by what most cells fit; "" where none tells."""
    cells = without_missing(cells)
    if cells.str.contains(r"^[+-]?\d*$").fill_null(value=True).all():
        return ""
    forms = sorted(_FORMS, key=lambda form: form != usual)
    return min(forms, key=lambda form: _read_as(form, cells).null_count())


def _read_as(form: str, cells: pl.Series) -> pl.Series:
    if form == _ENGLISH:
        grouped = cells.str.contains(_IN_GROUPS).fill_null(value=False)
        cells = cells.str.replace_all(",", "").zip_with(grouped, cells)
    if form == EUROPEAN:
        cells = cells.set(~cells.str.contains(_WITH_COMMA).fill_null(value=True), None)
        cells = cells.str.replace_all(".", "", literal=True).str.replace(",", ".")
    return cells.cast(pl.Float64, strict=False)


def without_missing(cells: pl.Series) -> pl.Series:
    """Return text cells with null for what is no number but missing, such as "?"."""
    return cells.set(cells.is_in(_MISSING_NUMBERS), None)


def _dates(present: pl.Series) -> Column | None:
    if present.is_empty() or not present.str.contains(_LOOKS_LIKE_A_DATE).all():
        return None
    fits = [f for f in _DATE_FORMATS if as_days(present, f).null_count() == 0]
    if not fits:
        return None
    if any(f.startswith("%d/") for f in fits) and any(
        f.startswith("%m/") for f in fits
    ):
        return Column(
            None,
            f"dates such as {present[0]!r} can be day/month or month/day; write "
            "2024-12-31",
        )
    return Column("date", format=fits[0])


def as_days(cells: pl.Series, form: str) -> pl.Series:
    """Return dates as Datetime, in UTC; null where a cell is not in this form."""
    if cells.dtype == pl.String and "%H" in form:
        cells = cells.str.to_datetime(form, strict=False, time_unit="us")
    if cells.dtype == pl.String:
        return cells.str.to_date(form, strict=False).cast(pl.Datetime("us"))
    if cells.dtype == pl.Datetime:
        utc = cells.dt.convert_time_zone("UTC")  # one without a zone stays
        return utc.dt.replace_time_zone(None).cast(pl.Datetime("us"))
    return cells.cast(pl.Datetime("us"), strict=False)


def parse(raw: RawTable, name: str, kind: str, form: str = "") -> pl.DataFrame:
    """Return a raw column as the columns its kind asks for, missing cells as null.

    Raises:
        DataError: If a cell is not of this kind.
    """
    cells = tidy(raw.frame[name])
    if kind == "category":
        return cells.cast(pl.String).to_frame()
    if kind == "date":
        days = as_days(cells, form)
        _refuse_others(raw, name, cells, days, f"a date written as {form or 'a date'}")
        return _date_parts(name, days)
    numbers = _booleans(cells) if kind == "boolean" else _numbers(cells, form)
    unit = f" in {raw.units[name]}" if name in raw.units else ""
    written = f" written as {form}" if form else ""
    _refuse_others(raw, name, cells, numbers, f"a {kind}{unit}{written}")
    endless = numbers.is_infinite().arg_true().to_list()
    if endless:
        raise DataError(
            f"Column {name!r} of {raw.name} is infinite in {raw.where(endless)}. "
            "Leave the cell empty if the number is unknown."
        )
    return numbers.alias(name).to_frame()


def _numbers(cells: pl.Series, form: str) -> pl.Series:
    if cells.dtype == pl.String:
        return as_numbers(cells, form).fill_nan(None)
    return cells.cast(pl.Float64, strict=False)


def _booleans(cells: pl.Series) -> pl.Series:
    if cells.dtype != pl.String:
        return cells.cast(pl.Boolean, strict=False).cast(pl.Float64)
    lowered = cells.str.to_lowercase()
    known = {"true": 1.0, "1": 1.0, "1.0": 1.0, "false": 0.0, "0": 0.0, "0.0": 0.0}
    return lowered.replace_strict(known, default=None, return_dtype=pl.Float64)


def _refuse_others(
    raw: RawTable, name: str, cells: pl.Series, parsed: pl.Series, expected: str
) -> None:
    unread = parsed.is_null() & cells.is_not_null()
    if cells.dtype == pl.String:
        unread &= ~cells.is_in(_MISSING_NUMBERS).fill_null(value=False)
    rows = unread.arg_true().to_list()
    if rows:
        raise DataError(
            f"Column {name!r} of {raw.name} holds {str(cells[rows[0]])[:40]!r} "
            f"({raw.where(rows)}); expected {expected}. Correct these cells, or leave "
            "them empty."
        )


def _date_parts(name: str, days: pl.Series) -> pl.DataFrame:
    micro = days.cast(pl.Int64).cast(pl.Float64)
    parts = (
        days.dt.year(),
        days.dt.month(),
        days.dt.weekday(),
        micro / (24 * 60 * 60 * 1_000_000),
    )
    return pl.DataFrame([
        part.cast(pl.Float64).alias(column)
        for column, part in zip(model_columns(name, "date"), parts, strict=True)
    ])
