"""Run the trainings of a plan: events told, records kept, the metric decided."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from homeroom import engine
from homeroom.data import Dataset
from homeroom.engine import Description, Training
from homeroom.errors import InputError, did_you_mean
from homeroom.records import (
    INTERRUPTED,
    EpochEnded,
    Listener,
    MemberEnded,
    Metric,
    StageStarted,
)

from . import estimator
from .ledger import Ledger
from .member import Assignment, Result, check_labels, check_weights, result_of

_ALIASES = {
    "acc": "accuracy",
    "rmse": "root_mean_squared_error",
    "r2": "r2_score",
}
_DEFAULTS = {
    "classification": (
        "accuracy",
        "acc",
        "sparse_categorical_accuracy",
        "categorical_accuracy",
        "binary_accuracy",
    ),
    "regression": ("root_mean_squared_error", "mae", "mean_absolute_error"),
}


Prune = Callable[[Assignment, int, dict[str, float]], bool]


@dataclass(frozen=True, eq=False)
class Trials:
    """Trainings that can begin; `descriptions` say what each candidate will report.

    Their programs are written into the `ledger`.
    """

    assignments: Sequence[Assignment]
    training: Training
    task: str
    descriptions: dict[str, Description]
    compiled: engine.Prepared | None
    ledger: Ledger

    def note(self, stage: str = "") -> None:
        """Write down which programs are used, by trainings of a stage if there is."""
        if self.compiled is not None:
            names = {a.member.group: a.candidate.name for a in self.assignments}
            self.ledger.note(self.compiled, names, stage)


def begin(
    assignments: Sequence[Assignment], training: Training, lanes: int | None
) -> engine.Begun | None:
    """Return those of the trainings that can be made ready bit by bit."""
    members = [a.member for a in assignments if a.candidate.kind == "keras"]
    return engine.begin(members, training, lanes=lanes) if members else None


def prepare(
    assignments: Sequence[Assignment],
    training: Training,
    dataset: Dataset,
    *,
    lanes: int | None = None,
    ledger: Ledger | None = None,
    begun: engine.Begun | None = None,
) -> Trials:
    """Make trainings ready; every bad input shows here.

    Their programs are written into `ledger`, or into one of their own. `begun` is what
    `begin` returned for them, if it was called.

    Raises:
        InputError: If a model function, a callback, the monitor or an estimator is
            wrong.
        DataError: If labels do not fit a model's output.
    """
    task = dataset.record.task
    check_weights(dataset, training.class_weight)
    found: dict[str, Description] = {}
    mine = [a for a in assignments if a.candidate.kind == "keras"]
    begun = begun or begin(assignments, training, lanes)
    compiled = begun.prepared() if begun else None
    if compiled is not None:
        for assignment in mine:
            description = compiled.descriptions[assignment.member.group]
            check_labels(dataset, description)
            found.setdefault(assignment.candidate.name, description)
    for assignment in assignments:
        name = assignment.candidate.name
        if assignment.candidate.kind == "estimator" and name not in found:
            arrays = assignment.member.arrays
            weighted = arrays.sample_weight is not None or bool(training.class_weight)
            estimator.check(assignment.candidate, arrays, task, weighted=weighted)
            names = estimator.NAMES[task]
            ways = {n: "max" if n == "accuracy" else "min" for n in names}
            found[name] = Description(names, ways, 0, loss=estimator.LOSSES[task])
    ready = Trials(assignments, training, task, found, compiled, ledger or Ledger())
    ready.note()
    return ready


def choose_metric(
    wanted: str | Metric | None, task: str, found: Mapping[str, Description]
) -> Metric:
    """Return the yardstick that every candidate reports.

    By default: accuracy for a classification, root mean squared error for a
    regression, the loss where nothing else is reported by all.

    Raises:
        InputError: If a candidate does not report it, its direction is unknown, or it
            is the loss and candidates have different ones.
    """
    common = [
        name
        for name in next(iter(found.values())).names
        if all(name in description.names for description in found.values())
    ]
    if isinstance(wanted, Metric):
        name, direction = wanted.name, wanted.direction
    else:
        name = wanted or next(
            (n for n in _DEFAULTS.get(task, ()) if n in common), "loss"
        )
        name = name.removeprefix("val_")
        name = name if name in common else _ALIASES.get(name, name)
        ways = [description.directions.get(name) for description in found.values()]
        direction = next((way for way in ways if way), "")
    for candidate, description in found.items():
        if name not in description.names:
            raise InputError(
                f"Candidate {candidate!r} does not report the metric {name!r}; it "
                f"reports: {', '.join(description.names)}. Name it in metrics=[…] of "
                "model.compile, or pass another as metric=."
                f"{did_you_mean(name, common)}"
            )
    losses = {
        d.loss: candidate for candidate, d in reversed([*found.items()]) if d.loss
    }
    if name == "loss" and len(losses) > 1 and not isinstance(wanted, Metric):
        told = ", ".join(f"{loss} ({who!r})" for loss, who in reversed(losses.items()))
        raise InputError(
            f"The loss cannot compare candidates whose losses differ: {told}. Name a "
            "metric that all have in metrics=[…] of model.compile, and pass it as "
            "metric=; metric=homeroom.Metric('loss', 'min') compares them all the same."
        )
    if direction not in {"max", "min"}:
        raise InputError(
            f"It is not known whether {name!r} should rise or fall. Pass "
            f"metric=homeroom.Metric({name!r}, 'max') or 'min'."
        )
    return Metric(name, direction)


def run(
    trials: Trials,
    listener: Listener,
    keep: Callable[[Result], None] = lambda _: None,
    prune: Prune = lambda *_: False,
    only: Sequence[Assignment] | None = None,
    stage: str = "training",
    meanwhile: Callable[[], bool] = lambda: False,
) -> list[Result]:
    """Run the trainings; return the results in the order of the assignments.

    `keep` is called with each result as it comes; `prune` with an assignment, an epoch
    and its logs, True ending that training there. Both are called from lane threads.
    `only` are those to run now, None being all; `stage` is what it is called.
    `meanwhile` is called while Keras's trainings run, until it returns False.
    """
    training = trials.training
    assignments = trials.assignments if only is None else only
    listener(StageStarted(stage, len(assignments), training.epochs))
    by_key = {a.member.key: a for a in assignments}
    results: dict[Any, Result] = {}

    def ended(result: Result) -> None:
        results[result.assignment.member.key] = result
        keep(result)
        listener(MemberEnded(result.record))

    def epoch(member: engine.Member, number: int, logs: dict[str, float]) -> None:
        mine = by_key[member.key]
        name = mine.candidate.name
        listener(EpochEnded(name, mine.fold, mine.seed_index, number, logs))

    outcomes: list[engine.Outcome] = []
    members = [a.member for a in assignments if a.candidate.kind == "keras"]
    if trials.compiled is not None:
        outcomes = trials.compiled.train(
            on_epoch=epoch,
            on_end=lambda member, outcome: ended(
                result_of(by_key[member.key], outcome)
            ),
            prune=lambda member, *ended: prune(by_key[member.key], *ended),
            members=members,
            meanwhile=meanwhile,
        )
        trials.note(stage)
    stopped = any(outcome.state == INTERRUPTED for outcome in outcomes)
    for assignment in assignments:
        if assignment.candidate.kind == "estimator" and not stopped:
            try:
                ended(estimator.run(assignment, trials.task, training.class_weight))
            except KeyboardInterrupt:
                stopped = True
    for assignment in assignments:
        results.setdefault(assignment.member.key, not_begun(assignment))
    return [results[a.member.key] for a in assignments]


def without_stopping(training: Training, epochs: int) -> Training:
    """Return the settings of a refit: a number of epochs, and nothing to watch."""
    return replace(
        training,
        epochs=epochs,
        early_stopping=None,
        callbacks=(),
        keep_weights=True,
        keep_predictions=False,
    )


def not_begun(assignment: Assignment) -> Result:
    """Return the result of a training that an interruption left out."""
    outcome = engine.Outcome(state=INTERRUPTED, stop_reason="interrupted")
    return result_of(assignment, outcome)
