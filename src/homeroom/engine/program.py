"""Compiled epochs, for one training or for a wave of them, on whatever device."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from homeroom.records import EXACT, SHARED

from . import door, template
from .epochs import EpochLoop, Shape
from .making import Making
from .member import Arrays, Rows
from .patience import Patience
from .random_bits import cheap_random_bits
from .steps import PREDICT_ROWS, Steps, rows_like
from .stopping import EarlyStopping, StoppingState
from .structure import Structure
from .timing import Timing

_CALL_SECONDS = 0.02  # of work in one call: some fifty times what calling costs
_SLOTS_LIKE_A_CALL = 32  # each costs Python some time: so many as much as a call
_MOST_EPOCHS = 32
_MOST_EPOCHS_IN_WAVE = 16  # orders of all slots go to the device with every call
_KEPT_BYTES = 2**20
_ORDER_ROWS = 2**18
_NO_ROWS = np.zeros(0, np.int32)
_compiler = ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="compiler")


@dataclass(frozen=True)
class Place:
    """Where calls run: how many trainings one advances, and on which device.

    None is the device that JAX takes by itself.
    """

    n_slots: int = 1
    device: Any = None


@dataclass(frozen=True, eq=False)
class ModelProgram:
    """A program, and what of it is one model's own.

    `values` are those of the lifted literals; `fresh_optimizer` is what an
    optimizer that is not built lacks. `is_new` is whether the program was made for it.
    """

    program: Program
    values: tuple[Any, ...]
    fresh_optimizer: list[Any] | None
    is_new: bool = False

    def state_of(self, model: Any) -> Any:
        """Return a model's state before its first step."""
        if model.optimizer.built:
            return template.state_of(model)
        mine = []
        if not hasattr(model.optimizer, "inner_optimizer"):
            # a rate is there from the start, and a model's own
            mine = [v.value for v in model.optimizer.variables]
        assert self.fresh_optimizer is not None
        return template.state_of(model, [*mine, *self.fresh_optimizer[len(mine) :]])

    @property
    def sameness(self) -> str:
        """How a training alone comes out: see `records.MemberRecord`."""
        sameness = self.program.steps.description.sameness
        return SHARED if self.program.lifted and sameness == EXACT else sameness

    def does_what(self, other: ModelProgram) -> bool:
        """Return whether two models compute the same."""
        same = zip(self.values, other.values, strict=True)
        return self.program is other.program and all(
            a.tobytes() == b.tobytes() for a, b in same
        )

    def predict(self, trainable: Any, non_trainable: Any, x: Any) -> Any:
        """Return the outputs for x of exactly PREDICT_ROWS rows."""
        return self.program.predict(self.values, trainable, non_trainable, x)


