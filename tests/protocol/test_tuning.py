"""hr.tune: every trial on the same folds, losers given up on evidence and shown."""

from __future__ import annotations

import random

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

import homeroom as hr
from homeroom import engine, judgement, seeding
from homeroom.protocol import Interrupted
from homeroom.protocol.pruning import stages
from homeroom.records import (
    BY_EPOCHS,
    BY_FOLDS,
    COMPLETE,
    FAILED,
    INTERRUPTED,
    PRUNED,
    EpochEnded,
    MemberEnded,
    Metric,
    StageStarted,
    TrialEnded,
    TrialRecord,
    from_json,
    to_json,
)
from homeroom.store import open_store

RATES = {"learning_rate": hr.log_uniform(1e-4, 1.0)}


def told(search):
    """What must not depend on anything but the arguments."""
    return [
        (
            trial.hyperparameters,
            trial.state,
            trial.pruning,
            [(m.fold, m.scores, m.final_weights) for m in trial.members],
        )
        for trial in search.trials
    ]


@pytest.fixture(scope="module")
def searched(softmax, flowers):
    return hr.tune(softmax, RATES, *flowers, n_trials=20, cv=8, epochs=9, seed=3)


def test_a_trial_is_a_cross_validation_of_its_hyperparameters(
    searched, softmax, flowers
):
    """The same folds, orders and weights: learning rates are equal to the last bit."""
    for number in (searched.best_trial.number, 19):
        trial = searched.trials[number]
        alone = hr.cross_validate(
            lambda params=trial.hyperparameters: softmax(**params),
            *flowers,
            cv=8,
            epochs=9,
            seed=3,
        )
        by_fold = {m.fold: m for m in alone.members}
        for member in trial.members:
            if member.state == COMPLETE:
                assert member.scores == by_fold[member.fold].scores
                assert member.final_weights == by_fold[member.fold].final_weights
    assert searched.cross_validation().mean() == searched.best_score


def test_constants_are_shared_within_a_last_digit(net, flowers):
    """Dropout rates are arguments of one program: scores equal those of fixed ones."""
    found = hr.tune(
        net, {"dropout": [0.1, 0.3, 0.5]}, *flowers, cv=3, epochs=4, prune=False
    )
    page = found.cross_validation()._repr_html_()
    assert "constants were arguments" in page
    for trial in found.trials:
        assert {member.sameness for member in trial.members} == {"shared"}
        alone = hr.cross_validate(
            lambda params=trial.hyperparameters: net(**params), *flowers, cv=3, epochs=4
        )
        for mine, other in zip(trial.members, alone.members, strict=True):
            np.testing.assert_allclose(
                mine.scores["val_loss"], other.scores["val_loss"], rtol=1e-5
            )


def test_the_best_is_the_best_complete_mean(searched):
    """best_* are those of the complete trial with the best mean, told by hand."""
    means = {
        trial.number: np.mean([m.scores["val_accuracy"] for m in trial.members])
        for trial in searched.trials
        if trial.state == COMPLETE
    }
    best = searched.best_trial.number
    assert searched.best_score == pytest.approx(max(means.values()))
    assert means[best] == max(means.values())
    assert best == min(n for n, mean in means.items() if mean == means[best])
    assert searched.best_params == searched.trials[best].hyperparameters


def test_optimism_counts_every_trial_that_has_a_score(searched):
    """Twenty looks flatter the best by E[max of 20] standard errors."""
    n = sum(any(m.scores for m in trial.members) for trial in searched.trials)
    error = searched.summary().standard_error
    assert n == 20
    assert searched.optimism == judgement.expected_maximum(20) * error


def test_nothing_depends_on_the_number_of_lanes(searched, softmax, flowers):
    """One lane or two: the same trials, the same pruned ones, the same evidence."""
    again = hr.tune(
        softmax, RATES, *flowers, n_trials=20, cv=8, epochs=9, seed=3, lanes=1
    )
    assert told(again) == told(searched)


