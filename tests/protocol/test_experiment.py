"""The whole exam: candidates of every kind, one choice, nothing lost."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import homeroom as hr
from homeroom import data, engine, report
from homeroom.protocol import Interrupted, stored_winner
from homeroom.protocol.epoch_choice import Passes
from homeroom.records import MemberEnded, Metric, Note, StageStarted
from homeroom.store import open_store


@pytest.fixture
def guess():
    """An estimator that costs nothing: what is tested is around it."""
    return DummyClassifier(strategy="prior")


def test_keras_and_scikit_learn_stand_in_one_list(experiment, net, guess, store):
    """Both kinds are scored on the same folds, ranked, and chosen from."""
    entered = experiment().add("net", net, units=4).add("guess", guess)
    entered.add("logistic", LogisticRegression(), C=0.5)
    run = entered.run(cv=3, seeds=2, epochs=3, verbose=0)
    assert {m.candidate for m in run.record.members} == {"net", "guess", "logistic"}
    assert len(run.record.members) == 3 * 3 * 2
    assert run.record.metric == Metric("accuracy", "max")
    assert run.selection.candidate != "guess"
    assert run.selection.n_compared == 3
    kinds = {c.name: (c.kind, c.hyperparameters) for c in run.record.candidates}
    assert kinds["net"] == ("keras", {"units": 4})
    assert kinds["logistic"] == ("estimator", {"C": 0.5})
    assert run.leaderboard.height == 3
    stored = open_store(store).read_run(run.id)
    assert stored == run.record
    assert stored.state == "COMPLETE"


class TestMetric:
    """The yardstick, by default and by name."""

    @pytest.fixture
    def yardstick(self, experiment, guess):
        def of(metric, model=guess, **data):
            entered = experiment(**data).add("one", model)
            return entered.run(cv=2, metric=metric, verbose=0).record.metric

        return of

    @pytest.mark.parametrize(
        ("asked", "name", "direction"),
        [
            (None, "accuracy", "max"),
            ("acc", "accuracy", "max"),
            ("val_accuracy", "accuracy", "max"),
            ("loss", "loss", "min"),
            (Metric("accuracy", "max"), "accuracy", "max"),
        ],
    )
    def test_of_classes(self, yardstick, asked, name, direction):
        """Keras's names, their short forms and records of ours are understood."""
        assert yardstick(asked) == Metric(name, direction)

    @pytest.mark.parametrize("asked", [None, "rmse", "val_root_mean_squared_error"])
    def test_of_numbers(self, yardstick, line, asked):
        """A regression is judged by its root mean squared error."""
        x, y = line
        found = yardstick(asked, DummyRegressor(), x=x, y=y)
        assert found == Metric("root_mean_squared_error", "min")

    def test_an_unknown_one_is_refused_with_the_nearest(self, yardstick, store):
        """What no candidate reports is named before training, with the nearest."""
        with pytest.raises(hr.InputError, match="Did you mean 'accuracy'"):
            yardstick("acuracy")
        assert not store.exists()

    def test_without_a_known_direction_it_is_refused(
        self, experiment, keras, flowers, store
    ):
        """A metric of one's own has to say which way is better."""

        def own():
            model = keras.Sequential([
                keras.Input((4,)),
                keras.layers.Dense(3, activation="softmax"),
            ])

            def surprise(y_true, y_pred):
                return keras.ops.max(y_pred, axis=-1)

            loss = "sparse_categorical_crossentropy"
            model.compile("sgd", loss, metrics=[surprise])
            return model

        entered = experiment().add("own", own)
        with pytest.raises(hr.InputError, match=r"rise or fall.*'surprise'"):
            entered.run(cv=3, metric="surprise")
        assert not store.exists()


