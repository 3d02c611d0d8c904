"""Ctrl-C keeps what is finished and says of the rest that it is not."""

from __future__ import annotations

import gc
import signal
import threading

import pytest

from homeroom import engine

from .zoo import dense, member, retyped

TRAINING = engine.Training(epochs=3, batch_size=16)


@pytest.fixture(autouse=True)
def _garbage_waits():
    """Python drops an interruption that arrives in a callback of its collector."""
    gc.disable()
    yield
    gc.enable()


def press_ctrl_c():
    """Interrupt the main thread, as a terminal does."""
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


@pytest.mark.parametrize("lanes", [1, 2])
def test_finished_members_are_kept(lanes):
    """After Ctrl-C the members that ended are complete, the others INTERRUPTED."""
    members = [member(dense, split=split) for split in range(60)]
    ended = []

    def end(each, outcome):
        ended.append((each, outcome))
        if len(ended) == 3:
            press_ctrl_c()

    outcomes = engine.train(members, TRAINING, lanes=lanes, on_end=end)
    assert len(outcomes) == len(members)
    by_member = dict(zip(members, outcomes, strict=True))
    for each, outcome in ended:
        assert by_member[each] is outcome
    finished = [each for each, o in by_member.items() if o.state == "COMPLETE"]
    assert len(finished) >= 3
    left = [o for o in outcomes if o.state != "COMPLETE"]
    assert left
    assert {(o.state, o.stop_reason) for o in left} == {("INTERRUPTED", "interrupted")}
    assert all(o.history.n_epochs < 3 or o in dict(ended).values() for o in left)


@pytest.mark.parametrize("build", [dense, retyped])
def test_the_running_epoch_is_the_last(build):
    """A member in the middle of its training ends with the epoch that runs."""
    epochs = []

    def count(each, epoch, logs):
        epochs.append(epoch)
        if epoch == 1:
            press_ctrl_c()

    training = engine.Training(epochs=2000, batch_size=16, keep_weights=True)
    (outcome,) = engine.train([member(build)], training, on_epoch=count)
    assert outcome.state == "INTERRUPTED"
    assert len(epochs) < 2000
    assert outcome.history.n_epochs in {0, len(epochs)}


def test_an_interrupted_member_can_be_trained_again():
    """Nothing of an interrupted call is left in the next one."""
    each = member(dense)
    whole = engine.train([each], TRAINING)[0]

    def at_once(each, epoch, logs):
        if epoch == 0:
            press_ctrl_c()

    training = engine.Training(epochs=2000, batch_size=16)
    assert engine.train([each], training, on_epoch=at_once)[0].state == "INTERRUPTED"
    again = engine.train([each], TRAINING)[0]
    assert (again.state, again.history) == (whole.state, whole.history)
    assert again.final_weights == whole.final_weights


def test_a_listeners_error_ends_the_call():
    """An error in `on_end` is the caller's own: it is raised, not swallowed."""

    def broken(each, outcome):
        msg = "the listener is broken"
        raise RuntimeError(msg)

    members = [member(dense, split=split) for split in range(6)]
    with pytest.raises(RuntimeError, match="the listener is broken"):
        engine.train(members, TRAINING, on_end=broken)