def test_nothing_depends_on_how_far_the_next_models_were_made_ready(
    net, flowers, monkeypatch
):
    """No model, one or all of the next batch traced while one trains: same bits."""
    space = {"dropout": hr.uniform(0.1, 0.5), "learning_rate": [0.01, 0.1]}
    options = {"n_trials": 20, "cv": 3, "epochs": 3, "seed": 5}
    looked, look_ahead = [], engine.Begun.look_ahead

    def never(begun):
        return False

    def once(begun):
        looked.append(begun)
        return len(set(map(id, looked))) == len(looked) and look_ahead(begun)

    found = []
    for instead in (look_ahead, never, once):
        monkeypatch.setattr(engine.Begun, "look_ahead", instead)
        found.append(told(hr.tune(net, space, *flowers, **options)))
    assert looked
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize(("kind", "n_alike"), [("keras", 16), ("estimator", 8)])
def test_a_batch_of_keras_models_is_asked_for_one_batch_ahead(
    softmax, flowers, kind, n_alike
):
    """Opposite answers give other trials from the third batch on, else the second."""
    options = {"n_trials": 24, "cv": 3, "epochs": 1, "prune": False}
    model, space = softmax, RATES
    if kind == "estimator":
        model, space = LogisticRegression(), {"C": hr.log_uniform(1e-4, 1e2)}
    up, down = (
        [
            trial.hyperparameters
            for trial in hr.tune(
                model, space, *flowers, metric=Metric("accuracy", way), **options
            ).trials
        ]
        for way in ("max", "min")
    )
    assert up[:n_alike] == down[:n_alike]
    assert up[n_alike:] != down[n_alike:]


