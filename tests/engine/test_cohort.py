"""Members of a cohort stop together, on the mean of their curves, as in boosting."""

from __future__ import annotations

import math
import threading
from dataclasses import replace

import numpy as np
import pytest

from homeroom import engine
from homeroom.engine import EarlyStopping, Training
from homeroom.engine.cohort import Cohort
from homeroom.engine.lane import Course
from homeroom.engine.program import Program
from homeroom.engine.stopping import StoppingState, step

from .test_interruption import press_ctrl_c
from .zoo import dense, dropout, member, retyped

RULE = EarlyStopping(patience=3)
PLAN = Training(epochs=40, batch_size=16, early_stopping=RULE, keep_weights=True)


def steep():
    """Return a model whose validation loss turns after some epochs."""
    model = dense()
    model.optimizer.learning_rate = 0.01
    return model


def noisy():
    """Return a model with dropout whose validation loss turns after some epochs."""
    model = dropout()
    model.optimizer.learning_rate = 0.03
    return model


def folds(n=4, build=steep, cohort="folds", **more):
    """Return one member per split, which stop together."""
    return [
        replace(member(build, split=split, **more), cohort=cohort) for split in range(n)
    ]


def alone(members, plan, epochs):
    """Train the same members for a number of epochs, with nothing to stop them."""
    plan = replace(plan, epochs=epochs, early_stopping=None)
    return engine.train([replace(each, cohort=None) for each in members], plan)


def decided(curves, rule, epochs):
    """Follow the rule on the mean of curves; return its last and its best epoch."""
    rule, state = replace(rule, mode="min"), StoppingState()
    for epoch in range(epochs):
        values = [c[epoch] for c in curves if math.isfinite(c[epoch])]
        value = math.fsum(values) / len(values) if values else math.nan
        state, decision = step(rule, state, epoch, value)
        if decision.stop:
            break
    return epoch, state.best_epoch


def monitored(outcomes):
    return [outcome.history.series["val_loss"] for outcome in outcomes]


@pytest.mark.parametrize("rule", [
    RULE,
    EarlyStopping(patience=1),
    EarlyStopping(patience=4, min_delta=0.01, start_from_epoch=2),
    EarlyStopping(patience=5, baseline=0.2),
    EarlyStopping(patience=2, restore_best_weights=False),
])  # fmt: skip
def test_all_stop_where_the_mean_does(rule, monkeypatch):
    """The last epoch is the one at which the rule stops on the mean of the curves.

    Nothing is left of what a call trained after it, in the weights either.
    """
    monkeypatch.setattr(Program, "epochs_per_call", lambda *_: 20)
    plan = replace(PLAN, early_stopping=rule)
    members = folds()
    free = alone(members, plan, plan.epochs)
    last, _ = decided(monitored(free), rule, plan.epochs)
    assert last + 1 < plan.epochs
    outcomes = engine.train(members, plan)
    if not rule.restore_best_weights:
        kept = [outcome.final_weights for outcome in outcomes]
        assert kept == [o.final_weights for o in alone(members, plan, last + 1)]
    for outcome, unstopped in zip(outcomes, free, strict=True):
        assert outcome.state == "COMPLETE"
        assert (outcome.stopped_epoch, outcome.stop_reason) == (last, "patience")
        for key, values in outcome.history.series.items():
            assert values == unstopped.history.series[key][: last + 1]


def test_each_keeps_the_weights_that_are_best_for_the_others():
    """The kept epoch minimises the mean of the other curves; its weights are exact."""
    members = folds()
    outcomes = engine.train(members, PLAN)
    curves = monitored(outcomes)
    for i, outcome in enumerate(outcomes):
        others = [*curves[:i], *curves[i + 1 :]]
        means = [math.fsum(values) / 3 for values in zip(*others, strict=True)]
        assert outcome.best_epoch == int(np.argmin(np.float32(means)))
        assert outcome.scores == outcome.history.at(outcome.best_epoch)
        [again] = alone([members[i]], PLAN, outcome.best_epoch + 1)
        assert outcome.final_weights == again.final_weights
    assert len({o.best_epoch for o in outcomes}) > 1  # so that the test can fail


