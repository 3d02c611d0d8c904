"""Training and validation rows given apart, as one set of rows."""

from __future__ import annotations

from typing import Any

import narwhals as nw
import numpy as np

from homeroom.errors import InputError

from .arrays import read_parts


def join(name: str, first: Any, second: Any) -> Any:
    """Return the rows of `first` followed by those of `second`.

    Both are what `from_arrays` takes, of the same form: arrays, lists or dicts of
    arrays, or frames.

    Raises:
        InputError: If their forms or their shapes beyond the rows differ.

    >>> join("x", [[1.0]], [[2.0]]).tolist()
    [[1.0], [2.0]]
    """
    frames = [nw.dependencies.is_into_dataframe(part) for part in (first, second)]
    if all(frames):
        parts = [nw.from_native(part, eager_only=True) for part in (first, second)]
        _same(name, parts[0].columns, parts[1].columns)
        return nw.concat(parts).to_native()
    if any(frames):
        raise InputError(
            f"{name} is a frame in one of training and validation data and not in the "
            "other. Give both in the same form."
        )
    a, b = read_parts(name, first, None), read_parts(name, second, None)
    if isinstance(a, dict) and isinstance(b, dict):
        _same(name, sorted(a), sorted(b))
        return {key: _stack(f"{name}[{key!r}]", a[key], b[key]) for key in a}
    if isinstance(a, list) and isinstance(b, list):
        _same(name, len(a), len(b))
        pairs = enumerate(zip(a, b, strict=True))
        return [_stack(f"{name}[{i}]", one, other) for i, (one, other) in pairs]
    _same(name, type(a).__name__, type(b).__name__)
    return _stack(name, a, b)


def _stack(name: str, a: Any, b: Any) -> Any:
    _same(name, a.shape[1:], b.shape[1:])
    return np.concatenate([a, b])


def _same(name: str, a: Any, b: Any) -> None:
    if a != b:
        raise InputError(
            f"{name} of training and validation data differ: {a} and {b}. Both must "
            "have the same inputs with the same shapes per row."
        )
