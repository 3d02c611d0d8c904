"""Many hyperparameters on the same folds: which are best, and how far to trust that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeroom import data, engine, judgement, splits
from homeroom.engine import EarlyStopping
from homeroom.errors import FitError, InputError
from homeroom.records import (
    COMPLETE,
    Examination,
    Examined,
    Listener,
    Metric,
    ProgramRecord,
    SplitPlanRecord,
    TrialRecord,
)

from . import trials
from .candidate import as_candidate, is_estimator
from .cross_validation import CrossValidation
from .examining import after_training, before_training, case_of
from .fitting import Interrupted
from .listening import check_verbose, progress
from .member import check_seed, training_of
from .prediction import predict_rows
from .printed import Printed, lines
from .refit import train_on_all, updates_of
from .searching import begin
from .space import searched_model, trial_count
from .trial import Ground
from .winner import Winner


@dataclass(frozen=True, eq=False, repr=False)
class Search(Printed):
    """The trials of one model's hyperparameters, all on the same folds.

    Args:
        candidate: The model's name.
        trials: One record per trial, in order, those given up or failed included.
        plan: What was split how.
        metric: The yardstick.
        predictions: Out-of-fold predictions of the best trial [n, …], None if none.
        directions: Which way each other metric is better, "max" or "min".
        examination: What the doctor found before the search and in the best trial.
        programs: The compiled programs: which trials share one, why each was needed
            and what making it took.

    Examples:
        >>> import numpy as np, keras, homeroom as hr
        >>> def line(learning_rate=0.1):
        ...     model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        ...     model.compile(keras.optimizers.SGD(learning_rate), loss="mse")
        ...     return model
        >>> x = np.linspace(0, 1, 60).reshape(-1, 1)
        >>> search = hr.tune(
        ...     line, {"learning_rate": [0.001, 0.1]}, x, 2.5 * x, cv=3, epochs=5
        ... )
        >>> search.best_params, len(search.cross_validation().members)
        ({'learning_rate': 0.1}, 3)
        >>> search.model.predict(x[:2], verbose=0).shape
        (2, 1)
    """

    candidate: str
    trials: tuple[TrialRecord, ...]
    plan: SplitPlanRecord
    metric: Metric
    predictions: NDArray[np.float32] | None = None
    directions: Mapping[str, str] = field(default_factory=dict)
    examination: Examination | None = None
    programs: tuple[ProgramRecord, ...] = ()
    _values: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    _ground: Ground | None = field(default=None, repr=False)

    @property
    def best_trial(self) -> TrialRecord:
        """The complete trial with the best mean score; the earliest of equals.

        Raises:
            FitError: If no trial is complete.
        """
        done = [trial for trial in self.trials if trial.state == COMPLETE]
        if not done:
            raise FitError(_nothing_complete(self.candidate, self.trials))
        best = done[0]
        for trial in done[1:]:
            mine, known = (self.summary(t.number).mean for t in (trial, best))
            best = trial if self.metric.better(mine, known) else best
        return best

    @property
    def best_params(self) -> dict[str, Any]:
        """The hyperparameters of the best trial, as the model function takes them."""
        return dict(self._values[self.best_trial.number])

    @property
    def best_score(self) -> float:
        """The best trial's mean validation score, which flatters it: see `optimism`."""
        return self.summary().mean

    @property
    def optimism(self) -> float:
        """How much `best_score` is expected to exceed the true score of the best trial.

        The expected maximum of as many independent scores as there are trials with a
        score, times the corrected standard error of the best, in units of the metric.
        Trials are correlated, so it is an upper bound. NaN with one fold.
        """
        n = sum(any(m.scores for m in trial.members) for trial in self.trials)
        if n < 2:
            return 0.0
        return judgement.expected_maximum(n) * self.summary().standard_error

    def summary(self, number: int | None = None) -> judgement.Summary:
        """Return mean, spreads and interval of a trial; of the best by default."""
        trial = self._trial(number)
        return judgement.summarize(trial.members, self.plan, self.metric)

    def cross_validation(self, number: int | None = None) -> CrossValidation:
        """Return a trial as a `CrossValidation`; the best by default.

        Only the best has out-of-fold predictions.
        """
        trial = self._trial(number)
        best = trial.state == COMPLETE and trial == self.best_trial
        return CrossValidation(
            candidate=trial.candidate,
            members=trial.members,
            plan=self.plan,
            metric=self.metric,
            predictions=self.predictions if best else None,
            directions=self.directions,
            examination=self.examination if best else None,
        )

    @property
    def model(self) -> Any:
        """A `keras.Model` (or fitted estimator) with the best hyperparameters.

        Trained once more, on all rows, when it is first asked for. It gets as many
        weight updates as the best trial's trainings had at their best, in the median.
        `best_score` and `optimism` say what to expect of it.

        Raises:
            FitError: If no trial is complete, or this training fails.
        """
        return self._winner.model

    def predict(self, x: Any) -> Any:
        """Return what `model` answers for new rows of the same form as x.

        Args:
            x: Inputs [n, …], before preprocessing.

        Returns:
            float32 [n, …]: what the Keras model gives; of an estimator probabilities
            [n, classes] or numbers [n, 1].

        Raises:
            DataError: If the rows are not numbers, or hold NaN that nothing fills in.
            InputError: If a row has another shape than in training.
        """
        winner, ground = self._winner, self._ground
        assert ground is not None
        return predict_rows(winner, x, ground.dataset.record)

    @cached_property
    def _winner(self) -> Winner:
        ground, members = self._ground, self.best_trial.members
        if ground is None:
            raise FitError("An inner search has no model; homeroom.tune makes one.")
        winner, _ = train_on_all(
            as_candidate(ground.model, self.best_params, self.candidate),
            ground.dataset,
            ground.training,
            updates_of(members),
            seed=ground.seed,
            preprocess=ground.preprocess,
            ledger=ground.ledger,
        )
        return winner

    def plot(self) -> Any:
        """Return every trial's score in order, and the best so far, as a chart."""
        from homeroom import report

        return report.search_chart(self._view())

    def to_frame(self) -> Any:
        """Return one row per trial as a polars frame."""
        from homeroom import report

        return report.trials_frame(self.trials, self.plan, self.metric)

    def __str__(self) -> str:
        """Return the best trial, how much that flatters it, and what was done."""
        view = self._view()
        return lines(view.headline, view.optimism, f"{view.counts}.")

    def _trial(self, number: int | None) -> TrialRecord:
        if number is None:
            return self.best_trial
        found = next((t for t in self.trials if t.number == number), None)
        if found is None or not found.members:
            told = "was never trained" if found else "does not exist"
            raise InputError(
                f"Trial {number!r} {told}; there are trials 0 to "
                f"{len(self.trials) - 1}."
            )
        return found

    def _view(self) -> Any:
        from homeroom import report

        done = any(trial.state == COMPLETE for trial in self.trials)
        return report.search_view(
            self.candidate,
            self.trials,
            self.plan,
            self.metric,
            best=self.best_trial.number if done else None,
            optimism=self.optimism if done else 0.0,
        )

    def _repr_html_(self) -> str:
        from homeroom import report

        html: str = report.search_html(self._view())
        return html


