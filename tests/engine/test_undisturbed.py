"""Garbage is collected after a model is traced, not while."""

from __future__ import annotations

import gc
from contextlib import suppress

import pytest

from homeroom.engine.undisturbed import undisturbed


@pytest.mark.parametrize("error", [None, ZeroDivisionError])
def test_collections_go_on_afterwards(error):
    """Nothing is collected inside, and whatever happens there, later it is again."""
    with suppress(ZeroDivisionError), undisturbed():
        assert not gc.isenabled()
        with undisturbed():
            pass
        assert not gc.isenabled()
        if error is not None:
            raise error
    assert gc.isenabled()


def test_who_collects_nothing_goes_on_so():
    """A collector that was turned off stays off."""
    gc.disable()
    try:
        with undisturbed():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
