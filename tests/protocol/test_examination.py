"""The doctor at the doors: before every training, after it, and at the opening."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import homeroom as hr
from homeroom.records import Examined, MemberEnded
from homeroom.store import open_store


@pytest.fixture
def rows():
    """Return 240 rows of three columns and two classes."""
    dice = np.random.default_rng(3)
    x = dice.normal(size=(240, 3))
    y = (x[:, 0] + 0.8 * dice.normal(size=240) > 0).astype(int)
    return x, y


@pytest.fixture
def echoed(rows):
    """Return the rows with a column that is y under other numbers."""
    x, y = rows
    return np.c_[x, np.where(y, 7.0, 3.0)], y


def events_of(call):
    """Return what a listener hears, and what the call raised."""
    events = []
    try:
        call(listener=events.append)
    except hr.HomeroomError as error:
        return events, error
    return events, None


@pytest.mark.parametrize("door", ["cross_validate", "fit", "Experiment"])
def test_a_leak_stops_every_door_before_training(door, echoed, mlp, tmp_path):
    """A column that gives y away is refused before an epoch, and before a store."""
    x, y = echoed
    store = tmp_path / "runs.db"

    def call(**options):
        if door == "Experiment":
            experiment = hr.Experiment(x, y, store=store)
            return experiment.add("net", mlp).run(cv=3, epochs=1, **options)
        if door == "fit":
            return hr.fit(mlp, x, y, validation_split=0.25, store=store, **options)
        return hr.cross_validate(mlp, x, y, cv=3, store=store, **options)

    events, error = events_of(call)
    assert isinstance(error, hr.LeakageError)
    assert "'column 3' is y under other numbers" in str(error)
    assert "overrule=['target']" in str(error)
    assert not [e for e in events if isinstance(e, MemberEnded)]
    assert not store.exists()
    events, error = events_of(lambda **more: call(overrule=["target"], **more))
    assert error is None
    [heard] = [e.examination for e in events if isinstance(e, Examined)]
    assert heard.of("target")[0].overruled


@pytest.fixture
def mlp():
    import keras

    def build():
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, "softmax")])
        model.compile("adam", "sparse_categorical_crossentropy")
        return model

    return build


def test_validating_on_training_rows_is_refused(echoed, mlp):
    """validation_data that repeats the training rows is a leak."""
    x, y = echoed
    x = np.c_[x[:, :3], x[:, 0] ** 2]
    with pytest.raises(hr.LeakageError, match=r"240 rows \(100.0% of those validated"):
        hr.fit(mlp, x, y, validation_data=(x, y))


def test_a_misspelled_check_is_refused_before_training(rows):
    """overrule= takes the name of a check that stops."""
    with pytest.raises(hr.InputError, match="Did you mean 'target'"):
        hr.cross_validate(LogisticRegression(), *rows, overrule=["targets"])


def test_rows_of_the_sealed_test_are_found_by_fingerprint(rows):
    """Copies that the cut has torn apart stop the run, with the user's row ids."""
    x, y = rows
    doubled = np.r_[x, x], np.r_[y, y]
    experiment = hr.Experiment(*doubled, store=":memory:")
    experiment.add("line", LogisticRegression())
    with pytest.raises(hr.LeakageError) as caught:
        experiment.run(cv=3)
    assert "sealed test rows" in str(caught.value)
    run = experiment.run(cv=3, overrule="duplicates")
    assert run.record.examination.of("duplicates")[0].overruled


def test_the_record_of_a_run_holds_what_was_found(rows, tmp_path):
    """Before, after training and at the opening: all of it is in the stored run."""
    x, y = rows
    y = y.copy()
    y[:6] = 1 - y[:6]
    store = tmp_path / "runs.db"
    experiment = hr.Experiment(x, y, test_size=0.25, store=store)
    experiment.add("line", LogisticRegression())
    experiment.add("strict", LogisticRegression(C=0.01))
    run = experiment.run(cv=4)
    run.final_test()
    kept = open_store(store).read_run(run.id)
    assert kept.examination == run.record.examination
    checks = {finding.check for finding in kept.examination.findings}
    assert {"labels", "unlearned"} <= checks
    assert {line.kind for line in kept.examination.sheet} >= {"L1.1", "L3.3"}
    [first] = [s for s in kept.examination.sheet if s.kind == "L1.1"]
    assert first.answer == "enforced"
    assert kept.final_test.findings == ()