def test_the_model_is_the_best_trial_trained_on_all_rows(keras, softmax, flowers):
    """`search.model` has the weights of plain `fit`, for as many updates as folds."""
    x, y = flowers
    searched = hr.tune(softmax, RATES, x, y, n_trials=2, cv=3, epochs=4, seed=3)
    seeds = [seeding.derive(3, "refit", part) for part in ("weights", "order")]
    keras.utils.set_random_seed(seeds[0])
    alone = softmax(**searched.best_params)
    updates = np.median([m.n_updates for m in searched.best_trial.members])
    epochs = round(updates / -(-len(x) // 32))
    assert epochs == 3  # an epoch of all rows has more updates than one of a fold's
    for epoch in range(epochs):
        order = seeding.generator(seeds[1], "epoch", epoch).permutation(len(x))
        alone.fit(x[order], y[order], batch_size=32, shuffle=False, verbose=0)
    model = searched.model
    assert searched.model is model
    for mine, theirs in zip(model.get_weights(), alone.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(
        searched.predict(x[:7]), model.predict(x[:7], verbose=0)
    )


def test_the_model_of_another_search_needs_no_program(net, flowers, no_programs):
    """Searches over one structure share the program of their final trainings, too."""
    space = {"dropout": hr.uniform(0.1, 0.5)}
    made = []
    for seed in (1, 2):
        search = hr.tune(net, space, *flowers, n_trials=3, cv=3, epochs=2, seed=seed)
        assert search.model.count_params() == net().count_params()
        made.append([p.made for p in search._ground.ledger.records()])
    assert made == [[True, True], [False, False]]


def test_the_model_of_estimators_takes_rows_as_they_were(flowers):
    """Preprocessing and hyperparameters of the best estimator are those of `model`."""
    x, y = flowers
    search = hr.tune(
        LogisticRegression(max_iter=500),
        {"C": [0.01, 10.0]},
        x,
        y,
        cv=3,
        preprocess=StandardScaler(),
    )
    scaler = StandardScaler().fit(x)
    alone = LogisticRegression(max_iter=500, **search.best_params)
    alone.fit(scaler.transform(x), y)
    assert search.model.get_params()["C"] == search.best_params["C"]
    np.testing.assert_allclose(
        search.predict(x), alone.predict_proba(scaler.transform(x)), atol=1e-5
    )
    with pytest.raises(hr.InputError, match="shape"):
        search.predict(x[:, :2])


def test_who_is_given_up_is_behind_on_the_evidence_told(searched):
    """Each pruning can be checked from the records alone."""
    pruned = [trial for trial in searched.trials if trial.state == PRUNED]
    assert {trial.pruning.by for trial in pruned} == {BY_EPOCHS, BY_FOLDS}
    for trial in pruned:
        why = trial.pruning
        assert why.value < why.threshold
        if why.by == BY_EPOCHS:
            (member,) = trial.members
            assert member.state == PRUNED
            series = member.history.series["val_accuracy"]
            assert len(series) == why.epoch + 1
            assert max(series) == why.value
            batch = trial.number // 8 * 8
            earlier = [
                max(t.members[0].history.series["val_accuracy"][: why.epoch + 1])
                for t in searched.trials[:batch]
            ]
            assert why.n_compared == len(earlier)
            assert sum(v > why.value for v in earlier) >= len(earlier) // 3
        else:
            leader = searched.trials[why.against]
            pairs = zip(trial.members, leader.members, strict=False)
            gaps = [
                a.scores["val_accuracy"] - b.scores["val_accuracy"] for a, b in pairs
            ]
            assert len(gaps) == why.n_compared < 8
            assert np.mean(gaps) == pytest.approx(why.value)
            assert why.threshold < -0.01


def test_pruning_saves_trainings_and_loses_nothing_here(searched, softmax, flowers):
    """On this task the pruned search finds the best of the full one, for less."""
    full = hr.tune(
        softmax,
        {
            "learning_rate": [
                t.hyperparameters["learning_rate"] for t in searched.trials
            ]
        },
        *flowers,
        sampler="grid",
        cv=8,
        epochs=9,
        seed=3,
        prune=False,
    )
    assert {t.state for t in full.trials} == {COMPLETE}
    assert full.best_params == searched.best_params
    updates = [
        sum(m.n_updates for t in search.trials for m in t.members)
        for search in (full, searched)
    ]
    assert updates[1] < 0.8 * updates[0]


def test_a_grid_tries_every_combination(net, flowers):
    """The whole product, in its order, without being asked how many."""
    found = hr.tune(
        net,
        {"units": [4, 8], "learning_rate": [0.01, 0.1]},
        *flowers,
        sampler="grid",
        cv=3,
        epochs=2,
    )
    assert [tuple(t.hyperparameters.values()) for t in found.trials] == [
        (4, 0.01),
        (4, 0.1),
        (8, 0.01),
        (8, 0.1),
    ]


def test_more_seeds_are_for_those_that_are_left(softmax, flowers):
    """A trial that is given up on its first seed never gets another."""
    found = hr.tune(
        softmax, RATES, *flowers, n_trials=8, cv=8, epochs=9, seed=3, seeds=2
    )
    for trial in found.trials:
        wanted = 16 if trial.state == COMPLETE else len(trial.members)
        assert len(trial.members) == wanted
        if trial.state == PRUNED:
            assert {m.seed_index for m in trial.members} == {0}
    assert {t.state for t in found.trials} == {COMPLETE, PRUNED}


@pytest.mark.parametrize(("n_folds", "n_seeds"), [(1, 1), (2, 1), (3, 2), (10, 3)])
def test_stages_are_every_training_once(n_folds, n_seeds):
    """The stages of a trial are a partition of folds × seeds, none empty."""
    parts = stages(n_folds, n_seeds)
    together = [place for part in parts for place in part]
    wanted = {(fold, seed) for fold in range(n_folds) for seed in range(n_seeds)}
    assert all(parts)
    assert len(together) == len(wanted)
    assert set(together) == wanted


def test_a_trial_that_fails_is_shown_and_ends_nothing(net, flowers):
    """A model that cannot be made, and one that diverges, are failed trials."""
    space = {"units": [8, -1], "learning_rate": [0.05, 1e30]}
    found = hr.tune(net, space, *flowers, sampler="grid", cv=3, epochs=2)
    states = [trial.state for trial in found.trials]
    assert states == [COMPLETE, FAILED, FAILED, FAILED]
    assert "became nan" in found.trials[1].error
    assert "-1" in found.trials[2].error
    assert found.trials[2].members == ()
    assert found.best_trial.number == 0
    assert "units" in found._repr_html_()
    with pytest.raises(hr.InputError, match="was never trained"):
        found.cross_validation(2)
    with pytest.raises(hr.InputError, match="does not exist"):
        found.cross_validation(9)


def test_a_later_trial_with_another_loss_fails(keras, line):
    """What is compared by the loss is in one unit, in every batch of trials."""

    def net(units=1):
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse" if units < 9 else "mae")
        return model

    space = {"units": list(range(1, 11))}
    options = {"sampler": "grid", "prune": False, "cv": 2, "epochs": 1, "verbose": 0}
    found = hr.tune(net, space, *line, **options)
    assert [trial.state for trial in found.trials] == [
        *["COMPLETE"] * 8,
        "FAILED",
        "FAILED",
    ]
    assert "its loss is mean_absolute_error" in found.trials[8].error


def test_a_search_without_a_complete_trial_says_so(net, flowers):
    """There is no best of nothing: the error has the first reason."""
    with pytest.raises(hr.FitError, match="No trial of 'net' is complete"):
        hr.tune(net, {"learning_rate": [1e30, 2e30]}, *flowers, cv=3, epochs=2)


def test_an_estimator_is_searched_alike(flowers):
    """scikit-learn's estimators are tried on the same folds, without epochs."""
    found = hr.tune(
        LogisticRegression(), {"C": hr.log_uniform(1e-4, 1e2)}, *flowers, n_trials=6
    )
    assert found.candidate == "LogisticRegression"
    assert found.best_params["C"] > 1e-3
    assert {t.state for t in found.trials} <= {COMPLETE, PRUNED}


def test_optunas_style_of_a_space(net, flowers):
    """A function of a trial draws what it returns."""

    def space(trial):
        units = trial.suggest_int("units", 4, 8, step=4)
        return {"units": units, "learning_rate": 0.4 / units}

    found = hr.tune(net, space, *flowers, n_trials=2, cv=3, epochs=2)
    assert all(
        t.hyperparameters["learning_rate"] == 0.4 / t.hyperparameters["units"]
        for t in found.trials
    )


def test_keras_tuners_style_of_a_model(keras, flowers):
    """build(hp) is searched as it is, and gives the models that it drew."""
    made = []

    def build(hp):
        model = keras.Sequential([keras.Input((4,))])
        for i in range(hp.Int("layers", 0, 1)):
            units = hp.Choice(f"units {i}", [4, 8])
            model.add(keras.layers.Dense(units, activation="relu"))
        model.add(keras.layers.Dense(3, activation="softmax"))
        rate = hp.Float("rate", 1e-3, 1e-1, sampling="log")
        model.compile(
            keras.optimizers.SGD(rate),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        made.append(dict(hp.values))
        return model

    state = random.getstate()
    found = hr.tune(build, None, *flowers, n_trials=4, cv=3, epochs=2)
    assert random.getstate() == state
    assert found.candidate == "build"
    for trial in found.trials:
        assert trial.hyperparameters in made
        deep = trial.hyperparameters["layers"] == 1
        assert ("units 0" in trial.hyperparameters) == deep


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"space": {"unit": [1]}}, "Did you mean 'units'"),
        ({"space": {"o": hr.choice({"a": {"unit": [1]}})}}, "no hyperparameter 'o'"),
        ({"space": None}, "KerasTuner's style"),
        ({"space": {"units": [4, 8]}, "n_trials": 0}, "n_trials=0"),
        ({"space": {"units": [4, 8]}, "n_trials": True}, "n_trials=True"),
        ({"space": {"units": [4, 8]}, "sampler": "bayes"}, "sampler='bayes'"),
        (
            {"space": {"units": [4, 8]}, "sampler": "grid", "n_trials": 1},
            "all of its 2 combinations",
        ),
        (
            {"space": {"dropout": hr.uniform(0, 1)}, "sampler": "grid"},
            "'dropout' is an interval",
        ),
        ({"space": lambda trial: {"unit": 3}}, "no hyperparameter 'unit'"),
        ({"space": {"units": [4, 8]}, "metric": "f1"}, "does not report the metric"),
        ({"space": {"units": [-1, -2]}}, "units"),
    ],
)
def test_bad_input_is_one_error_before_training(net, flowers, arguments, said):
    """What is wrong is named; nothing was trained."""
    heard = []
    with pytest.raises(hr.InputError) as caught:
        hr.tune(
            net, arguments.pop("space"), *flowers, listener=heard.append, **arguments
        )
    assert said in str(caught.value)
    assert not any(isinstance(event, MemberEnded) for event in heard)


