"""When two hyperparameters are the same."""

from __future__ import annotations

from typing import Any


def same_value(a: Any, b: Any) -> bool:
    """Return whether two values are the same: 1, 1.0 and True are three.

    What cannot be compared is the same only as itself.

    >>> same_value((1, "a"), (1, "a")), same_value(1, True), same_value(0.1, 0.1)
    (True, False, True)
    """
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    try:
        return bool(a == b)
    except Exception:  # noqa: BLE001 - an array answers with an array, others as they like
        return False


def same_values(a: dict[str, Any], b: dict[str, Any]) -> bool:
    """Return whether two combinations are the same.

    >>> same_values({"units": 8}, {"units": 8}), same_values({"units": 8}, {})
    (True, False)
    """
    return a.keys() == b.keys() and all(same_value(a[name], b[name]) for name in a)
