"""hr.cross_validate: every way of saying the folds, and numbers done by hand."""

from __future__ import annotations

import statistics
from collections import Counter

import numpy as np
import pytest
from scipy import stats
from sklearn import model_selection
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import homeroom as hr
from homeroom import data, splits
from homeroom.protocol import Interrupted
from homeroom.records import EpochEnded, Metric


@pytest.fixture(scope="session")
def guess():
    """An estimator that costs nothing: what is tested is around it."""
    return DummyClassifier(strategy="prior")


def validation_counts(cv):
    return [fold.n_validation for fold in cv.plan.folds]


GROUPS = np.arange(120) // 10
PAIRS = [(np.arange(80), np.arange(80, 100)), (np.arange(20, 100), np.arange(20))]


@pytest.mark.parametrize(
    ("cv", "counts", "stratified"),
    [
        (4, [30] * 4, True),
        (hr.KFold(5), [24] * 5, False),
        (hr.StratifiedKFold(4), [30] * 4, True),
        (hr.RepeatedKFold(3, n_repeats=2), [40] * 6, False),
        (hr.TimeSeriesSplit(3), [30] * 3, False),
        (model_selection.StratifiedKFold(4), [30] * 4, True),
        (model_selection.ShuffleSplit(3, test_size=12), [12] * 3, False),
        (PAIRS, [20, 20], False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_way_of_saying_the_folds(guess, flowers, cv, counts, stratified):
    """Numbers, our strategies, scikit-learn's splitters and index pairs are folds."""
    found = hr.cross_validate(guess, *flowers, cv=cv)
    assert validation_counts(found) == counts
    assert [m.fold for m in found.members] == list(range(len(counts)))
    if stratified:
        parts = [set(f.classes_validation.values()) for f in found.plan.folds]
        assert parts == [{10}] * 4


@pytest.mark.parametrize("cv", [4, hr.GroupKFold(4), model_selection.GroupKFold(4)])
def test_groups_stay_whole(guess, flowers, cv):
    """With groups= every way of saying k keeps each group on one side."""
    found = hr.cross_validate(guess, *flowers, cv=cv, groups=GROUPS)
    assert all(count % 10 == 0 for count in validation_counts(found))
    assert sum(validation_counts(found)) == 120


def test_the_numbers_are_those_done_by_hand(softmax, flowers):
    """Mean, spread and corrected interval are the textbook's, over folds of seeds."""
    cv = hr.cross_validate(softmax, *flowers, cv=5, seeds=2, epochs=2)
    scores = [m.scores["val_accuracy"] for m in cv.members]
    folds = [statistics.mean(scores[2 * i : 2 * i + 2]) for i in range(5)]
    assert len(cv.members) == 10
    assert cv.mean("val_accuracy") == pytest.approx(statistics.mean(folds))
    assert cv.mean() == cv.mean("accuracy") == cv.mean("val_accuracy")
    assert cv.std("val_accuracy") == pytest.approx(statistics.stdev(folds))
    error = statistics.stdev(folds) * (1 / 5 + 24 / 96) ** 0.5
    reach = stats.t.ppf(0.975, 4) * error
    interval = cv.interval("val_accuracy")
    assert interval.low == pytest.approx(statistics.mean(folds) - reach)
    assert interval.high == pytest.approx(statistics.mean(folds) + reach)
    summary = cv.summary("val_accuracy")
    assert summary.fold_scores == pytest.approx(folds)
    assert (summary.n_folds, summary.n_seeds, summary.complete) == (5, 2, True)
    assert summary.worst_fold.value == pytest.approx(min(folds))


def test_another_metrics_worst_fold_is_its_own(keras, flowers):
    """A rising metric that is not the yardstick is read as rising."""
    x, y = flowers

    def net():
        model = keras.Sequential([
            keras.Input((4,)),
            keras.layers.Dense(1, activation="sigmoid"),
        ])
        metrics = ["accuracy", keras.metrics.Recall(name="recall")]
        model.compile("sgd", "binary_crossentropy", metrics=metrics)
        return model

    cv = hr.cross_validate(net, x, (y == 0).astype(np.int32), cv=3, epochs=2)
    summary = cv.summary("val_recall")
    assert summary.metric == Metric("recall", "max")
    assert summary.worst_fold.value == min(summary.fold_scores)


def test_rows_that_no_fold_validated_are_nan(guess, flowers):
    """Out-of-fold predictions exist where a fold validated, and nowhere else."""
    cv = hr.cross_validate(guess, *flowers, cv=PAIRS)
    known = np.isfinite(cv.predictions).all(axis=1)
    np.testing.assert_array_equal(np.flatnonzero(known), [*range(20), *range(80, 100)])
    time = hr.cross_validate(guess, *flowers, cv=hr.TimeSeriesSplit(3))
    assert np.isnan(time.predictions[:30]).all()
    assert np.isfinite(time.predictions[30:]).all()


def test_predictions_are_the_mean_over_seeds_and_repeats(flowers):
    """A row validated several times has the mean of its predictions."""
    x, y = flowers
    folds = hr.RepeatedKFold(3, n_repeats=2)
    cv = hr.cross_validate(RandomForestClassifier(5), x, y, cv=folds, seeds=2)
    plan = splits.make_plan(folds, data.from_arrays(x, y), seed=0)
    total = np.zeros((120, 3))
    for member in cv.members:
        fold = plan.folds[member.fold]
        alone = RandomForestClassifier(5, random_state=member.seed)
        alone.fit(x[fold.train], y[fold.train])
        total[fold.validation] += alone.predict_proba(x[fold.validation])
    assert len(cv.members) == 12
    np.testing.assert_allclose(cv.predictions, total / 4, atol=1e-6)
    # the two trainings of fold 0 differ in their seeds only
    assert cv.members[0].scores != cv.members[1].scores


class TestEstimators:
    """scikit-learn estimators are models too, with scikit-learn's numbers."""

    def test_a_classifier_scores_as_in_cross_val_score(self, flowers):
        """Accuracy and log loss are scikit-learn's own on the same folds."""
        x, y = flowers
        model = make_pipeline(StandardScaler(), LogisticRegression())
        folds = model_selection.StratifiedKFold(4, shuffle=True, random_state=1)
        cv = hr.cross_validate(model, x, y, cv=folds)
        for key, scoring, sign in (
            ("val_accuracy", "accuracy", 1),
            ("val_loss", "neg_log_loss", -1),
        ):
            expected = model_selection.cross_val_score(
                model, x, y, cv=folds, scoring=scoring
            )
            found = [m.scores[key] for m in cv.members]
            np.testing.assert_allclose(found, sign * expected, rtol=1e-5)

    def test_a_random_state_of_ones_own_is_kept(self, flowers):
        """A forest with a random_state is scikit-learn's forest, tree by tree."""
        x, y = flowers
        forest = RandomForestClassifier(5, random_state=3)
        folds = model_selection.KFold(3)
        expected = model_selection.cross_val_score(forest, x, y, cv=folds)
        cv = hr.cross_validate(forest, x, y, cv=folds)
        assert [m.scores["val_accuracy"] for m in cv.members] == pytest.approx(
            expected.tolist()
        )

    def test_an_open_random_state_is_seeded_however_deep(self, flowers):
        """A forest in a pipeline gives the same scores every time."""
        model = make_pipeline(StandardScaler(), RandomForestClassifier(5))
        once, again, other = (
            hr.cross_validate(model, *flowers, cv=3, seed=seed) for seed in (1, 1, 2)
        )
        assert [m.scores for m in once.members] == [m.scores for m in again.members]
        assert [m.scores for m in once.members] != [m.scores for m in other.members]

    def test_a_regressor_scores_in_the_units_of_y(self, line):
        """Squared, root and absolute errors are scikit-learn's own."""
        x, y = line
        folds = model_selection.KFold(3)
        cv = hr.cross_validate(LinearRegression(), x, y, cv=folds)
        assert cv.metric == Metric("root_mean_squared_error", "min")
        for key, scoring in (
            ("val_loss", "neg_mean_squared_error"),
            ("val_mae", "neg_mean_absolute_error"),
            ("val_root_mean_squared_error", "neg_root_mean_squared_error"),
        ):
            expected = model_selection.cross_val_score(
                LinearRegression(), x, y, cv=folds, scoring=scoring
            )
            found = [m.scores[key] for m in cv.members]
            np.testing.assert_allclose(found, -expected, rtol=1e-4)

    def test_a_class_that_a_fold_did_not_train_keeps_its_column(self, flowers):
        """Probabilities stand in the column of their class in every fold."""
        x, y = flowers
        first = np.flatnonzero(y == 1)
        pairs = [(np.setdiff1d(np.arange(120), first), first)]
        pairs += [(np.arange(60), np.arange(60, 120))]
        cv = hr.cross_validate(LogisticRegression(), x, y, cv=pairs)
        assert cv.predictions.shape == (120, 3)
        assert cv.members[0].scores["val_accuracy"] == 0.0
        only = first[first < 60]
        assert (cv.predictions[only, 1] == 0).all()
        assert (cv.predictions[only, 2] > 0).all()

    def test_class_weights_are_not_lost_on_estimators(self, flowers):
        """class_weight= is what scikit-learn's own parameter of the name is."""
        x, y = flowers
        weight = {0: 1.0, 1: 5.0, 2: 1.0}
        ours = hr.cross_validate(LogisticRegression(), x, y, cv=3, class_weight=weight)
        own = LogisticRegression(class_weight=weight)
        theirs = hr.cross_validate(own, x, y, cv=3)
        np.testing.assert_allclose(ours.predictions, theirs.predictions, atol=1e-4)

    def test_sample_weights_count_as_in_keras(self, line):
        """Weights count in fitting and in the loss, and not in the metrics."""
        x, y = line
        weight = np.linspace(0, 2, 60)
        cv = hr.cross_validate(
            LinearRegression(), x, y, cv=PAIRS_OF_60, sample_weight=weight
        )
        train, validation = PAIRS_OF_60[0]
        model = LinearRegression().fit(x[train], y[train], weight[train])
        error = model.predict(x[validation]) - y[validation]
        scores = cv.members[0].scores
        loss = (error**2 * weight[validation]).mean()
        assert scores["val_loss"] == pytest.approx(loss, rel=1e-3)
        assert scores["val_mae"] == pytest.approx(np.abs(error).mean(), rel=1e-3)

    def test_weights_that_an_estimator_cannot_use_are_refused(self, flowers):
        """An estimator that takes no weights is named before anything is fitted."""
        from sklearn.neighbors import KNeighborsClassifier

        weight = np.ones(120)
        with pytest.raises(hr.InputError, match="takes no sample_weight"):
            hr.cross_validate(KNeighborsClassifier(), *flowers, sample_weight=weight)

    def test_a_classifier_without_probabilities_is_refused(self, flowers):
        """What cannot be scored is known before training, with a way out."""
        from sklearn.svm import LinearSVC

        with pytest.raises(hr.InputError, match="CalibratedClassifierCV"):
            hr.cross_validate(LinearSVC(), *flowers)

    def test_what_has_no_effect_on_an_estimator_is_refused(self, guess, flowers):
        """An estimator has no epochs to stop."""
        with pytest.raises(hr.InputError, match="no effect"):
            hr.cross_validate(guess, *flowers, early_stopping=hr.EarlyStopping())

    def test_one_hot_labels_are_labels(self, flowers):
        """One-hot rows give an estimator the scores of the labels they stand for."""
        x, y = flowers
        pairs = PAIRS
        labels, rows = (
            hr.cross_validate(LogisticRegression(), x, target, cv=pairs).members
            for target in (y, np.eye(3)[y])
        )
        assert [m.scores for m in labels] == [m.scores for m in rows]


PAIRS_OF_60 = [(np.arange(40), np.arange(40, 60)), (np.arange(20, 60), np.arange(20))]


class Fragile(LinearRegression):
    """A regressor that fails when it is shown the value 99."""

    def fit(self, x, y):
        if (x == 99).any():
            raise ValueError("99 is too much")
        return super().fit(x, y)


class TestFailures:
    """What failed is shown and never averaged."""

    def test_a_failed_member_is_shown_and_not_averaged(self, line):
        """The mean is of what succeeded; the failure is named with its fold."""
        x, y = line
        x = x.copy()
        x[45, 0] = 99  # fold 1 trains on it, fold 0 validates on it
        cv = hr.cross_validate(Fragile(), x, y, cv=PAIRS_OF_60)
        assert [m.state for m in cv.members] == ["COMPLETE", "FAILED"]
        assert cv.members[1].error == "ValueError: 99 is too much"
        summary = cv.summary()
        assert not summary.complete
        assert "fold 2" in summary.failed[0]
        assert "99 is too much" in summary.failed[0]
        assert summary.mean == cv.members[0].scores["val_root_mean_squared_error"]
        assert np.isnan(cv.predictions[:20]).all()
        assert cv.to_frame()["state"].to_list() == ["COMPLETE", "FAILED"]

    def test_a_diverged_member_predicts_nothing(self, straight, line):
        """The rows of a training that became NaN have no out-of-fold prediction."""
        x, y = line
        x = x.copy()
        x[45, 0] = 3e18
        cv = hr.cross_validate(straight, x, y, cv=PAIRS_OF_60, epochs=3)
        assert [m.state for m in cv.members] == ["COMPLETE", "FAILED"]
        assert cv.members[1].stop_reason == "diverged"
        assert np.isfinite(cv.predictions[40:60]).all()
        assert np.isnan(cv.predictions[:40]).all()

    def test_all_failed_is_an_error_that_says_why(self, line):
        """Without any result there is a FitError with the first reason."""
        x, y = line
        with pytest.raises(hr.FitError, match="99 is too much"):
            hr.cross_validate(Fragile(), np.full_like(x, 99), y, cv=3)

    def test_an_unknown_key_is_refused_with_the_nearest(self, guess, flowers):
        """A misspelt key names those there are, and the nearest."""
        cv = hr.cross_validate(guess, *flowers, cv=3)
        for ask in (cv.mean, cv.std, cv.interval, cv.summary):
            with pytest.raises(hr.InputError, match=r"val_loss.*Did you mean 'val_acc"):
                ask("val_acuracy")


def test_ctrl_c_carries_the_finished_trainings(softmax, flowers):
    """Interrupted.result has what was done; the rest says that it was not."""

    def stop(event):
        if isinstance(event, EpochEnded) and event.fold == 2:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as stopped:
        hr.cross_validate(
            softmax, *flowers, cv=4, epochs=2, lanes=1, listener=stop, verbose=0
        )
    states = [m.state for m in stopped.value.result.members]
    assert states[:2] == ["COMPLETE", "COMPLETE"]
    assert set(states[2:]) == {"INTERRUPTED"}
    summary = stopped.value.result.summary()
    assert (len(summary.untrained), summary.failed) == (2, ())


def test_acc_is_an_accuracy(keras, flowers):
    """Keras's short name is the yardstick of a classification as the long one is."""

    def net():
        inputs = keras.Input((4,))
        outputs = keras.layers.Dense(3, activation="softmax")(inputs)
        model = keras.Model(inputs, outputs)
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["acc"])
        return model

    assert hr.cross_validate(net, *flowers, cv=3).metric == Metric("acc", "max")


def test_answers_in_logits_are_counted_on_their_own_side_of_zero(keras, flowers):
    """One logit above zero is the second class, however small it is."""
    x, y = flowers[0], (flowers[1] == 0).astype(np.int32)

    def net():
        inputs = keras.Input((4,))
        model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        right = keras.metrics.BinaryAccuracy(threshold=0.0, name="accuracy")
        model.compile(keras.optimizers.SGD(0.01), loss, metrics=[right])
        return model

    found = hr.cross_validate(net, x, y, cv=3, epochs=2)
    logits = found.predictions[:, 0]
    assert ((logits > 0) & (logits < 0.5)).sum() > 5
    table = np.array(found.out_of_fold.confusion)
    assert table[:, 1].tolist() == [sum((logits > 0) & (y == c)) for c in (0, 1)]
    assert found.out_of_fold.bins


def test_events_tell_every_epoch_and_member_once(softmax, flowers):
    """A listener hears of each epoch of each member, and of each end."""
    events = []
    hr.cross_validate(
        softmax, *flowers, cv=3, seeds=2, epochs=3, listener=events.append
    )
    kinds = Counter(type(event).__name__ for event in events)
    assert kinds == {
        "Examined": 1,
        "StageStarted": 1,
        "EpochEnded": 18,
        "MemberEnded": 6,
    }


def test_a_forest_for_numbers(line):
    """A regressor's predictions have the shape of one number per row."""
    x, y = line
    cv = hr.cross_validate(RandomForestRegressor(5), x, y, cv=3)
    assert cv.predictions.shape == (60, 1)
    assert cv.mean() < y.std()


def test_trainings_are_kept_where_store_says(guess, flowers, store):
    """store= keeps the members as a run without a test; without it nothing is."""
    from homeroom.store import open_store

    assert not store.exists()
    cv = hr.cross_validate(guess, *flowers, cv=3, store=store)
    run = open_store(store).read_run()
    assert run.members == cv.members
    assert run.partition.n_test == 0
    assert run.state == "COMPLETE"