def test_ctrl_c_keeps_the_trials_that_are_done(softmax, flowers):
    """Interrupted has the search with what was done, and says what was not."""
    heard = []

    def listener(event):
        heard.append(event)
        n_trials = sum(isinstance(e, TrialEnded) for e in heard)
        if n_trials == 8 and isinstance(event, EpochEnded):
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        hr.tune(
            softmax, RATES, *flowers, n_trials=16, cv=4, epochs=5, listener=listener
        )
    search = caught.value.result
    states = [trial.state for trial in search.trials]
    assert set(states[:8]) <= {COMPLETE, PRUNED}
    assert INTERRUPTED in states[8:]
    assert search.best_trial.number < 8


def test_faces(searched):
    """Frame, chart and notebook say the same trials, the pruned ones as partial."""
    frame = searched.to_frame()
    assert frame.height == 20
    done = frame.filter(frame["state"] == COMPLETE)
    rest = frame.filter(frame["state"] != COMPLETE)
    assert done["mean"].null_count() == rest["partial_mean"].null_count() - sum(
        rest["n_folds"] == 0
    )
    assert rest["mean"].null_count() == rest.height
    assert rest["pruned_by"].null_count() == 0
    assert frame["param_learning_rate"].is_between(1e-4, 1.0).all()
    html = searched._repr_html_()
    assert "best of 20 trials" in html
    assert "given up after" in html
    spec = searched.plot().to_dict()
    (points,) = [
        rows for rows in spec["datasets"].values() if any("partial" in r for r in rows)
    ]
    assert {row["trial"] for row in points} == set(range(20))
    assert sum(row["what"] == "chosen" for row in points) == 1


