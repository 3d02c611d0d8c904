"""Progress is told from any thread, moves on a terminal and is brief elsewhere."""

from __future__ import annotations

import io
import threading
from typing import TYPE_CHECKING

import msgspec
import pytest
from rich.console import Console

from homeroom.records import (
    COMPLETE,
    INTERRUPTED,
    PRUNED,
    EpochEnded,
    History,
    MemberEnded,
    Metric,
    Note,
    StageStarted,
    TrialEnded,
    TrialRecord,
)
from homeroom.report import LiveProgress
from homeroom.report import progress as progress_room

from . import fakes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeroom.records import MemberRecord


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def console(*, terminal: bool) -> Console:
    return Console(
        file=io.StringIO(), width=100, force_terminal=terminal, color_system=None
    )


def told(where: Console) -> str:
    assert isinstance(where.file, io.StringIO)
    return where.file.getvalue()


def drawn(progress: LiveProgress) -> str:
    where = console(terminal=False)
    where.print(progress.render())
    return told(where)


def train(progress: LiveProgress, members: Sequence[MemberRecord]) -> None:
    for m in members:
        for epoch in range(m.history.n_epochs):
            logs = m.history.at(epoch)
            progress(EpochEnded(m.candidate, m.fold, m.seed_index, epoch, logs))
        progress(MemberEnded(m))


def test_elsewhere_than_on_a_terminal_there_are_few_lines() -> None:
    """Forty-five trainings make a handful of plain lines without escape codes."""
    clock = Clock()
    where = console(terminal=False)
    run = fakes.run_of()
    with LiveProgress(where, run.metric, clock=clock) as progress:
        progress(StageStarted("training", len(run.members), 60))
        for member in run.members:
            clock.now += 1
            train(progress, [member])
        progress(StageStarted("refit"))
    lines = told(where).splitlines()
    assert lines[0] == "training: 45 trainings of at most 60 epochs"
    assert lines[-2:] == ["refit", "45 trainings in 45.0 s"]
    assert 3 < len(lines) < 8
    assert "\x1b" not in told(where)


def test_failures_and_notes_are_told_at_once() -> None:
    """Whoever watches learns of a failure when it happens, with where and why."""
    where = console(terminal=False)
    broken = [m for m in fakes.run_with_failures().members if m.state == "FAILED"]
    with LiveProgress(where, fakes.ACCURACY) as progress:
        progress(StageStarted("training", 45, 60))
        for member in broken:
            progress(MemberEnded(member))
        progress(Note("Column 'id' was left out."))
    assert "large, fold 2, seed 1 failed: diverged" in told(where)
    assert "has 64 columns, not 63." in told(where)
    assert "Column 'id' was left out." in told(where)
    assert "3 trainings in" in told(where)
    assert told(where).rstrip().endswith(", 3 failed")


def test_an_interruption_is_said_once_and_is_no_failure() -> None:
    """Ctrl-C: who was training says after how many epochs, who waited says nothing."""
    where = console(terminal=False)
    run = fakes.run_of()
    first, second, *rest = run.members_of("tuned")
    stopped = {"state": INTERRUPTED, "stop_reason": "interrupted", "scores": {}}
    halted = msgspec.structs.replace(second, **stopped)
    waiting = [msgspec.structs.replace(m, history=History({}), **stopped) for m in rest]
    with LiveProgress(where, run.metric) as progress:
        progress(StageStarted("training", 15, 60))
        for member in (first, halted, *waiting):
            progress(MemberEnded(member))
    n = halted.history.n_epochs
    lines = told(where).splitlines()
    assert lines[1] == f"tuned, fold 1, seed 2 interrupted after {n} epochs"
    assert lines[2].startswith("1 training in ")
    assert lines[2].endswith(", 1 interrupted")
    assert len(lines) == 3


def test_the_display_counts_trainings_and_shows_their_means() -> None:
    """A row has done out of all, the epoch, and means over trainings."""
    run = fakes.run_of()
    names = [c.name for c in run.candidates]
    progress = LiveProgress(
        console(terminal=False), run.metric, candidates=names, clock=Clock()
    )
    progress(StageStarted("training", 45, 60))
    members = run.members_of("tuned")
    train(progress, members[:2])
    for epoch in range(20):
        logs = members[2].history.at(epoch)
        progress(EpochEnded("tuned", members[2].fold, 2, epoch, logs))
    text = drawn(progress)
    assert "2/15" in text
    assert "0/15" in text
    assert "20/60" in text
    now = 100 * members[2].history.series["val_accuracy"][19]
    assert f"{now:.1f} %" in text
    best = [m.scores["val_accuracy"] for m in members[:2]]
    best.append(max(members[2].history.series["val_accuracy"][:20]))
    assert f"{100 * sum(best) / 3:.1f} %" in text


