"""The columns of x by name: numbers side by side, and text as codes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from homeroom.data import Features

_BLOCK = 8192


@dataclass(frozen=True, eq=False)
class Category:
    """A column of text: a code per row, -1 where it is missing."""

    name: str
    codes: NDArray[np.int64]
    values: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Scale:
    """Of every column its median, mean and spread: 1 where it never changes."""

    usual: NDArray[np.float32]
    center: NDArray[np.float32]
    spread: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Columns:
    """Every column of x, whatever form x has.

    Args:
        x: What a `Dataset` holds.
    """

    x: Features

    @property
    def n(self) -> int:
        """How many columns there are."""
        return int(self.numbers.shape[1]) + len(self.categories)

    @cached_property
    def numbers(self) -> NDArray[Any]:
        """All columns of numbers side by side [n, columns], as they are stored."""
        x = self.x
        if isinstance(x, pl.DataFrame):
            frame = x.select(pl.exclude(pl.String)).cast(pl.Float64)
            if not frame.columns:
                return np.zeros((len(x), 0))
            return frame.to_numpy()
        flat = [part.reshape(len(part), -1) for part in _arrays(x).values()]
        return flat[0] if len(flat) == 1 else np.concatenate(flat, axis=1)

    @cached_property
    def number_names(self) -> list[str]:
        """How a finding calls the columns of `numbers`."""
        x = self.x
        if isinstance(x, pl.DataFrame):
            return [name for name in x.columns if x[name].dtype != pl.String]
        named = []
        for name, part in _arrays(x).items():
            width = int(np.prod(part.shape[1:], dtype=np.int64))
            named += [f"{name}column {i}" for i in range(width)]
        return named

    @cached_property
    def categories(self) -> list[Category]:
        """The columns of text."""
        x = self.x
        if not isinstance(x, pl.DataFrame):
            return []
        found = []
        for name in x.columns:
            if x[name].dtype == pl.String:
                # "" sorts first, and is no cell of a table: there it is null
                values, codes = np.unique(
                    x[name].fill_null("").to_numpy().astype(str),
                    return_inverse=True,
                )
                shift = int(x[name].null_count() > 0)
                named = tuple(str(value) for value in values[shift:])
                found.append(Category(name, codes.astype(np.int64) - shift, named))
        return found

    def encoded(self, rows: NDArray[Any] | slice) -> NDArray[np.float32]:
        """Return rows as standardized numbers [m, columns], for distances and trees.

        A missing number is the median; a category is its frequency's rank. Centers
        and spreads are those of all rows; there is never a second table of all rows.
        """
        scale = self._scale
        numbers = self.numbers[rows].astype(np.float32)
        missing = ~np.isfinite(numbers)
        numbers[missing] = np.broadcast_to(
            scale.usual[: numbers.shape[1]], numbers.shape
        )[missing]
        ranks = [rank[rows].reshape(-1, 1) for rank in self._ranks]
        table = np.concatenate([numbers, *ranks], axis=1)
        table -= scale.center
        table /= scale.spread
        return table

    def encoded_blocks(self, rows: NDArray[Any]) -> Iterator[NDArray[np.float32]]:
        """Yield `encoded` rows, a few thousand at a time."""
        for first in range(0, len(rows), _BLOCK):
            yield self.encoded(rows[first : first + _BLOCK])

    @cached_property
    def _ranks(self) -> list[NDArray[np.float32]]:
        return [_by_frequency(column.codes) for column in self.categories]

    @cached_property
    def _scale(self) -> _Scale:
        columns = [*self.numbers.T, *self._ranks]
        return _Scale(*np.array([_scale_of(c) for c in columns], np.float32).T)

    @property
    def all_names(self) -> list[str]:
        """How a finding calls the columns of `encoded`."""
        return self.number_names + [column.name for column in self.categories]


def _arrays(x: Any) -> dict[str, Any]:
    """Return the arrays of x under the beginnings of their columns' names."""
    if isinstance(x, dict):
        return {f"x[{name!r}] ": x[name] for name in sorted(x)}
    if isinstance(x, list):
        return {f"x[{i}] ": part for i, part in enumerate(x)}
    return {"": x}


def _by_frequency(codes: NDArray[np.int64]) -> NDArray[np.float32]:
    values, inverse, counts = np.unique(codes, return_inverse=True, return_counts=True)
    rank = np.empty(len(values), np.float32)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(values))
    return rank[inverse]


def _scale_of(column: NDArray[Any]) -> tuple[float, float, float]:
    """Return median, mean and spread of a column whose missing cells are the median."""
    values = column.astype(np.float64)
    present = np.isfinite(values)
    usual = float(np.median(values[present])) if present.any() else 0.0
    values[~present] = usual
    return usual, float(values.mean()), float(values.std()) or 1.0
