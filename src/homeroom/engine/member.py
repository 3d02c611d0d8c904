"""What the engine is given and what it gives back. No folds, no candidates here."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from homeroom import seeding
from homeroom.records import EXACT, History, n_measured

from . import door
from .stopping import EarlyStopping

Rows = NDArray[np.int32]
Tree = Any  # an array, or lists and dicts of arrays, as Keras takes them
ModelFunction = Callable[[], Any]


@dataclass(frozen=True, eq=False)
class Arrays:
    """Rows as Keras takes them: every leaf has the same first dimension.

    Members that share an `Arrays` object share its copy on the device.
    """

    x: Tree
    y: Tree
    sample_weight: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Member:
    """One training: a model function, its rows, its seeds.

    `build` returns a compiled model. `seed` is what `keras.utils.set_random_seed`
    gets before `build()`; `order_seed` decides the batches of every epoch. `group`
    names members whose models are expected to differ in seeds and rows only. Members
    of one `cohort` stop together, when the mean of what they monitor no longer
    improves; each keeps the weights of the epoch that is best for the others.
    `epochs` is how many this one gets, where not as many as the others; a cohort stops
    nobody after the fewest of its members.
    """

    key: Hashable
    build: ModelFunction
    arrays: Arrays
    train_rows: Rows
    validation_rows: Rows | None
    seed: int
    order_seed: int
    group: Hashable = None
    cohort: Hashable = None
    epochs: int | None = None

    @property
    def measured_rows(self) -> Rows:
        """The training rows that are measured after each epoch: all, or a sample."""
        if self.n_sampled is None:
            return self.train_rows
        generator = seeding.generator(self.order_seed, "measured")
        return generator.choice(self.train_rows, self.n_sampled, replace=False)

    @property
    def n_sampled(self) -> int | None:
        """How many training rows are measured; None is all of them."""
        n_validation = 0 if self.validation_rows is None else len(self.validation_rows)
        n = n_measured(len(self.train_rows), n_validation)
        return None if n == len(self.train_rows) else n


@dataclass(frozen=True)
class Training:
    """How every member of one call is trained; names and defaults are Keras's.

    Under the name of a `search`, models that differ in constants alone (a dropout
    rate, a momentum) share one compiled program: many of them cost one compilation,
    and the last digit of a value may not be the one that plain `fit` gives. The name
    keeps searches apart, so that no search decides the last digits of another.

    `row_counts` has numbers of training and validation rows that members of other
    calls will have: programs are made to fit those too, and are made only once.

    `operations` "fastest" lets a faster form of a grouped convolution stand in for
    Keras's on CPU, equal to it within rounding; "keras" lets nothing stand in.
    """

    epochs: int = 1
    batch_size: int = 32
    validation_batch_size: int | None = None
    shuffle: bool = True
    class_weight: dict[int, float] | None = None
    early_stopping: EarlyStopping | None = None
    callbacks: tuple[Any, ...] = ()
    keep_weights: bool = False
    keep_predictions: bool = False
    search: str = ""
    row_counts: tuple[tuple[int, int], ...] = ()
    operations: str = field(default_factory=door.operations)


@dataclass(frozen=True, eq=False)
class Weights:
    """The values of a model's variables, on the host, in Keras's own order."""

    trainable: list[NDArray[Any]]
    non_trainable: list[NDArray[Any]]
    optimizer: list[NDArray[Any]]


@dataclass(frozen=True, eq=False, kw_only=True)
class Outcome:
    """What one training came to; the fields are those of `records.MemberRecord`."""

    state: str
    history: History = field(default_factory=lambda: History({}))
    scores: dict[str, float] = field(default_factory=dict)
    best_epoch: int | None = None
    stopped_epoch: int | None = None
    stop_reason: str = "epochs"
    updates_per_epoch: int = 0
    n_updates: int = 0
    seconds: float = 0.0
    path: str = "scan"
    path_reason: str | None = None
    sameness: str = EXACT
    initial_weights: str = ""
    final_weights: str = ""
    evaluation_changed_state: bool = False
    error: str | None = None
    n_weights: int = 0
    weights: Weights | None = None
    predictions: Tree | None = None


@dataclass(frozen=True)
class Description:
    """What a compiled model will report, known before it is trained.

    `names` are its metrics without prefix ("loss", "accuracy", …), `directions` maps
    those that are known to "max" or "min". `sparse_widths` has, per output with a
    sparse categorical loss, the number of classes it can name (None for others), and
    `probabilities` is whether the loss is a binary crossentropy of Keras's own.
    `plain` means that scores follow from outputs by what `compile` was given, with no
    `test_step` or `compute_loss` of the model's own. `loss` is what the loss is called,
    "" where it is not told; all crossentropies are one. `logits` is whether the loss
    takes the outputs for logits. `sameness` is that of `records.MemberRecord`.
    """

    names: tuple[str, ...]
    directions: dict[str, str]
    n_weights: int
    sparse_widths: tuple[int | None, ...] = ()
    probabilities: bool = False
    plain: bool = True
    loss: str = ""
    logits: bool = False
    sameness: str = EXACT


OnEpoch = Callable[[Member, int, dict[str, float]], None]
OnEnd = Callable[[Member, Outcome], None]
Prune = Callable[[Member, int, dict[str, float]], bool]