def tune(  # noqa: PLR0913 - what is searched how, and the words of cross_validate
    model: Any,
    space: Any,
    x: Any,
    y: Any,
    *,
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
) -> Search:
    """Try hyperparameters, each by cross-validation on the same folds.

    Trials are proposed eight at a time by Optuna, those of a Keras model a batch
    ahead: the next eight are made ready while eight train, so that the sampler knows
    all answers but theirs. Models that differ in rates, penalties and other constants
    share one compiled program, so that a trial costs its arithmetic; the last digit
    of a value may then differ from `cross_validate` (`sameness` is "shared").

    With `prune` a trial may be given up twice. Between epochs, on its first fold:
    by Hyperband (Li et al. 2018), against the earlier batches at the same epoch.
    Between folds: when a paired test on the folds that are done (corrected resampled
    t, one-sided, 95 %, after half of the folds, and after all before more seeds) puts
    it behind the leader. A lag that does not matter in practice (0.01 of a share, 1 %
    of anything else) never ends a trial. Neither depends on how fast a machine is:
    the same arguments give the same trials.

    Args:
        model: A function of hyperparameters that returns a compiled `keras.Model`, or
            a scikit-learn estimator. In KerasTuner's style: a function `build(hp)`,
            with `space=None`.
        space: Maps hyperparameters to lists, `uniform`, `log_uniform`, `integers`,
            `choice` or single values. In Optuna's style: a function of a trial that
            returns a dict of hyperparameters (or None for all that it suggested).
        x: Inputs, as in `cross_validate`.
        y: Targets [n, …].
        n_trials: Different combinations to try (fewer where the space has fewer);
            None is 20, or the whole grid.
        sampler: "tpe" (learns from earlier trials), "random", "grid", "qmc" or "cmaes".
        prune: Whether hopeless trials are given up; their scores are partial.
        cv: Folds, as in `cross_validate`.
        seeds: Trainings per fold.
        batch_size: Rows per weight update.
        epochs: Passes over the training rows, at most.
        early_stopping: When to stop; each fold by itself (`epoch_choice="per_fold"`).
        groups: One group per row; a group is never on both sides.
        sample_weight: One weight per row.
        class_weight: Weight per class, for training rows only.
        callbacks: Keras callbacks that only read the logs of an epoch.
        preprocess: A scikit-learn transformer, fitted on each fold's training rows.
        metric: The yardstick; accuracy or an error by default.
        shuffle: Whether each epoch has a new order of rows.
        seed: Decides trials, folds, weights and orders.
        verbose: "auto" shows progress on a terminal, 0 never, 1 always.
        listener: Called with each event instead of showing progress.
        lanes: Trainings at once; None is one per core and one more.
        overrule: Checks of the doctor (see `examine`) whose leakage is accepted.

    Returns:
        Every trial, the best hyperparameters, and how optimistic their score is.

    Raises:
        InputError: Before training, if an argument, the space or the model is wrong.
        DataError: Before training, if the data is.
        LeakageError: If rows are on both sides of a fold, or the doctor finds a leak.
        FitError: If no trial is complete.

    Examples:
        >>> import numpy as np, keras, homeroom as hr
        >>> def line(learning_rate=0.1):
        ...     model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        ...     model.compile(keras.optimizers.SGD(learning_rate), loss="mse")
        ...     return model
        >>> x = np.linspace(0, 1, 60).reshape(-1, 1)
        >>> space = {"learning_rate": hr.log_uniform(1e-4, 0.5)}
        >>> search = hr.tune(line, space, x, 2.5 * x, n_trials=5, cv=3, epochs=5)
        >>> len(search.trials), search.best_params["learning_rate"] > 0.01
        (5, True)
    """
    seed = check_seed(seed)
    check_verbose(verbose)
    engine.lane_count(lanes)
    name = str(getattr(model, "__name__", type(model).__name__))
    model, space = searched_model(model, space)
    n_trials = trial_count(n_trials, sampler, space)
    dataset = data.from_arrays(
        x,
        y,
        sample_weight=sample_weight,
        groups=groups,
        allow_missing=preprocess is not None,
    )
    plan = splits.make_plan(cv, dataset, seed=seed)
    training = training_of(
        epochs=epochs,
        batch_size=batch_size,
        early_stopping=early_stopping,
        class_weight=class_weight,
        shuffle=shuffle,
        callbacks=callbacks,
    )
    training = replace(training, search=f"{name} {sampler} {seed} {space!r}")
    if is_estimator(model) and (early_stopping or callbacks):
        raise InputError(
            "A scikit-learn estimator has no epochs: early_stopping= and callbacks= "
            "would have no effect. Leave them out."
        )
    case = case_of(dataset, plan, preprocess=preprocess, seed=seed)
    examined = before_training(case, overrule)
    ground = Ground(model, dataset, plan, training, seeds, seed, preprocess, lanes)
    searching = begin(ground, space, sampler=sampler, n_trials=n_trials, prune=prune)
    described = searching.descriptions
    yardstick = trials.choose_metric(metric, dataset.record.task, described)
    with progress(verbose, yardstick, listener) as tell:
        tell(Examined(examined))
        found = searching.run(yardstick, tell)
    if found.predictions is not None:
        examined = after_training(examined, case, {"the best trial": found.predictions})
    result = Search(
        candidate=name,
        trials=found.records,
        plan=plan.record,
        metric=yardstick,
        predictions=found.predictions,
        directions=next(iter(described.values())).directions,
        examination=examined,
        programs=ground.ledger.records(),
        _values=[trial.values for trial in found.tried],
        _ground=ground,
    )
    if found.interrupted:
        raise Interrupted(result)
    if found.best is None:
        raise FitError(_nothing_complete(name, result.trials))
    return result


def _nothing_complete(name: str, records: Sequence[TrialRecord]) -> str:
    failed = next((t for t in records if t.error), None)
    why = f"; trial {failed.number} failed: {failed.error}" if failed else ""
    return f"No trial of {name!r} is complete, so none is the best{why}."