class Program:
    """The compiled epochs of one model structure on arrays of one shape.

    Making it traces Python, and belongs to one thread at a time. Compiling goes on
    beside it; whoever calls the program first waits for that. A program may be called
    from many threads at once.

    Args:
        steps: The steps of a model.
        arrays: What `device_arrays` returned.
        shape: What else it is compiled for.
        lifted: Positions of the literals of the steps that are arguments of every
            call; the others are compiled in.
        one_core: Whether a call may use only the core it runs on.
        reason: Why no program that was there before would do.
        place: Where it will be called first.
    """

    def __init__(
        self,
        steps: Steps,
        arrays: Any,
        shape: Shape,
        *,
        lifted: frozenset[int] = frozenset(),
        one_core: bool,
        reason: str = "",
        place: Place,
    ) -> None:
        self.steps = steps
        self.lifted = lifted
        if steps.floats_per_row is not None:
            shape = shape.with_large_samples(steps.floats_per_row)
        self.shape = shape
        self._options = door.compiler_options(one_core=one_core)
        self._arrays_like = shapes_of(arrays)
        self.most_epochs = self._epochs_that_fit()  # in one call
        prefixes = ["val_", "train_eval_"][-shape.n_measured :]
        self._history_keys = [*steps.train_names]
        self._history_keys += [p + name for p in prefixes for name in steps.test_names]
        self.timing = Timing()
        self._memory: dict[Place, Any] = {}
        self._runs: dict[Place, Future[Any]] = {}
        self._tracing = threading.Lock()
        self.making = Making(reason)
        self.compile_for(place)  # goes on while the other is being traced
        with cheap_random_bits():
            # outputs are of validation rows
            lowered = self._lower_predict() if shape.n_measured > 1 else None
        self._predict = lowered and self.making.compile(lowered, _compiler)

    def compile_for(self, place: Place) -> Future[Any]:
        """Begin to compile calls for a place, if that has not begun."""
        with self._tracing:
            if place not in self._runs:
                with cheap_random_bits():
                    lowered = self._lower_run(place)
                self._runs[place] = self.making.compile(lowered, _compiler)
            return self._runs[place]

    def values_of(self, structure: Structure) -> tuple[Any, ...] | None:
        """Return a structure's own values of the lifted literals.

        None when it differs elsewhere too: this program does not compute it.
        """
        if structure.skeleton != self.steps.structure.skeleton:
            return None
        if not structure.differing(self.steps.structure) <= self.lifted:
            return None
        return tuple(structure.literals[position] for position in sorted(self.lifted))

    def call(self, place: Place, *arguments: Any) -> tuple[Any, Any, Any]:
        """Train some epochs; after each, measure at the weights it ended with.

        With several slots every argument but the arrays and the number of epochs has
        one more axis, the first, and so have the results.

        Args:
            place: Where.
            arguments: The values of lifted literals (what `values_of` returned); the
                trainable, non-trainable and optimizer values; what `device_arrays`
                returned; what `order_tables` returned; how many epochs at most; what
                `Shape.measured_tables` returned; with one slot, the patience left,
                with several None.

        Returns:
            The last state; the states after each epoch; and once they are done, a row
            for each epoch: see `EpochLoop.run`.
        """
        state, kept, rows = self.compile_for(place).result()(*arguments)
        return state, kept, np.asarray(rows)

    def order_tables(self, orders: Mapping[Any, Rows], *slots: int) -> Any:
        """Return tables of training rows as calls take them.

        Args:
            orders: The rows of some epochs by their number; with slots, by (slot,
                epoch).
            slots: How many slots a wave has.
        """
        return self.shape.order_tables(orders, *slots, self._most_epochs(*slots))

    def logs(self, rows: Any) -> list[tuple[dict[str, float], bool]]:
        """Return each epoch's history values, and whether measuring moved them."""
        return [
            (dict(zip(self._history_keys, values, strict=True)), bool(moved))
            for *values, moved, ran in rows.tolist()
            if ran
        ]

    def patience(
        self, rule: EarlyStopping | None, state: StoppingState, epoch: int
    ) -> Patience:
        """Return what is left of a rule's patience before an epoch."""
        if rule is None:
            return Patience.endless()
        column = self._history_keys.index(rule.monitor)
        return Patience.left(rule, state, epoch, column)

    def call_bytes(self, place: Place) -> int:
        """Return what a call holds on the device beside what it was given."""
        memory = self._memory_of(place)
        if memory is None:  # not every device tells
            return 0
        return int(memory.temp_size_in_bytes + memory.output_size_in_bytes)

    def outcome_bytes(self, place: Place) -> int:
        """Return what is held of a call after it, while its epochs may be kept."""
        memory = self._memory_of(place)
        return 0 if memory is None else int(memory.output_size_in_bytes)

    def epochs_per_call(self, place: Place, n_rows: int) -> int:
        """Return how many epochs are worth one call, as far as their cost is known.

        Args:
            place: Where they run.
            n_rows: How many training rows each has.
        """
        n = int(_worth_a_call(place) / self.timing.seconds(place, n_rows))
        return max(1, min(self._most_epochs(place.n_slots), n))

    def wait(self) -> None:
        """Return when everything is compiled."""
        for part in filter(None, (*self._runs.values(), self._predict)):
            part.result()

    def predict(self, values: Any, trainable: Any, non_trainable: Any, x: Any) -> Any:
        """Return the outputs for x of exactly PREDICT_ROWS rows."""
        assert self._predict is not None
        return self._predict.result()(values, trainable, non_trainable, x)

    def _memory_of(self, place: Place) -> Any:
        if place not in self._memory:  # to ask takes a twentieth of a second
            run = self.compile_for(place).result()
            self._memory[place] = run.memory_analysis()
        return self._memory[place]

    def _most_epochs(self, n_slots: int = 1) -> int:
        """Return how many epochs one call may hold, with so many slots."""
        most = self.most_epochs
        return most if n_slots == 1 else min(most, _MOST_EPOCHS_IN_WAVE)

    def _epochs_that_fit(self) -> int:
        """How many epochs one call may hold: their states and orders are kept."""
        leaves = door.jax().tree.leaves(template.state_of(self.steps.model))
        fit = _KEPT_BYTES // max(sum(leaf.nbytes for leaf in leaves), 1)
        return max(1, min(_MOST_EPOCHS, int(fit), _ORDER_ROWS // self.shape.n_rows))

    def _lower_run(self, place: Place) -> Any:
        jax = door.jax()
        loop = EpochLoop(self.steps, self.shape, self._most_epochs(place.n_slots))
        own = (
            self.values_of(self.steps.structure),
            template.state_of(self.steps.model),
            self.shape.order_tables({}, loop.most_epochs),
            self.shape.measured_tables(*[_NO_ROWS] * self.shape.n_measured),
        )

        def run(values: Any, *arguments: Any) -> Any:
            return loop.run(self._placed(values), *arguments)

        patience = shapes_of(Patience.endless(), place)
        if place.n_slots == 1:
            own = shapes_of(own, place)
        else:  # slots that stop apart would cost each a choice between old and new
            axes = (0, 0, None, 0, None, 0, None)
            run, patience = jax.vmap(run, in_axes=axes), None
            own = shapes_of(own, place, slots=(place.n_slots,))
        values, state, orders, tables = own
        n, arrays = shapes_of((np.int32(0), self._arrays_like), place)
        jitted = jax.jit(run, compiler_options=self._options)
        return jitted.lower(values, state, arrays, orders, n, tables, patience)

    def _lower_predict(self) -> Any:
        """(values, trainable, non-trainable, x of PREDICT_ROWS rows) -> outputs."""
        predict = door.jax().jit(self._outputs, compiler_options=self._options)
        trainable, non_trainable, _ = template.state_of(self.steps.model)
        values = self.values_of(self.steps.structure)
        chunk = rows_like(self._arrays_like[0], PREDICT_ROWS)
        return predict.lower(values, trainable, non_trainable, chunk)

    def _outputs(self, values: Any, trainable: Any, non_trainable: Any, x: Any) -> Any:
        return self.steps.predict(self._placed(values), trainable, non_trainable, x)

    def _placed(self, values: Any) -> dict[int, Any]:
        return dict(zip(sorted(self.lifted), values, strict=True))


def _worth_a_call(place: Place) -> float:
    """Return how many seconds of work a call is worth: each slot costs Python more."""
    return _CALL_SECONDS * (1 + place.n_slots // _SLOTS_LIKE_A_CALL)


def device_arrays(arrays: Arrays, class_weight: dict[int, float] | None) -> Any:
    """Return (x, y, training weights, validation weights) on the device.

    Class weights weigh training rows only, as in Keras's fit.
    """
    jax = door.jax()
    train_weight = arrays.sample_weight
    if class_weight is not None:
        from keras.src.trainers.data_adapters import (
            data_adapter_utils,
        )

        train_weight = data_adapter_utils.class_weight_to_sample_weights(
            arrays.y, class_weight
        )
    return jax.device_put((arrays.x, arrays.y, train_weight, arrays.sample_weight))


def shapes_of(
    tree: Any, place: Place | None = None, slots: tuple[int, ...] = ()
) -> Any:
    """Return the shapes and dtypes of arrays, as they are in a place."""
    jax = door.jax()
    sharding = None
    if place is not None and place.device is not None:
        sharding = jax.sharding.SingleDeviceSharding(place.device)

    def like(leaf: Any) -> Any:
        shape = (*slots, *np.shape(leaf))
        return jax.ShapeDtypeStruct(shape, leaf.dtype, sharding=sharding)

    return jax.tree.map(like, tree)
