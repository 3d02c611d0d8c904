"""Folds stop together by default, and no score chooses the epoch it is taken at."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import homeroom as hr
from homeroom import engine, judgement
from homeroom.errors import InputError
from homeroom.protocol import Interrupted
from homeroom.records import EpochEnded, MemberEnded, StageStarted

PLAN = {"cv": 4, "epochs": 60, "seed": 3, "verbose": 0}
RULE = hr.EarlyStopping(patience=4)


@pytest.fixture(scope="module")
def together(net, flowers):
    return hr.cross_validate(net, *flowers, seeds=2, early_stopping=RULE, **PLAN)


def test_the_folds_of_a_seed_train_equally_long(together):
    """Each repeat and seed is stopped as one; both seeds need not stop alike."""
    for seed in (0, 1):
        mine = [m for m in together.members if m.seed_index == seed]
        assert len({m.history.n_epochs for m in mine}) == 1
    assert together.settings.epoch_choice == "mean_curve"


def test_what_is_kept_is_what_the_other_folds_choose(together):
    """The engine's kept epochs are those that judgement finds in the histories."""
    honest = together.epoch_choices[0]
    assert honest.rule == "other_folds"
    assert honest.epochs == tuple(m.best_epoch for m in together.members)
    assert together.mean() == pytest.approx(honest.mean, abs=1e-12)


def test_the_curves_are_those_of_training_without_a_rule(together, net, flowers):
    """Only the end is decided together: every number on the way is the fold's own."""
    free = hr.cross_validate(net, *flowers, seeds=2, **PLAN)
    for mine, unstopped in zip(together.members, free.members, strict=True):
        n = mine.history.n_epochs
        assert n < PLAN["epochs"]
        for key, values in mine.history.series.items():
            assert values == unstopped.history.series[key][:n]


def test_per_fold_is_what_keras_does(net, flowers, keras):
    """Every fold by its own curve equals Keras's callback, as before."""
    mine = hr.cross_validate(
        net, *flowers, early_stopping=RULE, epoch_choice="per_fold", **PLAN
    )
    assert len({m.history.n_epochs for m in mine.members}) > 1
    for member in mine.members:
        losses = member.history.series["val_loss"]
        assert member.best_epoch == int(np.argmin(np.float32(losses)))
        assert len(losses) in {member.best_epoch + 5, PLAN["epochs"]}
    assert mine.epoch_choices == ()
    assert mine.settings.epoch_choice == "per_fold"


def test_out_of_fold_predictions_are_of_the_kept_epoch(together, flowers, net):
    """The predictions give the very accuracy that is the score of the fold."""
    x, y = flowers
    one = hr.cross_validate(net, x, y, early_stopping=RULE, **PLAN)
    right = one.predictions.argmax(axis=1) == y
    assert right.mean() == pytest.approx(one.mean(), abs=1e-6)