@pytest.mark.parametrize("per_call", [1, 2, 7])
@pytest.mark.parametrize("lanes", [1, 2])
def test_lanes_and_calls_change_nothing(lanes, per_call, monkeypatch):
    """However many run at once, and however long a call is, the outcomes are equal."""
    expected = engine.train(folds(build=noisy), PLAN, lanes=1)
    assert {o.stop_reason for o in expected} == {"patience"}
    monkeypatch.setattr(Program, "epochs_per_call", lambda *_: per_call)
    found = engine.train(folds(build=noisy), PLAN, lanes=lanes)
    for a, b in zip(found, expected, strict=True):
        assert (a.final_weights, a.best_epoch) == (b.final_weights, b.best_epoch)
        assert a.history == b.history


def test_calls_go_past_rounds_and_what_is_too_much_is_dropped(monkeypatch):
    """There are fewer calls than rounds; of dropped epochs no listener hears."""
    trained, told, members = [], [], folds()
    logs = Program.logs

    def counted(program, rows):
        found = logs(program, rows)
        trained.append(len(found))
        return found

    monkeypatch.setattr(Program, "logs", counted)
    monkeypatch.setattr(Program, "epochs_per_call", lambda *_: 20)
    outcomes = engine.train(
        members,
        PLAN,
        on_epoch=lambda m, epoch, _: told.append((members.index(m), epoch)),
    )
    n_epochs = outcomes[0].history.n_epochs
    assert len(trained) < len(members) * n_epochs / RULE.patience
    assert sum(trained) > len(told)
    assert sorted(told) == [
        (i, e) for i in range(len(members)) for e in range(n_epochs)
    ]


def test_cohorts_do_not_see_each_other():
    """Two cohorts and a member of none, mixed, come out as each does alone."""
    a = folds(3, cohort="a")
    b = folds(3, cohort="b", seed=5)
    single = member(steep, split=9)
    mixed = [x for pair in zip(a, b, strict=True) for x in pair]
    together = engine.train([*mixed[:3], single, *mixed[3:]], PLAN, lanes=2)
    del together[3:4]
    apart = [*engine.train(a, PLAN), *engine.train(b, PLAN)]
    order = [together[i] for i in (0, 2, 4, 1, 3, 5)]
    for mine, expected in zip(order, apart, strict=True):
        assert mine.final_weights == expected.final_weights


def test_a_cohort_of_one_stops_by_its_own_curve():
    """Without others there is nobody to choose for: Keras's rule holds."""
    mine = member(steep)
    [with_cohort] = engine.train([replace(mine, cohort="alone")], PLAN)
    [without] = engine.train([mine], PLAN)
    assert with_cohort.final_weights == without.final_weights
    assert with_cohort.history == without.history


def test_a_member_that_diverges_leaves_the_others_to_go_on():
    """A diverged member fails; the rest stop on the mean of the rest."""

    def hot():
        model = dense()
        model.optimizer.learning_rate = float("inf")
        return model

    sane = folds(3)
    sick = replace(member(hot, split=7), cohort="folds")
    *outcomes, failed = engine.train([*sane, sick], PLAN, lanes=2)
    assert failed.state == "FAILED"
    for mine, expected in zip(outcomes, engine.train(sane, PLAN), strict=True):
        assert mine.final_weights == expected.final_weights


def test_who_is_given_up_in_a_later_round_takes_no_part_from_there(monkeypatch):
    """Pruned between two rounds, while others have epochs in hand: nothing moves."""

    def trained(per_call):
        monkeypatch.setattr(Program, "epochs_per_call", lambda *_: per_call)
        members = folds()
        return engine.prepare(members, PLAN).train(
            prune=lambda mine, epoch, _: mine is members[0] and epoch == 4
        )

    for a, b in zip(trained(20), trained(1), strict=True):
        assert (a.state, a.history) == (b.state, b.history)
        assert (a.final_weights, a.best_epoch) == (b.final_weights, b.best_epoch)
    assert (a.state, trained(20)[0].state) == ("COMPLETE", "PRUNED")