class TestCandidates:
    """Who may enter."""

    def test_a_hyperparameter_it_does_not_have(self, experiment, net):
        """An unknown keyword names those there are, and the nearest."""
        with pytest.raises(hr.InputError, match=r"dropout.*Did you mean 'units'"):
            experiment().add("net", net, unit=3)
        with pytest.raises(hr.InputError, match="Did you mean 'n_estimators'"):
            experiment().add("forest", RandomForestClassifier(), n_estimator=3)

    def test_a_name_that_is_taken(self, experiment, net):
        """Two candidates of one name could not be told apart."""
        with pytest.raises(hr.InputError, match="already"):
            experiment().add("net", net).add("net", net)

    def test_what_is_no_model(self, experiment):
        """Something that makes no model is refused by what it is."""
        with pytest.raises(hr.InputError, match="got int"):
            experiment().add("five", 5)

    def test_facts_are_filled_in(self, experiment, keras, line):
        """A function with n_features, target_mean and target_std gets the fold's."""
        seen = []

        def told(n_features, target_mean, target_std, n_classes=1):
            seen.append((n_features, target_mean, target_std, n_classes))
            model = keras.Sequential([
                keras.Input((n_features,)),
                keras.layers.Dense(n_classes),
            ])
            model.compile("sgd", "mse")
            return model

        x, y = line
        experiment(x, y).add("told", told).run(cv=3, epochs=1, verbose=0)
        assert {(n, k) for n, _, _, k in seen} == {(1, 1)}
        assert len({mean for _, mean, _, _ in seen}) == 4  # three folds and the refit
        assert all(abs(mean - y.mean()) < 1 for _, mean, _, _ in seen)

    def test_what_is_given_is_never_filled_in(self, keras, flowers):
        """A keyword bound by `partial`, and a default, stay as they are."""
        seen = []

        def told(n_features=None, n_classes=3):
            seen.append((n_features, n_classes))
            model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(n_classes)])
            model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(True))
            return model

        x, y = flowers
        given = hr.fit(partial(told, n_classes=5), x, y % 2)
        assert given.record.candidate == "told"
        hr.fit(told, x, y % 2)
        own = TransformedTargetRegressor(
            LinearRegression(), func=np.arcsinh, inverse_func=np.sinh
        )
        assert (
            hr.cross_validate(own, x[:, 1:], x[:, 0], cv=2).candidate
            == type(own).__name__
        )
        assert {*seen} == {(4, 5), (4, 3)}


def test_numbers_of_numpy_are_numbers(experiment, net, flowers, store):
    """Rates of np.logspace and weights of scikit-learn are kept like Python's."""
    x, y = flowers
    entered = experiment(x, y)
    for rate in np.logspace(-3, -2, 2):
        entered.add(f"rate {rate:g}", net, learning_rate=rate, units=np.int64(4))
    weights = dict(zip(np.unique(y), np.ones(3), strict=True))
    run = entered.run(cv=2, epochs=1, class_weight=weights, verbose=0)
    stored = open_store(store).read_run(run.id)
    assert [c.hyperparameters["units"] for c in stored.candidates] == [4, 4]
    assert run.verify(members=1).holds


def test_columns_of_a_frame_are_found_by_name(experiment, flowers):
    """New rows may have their columns in another order, and others beside them."""
    x, y = flowers
    frame = pl.DataFrame(x, schema=list("abcd"))
    run = experiment(frame, y).add("line", LogisticRegression()).run(cv=3, verbose=0)
    other = frame.select("d", "b", pl.lit(9.0).alias("more"), "a", "c")
    assert np.array_equal(run.predict(other), run.predict(frame))
    assert np.array_equal(run.predict(x), run.predict(frame))
    with pytest.raises(hr.InputError, match=r"x lacks 1 column .*: 'c'"):
        run.predict(frame.drop("c"))


class Breaks(DummyClassifier):
    """A classifier that cannot be fitted."""

    def fit(self, x, y):
        raise ValueError("no luck today")


