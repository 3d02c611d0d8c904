"""Nested cross-validation: what a search is worth on rows that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from homeroom import data, engine, splits
from homeroom.engine import EarlyStopping
from homeroom.errors import FitError, InputError
from homeroom.records import (
    COMPLETE,
    Examined,
    Interval,
    Listener,
    Metric,
    ProgramRecord,
)

from . import trials
from .answers import out_of_fold
from .candidate import is_estimator
from .cross_validation import CrossValidation
from .examining import after_training, before_training, case_of
from .fitting import Interrupted
from .inside import inner_plan, row_counts, seed_of
from .ledger import Ledger
from .listening import check_verbose, progress
from .member import check_seed, settings_of, training_of
from .nesting import Nest
from .printed import Printed, lines
from .searching import begin
from .space import searched_model, trial_count
from .trial import Ground
from .tuning import Search


@dataclass(frozen=True, eq=False, repr=False)
class NestedCrossValidation(Printed):
    """A search made anew inside every outer fold, and scored on rows it never saw.

    Args:
        searches: The search of every outer fold that has been made, in order.
        outer: The trainings on the outer folds, each with the best hyperparameters of
            its search.
        programs: The compiled programs of all of them, each once, with the seconds of
            making it. Those of a search, or of `outer`, say which of them it was the
            first to need.

    Examples:
        >>> import numpy as np, keras, homeroom as hr
        >>> def line(learning_rate=0.1):
        ...     model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        ...     model.compile(keras.optimizers.SGD(learning_rate), loss="mse")
        ...     return model
        >>> x = np.linspace(0, 1, 60).reshape(-1, 1)
        >>> nested = hr.nested_cross_validate(
        ...     line, {"learning_rate": [0.001, 0.1]}, x, 2.5 * x, outer_cv=3, cv=2
        ... )
        >>> [params["learning_rate"] for params in nested.best_params]
        [0.1, 0.1, 0.1]
        >>> nested.interval.level
        0.95
    """

    searches: tuple[Search, ...]
    outer: CrossValidation
    programs: tuple[ProgramRecord, ...] = ()

    @property
    def metric(self) -> Metric:
        """The yardstick, of both the inner and the outer scores."""
        return self.outer.metric

    @property
    def score(self) -> float:
        """The mean outer score: what searching like this is expected to give."""
        return self.outer.mean()

    @property
    def interval(self) -> Interval | None:
        """The corrected 95 % interval of `score` (Nadeau & Bengio 2003)."""
        return self.outer.interval()

    @property
    def inner_best(self) -> float:
        """The mean of the best scores that the searches report of themselves."""
        return float(np.mean([s.best_score for s in self.searches if _found(s)]))

    @property
    def optimism(self) -> float:
        """How much better the searches' best scores are than those outside.

        The mean over the outer folds that have both, in units of the metric. Positive
        is too good, whatever the direction of the metric (Cawley & Talbot 2010;
        Varma & Simon 2006).
        """
        sign = 1 if self.metric.direction == "max" else -1
        outside = self.outer.summary().fold_scores
        gaps = [
            sign * (search.best_score - score)
            for search, score in zip(self.searches, outside, strict=False)
            if _found(search) and not np.isnan(score)
        ]
        return float(np.mean(gaps)) if gaps else float("nan")

    @property
    def best_params(self) -> tuple[dict[str, Any], ...]:
        """The hyperparameters that each outer fold's search found best."""
        return tuple(s.best_params for s in self.searches if _found(s))

    def to_frame(self) -> Any:
        """Return one row per outer fold as a polars frame."""
        from homeroom import report

        return report.nested_frame(self._view())

    def __str__(self) -> str:
        """Return what the search is worth, and how much it flatters itself."""
        if not self.outer.members:
            return f"No outer fold of {self.outer.candidate!r} has been scored."
        view = self._view()
        said = (view.headline, view.missing, view.verdict, view.agreement)
        return lines(*said, f"{view.counts}.")

    def _view(self) -> Any:
        from homeroom import report

        found = [(_found(search), search) for search in self.searches]
        nan = float("nan")
        return report.nested_view(
            self.outer.candidate,
            self.outer.summary(),
            inner=[s.best_score if known else nan for known, s in found],
            expected=[s.optimism if known else nan for known, s in found],
            hyperparameters=[
                s.best_trial.hyperparameters if known else {} for known, s in found
            ],
            trials=[trial for search in self.searches for trial in search.trials],
        )

    def _repr_html_(self) -> str | None:
        from homeroom import report

        return report.nested_html(self._view()) if self.outer.members else None


def _found(search: Search) -> bool:
    return any(trial.state == COMPLETE for trial in search.trials)


