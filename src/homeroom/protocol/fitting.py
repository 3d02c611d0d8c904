"""One honest fit: Keras's argument names, a comparable curve, a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from homeroom import data, fingerprint, judgement, seeding, splits
from homeroom.data import Dataset
from homeroom.engine import EarlyStopping, Member
from homeroom.errors import DataError, FitError, InputError
from homeroom.records import (
    FAILED,
    INTERRUPTED,
    Examined,
    Listener,
    MemberRecord,
    Metric,
    SplitPlanRecord,
)

from . import trials
from .candidate import as_candidate
from .examining import before_training, case_of
from .fit_result import FitResult
from .keeping import keep_run
from .listening import check_verbose, progress
from .materials import open_keeping
from .member import (
    Assignment,
    check_seed,
    facts_in,
    fold_arrays,
    settings_of,
    training_of,
)
from .rows import count_rows


class Interrupted(KeyboardInterrupt):
    """Ctrl-C came; `result` is what was done until then."""

    def __init__(self, result: Any) -> None:
        super().__init__("interrupted; what was done is in .result")
        self.result = result


def fit(  # noqa: PLR0913 - these are the arguments of keras.Model.fit
    model: Any,
    x: Any,
    y: Any,
    *,
    batch_size: int = 32,
    epochs: int = 1,
    validation_split: float = 0.0,
    validation_data: tuple[Any, ...] | None = None,
    shuffle: bool = True,
    sample_weight: Any = None,
    class_weight: dict[int, float] | None = None,
    early_stopping: EarlyStopping | None = None,
    callbacks: Sequence[Any] = (),
    preprocess: Any = None,
    metric: str | Metric | None = None,
    seed: int = 0,
    verbose: int | str = "auto",
    listener: Listener | None = None,
    store: str | Path | None = None,
    overrule: Sequence[str] = (),
) -> FitResult:
    """Train one model once; `keras.Model.fit` with an honest curve.

    The training starts from exactly what `keras.utils.set_random_seed(seed);
    model()` builds, and its weights are those of `keras.Model.fit` on the same rows
    in the same order. Unlike Keras, `validation_split` takes shuffled, stratified
    rows and not the last ones; best weights are restored by early stopping; training
    metrics are also measured at the weights of the end of each epoch
    (`train_eval_loss`, …), so that they may be compared with `val_loss`; of many rows
    on a sample, see `records.n_measured`. Measuring never changes the model: where it
    does in Keras (a recurrent layer with `dropout=` draws numbers then, too), the
    weights are those of `keras.Model.fit` without validation.

    Args:
        model: A function that returns a compiled `keras.Model`, or a compiled model,
            which is copied with fresh weights and not trained itself. The function's
            parameters n_features, n_classes, target_mean and target_std, where they
            have no default or None, get what the training rows tell.
        x: Inputs: an array [n, …], a list or dict of arrays, or a frame of numbers.
        y: Targets [n, …]; text labels are numbered.
        batch_size: Rows per weight update.
        epochs: Passes over the training rows.
        validation_split: Share of the rows to validate on, 0 ≤ share < 1.
        validation_data: (x, y) or (x, y, sample_weight) to validate on instead.
        shuffle: Whether each epoch has a new order of rows.
        sample_weight: One weight per row, float [n].
        class_weight: Weight per class, for training rows only, as in Keras.
        early_stopping: When to stop.
        callbacks: Keras callbacks that only read the logs of an epoch.
        preprocess: A scikit-learn transformer, fitted on the training rows only.
        metric: The yardstick of the verdict; accuracy or an error by default.
        seed: Decides weights, dropout, split and order of rows.
        verbose: "auto" shows progress on a terminal, 0 never, 1 always.
        listener: Called with each event instead of showing progress.
        store: Where to keep the training as a run; None writes nothing.
        overrule: Checks of the doctor (see `examine`) whose leakage is accepted.

    Returns:
        The history, verdict, chart and trained model.

    Raises:
        InputError: Before training, if an argument or the model is wrong.
        DataError: Before training, if the data is.
        LeakageError: Before training, if the doctor finds a leak.
        FitError: If the training became NaN or failed.

    Examples:
        >>> import numpy as np, keras, homeroom as hr
        >>> def line():
        ...     model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        ...     model.compile("sgd", loss="mse")
        ...     return model
        >>> x = np.linspace(0, 1, 64).reshape(-1, 1)
        >>> fit = hr.fit(line, x, 2.5 * x, epochs=3, validation_split=0.25)
        >>> fit.record.n_updates
        6
    """
    seed = check_seed(seed)
    check_verbose(verbose)
    candidate = as_candidate(model, {})
    if candidate.kind == "estimator":
        raise InputError(
            "fit trains Keras models epoch by epoch. A scikit-learn estimator has no "
            "epochs: use its own fit, or homeroom.cross_validate."
        )
    dataset, fold = _rows(
        x, y, sample_weight, validation_split, validation_data, preprocess, seed
    )
    training = training_of(
        epochs=epochs,
        batch_size=batch_size,
        early_stopping=early_stopping,
        class_weight=class_weight,
        shuffle=shuffle,
        callbacks=callbacks,
        keep_weights=True,
    )
    case = case_of(dataset, [fold], preprocess=preprocess, seed=seed)
    examined = before_training(case, overrule)
    drawn_by = seeding.derive(seed, "preprocess")
    arrays, _ = fold_arrays(dataset, fold.train, preprocess, drawn_by)
    member = Member(
        key="fit",
        build=candidate.build_for(facts_in(dataset, arrays, fold)),
        arrays=arrays,
        train_rows=fold.train,
        validation_rows=fold.validation if len(fold.validation) else None,
        seed=seed,
        order_seed=seeding.derive(seed, "order"),
        group=candidate.name,
    )
    assignment = Assignment(candidate, 0, 0, member)
    prepared = trials.prepare([assignment], training, dataset)
    found = prepared.descriptions
    yardstick = trials.choose_metric(metric, dataset.record.task, found)
    plan = _plan_record(dataset, fold, validation_split)
    kept = None if store is None else open_keeping(store)
    with progress(verbose, yardstick, listener) as tell:
        tell(Examined(examined))
        [result] = trials.run(prepared, tell)
    record, programs = result.record, prepared.ledger.records()
    if kept is not None:
        keep_run(
            kept,
            candidate.record(found[candidate.name].n_weights),
            dataset,
            plan,
            settings_of(
                training,
                seed=seed,
                n_seeds=1,
                directions=found[candidate.name].directions,
            ),
            yardstick,
            [record],
            examined,
            prepared,
        )
    if record.state == FAILED:
        raise FitError(f"The training failed: {record.error}. {_advice(record)}")
    fitted = FitResult(
        record,
        yardstick,
        len(fold.validation),
        result,
        training,
        examined,
        judgement.baseline(plan, yardstick),
        programs,
    )
    if record.state == INTERRUPTED:
        raise Interrupted(fitted)
    return fitted


def _rows(
    x: Any,
    y: Any,
    sample_weight: Any,
    validation_split: float,
    validation_data: tuple[Any, ...] | None,
    preprocess: Any,
    seed: int,
) -> tuple[Dataset, splits.Fold]:
    missing = preprocess is not None
    if validation_data is None:
        dataset = data.from_arrays(
            x, y, sample_weight=sample_weight, allow_missing=missing
        )
        if validation_split:
            plan = splits.holdout(dataset, validation_split, seed=seed)
            return dataset, plan.folds[0]
        rows = np.arange(dataset.n_rows, dtype=np.int32)
        return dataset, splits.Fold(0, 0, rows, rows[:0])
    if validation_split:
        raise InputError(
            "validation_split and validation_data were both given, and one of them "
            "would have no effect. Leave one out."
        )
    x_validation, y_validation, weight = _validation(validation_data, sample_weight)
    x = data.rows_together(x, y)
    x_validation = data.rows_together(x_validation, y_validation)
    _check_pair("training", x, y)
    _check_pair("validation", x_validation, y_validation)
    dataset = data.from_arrays(
        data.join("x", x, x_validation),
        data.join("y", y, y_validation),
        sample_weight=weight,
        allow_missing=missing,
    )
    rows = np.arange(dataset.n_rows, dtype=np.int32)
    n_train = dataset.n_rows - count_rows(y_validation)
    return dataset, splits.Fold(0, 0, rows[:n_train], rows[n_train:])


def _validation(
    validation_data: tuple[Any, ...], sample_weight: Any
) -> tuple[Any, Any, Any]:
    """Return x and y to validate on, and the weights of all rows."""
    if not isinstance(validation_data, tuple | list) or len(validation_data) not in {
        2,
        3,
    }:
        raise InputError("validation_data= is (x, y) or (x, y, sample_weight).")
    x, y, *given = validation_data
    if count_rows(y) == 0:
        raise InputError(
            "validation_data has no rows, so there would be no validation scores. "
            "Leave it out, or use validation_split=0.2."
        )
    if sample_weight is None and not given:
        return x, y, None
    if sample_weight is None or not given:
        raise InputError(
            "sample_weight was given for one of training and validation rows only. "
            "Give both, as in validation_data=(x, y, sample_weight), or neither."
        )
    return x, y, data.join("sample_weight", sample_weight, given[0])


def _plan_record(
    dataset: Dataset, fold: splits.Fold, validation_split: float
) -> SplitPlanRecord:
    """Return the one fold of a fit as a plan."""
    strategy = "no validation"
    if len(fold.validation):
        strategy = (
            f"validation_split={validation_split}"
            if validation_split
            else "validation_data"
        )
    parts = splits.fold_record(fold, dataset)
    return SplitPlanRecord(
        strategy=strategy,
        n_splits=1,
        n_repeats=1,
        folds=(parts,),
        fingerprint=fingerprint.of_value([dataset.fingerprint, parts.fingerprint]),
    )


def _check_pair(which: str, x: Any, y: Any) -> None:
    """Refuse x and y of different lengths: joined, their sums could still agree."""
    if count_rows(x) != count_rows(y):
        raise DataError(
            f"Lengths differ in the {which} data: x has {count_rows(x)} rows, y has "
            f"{count_rows(y)}. Row i of both must describe the same thing."
        )


def _advice(record: MemberRecord) -> str:
    if record.stop_reason == "diverged":
        return "Try a smaller learning rate, or scale the inputs to about -1..1."
    return "Check the model function and the loss."
