"""What one training remembers of its epochs."""

from __future__ import annotations

import msgspec

_LEAST_MEASURED = 512


class Metric(msgspec.Struct, frozen=True):
    """A yardstick: its Keras name without `val_`, and which way is better.

    `direction` is "max" or "min". The validation series of "accuracy" is
    "val_accuracy"; the training series measured at the weights of the end of the
    epoch is "train_eval_accuracy".

    Examples:
        >>> import homeroom as hr
        >>> metric = hr.Metric("share_of_profit", "max")
        >>> metric.validation_key, metric.better(0.3, 0.2)
        ('val_share_of_profit', True)
    """

    name: str
    direction: str

    @property
    def validation_key(self) -> str:
        """The history key of the validation series, as in Keras."""
        return f"val_{self.name}"

    @property
    def train_key(self) -> str:
        """The history key of the comparable training series (see History)."""
        return f"train_eval_{self.name}"

    def better(self, a: float, b: float) -> bool:
        """Return whether `a` is strictly better than `b`; NaN is never better."""
        return a > b if self.direction == "max" else a < b


class History(msgspec.Struct, frozen=True):
    """Values per epoch, under Keras's keys.

    `loss`, `accuracy`, … are Keras's running means over the epoch, taken while the
    weights move and with dropout on. `val_*` are measured at the weights of the end
    of the epoch. `train_eval_*` are training rows measured at those same weights with
    dropout off: the only training curve that may be compared with `val_*`. `n_sampled`
    is how many of them were measured where not all were, see `n_measured`.
    """

    series: dict[str, tuple[float, ...]]
    n_sampled: int | None = None

    @property
    def n_epochs(self) -> int:
        """How many epochs were trained."""
        return max(map(len, self.series.values()), default=0)

    def at(self, epoch: int) -> dict[str, float]:
        """Return every value of one epoch (0-based, as in Keras)."""
        return {name: values[epoch] for name, values in self.series.items()}


def n_measured(n_train: int, n_validation: int) -> int:
    """Return on how many training rows `train_eval_*` is measured after an epoch.

    As many as there are validation rows, at least 512: a sample, drawn once, and
    candidates with the same fold and seed have the same one. All of them would cost
    up to a third of the training. The sample leaves the gap to `val_*` open by √2 times
    as much at most, where training rows are the better answered ones.

    >>> n_measured(400, 100), n_measured(40_000, 100), n_measured(40_000, 10_000)
    (400, 512, 10000)
    """
    return min(n_train, max(_LEAST_MEASURED, n_validation))


class Verdict(msgspec.Struct, frozen=True):
    """What a learning curve says, with the numbers it rests on.

    `kind` is one of "underfitting", "good fit", "overfitting", "memorising",
    "validation easier", "no better than the baseline", "too noisy to tell",
    "diverged", "no curve". `epoch` is 0-based, where overfitting starts.
    `text` is the sentence for a person, `korean` the same in Korean.
    """

    kind: str
    text: str
    epoch: int | None = None
    numbers: dict[str, float] = {}
    korean: str = ""
