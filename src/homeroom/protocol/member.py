"""From plan × candidates × seeds to members of the engine, and back to records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np

from homeroom import data, engine, seeding
from homeroom.data import Dataset
from homeroom.engine import Arrays, EarlyStopping, Member, Outcome, Training
from homeroom.errors import InputError
from homeroom.records import MemberRecord, Settings
from homeroom.splits import Fold

from .candidate import Candidate, as_python, facts_of

MEAN_CURVE, ONE_STD_ERR = "mean_curve", "one_std_err"
PER_FOLD, INNER_SPLIT = "per_fold", "inner_split"


@dataclass(frozen=True, eq=False)
class Assignment:
    """A member, whose it is, and what its rows went through (fitted)."""

    candidate: Candidate
    fold: int
    seed_index: int
    member: Member
    preprocessing: Any = None


@dataclass(frozen=True, eq=False)
class Result:
    """The record of one training, and what is too large for a record."""

    assignment: Assignment
    fields: Mapping[str, Any]
    outcome: Outcome | None = None
    predictions: Any = None
    estimator: Any = field(default=None, repr=False)

    @property
    def record(self) -> MemberRecord:
        """What is remembered of the training."""
        mine = self.assignment
        return MemberRecord(
            candidate=mine.candidate.name,
            fold=mine.fold,
            seed_index=mine.seed_index,
            seed=mine.member.seed,
            **self.fields,
        )


_FIELDS = tuple(
    name
    for name in MemberRecord.__struct_fields__
    if name not in {"candidate", "fold", "seed_index", "seed"}
)


def result_of(assignment: Assignment, outcome: Outcome) -> Result:
    """Return the engine's outcome as the result of an assignment."""
    fields = {name: getattr(outcome, name) for name in _FIELDS}
    return Result(assignment, fields, outcome, outcome.predictions)


def fold_arrays(
    dataset: Dataset, rows: Any, preprocess: Any, seed: int
) -> tuple[Arrays, Any]:
    """Return the dataset as Keras takes it, and the fitted preprocessing.

    The preprocessing is fitted on `rows` only, the training rows of a fold; what it
    draws follows from `seed`.
    """
    if preprocess is None:
        if dataset.is_table:
            preprocess = data.table_preprocessing(dataset.record)
        else:
            return Arrays(dataset.x, dataset.y, dataset.sample_weight), None
    fitted = data.fit_preprocessing(preprocess, dataset, rows, seed)
    x = data.transform(fitted, dataset.x, dataset.ids)
    return Arrays(x, dataset.y, dataset.sample_weight), fitted


def assign(
    candidates: Sequence[Candidate],
    dataset: Dataset,
    folds: Sequence[Fold],
    *,
    n_seeds: int,
    seed: int,
    preprocess: Any = None,
    epoch_choice: str = PER_FOLD,
) -> list[Assignment]:
    """Return every training on the folds: candidate × fold × seed.

    The seeds of weights and of batch orders depend on the fold and the seed's number,
    not on the candidate: candidates are compared on the same batches. The folds of
    one repeat and seed are a cohort where the mean curve chooses the epoch.

    Raises:
        InputError: If `n_seeds` is not a positive whole number.
    """
    together = epoch_choice in {MEAN_CURVE, ONE_STD_ERR}
    _check_count("seeds", n_seeds)
    assignments = []
    shared: Arrays | None = None
    fitted: Any = None
    for number, fold in enumerate(folds):
        if shared is None or preprocess is not None or dataset.is_table:
            drawn_by = seeding.derive(seed, "preprocess", number)
            shared, fitted = fold_arrays(dataset, fold.train, preprocess, drawn_by)
        width = shared.x.shape[1:] if isinstance(shared.x, np.ndarray) else ()
        facts = facts_in(dataset, shared, fold)
        for candidate in candidates:
            source = candidate.source
            build = candidate.build_for(facts) if candidate.kind == "keras" else source
            for i in range(n_seeds):
                member = Member(
                    key=(candidate.name, number, i),
                    build=build,
                    arrays=shared,
                    train_rows=fold.train,
                    validation_rows=fold.validation,
                    seed=seeding.derive(seed, "weights", number, i),
                    order_seed=seeding.derive(seed, "order", number, i),
                    # a fold with a category of its own has a model of its own width
                    group=(candidate.name, *width),
                    cohort=(candidate.name, fold.repeat, i) if together else None,
                )
                assignments.append(Assignment(candidate, number, i, member, fitted))
    return assignments


def facts_in(dataset: Dataset, arrays: Arrays, fold: Fold) -> dict[str, Any]:
    """Return what the fold's training rows tell a model function."""
    classes = None
    if dataset.record.task == "classification":
        labels = dataset.labels
        classes = len(dataset.record.classes) or (
            None if labels is None else int(labels.max()) + 1
        )
    y = arrays.y[fold.train] if isinstance(arrays.y, np.ndarray) else None
    return facts_of(arrays.x, y, classes)


