"""A training that is not worth going on with ends alone, with what it did kept."""

from __future__ import annotations

from homeroom import engine
from homeroom.engine import EarlyStopping, Training
from homeroom.records import PRUNED

from .zoo import dense, member, retyped

KEY = ["state", "stop_reason", "stopped_epoch"]


def test_only_the_pruned_training_ends():
    """The one that is told to end does, after that epoch; the other is untouched."""
    members = [member(dense, seed=seed) for seed in (1, 2)]
    plan = Training(epochs=6)
    alone = engine.train(members, plan)
    outcomes = engine.prepare(members, plan).train(
        prune=lambda mine, epoch, logs: mine.seed == 1 and epoch == 2
    )
    assert [getattr(outcomes[0], name) for name in KEY] == [PRUNED, "pruned", 2]
    assert outcomes[0].history.series["loss"] == alone[0].history.series["loss"][:3]
    assert outcomes[1].final_weights == alone[1].final_weights


def test_patience_is_asked_before_the_pruner():
    """A training that stops by its own rule is complete, and nobody asks further."""
    asked = []
    rule = EarlyStopping(monitor="loss", mode="max", patience=2)
    (outcome,) = engine.prepare(
        [member(dense)], Training(epochs=9, early_stopping=rule)
    ).train(prune=lambda _, epoch, __: asked.append(epoch))
    assert outcome.stop_reason == "patience"
    assert asked == list(range(outcome.stopped_epoch))


def test_plain_fit_is_pruned_alike():
    """A model that cannot be compiled ends at the same epoch."""
    (outcome,) = engine.prepare([member(retyped)], Training(epochs=4)).train(
        prune=lambda _, epoch, __: epoch == 1
    )
    assert outcome.path == "keras.fit"
    assert (outcome.state, outcome.history.n_epochs) == (PRUNED, 2)
