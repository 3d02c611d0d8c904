"""How many trainings run at once, and where: lanes on CPU, waves where they pay.

A lane advances one training at a time: on CPU that keeps a core busy unless the network
is very small, and keeps every bit. Other devices are not filled by one: a wave advances
many in one call, as many as memory has room for.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from homeroom.errors import InputError

from . import door
from .program import Place

AUTO, LANES, WAVES = "auto", "lanes", "waves"
_MOST_SLOTS = 256
_SHARE_OF_MEMORY = 0.5  # the rest is for what XLA does not tell of, and for others


@dataclass(frozen=True)
class Plan:
    """Where trainings run.

    Args:
        places: One per lane, each of as many slots.
        reason: Why so.
        is_open: Whether a measurement should still choose between lanes and waves.
    """

    places: tuple[Place, ...]
    reason: str
    is_open: bool = False

    @property
    def name(self) -> str:
        """The kind of plan: "lanes" or "waves"."""
        return WAVES if self.n_slots > 1 else LANES

    @property
    def n_slots(self) -> int:
        """How many trainings a lane advances in one call."""
        return self.places[0].n_slots

    @property
    def one_core(self) -> bool:
        """Whether a call may use only the core it runs on."""
        return len(self.places) > 1

    @property
    def at_once(self) -> int:
        """How many trainings run at once."""
        return len(self.places) * self.n_slots


def wanted_plan() -> str:
    """Return what HOMEROOM_PLAN asks for: "auto", "lanes" or "waves".

    Raises:
        InputError: If it is set to anything else.
    """
    wanted = os.environ.get("HOMEROOM_PLAN") or AUTO
    if wanted not in {AUTO, LANES, WAVES}:
        msg = (
            f"HOMEROOM_PLAN={wanted}: use {LANES!r} (one training at a time on every "
            f"core or device), {WAVES!r} (many trainings in one call) or {AUTO!r} (on "
            "CPU lanes, elsewhere whichever is faster)."
        )
        raise InputError(msg)
    return wanted


def first_plan(lanes: int | None, n_members: int) -> Plan:
    """Return the plan as far as it is known before anything is compiled.

    Args:
        lanes: Trainings at once that the user asked for; None is not said.
        n_members: How many trainings there are.

    Raises:
        InputError: If `lanes` or HOMEROOM_PLAN is out of range.
    """
    wanted, n_members = wanted_plan(), max(n_members, 1)
    at_once = min(door.lane_count(lanes), n_members)
    on_cpu = door.device() == "cpu"
    if on_cpu and wanted != WAVES:
        reason = "as many as keep the cores busy, each as keras.Model.fit does it"
        if wanted == LANES:
            reason = "HOMEROOM_PLAN=lanes"
        elif lanes is not None:
            reason = f"lanes={lanes}"
        return Plan((Place(),) * at_once, reason)
    devices = door.jax().devices()
    several = devices if len(devices) > 1 else [None]
    used = several[: min(len(several), n_members)]
    places = tuple(Place(1, device) for device in used)
    if wanted == LANES:
        return Plan(places, "HOMEROOM_PLAN=lanes")
    if lanes is not None:
        return with_slots(places, -(-at_once // len(used)), f"lanes={lanes}")
    if n_members == len(used):
        return Plan(places, "there is one training per device")
    return Plan(places, f"HOMEROOM_PLAN={wanted}", is_open=True)


def with_slots(places: Sequence[Place], n_slots: int, reason: str) -> Plan:
    """Return a plan with as many slots in each of the places."""
    return Plan(tuple(Place(n_slots, place.device) for place in places), reason)


def slots_that_fit(bytes_each: int, n_members: int, n_devices: int) -> int:
    """Return how many slots a wave may have: a power of two, so that it is found again.

    Args:
        bytes_each: What one training holds on a device.
        n_members: How many trainings there are.
        n_devices: On how many devices.
    """
    wanted = -(-n_members // n_devices)
    fitting = int(_SHARE_OF_MEMORY * _free_bytes() / max(bytes_each, 1))
    most = max(1, min(_MOST_SLOTS, fitting))
    slots = 1 << (wanted - 1).bit_length()
    while slots > most:
        slots //= 2
    return slots


def _free_bytes() -> float:
    """Return the memory of a device that is not in use."""
    told: dict[str, Any] = door.jax().devices()[0].memory_stats() or {}
    if "bytes_limit" in told:
        return float(told["bytes_limit"] - told.get("bytes_in_use", 0))
    if hasattr(os, "sysconf"):
        return float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    return 2.0**30
