"""The sentences that say why a candidate was chosen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from .numbers import (
    format_interval,
    format_score,
    format_spread,
    format_spread_interval,
    metric_label,
    told_apart,
)
from .rules import RULES, STEADIEST

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .settling import Outlook
    from .summary import Summary


class Steadiness(NamedTuple):
    """What equivalent candidates are ordered by: the first difference decides."""

    worst_fold_loss: float
    sd_folds: float
    n_weights: float
    candidate: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A selection with everything its explanation needs.

    `ranking` is the equivalent set, steadiest first. `rules` says whom every rule
    would choose, `outlook` what would tell the chosen one from the next.
    """

    chosen: Summary
    rule: str
    rules: Mapping[str, str]
    outlook: Outlook | None
    leader: Summary
    ranking: tuple[Summary, ...]
    n_compared: int
    n_tuning_trials: int
    rope: float
    steadiness: Mapping[str, Steadiness]
    optimism: float
    excluded: Mapping[str, str]


def explain(choice: Choice) -> str:
    """Return the reason of a choice: what led, what decided, what it is worth."""
    sentences = [_lead(choice)]
    if choice.n_compared > 1:
        sentences += [_equivalence(choice), _decision(choice), _caveat(choice)]
        sentences += [_rules(choice), _settling(choice)]
    if choice.n_compared + choice.n_tuning_trials > 1:
        sentences.append(_optimism(choice))
    if choice.excluded:
        names = _quoted(choice.excluded)
        sentences.append(f"Left out because trainings failed: {names}.")
    return " ".join(sentence for sentence in sentences if sentence)


def _lead(choice: Choice) -> str:
    leader = choice.leader
    measured = (
        f"mean validation {metric_label(leader.metric.name)} "
        f"{format_score(leader.mean, leader.metric)}, {_base(leader)}"
    )
    if choice.n_compared == 1:
        other = " that trained without failure" if choice.excluded else ""
        return f"{leader.candidate!r} is the only candidate{other} ({measured})."
    return (
        f"Of {choice.n_compared} candidates {leader.candidate!r} has the best mean "
        f"({measured})."
    )


def _base(summary: Summary) -> str:
    folds = _count(summary.n_folds, "fold")
    base = folds if summary.n_seeds == 1 else f"{folds} × {summary.n_seeds} seeds"
    if summary.interval is None:
        return base
    percent = f"{100 * summary.interval.level:g} %"
    ends = format_interval(summary.interval, summary.metric)
    return f"{base}, approximate {percent} interval {ends}"


def _equivalence(choice: Choice) -> str:
    others = [s.candidate for s in choice.ranking if s is not choice.leader]
    if choice.leader.n_folds < 2:
        return (
            "One fold cannot tell candidates apart, so all count as equivalent; "
            "cross-validate to compare them."
        )
    by = format_spread(choice.rope, choice.leader.metric)
    margin = f"worse by more than {by} with a probability of at least 95 %"
    if not others:
        return f"Every other candidate is {margin}."
    verb = "is" if len(others) == 1 else "are"
    not_shown = f"{_quoted(others)} {verb} not shown to be {margin}"
    return f"{not_shown}, so cannot be told from it."


def _decision(choice: Choice) -> str:
    if choice.rule != STEADIEST:
        return _by_rule(choice)
    if len(choice.ranking) < 2:
        return ""
    chosen, leader = choice.chosen, choice.leader
    if chosen is leader:
        return (
            f"{chosen.candidate!r} is also first of these {len(choice.ranking)} in "
            "steadiness, which looks at the worst fold first: "
            f"{_difference(choice, choice.ranking[1])}."
        )
    mean = format_score(chosen.mean, chosen.metric)
    return (
        f"Best mean and steadiest differ: {chosen.candidate!r} is chosen (mean "
        f"{mean}), because {_difference(choice, leader)}."
    )


def _by_rule(choice: Choice) -> str:
    name, mean = choice.chosen.candidate, choice.chosen.mean
    means = RULES.get(choice.rule)
    told = f" ({means})" if means else ""
    score = format_score(mean, choice.chosen.metric)
    return f"The rule {choice.rule}{told} chooses {name!r}, mean {score}."