def check_labels(dataset: Dataset, description: engine.Description) -> None:
    """Refuse labels that a loss would read as something else."""
    binary = description.plain and description.probabilities
    if binary and isinstance(dataset.y, np.ndarray):
        data.check_probabilities(dataset)
    for width in description.sparse_widths:
        if width is not None and isinstance(dataset.y, np.ndarray):
            data.check_sparse_labels(dataset.y, width, dataset.ids)


def check_weights(dataset: Dataset, class_weight: Any) -> None:
    """Refuse class weights that would have no effect, or another than was meant.

    Raises:
        InputError: If it is no dict, there are row weights too, or a key is not a
            class.
    """
    if class_weight is None:
        return
    if not isinstance(class_weight, Mapping):
        raise InputError(
            f"class_weight={class_weight!r}: use a dict from the number of each class "
            "to its weight, such as {0: 1.0, 1: 2.5}."
        )
    for key, weight in class_weight.items():
        if not isinstance(weight, Real) or not 0 <= float(weight) < np.inf:
            raise InputError(
                f"class_weight gives class {key!r} the weight {weight!r}: use a number "
                "from 0 on."
            )
    if dataset.sample_weight is not None:
        raise InputError(
            "class_weight and sample_weight were both given; Keras takes one of them. "
            "Multiply them into sample_weight."
        )
    classes = dataset.record.classes
    if dataset.labels is None:
        raise InputError(
            f"class_weight has no effect on a {dataset.record.task} task: only a "
            "classification has one class per row. Use sample_weight."
        )
    numbers = range(max(len(classes), int(dataset.labels.max()) + 1))
    strangers = [key for key in class_weight if key not in numbers]
    if strangers:
        told = ", ".join(f"{i}: {name!r}" for i, name in enumerate(classes[:10]))
        raise InputError(
            f"class_weight names {strangers[0]!r}, which is no class. Its keys are the "
            f"numbers of the classes, {{{told}}}."
        )


def check_seed(seed: Any) -> int:
    """Return the seed as an int.

    Raises:
        InputError: If it is not a whole number that Keras, NumPy and scikit-learn take.
    """
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    if not whole or not 0 <= seed < 2**32:
        raise InputError(f"seed={seed!r}: use a whole number from 0 to {2**32 - 1}.")
    return int(seed)


def training_of(
    *,
    epochs: int,
    batch_size: int,
    early_stopping: Any = None,
    class_weight: dict[int, float] | None = None,
    shuffle: bool = True,
    callbacks: Sequence[Any] = (),
    keep_weights: bool = False,
) -> Training:
    """Return the engine's settings, checked.

    Raises:
        InputError: If a number is not positive, a callback cannot be honoured, or
            `early_stopping` is none of ours.
    """
    _check_count("epochs", epochs)
    _check_count("batch_size", batch_size)
    if not isinstance(shuffle, bool | np.bool_):
        raise InputError(f"shuffle={shuffle!r}: use True or False.")
    if not isinstance(early_stopping, EarlyStopping | None):
        raise InputError(
            f"early_stopping={early_stopping!r}: use homeroom.EarlyStopping(...), "
            "which has the arguments of Keras's, or put Keras's own into callbacks=."
        )
    if isinstance(class_weight, Mapping):
        class_weight = {
            as_python(key): as_python(weight) for key, weight in class_weight.items()
        }
    # at once, so that a rule that is Keras's own is remembered
    callbacks, early_stopping = engine.adopt(callbacks, early_stopping)
    return Training(
        epochs=int(epochs),
        batch_size=int(batch_size),
        shuffle=bool(shuffle),
        class_weight=class_weight,
        early_stopping=early_stopping,
        callbacks=callbacks,
        keep_weights=keep_weights,
        keep_predictions=True,
    )


def settings_of(
    training: Training,
    *,
    seed: int,
    n_seeds: int,
    directions: Mapping[str, str],
    epoch_choice: str = PER_FOLD,
) -> Settings:
    """Return what is remembered of how the members were trained.

    `directions` say which way each metric is better, for the mode of early stopping.
    """
    stopping = training.early_stopping
    rule = stopping.to_dict() if stopping else None
    if rule and rule["mode"] == "auto":
        name = rule["monitor"].removeprefix("val_").removeprefix("train_eval_")
        rule["mode"] = directions.get(name, "min")
    return Settings(
        epochs=training.epochs,
        batch_size=training.batch_size,
        seed=seed,
        n_seeds=n_seeds,
        shuffle=training.shuffle,
        early_stopping=rule,
        epoch_choice=epoch_choice if rule else PER_FOLD,
    )


def _check_count(name: str, value: Any) -> None:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < 1:
        raise InputError(f"{name}={value!r}: use a whole number, 1 or more.")
