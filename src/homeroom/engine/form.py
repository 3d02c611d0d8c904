"""Another way to compute an operation of a traced step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Form:
    """How to compute an operation, and whether every bit of it is Keras's."""

    compute: Callable[..., Any]
    is_exact: bool = True
