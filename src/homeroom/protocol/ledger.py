"""Which compiled programs the trainings of a call used, and what making them took."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from homeroom import engine
from homeroom.records import ProgramRecord


@dataclass(eq=False)
class _Entry:
    is_new: bool = False
    stage: str = ""
    names: dict[str, None] = field(default_factory=dict)


@dataclass(eq=False)
class Ledger:
    """The programs of one call, written down as its trainings come by.

    Made for one call of a person: a program that none of its trainings needed made
    was in this process before, and cost the call nothing.
    """

    _entries: dict[engine.Making, _Entry] = field(default_factory=dict)
    _above: Ledger | None = None
    _name: str = ""

    def under(self, name: str) -> Ledger:
        """Return an empty ledger whose programs are told here too, as those of `name`.

        A search tells which trials share a program; a run, which searches have one.
        """
        return Ledger(_above=self, _name=name)

    def note(
        self,
        prepared: engine.Prepared,
        names: Mapping[Hashable, str],
        stage: str = "",
    ) -> None:
        """Write down what was made ready so far; again after training, with the rest.

        Args:
            prepared: The trainings.
            names: The candidate of each of their groups.
            stage: Which part of the call trains them; nothing if none does yet.
        """
        for use in prepared.uses():
            entry = self._entries.setdefault(use.making, _Entry())
            entry.is_new = entry.is_new or use.is_new
            entry.stage = entry.stage or stage
            entry.names.update((names[group], None) for group in use.groups)
        if self._above is not None:
            self._above.note(prepared, dict.fromkeys(names, self._name), stage)

    def records(self) -> tuple[ProgramRecord, ...]:
        """Return the programs that are compiled, in the order of their first use."""
        return tuple(
            ProgramRecord(
                candidates=tuple(entry.names),
                reason=making.reason,
                seconds=making.seconds if entry.is_new else 0.0,
                made=entry.is_new,
                from_disk=entry.is_new and making.from_disk,
                stage=entry.stage,
            )
            for making, entry in self._entries.items()
            if making.is_done
        )