class TestFailures:
    """One failing candidate never takes down the others."""

    def test_a_failing_candidate_is_left_out_with_its_reason(
        self, experiment, softmax, guess
    ):
        """The others go on; the selection says who was left out and why."""
        entered = experiment().add("broken", Breaks()).add("guess", guess)
        entered.add("wild", softmax, learning_rate=1e38)
        run = entered.run(cv=3, epochs=3, verbose=0)
        assert run.selection.candidate == "guess"
        assert set(run.selection.excluded) == {"broken", "wild"}
        assert "no luck today" in run.selection.excluded["broken"]
        assert run.record.state == "COMPLETE"
        assert run.final_test().candidate == "guess"

    def test_when_all_fail_the_run_has_failed(self, experiment, store):
        """A FitError says why, and the store keeps the run as FAILED with it."""
        with pytest.raises(hr.FitError, match="no luck today"):
            experiment().add("broken", Breaks()).run(cv=3, verbose=0)
        stored = open_store(store).read_run()
        assert stored.state == "FAILED"
        assert "no luck today" in stored.error
        assert len(stored.members) == 3

    def test_a_winner_that_cannot_be_stored_is_not_lost(
        self, experiment, guess, flowers, store
    ):
        """A transformer no file can hold costs the stored model, not the run."""
        entered = experiment(preprocess=FunctionTransformer(lambda x: 2 * x))
        events = []
        run = entered.add("guess", guess).run(cv=3, listener=events.append)
        notes = [event.text for event in events if isinstance(event, Note)]
        assert "not in the store" in notes[0]
        assert run.record.state == "COMPLETE"
        assert "not stored" in run.record.refit.reason
        assert run.final_test().n == 30
        with pytest.raises(hr.InputError, match="no trained winner"):
            stored_winner(open_store(store).read_run(run.id), open_store(store))


class TestInterruption:
    """Ctrl-C ends a run with what is done kept."""

    def test_between_trainings(self, experiment, softmax, guess, store):
        """The store has an INTERRUPTED run with the trainings that had ended."""

        def stop(event):
            if isinstance(event, MemberEnded) and event.member.fold == 1:
                raise KeyboardInterrupt

        entered = experiment().add("net", softmax).add("guess", guess)
        with pytest.raises(Interrupted) as stopped:
            entered.run(cv=4, epochs=2, lanes=1, listener=stop)
        stored = open_store(store).read_run()
        assert stored.state == "INTERRUPTED"
        done = [m.fold for m in stored.members if m.state == "COMPLETE"]
        assert done[:2] == [0, 1]
        assert len(stored.members_of("guess")) == 4
        assert stored == stopped.value.result.record
        with pytest.raises(hr.InputError, match="INTERRUPTED"):
            _ = stopped.value.result.selection
        with pytest.raises(hr.InputError, match="INTERRUPTED"):
            stopped.value.result.final_test()

    def test_a_second_time_before_the_lanes_are_done(
        self, experiment, softmax, store, monkeypatch
    ):
        """What was kept until then is what is told, also by the result."""
        run = Passes.run

        def interrupted(*args, **options):
            run(*args, **options)
            raise KeyboardInterrupt

        monkeypatch.setattr(Passes, "run", interrupted)
        with pytest.raises(Interrupted) as stopped:
            experiment().add("net", softmax).run(cv=4, epochs=1, verbose=0)
        members = stopped.value.result.record.members
        assert [m.state for m in members] == ["COMPLETE"] * 4

    def test_during_the_refit(self, experiment, softmax, store, monkeypatch):
        """An interrupted refit is an interrupted run, and all folds are kept."""
        real = engine.Prepared.train

        def train(prepared, *args, **options):
            outcomes = real(prepared, *args, **options)
            if len(outcomes) > 1:  # those of the folds
                return outcomes
            return [engine.Outcome(state="INTERRUPTED", stop_reason="interrupted")]

        monkeypatch.setattr(engine.Prepared, "train", train)
        with pytest.raises(Interrupted):
            experiment().add("net", softmax).run(cv=3, epochs=1, verbose=0)
        stored = open_store(store).read_run()
        assert stored.state == "INTERRUPTED"
        assert {m.state for m in stored.members} == {"COMPLETE"}
        assert stored.selection.candidate == "net"

    def test_a_signal_ends_the_waiting(self, experiment, softmax, store, ctrl_c):
        """SIGINT is heard while a long training runs, not after it."""
        epochs = []

        def stop(event):
            if type(event).__name__ == "EpochEnded":
                epochs.append(event.epoch)
                if len(epochs) >= 60:
                    ctrl_c()

        patient = hr.EarlyStopping(patience=30_000)
        entered = experiment().add("net", softmax)
        with pytest.raises(Interrupted):
            entered.run(cv=2, epochs=30_000, early_stopping=patient, listener=stop)
        assert len(epochs) < 30_000
        assert open_store(store).read_run().state == "INTERRUPTED"


