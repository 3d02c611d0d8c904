"""View models: everything a person is shown, computed, ordered and put in words.

Terminal, page, notebook and charts only draw these. Epochs, folds and seeds are
counted from 1 here, as in every sentence for a person.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .shown import Fact, MetricView, Shown, ShownInterval

if TYPE_CHECKING:
    from .answers import AnswersView
    from .comparisons import ComparisonRow, SpreadRow
    from .epochs import EpochsView
    from .examination import ExaminationView
    from .programs import ProgramsView
    from .shipping import FinalModelsView

_MOST_TRIALS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaderboardRow:
    """One candidate, summed up.

    `sd_folds` is the spread over folds, `sd_seeds` the spread over seeds inside a
    fold: two different things, never added. `unfinished` means that a training is
    missing or failed, so that the candidate cannot be chosen; `note` says which, and
    `measured_on` of how many trainings the mean is ("7 of 15 trainings").
    """

    rank: int
    candidate: str
    mean: Shown
    interval: ShownInterval | None
    sd_folds: Shown
    sd_folds_range: str
    sd_seeds: Shown
    worst_fold: Shown
    worst_fold_name: str
    epochs: Shown
    verdict: str
    verdict_text: str
    n_trainings: int
    chosen: bool = False
    best_mean: bool = False
    equivalent: bool = False
    failed: bool = False
    unfinished: bool = False
    note: str = ""
    measured_on: str = ""

    @property
    def marks(self) -> tuple[str, ...]:
        """What is special about the candidate, in words."""
        marks = []
        if self.chosen:
            marks.append("chosen")
        if self.best_mean:
            marks.append("best mean")
        if self.equivalent and not self.chosen and not self.best_mean:
            marks.append("equivalent")
        if self.failed:
            marks.append("failed")
        elif self.unfinished:
            marks.append("unfinished")
        return tuple(marks)


@dataclass(frozen=True, slots=True)
class Line:
    """A series over epochs (from 1); only finite values."""

    epochs: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Band:
    """A mean over trainings, and the lowest and highest fold, by epoch (from 1)."""

    epochs: tuple[int, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberCurve:
    """The learning curve of one training; `kept_epoch` has the weights that stay."""

    name: str
    fold: int
    seed: int
    train: Line
    validation: Line
    kept_epoch: int | None
    kept_value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurveView:
    """The learning curves of one candidate in one metric.

    `train_name` says what the training curve is: measured at the same weights as
    validation, or Keras's running mean, which may not be compared with it exactly.
    `told` is what a picture of them shows, in words.
    """

    metric: MetricView
    members: tuple[MemberCurve, ...]
    train: Band | None
    validation: Band | None
    train_name: str
    kept_epoch: float | None
    told: str
    overfitting_from: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StripPoint:
    """The score of one training: a dot of the fold × seed strip."""

    candidate: str
    fold: int
    seed: int
    score: Shown
    chosen: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    """One training in a table."""

    name: str
    fold: int
    seed: int
    state: str
    score: Shown
    loss: Shown
    kept_epoch: str
    epochs: str
    stopped: str
    seconds: str
    how: str
    failed: bool


@dataclass(frozen=True, slots=True)
class TrialRow:
    """A trial; `score` is the mean of every fold, or of what there was (`partial`)."""

    number: int
    state: str
    score: Shown
    spread: Shown
    interval: ShownInterval | None
    folds: str
    seconds: str
    hyperparameters: tuple[Fact, ...]
    note: str
    partial: bool
    best: bool = False


@dataclass(frozen=True, slots=True)
class SearchView:
    """What is shown of a search; `rows` are in the order of the trials."""

    name: str
    metric: MetricView
    headline: str
    optimism: str
    counts: str
    best: TrialRow | None
    rows: tuple[TrialRow, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Every hyperparameter, in the order of the space."""
        told = (fact.label for row in self.rows for fact in row.hyperparameters)
        return tuple(dict.fromkeys(told))

    @property
    def ranked(self) -> tuple[TrialRow, ...]:
        """The best complete trials, from the best on."""
        sign = -1 if self.metric.direction == "max" else 1
        done = [row for row in self.rows if not row.partial]
        done.sort(key=lambda row: (sign * row.score.value, row.number))
        return tuple(done[:_MOST_TRIALS])

    @property
    def given_up(self) -> tuple[TrialRow, ...]:
        """Trials without a score from every fold, with the reason."""
        return tuple(row for row in self.rows if row.note)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateView:
    """Everything about one candidate."""

    name: str
    kind: str
    facts: tuple[Fact, ...]
    row: LeaderboardRow
    verdict: str
    verdict_text: str
    verdict_korean: str
    verdicts: tuple[Fact, ...]
    curves: tuple[CurveView, ...]
    members: tuple[MemberRow, ...]
    search: SearchView | None = None
    epochs: EpochsView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldRow:
    """One fold: how many rows, and how many of each class are validated.

    `absent` names classes that are trained but never validated in this fold, or the
    other way round.
    """

    name: str
    n_train: str
    n_validation: str
    classes: tuple[str, ...]
    absent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitView:
    """What was split how."""

    sentences: tuple[str, ...]
    class_names: tuple[str, ...]
    more_classes: int
    folds: tuple[FoldRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FinalTestView:
    """The one look at the test rows, or why there is no score: `state`, and `why`."""

    opened: bool
    sentence: str
    state: str = ""
    why: str = ""
    score: Shown | None = None
    interval: ShownInterval | None = None
    facts: tuple[Fact, ...] = ()
    n: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataView:
    """What the data is, and what was left out of it."""

    facts: tuple[Fact, ...]
    dropped: tuple[Fact, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One run, ready to be drawn.

    `answer` is the sentence to read if only one is read, `headline` the same without
    its numbers. `failures` has a label (candidate) and a value (fold, seed and
    reason) per failed training, `untrained` a value per candidate of which trainings
    were interrupted or never began. `measured_on` is "5 folds × 3 seeds". `reference`
    says what answering without looking and a linear model come to.
    """

    id: str
    name: str
    state: str
    created_at: str
    metric: MetricView
    headline: str
    answer: str
    reason: str
    optimism: str
    chosen: LeaderboardRow | None
    leaderboard: tuple[LeaderboardRow, ...]
    candidates: tuple[CandidateView, ...]
    strip: tuple[StripPoint, ...]
    split: SplitView
    data: DataView
    final_test: FinalTestView
    failures: tuple[Fact, ...]
    caveats: tuple[str, ...]
    settings: tuple[Fact, ...]
    environment: tuple[Fact, ...]
    fingerprints: tuple[Fact, ...]
    error: str = ""
    examination: ExaminationView | None = None
    untrained: tuple[Fact, ...] = ()
    measured_on: str = ""
    comparisons: tuple[ComparisonRow, ...] = ()
    spreads: tuple[SpreadRow, ...] = ()
    reference: str = ""
    final_models: FinalModelsView | None = None
    answers: AnswersView | None = None
    programs: ProgramsView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossValidationView:
    """One candidate on all folds, without a run around it."""

    name: str
    metric: MetricView
    answer: str
    row: LeaderboardRow
    curves: tuple[CurveView, ...]
    strip: tuple[StripPoint, ...]
    members: tuple[MemberRow, ...]
    split: SplitView
    failures: tuple[Fact, ...]
    caveats: tuple[str, ...]
    untrained: tuple[Fact, ...] = ()
    measured_on: str = ""
    epochs: EpochsView | None = None
    spreads: tuple[SpreadRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FitView:
    """One training, without folds around it."""

    name: str
    metric: MetricView
    answer: str
    verdict: str
    verdict_text: str
    curves: tuple[CurveView, ...]
    member: MemberRow
    facts: tuple[Fact, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One line of the list of runs."""

    id: str
    name: str
    state: str
    created_at: str
    candidate: str
    mean: str
    final_test: str
    note: str = ""
