"""What is seen while training runs: one display that moves, or a few plain lines."""

from __future__ import annotations

import math
import threading
import time
from importlib.util import find_spec
from typing import TYPE_CHECKING, Self

from rich import box
from rich.console import Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from homeroom.records import (
    COMPLETE,
    INTERRUPTED,
    PRUNED,
    EpochEnded,
    Examined,
    MemberEnded,
    Note,
    StageStarted,
    TrialEnded,
)

from .formats import format_count, format_score, format_seconds, printable
from .tally import Tally, TrainingTally, TrialsTally, mark_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

    from rich.console import Console, RenderableType

    from homeroom.records import Event, Metric

    Message = tuple[str, str]

BAR = "green"
MOST_MARKS = 30
PLAIN_SECONDS = 15.0


class LiveProgress:
    """A listener that shows how far the trainings are.

    Use it as a context manager and call it with events, from any thread. On a
    terminal or in a notebook one display moves and vanishes when it is done; anywhere
    else a few plain lines are printed. Scores are means over trainings, so that no
    lucky one is shown alone: `now` over those that run, `best` over each one's best
    epoch so far.

    Args:
        console: Where to show it; by custom the one of standard error.
        metric: The yardstick that is shown.
        candidates: Their names, if known: waiting ones are then shown as well, and
            the number of trainings of each.
        clock: What measures seconds.

    >>> from rich.console import Console
    >>> from homeroom.records import EpochEnded, Metric, StageStarted
    >>> import io
    >>> told = io.StringIO()
    >>> metric = Metric("accuracy", "max")
    >>> with LiveProgress(Console(file=told), metric) as progress:
    ...     progress(StageStarted("training", n_members=5, epochs=10))
    ...     progress(EpochEnded("mlp", 0, 0, 0, {"val_accuracy": 0.9}))
    >>> print(told.getvalue().splitlines()[0])
    training: 5 trainings of at most 10 epochs
    """

    def __init__(
        self,
        console: Console,
        metric: Metric,
        *,
        candidates: Sequence[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._metric = metric
        self._named = tuple(candidates)
        self._clock = clock
        self._lock = threading.Lock()
        self._candidates = {name: Tally() for name in candidates}
        self._stage = StageStarted("starting")
        self._n_members = 0
        self._epochs = 0
        self._trials = TrialsTally()
        self._earlier: list[TrainingTally] = []
        self._began = self._told_at = self._stage_began = clock()
        # without ipywidgets a notebook would show a warning and nothing else
        moves = (console.is_terminal and not console.is_dumb_terminal) or (
            console.is_jupyter and find_spec("ipywidgets") is not None
        )
        self._live = (
            Live(
                console=console,
                get_renderable=self.render,
                refresh_per_second=8,
                transient=True,
            )
            if moves
            else None
        )

    def __enter__(self) -> Self:
        """Begin to show progress."""
        self._began = self._told_at = self._stage_began = self._clock()
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave one line that says what was done."""
        if self._live is not None:
            self._live.stop()
        with self._lock:
            summary = self._summary()
        if summary:
            self._console.print(Text(summary, style="dim"))

    def __call__(self, event: Event) -> None:
        """Take in an event; cheap, and safe from several threads at once."""
        with self._lock:
            messages = self._take(event)
        # Printed without the lock: the thread that refreshes needs both.
        for message, style in messages:
            self._console.print(Text(printable(message), style=style))

    def render(self) -> RenderableType:
        """Return what is shown now."""
        with self._lock:
            if not self._candidates:
                return Text(f"{self._stage.stage} …", style="dim")
            return Group(self._table(), self._overall())

    def _take(self, event: Event) -> list[Message]:
        match event:
            case StageStarted():
                return self._stage_started(event)
            case EpochEnded():
                candidate = self._candidates.setdefault(event.candidate, Tally())
                training = candidate.at(event.fold, event.seed_index)
                training.epoch = event.epoch + 1
                score = event.logs.get(self._metric.validation_key, math.nan)
                training.now = score
                if math.isnan(training.best) or self._metric.better(
                    score, training.best
                ):
                    training.best = score
                return self._plain_line()
            case MemberEnded():
                return self._member_ended(event)
            case TrialEnded():
                self._trial_ended(event)
            case Note():
                return [(event.text, "yellow")]
            case Examined():
                return [
                    (f"{found.severity}: {found.evidence}", "yellow")
                    for found in event.examination.findings
                    if found.severity != "note"
                ]
        return []

    def _stage_started(self, event: StageStarted) -> list[Message]:
        self._stage = event
        self._stage_began = self._clock()
        if event.n_members:
            for candidate in self._candidates.values():
                self._earlier += candidate.trainings.values()
            self._n_members, self._epochs = event.n_members, event.epochs
            self._candidates = {name: Tally() for name in self._named}
        else:
            self._trials = TrialsTally()
        if self._live is not None:
            return []
        if not event.n_members:
            return [(event.stage, "")]
        trainings = format_count(event.n_members, "training")
        epochs = format_count(event.epochs, "epoch")
        return [(f"{event.stage}: {trainings} of at most {epochs}", "")]

    def _trial_ended(self, event: TrialEnded) -> None:
        trials = self._trials
        trials.done, trials.of = trials.done + 1, event.n_trials
        trials.given_up += event.trial.state == PRUNED
        first = math.isnan(trials.best)
        if event.trial.state == COMPLETE and (
            first or self._metric.better(event.score, trials.best)
        ):
            trials.best = event.score

    def _member_ended(self, event: MemberEnded) -> list[Message]:
        member = event.member
        candidate = self._candidates.setdefault(member.candidate, Tally())
        training = candidate.at(member.fold, member.seed_index)
        training.state = member.state
        training.epoch = member.history.n_epochs
        score = member.scores.get(self._metric.validation_key, math.nan)
        if not math.isnan(score):
            training.best = score
        if member.state in {COMPLETE, PRUNED}:
            return self._plain_line()
        name = (
            f"{member.candidate}, fold {member.fold + 1}, seed {member.seed_index + 1}"
        )
        if member.state == INTERRUPTED:
            if not training.epoch:
                return []  # it never began
            after = format_count(training.epoch, "epoch")
            return [(f"{name} interrupted after {after}", "yellow")]
        lines = (member.error or member.stop_reason).strip().splitlines() or [""]
        return [(f"{name} {member.state.lower()}: {lines[-1]}", "red")]

    def _plain_line(self) -> list[Message]:
        """Return a line now and then, where nothing can move."""
        if self._live is not None or self._clock() - self._told_at < PLAIN_SECONDS:
            return []
        self._told_at = self._clock()
        left = self._seconds_left()
        said = f"  {self._n_done()} of {self._n_members} trainings done"
        if left is not None:
            said += f", at most {_rounded(left)} to go"
        if self._trials.done:
            said += f"; {self._searched()}"
        return [(said, "")]

    def _table(self) -> Table:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
        label = self._metric.name.replace("_", " ")
        table.add_column("candidate", no_wrap=True, overflow="ellipsis", max_width=24)
        table.add_column("trainings", no_wrap=True)
        table.add_column("done", justify="right", no_wrap=True)
        table.add_column("epoch", justify="right", no_wrap=True)
        table.add_column("now", justify="right", no_wrap=True)
        table.add_column(f"best {label}"[:22], justify="right", no_wrap=True)
        for name, candidate in self._candidates.items():
            table.add_row(Text(printable(name)), *self._cells(candidate))
        return table

    def _cells(self, candidate: Tally) -> list[RenderableType]:
        total = self._per_candidate()
        trainings = candidate.trainings.values()
        running = candidate.running
        epochs = [t.epoch for t in running]
        epoch = f"{max(epochs)}/{self._epochs}" if epochs else ""
        return [
            self._marks(candidate, total),
            Text(f"{candidate.n_done}/{total}" if total else str(candidate.n_done)),
            Text(epoch, style="dim"),
            Text(self._mean(t.now for t in running) if running else ""),
            Text(self._mean(t.best for t in trainings), style="bold"),
        ]

    def _marks(self, candidate: Tally, total: int) -> RenderableType:
        """Return a mark per training, a gap between folds; or a bar if too many."""
        n = max(total, len(candidate.trainings))
        if n > MOST_MARKS:
            done = sum(self._share(t) for t in candidate.trainings.values())
            return ProgressBar(
                total=n,
                completed=done,
                width=24,
                complete_style=BAR,
                finished_style=BAR,
            )
        line = Text()
        before: int | None = None
        for (fold, _), training in sorted(candidate.trainings.items()):
            if before not in {None, fold}:
                line.append(" ")
            line.append(*mark_of(training))
            before = fold
        waiting = n - len(candidate.trainings)
        if waiting:
            line.append(" " if before is not None else "").append("·" * waiting, "dim")
        return line

    def _overall(self) -> RenderableType:
        elapsed = _rounded(self._clock() - self._began)
        left = self._seconds_left()
        line = Table.grid(padding=(0, 1))
        done = sum(
            self._share(training)
            for candidate in self._candidates.values()
            for training in candidate.trainings.values()
        )
        said = f"{self._n_done()}/{self._n_members} · {elapsed}"
        if left is not None and self._stage.n_members:
            said += f" · at most {_rounded(left)} to go"
        bar = ProgressBar(
            total=max(1, self._n_members),
            completed=done,
            width=24,
            complete_style=BAR,
            finished_style=BAR,
        )
        line.add_row(Text(self._stage.stage, style="bold"), bar, Text(said))
        if not self._trials.done:
            return line
        return Group(line, Text(self._searched(), style="dim"))

    def _searched(self) -> str:
        trials = self._trials
        said = f"{trials.done} of {trials.of} trials done"
        said += f", {trials.given_up} of them given up" if trials.given_up else ""
        if not math.isnan(trials.best):
            said += f", best {format_score(trials.best, self._metric)}"
        return said

    def _summary(self) -> str:
        trainings = [t for c in self._candidates.values() for t in c.trainings.values()]
        trainings += self._earlier
        done = sum(t.ended for t in trainings)
        failed = sum(t.ended and t.state not in {COMPLETE, PRUNED} for t in trainings)
        halted = sum(t.state == INTERRUPTED and t.epoch > 0 for t in trainings)
        if not done and not halted:
            return ""
        told = f"{format_count(done, 'training')} in "
        told += format_seconds(self._clock() - self._began)
        told += f", {failed} failed" if failed else ""
        told += f"; {self._searched()}" if self._trials.done else ""
        return f"{told}, {halted} interrupted" if halted else told

    def _seconds_left(self) -> float | None:
        """Return the time left if every training used all its epochs."""
        shares = [
            self._share(training)
            for candidate in self._candidates.values()
            for training in candidate.trainings.values()
        ]
        share = sum(shares) / self._n_members if self._n_members else 0.0
        if share < 0.02:
            return None
        return (self._clock() - self._stage_began) * (1 - share) / share

    def _share(self, training: TrainingTally) -> float:
        if training.state:
            return 1.0
        return min(1.0, training.epoch / self._epochs) if self._epochs else 0.0

    def _n_done(self) -> int:
        return sum(candidate.n_done for candidate in self._candidates.values())

    def _per_candidate(self) -> int:
        return self._n_members // len(self._named) if self._named else 0

    def _mean(self, scores: Iterable[float]) -> str:
        known = [score for score in scores if not math.isnan(score)]
        return format_score(sum(known) / len(known), self._metric) if known else ""


def _rounded(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 59.5 else format_seconds(seconds)
