"""What is shipped: a model of all rows, the mean of the fold models, one of them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import StandardScaler

from homeroom.errors import InputError
from homeroom.protocol import stored_winner
from homeroom.records import Note
from homeroom.store import open_store


@pytest.fixture
def shipped(experiment):
    """Run an experiment and return it with its run."""

    def make(model, way, *, preprocess=None, notes=None, **options):
        entered = experiment(preprocess=preprocess).add("one", model)

        def listen(event):
            if notes is not None and isinstance(event, Note):
                notes.append(event)

        chosen = {"cv": 3, "seeds": 2, "epochs": 6, **options}
        return entered, entered.run(final_model=way, listener=listen, **chosen)

    return make


def _members_of(run):
    """The fold models inside an ensemble, in the order of folds and seeds."""
    return [run.model.get_layer(f"member_{i}") for i in range(6)]


class TestEnsemble:
    """The mean of the fold models."""

    def test_its_models_are_those_that_were_scored(self, shipped, net):
        """Each fold's models answer their validation rows as they did in the fold."""
        notes = []
        entered, run = shipped(net, "ensemble", notes=notes)
        assert notes == []  # no training came out with other weights
        development = entered._development
        members = _members_of(run)
        for fold, rows in enumerate(_validation_rows(entered)):
            mean = np.mean(
                [
                    members[2 * fold + i].predict(development.x[rows], verbose=0)
                    for i in range(2)
                ],
                axis=0,
            )
            np.testing.assert_allclose(mean, run.predictions[rows], atol=1e-6)

    def test_its_outputs_are_their_mean(self, shipped, net, flowers):
        """One predict call answers with the mean of all fold models."""
        x, _ = flowers
        _, run = shipped(net, "ensemble")
        expected = np.mean([m.predict(x, verbose=0) for m in _members_of(run)], axis=0)
        np.testing.assert_allclose(run.predict(x), expected, rtol=1e-5, atol=1e-6)
        assert run.record.refit.n_models == 6
        assert run.record.refit.final_model == "ensemble"

    @pytest.mark.parametrize("kind", ["keras", "estimator"])
    @pytest.mark.parametrize("preprocess", [None, StandardScaler()])
    def test_it_goes_through_the_store(
        self, shipped, net, flowers, store, kind, preprocess
    ):
        """A stored ensemble prepares rows by each fold's own statistics."""
        x, _ = flowers
        model = net if kind == "keras" else RandomForestClassifier(5)
        _, run = shipped(model, "ensemble", preprocess=preprocess)
        place = open_store(store)
        winner = stored_winner(place.read_run(run.id), place)
        found = winner.predict(winner.prepare(x))
        np.testing.assert_allclose(found, run.predict(x), rtol=1e-6)
        final = run.final_test()
        assert final.scores["accuracy"] == pytest.approx(final.score)

    def test_estimators_see_their_own_scaling(self, shipped, flowers):
        """Each forest is asked with the rows scaled as in its fold."""
        x, _ = flowers
        _, run = shipped(
            RandomForestClassifier(5), "ensemble", preprocess=StandardScaler()
        )
        assert len(run.model) == 6
        ways = run._winner.preprocessing
        assert len(ways) == 3
        expected = np.mean(
            [
                m.predict_proba(ways[i // 2].transform(x))
                for i, m in enumerate(run.model)
            ],
            axis=0,
        )
        np.testing.assert_allclose(run.predict(x), expected, rtol=1e-5)

    def test_what_it_should_score_is_measured(self, shipped, net):
        """The estimate is the accuracy of each fold's seeds together, by fold."""
        entered, run = shipped(net, "refit")
        labels = entered._development.labels
        expected = [
            accuracy_score(labels[rows], run.predictions[rows].argmax(axis=1))
            for rows in _validation_rows(entered)
        ]
        assert run.record.refit.ensemble_scores == pytest.approx(expected)
        refit, ensemble, best = run.final_models
        assert ensemble.score == pytest.approx(np.mean(expected))
        assert (ensemble.n_models, ensemble.n_averaged) == (6, 2)
        assert refit.score == best.score == run.summary("one").mean

    def test_a_metric_that_outputs_do_not_give_is_not_guessed(self, shipped, keras):
        """A loss from logits cannot be had by averaging as if they were shares."""

        def logits():
            model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
            model.compile("adam", loss=loss, metrics=["accuracy"])
            return model

        _, run = shipped(logits, "refit", metric="loss")
        assert run.record.refit.ensemble_scores == ()
        assert np.isnan(run.final_models[1].score)

    def test_a_step_of_ones_own_is_refused_before_training(self, experiment, keras):
        """The mean of models has no test_step: scores would be other ones."""

        class Own(keras.Model):
            def __init__(self):
                super().__init__()
                self.head = keras.layers.Dense(3, activation="softmax")

            def call(self, x):
                return self.head(x)

            def compute_loss(self, *parts, **more):
                return 2 * super().compute_loss(*parts, **more)

        def own():
            model = Own()
            model.compile(
                "adam",
                loss="sparse_categorical_crossentropy",
                metrics=["accuracy"],
            )
            return model

        entered = experiment().add("mine", own)
        with pytest.raises(InputError, match="'mine' has a test_step or compute_loss"):
            entered.run(cv=2, final_model="ensemble", verbose=0)
        assert entered.run(cv=2, final_model="best_member", verbose=0).model


class TestBestMember:
    """One of the fold models."""

    def test_it_is_the_training_with_the_best_score(self, shipped, net):
        """The shipped model scores on its fold's rows what that training did."""
        notes = []
        entered, run = shipped(net, "best_member", notes=notes)
        assert notes == []
        best = max(m.scores["val_accuracy"] for m in run.record.members)
        member = run.final_models[2].member
        assert member.scores["val_accuracy"] == best
        assert run.record.refit.final_weights == member.final_weights
        rows = _validation_rows(entered)[member.fold]
        given = run.model.predict(entered._development.x[rows], verbose=0)
        right = given.argmax(axis=1) == entered._development.labels[rows]
        assert right.mean() == pytest.approx(best)

    def test_its_own_score_is_not_what_to_expect(self, shipped, net):
        """The score that it was picked for is the best of six: the mean is said."""
        _, run = shipped(net, "best_member")
        refit, _, best = run.final_models
        own = best.member.scores["val_accuracy"]
        assert best.score == refit.score <= own

    def test_its_rows_are_prepared_as_in_its_fold(self, shipped, net, flowers):
        """The scaler that goes with it is its fold's."""
        x, _ = flowers
        entered, run = shipped(net, "best_member", preprocess=StandardScaler())
        fold = run.final_models[2].member.fold
        train = np.setdiff1d(np.arange(90), _validation_rows(entered)[fold])
        mean = entered._development.x[train].mean(axis=0)
        np.testing.assert_allclose(run._winner.preprocessing.mean_, mean, rtol=1e-5)
        assert run.predict(x).shape == (120, 3)


def test_an_unknown_way_is_refused(experiment, net):
    """The error names the ways there are."""
    with pytest.raises(InputError, match="'refit', 'ensemble', 'best_member'"):
        experiment().add("one", net).run(final_model="ensembel", verbose=0)


def test_answers_are_counted(shipped, net):
    """Confusions of a run and of a cross-validation add up to all rows."""
    entered, run = shipped(net, "refit")
    told = run.record.out_of_fold
    assert told.n == 90
    assert told.n_averaged == 2
    assert sum(map(sum, told.confusion)) == 90
    right = sum(row[i] for i, row in enumerate(told.confusion))
    labels = entered._development.labels
    assert right == (run.predictions.argmax(axis=1) == labels).sum()


def _validation_rows(entered):
    """The validation rows of the three folds that the experiment makes."""
    from homeroom import splits

    plan = splits.make_plan(3, entered._development, seed=7)
    return [fold.validation for fold in plan.folds]