def test_the_refit_takes_the_epochs_of_the_mean_curve(net, flowers):
    """All development rows are trained for the updates of the mean curve's best."""
    experiment = hr.Experiment(*flowers, seed=2, store=":memory:")
    run = experiment.add("net", net).run(
        cv=4, epochs=60, early_stopping=RULE, verbose=0
    )
    record = run.record
    rule = record.settings.early_stopping
    assert rule["mode"] == "min"
    choices = judgement.epoch_choices(
        record.members_of("net"), record.plan, record.metric, rule
    )
    [mean] = [c for c in choices if c.rule == "mean_curve"]
    updates = (mean.epochs[0] + 1) * record.members[0].updates_per_epoch
    per_epoch = -(-record.refit.n_rows // 32)
    assert record.refit.epochs == max(1, round(updates / per_epoch))


def test_one_fold_stops_by_itself(net, flowers):
    """With one fold there are no others: Keras's rule holds, as in fit."""
    pairs = [(np.arange(90), np.arange(90, 120))]
    plan = PLAN | {"cv": pairs}
    mine = hr.cross_validate(net, *flowers, early_stopping=RULE, **plan)
    own = hr.cross_validate(
        net, *flowers, early_stopping=RULE, epoch_choice="per_fold", **plan
    )
    assert mine.members[0].final_weights == own.members[0].final_weights


def test_an_unknown_way_is_refused(net, flowers):
    """The ways that exist are named before anything is trained."""
    with pytest.raises(InputError, match=r"'mean_curve'.*'per_fold'"):
        hr.cross_validate(net, *flowers, epoch_choice="best", **PLAN)
    with pytest.raises(InputError, match="epoch_choice='best'"):
        hr.Experiment(*flowers, store=":memory:").add("net", net).run(
            epoch_choice="best"
        )


def test_labels_of_pure_chance_flatter_only_their_own_choice(keras):
    """On coin tosses a fold's own best epoch looks skilled; the others' does not.

    Twenty sets of 48 rows: the mean accuracy of the honest choice covers one half,
    that of the own choice is far above it.
    """

    def coin():
        model = keras.Sequential([
            keras.Input((4,)),
            keras.layers.Dense(8, activation="relu"),
            keras.layers.Dense(1, activation="sigmoid"),
        ])
        model.compile(
            keras.optimizers.SGD(0.3), "binary_crossentropy", metrics=["accuracy"]
        )
        return model

    rule = engine.EarlyStopping(monitor="val_accuracy", patience=30)
    honest, own = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(48, 4)).astype("float32")
        y = rng.permutation(np.repeat([0, 1], 24))
        cv = hr.cross_validate(
            coin, x, y, cv=4, epochs=30, early_stopping=rule, seed=seed, verbose=0
        )
        means = {choice.rule: choice.mean for choice in cv.epoch_choices}
        honest.append(means["other_folds"])
        own.append(means["per_fold"])
    error = np.std(honest, ddof=1) / np.sqrt(20)
    assert abs(np.mean(honest) - 0.5) < 3 * error
    assert np.mean(own) - 0.5 > 6 * error


def test_one_standard_error_scores_the_earlier_epoch(net, flowers, together):
    """All folds of a seed are scored at the epoch that judgement finds; exactly so."""
    cv = hr.cross_validate(
        net,
        *flowers,
        seeds=2,
        early_stopping=RULE,
        epoch_choice="one_std_err",
        **PLAN,
    )
    [choice] = [c for c in together.epoch_choices if c.rule == "one_std_err"]
    assert tuple(m.best_epoch for m in cv.members) == choice.epochs
    assert cv.mean() == pytest.approx(choice.mean, abs=1e-12)
    for mine, lockstep in zip(cv.members, together.members, strict=True):
        assert mine.history == lockstep.history
        assert mine.stopped_epoch == lockstep.stopped_epoch
        assert mine.scores == mine.history.at(mine.best_epoch)  # of the second pass
        assert mine.best_epoch <= max(c for c in together.epoch_choices[1].epochs)


def test_the_validation_rows_choose_nothing_on_an_inner_split(net, flowers):
    """Other labels in a fold's validation rows leave its training as it was."""
    x, y = flowers
    pairs = [(np.arange(90), np.arange(90, 120)), (np.arange(30, 120), np.arange(30))]
    plan = PLAN | {"cv": pairs, "early_stopping": RULE, "epoch_choice": "inner_split"}
    first = hr.cross_validate(net, x, y, **plan)
    other = y.copy()
    other[90:] = (y[90:] + 1) % 3
    second = hr.cross_validate(net, x, other, **plan)
    mine, theirs = first.members[0], second.members[0]
    assert mine.final_weights == theirs.final_weights
    assert mine.scores["val_accuracy"] != theirs.scores["val_accuracy"]
    assert mine.n_updates == mine.history.n_epochs * mine.updates_per_epoch
    assert {m.best_epoch for m in first.members} == {None}
    assert first.settings.epoch_choice == "inner_split"


