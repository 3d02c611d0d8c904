"""What the numbers mean: spreads, intervals, comparisons, the choice, verdicts.

Owns: every statistic and every sentence that judges a score or a curve.
Never: trains, draws or stores; and never averages over a training that failed.
"""

from .comparison import Comparison, compare
from .curve import Curve, mean_curve
from .intervals import bootstrap_interval, half_width, sd_interval, wilson
from .optimism import expected_maximum
from .prechelt import (
    first_above,
    generalization_loss,
    progress_quotient,
    successive_rises,
    training_progress,
)
from .selection import one_std_err, select
from .summary import Summary, WorstFold, summarize
from .verdict import overall_verdict, verdict

__all__ = [
    "Comparison",
    "Curve",
    "Summary",
    "WorstFold",
    "bootstrap_interval",
    "compare",
    "expected_maximum",
    "first_above",
    "generalization_loss",
    "half_width",
    "mean_curve",
    "one_std_err",
    "overall_verdict",
    "progress_quotient",
    "sd_interval",
    "select",
    "successive_rises",
    "summarize",
    "training_progress",
    "verdict",
    "wilson",
]
