"""What the numbers mean: spreads, intervals, comparisons, the choice, verdicts.

Owns: every statistic and every sentence that judges a score or a curve.
Never: trains, draws or stores; and never averages over a training that failed.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .comparison import Comparison, compare, practical_difference
    from .curve import Curve, mean_curve
    from .epochs import EpochChoice, epoch_choices
    from .intervals import bootstrap_interval, half_width, sd_interval, wilson
    from .numbers import (
        ABSENT,
        clipped,
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
    from .prechelt import (
        first_above,
        generalization_loss,
        progress_quotient,
        successive_rises,
        training_progress,
    )
    from .racing import Gap, behind_leader
    from .reading import baseline, candidate_verdict, member_verdicts
    from .selection import one_std_err, select
    from .summary import Summary, WorstFold, summarize
    from .verdicts import overall_verdict, verdict

__all__ = [
    "ABSENT",
    "Comparison",
    "Curve",
    "EpochChoice",
    "Gap",
    "Summary",
    "WorstFold",
    "baseline",
    "behind_leader",
    "bootstrap_interval",
    "candidate_verdict",
    "clipped",
    "compare",
    "epoch_choices",
    "expected_maximum",
    "first_above",
    "format_interval",
    "format_number",
    "format_score",
    "format_spread",
    "format_spread_interval",
    "generalization_loss",
    "half_width",
    "is_percentage",
    "mean_curve",
    "member_verdicts",
    "metric_label",
    "metric_range",
    "one_std_err",
    "overall_verdict",
    "practical_difference",
    "progress_quotient",
    "sd_interval",
    "select",
    "successive_rises",
    "summarize",
    "training_progress",
    "verdict",
    "wilson",
]

# A list of runs is written without waiting for SciPy, which only the statistics need.
_FILE_OF = {
    "comparison": (
        "Comparison",
        "compare",
        "practical_difference",
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
        "half_width",
        "sd_interval",
        "wilson",
    ),
    "numbers": (
        "ABSENT",
        "clipped",
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
    "selection": (
        "one_std_err",
        "select",
    ),
    "summary": (
        "Summary",
        "WorstFold",
        "summarize",
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
