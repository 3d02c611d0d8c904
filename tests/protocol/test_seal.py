"""The test rows are opened once; who opened them, and when, is not forgotten."""

from __future__ import annotations

import math
import warnings

import msgspec
import numpy as np
import pytest

import homeroom as hr
from homeroom import data, judgement, splits
from homeroom.protocol.final_test import SealedTest
from homeroom.records import Note
from homeroom.store import open_store
from homeroom.testing.samples import sample_run


class Crash(Exception):
    """The power is gone."""


class SpyStore:
    """A store that notes what is asked of it, in order."""

    def __init__(self, happened):
        self._store = open_store(":memory:")
        self._happened = happened

    def __getattr__(self, name):
        method = getattr(self._store, name)

        def noted(*args, **kwargs):
            self._happened.append(name)
            return method(*args, **kwargs)

        return noted


class SpyWinner:
    """A winner that notes when it is shown rows, and may break down over them."""

    name = "small"
    preprocessing = None

    def __init__(self, happened, crash=False):
        self.happened = happened
        self.crash = crash

    def prepare(self, x, rows=None):
        self.happened.append("rows are read")
        if self.crash:
            raise Crash
        return x

    def evaluate(self, x, rows):
        return {"loss": 0.5, "accuracy": 0.75}

    def predict(self, x):
        return np.full((len(x), 3), 1 / 3, np.float32)


@pytest.fixture
def sealed(flowers):
    dataset = data.from_arrays(*flowers)
    cut = splits.partition(dataset, test_size=0.25, seed=7)
    return SealedTest(dataset, cut)


def test_the_seal_is_claimed_before_the_rows_are_read(sealed):
    """In the store the test is opened before the model sees a row of it."""
    happened = []
    store = SpyStore(happened)
    run = store.create_run(sample_run())
    sealed.open(SpyWinner(happened), run, store)
    assert happened.index("claim_seal") < happened.index("rows are read")
    assert happened.index("rows are read") < happened.index("record_final_test")


def test_a_crash_while_reading_counts_as_an_opening(sealed):
    """Whoever dies between claim and result has opened the test all the same."""
    store = SpyStore([])
    run = store.create_run(sample_run())
    with pytest.raises(Crash):
        sealed.open(SpyWinner([], crash=True), run, store)
    happened = []
    with pytest.raises(hr.SealError):
        sealed.open(SpyWinner(happened), run, store)
    assert "rows are read" not in happened


def test_a_second_final_test_says_when_and_what(experiment, softmax):
    """The second call tells the first one's day and score, and gives no number."""
    run = experiment().add("net", softmax).run(cv=3, epochs=2, verbose=0)
    first = run.final_test()
    with pytest.raises(hr.SealError) as refused:
        run.final_test()
    assert f"{first.opened_at:%Y-%m-%d}" in str(refused.value)
    assert f"{first.score:.3g}" in str(refused.value)
    assert run.record.final_test == first


def test_the_final_test_is_in_the_store_and_measures_the_winner(
    experiment, softmax, flowers, store
):
    """The stored score is the refitted model's own on the sealed rows."""
    x, y = flowers
    run = experiment().add("net", softmax).run(cv=3, epochs=2, verbose=0)
    found = run.final_test()
    rows = splits.partition(data.from_arrays(x, y), test_size=0.25, seed=7).test
    right = run.predict(x[rows]).argmax(axis=1) == y[rows]
    assert found.score == pytest.approx(right.mean())
    assert found.n == len(rows) == 30
    assert found.interval.low < found.score < found.interval.high
    assert found.earlier_openings == 0
    assert open_store(store).read_run(run.id).final_test == found


def test_a_run_on_rows_opened_before_warns_even_when_silent(experiment, softmax):
    """With verbose=0 the earlier opening of the same rows is a warning."""
    first = experiment().add("net", softmax).run(cv=3, epochs=1, verbose=0)
    first.final_test()
    later = experiment().add("net", softmax)
    with pytest.warns(UserWarning, match=f"opened before, in run {first.id}"):
        second = later.run(cv=3, epochs=1, verbose=0)
    with pytest.warns(UserWarning, match="opened before"):
        assert second.final_test().earlier_openings == 1


def test_a_listener_is_told_of_earlier_openings(experiment, softmax):
    """Whoever listens gets the note, and then no warning beside it."""
    experiment().add("net", softmax).run(cv=3, epochs=1, verbose=0).final_test()
    events = []
    experiment().add("net", softmax).run(cv=3, epochs=1, listener=events.append)
    notes = [event.text for event in events if isinstance(event, Note)]
    assert len(notes) == 1
    assert "opened before" in notes[0]


def test_two_runs_waiting_for_the_same_rows_know_of_each_other(experiment, softmax):
    """A test opened after a run ended still marks that run's own final score."""
    entered = experiment(store=":memory:").add("net", softmax)
    first = entered.run(cv=3, epochs=1, verbose=0)
    second = entered.run(cv=3, epochs=1, verbose=0)
    assert first.final_test().earlier_openings == 0
    with pytest.warns(UserWarning, match="opened before"):
        found = second.final_test()
    assert found.earlier_openings == 1
    assert second.record.final_test.earlier_openings == 1


def test_warnings_made_errors_do_not_cost_the_result(experiment, softmax, store):
    """Where warnings are errors the score is recorded before the error comes."""
    entered = experiment().add("net", softmax)
    first, second = (entered.run(cv=3, epochs=1, verbose=0) for _ in range(2))
    first.final_test()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning):
            second.final_test()
    assert open_store(store).read_run(second.id).final_test is not None


