"""One member from fresh weights to its outcome, an epoch at a time."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from homeroom.records import (
    BATCHED,
    COMPLETE,
    FAILED,
    INTERRUPTED,
    PRUNED,
    SCAN,
    WAVE,
    History,
)

from . import door, template
from .callbacks import EpochCallbacks
from .calls import Call, Ended
from .cohort import Cohort
from .member import Member, OnEpoch, Outcome, Prune, Training, Weights
from .orders import Orders
from .patience import Patience
from .program import ModelProgram, Program
from .shared import Shared
from .steps import PREDICT_ROWS
from .stopping import Decision, EarlyStopping, StoppingState, step

Halt = Callable[[], bool]
Wanted = Call | threading.Event | None
_STATES = {"diverged": FAILED, "interrupted": INTERRUPTED, "pruned": PRUNED}


@dataclass
class Course:
    """What a training has been through; shared by the fast path and plain Keras.

    `stopping` is where the rule stands, which a cohort decides; `alone` is where it
    would stand by the member's own curve.
    """

    member: Member
    rule: EarlyStopping | None
    on_epoch: OnEpoch
    halt: Halt
    prune: Prune = lambda *_: False
    cohort: Cohort | None = None
    shared: Shared = field(default_factory=Shared)
    stopping: StoppingState = field(default_factory=StoppingState)
    alone: StoppingState = field(default_factory=StoppingState)
    rows: list[dict[str, float]] = field(default_factory=list)
    stopped_epoch: int | None = None
    reason: str = "epochs"
    error: str | None = None

    def epoch_ended(self, logs: dict[str, float]) -> Decision:
        """Record an epoch and decide what follows."""
        epoch = len(self.rows)
        self.rows.append(logs)
        self.on_epoch(self.member, epoch, logs)
        if not math.isfinite(logs.get("loss", 0.0)):
            self.reason = "diverged"
            self.error = f"the training loss became {logs['loss']} in epoch {epoch + 1}"
            return Decision(is_best=False, stop=True)
        decision = Decision(is_best=False, stop=False)
        if self.rule is not None:
            value = logs[self.rule.monitor]
            self.alone, decided = step(self.rule, self.alone, epoch, value)
            if self.cohort is None:
                self.stopping, decision = self.alone, decided
        if decision.stop:
            self.stopped_epoch, self.reason = epoch, "patience"
        elif self.halt():
            self.reason = "interrupted"
            decision = Decision(decision.is_best, stop=True)
        elif self.prune(self.member, epoch, logs):
            self.stopped_epoch, self.reason = epoch, "pruned"
            decision = Decision(decision.is_best, stop=True)
        return decision

    @property
    def restores(self) -> bool:
        """Whether the best weights are kept instead of the last."""
        return self.rule is not None and self.rule.restore_best_weights

    @property
    def restored(self) -> int | None:
        """The epoch whose weights would be kept so far; None is the last one."""
        return self.stopping.best_epoch if self.restores else None

    def patience(self, program: Program) -> Patience:
        """Return what a call that comes next may stop by.

        In a cohort that is the member's own curve, but not before the mean can.
        """
        epoch, state = len(self.rows), self.stopping
        if self.cohort is not None:
            wait = min(self.alone.wait, self.cohort.longest_wait(epoch))
            state = replace(self.alone, wait=wait)
        return program.patience(self.rule, state, epoch)

    def goes_on(self) -> Generator[Wanted, None, bool]:
        """Wait for the cohort at the end of its round; return whether to train on."""
        cohort = self.cohort if self.reason == "epochs" else None
        if cohort is not None and cohort.has_reached_end(len(self.rows)):
            yield (ended := cohort.arrive(self))
            if cohort.give_up(ended):
                self.reason = "interrupted"
        return self.reason == "epochs"

    @property
    def n_decided(self) -> int:
        """Of how many epochs it is known whether one is the best."""
        return len(self.rows) if self.cohort is None else self.cohort.n_decided

    def _ever_a_number(self, rule: EarlyStopping) -> bool:
        watched = self.rows[rule.start_from_epoch :]
        return not all(math.isnan(row[rule.monitor]) for row in watched)

    def outcome(self, updates_per_epoch: int) -> Outcome:
        """Return what is known of the training without its weights."""
        names = self.rows[0] if self.rows else {}
        history = History(
            {k: tuple(row[k] for row in self.rows) for k in names},
            self.member.n_sampled,
        )
        restored = self.restored
        state = _STATES.get(self.reason, COMPLETE)
        error = self.error
        if (
            state == COMPLETE
            and self.rule
            and len(self.rows) > self.rule.start_from_epoch
            and not self._ever_a_number(self.rule)
        ):
            state = FAILED
            error = f"{self.rule.monitor} was never a finite number"
        return Outcome(
            state=state,
            history=history,
            scores=self.rows[-1 if restored is None else restored] if names else {},
            best_epoch=restored,
            stopped_epoch=self.stopped_epoch,
            stop_reason=self.reason,
            updates_per_epoch=updates_per_epoch,
            n_updates=updates_per_epoch * len(self.rows),
            error=error,
        )


@dataclass
class _Kept:
    """Calls whose weights may still be wanted, by the first epoch of each."""

    calls: dict[int, Ended] = field(default_factory=dict)

    def add(self, epoch: int, ended: Ended) -> None:
        self.calls[epoch] = ended

    def forget(self, n_decided: int, best_epoch: int | None) -> None:
        """Keep the best of the epochs that were decided on, and all later ones."""
        later = {
            first: ended
            for first, ended in self.calls.items()
            if first + len(ended.logs) > n_decided
        }
        if (
            best_epoch is not None
            and (first := self._first_of(best_epoch)) not in later
        ):
            later[first] = self.calls[first].holding(best_epoch - first)
        self.calls = later

    def state_after(self, epoch: int) -> Any:
        first = self._first_of(epoch)
        return self.calls[first].state_after(epoch - first)

    def _first_of(self, epoch: int) -> int:
        return max(first for first in self.calls if first <= epoch)


def run(
    member: Member,
    state: Any,
    mine: ModelProgram,
    arrays: Any,
    training: Training,
    course: Course,
) -> Generator[Wanted, Any, Outcome]:
    """Train one member with a compiled program, from `state`, to its outcome.

    It yields each call that it wants, to be told what that came to, and now and then
    what has to be set before it goes on; in a wave None, once all it still waits for is
    on its way from the device, so that others send for theirs first. `seconds` count
    only its own.
    """
    started, seconds = time.perf_counter(), 0.0
    program = mine.program
    callbacks = EpochCallbacks(training.callbacks, training.epochs)
    initial = template.weights_fingerprint(state)
    tables = course.shared.once(
        (program.shape, member.order_seed),
        lambda: program.shape.measured_tables(
            member.validation_rows, member.measured_rows
        ),
        of=(member.train_rows, member.validation_rows),
    )
    kept = _Kept()
    changed, goes_on, at_once = False, True, 1
    epoch = 0
    last = Ended(state)
    callbacks.train_begins()
    while epoch < training.epochs and goes_on:
        # a callback may look at the clock
        n = 1 if training.callbacks else program.most_epochs
        n = min(n, training.epochs - epoch)

        orders = Orders(course.shared, member, training.shuffle, first=epoch)
        callbacks.epoch_begins(epoch)
        seconds += time.perf_counter() - started
        patience = course.patience(program)
        last = yield Call(
            mine, last, arrays, tables, n, patience, orders, len(member.train_rows)
        )
        started, seconds = time.perf_counter(), seconds + last.seconds
        at_once = max(at_once, last.at_once)
        kept.add(epoch, last)
        for i, (logs, moved) in enumerate(last.logs):
            course.epoch_ended(logs)
            callbacks.epoch_ends(epoch, logs)
            epoch += 1
            changed = changed or moved
            seconds += time.perf_counter() - started
            goes_on = yield from course.goes_on()
            started = time.perf_counter()
            if not goes_on:
                last = last.until(i)
                break
        kept.forget(course.n_decided, course.restored)
    callbacks.train_ends(course.rows)
    restored = course.restored
    state = last.state if restored is None else kept.state_after(restored)
    outcome = replace(
        course.outcome(-(-len(member.train_rows) // training.batch_size)),
        initial_weights=initial,
        evaluation_changed_state=changed,
        path=SCAN if at_once == 1 else WAVE,
        sameness=mine.sameness if at_once == 1 else BATCHED,
        seconds=seconds + time.perf_counter() - started,
    )
    return (
        yield from _complete(outcome, member, door.brought_home(state), mine, training)
    )


def _complete(
    outcome: Outcome, member: Member, state: Any, mine: ModelProgram, training: Training
) -> Generator[Wanted, Any, Outcome]:
    """Add what has to be brought from the device: weights and predictions."""
    started, seconds = time.perf_counter(), outcome.seconds
    weights = state if training.keep_weights else state[:2]
    outputs = _outputs(member, state, mine, training)
    if outcome.path == WAVE:
        door.on_its_way((weights, outputs))
        seconds += time.perf_counter() - started
        yield None
        started = time.perf_counter()
    host = door.on_host(weights)
    outcome = replace(
        outcome,
        final_weights=template.weights_fingerprint(host),
        n_weights=sum(int(np.size(v)) for v in host[0]),
        weights=Weights(*host) if training.keep_weights else None,
        predictions=None if outputs is None else _joined(outputs, member),
    )
    return replace(outcome, seconds=seconds + time.perf_counter() - started)


def _outputs(
    member: Member, state: Any, mine: ModelProgram, training: Training
) -> list[Any] | None:
    """Return the outputs for validation rows, in inference mode, on the device.

    Rows go through in chunks of one size, the last one filled up: in inference a row
    does not see its neighbours.
    """
    rows = member.validation_rows
    if not training.keep_predictions or rows is None:
        return None
    pieces = []
    for start in range(0, len(rows), PREDICT_ROWS):
        chunk = np.resize(rows[start : start + PREDICT_ROWS], PREDICT_ROWS)
        x = door.jax().tree.map(lambda leaf: leaf[chunk], member.arrays.x)  # noqa: B023
        pieces.append(mine.predict(state[0], state[1], x))
    return pieces


def _joined(pieces: list[Any], member: Member) -> Any:
    """Return outputs on the host, a row for each validation row."""
    assert member.validation_rows is not None
    n_rows = len(member.validation_rows)
    return door.jax().tree.map(
        lambda *leaves: np.concatenate(leaves)[:n_rows], *door.on_host(pieces)
    )