class TestSettings:
    """What was decided before looking is in the record."""

    def test_patience_of_ten_is_the_default_and_remembered(
        self, experiment, softmax, keras
    ):
        """Without a rule there is one; a Keras callback takes its place."""
        entered = experiment(store=":memory:").add("net", softmax)
        default = entered.run(cv=3, epochs=1, verbose=0).record.settings
        assert default.early_stopping["patience"] == 10
        callback = keras.callbacks.EarlyStopping(patience=4)
        given = entered.run(cv=3, epochs=1, callbacks=[callback], verbose=0)
        assert given.record.settings.early_stopping["patience"] == 4

    def test_lanes_are_those_that_ran(self, experiment, guess):
        """The environment tells the lanes asked for."""
        run = experiment().add("guess", guess).run(cv=3, lanes=1, verbose=0)
        assert run.record.environment.lanes == 1

    def test_stages_are_told_in_order(self, experiment, guess):
        """A listener hears of the trainings, then of the refit."""
        events = []
        experiment().add("guess", guess).run(cv=3, listener=events.append)
        stages = [e.stage for e in events if isinstance(e, StageStarted)]
        assert stages == ["training", "refit"]

    def test_groups_are_whole_in_cut_and_folds(self, experiment, guess, flowers):
        """With groups= no group is on both sides of the cut, nor of a fold."""
        x, y = flowers
        groups = np.arange(120) // 6
        run = experiment(x, y, groups=groups).add("guess", guess).run(cv=3, verbose=0)
        assert run.record.partition.n_test == 30
        assert all(fold.n_validation % 6 == 0 for fold in run.record.plan.folds)


class TestTheWinner:
    """The chosen model, used."""

    def test_a_refit_gets_the_updates_that_the_folds_needed(self, experiment, net):
        """The refit's epochs are the folds' median updates over a whole epoch's."""
        run = experiment().add("net", net).run(cv=3, epochs=8, verbose=0)
        updates = sorted(
            m.updates_per_epoch * (m.best_epoch + 1) for m in run.record.members
        )
        refit = run.record.refit
        assert refit.epochs == max(1, round(updates[1] / 3))  # 90 rows in 3 batches
        assert refit.n_updates == refit.epochs * 3
        assert refit.history.n_epochs == refit.epochs
        assert str(updates[1]) in refit.reason

    def test_without_restored_weights_the_last_updates_count(self, experiment, net):
        """Where the last weights are kept, the refit trains as long as the folds."""
        rule = hr.EarlyStopping(patience=50, restore_best_weights=False)
        entered = experiment().add("net", net)
        run = entered.run(cv=3, epochs=6, early_stopping=rule, verbose=0)
        assert run.record.refit.epochs == round(6 * 2 / 3)  # 60 rows make 2 updates

    def test_keras_goes_through_the_store(self, experiment, net, flowers, store):
        """A stored Keras winner predicts what the run's own model does."""
        x, _ = flowers
        entered = experiment(preprocess=StandardScaler()).add("net", net)
        run = entered.run(cv=3, epochs=2, verbose=0)
        place = open_store(store)
        winner = stored_winner(place.read_run(run.id), place)
        expected = run.predict(x)
        assert expected.shape == (120, 3)
        np.testing.assert_allclose(
            winner.predict(winner.prepare(x)), expected, rtol=1e-5, atol=1e-6
        )

    def test_scikit_learn_goes_through_the_store(self, experiment, flowers, store):
        """A stored forest predicts what the run's own does."""
        x, _ = flowers
        run = experiment().add("forest", RandomForestClassifier(5)).run(cv=3, verbose=0)
        place = open_store(store)
        winner = stored_winner(place.read_run(run.id), place)
        np.testing.assert_array_equal(winner.predict(x), run.predict(x))
        assert isinstance(run.model, RandomForestClassifier)

    def test_frames_and_lists_are_predicted_as_arrays(self, experiment, flowers):
        """New rows may come in a frame or in lists, as the training rows may."""
        import pandas as pd
        import polars as pl

        x, y = flowers
        frame = pd.DataFrame(x, columns=list("abcd"))
        entered = experiment(frame, y).add("logistic", LogisticRegression())
        run = entered.run(cv=3, verbose=0)
        expected = run.predict(x)
        for rows in (frame, pl.from_pandas(frame), x.tolist(), x.astype(np.float64)):
            np.testing.assert_allclose(run.predict(rows), expected, rtol=1e-5)

    def test_lists_of_vectors_are_rows(self, experiment, flowers):
        """A vector per row is learned from, validated on and predicted alike."""
        x, y = flowers
        forest = RandomForestClassifier(5, random_state=0)
        run = experiment(list(x), y).add("forest", forest).run(cv=3, verbose=0)
        for n in (1, 2, 4, 5):
            alike = run.predict(list(x[:n]))
            np.testing.assert_array_equal(alike, run.predict(x[:n]))

    def test_new_rows_that_hold_nan_are_refused(self, experiment, guess, flowers):
        """A prediction for NaN would be NaN; the row is named."""
        x = flowers[0].copy()
        x[3, 1] = np.nan
        run = experiment().add("guess", guess).run(cv=3, verbose=0)
        with pytest.raises(hr.DataError, match=r"rows 3"):
            run.predict(x)