def test_an_inner_split_trains_all_rows_as_long_as_its_own(net, flowers):
    """The second training is the one that plain fit gives for those epochs."""
    cv = hr.cross_validate(
        net, *flowers, early_stopping=RULE, epoch_choice="inner_split", **PLAN
    )
    free = hr.cross_validate(net, *flowers, **PLAN)
    for mine, unstopped in zip(cv.members, free.members, strict=True):
        n = mine.history.n_epochs
        assert 1 <= n < PLAN["epochs"]
        for key, values in mine.history.series.items():
            assert values == unstopped.history.series[key][:n]
    assert len({m.history.n_epochs for m in cv.members}) > 1


@pytest.mark.parametrize("choice", ["one_std_err", "inner_split"])
def test_an_experiment_of_both_kinds_takes_every_way(net, flowers, choice):
    """Networks train twice, estimators once; every training is in the store once."""
    experiment = hr.Experiment(*flowers, seed=2, store=":memory:")
    experiment.add("net", net).add("logistic", LogisticRegression())
    run = experiment.run(
        cv=3, seeds=2, epochs=30, early_stopping=RULE, epoch_choice=choice, verbose=0
    )
    assert run.record.state == "COMPLETE"
    assert len(run.record.members) == 12
    assert {m.state for m in run.record.members} == {"COMPLETE"}
    assert run.record.settings.epoch_choice == choice
    assert run.record.refit is not None
    page = run._repr_html_()
    told = {"one_std_err": "one standard error", "inner_split": "chose nothing"}
    assert told[choice] in page


@pytest.mark.parametrize("choice", ["one_std_err", "inner_split", "mean_curve"])
def test_a_training_that_diverges_is_shown_in_every_way(keras, flowers, choice):
    """The state and the reason are those of the pass that failed."""

    def hot():
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        model.compile(keras.optimizers.SGD(1e30), "mse", metrics=["mae"])
        return model

    x, _ = flowers
    y = np.random.default_rng(0).normal(size=(120, 3)).astype("float32") * 1e6
    with pytest.raises(hr.FitError, match="Every training of 'hot' failed"):
        hr.cross_validate(hot, x, y, early_stopping=RULE, epoch_choice=choice, **PLAN)


@pytest.mark.parametrize("choice", ["one_std_err", "inner_split"])
def test_ctrl_c_in_a_first_pass_ends_both(net, flowers, ctrl_c, choice):
    """What was begun comes back interrupted; no second pass follows."""

    def stop(event):
        if isinstance(event, EpochEnded) and event.epoch == 30:
            ctrl_c()

    patient = hr.EarlyStopping(patience=30_000)
    plan = PLAN | {"epochs": 30_000}
    with pytest.raises(Interrupted) as caught:
        hr.cross_validate(
            net,
            *flowers,
            early_stopping=patient,
            epoch_choice=choice,
            listener=stop,
            **plan,
        )
    members = caught.value.result.members
    assert {m.state for m in members} == {"INTERRUPTED"}
    assert {m.path for m in members} == {"scan"}


def test_ctrl_c_in_a_second_pass_keeps_what_it_has_trained(net, flowers, ctrl_c):
    """Trainings of the second pass that are done are complete, the rest are not."""
    seen = []

    def stop(event):
        if isinstance(event, StageStarted):
            seen.append(event.stage)
        if isinstance(event, MemberEnded) and seen[-1] == "second pass":
            seen.append("stopped")
            ctrl_c()

    with pytest.raises(Interrupted) as caught:
        hr.cross_validate(
            net,
            *flowers,
            seeds=20,
            early_stopping=RULE,
            epoch_choice="one_std_err",
            listener=stop,
            lanes=1,
            **PLAN,
        )
    members = caught.value.result.members
    done = [m for m in members if m.state == "COMPLETE"]
    assert done
    assert len(done) < len(members)
    assert all(m.scores == m.history.at(m.best_epoch) for m in done)