def _rules(choice: Choice) -> str:
    """Say which rules would choose somebody else."""
    other: dict[str, list[str]] = {}
    for rule, name in choice.rules.items():
        if name != choice.chosen.candidate:
            other.setdefault(name, []).append(rule)
    if not other:
        return "All rules agree."
    said = [f"{listed(rules)} would choose {name!r}" for name, rules in other.items()]
    return f"Rules disagree: {'; '.join(said)}."


def _settling(choice: Choice) -> str:
    """Say what would tell the chosen candidate from the next, if anything does."""
    found = choice.outlook
    if found is None or found.settled:
        return ""
    ways = []
    if found.n_repeats is not None:
        ways.append(f"{found.n_repeats} repeats of these folds")
    if found.n_seeds is not None:
        ways.append(f"{found.n_seeds} seeds a fold")
    if not ways:
        more = "More repeats" if choice.chosen.n_seeds == 1 else "More repeats or seeds"
        return (
            f"{more} alone will not tell {found.a!r} from {found.b!r} at the "
            "difference seen: that takes more rows."
        )
    return (
        f"To tell {found.a!r} from {found.b!r} at the difference and spreads seen "
        f"would take about {' or '.join(ways)}."
    )


def _difference(choice: Choice, other: Summary) -> str:
    """Say in which of the ordering values the chosen one beats `other` first."""
    chosen = choice.chosen
    mine, theirs = (choice.steadiness[s.candidate] for s in (chosen, other))
    name, against = metric_label(chosen.metric.name), f"of {other.candidate!r}"
    if mine.worst_fold_loss != theirs.worst_fold_loss:
        # The sign was turned so that lower is better; say the value as it was.
        worst = _worst(chosen), _worst(other)
        a, b = told_apart(format_score, worst, chosen.metric)
        said = _spreads(chosen, other)
        return f"its worst fold has {name} {a} against {b} {against}{said}"
    if mine.sd_folds != theirs.sd_folds:
        spreads = mine.sd_folds, theirs.sd_folds
        a, b = told_apart(format_spread, spreads, chosen.metric)
        return (
            f"the worst folds are equal and its {name} spreads less over folds "
            f"(SD {a} against {b} {against})"
        )
    if mine.n_weights != theirs.n_weights:
        return (
            "worst fold and spread are equal and it has fewer weights "
            f"({mine.n_weights:,.0f} against {_weights(theirs)} {against})"
        )
    return f"it ties with {other.candidate!r} in everything and comes first by name"


def _worst(summary: Summary) -> float:
    return summary.worst_fold.value if summary.worst_fold else math.nan


def _spreads(chosen: Summary, other: Summary) -> str:
    if math.isnan(chosen.sd_folds):
        return ""
    a, b = (format_spread(s.sd_folds, s.metric) for s in (chosen, other))
    return f" (spread over folds {a} against {b})"


def _weights(steadiness: Steadiness) -> str:
    unknown = math.isinf(steadiness.n_weights)
    return "an unknown number" if unknown else f"{steadiness.n_weights:,.0f}"


def _caveat(choice: Choice) -> str:
    interval = choice.chosen.sd_folds_interval
    if len(choice.ranking) < 2 or interval is None:
        return ""
    return (
        f"{_count(choice.chosen.n_folds, 'fold')} barely resolve steadiness: the "
        f"{100 * interval.level:g} % interval of that spread is "
        f"{format_spread_interval(interval, choice.chosen.metric)}."
    )


def _optimism(choice: Choice) -> str:
    trials = choice.n_tuning_trials
    tuned = f" and of {_count(trials, 'tuning trial')}" if trials else ""
    by = format_spread(choice.optimism, choice.leader.metric)
    if math.isnan(choice.optimism):
        return (
            f"As the best of {choice.n_compared}{tuned} its score is optimistic; one "
            "fold cannot say by how much."
        )
    return (
        f"As one of {choice.n_compared} compared{tuned}, its score is expected "
        f"to be too good by up to about {by}."
    )


def _quoted(names: Iterable[str]) -> str:
    return listed([repr(name) for name in names])


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence has them.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _count(n: int, noun: str) -> str:
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
