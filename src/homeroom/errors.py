"""Everything Homeroom raises on purpose, by who must act.

```text
HomeroomError
├── InputError     the caller: an argument, a name, a model function
├── DataError      the owner of the data: a row, a column, a label
├── LeakageError   the owner of the split: rows on both sides
├── SealError      nobody: the test set has been opened, and stays opened
├── FitError       the author of the model: no member could be trained
└── StoreError     the owner of the store: missing, damaged, newer than we are
```

Every message answers three questions: what happened, what was expected, what to do.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class HomeroomError(Exception):
    """The root of everything Homeroom raises on purpose.

    `exit_code` is what the command line returns: 2 for bad input, 1 for a failure.
    """

    exit_code = 2


class InputError(HomeroomError):
    """An argument is wrong, or would have no effect."""


class DataError(HomeroomError):
    """The data cannot be trained on as it is."""


class LeakageError(HomeroomError):
    """Rows are where they must not be."""


class SealError(HomeroomError):
    """The test set has been opened before."""


class FitError(HomeroomError):
    """Training failed for every member, so there is no result to report."""

    exit_code = 1


class StoreError(HomeroomError):
    """The store cannot be read or written."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``" Did you mean 'accuracy'?"``, or nothing when nothing is near.

    >>> did_you_mean("acuracy", ["loss", "accuracy"])
    " Did you mean 'accuracy'?"
    >>> did_you_mean("zebra", ["loss", "accuracy"])
    ''
    """
    near = get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def check_one_of(argument: str, value: object, known: Iterable[str]) -> str:
    """Return a word that an argument may have.

    Raises:
        InputError: If it is another; with those there are, and the nearest.

    >>> check_one_of("rule", "best_mean", ["best_mean", "worst_fold"])
    'best_mean'
    """
    words = list(known)
    if value not in words:
        raise InputError(
            f"{argument}={value!r}: use one of {', '.join(map(repr, words))}."
            f"{did_you_mean(str(value), words)}"
        )
    return str(value)
