"""Which candidate to take, by a rule that can be printed.

Candidates with failures are left out and named. The best mean leads; whoever cannot
be told from it is equivalent; among equivalents the steadier one is taken.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from homeroom.errors import FitError, InputError
from homeroom.records import Selection

from .comparison import compare, default_rope, on_unit_scale
from .optimism import expected_maximum
from .reason import DECISIVE, Choice, Steadiness, explain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from homeroom.records import Metric, SplitPlanRecord

    from .summary import Summary

RULE = "steadiest candidate that cannot be told from the best mean"


def select(
    summaries: Sequence[Summary],
    plan: SplitPlanRecord,
    *,
    n_weights: Mapping[str, int | None],
    rope: float | None = None,
    n_tuning_trials: int = 0,
) -> Selection:
    """Choose a candidate, and say by which rule and how far to trust it.

    1. A candidate with a failed or missing training is left out, with the reason.
    2. The best mean leads.
    3. Equivalent to it is who is worse by more than `rope` with a probability below
       0.95 (Bayesian correlated t-test, see `compare`). With one fold nothing can be
       told apart, so all are.
    4. Among equivalents: the better worst fold, then the smaller spread over folds,
       then fewer weights, then the name.

    The answer does not depend on the order of `summaries`.

    Args:
        summaries: One per candidate, from the same plan and metric.
        plan: The folds.
        n_weights: How many weights each candidate has; None or absent is unknown.
        rope: The difference that does not matter in practice, in units of the
            metric. Default: 0.01 for metrics on the scale 0 to 1, else 1 % of the
            best mean.
        n_tuning_trials: How many trials were made to tune candidates: the chosen
            score is the best of these as well, which makes it more optimistic.

    Returns:
        The choice. `optimism` is NaN when one fold gives no standard error.

    Raises:
        FitError: If every candidate has a failed training.
        InputError: If there is nothing to choose from, or two share a name.

    >>> from homeroom.judgement import select, summarize
    >>> from homeroom.records import FoldRecord, History, MemberRecord, SplitPlanRecord
    >>> from homeroom.records import Metric
    >>> folds = [
    ...     FoldRecord(repeat=0, fold=i, n_train=80, n_validation=20, fingerprint="")
    ...     for i in range(5)
    ... ]
    >>> plan = SplitPlanRecord(
    ...     strategy="KFold",
    ...     n_splits=5,
    ...     n_repeats=1,
    ...     folds=tuple(folds),
    ...     fingerprint="plan",
    ... )
    >>> def scored(name, accuracies):
    ...     members = [
    ...         MemberRecord(
    ...             candidate=name,
    ...             fold=fold,
    ...             seed_index=0,
    ...             seed=7,
    ...             state="COMPLETE",
    ...             history=History({}),
    ...             scores={"val_accuracy": accuracy},
    ...         )
    ...         for fold, accuracy in enumerate(accuracies)
    ...     ]
    ...     return summarize(members, plan, Metric("accuracy", "max"))
    >>> small = scored("small", [0.90, 0.92, 0.91, 0.93, 0.92])
    >>> large = scored("large", [0.95, 0.93, 0.88, 0.96, 0.94])
    >>> chosen = select([small, large], plan, n_weights={"small": 500, "large": 9000})
    >>> chosen.candidate, chosen.best_mean, chosen.equivalent
    ('small', 'large', ('large', 'small'))
    """
    _require_candidates(summaries)
    excluded = {
        s.candidate: "; ".join((*s.failed, *s.untrained))
        for s in sorted(summaries, key=lambda s: s.candidate)
        if not s.complete
    }
    compared = [s for s in summaries if s.complete]
    if not compared:
        listed = "\n".join(f"  {name}: {why}" for name, why in excluded.items())
        raise FitError(
            "No candidate can be selected: each has trainings that failed.\n"
            f"{listed}\n  A candidate needs a score in every fold; repair at least one."
        )
    steadiness = {
        s.candidate: _steadiness(s, n_weights.get(s.candidate)) for s in compared
    }
    by_mean = sorted(compared, key=lambda s: (_mean_loss(s), steadiness[s.candidate]))
    leader = by_mean[0]
    worse = {
        s.candidate: compare(s, leader, plan, rope=rope).p_worse for s in by_mean[1:]
    }
    # NaN (one fold) is not decisive: what cannot be told apart is equivalent.
    equivalent = [s for s in by_mean if not worse.get(s.candidate, 0.0) >= DECISIVE]
    ranking = sorted(equivalent, key=lambda s: steadiness[s.candidate])
    n_scores = len(compared) + n_tuning_trials
    optimism = expected_maximum(n_scores) * _standard_error(ranking[0], plan)
    choice = Choice(
        leader=leader,
        ranking=tuple(ranking),
        n_compared=len(compared),
        n_tuning_trials=n_tuning_trials,
        rope=default_rope(leader, leader) if rope is None else rope,
        steadiness=steadiness,
        optimism=optimism if n_scores > 1 else 0.0,
        excluded=excluded,
    )
    return Selection(
        candidate=ranking[0].candidate,
        best_mean=leader.candidate,
        steadiest=ranking[0].candidate,
        equivalent=tuple(s.candidate for s in equivalent),
        rule=RULE,
        reason=explain(choice),
        n_compared=len(compared),
        n_tuning_trials=n_tuning_trials,
        optimism=choice.optimism,
        excluded=excluded,
    )


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


def _require_candidates(summaries: Sequence[Summary]) -> None:
    names = sorted(s.candidate for s in summaries)
    if not names:
        raise InputError("There is no candidate to select from; add at least one.")
    twice = next((a for a, b in pairwise(names) if a == b), None)
    if twice is not None:
        raise InputError(
            f"Two candidates are called {twice!r}; give every candidate its own name."
        )


def _mean_loss(summary: Summary) -> float:
    return -_sign(summary.metric) * _rounded(summary.mean)


def _steadiness(summary: Summary, n_weights: int | None) -> Steadiness:
    worst = summary.worst_fold.value if summary.worst_fold else math.nan
    sd = 0.0 if math.isnan(summary.sd_folds) else summary.sd_folds
    return Steadiness(
        worst_fold_loss=-_sign(summary.metric) * _rounded(worst),
        sd_folds=_rounded(sd),
        n_weights=math.inf if n_weights is None else n_weights,
        candidate=summary.candidate,
    )


def _rounded(value: float) -> float:
    """Drop the last digits, so that rounding errors of sums decide nothing."""
    return float(f"{value:.12g}")


def _sign(metric: Metric) -> float:
    return 1.0 if metric.direction == "max" else -1.0


def _standard_error(summary: Summary, plan: SplitPlanRecord) -> float:
    """Return the corrected standard error; for one fold the binomial one of a share."""
    one_share = summary.n_folds == 1 and on_unit_scale(summary.metric)
    if not (one_share and 0 <= summary.mean <= 1):
        return summary.standard_error
    return math.sqrt(summary.mean * (1 - summary.mean) / plan.folds[0].n_validation)
