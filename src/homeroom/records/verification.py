"""What came of training stored members again with plain Keras."""

from __future__ import annotations

from collections import Counter

import msgspec

IDENTICAL, DIFFERENT, UNVERIFIED = "identical", "different", "not verified"


class Difference(msgspec.Struct, frozen=True):
    """The largest difference of a history: where it is, and how large.

    `epoch` is 0-based; it is None, and `value` NaN, where a series is not there.
    """

    name: str
    epoch: int | None
    value: float


class VerifiedMember(msgspec.Struct, frozen=True, kw_only=True):
    """One stored training beside what plain `keras.Model.fit` makes of it.

    `epochs` are those that were trained, `path` how (see `MemberRecord`). `verdict` is
    "identical", "different" or "not verified"; `reason` says what differs or why it
    could not be compared. `level` is the sameness that is promised
    for it: "exact" is bit for bit, anything else within a tolerance. `weights` is the
    largest difference of the weights that were kept, None where it is not known.
    """

    candidate: str
    fold: int
    seed_index: int
    epochs: int
    path: str
    level: str
    verdict: str
    reason: str = ""
    history: Difference | None = None
    weights: float | None = None


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """Trainings of a candidate that cannot be made again, and why.

    Those of an `estimator` were never Keras's.
    """

    candidate: str
    n: int
    reason: str
    estimator: bool = False


class Verification(msgspec.Struct, frozen=True, kw_only=True):
    """Trainings of a stored run, made again.

    `n_members` are all trainings of the run. `versions` are those that trained again,
    `recorded` those of the run.
    """

    run: str
    n_members: int
    members: tuple[VerifiedMember, ...]
    left_out: tuple[LeftOut, ...] = ()
    versions: dict[str, str] = {}
    recorded: dict[str, str] = {}
    device: str = "cpu"
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether trainings were verified, none differing by more than promised."""
        return not self.of(DIFFERENT) and not self.is_empty

    @property
    def is_empty(self) -> bool:
        """Whether there are trainings of Keras, and none could be verified."""
        if any(each.verdict != UNVERIFIED for each in self.members):
            return False
        return bool(self.members) or not all(each.estimator for each in self.left_out)

    def of(self, verdict: str) -> tuple[VerifiedMember, ...]:
        """Return the trainings with a verdict."""
        return tuple(each for each in self.members if each.verdict == verdict)

    def __repr__(self) -> str:
        counts = Counter(each.verdict for each in self.members)
        told = [f"{n} {verdict}" for verdict, n in counts.items()]
        told += map(repr, self.of(DIFFERENT))
        return (
            f"<Verification: {len(self.members)} of {self.n_members} trainings of "
            f"{self.run}: {'; '.join(told) or 'none made again'}>"
        )
