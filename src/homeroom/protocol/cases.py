"""How to choose: by the test, by one validation part, by folds, by nested folds.

The founding lesson's four cases as one experiment: each way chooses and says a score,
many times over, and both are held against rows that no way has used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from homeroom import data, engine, judgement, seeding, splits
from homeroom.data import Dataset
from homeroom.errors import FitError, InputError
from homeroom.judgement import (
    BY_FOLDS,
    BY_FOLDS_THEN_TEST,
    BY_NESTED,
    BY_PART,
    BY_TEST,
)
from homeroom.records import COMPLETE, INTERRUPTED, Listener, MemberRecord, Metric
from homeroom.splits import Fold

from . import trials
from .candidate import Candidate, as_candidate
from .examining import before_training, case_of
from .inside import inner_plan
from .listening import check_verbose, progress
from .member import Assignment, assign, check_seed, training_of
from .printed import Printed
from .rows import check_share

TEST, FRESH, PART_FRESH, FOLD, INNER = "test", "fresh", "part fresh", "fold", "inner"


@dataclass(frozen=True, eq=False, repr=False)
class SelectionStudy(Printed):
    """What five ways to choose a model said, and what was true.

    Args:
        ways: One per way, a value per repeat.
        metric: The yardstick.
        n_known: Rows that the ways shared in a repeat.
        n_test: Those of them that were the test.
        n_fresh: Rows that no way used.
        n_trainings: How many trainings it took.
        excluded: Candidates that failed somewhere, and why.

    Examples:
        >>> import numpy as np, homeroom as hr
        >>> from sklearn.neighbors import KNeighborsClassifier as Nearest
        >>> rng = np.random.default_rng(0)
        >>> x, y = rng.normal(size=(200, 4)), rng.integers(0, 2, 200)
        >>> models = {"one": Nearest(1), "nine": Nearest(9)}
        >>> study = hr.selection_study(models, x, y, repeats=3, cv=3)
        >>> len(study.summaries), study.to_frame().height
        (5, 15)
    """

    ways: tuple[judgement.Way, ...]
    metric: Metric
    n_known: int
    n_test: int
    n_fresh: int
    n_trainings: int
    excluded: Mapping[str, str]

    @property
    def summaries(self) -> tuple[judgement.WaySummary, ...]:
        """Mean, spread and percentiles of each way's error."""
        return tuple(judgement.summarize_way(way, self.metric) for way in self.ways)

    def to_frame(self) -> Any:
        """Return one row per way and repeat (polars frame)."""
        from homeroom import report

        return report.study_frame(self.ways)

    def plot(self) -> Any:
        """Return each way's errors over the repeats as an Altair chart."""
        from homeroom import report

        return report.study_chart(self._view())

    def _view(self) -> Any:
        from homeroom import report

        return report.study_view(
            self.ways,
            self.metric,
            n_known=self.n_known,
            n_test=self.n_test,
            n_fresh=self.n_fresh,
            n_trainings=self.n_trainings,
            excluded=self.excluded,
        )

    def __str__(self) -> str:
        from homeroom import report

        return report.study_text(self._view())

    def _repr_html_(self) -> str:
        from homeroom import report

        return report.study_html(self._view())


