"""k-fold for one model: every fold and seed at once, mean and spread together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeroom import data, engine, judgement, splits
from homeroom.engine import EarlyStopping
from homeroom.errors import FitError, InputError, did_you_mean
from homeroom.records import (
    COMPLETE,
    INTERRUPTED,
    Examination,
    Examined,
    Interval,
    Listener,
    MemberRecord,
    Metric,
    OutOfFold,
    ProgramRecord,
    Settings,
    SplitPlanRecord,
    Verdict,
)

from . import trials
from .answers import counted, out_of_fold
from .candidate import as_candidate
from .epoch_choice import check_epoch_choice, passes
from .examining import after_training, before_training, case_of
from .fitting import Interrupted
from .keeping import keep_run
from .listening import check_verbose, progress
from .materials import open_keeping
from .member import (
    MEAN_CURVE,
    assign,
    check_seed,
    settings_of,
    training_of,
)
from .printed import Printed, lines


@dataclass(frozen=True, eq=False, repr=False)
class CrossValidation(Printed):
    """The trainings of one model over folds and seeds.

    Args:
        candidate: The model's name.
        members: One record per training.
        plan: What was split how.
        metric: The yardstick of verdict and leaderboard.
        predictions: Out-of-fold predictions [n, …], the mean over seeds (and
            repeats); NaN for rows that no fold validated. None if there are none.
        directions: Which way each other metric is better, "max" or "min".
        examination: What the doctor found before and after training.
        settings: How the trainings were made.
        out_of_fold: What `predictions` say, for a classification: which classes are
            confused, and how far confidence can be trusted.
        programs: The compiled programs that trained, why each was needed and what
            making it took.

    Examples:
        >>> import numpy as np, keras, homeroom as hr
        >>> def line():
        ...     model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        ...     model.compile("sgd", loss="mse")
        ...     return model
        >>> x = np.linspace(0, 1, 60).reshape(-1, 1)
        >>> cv = hr.cross_validate(line, x, 2.5 * x, cv=3, epochs=2)
        >>> cv.to_frame().height, cv.predictions.shape
        (3, (60, 1))
    """

    candidate: str
    members: tuple[MemberRecord, ...]
    plan: SplitPlanRecord
    metric: Metric
    predictions: NDArray[np.float32] | None = None
    directions: Mapping[str, str] = field(default_factory=dict)
    examination: Examination | None = None
    settings: Settings | None = None
    out_of_fold: OutOfFold | None = None
    programs: tuple[ProgramRecord, ...] = ()

    def summary(self, key: str | None = None) -> judgement.Summary:
        """Return mean, spreads, interval and failures for a validation key."""
        return judgement.summarize(self.members, self.plan, self._metric(key))

    def mean(self, key: str | None = None) -> float:
        """Return the mean over folds of, for example, "val_accuracy"."""
        return self.summary(key).mean

    def std(self, key: str | None = None) -> float:
        """Return the SD over folds (ddof=1): their spread, not a standard error."""
        return self.summary(key).sd_folds

    def interval(self, key: str | None = None) -> Interval | None:
        """Return the corrected 95 % interval of the mean (Nadeau & Bengio 2003).

        The numbers are those of the t-distribution, which knows no bounds: of an
        accuracy near 1 the upper end may be above 1. What is shown (tables, charts,
        page) is cut off where no score can be; see `homeroom.judgement.clipped`.
        """
        return self.summary(key).interval

    def components(self, key: str | None = None) -> judgement.Components | None:
        """Return the spread due to rows and the spread due to luck, with intervals.

        None unless every fold was trained with two seeds or more.
        """
        return judgement.components(self.summary(key))

    @property
    def verdict(self) -> Verdict:
        """What the learning curves of all trainings say together."""
        return judgement.candidate_verdict(self.members, self.plan, self.metric)

    @property
    def epoch_choices(self) -> tuple[judgement.EpochChoice, ...]:
        """What each way to choose the epoch comes to, the honest one first.

        Empty without early stopping, or when the trainings did not stop together.
        """
        rule = self.settings.early_stopping if self.settings else None
        return judgement.epoch_choices(self.members, self.plan, self.metric, rule)

    def plot(self) -> Any:
        """Return the learning curves of all folds as an Altair chart."""
        from homeroom import report

        return report.curves_chart(self._view())

    def to_frame(self) -> Any:
        """Return one row per training as a polars frame."""
        from homeroom import report

        return report.members_frame(self.members, self.plan)

    def __str__(self) -> str:
        """Return the mean, what the curves say, failures, and what must be known."""
        view = self._view()
        chosen = view.epochs.sentence if view.epochs else ""
        failed = [f"{each.label}: {each.value}" for each in view.failures]
        return lines(view.answer, view.row.verdict_text, chosen, *failed, *view.caveats)

    def _view(self) -> Any:
        from homeroom import report

        return report.cross_validation_view(
            self.candidate, self.members, self.plan, self.metric, self.settings
        )

    def _repr_html_(self) -> str:
        from homeroom import report

        return report.cross_validation_html(self._view())

    def _metric(self, key: str | None) -> Metric:
        if key is None:
            return self.metric
        name = key.removeprefix("val_")
        done = [m for m in self.members if m.state == COMPLETE]
        known = [k for k in done[0].scores if k.startswith("val_")] if done else []
        if f"val_{name}" not in known:
            raise InputError(
                f"There is no validation score {key!r}; there are: "
                f"{', '.join(known)}.{did_you_mean(key, known)}"
            )
        if name == self.metric.name:
            return self.metric
        return Metric(name, self.directions.get(name, "min"))


def cross_validate(  # noqa: PLR0913 - Keras's and scikit-learn's own arguments
    model: Any,
    x: Any,
    y: Any,
    *,
    cv: Any = 5,
    seeds: int = 1,
    batch_size: int = 32,
    epochs: int = 1,
    early_stopping: EarlyStopping | None = None,
    epoch_choice: str = MEAN_CURVE,
    groups: Any = None,
    sample_weight: Any = None,
    class_weight: dict[int, float] | None = None,
    callbacks: Sequence[Any] = (),
    preprocess: Any = None,
    metric: str | Metric | None = None,
    shuffle: bool = True,
    seed: int = 0,
    verbose: int | str = "auto",
    listener: Listener | None = None,
    lanes: int | None = None,
    store: str | Path | None = None,
    overrule: Sequence[str] = (),
) -> CrossValidation:
    """Train a model on every fold with every seed, from fresh weights each time.

    Each training starts with fresh weights, optimizer, callbacks and preprocessing.
    All run compiled, side by side on all cores; a training's result does not
    depend on the others.

    Args:
        model: A function that returns a compiled `keras.Model`, a compiled model
            (copied, never trained itself), or a scikit-learn estimator. The function's
            parameters n_features, n_classes, target_mean and target_std, where they
            have no default or None, get what a fold's training rows tell.
        x: Inputs: an array [n, …], a list or dict of arrays, or a frame of numbers.
        y: Targets [n, …]; text labels are numbered.
        cv: Number of folds (shuffled, stratified for classes, whole groups when
            `groups` is given), a strategy such as `KFold`, any object with
            scikit-learn's `split`, or pairs of row positions.
        seeds: Trainings per fold, which differ in weights and batch order.
        batch_size: Rows per weight update.
        epochs: Passes over the training rows.
        early_stopping: When to stop.
        epoch_choice: What early stopping watches. "mean_curve": the mean over folds,
            as `cv` of gradient boosting does; all folds stop together, and each is
            scored at the epoch that is best for the mean of the *others*, so that no
            score chooses its own epoch. "per_fold": each training stops by its own
            curve, as in Keras, which flatters its score. With "mean_curve"
            `CrossValidation.epoch_choices` says by how much. Where folds validate
            rows in common (`ShuffleSplit`), the others choose partly with its own.
            "one_std_err": the earliest epoch of the mean curve within one standard
            error of its best, for all folds. "inner_split": a fifth of each fold's
            training rows stops a first training; a second, on all of them, is as long
            and is scored. These two train twice.
        groups: One group per row; a group is never on both sides.
        sample_weight: One weight per row.
        class_weight: Weight per class, for training rows only.
        callbacks: Keras callbacks that only read the logs of an epoch; each training
            gets its own copy.
        preprocess: A scikit-learn transformer, fitted on each fold's training rows.
        metric: The yardstick; accuracy or an error by default.
        shuffle: Whether each epoch has a new order of rows.
        seed: Decides folds, weights and orders.
        verbose: "auto" shows progress on a terminal, 0 never, 1 always.
        listener: Called with each event instead of showing progress.
        lanes: Trainings at once; None is one per core and one more.
        store: Where to keep the trainings as a run; None writes nothing.
        overrule: Checks of the doctor (see `examine`) whose leakage is accepted.

    Returns:
        Records, means, intervals, out-of-fold predictions, charts.

    Raises:
        InputError: Before training, if an argument or the model is wrong.
        DataError: Before training, if the data is.
        LeakageError: If rows are on both sides of a fold, or the doctor finds a leak.
        FitError: If every training failed.

    Examples:
        >>> import numpy as np, keras, homeroom as hr
        >>> def line():
        ...     model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        ...     model.compile("sgd", loss="mse")
        ...     return model
        >>> x = np.linspace(0, 1, 60).reshape(-1, 1)
        >>> cv = hr.cross_validate(line, x, 2.5 * x, cv=3, seeds=2, epochs=2)
        >>> len(cv.members), cv.interval("val_loss").level
        (6, 0.95)
    """
    seed = check_seed(seed)
    check_verbose(verbose)
    engine.lane_count(lanes)
    dataset = data.from_arrays(
        x,
        y,
        sample_weight=sample_weight,
        groups=groups,
        allow_missing=preprocess is not None,
    )
    plan = splits.make_plan(cv, dataset, seed=seed)
    candidate = as_candidate(model, {})
    if candidate.kind == "estimator" and (early_stopping or callbacks):
        raise InputError(
            "A scikit-learn estimator has no epochs: early_stopping= and callbacks= "
            "would have no effect. Leave them out."
        )
    training = training_of(
        epochs=epochs,
        batch_size=batch_size,
        early_stopping=early_stopping,
        class_weight=class_weight,
        shuffle=shuffle,
        callbacks=callbacks,
    )
    check_epoch_choice(epoch_choice, training.early_stopping)
    case = case_of(dataset, plan, preprocess=preprocess, seed=seed)
    examined = before_training(case, overrule)
    assignments = assign(
        [candidate],
        dataset,
        plan.folds,
        n_seeds=seeds,
        seed=seed,
        preprocess=preprocess,
        epoch_choice=epoch_choice,
    )
    task = dataset.record.task
    prepared = trials.prepare(assignments, training, dataset, lanes=lanes)
    found = prepared.descriptions
    course = passes(
        epoch_choice,
        prepared,
        plan,
        dataset,
        seed=seed,
        preprocess=preprocess,
        lanes=lanes,
    )
    yardstick = trials.choose_metric(metric, task, found)
    settings = settings_of(
        training,
        seed=seed,
        n_seeds=seeds,
        directions=found[candidate.name].directions,
        epoch_choice=epoch_choice,
    )
    kept = None if store is None else open_keeping(store)
    with progress(verbose, yardstick, listener, [candidate.name]) as tell:
        tell(Examined(examined))
        results = course.run(settings, yardstick, tell)
    predictions = out_of_fold(results, dataset.n_rows)
    result = CrossValidation(
        candidate=candidate.name,
        members=tuple(result.record for result in results),
        plan=plan.record,
        metric=yardstick,
        predictions=predictions,
        directions=found[candidate.name].directions,
        examination=after_training(examined, case, {candidate.name: predictions}),
        settings=settings,
        out_of_fold=counted(
            predictions, results, dataset, logits=found[candidate.name].logits
        ),
        programs=prepared.ledger.records(),
    )
    if kept is not None:
        weights = found[candidate.name].n_weights
        mine = candidate.record(weights or None)
        keep_run(
            kept,
            mine,
            dataset,
            plan.record,
            settings,
            yardstick,
            result.members,
            result.examination,
            prepared,
        )
    states = {member.state for member in result.members}
    if INTERRUPTED in states:
        raise Interrupted(result)
    if COMPLETE not in states:
        raise FitError(
            f"Every training of {candidate.name!r} failed; the first: "
            f"{result.members[0].error}."
        )
    return result
