"""What the numbers mean: spreads, intervals, comparisons, the choice, verdicts.

Owns: every statistic and every sentence that judges a score or a curve.
Never: trains, draws or stores; and never averages over a training that failed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .answers import read_answers
    from .baselines import (
        LINEAR,
        MEAN,
        MOST_FREQUENT,
        against_baselines,
        baseline_name,
        baseline_summaries,
        is_beaten,
    )
    from .comparison import Comparison, compare, practical_difference
    from .curve import Curve, mean_curve
    from .epochs import EpochChoice, epoch_choices
    from .intervals import (
        bootstrap_interval,
        expanded_level,
        half_width,
        sd_interval,
        wilson,
    )
    from .numbers import (
        ABSENT,
        clipped,
        format_difference,
        format_difference_interval,
        format_interval,
        format_number,
        format_score,
        format_spread,
        format_spread_interval,
        is_percentage,
        metric_label,
        metric_range,
    )
    from .optimism import expected_maximum
    from .pairs import Superiority, pairs_needed, superiority
    from .prechelt import (
        first_above,
        generalization_loss,
        progress_quotient,
        successive_rises,
        training_progress,
    )
    from .racing import Gap, behind_leader
    from .reading import baseline, candidate_verdict, member_verdicts
    from .reason import listed
    from .rules import RULES, STEADIEST, check_rule, one_std_err
    from .selection import select
    from .settling import Outlook, outlook
    from .shipping import FinalModel, best_member, final_models
    from .spreads import Components, components
    from .study import (
        BY_FOLDS,
        BY_FOLDS_THEN_TEST,
        BY_NESTED,
        BY_PART,
        BY_TEST,
        Gain,
        Way,
        WaySummary,
        gain,
        summarize_way,
    )
    from .summary import Summary, WorstFold, mean_of, summarize
    from .verdicts import overall_verdict, verdict

__all__ = [
    "ABSENT",
    "BY_FOLDS",
    "BY_FOLDS_THEN_TEST",
    "BY_NESTED",
    "BY_PART",
    "BY_TEST",
    "LINEAR",
    "MEAN",
    "MOST_FREQUENT",
    "RULES",
    "STEADIEST",
    "Comparison",
    "Components",
    "Curve",
    "EpochChoice",
    "FinalModel",
    "Gain",
    "Gap",
    "Outlook",
    "Summary",
    "Superiority",
    "Way",
    "WaySummary",
    "WorstFold",
    "against_baselines",
    "baseline",
    "baseline_name",
    "baseline_summaries",
    "behind_leader",
    "best_member",
    "bootstrap_interval",
    "candidate_verdict",
    "check_rule",
    "clipped",
    "compare",
    "components",
    "epoch_choices",
    "expanded_level",
    "expected_maximum",
    "final_models",
    "first_above",
    "format_difference",
    "format_difference_interval",
    "format_interval",
    "format_number",
    "format_score",
    "format_spread",
    "format_spread_interval",
    "gain",
    "generalization_loss",
    "half_width",
    "is_beaten",
    "is_percentage",
    "listed",
    "mean_curve",
    "mean_of",
    "member_verdicts",
    "metric_label",
    "metric_range",
    "one_std_err",
    "outlook",
    "overall_verdict",
    "pairs_needed",
    "practical_difference",
    "progress_quotient",
    "read_answers",
    "sd_interval",
    "select",
    "successive_rises",
    "summarize",
    "summarize_way",
    "superiority",
    "training_progress",
    "verdict",
    "wilson",
]

# A list of runs is written without waiting for SciPy, which only the statistics need.
_FILE_OF = {
    "answers": ("read_answers",),
    "baselines": (
        "LINEAR",
        "MEAN",
        "MOST_FREQUENT",
        "against_baselines",
        "baseline_name",
        "baseline_summaries",
        "is_beaten",
    ),
    "comparison": (
        "Comparison",
        "compare",
        "practical_difference",
    ),
    "spreads": (
        "Components",
        "components",
    ),
    "curve": (
        "Curve",
        "mean_curve",
    ),
    "epochs": (
        "EpochChoice",
        "epoch_choices",
    ),
    "intervals": (
        "bootstrap_interval",
        "expanded_level",
        "half_width",
        "sd_interval",
        "wilson",
    ),
    "numbers": (
        "ABSENT",
        "clipped",
        "format_difference",
        "format_difference_interval",
        "format_interval",
        "format_number",
        "format_score",
        "format_spread",
        "format_spread_interval",
        "is_percentage",
        "metric_label",
        "metric_range",
    ),
    "optimism": ("expected_maximum",),
    "settling": (
        "Outlook",
        "outlook",
    ),
    "prechelt": (
        "first_above",
        "generalization_loss",
        "progress_quotient",
        "successive_rises",
        "training_progress",
    ),
    "racing": (
        "Gap",
        "behind_leader",
    ),
    "reading": (
        "baseline",
        "candidate_verdict",
        "member_verdicts",
    ),
    "reason": ("listed",),
    "rules": (
        "RULES",
        "STEADIEST",
        "check_rule",
        "one_std_err",
    ),
    "selection": ("select",),
    "shipping": (
        "FinalModel",
        "best_member",
        "final_models",
    ),
    "study": (
        "BY_FOLDS",
        "BY_FOLDS_THEN_TEST",
        "BY_NESTED",
        "BY_PART",
        "BY_TEST",
        "Gain",
        "Way",
        "WaySummary",
        "gain",
        "summarize_way",
    ),
    "summary": (
        "Summary",
        "WorstFold",
        "mean_of",
        "summarize",
    ),
    "pairs": (
        "Superiority",
        "pairs_needed",
        "superiority",
    ),
    "verdicts": (
        "overall_verdict",
        "verdict",
    ),
}
_HOME = {name: file for file, names in _FILE_OF.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        msg = f"module 'homeroom.judgement' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