def nested_cross_validate(  # noqa: PLR0913 - the words of tune, and the outer folds
    model: Any,
    space: Any,
    x: Any,
    y: Any,
    *,
    outer_cv: Any = 5,
    n_trials: int | None = None,
    sampler: str = "tpe",
    prune: bool = True,
    cv: Any = 5,
    seeds: int = 1,
    batch_size: int = 32,
    epochs: int = 1,
    early_stopping: EarlyStopping | None = None,
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
    overrule: Sequence[str] = (),
) -> NestedCrossValidation:
    """Say what tuning is worth: search inside every outer fold, score outside.

    The best score of a search flatters it, because it is the best of many on the rows
    that chose it. Here a search (see `tune`) is made anew on the training rows of
    every outer fold. Its best hyperparameters are then trained on all of those rows,
    for as many updates as were best in its own folds, and scored once on the outer
    validation rows, which took part in nothing: neither in the search, nor in
    stopping, nor in preprocessing.

    Args:
        model: A function of hyperparameters, or an estimator, as in `tune`.
        space: What is searched, as in `tune`.
        x: Inputs, as in `cross_validate`.
        y: Targets [n, …].
        outer_cv: The outer folds, as `cv` in `cross_validate`.
        n_trials: Trials of each search; None is 20, or the whole grid.
        sampler: How trials are chosen, as in `tune`.
        prune: Whether hopeless trials are given up.
        cv: The inner folds of each search: a number, a strategy or a splitter.
        seeds: Trainings on each outer fold; the searches have one.
        batch_size: Rows per weight update.
        epochs: Passes over the training rows, at most.
        early_stopping: When the trainings of the searches stop.
        groups: One group per row; a group is never on both sides, inside or outside.
        sample_weight: One weight per row.
        class_weight: Weight per class, for training rows only.
        callbacks: Keras callbacks that only read the logs of an epoch, in searches.
        preprocess: A scikit-learn transformer, fitted on the training rows of each
            inner and each outer fold.
        metric: The yardstick; accuracy or an error by default.
        shuffle: Whether each epoch has a new order of rows.
        seed: Decides folds, trials, weights and orders.
        verbose: "auto" shows progress on a terminal, 0 never, 1 always.
        listener: Called with each event instead of showing progress.
        lanes: Trainings at once; None is one per core and one more.
        overrule: Checks of the doctor (see `examine`) whose leakage is accepted.

    Returns:
        The searches, the outer scores, and how much the searches flattered.

    Raises:
        InputError: Before training, if an argument, the space or the model is wrong.
        DataError: Before training, if the data is.
        LeakageError: If rows are on both sides of a fold, or the doctor finds a leak.
        FitError: If no outer fold has a score.

    Examples:
        >>> import numpy as np, keras, homeroom as hr
        >>> def line(learning_rate=0.1):
        ...     model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        ...     model.compile(keras.optimizers.SGD(learning_rate), loss="mse")
        ...     return model
        >>> x = np.linspace(0, 1, 60).reshape(-1, 1)
        >>> space = {"learning_rate": [0.01, 0.1]}
        >>> nested = hr.nested_cross_validate(
        ...     line, space, x, 2.5 * x, outer_cv=3, cv=2, epochs=2
        ... )
        >>> len(nested.searches), nested.to_frame().height
        (3, 3)
    """
    seed = check_seed(seed)
    check_verbose(verbose)
    engine.lane_count(lanes)
    name = str(getattr(model, "__name__", type(model).__name__))
    model, space = searched_model(model, space)
    n_trials = trial_count(n_trials, sampler, space)
    if is_estimator(model) and (early_stopping or callbacks):
        raise InputError(
            "A scikit-learn estimator has no epochs: early_stopping= and callbacks= "
            "would have no effect. Leave them out."
        )
    dataset = data.from_arrays(
        x,
        y,
        sample_weight=sample_weight,
        groups=groups,
        allow_missing=preprocess is not None,
    )
    plan = splits.make_plan(outer_cv, dataset, seed=seed)
    inner = [inner_plan(cv, dataset, fold, seed) for fold in plan.folds]
    training = training_of(
        epochs=epochs,
        batch_size=batch_size,
        early_stopping=early_stopping,
        class_weight=class_weight,
        shuffle=shuffle,
        callbacks=callbacks,
    )
    training = replace(
        training,
        search=f"{name} {sampler} {seed} {space!r}",
        row_counts=row_counts([plan, *inner]),
    )
    case = case_of(dataset, plan, preprocess=preprocess, seed=seed)
    examined = before_training(case, overrule)
    ledger = Ledger()
    grounds = [
        Ground(
            model,
            dataset,
            each,
            training,
            1,
            seed_of(seed, i),
            preprocess,
            lanes,
            ledger=ledger.under(name),
        )
        for i, each in enumerate(inner)
    ]
    nest = Nest(
        name,
        plan,
        grounds,
        seeds,
        lambda ground: begin(
            ground, space, sampler=sampler, n_trials=n_trials, prune=prune
        ),
        ledger.under(name),
    )
    first = nest.begin(grounds[0])
    described = next(iter(first.descriptions.values()))
    yardstick = trials.choose_metric(metric, dataset.record.task, {name: described})
    with progress(verbose, yardstick, listener) as tell:
        tell(Examined(examined))
        done = nest.run(first, yardstick, tell)
    predictions = out_of_fold(done.results, dataset.n_rows)
    outer = CrossValidation(
        candidate=name,
        members=tuple(result.record for result in done.results),
        plan=plan.record,
        metric=yardstick,
        predictions=predictions,
        directions=described.directions,
        examination=after_training(examined, case, {name: predictions}),
        settings=settings_of(
            trials.without_stopping(training, epochs),
            seed=seed,
            n_seeds=seeds,
            directions=described.directions,
        ),
        programs=nest.ledger.records(),
    )
    nested = NestedCrossValidation(tuple(done.searches), outer, ledger.records())
    if done.interrupted:
        raise Interrupted(nested)
    if not any(member.state == COMPLETE for member in outer.members):
        why = next((t.error for s in done.searches for t in s.trials if t.error), None)
        raise FitError(
            f"No outer fold of {name!r} has a score"
            + (f"; the first failure: {why}." if why else ".")
        )
    return nested
