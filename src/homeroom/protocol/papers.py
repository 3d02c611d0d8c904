"""Twenty passes over one paper, or one pass over twenty, at equal updates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from homeroom import data, engine, judgement, seeding, splits
from homeroom.errors import FitError, InputError
from homeroom.records import COMPLETE, INTERRUPTED, Listener, Metric
from homeroom.splits import Fold

from . import trials
from .candidate import as_candidate
from .examining import before_training, case_of
from .listening import check_verbose, progress
from .member import assign, check_seed, training_of
from .printed import Printed
from .rows import check_share


@dataclass(frozen=True, eq=False, repr=False)
class PassesStudy(Printed):
    """Scores of equally long trainings on few rows often and on many rows seldom.

    Args:
        passes: How often each point repeats its rows, from 1 up.
        rows: How many rows each point has.
        scores: Validation scores [points][repeats].
        n_updates: Weight updates of every training.
        n_validation: Rows that were scored.
        metric: The yardstick.

    Examples:
        >>> import numpy as np, keras, homeroom as hr
        >>> def line():
        ...     model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        ...     model.compile("sgd", loss="mse")
        ...     return model
        >>> x = np.linspace(0, 1, 200).reshape(-1, 1)
        >>> study = hr.passes_study(line, x, 2 * x, papers=4, repeats=3, batch_size=8)
        >>> study.gain.n, study.to_frame().height
        (3, 9)
    """

    passes: tuple[int, ...]
    rows: tuple[int, ...]
    scores: tuple[tuple[float, ...], ...]
    n_updates: int
    n_validation: int
    metric: Metric

    @property
    def gain(self) -> judgement.Gain:
        """One pass over all rows minus the most passes over the fewest: the answer."""
        return judgement.gain(
            self.scores[0],
            self.scores[-1],
            self.metric,
            n_train=self.rows[0],
            n_validation=self.n_validation,
        )

    def to_frame(self) -> Any:
        """Return one row per training (polars frame)."""
        from homeroom import report

        return report.passes_frame(self.passes, self.rows, self.scores)

    def plot(self) -> Any:
        """Return scores by number of passes as an Altair chart."""
        from homeroom import report

        return report.passes_chart(self._view())

    def _view(self) -> Any:
        from homeroom import report

        return report.passes_view(
            self.passes,
            self.rows,
            self.scores,
            self.gain,
            self.metric,
            n_updates=self.n_updates,
        )

    def __str__(self) -> str:
        from homeroom import report

        return report.passes_text(self._view())

    def _repr_html_(self) -> str:
        from homeroom import report

        return report.passes_html(self._view())


def passes_study(  # noqa: PLR0913 - Keras's and scikit-learn's own arguments
    model: Any,
    x: Any,
    y: Any,
    *,
    papers: int = 20,
    repeats: int = 10,
    validation_size: float = 0.3,
    batch_size: int = 32,
    preprocess: Any = None,
    metric: str | Metric | None = None,
    seed: int = 0,
    verbose: int | str = "auto",
    listener: Listener | None = None,
    lanes: int | None = None,
    overrule: Sequence[str] = (),
) -> PassesStudy:
    """Measure whether repeating few rows is worth as much as reading many once.

    The training rows are cut into equal `papers`. One point reads all of them once,
    another a single one as many times as there are papers; between them lie the
    divisors of their number. Every training has the same number of weight updates
    and is scored on the same validation rows; each repeat cuts everything anew.

    Args:
        model: A model function or a compiled `keras.Model`.
        x: Inputs, as in `cross_validate`.
        y: Targets [n, …].
        papers: Into how many parts the training rows are cut.
        repeats: How often everything is cut and trained anew.
        validation_size: Share of the rows that are scored.
        batch_size: Rows per weight update, at most: a paper is cut into equal
            batches.
        preprocess: A scikit-learn transformer, fitted on the rows that are read.
        metric: The yardstick; accuracy or an error by default.
        seed: Decides cuts, weights and orders.
        verbose: "auto" shows progress on a terminal, 0 never, 1 always.
        listener: Called with each event instead of showing progress.
        lanes: Trainings at once; None is one per core and one more.
        overrule: Checks of the doctor (see `examine`) whose leakage is accepted.

    Returns:
        Scores of every point, and the answer with its interval.

    Raises:
        InputError: Before training, if an argument or the model is wrong, or there
            are fewer training rows than papers.
        DataError: Before training, if the data is.
        LeakageError: Before training, if the doctor finds a leak.
        FitError: If a training failed.

    Examples:
        >>> import numpy as np, keras, homeroom as hr
        >>> def line():
        ...     model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        ...     model.compile("sgd", loss="mse")
        ...     return model
        >>> x = np.linspace(0, 1, 200).reshape(-1, 1)
        >>> study = hr.passes_study(line, x, 2 * x, papers=4, repeats=2, batch_size=8)
        >>> study.passes, len(set(study.rows))
        ((1, 2, 4), 3)
    """
    seed = check_seed(seed)
    check_verbose(verbose)
    engine.lane_count(lanes)
    for name, value, least in (("papers", papers, 2), ("repeats", repeats, 2)):
        if not isinstance(value, int) or value < least:
            raise InputError(f"{name}={value!r}: use a whole number, {least} or more.")
    check_share("validation_size", validation_size)
    dataset = data.from_arrays(x, y, allow_missing=preprocess is not None)
    candidate = as_candidate(model, {})
    if candidate.kind == "estimator":
        raise InputError(
            "A scikit-learn estimator is not trained in passes over its rows: there "
            "is nothing to study. Give a model function."
        )
    training_of(epochs=papers, batch_size=batch_size)  # checks both
    passes = tuple(n for n in range(1, papers + 1) if papers % n == 0)
    folds, epochs = [], []
    for repeat in range(repeats):
        at = seeding.derive(seed, "passes", repeat)
        cut = splits.partition(dataset, test_size=validation_size, seed=at)
        batch, paper = _paper(len(cut.development), papers, batch_size)
        rows = seeding.generator(at, "papers").permutation(cut.development)
        for n in passes:
            mine = np.sort(rows[: paper * (papers // n)]).astype(np.int32)
            folds.append(Fold(0, repeat, mine, cut.test))
            epochs.append(n)
    case = case_of(dataset, folds[:1], preprocess=preprocess, seed=seed)
    before_training(case, overrule)
    training = replace(
        training_of(epochs=papers, batch_size=batch),
        keep_predictions=False,
    )
    assignments = assign(
        [candidate],
        dataset,
        folds,
        n_seeds=1,
        seed=seed,
        preprocess=preprocess,
    )
    chosen = []
    for each in assignments:
        path = ("passes", each.fold // len(passes))  # a repeat's weights begin alike
        weights = seeding.derive(seed, "weights", *path)
        member = replace(each.member, epochs=epochs[each.fold], seed=weights)
        chosen.append(replace(each, member=member))
    prepared = trials.prepare(chosen, training, dataset, lanes=lanes)
    yardstick = trials.choose_metric(metric, dataset.record.task, prepared.descriptions)
    with progress(verbose, yardstick, listener, [candidate.name]) as tell:
        results = trials.run(prepared, tell)
    scores = _scores([r.record for r in results], yardstick)
    return PassesStudy(
        passes=passes,
        rows=tuple(paper * (papers // n) for n in passes),
        scores=tuple(tuple(scores[i :: len(passes)]) for i in range(len(passes))),
        n_updates=results[0].record.n_updates,
        n_validation=len(folds[0].validation),
        metric=yardstick,
    )


def _paper(n_rows: int, papers: int, batch_size: int) -> tuple[int, int]:
    """Return the rows of a batch and of a paper: whole batches, for equal updates."""
    share = n_rows // papers
    if share < 1:
        raise InputError(
            f"{n_rows} training rows cannot be cut into {papers} papers: use fewer "
            "papers, or a smaller validation_size."
        )
    batches = -(-share // batch_size)
    return share // batches, share // batches * batches


def _scores(records: Sequence[Any], metric: Metric) -> list[float]:
    for record in records:
        if record.state == INTERRUPTED:
            raise KeyboardInterrupt
        if record.state != COMPLETE:
            raise FitError(f"A training failed: {record.error}.")
    return [record.scores[metric.validation_key] for record in records]
