"""The only source of randomness: every random number is derived from a named path.

`derive(7, "fold", 2)` is the same number on every machine and in every order of
execution, so a result does not depend on what else ran before it.
"""

from __future__ import annotations

import hashlib
import random
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator


def derive(seed: int, *path: str | int) -> int:
    """Return the seed at `path` below `seed`: an int in [0, 2**31).

    The range is what Keras, NumPy and scikit-learn all accept.

    >>> derive(7, "fold", 2) == derive(7, "fold", 2) != derive(7, "fold", 3)
    True
    """
    text = "/".join([str(int(seed)), *(f"{type(p).__name__}:{p}" for p in path)])
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 2**31


def generator(seed: int, *path: str | int) -> np.random.Generator:
    """Return a NumPy generator for the seed at `path` below `seed`.

    >>> int(generator(7, "order", 0).permutation(5).sum())
    10
    """
    return np.random.default_rng(derive(seed, *path))


def default_seeds(seed: int, n: int) -> tuple[int, ...]:
    """Return the first `n` seeds that Keras draws after `set_random_seed(seed)`.

    A layer or an initializer that is told no seed takes the next of them
    (`keras.src.random.seed_generator.make_default_seed`).

    >>> default_seeds(7, 2) == default_seeds(7, 3)[:2]
    True
    """
    drawing = random.Random(seed)
    return tuple(drawing.randint(1, int(1e9)) for _ in range(n))


def only_default_seeds(seed: int, n: int) -> bool:
    """Return whether `n` default seeds are all that was drawn since the seeding.

    Anything else would have moved Python's or NumPy's global generator.
    """
    drawing = random.Random(seed)
    for _ in range(n):
        drawing.randint(1, int(1e9))
    fresh = np.random.RandomState(seed).get_state()
    untouched = _same_state(fresh, np.random.get_state())  # noqa: NPY002 - Keras's own
    return untouched and drawing.getstate() == random.getstate()


def _same_state(a: Any, b: Any) -> bool:
    return all(map(np.array_equal, a, b))


@contextmanager
def preserved_global_randomness() -> Iterator[None]:
    """Leave Python's and NumPy's global random states as they were found.

    Keras can only be seeded globally; the caller's own random numbers must not move.
    """
    python_state = random.getstate()
    numpy_state = np.random.get_state()  # noqa: NPY002 - Keras draws from the legacy one
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002 - as above
