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

from .comparison import DECISIVE, compare, default_rope
from .numbers import is_percentage
from .optimism import expected_maximum
from .reason import Choice, Steadiness, explain
from .rules import STEADIEST, check_rule, chosen_by, picks, rounded, rule_name
from .settling import outlook

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from homeroom.records import Metric, SplitPlanRecord

    from .rules import Rule
    from .summary import Summary


def select(
    summaries: Sequence[Summary],
    plan: SplitPlanRecord,
    *,
    n_weights: Mapping[str, int | None],
    rope: float | None = None,
    n_tuning_trials: int = 0,
    rule: Rule = STEADIEST,
) -> Selection:
    """Choose a candidate, and say by which rule and how far to trust it.

    1. A candidate with a failed or missing training is left out, with the reason.
    2. The best mean leads.
    3. Equivalent to it is who is worse by more than `rope` with a probability below
       0.95 (Bayesian correlated t-test, see `compare`). With one fold nothing can be
       told apart, so all are.
    4. Among equivalents: the better worst fold, then the smaller spread over folds,
       then fewer weights, then the name.

    Other rules look at the complete candidates in another way: "best_mean",
    "one_std_err" (the fewest weights within SD/√J of the best mean; Breiman et al.
    1984), "pct_loss" (the fewest weights within 2 % of it), "worst_fold" (the best
    worst fold). What each would choose is in the answer, which
    does not depend on the order of `summaries`.

    Args:
        summaries: One per candidate, from the same plan and metric.
        plan: The folds.
        n_weights: How many weights each candidate has; None or absent is unknown.
        rope: The difference that does not matter in practice, in units of the
            metric. Default: 0.01 for metrics on the scale 0 to 1, else 1 % of the
            best mean.
        n_tuning_trials: How many trials were made to tune candidates: the chosen
            score is the best of these as well, which makes it more optimistic.
        rule: The name of a rule, or a function that takes the complete summaries,
            best mean first, and returns the name of the chosen candidate.

    Returns:
        The choice. `optimism` is NaN when one fold gives no standard error.

    Raises:
        FitError: If every candidate has a failed training.
        InputError: If there is nothing to choose from, two share a name, or the rule
            is none.

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
    rule = check_rule(rule)
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
    weights = {name: each.n_weights for name, each in steadiness.items()}
    found = picks(by_mean, ranking, weights)
    name = chosen_by(rule, by_mean, found)
    [chosen] = [s for s in by_mean if s.candidate == name]
    rival = _rival(chosen, leader, equivalent)
    optimism = expected_maximum(n_scores) * _standard_error(chosen, plan)
    choice = Choice(
        chosen=chosen,
        rule=rule_name(rule),
        rules=found,
        outlook=outlook(chosen, rival, plan, rope=rope) if rival else None,
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
        candidate=name,
        best_mean=leader.candidate,
        steadiest=ranking[0].candidate,
        equivalent=tuple(s.candidate for s in equivalent),
        rule=choice.rule,
        rules=found,
        reason=explain(choice),
        n_compared=len(compared),
        n_tuning_trials=n_tuning_trials,
        optimism=choice.optimism,
        excluded=excluded,
    )


def _rival(
    chosen: Summary, leader: Summary, equivalent: Sequence[Summary]
) -> Summary | None:
    """Return whom the chosen one should be told from: the best mean of the others."""
    if chosen is not leader:
        return leader
    return next((s for s in equivalent if s is not leader), None)


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
    return -_sign(summary.metric) * rounded(summary.mean)


def _steadiness(summary: Summary, n_weights: int | None) -> Steadiness:
    worst = summary.worst_fold.value if summary.worst_fold else math.nan
    sd = 0.0 if math.isnan(summary.sd_folds) else summary.sd_folds
    return Steadiness(
        worst_fold_loss=-_sign(summary.metric) * rounded(worst),
        sd_folds=rounded(sd),
        n_weights=math.inf if n_weights is None else n_weights,
        candidate=summary.candidate,
    )


def _sign(metric: Metric) -> float:
    return 1.0 if metric.direction == "max" else -1.0


def _standard_error(summary: Summary, plan: SplitPlanRecord) -> float:
    """Return the corrected standard error; for one fold the binomial one of a share."""
    one_share = summary.n_folds == 1 and is_percentage(summary.metric)
    if not (one_share and 0 <= summary.mean <= 1):
        return summary.standard_error
    return math.sqrt(summary.mean * (1 - summary.mean) / plan.folds[0].n_validation)
