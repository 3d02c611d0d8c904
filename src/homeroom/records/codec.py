"""Records to JSON and back, with NaN and infinities kept apart and kept at all."""

from __future__ import annotations

import math
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def to_json(record: msgspec.Struct) -> bytes:
    """Return `record` as JSON; NaN and ±inf become "nan", "inf", "-inf".

    JSON has no word for them, and `null` would make three different failures one.
    """
    return msgspec.json.encode(_spell(msgspec.to_builtins(record)))


def from_json(content: bytes, kind: type[T]) -> T:
    """Return the record of type `kind` that `to_json` wrote.

    Raises:
        msgspec.ValidationError: If the content is not such a record.
    """
    return msgspec.json.decode(content, type=kind, strict=False)


def _spell(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: _spell(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_spell(item) for item in value]
    return value
