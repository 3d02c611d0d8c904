"""Out-of-fold answers of a classifier: confusions, and how far to trust it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .formats import format_count

if TYPE_CHECKING:
    from homeroom.records import ConfidenceBin, OutOfFold

_MOST_CLASSES = 12
_MOST_PAIRS = 8


@dataclass(frozen=True, slots=True)
class ConfusedPair:
    """Two classes, and how many rows of the first were answered as the second."""

    truth: str
    answer: str
    rows: str
    share: str


@dataclass(frozen=True, slots=True)
class AnswersView:
    """What a classifier answered for rows it had not seen.

    `table` has a row per true class with the counts of each answer; it is empty above
    twelve classes, where `pairs` names what is confused most.
    """

    sentence: str
    classes: tuple[str, ...]
    table: tuple[tuple[str, ...], ...]
    pairs: tuple[ConfusedPair, ...]
    calibration: str
    bins: tuple[ConfidenceBin, ...]


def answers_view(found: OutOfFold | None) -> AnswersView | None:
    """Return the answers in words; None where nothing was counted."""
    if found is None:
        return None
    few = len(found.classes) <= _MOST_CLASSES
    right = sum(row[i] for i, row in enumerate(found.confusion))
    by = (
        "a model that had not seen it"
        if found.n_averaged == 1
        else f"the mean of {found.n_averaged} models that had not seen it"
    )
    return AnswersView(
        sentence=(
            f"Each of {format_count(found.n, 'row')} was answered by {by}: "
            f"{format_count(right)} rightly, {format_count(found.n - right)} not."
        ),
        classes=found.classes if few else (),
        table=tuple(tuple(map(format_count, row)) for row in found.confusion)
        if few
        else (),
        pairs=_pairs(found),
        calibration=_calibration(found),
        bins=found.bins,
    )


def _pairs(found: OutOfFold) -> tuple[ConfusedPair, ...]:
    wrong = [
        (n, truth, answer)
        for truth, row in enumerate(found.confusion)
        for answer, n in enumerate(row)
        if n and truth != answer
    ]
    wrong.sort(key=lambda each: (-each[0], each[1], each[2]))
    return tuple(
        ConfusedPair(
            truth=found.classes[truth],
            answer=found.classes[answer],
            rows=format_count(n),
            share=f"{100 * n / sum(found.confusion[truth]):.1f} %",
        )
        for n, truth, answer in wrong[:_MOST_PAIRS]
    )


def _calibration(found: OutOfFold) -> str:
    error = found.calibration_error
    if error is None:
        return "The outputs are not probabilities, so they have no calibration."
    mean = sum(each.n * each.confidence for each in found.bins) / found.n
    right = sum(each.n * each.accuracy for each in found.bins) / found.n
    way = "too sure" if mean > right else "not sure enough"
    return (
        f"The probability of its answers is {100 * mean:.1f} % on average and it is "
        f"right in {100 * right:.1f} %: {way} by {100 * abs(mean - right):.1f} pp. "
        f"Probability and accuracy differ by {100 * error:.1f} pp in the mean of "
        f"{format_count(len(found.bins), 'bin')} weighted by rows (expected "
        "calibration error; some of it is chance, the more the fewer rows a bin has)."
    )