@pytest.mark.parametrize("waits_in_vain", [False, True])
def test_without_who_was_cut_short_nothing_is_decided(waits_in_vain):
    """After Ctrl-C no round ends on the mean of those who were fast enough."""
    first, second = (
        Course(
            member(dense), replace(RULE, mode="min"), lambda *_: None, lambda: False,
            rows=[{"val_loss": 1.0}] * 3,
        )
        for _ in range(2)
    )  # fmt: skip
    cohort = Cohort(2, n_epochs=9, patience=3)
    ended = cohort.arrive(first)
    if waits_in_vain:
        assert cohort.give_up(ended)
    else:
        second.reason = "interrupted"
    cohort.leave(second)
    assert not ended.is_set()
    assert (cohort.n_decided, first.stopping) == (0, StoppingState())


@pytest.mark.parametrize("lanes", [1, 2])
def test_a_model_function_that_fails_leaves_the_others_to_go_on(lanes):
    """The last member has no model: those that wait for it are let go."""

    def broken():
        raise RuntimeError("no more models")

    sane = folds(3)
    sick = replace(member(steep, split=7), cohort="folds", build=broken)
    *outcomes, failed = engine.train([*sane, sick], PLAN, lanes=lanes)
    assert failed.state == "FAILED"
    assert "no more models" in failed.error
    for mine, expected in zip(outcomes, engine.train(sane, PLAN), strict=True):
        assert mine.final_weights == expected.final_weights


def test_a_model_that_needs_plain_fit_stops_by_its_own_curve():
    """Keras's fit waits for nobody; it is trained, and says how."""
    plan = replace(PLAN, epochs=6)
    outcomes = engine.train(folds(3, build=retyped), plan)
    lone = engine.train([member(retyped, split=split) for split in range(3)], plan)
    for mine, expected in zip(outcomes, lone, strict=True):
        assert mine.path == "keras.fit"
        assert mine.final_weights == expected.final_weights


def test_more_members_than_lanes_hold_do_not_wait_for_ever():
    """Twenty members that wait for each other pass through two lanes."""
    outcomes = engine.train(folds(20), replace(PLAN, epochs=5), lanes=2)
    assert {outcome.history.n_epochs for outcome in outcomes} == {5}


@pytest.mark.parametrize("lanes", [1, 2])
def test_ctrl_c_ends_those_that_wait(lanes):
    """Members that wait for others end as INTERRUPTED, with their epochs kept."""
    patient = replace(PLAN, epochs=30_000, early_stopping=EarlyStopping(patience=9999))

    left = threading.Semaphore(1)  # a second one would end the tests

    def stop(mine, epoch, logs):
        if epoch == 40 and left.acquire(blocking=False):
            press_ctrl_c()

    outcomes = engine.train(folds(5), patient, lanes=lanes, on_epoch=stop)
    assert {outcome.state for outcome in outcomes} == {"INTERRUPTED"}
    assert all(outcome.history.n_epochs < 30_000 for outcome in outcomes)


@pytest.mark.parametrize(("patience", "epochs"), [(3, 3), (60, 40)])
def test_what_is_held_until_the_mean_decides_is_foreseen(patience, epochs):
    """A member of a cohort holds the states of a round, which the forecast counts."""
    plan = replace(PLAN, early_stopping=EarlyStopping(patience=patience))
    found = []
    for cohort in ("folds", None):
        prepared = engine.prepare(folds(cohort=cohort), plan, lanes=1)
        found += prepared.paces().values()
    together, alone = found
    states = epochs * 3 * sum(v.nbytes for v in steep().get_weights())
    assert together.bytes_undecided > states
    assert alone.bytes_undecided == 0