def test_a_trial_comes_back_from_json(searched):
    """A record is JSON there and back, the evidence included."""
    for trial in searched.trials:
        assert from_json(to_json(trial), TrialRecord) == trial


def test_out_of_fold_predictions_are_those_of_the_best(searched, flowers):
    """The predictions of the best trial give its accuracy."""
    right = searched.predictions.argmax(axis=1) == flowers[1]
    assert right.mean() == pytest.approx(searched.best_score, abs=1e-6)
    assert searched.cross_validation().predictions is searched.predictions


def test_best_params_are_the_very_values_of_the_space(keras, flowers):
    """A tuple and a function come back as they were given, whatever a record keeps."""

    def net(layers, activation):
        model = keras.Sequential([
            keras.Input((4,)),
            *[keras.layers.Dense(n, activation=activation) for n in layers],
            keras.layers.Dense(3, activation="softmax"),
        ])
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    space = {"layers": [(4, 4), ()], "activation": [keras.activations.tanh]}
    found = hr.tune(net, space, *flowers, cv=3, epochs=2)
    assert found.best_params["layers"] in {(4, 4), ()}
    assert found.best_params["activation"] is keras.activations.tanh
    net(**found.best_params)


@pytest.fixture(scope="module")
def tuned_run(softmax, flowers):
    experiment = hr.Experiment(*flowers, test_size=0.25, seed=5, store=":memory:")
    experiment.add("slow", softmax, learning_rate=0.001)
    experiment.add("tuned", softmax, space=RATES, n_trials=10)
    return experiment.run(cv=4, seeds=2, epochs=6, epoch_choice="per_fold")


def test_a_tuned_candidate_enters_with_the_best_that_was_found(tuned_run, softmax):
    """It is trained anew, as if its hyperparameters had been given."""
    record = tuned_run.record
    (search,) = record.searches
    best = search.trials[search.best]
    slow, tuned = record.candidates
    assert tuned.hyperparameters == best.hyperparameters
    assert slow.hyperparameters == {"learning_rate": 0.001}
    assert len(record.members_of("tuned")) == 8
    first = {m.fold: m.scores for m in record.members_of("tuned") if not m.seed_index}
    assert {m.fold: m.scores for m in best.members} == first


def test_every_tuning_trial_counts_in_the_optimism_of_the_choice(tuned_run):
    """Two candidates and ten trials are twelve scores to be the best of."""
    selection = tuned_run.selection
    error = tuned_run.summary(selection.candidate).standard_error
    assert (selection.n_compared, selection.n_tuning_trials) == (2, 10)
    assert selection.optimism == judgement.expected_maximum(12) * error
    assert "10 tuning trials" in selection.reason