def selection_study(  # noqa: PLR0913 - Keras's and scikit-learn's own arguments
    models: Mapping[str, Any],
    x: Any,
    y: Any,
    *,
    repeats: int = 20,
    cv: int = 5,
    test_size: float = 0.2,
    fresh_size: float = 0.5,
    batch_size: int = 32,
    epochs: int = 10,
    groups: Any = None,
    preprocess: Any = None,
    metric: str | Metric | None = None,
    seed: int = 0,
    verbose: int | str = "auto",
    listener: Listener | None = None,
    lanes: int | None = None,
    overrule: Sequence[str] = (),
) -> SelectionStudy:
    """Measure how five ways to choose a model err, on your own data.

    In every repeat a part of the rows is put aside as fresh data, which no way uses;
    the others are cut into test and development rows. Then a model is chosen, and a
    score is said for it,

    - by the test rows: the best there, with that score;
    - by one validation part, the first of the folds, with that score; the model is
      the one that was trained on the others;
    - by cross-validation, with its mean; the model is trained on all of them;
    - the same, with the score of a nested cross-validation;
    - by cross-validation, with the score of the test rows, which chose nothing.

    What was said is held against what the chosen model scores on the fresh rows.

    Args:
        models: Candidates by name: model functions, compiled models, estimators.
        x: Inputs, as in `cross_validate`.
        y: Targets [n, …].
        repeats: How often everything is cut and trained anew.
        cv: Folds, inner folds as well; one of them is the single validation part.
        test_size: Share of the known rows that are the test.
        fresh_size: Share of all rows that stand for data nobody has seen.
        batch_size: Rows per weight update.
        epochs: Passes over the training rows.
        groups: One group per row; a group is never on both sides.
        preprocess: A scikit-learn transformer, fitted on each part's training rows.
        metric: The yardstick; accuracy or an error by default.
        seed: Decides cuts, weights and orders.
        verbose: "auto" shows progress on a terminal, 0 never, 1 always.
        listener: Called with each event instead of showing progress.
        lanes: Trainings at once; None is one per core and one more.
        overrule: Checks of the doctor (see `examine`) whose leakage is accepted.

    Returns:
        Errors of each way: mean, spread, percentiles, chart. It takes repeats ×
        models × (3 + cv + cv²) trainings.

    Raises:
        InputError: Before training, if an argument or a model is wrong.
        DataError: Before training, if the data is.
        LeakageError: Before training, if the doctor finds a leak.
        FitError: If every candidate failed somewhere.

    Examples:
        >>> import numpy as np, homeroom as hr
        >>> from sklearn.linear_model import LogisticRegression
        >>> rng = np.random.default_rng(0)
        >>> x, y = rng.normal(size=(200, 4)), rng.integers(0, 2, 200)
        >>> models = {"one": LogisticRegression(C=0.01), "two": LogisticRegression()}
        >>> study = hr.selection_study(models, x, y, repeats=3, cv=3)
        >>> [way.name for way in study.ways][:2]
        ['the test rows', 'one validation part']
    """
    seed = check_seed(seed)
    check_verbose(verbose)
    engine.lane_count(lanes)
    if not isinstance(models, Mapping) or len(models) < 2:
        raise InputError(
            "models= needs two candidates or more by name, such as "
            "{'small': mlp_small, 'wide': mlp_wide}: with one there is no choice."
        )
    for name, number in (("repeats", repeats), ("cv", cv)):
        if not isinstance(number, int) or number < 2:
            raise InputError(f"{name}={number!r}: use a whole number, 2 or more.")
    for name, share in (("test_size", test_size), ("fresh_size", fresh_size)):
        check_share(name, share)
    dataset = data.from_arrays(
        x, y, groups=groups, allow_missing=preprocess is not None
    )
    training = replace(
        training_of(epochs=epochs, batch_size=batch_size), keep_predictions=False
    )
    drawn = [_cuts(dataset, r, cv, test_size, fresh_size, seed) for r in range(repeats)]
    cuts = [cut for each in drawn for cut in each]
    # rows prepared anew for every cut would not fit in memory all at once
    chunks = [cuts] if preprocess is None else drawn
    counts = {(len(c.fold.train), len(c.fold.validation)) for c in cuts}
    training = replace(training, row_counts=tuple(sorted(counts)))
    apart = [cut.fold for cut in drawn[0] if cut.part[0] in {FOLD, TEST, FRESH}]
    before_training(case_of(dataset, apart, preprocess=preprocess, seed=seed), overrule)
    candidates = [as_candidate(model, {}, name) for name, model in models.items()]

    def ready(chunk: Sequence[_Cut]) -> trials.Trials:
        assignments = _assigned(candidates, dataset, chunk, seed, preprocess)
        return trials.prepare(assignments, training, dataset, lanes=lanes)

    first = ready(chunks[0])
    yardstick = trials.choose_metric(metric, dataset.record.task, first.descriptions)
    found: list[tuple[_Cut, MemberRecord]] = []
    with progress(verbose, yardstick, listener, list(models)) as tell:
        for number, chunk in enumerate(chunks):
            for result in trials.run(ready(chunk) if number else first, tell):
                if result.record.state == INTERRUPTED:
                    raise KeyboardInterrupt
                found.append((chunk[result.record.fold], result.record))
    excluded = _failures([record for _, record in found], yardstick)
    names = [name for name in models if name not in excluded]
    if not names:
        why = next(iter(excluded.values()))
        raise FitError(f"Every candidate failed somewhere; the first: {why}.")
    scores = [
        (cut, record.candidate, record.scores[yardstick.validation_key])
        for cut, record in found
        if record.candidate in names
    ]
    sizes = {cut.part[0]: len(cut.fold.validation) for cut in drawn[0]}
    return SelectionStudy(
        ways=_ways(scores, names, yardstick, repeats),
        metric=yardstick,
        n_known=dataset.n_rows - sizes[FRESH],
        n_test=sizes[TEST],
        n_fresh=sizes[FRESH],
        n_trainings=len(found),
        excluded=excluded,
    )


@dataclass(frozen=True, eq=False)
class _Cut:
    """One training and what it is scored on; `trained` names its training rows."""

    repeat: int
    part: tuple[Any, ...]
    trained: tuple[str | int, ...]
    fold: Fold


