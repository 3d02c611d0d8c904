"""What we remember: frozen structs that become JSON and come back unchanged.

Owns: the shape of every stored fact, and the events told while training runs.
Never: a live model, an array, a pickle, or a number that can be derived.
"""

from .codec import from_json, to_json
from .dataset import (
    DatasetRecord,
    DroppedColumn,
    FoldRecord,
    PartitionRecord,
    SplitPlanRecord,
)
from .events import (
    EpochEnded,
    Event,
    Examined,
    Listener,
    MemberEnded,
    Note,
    StageStarted,
    TrialEnded,
)
from .examination import (
    LEAKAGE,
    NOTE,
    SEVERITIES,
    WARNING,
    Checked,
    Examination,
    Finding,
    SheetLine,
)
from .forecast import CandidateCost, Forecast
from .history import History, Metric, Verdict, n_measured
from .materials import Materials
from .member import (
    BATCHED,
    COMPLETE,
    EXACT,
    FAILED,
    INTERRUPTED,
    LOWERED,
    PRUNED,
    RUNNING,
    SCAN,
    SHARED,
    WAVE,
    MemberRecord,
)
from .out_of_fold import ConfidenceBin, OutOfFold
from .program import Need, ProgramRecord
from .run import (
    FORMAT,
    CandidateRecord,
    Environment,
    FinalTest,
    Interval,
    RefitRecord,
    RunRecord,
    Selection,
    Settings,
)
from .search import BY_EPOCHS, BY_FOLDS, Pruning, SearchRecord, TrialRecord
from .verification import (
    DIFFERENT,
    IDENTICAL,
    UNVERIFIED,
    Difference,
    LeftOut,
    Verification,
    VerifiedMember,
)

__all__ = [
    "BATCHED",
    "BY_EPOCHS",
    "BY_FOLDS",
    "COMPLETE",
    "DIFFERENT",
    "EXACT",
    "FAILED",
    "FORMAT",
    "IDENTICAL",
    "INTERRUPTED",
    "LEAKAGE",
    "LOWERED",
    "NOTE",
    "PRUNED",
    "RUNNING",
    "SCAN",
    "SEVERITIES",
    "SHARED",
    "UNVERIFIED",
    "WARNING",
    "WAVE",
    "CandidateCost",
    "CandidateRecord",
    "Checked",
    "ConfidenceBin",
    "DatasetRecord",
    "Difference",
    "DroppedColumn",
    "Environment",
    "EpochEnded",
    "Event",
    "Examination",
    "Examined",
    "FinalTest",
    "Finding",
    "FoldRecord",
    "Forecast",
    "History",
    "Interval",
    "LeftOut",
    "Listener",
    "Materials",
    "MemberEnded",
    "MemberRecord",
    "Metric",
    "Need",
    "Note",
    "OutOfFold",
    "PartitionRecord",
    "ProgramRecord",
    "Pruning",
    "RefitRecord",
    "RunRecord",
    "SearchRecord",
    "Selection",
    "Settings",
    "SheetLine",
    "SplitPlanRecord",
    "StageStarted",
    "TrialEnded",
    "TrialRecord",
    "Verdict",
    "Verification",
    "VerifiedMember",
    "from_json",
    "n_measured",
    "to_json",
]
