"""Keras callbacks: those that only read an epoch's logs are run, others refused."""

from __future__ import annotations

import copy
import dis
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from types import CodeType, FunctionType, SimpleNamespace
from typing import Any

from homeroom.errors import InputError, did_you_mean

from . import door
from .stopping import EarlyStopping

_INSTEAD = {
    "ReduceLROnPlateau": "give the optimizer a keras.optimizers.schedules schedule",
    "LearningRateScheduler": "give the optimizer a keras.optimizers.schedules schedule",
    "ModelCheckpoint": "the best weights are kept by early_stopping=",
    "BackupAndRestore": "finished trainings are kept in the store",
    "TerminateOnNaN": "a training that becomes NaN is stopped anyway",
    "ProgbarLogger": "progress is shown anyway",
    "TensorBoard": "read the history from the result instead",
}
_EPOCH_HOOKS = {"on_epoch_begin", "on_epoch_end", "on_train_begin", "on_train_end"}


def adopt(
    callbacks: Any, early_stopping: EarlyStopping | None
) -> tuple[tuple[Any, ...], EarlyStopping | None]:
    """Return the callbacks that can be honoured, and the stopping rule.

    A `keras.callbacks.EarlyStopping` becomes our rule, with its own parameters. As in
    Keras, None is no callback, and one may come without a list.

    Raises:
        InputError: If a callback reads or changes the model, or works on batches: it
            is named, never ignored.
    """
    if not callbacks:
        return (), early_stopping
    keras = door.keras()
    kept = []
    is_several = isinstance(callbacks, Iterable)
    for callback in callbacks if is_several else [callbacks]:
        if type(callback) is keras.callbacks.EarlyStopping:
            if early_stopping is not None:
                msg = (
                    "Early stopping is given twice: in early_stopping= and callbacks=, "
                    "or by two callbacks. Keep one."
                )
                raise InputError(msg)
            early_stopping = from_keras(callback)
        elif type(callback) is keras.callbacks.History:
            callback.set_model(SimpleNamespace())  # it leaves itself there, as in Keras
            kept.append(callback)
        else:
            _refuse_unless_it_only_reads_logs(callback, keras)
            kept.append(callback)
    return tuple(kept), early_stopping


def from_keras(callback: Any) -> EarlyStopping:
    """Return the rule with the parameters of a `keras.callbacks.EarlyStopping`."""
    return EarlyStopping(
        monitor=callback.monitor,
        min_delta=abs(callback.min_delta),
        patience=callback.patience,
        verbose=callback.verbose,
        mode=callback.mode,
        baseline=callback.baseline,
        restore_best_weights=callback.restore_best_weights,
        start_from_epoch=callback.start_from_epoch,
    )


def own_copies(
    callbacks: Sequence[Any], n_members: int
) -> Callable[[], tuple[Any, ...]]:
    """Return what gives each member its callbacks: the given ones, or its own copies.

    One member runs the very objects that were given, so that they can be read
    afterwards; of several, none may see what another has left in them.

    Raises:
        InputError: If a callback cannot be copied, or its copies would all write to
            one file.
    """
    if n_members <= 1:
        return lambda: tuple(callbacks)
    for callback in callbacks:
        name = type(callback).__name__
        if isinstance(callback, door.keras().callbacks.CSVLogger):
            msg = (
                f"{name} writes one file, {callback.filename!r}, but {n_members} "
                "trainings would write it at once. Leave it out: every history is in "
                "the result."
            )
            raise InputError(msg)
        try:
            copy.deepcopy(callback)
        except Exception as error:
            msg = (
                f"{n_members} trainings need a copy each of the callback {name}, and "
                f"it cannot be copied: {type(error).__name__}: {error}. Give it "
                "nothing that is open, or leave it out."
            )
            raise InputError(msg) from error
    return lambda: copy.deepcopy(tuple(callbacks))


