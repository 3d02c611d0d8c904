"""What a canary says, and how canaries are told, timed and run."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SAFE, HAZARD, UNKNOWN, BROKEN = "safe", "hazard", "unknown", "BROKEN"
ROUNDS = 5

Said = tuple[str, str]  # what was measured, and the verdict


@dataclass(frozen=True)
class Finding:
    """What one canary found with the packages that are installed.

    `plan` is what Homeroom does instead or, of what it relies on, what for.
    """

    name: str
    measured: str
    verdict: str
    plan: str


@dataclass(frozen=True)
class Canary:
    """A question to the installed packages.

    One that Homeroom relies on is broken when it cannot be asked; of a hazard it is
    then unknown whether it is there.
    """

    name: str
    plan: str
    ask: Callable[[], Said]
    is_relied_on: bool

    def sing(self) -> Finding:
        """Ask, and take whatever is raised for an answer."""
        try:
            measured, verdict = self.ask()
        except Exception as error:  # noqa: BLE001 - this is what canaries are for
            lines = str(error).splitlines() or [""]
            measured = f"{type(error).__name__}: {lines[0]}"
            verdict = BROKEN if self.is_relied_on else UNKNOWN
        return Finding(self.name, measured, verdict, self.plan)


CANARIES: list[Canary] = []


def hazard(name: str, *, plan: str) -> Callable[[Callable[[], Said]], Any]:
    """Make a canary of a function that looks for something Homeroom avoids."""

    def add(ask: Callable[[], Said]) -> Callable[[], Said]:
        CANARIES.append(Canary(name, plan, ask, is_relied_on=False))
        return ask

    return add


def relied_on(name: str, *, plan: str) -> Callable[[Callable[[], Said]], Any]:
    """Make a canary of a function that tries what Homeroom's engine leans on."""

    def add(ask: Callable[[], Said]) -> Callable[[], Said]:
        CANARIES.append(Canary(name, plan, ask, is_relied_on=True))
        return ask

    return add


def ratio(slow: Callable[[], Any], fast: Callable[[], Any]) -> float:
    """Return how many times longer the first takes: the least of several, in turn.

    Only ratios decide, and only least times: whoever else is busy lengthens others.
    """
    least = [float("inf"), float("inf")]
    for i in range(ROUNDS + 1):
        for which, call in enumerate((slow, fast)):
            before = time.perf_counter()
            _wait(call())
            if i:  # the first calls compile
                least[which] = min(least[which], time.perf_counter() - before)
    return least[0] / least[1]


def judged(found: float, limit: float, what: str) -> Said:
    """Return a ratio in words, a hazard above a limit."""
    return f"{what}: ×{found:.1f}", HAZARD if found > limit else SAFE


def _wait(value: Any) -> None:
    import jax

    jax.block_until_ready(value)