def test_the_sealed_rows_are_out_of_reach(experiment, softmax):
    """Nothing public holds test rows: only their number and one fingerprint each."""
    entered = experiment().add("net", softmax)
    run = entered.run(cv=3, epochs=1, verbose=0)
    for thing in (entered, run):
        for name, value in vars(thing).items():
            if isinstance(value, SealedTest):
                public = [n for n in dir(value) if not n.startswith("_")]
                assert public == ["fingerprints", "n_rows", "open"]
            elif isinstance(value, data.Dataset):
                assert value.n_rows == 90, name


def sigmoid_of(keras):
    def sigmoid():
        model = keras.Sequential([
            keras.Input((4,)),
            keras.layers.Dense(1, activation="sigmoid"),
        ])
        model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
        return model

    return sigmoid


def test_one_sigmoid_output_has_a_final_loss_and_its_interval(
    experiment, keras, flowers
):
    """A binary classifier with one output column is scored like any other."""
    x, y = flowers
    two = experiment(x, (y == 0).astype(np.int32)).add("net", sigmoid_of(keras))
    found = two.run(cv=3, epochs=2, metric="loss", verbose=0).final_test()
    assert found.interval.low < found.score < found.interval.high


@pytest.mark.parametrize("loss", ["mae", "mse"])
def test_an_interval_is_of_the_score_or_there_is_none(experiment, keras, line, loss):
    """A loss that is not a mean over rows we know has no interval, not a wrong one."""

    def net():
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", loss)
        return model

    run = experiment(*line).add("net", net).run(cv=3, epochs=3, verbose=0)
    found = run.final_test()
    if loss == "mae":  # what is called the loss is a squared error elsewhere
        assert math.isnan(found.interval.low)
        assert "none is known for loss" in found.interval.method
    else:
        assert found.interval.low < found.score < found.interval.high


def test_records_of_before_are_read(experiment, softmax):
    """A final test stored without the count of openings reads as having none."""
    run = experiment().add("net", softmax).run(cv=3, epochs=1, verbose=0)
    old = msgspec.to_builtins(run.final_test())
    del old["earlier_openings"]
    assert msgspec.convert(old, hr.protocol.run.FinalTest).earlier_openings == 0


def patients(rng, n_patients=60, n_each=12):
    """Rows of patients who are ill or not, each near a point of the patient's own."""
    ill = rng.integers(0, 2, n_patients)
    own = rng.normal(size=(n_patients, 4)) + 0.8 * ill[:, None]
    x = np.repeat(own, n_each, axis=0) + 0.01 * rng.normal(size=(720, 4))
    y, groups = np.repeat(ill, n_each), np.repeat(np.arange(n_patients), n_each)
    return x.astype(np.float32), y.astype(np.int32), groups


@pytest.mark.parametrize("metric", ["accuracy", "loss"])
def test_rows_of_a_group_are_no_independent_rows(experiment, softmax, metric):
    """Twelve rows of a patient say little more than one: the interval knows it."""
    x, y, groups = patients(np.random.default_rng(4))
    entered = experiment(x, y, groups=groups).add("net", softmax)
    run = entered.run(cv=3, epochs=5, metric=metric, verbose=0)
    found = run.final_test()
    assert found.interval.low < found.score < found.interval.high
    assert f"of {found.n // 12} groups, n = {found.n}" in found.interval.method
    if metric == "accuracy":
        alone = judgement.wilson(round(found.score * found.n), found.n)
        grouped = found.interval.high - found.interval.low
        assert grouped > 2 * (alone.high - alone.low)


def test_a_perfect_area_has_not_the_interval_of_a_perfect_accuracy(
    experiment, keras, flowers
):
    """What is one by another way of counting has no interval that is known."""
    x, y = flowers
    first = (y == 0).astype(np.int32)

    def net():
        inputs = keras.Input((4,))
        outputs = keras.layers.Dense(1, activation="sigmoid")(inputs)
        model = keras.Model(inputs, outputs)
        area = keras.metrics.AUC(name="auc")
        model.compile(keras.optimizers.Adam(0.5), "bce", metrics=[area])
        return model

    entered = experiment(np.c_[x[:, :3], 9 * first], first).add("net", net)
    metric = hr.Metric("auc", "max")
    run = entered.run(cv=3, epochs=20, metric=metric, verbose=0, overrule=["target"])
    found = run.final_test()
    assert found.score == 1.0
    assert "none is known for auc" in found.interval.method


def test_a_score_of_another_kind_does_not_spend_the_seal_for_nothing(experiment, keras):
    """Per cents under the name of an accuracy are recorded, without an interval."""

    def accuracy_percent(y, p):
        right = keras.ops.equal(keras.ops.squeeze(y), keras.ops.argmax(p, -1))
        return 100.0 * keras.ops.cast(right, "float32")

    def net():
        model = keras.Sequential([
            keras.Input((4,)),
            keras.layers.Dense(3, activation="softmax"),
        ])
        loss = "sparse_categorical_crossentropy"
        model.compile("sgd", loss, metrics=[accuracy_percent])
        return model

    metric = hr.Metric("accuracy_percent", "max")
    run = experiment().add("net", net).run(cv=3, epochs=2, metric=metric, verbose=0)
    found = run.final_test()
    assert found.score > 1
    assert math.isnan(found.interval.low)
    assert run.record.final_test == found
