"""From a model function to a built Keras model, its state, and what it is."""

from __future__ import annotations

import copy
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from homeroom import fingerprint, seeding
from homeroom.errors import HomeroomError, InputError

from . import door, identity, measures
from .member import Arrays, Description, ModelFunction, Tree, Weights
from .random_bits import cheap_random_bits


@dataclass(frozen=True, eq=False)
class Drawing:
    """What went into a model: names so far, how many seeds, which initializers.

    `n_seeds` is None when the model function drew other random numbers than Keras's
    default seeds. `initializers` are those of the variables, by their id.
    """

    names: dict[str, int]
    n_seeds: int | None = None
    initializers: dict[int, Any] = field(default_factory=dict)


_WHERE = "Exception encountered when calling "  # a layer, says Keras
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_drawings: WeakKeyDictionary[Any, Drawing] = WeakKeyDictionary()


class ModelFunctionError(InputError):
    """A model function raised an error of its own."""


def build(function: ModelFunction, seed: int, arrays: Arrays, batch_size: int) -> Any:
    """Return the model that `keras.utils.set_random_seed(seed); function()` gives.

    The model is built on the shapes of one batch, its optimizer too, and nothing is
    trained. The caller's own random states and Keras's name counters are unmoved.

    Raises:
        InputError: If the function fails, returns no compiled model, or returns
            layers that another call returned before.
    """
    model = draw(function, seed, arrays, batch_size)
    finish(model, function, arrays, batch_size)
    return model


def draw(function: ModelFunction, seed: int, arrays: Arrays, batch_size: int) -> Any:
    """Return the model with its fresh weights, its optimizer perhaps not yet built.

    This is all that a member needs whose program exists; raises as `build` does.
    """
    keras = door.keras()
    with (
        _names() as counts,
        seeding.preserved_global_randomness(),
        _keras_seed() as is_unused,
        _observed() as (initializers, n_seeds),
        cheap_random_bits(),
    ):
        keras.utils.set_random_seed(int(seed))
        model = _call(function)
        _check(model, function)
        if not all(layer.built for layer in model._flatten_layers()):
            _build_all(model, function, arrays, batch_size)
        by_keras = seeding.only_default_seeds(int(seed), n_seeds()) and is_unused()
    _claim(model, function)
    n_drawn = n_seeds() if by_keras else None
    _drawings[model] = Drawing(counts, n_drawn, initializers)
    return model


def drawing_of(model: Any) -> Drawing:
    """Return what went into a model that `draw` returned."""
    return _drawings[model]


def finish(
    model: Any, function: ModelFunction, arrays: Arrays, batch_size: int
) -> None:
    """Build whatever the model lacks: layers, loss, metrics, optimizer."""
    with _names(_drawings[model].names), seeding.preserved_global_randomness():
        _build_all(model, function, arrays, batch_size)


def _build_all(
    model: Any, function: ModelFunction, arrays: Arrays, batch_size: int
) -> None:
    try:
        model._symbolic_build(data_batch=_first_rows(arrays, batch_size))
    except Exception as error:
        msg = (
            f"The model of {name_of(function)} does not accept this data: "
            f"x has shapes {_shapes(arrays.x)}, y has {_shapes(arrays.y)}. "
            f"Keras says: {first_line(error)}"
        )
        raise InputError(msg) from error


def clone_function(model: Any) -> ModelFunction:
    """Return a model function that makes fresh copies of a compiled model instance.

    The copies have the instance's layers and compile arguments, and new weights; the
    instance itself is never trained.

    Raises:
        InputError: If the instance is not compiled, or has what a copy would lack.
    """
    keras = door.keras()
    _check(model, lambda: model)
    with _names(), seeding.preserved_global_randomness():
        lost = identity.lost_in_a_copy(model)
    if lost:
        msg = (
            f"A copy of the model {model.name!r} would lack {lost}, which Keras does "
            "not copy. Pass the function that makes the model."
        )
        raise InputError(msg)
    config = model.get_compile_config()

    def fresh() -> Any:
        try:
            copied = keras.models.clone_model(model)
        except Exception as error:
            msg = (
                f"Keras cannot copy the model {model.name!r}: {first_line(error)} Pass "
                "the function that makes the model."
            )
            raise InputError(msg) from error
        copied.compile_from_config(copy.deepcopy(config))  # some parts are taken out
        return copied

    fresh.__name__ = str(model.name)
    return fresh


