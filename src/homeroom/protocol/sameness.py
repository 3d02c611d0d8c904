"""How far a stored training is from the one that plain Keras made of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from homeroom import engine, fingerprint
from homeroom.engine import Member, Training
from homeroom.records import (
    BATCHED,
    DIFFERENT,
    EXACT,
    IDENTICAL,
    UNVERIFIED,
    Difference,
    MemberRecord,
    VerifiedMember,
)

from .again import Supply

_WITHIN = 1e-3
_NO_VALIDATION = (
    "measuring validation rows changes what it trains on in Keras, so fit trained "
    "without them here, and val_* was not compared"
)


@dataclass(frozen=True)
class Level:
    """How far a training may be from plain Keras: not at all, or a share of a value."""

    name: str
    tolerance: float

    def allows(self, found: float, wanted: float) -> bool:
        """Return whether two values are the same at this level."""
        if found == wanted or (math.isnan(found) and math.isnan(wanted)):
            return True
        return abs(found - wanted) <= self.tolerance * (abs(wanted) + 0.01)


def level_of(member: MemberRecord, device: str) -> Level:
    """Return the sameness that is promised for a stored training."""
    if device == "cpu" and member.sameness == EXACT:
        return Level(EXACT, 0.0)
    # a GPU adds in an order of its own, and so does what was lowered or shared
    return Level(f"within {_WITHIN:g}", _WITHIN)


def compared(
    member: MemberRecord,
    told: Mapping[str, Any],
    task: Mapping[str, Any],
    supply: Supply,
    device: str,
) -> VerifiedMember:
    """Return the verdict on a training from what the process of plain Keras told.

    Args:
        member: The stored training.
        told: Its history and fingerprints there, or its error.
        task: What the process was asked.
        supply: What the training is made from, to let the engine make it once more.
        device: What trained: "cpu" only if both did on one.
    """
    level = level_of(member, device)

    def verdict(word: str, reason: str = "", **found: Any) -> VerifiedMember:
        return VerifiedMember(
            candidate=member.candidate,
            fold=member.fold,
            seed_index=member.seed_index,
            epochs=member.history.n_epochs,
            path=member.path,
            level=level.name,
            verdict=word,
            reason=reason,
            **found,
        )

    if "error" in told:
        return verdict(UNVERIFIED, told["error"])
    history = largest_difference(member, told["history"], validates=task["validates"])
    fits = history.value == 0.0 or _allowed(member, told["history"], level)
    same_start = told["initial"] == member.initial_weights
    same_end = told["final"] == member.final_weights
    if not same_start and history.value != 0.0:
        return verdict(UNVERIFIED, _other_start(member, supply), history=history)
    gap: float | None = 0.0
    reason, near = "", True
    if not same_end:
        gap, reason, near = _weights_gap(member, task, supply, level)
    elif not same_start:
        reason = "the recorded first weights are not those that lead to this history"
    validated = any(name.startswith("val_") for name in member.history.series)
    if validated and not task["validates"]:
        reason = f"{reason}; {_NO_VALIDATION}" if reason else _NO_VALIDATION
    holds = fits and near and same_start
    word = IDENTICAL if holds else DIFFERENT
    return verdict(word, reason, history=history, weights=gap)


def largest_difference(
    member: MemberRecord, history: Mapping[str, Sequence[float]], *, validates: bool
) -> Difference:
    """Return where a recorded history is farthest from what `fit` returned."""
    worst = Difference("", None, 0.0)
    recorded = _comparable(member, validates=validates)
    for name in dict.fromkeys([*recorded, *history]):
        mine, theirs = recorded.get(name, ()), history.get(name, ())
        if len(mine) != len(theirs):
            return Difference(name, None, math.nan)
        for epoch, (a, b) in enumerate(zip(mine, theirs, strict=True)):
            if a == b or (math.isnan(a) and math.isnan(b)):
                continue
            gap = abs(a - b)
            if not gap <= worst.value:  # NaN beside a number is worse than any
                worst = Difference(name, epoch, gap)
    return worst


def _comparable(member: MemberRecord, *, validates: bool) -> dict[str, Sequence[float]]:
    """Return the series that `fit` has too."""
    apart = ("train_eval_",) if validates else ("train_eval_", "val_")
    series = member.history.series
    return {k: v for k, v in series.items() if not k.startswith(apart)}


def _allowed(
    member: MemberRecord, history: Mapping[str, Sequence[float]], level: Level
) -> bool:
    series = member.history.series
    return all(
        name in series
        and len(series[name]) == len(values)
        and all(map(level.allows, series[name], values))
        for name, values in history.items()
    )


def _other_start(member: MemberRecord, supply: Supply) -> str:
    if member.candidate in supply.functions:
        return (
            "its function starts from other weights than the recorded ones: it was "
            "changed since, or draws random numbers outside of Keras"
        )
    return (
        "built from its description it starts from other weights than the recorded "
        "ones: its layers are made in another order than they are connected, or draw "
        f"random numbers of their own. --model {member.candidate}=MODULE:FUNCTION "
        "names the function itself"
    )


def _weights_gap(
    member: MemberRecord, task: Mapping[str, Any], supply: Supply, level: Level
) -> tuple[float | None, str, bool]:
    """Return how far the engine's weights are from Keras's, and whether near enough.

    The record has a fingerprint only, so the engine trains once more.
    """
    with np.load(task["weights"], allow_pickle=False) as file:
        theirs = [file[name] for name in file.files]
    if member.sameness == BATCHED:
        # a wave of other trainings has other last digits, and is not made again
        return None, "trained in a wave: its last weights were not compared", True
    mine, made = _by_engine(member, task, supply)
    if made != member.final_weights:
        nobody = "the recorded weights come out of neither Keras nor Homeroom here"
        agree = made == fingerprint.of_arrays(theirs)
        more = ", which agree with each other" if agree else ""
        return None, f"{nobody}{more}", False
    gaps = [_gap(a, b) for a, b in zip(mine, theirs, strict=True)]
    near = all(
        np.allclose(a, b, rtol=level.tolerance, atol=level.tolerance / 100)
        for a, b in zip(mine, theirs, strict=True)
    )
    return max(gaps, default=0.0), "", near


def _by_engine(
    member: MemberRecord, task: Mapping[str, Any], supply: Supply
) -> tuple[list[Any], str]:
    best = member.best_epoch
    again = Member(
        key="again",
        build=supply.build(member),
        arrays=supply.arrays(member.fold),
        train_rows=supply.fold(member.fold).train,
        validation_rows=None,
        seed=member.seed,
        order_seed=supply.order_seed(member),
    )
    training = Training(
        epochs=member.history.n_epochs if best is None else best + 1,
        batch_size=task["batch_size"],
        shuffle=task["shuffle"],
        class_weight=task["class_weight"],
        keep_weights=True,
    )
    [outcome] = engine.train([again], training, lanes=1)
    if outcome.weights is None:
        return [], ""
    kept = [*outcome.weights.trainable, *outcome.weights.non_trainable]
    return kept, outcome.final_weights


def _gap(a: Any, b: Any) -> float:
    if not a.size:
        return 0.0
    return float(np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64)).max())
