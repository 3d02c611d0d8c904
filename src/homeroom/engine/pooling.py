"""The gradient of max-pooling whose windows do not overlap, without a scatter.

XLA's CPU compiler writes it one window after the other. Here each place asks whether
it was the largest of its window, the first where several were, as after a ReLU: the
same bits in 0.4 of the time (0.9 to 0.36 ms for (64, 28, 28, 16) by (2, 2)).
"""

from __future__ import annotations

from functools import partial
from itertools import product
from math import prod
from typing import Any

from . import door
from .form import Form

NAME = "select_and_scatter_add"
_MOST_PLACES = 16  # in a window: each is one comparison more
_MOST_SPACE = 2  # axes; windows double them, and XLA is not at ease with eight


def form_of(equation: Any) -> Form | None:
    """Return the form for a gradient of pooling, None when it stays as it is."""
    p = equation.params
    window = p["window_dimensions"]
    is_simple = (
        window == p["window_strides"]
        and not any(map(any, p["padding"]))
        and p["select_prim"].name == "ge"
        and window[0] == window[-1] == 1
    )
    if not is_simple or len(window) - 2 > _MOST_SPACE:
        return None
    return Form(partial(_by_place, window)) if prod(window) <= _MOST_PLACES else None


def _by_place(window: tuple[int, ...], gradient: Any, x: Any) -> Any:
    jax = door.jax()
    jnp, n = jax.numpy, gradient.shape
    places = list(product(*map(range, window)))
    ends = [size * step for size, step in zip(n, window, strict=True)]
    largest = jax.lax.slice(x, places[0], _past(ends, places[0], window), window)
    chosen = jnp.zeros(n, jnp.int32)
    for i, place in enumerate(places[1:], 1):
        value = jax.lax.slice(x, place, _past(ends, place, window), window)
        stays = largest >= value  # as XLA asks, so that NaN is treated alike
        largest = jnp.where(stays, largest, value)
        chosen = jnp.where(stays, chosen, i)
    by_window = [part for size in n for part in (size, 1)]
    by_place = [part for step in window for part in (1, step)]
    here = jnp.arange(len(places), dtype=jnp.int32).reshape(by_place)
    is_chosen = chosen.reshape(by_window) == here
    spread = jnp.where(is_chosen, gradient.reshape(by_window), 0)
    rest = [(0, size - end) for size, end in zip(x.shape, ends, strict=True)]
    return jnp.pad(spread.reshape(ends), rest)


def _past(ends: list[int], place: Any, window: Any) -> list[int]:
    """Where a slice from `place` in steps of `window` ends, within whole windows."""
    axes = zip(ends, place, window, strict=True)
    return [end - step + start + 1 for end, start, step in axes]