class EpochCallbacks:
    """The honoured callbacks of one training, called as Keras calls them."""

    def __init__(self, callbacks: Sequence[Any], epochs: int) -> None:
        self._callbacks = callbacks
        for callback in callbacks:
            callback.set_params({"epochs": epochs, "verbose": 0, "steps": None})

    def train_begins(self) -> None:
        """Call `on_train_begin` of each."""
        for callback in self._callbacks:
            callback.on_train_begin({})

    def epoch_begins(self, epoch: int) -> None:
        """Call `on_epoch_begin` of each."""
        for callback in self._callbacks:
            callback.on_epoch_begin(epoch, {})

    def epoch_ends(self, epoch: int, logs: dict[str, float]) -> None:
        """Call `on_epoch_end` of each, with a copy of the epoch's logs."""
        for callback in self._callbacks:
            callback.on_epoch_end(epoch, dict(logs))

    def train_ends(self, rows: Sequence[dict[str, float]]) -> None:
        """Call `on_train_end` of each, with the logs of the last of `rows`."""
        for callback in self._callbacks:
            callback.on_train_end(dict(rows[-1]) if rows else {})


def resolve_rule(
    rule: EarlyStopping | None, known: Sequence[str], direction: str | None
) -> EarlyStopping | None:
    """Return the rule with its mode decided, once the history keys are known.

    Raises:
        InputError: If the monitor is not among the keys, or its direction is unknown.
    """
    if rule is None:
        return None
    if rule.monitor not in known:
        hint = ""
        if rule.monitor.startswith("val_") and not any(
            k.startswith("val_") for k in known
        ):
            hint = (
                " There is no validation data: pass validation_split= or "
                "validation_data=."
            )
        msg = (
            f"EarlyStopping monitors {rule.monitor!r}, but this fit produces: "
            f"{', '.join(known)}.{hint or did_you_mean(rule.monitor, known)}"
        )
        raise InputError(msg)
    mode = direction if rule.mode == "auto" else rule.mode
    if mode is None:
        msg = (
            f"EarlyStopping cannot tell whether {rule.monitor!r} should rise or fall. "
            "Pass mode='max' or mode='min'."
        )
        raise InputError(msg)
    return EarlyStopping(**{**rule.to_dict(), "mode": mode})


def _refuse_unless_it_only_reads_logs(callback: Any, keras: Any) -> None:
    kind = type(callback)
    if not isinstance(callback, keras.callbacks.Callback):
        msg = f"callbacks= takes keras.callbacks.Callback objects, not {kind.__name__}."
        raise InputError(msg)
    reason = None
    if kind.__name__ in _INSTEAD and kind.__module__.startswith("keras."):
        reason = f"use this instead: {_INSTEAD[kind.__name__]}"
    elif hooks := _other_hooks(callback, keras):
        reason = f"it works on batches ({', '.join(hooks)})"
    elif _touches_model(kind, keras):
        reason = "it reads or changes self.model while the training runs"
    elif _holds_model(callback, keras):
        reason = "it uses a model of its own, which is not the one that is trained"
    if reason:
        msg = (
            f"The callback {kind.__name__} cannot be honoured: {reason}. Epochs run "
            "compiled, many at once; a callback may only read the logs of an epoch."
        )
        raise InputError(msg)


def _other_hooks(callback: Any, keras: Any) -> list[str]:
    """The hooks, besides those of epochs, that its class or the object itself has."""
    base = keras.callbacks.Callback
    return [
        name
        for name in dir(base)
        if name.startswith("on_")
        and name not in _EPOCH_HOOKS
        and (
            name in vars(callback)
            or getattr(type(callback), name) is not getattr(base, name)
        )
    ]


def _touches_model(kind: type, keras: Any) -> bool:
    own = kind.__mro__[: kind.__mro__.index(keras.callbacks.Callback)]
    functions = [f for k in own for f in vars(k).values() if hasattr(f, "__code__")]
    return any("model" in _names(f.__code__) for f in functions)


def _holds_model(callback: Any, keras: Any) -> bool:
    """Whether functions that were given to the object know a model, as lambdas do."""
    given = [f for f in vars(callback).values() if isinstance(f, FunctionType)]
    return any(isinstance(v, keras.Model) for f in given for v in _used_by(f))


def _used_by(function: FunctionType) -> Iterator[Any]:
    """Return the values around a function that it refers to by name."""
    for cell in function.__closure__ or ():
        with suppress(ValueError):  # what is not there yet
            yield cell.cell_contents
    for each in dis.get_instructions(function):
        if each.opname == "LOAD_GLOBAL":
            yield function.__globals__.get(each.argval)


def _names(code: CodeType) -> set[str]:
    inner = [_names(c) for c in code.co_consts if isinstance(c, CodeType)]
    return set(code.co_names).union(*inner)