def test_another_kind_of_test_rows_is_told_at_the_opening(rows):
    """Shifted, harder test rows are told when they are opened, and not before."""
    x, y = rows
    dice = np.random.default_rng(0)
    late = np.c_[x[:120, :2] + 3, x[:120, 2]]
    both = np.r_[x, late], np.r_[y, dice.integers(0, 2, 120)]
    experiment = hr.Experiment(*both, test_size=120, shuffle=False, store=":memory:")
    experiment.add("line", LogisticRegression())
    run = experiment.run(cv=4)
    before = {finding.check for finding in run.record.examination.findings}
    assert not before & {"shift", "two-sample", "difficulty"}
    told = run.final_test().findings
    assert {f.check for f in told} >= {"shift", "difficulty"}
    assert "The test part is harder" in " ".join(f.evidence for f in told)


def test_poisoned_test_rows_change_no_finding(rows):
    """Test rows full of NaN leave the examination as it is."""
    x, y = rows
    poisoned = x.copy()
    poisoned[180:] = np.nan
    found = []
    for features in (x, poisoned):
        experiment = hr.Experiment(
            features, y, test_size=60, shuffle=False, store=":memory:"
        )
        examination = experiment.add("l", LogisticRegression()).run(cv=3)
        found.append(examination.record.examination)
    assert found[0].findings == found[1].findings
    assert found[0].sheet == found[1].sheet


def test_examine_takes_predictions_by_candidate(rows):
    """Out-of-fold predictions add doubtful labels and hopeless rows."""
    x, y = rows
    cv = {
        str(c): hr.cross_validate(LogisticRegression(C=c), x, y, cv=4).predictions
        for c in (0.01, 1)
    }
    found = hr.examine(x, y, cv=4, predictions=cv)
    assert found.of("unlearned")
    assert found.of("labels")
    assert not hr.examine(x, y, cv=4).of("labels")
    with pytest.raises(hr.InputError, match="has 10 rows, and there are 240"):
        hr.examine(x, y, predictions=cv["1"][:10])


def test_cross_validate_keeps_its_examination(rows):
    """The result holds what was found before and after training."""
    cv = hr.cross_validate(LogisticRegression(), *rows, cv=4)
    assert cv.examination.strategy.startswith("StratifiedKFold")
    assert not cv.examination.thorough


def test_examine_looks_at_fingerprints_of_a_cut_only(rows):
    """With test_size the sealed rows may be nonsense, and nothing changes."""
    x, y = rows
    found = hr.examine(x, y, test_size=0.25)
    assert found.n_rows == 180
    assert "60 test rows were sealed" in found.sheet[0].text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time": [1, 2]}, r"one entry per row, \[240\]"),
        ({"time": ["soon"] * 240}, "dates such as 2024-12-31"),
        ({"time": [np.nan] * 240}, "none of them missing"),
        ({"overrule": ["everything"]}, "stops training"),
        ({"seed": -1}, "seed=-1"),
    ],
)
def test_bad_arguments_are_refused(options, message, rows):
    """What is declared wrongly is refused with what was expected."""
    with pytest.raises(hr.InputError, match=message):
        hr.examine(*rows, **options)
    with pytest.raises(hr.InputError, match="y is missing"):
        hr.examine(rows[0])


def test_time_is_checked_against_the_folds(rows):
    """Dates as text, rows in order: TimeSeriesSplit passes, shuffled folds leak."""
    when = np.datetime64("2024-01-01") + np.arange(240)
    told = when.astype(str)
    shuffled = hr.examine(*rows, time=told)
    assert [leak.check for leak in shuffled.leaks] == ["time"]
    assert not hr.examine(*rows, time=told, cv=hr.TimeSeriesSplit(4)).leaks


def test_labels_of_minus_one_and_one_are_examined(rows):
    """Labels that are no positions do not disturb the doctor."""
    x, y = rows
    found = hr.examine(x, 2 * y - 1)
    usual = hr.examine(x, y)
    assert found.findings == usual.findings
    assert found.checked == usual.checked
