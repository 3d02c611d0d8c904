"""What is remembered of a run, of the choice, and of the one final test."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from .dataset import DatasetRecord, PartitionRecord, SplitPlanRecord
from .examination import Examination, Finding
from .history import History, Metric
from .materials import Materials
from .member import MemberRecord
from .out_of_fold import OutOfFold
from .program import ProgramRecord
from .search import SearchRecord

FORMAT = 1


class CandidateRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A named way of making a model. `kind` is "keras" or "estimator"."""

    name: str
    kind: str
    source: str
    hyperparameters: dict[str, Any] = {}
    n_weights: int | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided before looking.

    `early_stopping` has the parameters of the rule, its mode resolved. `epoch_choice`
    is "mean_curve" where folds stopped together and no score chose its own epoch,
    "one_std_err" where all were scored at the earliest epoch within one standard error
    of the best mean, "inner_split" where other rows stopped a first training, and
    "per_fold" where each training stopped by its own curve. `final_model` is what is
    made of the chosen candidate (see `RefitRecord`).
    """

    epochs: int
    batch_size: int
    seed: int
    n_seeds: int
    shuffle: bool = True
    early_stopping: dict[str, Any] | None = None
    preprocessing: str | None = None
    epoch_choice: str = "per_fold"
    final_model: str = "refit"


class Selection(msgspec.Struct, frozen=True, kw_only=True):
    """Which candidate was chosen, by which rule, and how far that can be trusted.

    `equivalent` are the candidates that could not be told from the best mean.
    `optimism` is how much the winner's validation mean is expected to exceed its
    true score because it is the best of `n_scores`, in units of the metric: the
    `n_compared` candidates, and every trial that was made to tune one of them.
    `rules` maps every rule to the candidate it would choose.
    """

    candidate: str
    best_mean: str
    steadiest: str
    equivalent: tuple[str, ...]
    rule: str
    reason: str
    n_compared: int
    optimism: float
    excluded: dict[str, str] = {}
    n_tuning_trials: int = 0
    rules: dict[str, str] = {}

    @property
    def n_scores(self) -> int:
        """How many scores the chosen one is the best of."""
        return self.n_compared + self.n_tuning_trials

    def __repr__(self) -> str:
        return f"<Selection: {self.candidate}. {self.reason}>"


class RefitRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The model that is shipped.

    `final_model` is "refit" (the winner, trained once more on all development rows),
    "ensemble" (the mean of its `n_models` trainings in the folds) or "best_member"
    (one of those). `ensemble_scores` has each fold's score when the outputs of its
    seeds are averaged; it is empty where that could not be measured. `artifacts` maps
    "model", "preprocessing", … to SHA-256 addresses in the store.
    """

    candidate: str
    epochs: int
    n_updates: int
    n_rows: int
    seed: int
    reason: str
    final_weights: str = ""
    history: History | None = None
    seconds: float = 0.0
    artifacts: dict[str, str] = {}
    final_model: str = "refit"
    n_models: int = 1
    ensemble_scores: tuple[float, ...] = ()


class Interval(msgspec.Struct, frozen=True):
    """An interval that names its method, so that nobody has to guess what ± means."""

    low: float
    high: float
    level: float
    method: str


class FinalTest(msgspec.Struct, frozen=True, kw_only=True):
    """The one look at the test rows. `scores` has every metric, without prefix.

    `earlier_openings` is how often other runs in the store had opened these very rows
    before: 0 for an honest test. `findings` say how the opened rows differ from the
    development rows.
    """

    candidate: str
    metric: Metric
    score: float
    interval: Interval
    n: int
    opened_at: datetime
    scores: dict[str, float] = {}
    earlier_openings: int = 0
    findings: tuple[Finding, ...] = ()

    def __repr__(self) -> str:
        ends = f"{self.interval.low:.4g} to {self.interval.high:.4g}"
        return (
            f"<FinalTest: {self.candidate}, {self.metric.name} {self.score:.4g} "
            f"({100 * self.interval.level:g} % interval {ends}) on {self.n} rows"
            f"{f', opened {n} times before' if (n := self.earlier_openings) else ''}>"
        )


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """Versions and machine, so that a number can be made again.

    `lanes` is how many trainings ran at once; `plan` how: in "lanes", each in a call of
    its own, or in "waves", many in one call. `plan_reason` says why so.
    """

    versions: dict[str, str]
    platform: str
    n_cpus: int
    device: str = "cpu"
    lanes: int = 1
    plan: str = "lanes"
    plan_reason: str = ""


class RunRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of the whole protocol, complete or not.

    `out_of_fold` has the chosen candidate's answers, for a classification.
    `baselines` are trainings of what costs nothing, on the same folds: the most
    frequent class or the mean, and a linear model. They take no part in the choice.
    `programs` are the compiled programs that trained, searches and refit included, in
    the order of their first use; empty in runs stored before they were remembered.
    `seal_claimed_at` is when the test rows were asked for; without a `final_test`, they
    were read and no score came of it.
    """

    id: str
    name: str
    state: str
    created_at: datetime
    dataset: DatasetRecord
    partition: PartitionRecord
    plan: SplitPlanRecord
    settings: Settings
    metric: Metric
    candidates: tuple[CandidateRecord, ...]
    environment: Environment
    members: tuple[MemberRecord, ...] = ()
    selection: Selection | None = None
    refit: RefitRecord | None = None
    final_test: FinalTest | None = None
    seal_claimed_at: datetime | None = None
    finished_at: datetime | None = None
    seconds: float = 0.0
    error: str | None = None
    examination: Examination | None = None
    searches: tuple[SearchRecord, ...] = ()
    out_of_fold: OutOfFold | None = None
    baselines: tuple[MemberRecord, ...] = ()
    materials: Materials | None = None
    programs: tuple[ProgramRecord, ...] = ()
    format: int = FORMAT

    def members_of(self, candidate: str) -> tuple[MemberRecord, ...]:
        """Return the trainings of one candidate, in the order of the plan."""
        mine = (m for m in self.members if m.candidate == candidate)
        return tuple(sorted(mine, key=lambda m: (m.fold, m.seed_index)))