def test_the_time_left_is_an_upper_bound_from_the_epochs_done() -> None:
    """With a quarter of the epochs done after 10 s, at most 30 s are left."""
    clock = Clock()
    progress = LiveProgress(console(terminal=False), fakes.ACCURACY, clock=clock)
    progress(StageStarted("training", 2, 10))
    for epoch in range(5):
        progress(EpochEnded("mlp", 0, 0, epoch, {"val_accuracy": 0.5}))
    clock.now = 10.0
    assert "at most 30 s to go" in drawn(progress)


def test_too_many_trainings_become_a_bar() -> None:
    """A hundred marks would not fit; a bar does."""
    progress = LiveProgress(
        console(terminal=False), fakes.ACCURACY, candidates=["mlp"], clock=Clock()
    )
    progress(StageStarted("training", 100, 10))
    progress(EpochEnded("mlp", 0, 0, 0, {"val_accuracy": 0.5}))
    assert "·····" not in drawn(progress)
    assert "0/100" in drawn(progress)


def test_a_score_that_is_not_a_number_is_not_averaged() -> None:
    """A diverging training does not turn the others' mean into nothing."""
    progress = LiveProgress(console(terminal=False), fakes.ACCURACY, clock=Clock())
    progress(StageStarted("training", 2, 10))
    progress(EpochEnded("mlp", 0, 0, 0, {"val_accuracy": 0.5}))
    progress(EpochEnded("mlp", 1, 0, 0, {"val_accuracy": float("nan")}))
    assert "50.0 %" in drawn(progress)


def test_events_may_come_from_many_threads() -> None:
    """Eight lanes at once, with a display that moves, lose no training."""
    where = console(terminal=True)
    run = fakes.run_of()
    with LiveProgress(where, run.metric) as progress:
        progress(StageStarted("training", len(run.members), 60))
        lanes = [
            threading.Thread(target=train, args=(progress, run.members[i::8]))
            for i in range(8)
        ]
        for lane in lanes:
            lane.start()
        for _ in range(20):
            progress(Note("a note in between"))
        for lane in lanes:
            lane.join(timeout=20)
        assert not any(lane.is_alive() for lane in lanes)
        text = drawn(progress)
    assert text.count("●") == 45
    assert "45 trainings in" in told(where)


def test_an_exception_leaves_the_terminal_clean() -> None:
    """The display ends, and the cursor is back, when training raises."""
    where = console(terminal=True)
    try:
        with LiveProgress(where, fakes.ACCURACY) as progress:
            progress(StageStarted("training", 2, 10))
            raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass
    assert told(where).rstrip().endswith("\x1b[?25h") or "\x1b[?25h" in told(where)


def test_a_search_is_told_by_its_trials() -> None:
    """Trials done, given up and the best are seen; no pruned one is a failure."""
    out = console(terminal=False)
    clock = Clock()
    metric = Metric("accuracy", "max")
    with LiveProgress(out, metric, clock=clock) as progress:
        for number, (state, score) in enumerate([
            (COMPLETE, 0.9),
            (PRUNED, 0.95),
            (COMPLETE, 0.8),
        ]):
            name = f"trial {number}"
            member = msgspec.structs.replace(fakes.run_of().members[0], candidate=name)
            member = msgspec.structs.replace(member, state=state)
            progress(StageStarted(name, 1, 5))
            progress(MemberEnded(member))
            trial = TrialRecord(
                number=number, candidate=name, hyperparameters={}, state=state
            )
            progress(TrialEnded(trial, score, 9))
        clock.now = 20.0
        progress(EpochEnded("trial 3", 0, 0, 0, {"val_accuracy": 0.5}))
    said = told(out)
    assert "3 of 9 trials done, 1 of them given up, best 90.0 %" in said
    assert said.rstrip().splitlines()[-1].startswith("3 trainings in")
    assert "failed" not in said


@pytest.mark.parametrize("has_widgets", [True, False])
def test_a_notebook_without_widgets_gets_lines(monkeypatch, has_widgets: bool) -> None:
    """Where nothing can move, an hour of training is not silent."""
    monkeypatch.setattr(
        progress_room, "find_spec", lambda name: object() if has_widgets else None
    )
    where = Console(file=io.StringIO(), force_jupyter=True, width=100)
    progress = LiveProgress(where, fakes.ACCURACY)
    assert (progress._live is not None) == has_widgets
