"""The model-info sheet: eight kinds of leakage, and what is known of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeroom.records import SheetLine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeroom.records import Checked, Finding

    from .case import Case

ENFORCED, CHECKED, DECLARED = "enforced", "checked", "declared"
UNKNOWN = "cannot be checked"


def sheet(
    case: Case, findings: Sequence[Finding], checked: Sequence[Checked]
) -> tuple[SheetLine, ...]:
    """Return one line for each kind of leakage of Kapoor & Narayanan (2023)."""
    made = {each.check for each in checked if each.state != "skipped"}
    return (
        _line("L1.1", "no test set", *_test_set(case)),
        _line("L1.2", "preprocessing on train and test rows", *_inside(case)),
        _line("L1.3", "feature selection on train and test rows", *_selected(case)),
        _line("L1.4", "duplicates across train and test", *_duplicates(findings, made)),
        _line("L2", "features that are not legitimate", *_features(findings, made)),
        _line("L3.1", "train rows from after the test rows", *_time(case, findings)),
        _line("L3.2", "train and test rows that depend on each other", *_groups(case)),
        _line("L3.3", "test rows that are not those of interest", *_sampling(made)),
    )


def _line(kind: str, title: str, answer: str, text: str) -> SheetLine:
    return SheetLine(kind=kind, title=title, answer=answer, text=text)


def _test_set(case: Case) -> tuple[str, str]:
    if case.sealed is not None:
        return ENFORCED, (
            f"{len(case.sealed)} test rows were sealed before anything else; only "
            "their fingerprints are known."
        )
    if case.parts:
        return DECLARED, (
            "No test rows were sealed here: what is validated is also what chooses. "
            "Experiment seals some."
        )
    return UNKNOWN, "No rows were held out."


def _inside(case: Case) -> tuple[str, str]:
    if case.fitted_inside:
        return ENFORCED, "It is fitted on the train rows of each fold only."
    return UNKNOWN, (
        "The arrays came as they are; what was done to them before cannot be seen. "
        "Pass it as preprocess=, to be fitted inside each fold."
    )


def _selected(case: Case) -> tuple[str, str]:
    if case.fitted_inside:
        return ENFORCED, (
            "Columns are selected by nothing, or by preprocessing inside each fold; a "
            "choice made by hand before cannot be seen."
        )
    return UNKNOWN, "Whether columns were chosen with all rows in view cannot be seen."


def _duplicates(findings: Sequence[Finding], made: set[str]) -> tuple[str, str]:
    if "duplicates" not in made:
        return UNKNOWN, "No rows were held out."
    near = "exact and near" if "near-duplicates" in made else "exact"
    mine = [f for f in findings if f.check in {"duplicates", "near-duplicates"}]
    told = " ".join(f.evidence for f in mine) or "None."
    return CHECKED, f"Looked for {near} copies: {told}"


def _features(findings: Sequence[Finding], made: set[str]) -> tuple[str, str]:
    if "target" not in made:
        return UNKNOWN, "Too few rows or columns."
    mine = [f for f in findings if f.check == "target"]
    told = " ".join(f.evidence for f in mine) or "none gives y away."
    return CHECKED, (
        f"Each column alone: {told} Whether a column is known in time, only you know."
    )


def _time(case: Case, findings: Sequence[Finding]) -> tuple[str, str]:
    if case.time is not None:
        broken = any(f.check == "time" for f in findings)
        return CHECKED, (
            "The time was given, and train rows are later than validation rows."
            if broken
            else "The time was given; no train row is later than a validation row."
        )
    if case.ordered:
        return DECLARED, "The folds follow the order of the rows, taken for time."
    return UNKNOWN, "No time of the rows was given (homeroom.examine takes time=)."


def _groups(case: Case) -> tuple[str, str]:
    if case.dataset.groups is not None:
        return ENFORCED, "Groups were given; no group is in two parts."
    return UNKNOWN, (
        "No groups were given (groups=): whether rows belong together, only you know."
    )


def _sampling(made: set[str]) -> tuple[str, str]:
    if "two-sample" in made or "shift" in made:
        return CHECKED, (
            "Train and validation rows were compared with each other. Whether they are "
            "like the rows the model is for cannot be seen in them."
        )
    return UNKNOWN, "Not compared here; homeroom doctor does."
