"""Tracing and importing undisturbed by the collector of garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def undisturbed() -> Iterator[None]:
    """Put off collections of garbage until a model is drawn or traced, or Keras there.

    A trace makes so many objects, most of them in circles and all of them alive to
    its end, that Python would go through everything that Keras and JAX have loaded,
    again and again, and find nothing: a sixth of the time of a trace. So it would while
    they are loaded: a tenth of the time of that.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
