"""The test rows are NaN: nothing before the final test notices."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

import homeroom as hr
from homeroom import data, splits
from homeroom.store import open_store

# An artifact is a zip with dates in it: the same model has another address each time.
TIMING = {"seconds", "id", "created_at", "finished_at", "environment", "artifacts"}


def timeless(value):
    """Return a record as plain values without clocks, ids and addresses."""
    if isinstance(value, dict):
        return {k: timeless(v) for k, v in value.items() if k not in TIMING}
    if isinstance(value, list | tuple):
        return [timeless(v) for v in value]
    return value


def told(run):
    """Return all a run says before its final test, less the rows' fingerprints."""
    record = msgspec.to_builtins(run.record)
    del record["partition"]["test_fingerprint"], record["dataset"]["fingerprint"]
    del record["programs"]  # of two runs, only the first has to make them
    return timeless(record)


def sealed_rows(x, y):
    return splits.partition(data.from_arrays(x, y), test_size=0.25, seed=7).test


def finite(value):
    if isinstance(value, dict):
        return all(finite(v) for v in value.values())
    if isinstance(value, list | tuple):
        return all(finite(v) for v in value)
    return not isinstance(value, float) or np.isfinite(value)


@pytest.fixture
def exam(experiment, net):
    def sit(x, y):
        guess = DummyClassifier(strategy="prior")
        entered = experiment(x, y).add("net", net).add("guess", guess)
        entered.add("tuned", net, space={"dropout": hr.uniform(0.0, 0.5)}, n_trials=3)
        return entered.run(cv=3, epochs=3, verbose=0)

    return sit


@pytest.fixture
def clean_and_poisoned(flowers):
    x, y = flowers
    poisoned = x.copy()
    poisoned[sealed_rows(x, y)] = np.nan
    return x, poisoned, y


def test_nothing_before_the_final_test_depends_on_the_test_rows(
    exam, clean_and_poisoned
):
    """With NaN as test rows every record is finite and the same as without."""
    clean, poisoned, y = clean_and_poisoned
    expected, found = exam(clean, y), exam(poisoned, y)
    assert told(found) == told(expected)
    assert finite(told(found)["members"])
    assert finite(told(found)["refit"])
    assert finite([trial["members"] for trial in told(found)["searches"][0]["trials"]])
    assert found.record.refit.final_weights == expected.record.refit.final_weights
    assert found.record.refit.final_weights
    seen = clean[:5]
    np.testing.assert_array_equal(found.predict(seen), expected.predict(seen))
    partitions = [r.record.partition for r in (expected, found)]
    assert partitions[0].test_fingerprint != partitions[1].test_fingerprint


def test_the_order_of_the_test_rows_decides_nothing(exam, clean_and_poisoned):
    """Test rows that change places change no record but their fingerprints."""
    x, _, y = clean_and_poisoned
    rows = sealed_rows(x, y)
    moved = x.copy()
    moved[rows] = x[rows[::-1]]
    assert told(exam(moved, y)) == told(exam(x, y))


def test_a_poisoned_final_test_is_refused_and_spent(
    experiment, softmax, clean_and_poisoned, store
):
    """Test rows that cannot be scored are a DataError, and the seal stays spent."""
    _, poisoned, y = clean_and_poisoned
    run = experiment(poisoned, y).add("net", softmax).run(cv=3, epochs=1, verbose=0)
    with pytest.raises(hr.DataError, match=r"NaN.*spent"):
        run.final_test()
    with pytest.raises(hr.SealError):
        run.final_test()
    stored = open_store(store).read_run(run.id)
    assert stored.final_test is None
    assert len(open_store(store).openings_of(stored.partition.test_fingerprint)) == 1


def test_poison_in_one_of_several_inputs_is_refused_too(
    experiment, keras, clean_and_poisoned
):
    """NaN in a part of a model's inputs does not become a NaN score."""
    clean, poisoned, y = clean_and_poisoned

    def two_inputs():
        a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
        joined = keras.layers.Concatenate()([a, b])
        model = keras.Model(
            {"a": a, "b": b}, keras.layers.Dense(3, activation="softmax")(joined)
        )
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model

    both = experiment({"a": clean, "b": poisoned}, y).add("net", two_inputs)
    run = both.run(cv=3, epochs=1, verbose=0)
    with pytest.raises(hr.DataError, match=r"NaN.*spent"):
        run.final_test()


def test_rows_to_be_filled_in_are_no_poison(experiment, softmax, flowers):
    """NaN that the preprocessing fills in is scored, in test rows as elsewhere."""
    from sklearn.impute import SimpleImputer

    x, y = flowers
    x = x.copy()
    x[::3, 0] = np.nan
    entered = experiment(x, y, preprocess=SimpleImputer()).add("net", softmax)
    found = entered.run(cv=3, epochs=2, verbose=0).final_test()
    assert np.isfinite(found.score)


def test_development_rows_with_nan_are_refused_by_their_own_numbers(
    experiment, clean_and_poisoned
):
    """NaN outside the test rows is refused before training, and test rows unnamed."""
    clean, poisoned, y = clean_and_poisoned
    free = np.setdiff1d(np.arange(len(y)), sealed_rows(clean, y))
    poisoned[free[5], 2] = np.nan
    with pytest.raises(hr.DataError, match=rf"1 row \(rows {free[5]}\).*column 2"):
        experiment(poisoned, y)
