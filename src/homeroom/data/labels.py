"""What y is: classes, quantities, or something only the model's own loss knows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np

from homeroom.errors import DataError, InputError

from .checks import check_finite, coarse_columns, is_missing, to_float32, to_int32
from .dataset import Array
from .wording import counted, first_few

TASKS = ("classification", "regression", "custom")
_FEW = 20
_MAY_BE_LOST = 0.1  # of the spread of a target, to float32
_MISSING_ADVICE = "Remove the rows whose answer is unknown."

Labels: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class Target:
    """A converted y, with the task and the sentence that says why."""

    y: Array
    task: str
    reason: str
    classes: Labels = ()
    notes: tuple[str, ...] = ()


def check_task(task: str | None) -> None:
    """Refuse a task that does not exist.

    Raises:
        InputError: If `task` is neither None nor one of the three.
    """
    if task is not None and task not in TASKS:
        raise InputError(f"task must be one of {', '.join(TASKS)}; got {task!r}.")


def read_target(y: Array, task: str | None, *, name: str = "y") -> Target:
    """Return y converted for training, and the task it speaks of.

    Text and True/False become classes. Whole numbers are classes when they are few
    and repeat; otherwise they are quantities. Whole numbers stay as they are: a loss
    may want -1 and 1, and one that reads labels as positions refuses them by itself.

    Args:
        y: One array of targets, without missing values.
        task: What the caller says it is; None to find out.
        name: How messages call it.

    Raises:
        DataError: If labels are missing, mixed or all the same.
        InputError: If `task` does not fit the values.
    """
    if y.dtype.kind in "USO":
        y = _plain(name, y)
    if y.dtype.kind == "U":
        return _from_text(name, y, task)
    if y.dtype.kind not in "biuf":
        raise DataError(f"{name} has dtype {y.dtype}; expected numbers or text labels.")
    check_finite(name, y, advice=_MISSING_ADVICE)
    if task == "custom" or (y.ndim > 1 and y.shape[1:] != (1,)):
        return _from_matrix(name, y, task)
    if y.dtype == bool:
        return _from_booleans(name, y, task)
    return _from_numbers(name, y, task)


def _plain(name: str, y: Array) -> Array:
    """Return text as str and objects that are all numbers as numbers."""
    items = [v.decode() if isinstance(v, bytes) else v for v in y.reshape(-1).tolist()]
    missing = [i for i, v in enumerate(items) if is_missing(v) or v == ""]
    if missing:
        n_each = max(1, len(items) // len(y))
        rows = list(dict.fromkeys(i // n_each for i in missing))
        raise DataError(
            f"{name} is missing in {counted(len(rows), 'row')} (rows "
            f"{first_few(rows)}). {_MISSING_ADVICE}"
        )
    are_text = [isinstance(v, str) for v in items]
    if all(are_text):
        return np.array(items, dtype=str).reshape(y.shape)
    if any(are_text):
        odd = are_text.index(not are_text[0])
        raise DataError(
            f"{name} mixes text and numbers: row 0 is {items[0]!r}, row {odd} is "
            f"{items[odd]!r}. Is '1' the same label as 1? Make them all text or all "
            "numbers."
        )
    numbers = np.array(items)
    if numbers.dtype.kind not in "biuf":
        raise DataError(
            f"{name} holds {type(items[0]).__name__} objects; expected numbers or text."
        )
    return numbers.reshape(y.shape)


def _from_text(name: str, y: Array, task: str | None) -> Target:
    if task == "regression":
        raise InputError(
            f"task='regression' needs numbers, but {name} holds text such as "
            f"{str(y.flat[0])!r}. Use task='classification'."
        )
    if y.ndim > 1 and y.shape[1:] != (1,):
        raise DataError(
            f"{name} is text of shape {y.shape}; expected one label per row. Encode "
            "several labels per row as a 0/1 matrix."
        )
    values, codes = np.unique(y, return_inverse=True)
    _refuse_one_class(name, values)
    if len(values) * 2 > len(y) > _FEW:
        raise DataError(
            f"{name} has {len(values)} different texts in {len(y)} rows, so nearly "
            "every row would be a class of its own. Is this really the target?"
        )
    return Target(
        y=codes.reshape(y.shape).astype(np.int32),
        task="classification",
        reason=f"{name} has {counted(len(values), 'text label')}: {first_few(values)}.",
        classes=tuple(str(v) for v in values),
    )


def _from_booleans(name: str, y: Array, task: str | None) -> Target:
    if task == "regression":
        return Target(y.astype(np.float32), "regression", "task='regression' was said.")
    _refuse_one_class(name, np.unique(y))
    return Target(
        y=y.astype(np.int32),
        task="classification",
        reason=f"{name} is True or False.",
        classes=("False", "True"),
    )


def _from_matrix(name: str, y: Array, task: str | None) -> Target:
    whole = y.dtype.kind != "f"
    kept = to_int32(name, y) if whole else to_float32(name, y)
    if task in (None, "classification") and _is_one_hot(y):
        n_classes = y.shape[1]
        return Target(
            y=kept.astype(np.float32),
            task="classification",
            reason=f"Every row of {name} sums to 1 over {n_classes} columns: one-hot.",
            classes=tuple(str(i) for i in range(n_classes)),
        )
    if task == "classification":
        raise InputError(
            f"task='classification' needs one label per row or one-hot rows; {name} "
            f"has shape {y.shape}. For several labels a row, use task='custom'."
        )
    if task == "regression":
        kept = _quantities_as_float32(name, y)
        return Target(kept, task, "task='regression' was said.")
    said = "task='custom' was said" if task else f"{name} has shape {list(y.shape)}"
    return Target(kept, "custom", f"{said}: the model's own loss says what it means.")


def _is_one_hot(y: Array) -> bool:
    if y.ndim != 2 or y.shape[1] < 2:
        return False
    sums = y.sum(axis=1, dtype=np.float64)
    return bool((y >= 0).all() and np.allclose(sums, 1, atol=1e-3))


def _from_numbers(name: str, y: Array, task: str | None) -> Target:
    values = np.unique(y)
    whole = bool((values == np.floor(values)).all())
    if task == "classification" and not whole:
        raise InputError(
            f"task='classification' needs labels, but {name} holds fractions such as "
            f"{values[values != np.floor(values)][0]:g}. Use task='regression'."
        )
    if task == "regression" or not (whole and _are_labels(y, values, task)):
        return _quantities(name, y, values, whole)
    _refuse_one_class(name, values)
    if _are_positions(values):
        n_classes = int(values[-1]) + 1
        reason = f"{name} has {len(values)} distinct integer labels 0..{n_classes - 1}."
        absent = sorted(set(range(n_classes)) - {int(v) for v in values})
        notes = (f"No row has the label {first_few(absent)}.",) if absent else ()
        classes = tuple(str(i) for i in range(n_classes))
        return Target(to_int32(name, y), "classification", reason, classes, notes)
    return Target(
        y=to_int32(name, y),
        task="classification",
        reason=f"{name} has {len(values)} distinct integer labels: "
        f"{first_few(f'{v:g}' for v in values)}.",
    )


def number_labels(target: Target, name: str) -> Target:
    """Return a target whose classes are 0..C-1, with a note of what became what.

    For those who bring no model of their own, and so no loss that wants the labels.
    """
    if target.task != "classification" or target.classes:
        return target
    values, codes = np.unique(target.y, return_inverse=True)
    classes = tuple(str(v) for v in values)
    mapping = first_few((f"{label} → {i}" for i, label in enumerate(classes)), 10)
    return replace(
        target,
        y=codes.reshape(target.y.shape).astype(np.int32),
        classes=classes,
        notes=(f"Labels of {name} are numbered from 0: {mapping}.",),
    )


def _are_positions(values: Array) -> bool:
    """Whether labels are already 0..C-1, with at most half of them unseen."""
    return bool(values[0] == 0 and values[-1] + 1 <= 2 * len(values))


def _are_labels(y: Array, values: Array, task: str | None) -> bool:
    if task == "classification":
        return True
    repeats = len(values) == 2 or len(values) * 2 <= len(y)
    gapless = values[0] == 0 and values[-1] + 1 == len(values)
    if y.dtype.kind == "f":
        # 0.0/1.0 are classes; 3.0..8.0 may be a mark out of ten: never renumber it
        return bool(gapless) and repeats and len(values) <= _FEW
    return repeats and (bool(gapless) or len(values) <= _FEW)


def _quantities(name: str, y: Array, values: Array, whole: bool) -> Target:
    if len(values) == 1 and len(y) > 1:
        raise DataError(
            f"{name} is {values[0]:g} in every row; there is nothing to learn."
        )
    kind = "integers" if whole else "numbers with fractions"
    reason = (
        f"{name} has {len(values)} distinct {kind} "
        f"between {values[0]:g} and {values[-1]:g}."
    )
    return Target(_quantities_as_float32(name, y), "regression", reason)


def _quantities_as_float32(name: str, y: Array) -> Array:
    """Return quantities as float32, which must be able to tell them apart."""
    flat = y.reshape(len(y), -1)
    if coarse := coarse_columns(flat, _MAY_BE_LOST):
        given = flat[:, coarse[0]].astype(np.float64)
        low, high = given.min(), given.max()
        step = np.spacing(np.abs(given).max().astype(np.float32))
        where = f"Column {coarse[0]} of {name}" if flat.shape[1] > 1 else name
        raise DataError(
            f"{where} varies by {high - low:g} from {low:.10g} on: so far from 0, "
            f"float32, in which Keras computes, has steps of {step:g}. Learn the "
            f"difference from a constant instead: subtract {low:.10g}."
        )
    return to_float32(name, y)


def _refuse_one_class(name: str, values: Array) -> None:
    if len(values) < 2:
        raise DataError(
            f"Every row of {name} has the same label, {first_few(values)!r}. A "
            "classifier needs at least two classes."
        )


def describe(target: Any) -> str:
    """Return what several targets together are called."""
    return f"y has {len(target)} parts: the model's own losses say what they mean."