def test_linear_and_mlp_learn_diabetes_in_its_own_units():
    """On diabetes both ready-made models err by less than 65 of the target's units."""
    from homeroom.engine import models

    experiment = hr.Experiment(
        data.load("diabetes"), seed=3, store=":memory:", preprocess=StandardScaler()
    )
    experiment.add("linear", models.linear, learning_rate=0.05)
    experiment.add("mlp", models.mlp, units=(16,), dropout=0.0, learning_rate=0.01)
    experiment.add("least squares", LinearRegression())
    run = experiment.run(cv=3, epochs=60, verbose=0)
    assert run.record.metric.name == "root_mean_squared_error"
    for name in ("linear", "mlp", "least squares"):
        assert 40 < run.summary(name).mean < 65, name
    found = run.final_test()
    assert 40 < found.score < 70
    assert found.interval.low < found.score < found.interval.high


class TestRules:
    """Who is chosen can be said beforehand, and two candidates can be compared."""

    @pytest.fixture
    def entered(self, experiment, guess):
        return experiment().add("logistic", LogisticRegression()).add("guess", guess)

    def test_the_rule_is_kept_with_what_the_others_say(self, entered, store):
        """The record has the rule and whom each of the five would choose."""
        run = entered.run(cv=3, rule="worst_fold", verbose=0)
        assert run.selection.rule == "worst_fold"
        assert set(run.selection.rules) == {
            "best_mean",
            "one_std_err",
            "pct_loss",
            "worst_fold",
            "steadiest_equivalent",
        }
        assert open_store(store).read_run(run.id).selection == run.selection

    def test_a_function_may_choose(self, entered):
        """It is the candidate that the function names which is refitted."""
        run = entered.run(cv=3, rule=lambda _: "guess", verbose=0)
        assert run.record.refit.candidate == "guess"

    def test_an_unknown_rule_is_refused_before_training(self, entered, store):
        """Nothing is trained and nothing is kept."""
        with pytest.raises(hr.InputError, match="Did you mean 'best_mean'"):
            entered.run(cv=3, rule="best_means", verbose=0)
        assert open_store(store).list_runs() == ()

    def test_two_candidates_are_compared_by_name(self, entered):
        """The comparison is of a minus b; a stranger is named with the nearest."""
        run = entered.run(cv=3, verbose=0)
        seen = run.compare("logistic", "guess")
        gap = run.summary("logistic").mean - run.summary("guess").mean
        assert seen.difference == pytest.approx(gap)
        assert run.compare("guess", "logistic").t == -seen.t
        with pytest.raises(hr.InputError, match="Did you mean 'logistic'"):
            run.compare("logistics", "guess")


