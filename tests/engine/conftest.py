"""Seeing which programs the engine makes."""

from __future__ import annotations

from collections import OrderedDict

import pytest

from homeroom.engine import template, training
from homeroom.engine.program import Program, _compiler


@pytest.fixture(scope="session", autouse=True)
def _compilers_at_rest():
    """Wait for compilations that nobody waits for; they write into the cache folder."""
    yield
    _compiler.shutdown(wait=True)


@pytest.fixture
def made_programs(monkeypatch):
    """The programs made during a test, which starts without any."""
    made = []

    class Seen(Program):
        def __init__(self, *args, **options) -> None:
            super().__init__(*args, **options)
            made.append(self)

    monkeypatch.setattr(training, "_programs", OrderedDict())
    monkeypatch.setattr(training, "Program", Seen)
    return made


@pytest.fixture
def planned_programs(monkeypatch):
    """The programs that would be made; none is compiled, so nothing can be trained."""
    planned = []

    class Planned:
        fresh_optimizer, train_names = (), ("loss",)

        def __init__(self, model, arrays, shape, *, one_core) -> None:
            self.description = template.describe(model, arrays[1], ("loss",))
            planned.append(self)

    monkeypatch.setattr(training, "_programs", OrderedDict())
    monkeypatch.setattr(training, "Program", Planned)
    return planned
