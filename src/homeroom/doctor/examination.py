"""All checks in order, cheap or thorough, and the refusal to train on a leak."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from homeroom.errors import InputError, LeakageError, did_you_mean
from homeroom.records import SEVERITIES, Checked, Examination, Finding

from . import coverage, duplicates, independence, nearness, shift, target
from .sheet import sheet

if TYPE_CHECKING:
    from .case import Case


@dataclass(frozen=True)
class _Check:
    name: str
    look: Callable[[Case], Iterator[Any]]
    cheap: bool = True
    across: bool = True  # whether it needs rows held out


_ALL = (
    _Check("duplicates", duplicates.duplicates),
    _Check("conflicts", duplicates.conflicts, across=False),
    _Check("groups", independence.groups),
    _Check("time", independence.time),
    _Check("target", target.target, across=False),
    _Check("classes", coverage.classes),
    _Check("categories", coverage.categories),
    _Check("size", coverage.size),
    _Check("order", coverage.order, across=False),
    _Check("constant", coverage.constant, across=False),
    _Check("near-duplicates", nearness.near_duplicates, cheap=False),
    _Check("topics", nearness.topics, cheap=False),
    _Check("shift", shift.shift, cheap=False),
    _Check("two-sample", shift.two_sample, cheap=False),
)

# only what is proven stops a run; everything else is told
STOPPING = ("duplicates", "groups", "time", "target")
CHECKS = (
    *(check.name for check in _ALL),
    "difficulty",
    "labels",
    "unlearned",
)


def examine(
    case: Case, *, thorough: bool = True, overrule: Sequence[str] = ()
) -> Examination:
    """Return everything that is wrong with a dataset and its parts.

    Args:
        case: The rows, their parts and what is declared.
        thorough: Whether to make the costly checks too: near-duplicates, topics,
            shift by column and by classifier.
        overrule: Names of checks whose leakages do not stop training.

    Raises:
        InputError: If `overrule` names something that stops no training.

    Examples:
        >>> import numpy as np
        >>> from homeroom.data import load
        >>> from homeroom.doctor import Case, Part, examine
        >>> rows = np.arange(178)
        >>> fold = Part("fold 0", rows[rows % 5 > 0], rows[rows % 5 == 0])
        >>> found = examine(Case(load("wine"), [fold]), thorough=False)
        >>> found.leaks, [finding.check for finding in found.findings]
        ((), ['size', 'order'])
    """
    overruled = checked_names(overrule)
    started = time.perf_counter()
    findings: list[Finding] = []
    checked: list[Checked] = []
    for check in _ALL:
        if check.across and not case.parts:
            checked.append(_skipped(check.name, "no rows are held out"))
        elif not (thorough or check.cheap):
            checked.append(_skipped(check.name, "costly: homeroom doctor makes it"))
        else:
            found, state = _made(check, case)
            findings += found
            checked.append(state)
    findings = [_marked(finding, overruled) for finding in findings]
    findings.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return Examination(
        dataset=case.dataset.record.name,
        n_rows=case.n_rows,
        strategy=case.strategy,
        thorough=thorough,
        findings=tuple(findings),
        checked=tuple(checked),
        sheet=sheet(case, findings, checked),
        seconds=time.perf_counter() - started,
    )


def _made(check: _Check, case: Case) -> tuple[list[Finding], Checked]:
    """Return what a check found, and what it says of itself."""
    told = list(check.look(case))
    found = [each for each in told if isinstance(each, Finding)]
    said = [each for each in told if isinstance(each, Checked)]
    state = said[-1] if said else Checked(check=check.name, state="clear")
    if found:
        state = msgspec.structs.replace(state, state="found")
    return found, state


def _skipped(name: str, why: str) -> Checked:
    return Checked(check=name, state="skipped", text=why)


def _marked(finding: Finding, overruled: tuple[str, ...]) -> Finding:
    if finding.check in overruled:
        return msgspec.structs.replace(finding, overruled=True)
    return finding


def checked_names(overrule: Any) -> tuple[str, ...]:
    """Return the names of checks that are overruled.

    Raises:
        InputError: If one stops no training.

    >>> checked_names("target")
    ('target',)
    """
    names = (overrule,) if isinstance(overrule, str) else tuple(overrule)
    for name in names:
        if name not in STOPPING:
            raise InputError(
                f"overrule names {name!r}, which is no check that stops training; "
                f"there are: {', '.join(STOPPING)}."
                f"{did_you_mean(str(name), STOPPING)}"
            )
    return names


def refuse_leaks(examination: Examination) -> None:
    """Refuse to train on a dataset with a leakage that nobody has overruled.

    Raises:
        LeakageError: With the evidence, what follows from it, and what to do.
    """
    leaks = examination.leaks
    if not leaks:
        return
    told = [
        f"{leak.evidence} {leak.consequence} {leak.remedy}"
        + (f" (In {leak.where}.)" if leak.where != "all rows" else "")
        for leak in leaks
    ]
    names = list(dict.fromkeys(leak.check for leak in leaks))
    raise LeakageError(
        "\n  ".join(told)
        + f"\n  To train all the same, say so by name: overrule={names} "
        f"(homeroom run: {' '.join(f'--overrule {name}' for name in names)})."
    )
