"""From a file to raw columns: encoding, separator, header and ragged lines."""

from __future__ import annotations

import codecs
import csv
import io
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from homeroom.errors import DataError, InputError

from .wording import counted, first_few

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_TEXT_FILES = (".csv", ".tsv", ".txt")
_PARQUET_FILES = (".parquet", ".pq")
_PANDAS_INDEX = "__index_level_0__"
_CHUNK = 50_000
_SNIFFED_RECORDS = 50
_BOMS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True)
class RawTable:
    """A file's columns before anything is decided about them.

    `lines` are the file's line numbers of the rows (None for Parquet). `unnamed` is
    the index without a name that pandas writes: a first column without a header, or in
    Parquet one with pandas's own name for it. `numbers` is how they are written where a
    column alone does not tell, `units` what stood beside them.
    """

    name: str
    frame: pl.DataFrame
    lines: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()
    unnamed: str | None = None
    numbers: str = ""
    units: Mapping[str, str] = field(default_factory=dict)

    def where(self, rows: Iterable[int]) -> str:
        """Return where rows are, in the words of someone who opens the file."""
        positions = [int(row) for row in rows]
        s = "" if len(positions) == 1 else "s"
        if self.lines is None:
            return f"row{s} {first_few(positions)} (the first row is 0)"
        return f"line{s} {first_few(int(self.lines[i]) for i in positions)}"


def read_raw(path: str | os.PathLike[str]) -> RawTable:
    """Return the columns of a CSV, TSV or Parquet file; CSV cells stay text.

    Raises:
        InputError: If the file is missing or of another kind.
        DataError: If the file is empty, damaged or ragged.
    """
    file = Path(path)
    suffix = file.suffix.lower()
    if suffix not in _TEXT_FILES + _PARQUET_FILES:
        raise InputError(
            f"{file.name} is not a kind of table that can be read: expected "
            f"{', '.join(_TEXT_FILES + _PARQUET_FILES)}. Save it as CSV (UTF-8)."
        )
    if not file.is_file():
        raise InputError(
            f"There is no file {str(file)!r}."
            if not file.exists()
            else f"{str(file)!r} is a folder; expected a file."
        )
    content = file.read_bytes()
    if not content.strip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n"):
        raise DataError(f"{file.name} is empty. Expected a header and rows below it.")
    raw = (
        _read_parquet(file.name, content)
        if suffix in _PARQUET_FILES
        else _read_text(file.name, content, tabs=suffix == ".tsv")
    )
    if raw.frame.height == 0:
        raise DataError(f"{file.name} has a header but no rows.")
    return raw


def _read_parquet(name: str, content: bytes) -> RawTable:
    try:
        frame = pl.read_parquet(io.BytesIO(content))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise DataError(
            f"{name} cannot be read as Parquet: {str(error).splitlines()[0]}. Is the "
            "file complete, and is it really Parquet?"
        ) from None
    index = _PANDAS_INDEX if _PANDAS_INDEX in frame.columns else None
    return RawTable(name, frame, unnamed=index)


def _read_text(name: str, content: bytes, *, tabs: bool) -> RawTable:
    text, notes = _decode(name, content)
    separator = "\t" if tabs else _separator(text)
    if separator != "," and not tabs:
        notes = (*notes, f"Columns are separated by {_SEPARATORS[separator]}.")
    with _long_cells():
        rows = _records(name, text, separator)
        header = next(rows)[1]
        names, unnamed = _check_header(name, header)
        frame, lines = _collect(name, names, rows)
    return RawTable(name, frame, lines, notes, unnamed)


def _decode(name: str, content: bytes) -> tuple[str, tuple[str, ...]]:
    for bom, encoding in _BOMS.items():
        if content.startswith(bom):
            return _decode_as(name, content, encoding), ()
    if b"\x00" not in content:
        try:
            return content.decode("utf-8"), ()
        except UnicodeDecodeError:
            pass  # an older encoding, found below
    # imported here: reading UTF-8, the usual case, does without its tables
    from charset_normalizer import from_bytes

    best = from_bytes(content).best()
    if best is None:
        raise DataError(
            f"{name} is in no text encoding that could be recognized. Save it as CSV "
            "in UTF-8."
        )
    encoding = best.encoding.replace("_", "-")
    note = (
        f"Read as {encoding.upper()}, which was guessed from the bytes. If letters "
        "look wrong, save the file as UTF-8."
    )
    return _decode_as(name, content, best.encoding), (note,)


def _decode_as(name: str, content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise DataError(
            f"{name} starts as {encoding.upper()} but line {line} is not. Save the "
            "whole file in one encoding, best UTF-8."
        ) from None


def _separator(text: str) -> str:
    """Return the separator under which most records are as wide as the header."""
    best, best_score = ",", (0.0, 0)
    for separator in _SEPARATORS:
        records = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        try:
            with _long_cells():
                widths = [len(r) for _, r in zip(range(_SNIFFED_RECORDS), records)]  # noqa: B905 - the shorter ends it
        except csv.Error:
            continue
        if not widths or widths[0] < 2:
            continue
        score = (sum(w == widths[0] for w in widths) / len(widths), widths[0])
        if score > best_score:
            best, best_score = separator, score
    return best


@contextmanager
def _long_cells() -> Iterator[None]:
    """Allow cells beyond the csv module's 128 KiB, and put its limit back."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _records(
    name: str, text: str, separator: str
) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield (line number where the record starts, cells), without blank lines."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    start = 1
    try:
        for cells in reader:
            if cells:
                yield start, cells
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{name} has a broken quote in the record that starts on line {start} "
            f"({error}). Inside quotes, a quote is written twice."
        ) from None


def _check_header(name: str, header: Sequence[str]) -> tuple[list[str], str | None]:
    names = [cell.strip() for cell in header]
    unnamed = None
    if len(names) > 1 and not names[0]:
        unnamed = names[0] = "column 1"
    empty = [i + 1 for i, cell in enumerate(names) if not cell]
    if empty:
        raise DataError(
            f"The header (line 1) of {name} has no name for column {first_few(empty)}. "
            "Give every column a name."
        )
    twice = sorted({cell for cell in names if names.count(cell) > 1})
    if twice:
        raise DataError(
            f"The header (line 1) of {name} names {first_few(map(repr, twice))} more "
            "than once. Give every column a name of its own."
        )
    return names, unnamed


def _collect(
    name: str, names: list[str], rows: Iterator[tuple[int, Sequence[str]]]
) -> tuple[pl.DataFrame, NDArray[np.int64]]:
    schema = dict.fromkeys(names, pl.String)
    parts = [pl.DataFrame(schema=schema)]
    chunk: list[Sequence[str]] = []
    lines: list[int] = []

    def flush() -> None:
        columns = zip(names, zip(*chunk, strict=True), strict=True)
        parts.append(pl.DataFrame([pl.Series(n, c, pl.String) for n, c in columns]))
        chunk.clear()

    for line, cells in rows:
        if len(cells) != len(names):
            raise DataError(
                f"Line {line} of {name} has {counted(len(cells), 'cell')}, but the "
                f"header has {len(names)}. A cell that contains the separator must be "
                "in quotes; a missing cell still needs its separator."
            )
        chunk.append(cells)
        lines.append(line)
        if len(chunk) == _CHUNK:
            flush()
    if chunk:
        flush()
    return pl.concat(parts), np.array(lines, np.int64)
