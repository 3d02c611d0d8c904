"""Which trainings of a run are made again: every candidate first, spread evenly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

T = TypeVar("T")


def spread(groups: Mapping[str, Sequence[T]], n: int | None) -> list[T]:
    """Return `n` members of the groups, None being all, in the order of the groups.

    Each group gives one before any gives two. Which ones is the same every time: they
    lie evenly in their group, and at other places in the next group.

    >>> spread({"a": range(10), "b": range(100, 110)}, 4)
    [1, 6, 103, 108]
    """
    wanted = sum(map(len, groups.values())) if n is None else n
    quotas = dict.fromkeys(groups, 0)
    while wanted > 0 and any(quotas[g] < len(groups[g]) for g in groups):
        for name in groups:
            if wanted > 0 and quotas[name] < len(groups[name]):
                quotas[name] += 1
                wanted -= 1
    chosen: list[T] = []
    for number, (name, members) in enumerate(groups.items(), 1):
        shift = number / (len(groups) + 1)
        places = [
            int((i + shift) * len(members) / quotas[name]) for i in range(quotas[name])
        ]
        chosen += [members[place] for place in places]
    return chosen
