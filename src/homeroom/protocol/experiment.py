"""The whole exam: candidates in, one answer out, the test opened once."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from homeroom import data, engine, judgement, splits
from homeroom.engine import EarlyStopping, Training
from homeroom.errors import InputError, check_one_of
from homeroom.records import RUNNING, Examined, Forecast, Listener, Metric, RunRecord
from homeroom.store import Store

from . import trials
from .candidate import Candidate
from .carrying_out import carry_out
from .choosing import told_preprocessing, warn_of_openings
from .defaults import defaults
from .environment import environment
from .epoch_choice import check_epoch_choice
from .examining import before_training, case_of, in_order_of_time
from .final_model import FINAL_MODELS, REFIT, check_can_ship
from .final_test import SealedTest
from .forecasting import forecast
from .listening import check_verbose, progress
from .materials import is_whole_file, open_keeping
from .member import MEAN_CURVE, check_seed, settings_of, training_of
from .rows import whole_dataset
from .run import Run, evolved
from .trial import Ground
from .tuned import Tuned, enter, entered


class Experiment:
    """Candidates that are compared on the same folds, with the test rows sealed.

    The test rows are cut off here, before anything else sees the data. What follows
    knows their number and their fingerprint, until `Run.final_test` opens them once.

    Args:
        x: Inputs: an array [n, …], a list or dict of arrays, a frame of numbers, or a
            whole `Dataset` (then without y).
        y: Targets [n, …]; text labels are numbered.
        test_size: Share (or number) of rows to seal; stratified for classes, whole
            groups when `groups` is given.
        shuffle: False seals the last rows, for data in order of time.
        seed: Decides the cut, folds, weights and orders.
        groups: One group per row; a group is never on both sides.
        time: When each row was [n], or a date column of a `Dataset`: rows are put in
            this order, the last are sealed, and folds follow it (`TimeSeriesSplit`).
        sample_weight: One weight per row.
        preprocess: A scikit-learn transformer, fitted on each fold's training rows.
        name: What runs are called in the store.
        store: Where runs stay: a path, or None for HOMEROOM_STORE or `homeroom.db`.

    Raises:
        DataError: If the development rows cannot be trained on.
        InputError: If an argument is wrong.

    Examples:
        >>> import numpy as np, keras, homeroom as hr
        >>> def line(learning_rate=0.1):
        ...     model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        ...     model.compile(keras.optimizers.SGD(learning_rate), loss="mse")
        ...     return model
        >>> x = np.linspace(0, 1, 80).reshape(-1, 1)
        >>> experiment = hr.Experiment(x, 2.5 * x, seed=7, store=":memory:")
        >>> experiment.add("fast", line).add("slow", line, learning_rate=0.001)
        Experiment(2 candidates, 64 development rows, 16 sealed test rows)
        >>> run = experiment.run(cv=3, epochs=5)
        >>> run.selection.candidate
        'fast'
        >>> run.final_test().n
        16
    """

    def __init__(  # noqa: PLR0913 - what must be said before the cut
        self,
        x: Any,
        y: Any = None,
        *,
        test_size: float = 0.2,
        shuffle: bool = True,
        seed: int = 0,
        groups: Any = None,
        time: Any = None,
        sample_weight: Any = None,
        preprocess: Any = None,
        name: str | None = None,
        store: str | Path | None = None,
    ) -> None:
        self._seed = seed = check_seed(seed)
        dataset = whole_dataset(x, y, groups, sample_weight, name)
        read_again = preprocess is None and is_whole_file(dataset)
        when = None
        if time is not None:
            dataset, when = in_order_of_time(dataset, time)
        ordered = not shuffle or when is not None
        partition = splits.partition(
            dataset, test_size=test_size, seed=seed, ordered=ordered
        )
        self._development = dataset.take(partition.development)
        self._sealed = SealedTest(dataset, partition)
        self._partition = partition.record
        self._file_rows = self._development.ids if read_again else None
        self._time = None if when is None else when[partition.development]
        self._candidates: list[Candidate | Tuned] = []
        self._preprocess = preprocess
        self._name = name or dataset.record.name
        self._store_at = store
        self._store: Store | None = None
        if preprocess is None and not dataset.is_table:
            data.check_rows(self._development)

    def add(
        self,
        candidate: str,
        model: Any,
        /,
        *,
        space: Any = None,
        n_trials: int | None = None,
        sampler: str = "tpe",
        prune: bool = True,
        **hyperparameters: Any,
    ) -> Experiment:
        """Enter a candidate; returns the experiment.

        With a `space` the candidate is tuned first (see `tune`), on the folds of the
        run and its first seed alone, and is then compared with the best
        hyperparameters that were found. Every trial counts in the optimism of the
        choice.

        Args:
            candidate: Its name in every result.
            model: A function that returns a compiled `keras.Model`, a compiled model
                (copied, never trained itself), or a scikit-learn estimator. What is
                filled into the function is said at `cross_validate`.
            space: Hyperparameters to search, as in `tune`.
            n_trials: Different combinations to try; None is 20, or the whole grid.
            sampler: How they are chosen, as in `tune`.
            prune: Whether hopeless trials are given up.
            **hyperparameters: Keyword arguments of the function, or parameters of
                the estimator, which are not searched.

        Raises:
            InputError: If the name is taken, or a hyperparameter is unknown.
        """
        if any(candidate == known.name for known in self._candidates):
            raise InputError(
                f"There is a candidate {candidate!r} already. Give this one a name of "
                "its own: results are listed by name."
            )
        self._candidates.append(
            entered(
                candidate,
                model,
                hyperparameters,
                space=space,
                n_trials=n_trials,
                sampler=sampler,
                prune=prune,
            )
        )
        return self

    def run(  # noqa: PLR0913 - the plan, in Keras's and scikit-learn's words
        self,
        *,
        cv: Any = 5,
        seeds: int = 1,
        epochs: int = 100,
        batch_size: int = 32,
        early_stopping: EarlyStopping | None = None,
        epoch_choice: str = MEAN_CURVE,
        metric: str | Metric | None = None,
        rule: Any = judgement.STEADIEST,
        final_model: str = REFIT,
        class_weight: dict[int, float] | None = None,
        callbacks: Sequence[Any] = (),
        verbose: int | str = "auto",
        listener: Listener | None = None,
        lanes: int | None = None,
        overrule: Sequence[str] = (),
    ) -> Run:
        """Train every candidate on every fold with every seed; choose; refit.

        Without a candidate of your own the default ones are entered: for rows of
        columns linear, two perceptrons, gradient boosting; for images a convnet.
        Each training that ends is in the store at once. Ctrl-C ends the run as
        interrupted, with what is done kept.

        Args:
            cv: Folds, as in `cross_validate`.
            seeds: Trainings per candidate and fold.
            epochs: Passes over the training rows, at most.
            batch_size: Rows per weight update.
            early_stopping: When to stop. Default: patience 10 on val_loss.
            epoch_choice: What early stopping watches, as in `cross_validate`.
            metric: The yardstick of the choice; accuracy or an error by default.
            rule: Who is chosen: "steadiest_equivalent" (the steadiest of those that
                cannot be told from the best mean), "best_mean", "one_std_err",
                "pct_loss", "worst_fold" (see `homeroom.judgement.select`), or a
                function of a list of summaries that returns a name. What every rule
                would choose is in `Selection.rules`.
            final_model: What is made of the chosen candidate. "refit": one training
                on all rows, for as many updates as were best in the folds. "ensemble":
                the mean of its trainings in the folds. "best_member": the best one of
                those. `Run.final_models` says what each should score.
            class_weight: Weight per class, for training rows only.
            callbacks: Keras callbacks that only read the logs of an epoch.
            verbose: "auto" shows progress on a terminal, 0 never, 1 always.
            listener: Called with each event instead of showing progress.
            lanes: Trainings at once; None is one per core and one more.
            overrule: Checks of the doctor (see `examine`) whose leakage is accepted.

        Returns:
            The run: leaderboard, selection, report, and the right to one final test.

        Raises:
            InputError: Before training, if an argument or a model is wrong.
            LeakageError: Before training, if the doctor finds a leak.
            FitError: If every candidate has a failed training, or the refit fails.
        """
        check_verbose(verbose)
        rule = judgement.check_rule(rule)
        check_one_of("final_model", final_model, FINAL_MODELS)
        ground = self._ground(
            training_of(
                epochs=epochs,
                batch_size=batch_size,
                early_stopping=early_stopping,
                class_weight=class_weight,
                callbacks=callbacks,
            ),
            cv,
            epoch_choice,
            lanes,
        )
        case = case_of(
            self._development,
            ground.plan,
            preprocess=self._preprocess,
            sealed=self._sealed.fingerprints,
            time=self._time,
            seed=self._seed,
        )
        examined = before_training(case, overrule)
        entry = enter(self._members, ground, n_seeds=seeds)
        found = entry.descriptions
        check_can_ship(final_model, found)
        yardstick = trials.choose_metric(metric, self._development.record.task, found)
        directions = ChainMap(*(each.directions for each in found.values()))
        record = RunRecord(
            id="",
            name=self._name,
            state=RUNNING,
            created_at=datetime.now(UTC),
            dataset=self._development.record,
            partition=self._partition,
            plan=ground.plan.record,
            settings=evolved(
                settings_of(
                    ground.training,
                    seed=self._seed,
                    n_seeds=seeds,
                    directions=directions,
                    epoch_choice=epoch_choice,
                ),
                preprocessing=told_preprocessing(self._preprocess, self._development),
                final_model=final_model,
            ),
            metric=yardstick,
            candidates=tuple(
                c.record(found[c.name].n_weights or None) for c in entry.members
            ),
            environment=evolved(environment(), lanes=engine.lane_count(lanes)),
            examination=examined,
        )
        # kept, so that a store in memory knows what this experiment has opened
        store = self._store = self._store or open_keeping(self._store_at)
        names = [] if entry.searching else list(found)
        with progress(verbose, yardstick, listener, names) as tell:
            warn_of_openings(record, store, tell)
            tell(Examined(examined))
            record = store.create_run(record)
            return carry_out(record, case, entry, self._sealed, store, tell, rule)

    def forecast(  # noqa: PLR0913 - the words of `run`
        self,
        *,
        cv: Any = 5,
        seeds: int = 1,
        epochs: int = 100,
        batch_size: int = 32,
        early_stopping: EarlyStopping | None = None,
        epoch_choice: str = MEAN_CURVE,
        class_weight: dict[int, float] | None = None,
        callbacks: Sequence[Any] = (),
        lanes: int | None = None,
    ) -> Forecast:
        """Return what `run` would cost here: programs, seconds, memory.

        Programs are compiled and a few batches trained in every lane; nothing of it is
        kept or stored. Searches, estimators, the refit and the final test are not
        foreseen. The arguments are those of `run`.

        Raises:
            InputError: If an argument or a model is wrong.

        Examples:
            >>> import numpy as np, keras, homeroom as hr
            >>> def line():
            ...     model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
            ...     model.compile("sgd", loss="mse")
            ...     return model
            >>> x = np.linspace(0, 1, 80).reshape(-1, 1)
            >>> experiment = hr.Experiment(x, 2.5 * x).add("line", line)
            >>> forecast = experiment.forecast(cv=4, seeds=2, epochs=9)
            >>> forecast.n_trainings, len(forecast.programs)
            (8, 1)
        """
        training = training_of(
            epochs=epochs,
            batch_size=batch_size,
            early_stopping=early_stopping,
            class_weight=class_weight,
            callbacks=callbacks,
        )
        ground = self._ground(training, cv, epoch_choice, lanes)
        tuned = [each.name for each in self._members if isinstance(each, Tuned)]
        fixed = [each for each in self._members if isinstance(each, Candidate)]
        return forecast(enter(fixed, ground, n_seeds=seeds).fixed, epoch_choice, tuned)

    @property
    def _members(self) -> Sequence[Candidate | Tuned]:
        return self._candidates or defaults(self._development)

    def _ground(
        self, training: Training, cv: Any, epoch_choice: str, lanes: int | None
    ) -> Ground:
        """Return what every training of a run shares.

        Raises:
            InputError: If the folds cannot be made, or an argument is wrong.
        """
        check_epoch_choice(epoch_choice, training.early_stopping)
        engine.lane_count(lanes)
        if self._time is not None and isinstance(cv, int):
            cv = splits.TimeSeriesSplit(cv)
        plan = splits.make_plan(cv, self._development, seed=self._seed)
        if training.early_stopping is None:
            training = replace(training, early_stopping=EarlyStopping(patience=10))
        return Ground(
            None,
            self._development,
            plan,
            training,
            n_seeds=1,
            seed=self._seed,
            preprocess=self._preprocess,
            lanes=lanes,
            epoch_choice=epoch_choice,
            file_rows=self._file_rows,
        )

    def __repr__(self) -> str:
        return (
            f"Experiment({len(self._candidates)} candidates, "
            f"{self._development.n_rows} development rows, "
            f"{self._sealed.n_rows} sealed test rows)"
        )
