"""What the numbers mean: spreads, intervals, comparisons, the choice, verdicts.

Owns: every statistic and every sentence that judges a score or a curve.
Never: trains, draws or stores; and never averages over a training that failed.
"""

from .comparison import Comparison, compare, practical_difference
from .curve import Curve, mean_curve
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
from .verdict import overall_verdict, verdict

__all__ = [
    "ABSENT",
    "Comparison",
    "Curve",
    "Gap",
    "Summary",
    "WorstFold",
    "baseline",
    "behind_leader",
    "bootstrap_interval",
    "candidate_verdict",
    "clipped",
    "compare",
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