class TestTime:
    """Rows with a time: sealed and folded in its order."""

    @pytest.fixture
    def days(self, flowers):
        """A shuffled day for every flower."""
        return np.random.default_rng(9).permutation(len(flowers[1]))

    def test_the_latest_rows_are_sealed(self, experiment, flowers, days, guess):
        """Development rows are in order of time, and all before the sealed ones."""
        x, _ = flowers
        entered = experiment(time=days).add("guess", guess)
        order = np.argsort(days)
        np.testing.assert_array_equal(entered._development.ids, order[:90])
        np.testing.assert_array_equal(entered._development.x, x[order[:90]])

    def test_folds_follow_it(self, experiment, days, softmax):
        """A number of folds means TimeSeriesSplit: nobody trains on the future."""
        entered = experiment(time=days).add("softmax", softmax)
        run = entered.run(cv=3, epochs=1, verbose=0)
        assert run.record.plan.strategy.startswith("TimeSeriesSplit")
        sheet = {line.kind: line for line in run.record.examination.sheet}
        assert "no train row is later" in sheet["L3.1"].text
        assert run.final_test().n == 30
        told = " ".join(report.run_view(run.record).caveats)
        assert "known from the future" in told

    def test_other_folds_train_on_the_future(self, experiment, days, guess):
        """A shuffled strategy is refused, and the error says which to use."""
        entered = experiment(time=days).add("guess", guess)
        with pytest.raises(hr.LeakageError, match="TimeSeriesSplit"):
            entered.run(cv=hr.KFold(3), verbose=0)

    def test_dates_are_times(self, experiment, days, guess):
        """Dates as text sort as dates; a missing one is refused."""
        dates = np.datetime64("2024-01-01") + days
        one = experiment(time=dates.astype(str)).add("guess", guess)
        other = experiment(time=days).add("guess", guess)
        np.testing.assert_array_equal(one._development.ids, other._development.ids)
        in_seoul = pd.Series(dates.astype("datetime64[ns]")).dt.tz_localize(
            "Asia/Seoul"
        )
        for told in (in_seoul, np.char.add(dates.astype(str), "T00:00+09:00")):
            zoned = experiment(time=told).add("guess", guess)
            np.testing.assert_array_equal(zoned._development.ids, one._development.ids)
        mixed = [f"{day}T00:00+09:00" if day < dates[5] else str(day) for day in dates]
        for odd, words in ((mixed, "a zone in some"), (["grün"] * 120, "'grün' is n")):
            with pytest.raises(hr.InputError, match=words):
                experiment(time=odd)
        with pytest.raises(hr.InputError, match="one entry per row"):
            experiment(time=days[:5])
        with pytest.raises(hr.InputError, match="none of them missing"):
            experiment(time=np.where(days == 3, np.nan, days))


class TestDefaults:
    """Without candidates of one's own."""

    def test_rows_of_columns_get_four(self, experiment):
        """Linear, two perceptrons and trees are compared on flat rows."""
        run = experiment().run(cv=2, epochs=2, verbose=0)
        names = {c.name for c in run.record.candidates}
        assert names == {"linear", "small MLP", "wide MLP", "gradient boosting"}
        assert run.predict(np.zeros((2, 4))).shape == (2, 3)

    @pytest.mark.parametrize("channels", [(), (3,)])
    def test_images_get_a_convnet(self, experiment, channels):
        """A bright or a dark left half is learned from pixels of 0 to 255."""
        rng = np.random.default_rng(3)
        y = np.arange(80) % 2
        x = rng.integers(0, 120, size=(80, 8, 8, *channels))
        x[y == 1, :, :4] += 120
        run = experiment(x.astype("uint8"), y).run(cv=2, epochs=25, verbose=0)
        assert {c.name for c in run.record.candidates} == {"linear", "small convnet"}
        assert run.summary("small convnet").mean > 0.9
        assert all(m.path == "scan" for m in run.record.members)

    def test_other_rows_have_none(self, experiment, flowers):
        """Several inputs have no default candidate: the error asks for one's own."""
        x, y = flowers
        entered = experiment([x, x], y)
        with pytest.raises(hr.InputError, match="Add candidates of your own"):
            entered.run(cv=2, verbose=0)


def test_a_report_replaces_an_earlier_one_and_nothing_else(experiment, guess, tmp_path):
    """Somebody's own page is left as it is."""
    run = experiment().add("guess", guess).run(cv=3, verbose=0)
    mine = tmp_path / "mine.html"
    mine.write_text("<html>mine</html>", encoding="utf-8")
    with pytest.raises(hr.InputError, match="is not a report of Homeroom"):
        run.report(mine)
    assert mine.read_text(encoding="utf-8") == "<html>mine</html>"
    assert run.report(tmp_path / "r.html") == run.report(tmp_path / "r.html")
