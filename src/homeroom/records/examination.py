"""What the dataset doctor saw: findings, what was checked, and the eight leakages."""

from __future__ import annotations

import msgspec

LEAKAGE, WARNING, NOTE = "leakage", "warning", "note"
SEVERITIES = (LEAKAGE, WARNING, NOTE)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a dataset, or with how it was cut.

    `check` is the name by which a leakage is overruled. `severity` is "leakage" (the
    score would be a lie: training does not start), "warning" (the score may mislead)
    or "note" (good to know). `rows` are the first few row ids; `numbers` is what the
    evidence rests on.
    """

    check: str
    severity: str
    where: str
    evidence: str
    consequence: str
    remedy: str
    rows: tuple[int, ...] = ()
    columns: tuple[str, ...] = ()
    numbers: dict[str, float] = {}
    overruled: bool = False

    @property
    def stops(self) -> bool:
        """Whether training must not start: a leakage that nobody has overruled."""
        return self.severity == LEAKAGE and not self.overruled


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """One check: whether it was made, and what it can and cannot see.

    `state` is "clear", "found" or "skipped"; `text` says why it was skipped, or how
    small a fault it would have found.
    """

    check: str
    state: str
    text: str = ""


class SheetLine(msgspec.Struct, frozen=True, kw_only=True):
    """One of the eight kinds of leakage (Kapoor & Narayanan 2023), and the answer.

    `answer` is "enforced", "checked", "declared" or "cannot be checked".
    """

    kind: str
    title: str
    answer: str
    text: str


class Examination(msgspec.Struct, frozen=True, kw_only=True):
    """What the doctor found in one dataset and the folds it was cut into.

    `thorough` says whether the costly checks (shift, near-duplicates, topics) were
    made too.
    """

    dataset: str
    n_rows: int
    strategy: str
    thorough: bool
    findings: tuple[Finding, ...] = ()
    checked: tuple[Checked, ...] = ()
    sheet: tuple[SheetLine, ...] = ()
    seconds: float = 0.0

    @property
    def leaks(self) -> tuple[Finding, ...]:
        """The leakages that nobody has overruled: they stop a run."""
        return tuple(finding for finding in self.findings if finding.stops)

    def of(self, check: str) -> tuple[Finding, ...]:
        """Return the findings of one check, such as "duplicates"."""
        return tuple(finding for finding in self.findings if finding.check == check)

    def __str__(self) -> str:
        """Return what a person reads: the findings, from the gravest."""
        if not self.findings:
            n = sum(each.state != "skipped" for each in self.checked)
            return f"{self.dataset}: {n} checks, nothing found."
        return "\n".join(
            f"{'overruled ' if each.overruled else ''}{each.severity} "
            f"({each.check}, {each.where}): {each.evidence} {each.remedy}"
            for each in self.findings
        )
