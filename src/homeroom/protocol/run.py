"""A run that is done: its answer, its report, and the right to one final test."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from homeroom import judgement
from homeroom.errors import InputError, did_you_mean
from homeroom.records import FinalTest, RunRecord, Selection, Verification
from homeroom.store import Store

from .prediction import predict_rows
from .printed import Printed, lines
from .winner import Winner

if TYPE_CHECKING:
    from .final_test import SealedTest

S = TypeVar("S", bound=msgspec.Struct)


class Run(Printed):  # noqa: PLR0904 - one act each, in the order they are done
    """One execution of the protocol.

    Args:
        record: What is remembered of it.
        store: Where it stays.
        winner: The refitted model, if the run came that far.
        sealed: The test rows, in the process that sealed them.
        predictions: The winner's out-of-fold predictions [n, …] of the development
            rows, each the mean over the trainings that validated the row; None where
            there are none. `record.out_of_fold` counts what they say.

    Examples:
        >>> import numpy as np, keras, homeroom as hr
        >>> def line():
        ...     model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        ...     model.compile("sgd", loss="mse")
        ...     return model
        >>> x = np.linspace(0, 1, 80).reshape(-1, 1)
        >>> experiment = hr.Experiment(x, 2.5 * x, store=":memory:")
        >>> run = experiment.add("line", line).run(cv=3, epochs=2)
        >>> run.leaderboard["candidate"].to_list()
        ['line']
    """

    def __init__(
        self,
        record: RunRecord,
        store: Store,
        winner: Winner | None,
        sealed: SealedTest | None,
        predictions: Any = None,
    ) -> None:
        self.record = record
        self._store = store
        self._winner = winner
        self._sealed = sealed
        self.predictions = predictions

    @property
    def id(self) -> str:
        """The run's id in the store, such as "digits-0007"."""
        return self.record.id

    @property
    def selection(self) -> Selection:
        """Which candidate was chosen; `.reason` is a sentence.

        Raises:
            InputError: If the run ended before a choice.
        """
        if self.record.selection is None:
            raise InputError(
                f"Run {self.id!r} is {self.record.state}: it ended before a choice."
            )
        return self.record.selection

    @property
    def leaderboard(self) -> Any:
        """Candidates from best to worst with spreads and intervals (polars frame)."""
        from homeroom import report

        return report.leaderboard_frame(self._view())

    @property
    def model(self) -> Any:
        """The model that is shipped (see `final_model` in `Experiment.run`).

        A plain `keras.Model`; a fitted estimator, or a list of them, where one of
        those was chosen.

        Raises:
            InputError: If the run ended before the refit.
        """
        return self._finished().model

    def predict(self, x: Any) -> Any:
        """Return the chosen model's outputs for new rows of the same form as x.

        Warns where a column of a table holds categories that training never saw.

        Raises:
            DataError: If the rows are not numbers, or hold NaN that nothing fills in.
            InputError: If a row has another shape than in training.
        """
        return predict_rows(self._finished(), x, self.record.dataset)

    def summary(self, candidate: str) -> judgement.Summary:
        """Return mean, spreads, interval and failures of one candidate.

        Raises:
            InputError: If there is none of that name.
        """
        members = self.record.members_of(candidate)
        names = [c.name for c in self.record.candidates]
        if candidate not in names:
            raise InputError(
                f"There is no candidate {candidate!r}; there are: {', '.join(names)}."
                f"{did_you_mean(candidate, names)}"
            )
        return judgement.summarize(members, self.record.plan, self.record.metric)

    @property
    def final_models(self) -> tuple[judgement.FinalModel, ...]:
        """What each model that could be shipped should score: see `Experiment.run`.

        Raises:
            InputError: If the run ended before a choice.
        """
        name, refit = self.selection.candidate, self.record.refit
        return judgement.final_models(
            self.record.members_of(name),
            self.record.plan,
            self.record.metric,
            refit.ensemble_scores if refit else (),
        )

    def compare(self, a: str, b: str) -> judgement.Comparison:
        """Return candidate `a` against `b` on the same folds and seeds.

        Raises:
            InputError: If one of them does not exist, or lacks a score.
        """
        return judgement.compare(self.summary(a), self.summary(b), self.record.plan)

    def final_test(self) -> FinalTest:
        """Open the sealed test set, once, and score the chosen model on it.

        Raises:
            SealError: If it has been opened before: with when, and what it gave.
            InputError: If the run ended before a choice.
        """
        winner = self._finished()
        if self._sealed is None:
            raise InputError(
                f"The test rows of run {self.id!r} are not in this process."
            )
        found = self._sealed.open(winner, self.record, self._store, self.predictions)
        self.record = evolved(self.record, final_test=found)
        return found

    def verify(
        self, members: int | str | None = None, models: Any = None
    ) -> Verification:
        """Train stored members again with plain `keras.Model.fit`, and compare.

        It happens in a fresh process, on the recorded rows in the recorded order.
        `.holds` says whether all are the same, bit for bit on a CPU.

        Args:
            members: How many, or "all". None: one of each candidate, three at least.
            models: Import paths "module:function" of candidates whose model has parts
                of its own, which no description tells.

        Raises:
            InputError: If the run kept nothing to verify it with.
            DataError: If the file it was trained on has changed.
        """
        from .verification import verify

        return verify(self.record, self._store, members=members, models=models)

    def report(self, path: str | Path = "report.html") -> Path:
        """Write the report, one file that opens offline, and return its path.

        An earlier report there is replaced.

        Raises:
            InputError: If nothing can be written there, or what is there is no report.
        """
        from homeroom import report

        report.write_page(self._view(), Path(path))
        return Path(path).resolve()

    def plot(self) -> Any:
        """Return the candidates' means and intervals as an Altair chart."""
        from homeroom import report

        return report.interval_chart(self._view())

    def __str__(self) -> str:
        """Return who was chosen, why, and what the final test said."""
        view = self._view()
        return lines(view.answer, view.reason, view.final_test.sentence)

    def _view(self) -> Any:
        from homeroom import report

        return report.run_view(self.record)

    def _repr_html_(self) -> str:
        from homeroom import report

        return report.run_html(self._view())

    def _finished(self) -> Winner:
        if self._winner is None:
            raise InputError(
                f"Run {self.id!r} is {self.record.state}: it ended before the chosen "
                "model was trained."
            )
        return self._winner


def evolved(record: S, **changes: Any) -> S:
    """Return a record with some fields changed."""
    return msgspec.structs.replace(record, **changes)
