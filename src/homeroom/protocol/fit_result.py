"""One training as a result: its history, its verdict, its model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from homeroom import engine, judgement
from homeroom.engine import Training
from homeroom.records import Examination, MemberRecord, Metric, ProgramRecord, Verdict

from .member import Result
from .printed import Printed, lines


@dataclass(frozen=True, eq=False, repr=False)
class FitResult(Printed):
    """One training: its history, its verdict, its model.

    Args:
        record: What is remembered of the training.
        metric: The yardstick of the verdict.
        n_validation: How many rows validated it.
        examination: What the doctor found in the data before training.
        baseline: The validation accuracy of always answering the most frequent class
            of the training rows; None where the metric is no accuracy.
        programs: The compiled program that trained, and what making it took; empty
            where plain Keras did.

    Examples:
        >>> import numpy as np, keras, homeroom as hr
        >>> def line():
        ...     model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        ...     model.compile("sgd", loss="mse")
        ...     return model
        >>> x = np.linspace(0, 1, 64).reshape(-1, 1)
        >>> fit = hr.fit(line, x, 2.5 * x, epochs=3, validation_split=0.25)
        >>> len(fit.history["val_loss"])
        3
    """

    record: MemberRecord
    metric: Metric
    n_validation: int
    _result: Result
    _training: Training
    examination: Examination | None = None
    baseline: float | None = None
    programs: tuple[ProgramRecord, ...] = ()

    @property
    def history(self) -> dict[str, list[float]]:
        """Values per epoch under Keras's keys; see `records.History`."""
        return {k: list(v) for k, v in self.record.history.series.items()}

    @property
    def epoch(self) -> list[int]:
        """The epochs trained, as in `keras.callbacks.History.epoch`."""
        return list(range(self.record.history.n_epochs))

    @property
    def verdict(self) -> Verdict:
        """What the learning curve says, in words, with its numbers."""
        return judgement.verdict(
            self.record.history,
            self.metric,
            best_epoch=self.record.best_epoch,
            n_validation=self.n_validation,
            stop_reason=self.record.stop_reason,
            baseline=self.baseline,
        )

    @cached_property
    def model(self) -> Any:
        """The trained `keras.Model`."""
        assert self._result.outcome is not None
        return engine.trained_model(
            self._result.assignment.member, self._training, self._result.outcome
        )

    def plot(self) -> Any:
        """Return the learning curve as an Altair chart."""
        from homeroom import report

        return report.fit_chart(self._view())

    def to_frame(self) -> Any:
        """Return the history as a polars frame, one row per epoch."""
        from homeroom import report

        return report.history_frame(self.record)

    def __str__(self) -> str:
        """Return the score and what the learning curve says."""
        view = self._view()
        return lines(view.answer, view.verdict_text)

    def _view(self) -> Any:
        from homeroom import report

        return report.fit_view(self.record, self.metric, self.verdict)

    def _repr_html_(self) -> str:
        from homeroom import report

        return report.fit_html(self._view())