def test_the_search_stays_in_the_store_and_in_the_report(tuned_run, tmp_path):
    """The stored run has every trial with its scores; the page shows them."""
    stored = tuned_run._store.read_run(tuned_run.id)
    assert stored.searches == tuned_run.record.searches
    assert all(
        m.scores or t.pruning for t in stored.searches[0].trials for m in t.members
    )
    page = tuned_run.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "How it was tuned (10 trials" in page
    assert tuned_run.final_test().n == 30


def test_a_search_that_finds_nothing_is_a_candidate_that_failed(net, flowers):
    """The others go on, and the leaderboard shows why this one did not."""
    experiment = hr.Experiment(*flowers, store=":memory:")
    experiment.add("broken", net, space={"learning_rate": [1e30]})
    run = experiment.add("net", net).run(cv=3, epochs=2)
    assert run.selection.candidate == "net"
    assert "became nan" in run.selection.excluded["broken"]
    assert run.record.searches[0].best is None


def test_ctrl_c_while_tuning_leaves_an_interrupted_run(softmax, flowers):
    """The run is in the store as interrupted; nothing pretends to be compared."""

    def listener(event):
        if isinstance(event, EpochEnded):
            raise KeyboardInterrupt

    experiment = hr.Experiment(*flowers, store=":memory:")
    experiment.add("tuned", softmax, space=RATES, n_trials=3)
    with pytest.raises(Interrupted) as caught:
        experiment.run(cv=3, epochs=3, listener=listener)
    assert caught.value.result.record.state == INTERRUPTED


def test_ctrl_c_keeps_the_searches_that_are_done(softmax, flowers, store):
    """Every trial of the first search, and those begun of the second, are stored."""
    seen = []

    def listener(event):
        if isinstance(event, StageStarted):
            seen.append(event.stage)
        if isinstance(event, EpochEnded) and "tuning second" in seen:
            raise KeyboardInterrupt

    experiment = hr.Experiment(*flowers, store=store)
    experiment.add("first", softmax, space=RATES, n_trials=3)
    experiment.add("second", softmax, space=RATES, n_trials=3)
    with pytest.raises(Interrupted) as caught:
        experiment.run(cv=3, epochs=3, listener=listener)
    run = open_store(store).read_run(caught.value.result.id)
    assert run.state == INTERRUPTED
    first, second = run.searches
    assert [trial.state for trial in first.trials] == [COMPLETE] * 3
    assert first.best is not None
    assert second.best is None
    assert "first" in caught.value.result._repr_html_()


def test_what_is_given_beside_a_space_is_not_searched(keras, flowers):
    """A tuple given as it is reaches the model function as it is."""
    given = []

    def deep(units=(4,), learning_rate=0.1):
        given.append(units)
        body = [keras.layers.Dense(n, activation="relu") for n in units]
        head = keras.layers.Dense(3, activation="softmax")
        model = keras.Sequential([keras.Input((4,)), *body, head])
        loss = "sparse_categorical_crossentropy"
        model.compile(keras.optimizers.SGD(learning_rate), loss, metrics=["accuracy"])
        return model

    experiment = hr.Experiment(*flowers, store=":memory:")
    space = {"learning_rate": [0.1, 0.01]}
    experiment.add("deep", deep, space=space, units=(6, 5))
    run = experiment.run(cv=3, epochs=1, verbose=0)
    assert {*given} == {(6, 5)}
    assert run.record.searches[0].space.startswith("units: (6, 5), learning_rate:")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"n_trials": 3}, "no effect without space"),
        (
            {"space": {"units": [4]}, "units": 8},
            "'units' is given a value and searched",
        ),
        ({"space": lambda trial: {}, "units": 8}, "units= has no effect"),
        ({"space": {"unit": [4]}}, "Did you mean 'units'"),
        ({"unit": 4}, "Did you mean 'units'"),
    ],
)
def test_what_cannot_be_tuned_is_refused_when_it_is_added(
    net, flowers, arguments, said
):
    """One error, at the line that is wrong."""
    experiment = hr.Experiment(*flowers, store=":memory:")
    with pytest.raises(hr.InputError) as caught:
        experiment.add("net", net, **arguments)
    assert said in str(caught.value)