def _cuts(
    dataset: Dataset,
    repeat: int,
    cv: int,
    test_size: float,
    fresh_size: float,
    seed: int,
) -> list[_Cut]:
    """Return every training of one repeat; equal `trained` means equal weights."""
    at = seeding.derive(seed, "study", repeat)
    outside = splits.partition(dataset, test_size=fresh_size, seed=at)
    known, fresh = outside.development, outside.test
    inside = splits.partition(dataset.take(known), test_size=test_size, seed=at)
    rows, test = known[inside.development], known[inside.test]
    plan = splits.make_plan(cv, dataset.take(rows), seed=at)
    folds = [Fold(0, f.fold, rows[f.train], rows[f.validation]) for f in plan.folds]
    first = folds[0]
    cuts = [
        _Cut(repeat, (TEST,), ("all",), Fold(0, 0, rows, test)),
        _Cut(repeat, (FRESH,), ("all",), Fold(0, 0, rows, fresh)),
        _Cut(repeat, (PART_FRESH,), (FOLD, 0), Fold(0, 0, first.train, fresh)),
    ]
    for k, fold in enumerate(folds):
        cuts.append(_Cut(repeat, (FOLD, k), (FOLD, k), fold))
        cuts += [
            _Cut(repeat, (INNER, k, j), (INNER, k, j), inner)
            for j, inner in enumerate(inner_plan(cv, dataset, fold, at).folds)
        ]
    return cuts


def _assigned(
    candidates: Sequence[Candidate],
    dataset: Dataset,
    cuts: Sequence[_Cut],
    seed: int,
    preprocess: Any,
) -> list[Assignment]:
    folds = [cut.fold for cut in cuts]
    assignments = assign(
        candidates, dataset, folds, n_seeds=1, seed=seed, preprocess=preprocess
    )
    seeded = []
    for each in assignments:
        cut = cuts[each.fold]
        path = (cut.repeat, *cut.trained)
        member = replace(
            each.member,
            seed=seeding.derive(seed, "weights", *path),
            order_seed=seeding.derive(seed, "order", *path),
        )
        seeded.append(replace(each, member=member))
    return seeded


def _failures(records: Sequence[MemberRecord], metric: Metric) -> dict[str, str]:
    found: dict[str, str] = {}
    for record in records:
        score = record.scores.get(metric.validation_key, np.nan)
        if record.state != COMPLETE or not np.isfinite(score):
            why = record.error or f"{metric.name} was not a finite number"
            found.setdefault(record.candidate, why)
    return found


def _ways(
    scores: Sequence[tuple[_Cut, str, float]],
    names: Sequence[str],
    metric: Metric,
    repeats: int,
) -> tuple[judgement.Way, ...]:
    """Let every way choose in every repeat."""
    found = {(cut.repeat, cut.part, name): score for cut, name, score in scores}
    parts = {(cut.repeat, cut.part) for cut, _, _ in scores}
    said: dict[str, list[tuple[str, float, float, float]]] = {}
    for r in range(repeats):
        n_folds = sum(part[0] == FOLD for repeat, part in parts if repeat == r)
        inner = {
            k: sum(p[:2] == (INNER, k) for repeat, p in parts if repeat == r)
            for k in range(n_folds)
        }

        def score(part: tuple[Any, ...], name: str, r: int = r) -> float:
            return found[r, part, name]

        def over_folds(name: str, n: int = n_folds) -> float:
            return float(np.mean([score((FOLD, k), name) for k in range(n)]))

        fresh = {name: score((FRESH,), name) for name in names}
        best = _best(fresh, metric)[1]
        by_test = _best({n: score((TEST,), n) for n in names}, metric)
        by_part = _best({n: score((FOLD, 0), n) for n in names}, metric)
        by_folds = _best({n: over_folds(n) for n in names}, metric)
        nested = [
            score(
                (FOLD, k),
                _best(
                    {
                        n: float(np.mean([score((INNER, k, j), n) for j in range(m)]))
                        for n in names
                    },
                    metric,
                )[0],
            )
            for k, m in inner.items()
        ]
        chosen = by_folds[0]
        for way, told in {
            BY_TEST: (*by_test, fresh[by_test[0]], best),
            BY_PART: (*by_part, score((PART_FRESH,), by_part[0]), best),
            BY_FOLDS: (*by_folds, fresh[chosen], best),
            BY_NESTED: (chosen, float(np.mean(nested)), fresh[chosen], best),
            BY_FOLDS_THEN_TEST: (chosen, score((TEST,), chosen), fresh[chosen], best),
        }.items():
            said.setdefault(way, []).append(told)
    return tuple(
        judgement.Way(
            name=way,
            chosen=tuple(each[0] for each in told),
            reported=tuple(each[1] for each in told),
            fresh=tuple(each[2] for each in told),
            best=tuple(each[3] for each in told),
        )
        for way, told in said.items()
    )


def _best(scores: Mapping[str, float], metric: Metric) -> tuple[str, float]:
    """Return who is best, the first of equals, and the score."""
    sign = 1 if metric.direction == "max" else -1
    name = max(scores, key=lambda each: sign * scores[each])
    return name, scores[name]