def state_of(
    model: Any, optimizer: list[Any] | None = None
) -> tuple[list[Any], list[Any], list[Any]]:
    """Return (trainable, non-trainable, optimizer) values, in Keras's order.

    `optimizer` stands in for the state of an optimizer that is not built.
    """
    return (
        [v.value for v in model.trainable_variables],
        [v.value for v in model.non_trainable_variables],
        [v.value for v in model.optimizer.variables]
        if optimizer is None
        else optimizer,
    )


def to_host(state: tuple[list[Any], list[Any], list[Any]]) -> Weights:
    """Return the state as NumPy arrays."""
    return Weights(*door.on_host(state))


def weights_fingerprint(state: Sequence[list[Any]]) -> str:
    """Return the content hash of all weights and statistics (not the optimizer)."""
    return fingerprint.of_arrays(v for part in door.on_host(state[:2]) for v in part)


def restore(model: Any, weights: Weights) -> Any:
    """Give a built model trained values; returns the model."""
    for variables, values in (
        (model.trainable_variables, weights.trainable),
        (model.non_trainable_variables, weights.non_trainable),
        (model.optimizer.variables, weights.optimizer),
    ):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    return model


def flat_logs(logs: Any) -> dict[str, Any]:
    """Flatten nested logs as Keras's history does: by sorted name.

    Raises:
        InputError: If a metric is more than one number.
    """
    flat: dict[str, Any] = {}
    for name, value in sorted(logs.items()):
        if isinstance(value, dict):
            flat.update(flat_logs(value))
            continue
        if np.ndim(value) != 0:
            msg = (
                f"The metric {name!r} returns {np.shape(value)} values; a learning "
                "curve needs one number per epoch. Use an averaging form, such as "
                "average='macro'."
            )
            raise InputError(msg)
        flat[name] = value
    return flat


def describe(
    model: Any,
    y: Tree,
    names: tuple[str, ...] | None = None,
    output: Any = None,
) -> Description:
    """Return what a built model will report.

    `names` and `output`, which has a shape, when tracing has told them.
    """
    if names is None:
        names = tuple(flat_logs(model.get_metrics_result()))
    directions = {name: measures.direction_of(model, name) for name in names}
    return Description(
        names=names,
        directions={name: way for name, way in directions.items() if way},
        n_weights=sum(int(np.prod(v.shape)) for v in model.trainable_variables),
        sparse_widths=_sparse_widths(model, y, getattr(output, "shape", None)),
        probabilities=measures.takes_probabilities(model),
        plain=not identity.has_methods_of_its_own(model)
        and all(
            getattr(type(model), name) is getattr(door.keras().Model, name)
            for name in ("test_step", "compute_loss", "compute_metrics")
        ),
        loss=measures.name_of_loss(model),
        logits=measures.gives_logits(model),
    )


def _sparse_widths(model: Any, y: Tree, shape: Any) -> tuple[int | None, ...]:
    """Return, per target, how many classes a sparse loss can name, or None."""
    jax = door.jax()
    shape = shape or _output_shape(model)
    n_targets = len(jax.tree.leaves(y))
    if n_targets != 1 or not isinstance(shape, tuple):
        return (None,) * n_targets
    loss = model.loss
    name = loss if isinstance(loss, str) else getattr(loss, "name", None)
    name = name or getattr(loss, "__name__", "")
    if getattr(loss, "ignore_class", None) is not None:  # a label beside the classes
        return (None,)
    return (int(shape[-1]) if name == "sparse_categorical_crossentropy" else None,)


def _output_shape(model: Any) -> Any:
    try:
        return model.output_shape
    except AttributeError:  # a subclassed model does not tell
        return None


def name_of(function: ModelFunction) -> str:
    """Return the name a person gave to a model function."""
    inner = getattr(function, "func", function)
    return f"{getattr(inner, '__name__', type(inner).__name__)}()"


