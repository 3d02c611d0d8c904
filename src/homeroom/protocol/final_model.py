"""What is shipped: a model of all rows, the mean of the fold models, or one of them.

The models of the folds are not kept while everything trains. The chosen candidate's
are trained again, from the same seeds for as many epochs as they were scored at, and
come out the same to the last bit; a note says so if they do not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

import msgspec
import numpy as np

from homeroom import engine, judgement
from homeroom.engine import Description
from homeroom.errors import FitError, InputError
from homeroom.records import (
    COMPLETE,
    INTERRUPTED,
    Listener,
    MemberRecord,
    Metric,
    Note,
    RefitRecord,
    RunRecord,
)

from . import estimator, trials
from .candidate import Candidate
from .member import Assignment, Result, assign
from .refit import refit
from .trial import Ground
from .winner import Winner, by_class

REFIT, ENSEMBLE, BEST_MEMBER = "refit", "ensemble", "best_member"
FINAL_MODELS = (REFIT, ENSEMBLE, BEST_MEMBER)


def check_can_ship(way: str, found: Mapping[str, Description]) -> None:
    """Refuse an ensemble of models that score themselves in a way of their own.

    Raises:
        InputError: If there is one; before training.
    """
    own = [name for name, description in found.items() if not description.plain]
    if way == ENSEMBLE and own:
        raise InputError(
            f"The model of {own[0]!r} has a test_step or compute_loss of its own, "
            "which the mean of several models would not have: it could not be scored "
            "as the folds were. Use final_model='refit' or 'best_member'."
        )


def ship(
    run: RunRecord,
    candidates: Sequence[Candidate],
    results: Sequence[Result],
    ground: Ground,
    tell: Listener,
) -> tuple[Winner, RefitRecord]:
    """Return the model that is shipped, and what is remembered of it.

    Args:
        run: The run, its choice made.
        candidates: Everyone who took part.
        results: Their trainings.
        ground: What they shared.
        tell: Is told of trainings that are made again.

    Raises:
        FitError: If a training fails now that did not in the folds.
    """
    assert run.selection is not None
    name, way = run.selection.candidate, run.settings.final_model
    [candidate] = [each for each in candidates if each.name == name]
    if way == REFIT:
        winner, record = refit(
            candidate,
            run,
            ground.dataset,
            ground.training,
            seed=ground.seed,
            preprocess=ground.preprocess,
            ledger=ground.ledger,
        )
    else:
        members = run.members_of(name)
        if way == BEST_MEMBER:
            members = (judgement.best_member(members, run.metric),)
        models, assignments = _again(candidate, members, ground, tell)
        winner, record = _shipped(way, candidate, members, ground, models, assignments)
    mine = [result for result in results if result.record.candidate == name]
    together = scores_together(mine, run.metric, ground)
    return winner, msgspec.structs.replace(record, ensemble_scores=together)


def scores_together(
    results: Sequence[Result], metric: Metric, ground: Ground
) -> tuple[float, ...]:
    """Return each fold's score when the outputs of its seeds are averaged.

    Empty where the score of one training cannot be had from its outputs (a metric of
    one's own, weighted rows in a metric), which is tried on every training.
    """
    by_fold: dict[int, list[Result]] = {}
    for result in results:
        by_fold.setdefault(result.record.fold, []).append(result)
    found = []
    for _, mine in sorted(by_fold.items()):
        score = _scoring(mine[0].assignment, metric, ground)
        if score is None:
            return ()
        for result in mine:
            own = result.record.scores.get(metric.validation_key, math.nan)
            if not _is_same(score(result.predictions), own):
                return ()
        found.append(score(np.mean([each.predictions for each in mine], axis=0)))
    return tuple(found)


def _again(
    candidate: Candidate,
    members: Sequence[MemberRecord],
    ground: Ground,
    tell: Listener,
) -> tuple[list[Any], list[Assignment]]:
    """Return the models of trainings that are done, trained once more."""
    epochs = {(m.fold, m.seed_index): _kept_epochs(m) for m in members}
    chosen = [
        replace(each, member=replace(each.member, epochs=n))
        for each in assign(
            [candidate],
            ground.dataset,
            ground.plan.folds,
            n_seeds=1 + max(m.seed_index for m in members),
            seed=ground.seed,
            preprocess=ground.preprocess,
        )
        if (n := epochs.get((each.fold, each.seed_index))) is not None
    ]
    if candidate.kind == "estimator":
        weight = ground.training.class_weight
        return [estimator.fitted(each, weight) for each in chosen], chosen
    training = trials.without_stopping(ground.training, max(epochs.values()))
    ready = trials.prepare(
        chosen, training, ground.dataset, lanes=ground.lanes, ledger=ground.ledger
    )
    results = trials.run(ready, tell, stage="final model")
    models, others = [], []
    for result, member in zip(results, members, strict=True):
        if result.record.state == INTERRUPTED:
            raise KeyboardInterrupt
        if result.record.state != COMPLETE or result.outcome is None:
            raise FitError(
                f"Fold {member.fold + 1}, seed {member.seed_index + 1} of "
                f"{candidate.name!r} failed when it was trained again "
                f"({result.record.error}), although it did not before."
            )
        if result.record.final_weights != member.final_weights:
            others.append(f"fold {member.fold + 1}, seed {member.seed_index + 1}")
        models.append(
            engine.trained_model(result.assignment.member, training, result.outcome)
        )
    if others:
        tell(Note(_told_of_others(others)))
    return models, [result.assignment for result in results]


def _shipped(
    way: str,
    candidate: Candidate,
    members: Sequence[MemberRecord],
    ground: Ground,
    models: list[Any],
    assignments: list[Assignment],
) -> tuple[Winner, RefitRecord]:
    keras = candidate.kind == "keras"
    ways = list({each.fold: each.preprocessing for each in assignments}.values())
    preprocessing: Any = None if ways[0] is None else ways
    if way == BEST_MEMBER:
        model, preprocessing = models[0], ways[0]
    elif keras:
        model = engine.average(models, [a.member.arrays.x for a in assignments])
    else:
        model = models
    dataset = ground.dataset.record
    epochs = [_kept_epochs(m) for m in members]
    seen = np.concatenate([each.member.train_rows for each in assignments])
    record = RefitRecord(
        candidate=candidate.name,
        epochs=round(median(epochs)),
        n_updates=sum(
            n * m.updates_per_epoch for n, m in zip(epochs, members, strict=True)
        ),
        n_rows=len(np.unique(seen)),
        seed=members[0].seed if way == BEST_MEMBER else ground.seed,
        reason=_reason(way, members),
        final_model=way,
        n_models=len(members),
        final_weights=members[0].final_weights if way == BEST_MEMBER else "",
    )
    task, n_classes = dataset.task, len(dataset.classes)
    kind = candidate.kind
    return Winner(candidate.name, kind, model, preprocessing, task, n_classes), record


def _reason(way: str, members: Sequence[MemberRecord]) -> str:
    if way == BEST_MEMBER:
        [best] = members
        return (
            f"the training of fold {best.fold + 1}, seed {best.seed_index + 1}, whose "
            "validation score was the best"
        )
    return f"the mean of the outputs of {len(members)} trainings of the folds"


def _told_of_others(names: Sequence[str]) -> str:
    return (
        "Trained again for the final model, these trainings came out with other "
        f"weights than in the folds: {'; '.join(names)}. A model that draws random "
        "numbers outside of Keras does so; its out-of-fold score is then that of a "
        "sibling."
    )


def _kept_epochs(member: MemberRecord) -> int:
    if member.best_epoch is not None:
        return member.best_epoch + 1
    return max(member.history.n_epochs, 1)


def _scoring(
    assignment: Assignment, metric: Metric, ground: Ground
) -> Callable[[Any], float] | None:
    """Return what scores outputs for the validation rows of a training."""
    rows, data = assignment.member.validation_rows, ground.dataset
    task = data.record.task
    known = estimator.NAMES.get(task, ())
    name = "accuracy" if metric.name.endswith("accuracy") else metric.name
    truth = data.y[rows] if isinstance(data.y, np.ndarray) else None
    if name not in known or truth is None:
        return None
    weight = None if data.sample_weight is None else data.sample_weight[rows]

    def score(outputs: Any) -> float:
        if not isinstance(outputs, np.ndarray) or outputs.ndim != 2:
            return math.nan
        shares = by_class(outputs) if task == "classification" else outputs
        return estimator.scores(shares, truth, weight, task)[name]

    return score


def _is_same(found: float, recorded: float) -> bool:
    return math.isclose(found, recorded, rel_tol=1e-3, abs_tol=1e-6)
