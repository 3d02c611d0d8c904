"""Rules that choose a candidate: each is defensible, and they need not agree."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from homeroom.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from .summary import Summary

BEST_MEAN, ONE_STD_ERR, PCT_LOSS = "best_mean", "one_std_err", "pct_loss"
WORST_FOLD, STEADIEST = "worst_fold", "steadiest_equivalent"
PERCENT = 2.0
RULES = {
    BEST_MEAN: "the best mean",
    ONE_STD_ERR: "the fewest weights within one standard error of the best mean",
    PCT_LOSS: f"the fewest weights within {PERCENT:g} % of the best mean",
    WORST_FOLD: "the best worst fold",
    STEADIEST: "the steadiest that cannot be told from the best mean",
}

Rule = str | Callable[[Sequence["Summary"]], str]


def check_rule(rule: Any) -> Rule:
    """Return a rule's name, or a function of summaries that returns a name.

    Raises:
        InputError: If it is neither.
    """
    if callable(rule):
        return rule  # type: ignore[no-any-return]
    if rule not in RULES:
        listed = ", ".join(RULES)
        raise InputError(
            f"There is no rule {rule!r}; there are: {listed}. Or pass a function that "
            "takes a list of summaries and returns the name of the chosen candidate."
            f"{did_you_mean(str(rule), RULES)}"
        )
    return str(rule)


def picks(
    summaries: Sequence[Summary],
    ranking: Sequence[Summary],
    n_weights: Mapping[str, float],
) -> dict[str, str]:
    """Return whom each rule chooses.

    Args:
        summaries: Complete ones, from the best mean on.
        ranking: Those that cannot be told from the best mean, the steadiest first.
        n_weights: How many weights each candidate has; infinitely many if unknown.
    """
    metric = summaries[0].metric
    sign = 1 if metric.direction == "max" else -1
    names = [s.candidate for s in summaries]
    means = [s.mean for s in summaries]
    places = [n_weights[name] for name in names]

    def within(losses: Sequence[float]) -> str:
        return names[one_std_err(means, losses, places, direction=metric.direction)]

    def worst(summary: Summary) -> float:
        value = summary.worst_fold.value if summary.worst_fold else math.nan
        return sign * rounded(value)

    return {
        BEST_MEAN: names[0],
        ONE_STD_ERR: within([s.sd_folds / math.sqrt(s.n_folds) for s in summaries]),
        PCT_LOSS: within([PERCENT / 100 * abs(mean) for mean in means]),
        WORST_FOLD: max(summaries, key=worst).candidate,
        STEADIEST: ranking[0].candidate,
    }


def rounded(value: float) -> float:
    """Return a score to six digits: those of Keras are float32, others are not.

    >>> rounded(0.9583333134651184) == rounded(46 / 48)
    True
    """
    return float(f"{value:.6g}")


def one_std_err(
    means: Sequence[float],
    standard_errors: Sequence[float],
    simplicity: Sequence[float],
    *,
    direction: str,
) -> int:
    """Return the position of the simplest candidate within one SE of the best.

    The one-standard-error rule (Breiman et al. 1984) buys parsimony, not accuracy.
    The standard error is SD/√J of the *best* candidate.

    Args:
        means: One mean score per candidate, all finite.
        standard_errors: One per candidate; only that of the best is used.
        simplicity: Sorts the candidates, the simplest has the lowest value.
        direction: "max" or "min", which way scores are better.

    Raises:
        InputError: If the lengths differ, nothing is given or a mean is not finite.

    >>> one_std_err([0.90, 0.93, 0.94], [0.01, 0.01, 0.02], [1, 2, 3], direction="max")
    1
    """
    if not means or not len(means) == len(standard_errors) == len(simplicity):
        raise InputError(
            "The one-standard-error rule needs one mean, one standard error and one "
            f"place in the order per candidate; got {len(means)}, "
            f"{len(standard_errors)} and {len(simplicity)}."
        )
    if not all(map(math.isfinite, means)):
        raise InputError(
            f"The one-standard-error rule needs finite means; got {list(means)}. "
            "Leave out candidates that failed."
        )
    sign = 1.0 if direction == "max" else -1.0
    gains = [sign * mean for mean in means]
    best = max(range(len(gains)), key=gains.__getitem__)
    bound = gains[best] - standard_errors[best]
    inside = [i for i, gain in enumerate(gains) if gain >= bound or i == best]
    return min(inside, key=lambda i: (simplicity[i], -gains[i]))


def chosen_by(
    rule: Rule, summaries: Sequence[Summary], found: Mapping[str, str]
) -> str:
    """Return the name that a rule chooses.

    Raises:
        InputError: If a function returns something that is no complete candidate.
    """
    if isinstance(rule, str):
        return found[rule]
    name = rule(list(summaries))
    names = [s.candidate for s in summaries]
    if name not in names:
        raise InputError(
            f"The rule {rule_name(rule)} returned {name!r}, which is not one of the "
            f"candidates without failures: {', '.join(names)}."
        )
    return name


def rule_name(rule: Rule) -> str:
    """Return what a rule is called in a record.

    >>> rule_name("best_mean"), rule_name(len)
    ('best_mean', 'len')
    """
    return rule if isinstance(rule, str) else getattr(rule, "__name__", repr(rule))
