"""Seeing which programs the engine makes."""

from __future__ import annotations

import pytest

from homeroom.engine import programs, workshop
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

    monkeypatch.setattr(workshop, "_programs", programs.Programs())
    monkeypatch.setattr(programs, "Program", Seen)
    return made


@pytest.fixture
def planned_programs(monkeypatch):
    """The programs that would be made; none is compiled, so nothing can be trained."""
    planned = []

    class Planned:
        def __init__(self, steps, arrays, shape, *, lifted, **_) -> None:
            self.steps, self.lifted = steps, lifted
            planned.append(self)

        values_of = Program.values_of

    monkeypatch.setattr(workshop, "_programs", programs.Programs())
    monkeypatch.setattr(programs, "Program", Planned)
    return planned