def first_line(error: BaseException) -> str:
    """Return the line of an error that says what went wrong, with its type."""
    lines = [_COLOUR.sub("", line).strip() for line in str(error).splitlines()]
    lines = [line for line in lines if line]
    if len(lines) > 1 and lines[0].startswith(_WHERE):  # what went wrong comes next
        del lines[0]
    return f"{type(error).__name__}: {lines[0] if lines else ''}".strip()


def _call(function: ModelFunction) -> Any:
    try:
        return function()
    except HomeroomError:
        raise
    except Exception as error:
        msg = (
            f"The model function {name_of(function)} failed: {first_line(error)}. "
            "It must return a compiled keras.Model."
        )
        raise ModelFunctionError(msg) from error


def _check(model: Any, function: ModelFunction) -> None:
    keras = door.keras()
    if not isinstance(model, keras.Model):
        msg = (
            f"The model function {name_of(function)} returned "
            f"{type(model).__name__}; it must return a compiled keras.Model."
        )
        raise InputError(msg)
    if not model.compiled:
        msg = (
            f"The model function {name_of(function)} returned an uncompiled model. "
            "Call model.compile(optimizer, loss=…, metrics=[…]) before returning it."
        )
        raise InputError(msg)


def _claim(model: Any, function: ModelFunction) -> None:
    """Mark the variables as this model's; refuse those of an earlier one."""
    for part, variables in (
        ("layers", model.variables),
        ("optimizer", model.optimizer.variables),
    ):
        for variable in variables:
            if getattr(variable, "_homeroom_claimed", False):
                msg = (
                    f"The model function {name_of(function)} returned the same {part} "
                    f"twice (variable {variable.path!r}). Folds that share {part} "
                    "train each other. Create layers, optimizer and model inside the "
                    "function."
                )
                raise InputError(msg)
            variable._homeroom_claimed = True


@contextmanager
def _names(counts: dict[str, int] | None = None) -> Iterator[dict[str, int]]:
    """Number layers and metrics from one, so that every member has the same names.

    `counts`, which is also what is yielded, goes on from a model's own numbers.
    """
    from keras.src.backend.common import global_state

    key = "object_name_uids"
    before = global_state.get_global_attribute(key)
    counts = defaultdict(int) if counts is None else counts
    global_state.set_global_attribute(key, counts)
    try:
        yield counts
    finally:
        global_state.set_global_attribute(key, before)


@contextmanager
def _keras_seed() -> Iterator[Callable[[], bool]]:
    """Leave Keras's global seed and generator as they were found.

    Yields what tells whether the global generator, once seeded, is still unused.
    """
    from keras.src.backend.common import global_state

    keys = ("global_random_seed", "global_seed_generator")
    before = [global_state.get_global_attribute(key) for key in keys]
    try:
        yield lambda: global_state.get_global_attribute(keys[1]) is None
    finally:
        for key, value in zip(keys, before, strict=True):
            global_state.set_global_attribute(key, value)


@contextmanager
def _observed() -> Iterator[tuple[dict[int, Any], Callable[[], int]]]:
    """Collect what Keras forgets: initializers by the variable's id, seeds drawn."""
    from keras.src.backend.jax.core import JaxVariable
    from keras.src.random import seed_generator

    initialize = JaxVariable._initialize_with_initializer
    generator = seed_generator.python_random
    initializers: dict[int, Any] = {}
    seeds: list[int] = []

    def initialize_observed(variable: Any, initializer: Any) -> None:
        initializers[id(variable)] = initializer
        initialize(variable, initializer)

    def draw_observed(low: int, high: int) -> int:
        seeds.append(generator.randint(low, high))
        return seeds[-1]

    JaxVariable._initialize_with_initializer = initialize_observed
    seed_generator.python_random = SimpleNamespace(randint=draw_observed)
    try:
        yield initializers, lambda: len(seeds)
    finally:
        JaxVariable._initialize_with_initializer = initialize
        seed_generator.python_random = generator


def _first_rows(arrays: Arrays, n: int) -> tuple[Any, ...]:
    jax = door.jax()
    parts = (arrays.x, arrays.y, arrays.sample_weight)
    return jax.tree.map(lambda leaf: leaf[:n], parts)  # type: ignore[no-any-return]


def _shapes(tree: Tree) -> str:
    leaves = door.jax().tree.leaves(tree)
    return ", ".join(str(tuple(np.shape(leaf))) for leaf in leaves)
