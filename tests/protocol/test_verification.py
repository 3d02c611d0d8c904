"""A stored run is made again with plain Keras, in whatever way it was trained."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import homeroom as hr
from homeroom import protocol, report
from homeroom.errors import InputError
from homeroom.protocol.sameness import level_of
from homeroom.store import load_arrays, open_store
from homeroom.testing import sample_member

PATIENCE = hr.EarlyStopping(patience=2)


def verified(store, members="all", **options):
    """Verify the newest run of a store as somebody would who has only the store."""
    kept = open_store(store, create=False)
    return protocol.verify(kept.read_run(), kept, members=members, **options)


def test_folds_that_stopped_together_are_verified(experiment, net, store):
    """Local functions, weighted classes and a fitted pipeline: all are Keras's."""
    pipeline = make_pipeline(
        StandardScaler(), PolynomialFeatures(1, include_bias=False)
    )
    run = (
        experiment(preprocess=pipeline)
        .add("net", net, learning_rate=0.3)
        .run(
            cv=3,
            epochs=8,
            early_stopping=PATIENCE,
            class_weight={0: 1.0, 1: 3.0, 2: 0.5},
        )
    )
    members = run.record.members
    assert any(m.best_epoch not in {None, m.history.n_epochs - 1} for m in members)
    found = verified(store)
    assert found.holds, found
    assert len(found.of("identical")) == len(members) == 3
    assert repr(found) == f"<Verification: 3 of 3 trainings of {run.id}: 3 identical>"
    assert {each.weights for each in found.members} == {0.0}


def test_what_was_plain_fit_is_verified_too(flowers, net, store):
    """A model that cannot be compiled has gone through fit before, best weights too."""

    def uncompiled():
        model = net(learning_rate=0.5)
        model.optimizer.use_ema = True
        return model

    fit = hr.fit(
        uncompiled,
        *flowers,
        epochs=6,
        validation_split=0.2,
        early_stopping=hr.EarlyStopping(patience=1),
        store=store,
    )
    assert fit.record.path == "keras.fit"
    assert fit.record.best_epoch < fit.record.history.n_epochs - 1
    found = verified(store)
    assert [each.verdict for each in found.members] == ["identical"], found


@pytest.mark.parametrize("choice", ["per_fold", "one_std_err"])
def test_every_way_to_choose_the_epoch_is_verified(choice, flowers, net, store):
    """Whoever stopped a training, it is made again for as long as it was trained."""
    hr.cross_validate(
        net,
        *flowers,
        cv=3,
        epochs=8,
        early_stopping=PATIENCE,
        epoch_choice=choice,
        store=store,
    )
    found = verified(store)
    assert [each.verdict for each in found.members] == ["identical"] * 3, found


def test_one_fit_is_verified(line, straight, store):
    """A bare fit, without validation and without shuffling, with weighted rows."""
    weight = np.linspace(0.5, 2, 60, dtype=np.float32)
    hr.fit(straight, *line, epochs=3, shuffle=False, sample_weight=weight, store=store)
    [only] = verified(store, members=1).members
    assert (only.verdict, only.epochs) == ("identical", 3)


def test_what_verification_did_not_compare_is_said(flowers, keras, store):
    """Where measuring draws random numbers, Keras trained without it, and says so."""

    def recurrent():
        layers = [keras.Input((4, 1)), keras.layers.SimpleRNN(2, dropout=0.5)]
        model = keras.Sequential([*layers, keras.layers.Dense(3, "softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy")
        return model

    x, y = flowers
    for share in (0.25, 0.0):
        hr.fit(
            recurrent, x[..., None], y, epochs=2, validation_split=share, store=store
        )
        found = verified(store, members=1)
        assert [each.verdict for each in found.members] == ["identical"]
        said = " ".join(report.verification_view(found).notes)
        assert ("val_* was not compared" in said) == (share > 0)


MODULE = """
import keras

class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x

def own(units):
    print("a model function may talk")
    model = keras.Sequential([
        keras.Input((4,)), Doubled(), keras.layers.Dense(units, activation="softmax")
    ])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model
"""


@pytest.fixture
def own_parts(experiment, keras, tmp_path, monkeypatch):
    """Run a model with a layer of its own, and one whose layers are made backwards."""
    (tmp_path / "my_models_to_verify.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    from my_models_to_verify import own

    def backwards():
        last = keras.layers.Dense(3, activation="softmax")
        inputs = keras.Input((4,))
        outputs = last(keras.layers.Dense(5)(inputs))
        model = keras.Model(inputs, outputs)
        model.compile("sgd", "sparse_categorical_crossentropy")
        return model

    started = experiment().add("own", own, units=3).add("backwards", backwards)
    return started.run(cv=3, epochs=2)


def test_what_cannot_be_rebuilt_is_said_and_never_passes(own_parts, store):
    """A model with parts of its own needs its function; another start is no proof."""
    found = own_parts.verify(members=2, models={"own": "my_models_to_verify:own"})
    own, backwards = found.members
    assert own.verdict == "identical", own
    assert backwards.verdict == "not verified"
    assert "starts from other weights than the recorded ones" in backwards.reason
    assert not found.is_empty
    without = verified(store, members=1)
    assert [each.candidate for each in without.left_out] == ["own"]
    assert "it has a Doubled" in without.left_out[0].reason
    assert "--model own=my_models_to_verify:own" in without.left_out[0].reason
    assert without.is_empty


def test_estimators_have_nothing_to_verify(experiment, store):
    """A run of estimators alone is told, starts no process, and is no failure."""
    experiment().add("logistic", LogisticRegression()).run(cv=3)
    found = verified(store)
    assert found.holds
    assert not found.members
    assert not found.is_empty
    assert found.left_out[0].n == 3


def test_rows_can_stay_out_of_the_store(experiment, softmax, store, monkeypatch):
    """HOMEROOM_KEEP_ROWS=0 keeps none, and the run says why it is not verified."""
    monkeypatch.setenv("HOMEROOM_KEEP_ROWS", "0")
    run = experiment().add("softmax", softmax).run(cv=3, epochs=1)
    assert run.record.materials.rows == ()
    found = verified(store)
    assert found.is_empty
    assert "the store keeps up to 0 MB" in found.left_out[0].reason
    monkeypatch.setenv("HOMEROOM_KEEP_ROWS", "many")
    with pytest.raises(InputError, match="is no number of megabytes"):
        experiment().add("softmax", softmax).run(cv=3, epochs=1)


def test_no_sealed_row_is_kept(flowers, experiment, softmax, store):
    """What is kept of the rows are the development rows, and nothing else."""
    x, _ = flowers
    run = experiment().add("softmax", softmax).run(cv=3, epochs=1)
    kept = open_store(store)
    [address] = set(run.record.materials.rows)
    rows = load_arrays(kept.get_artifact(address))["x"]
    assert len(rows) == run.record.partition.n_development
    development = {row.tobytes() for row in rows}
    sealed = [row for row in x if row.tobytes() not in development]
    assert len(sealed) == run.record.partition.n_test
    with store.open("rb") as file:
        content = file.read()
    assert rows[0].tobytes() in content
    assert not any(row.tobytes() in content for row in sealed)


def test_a_run_of_an_earlier_version_is_refused(experiment, softmax, store):
    """A run that kept nothing says so instead of passing."""
    run = experiment().add("softmax", softmax).run(cv=3, epochs=1)
    run.record = protocol.run.evolved(run.record, materials=None)
    with pytest.raises(InputError, match="made by an earlier version"):
        run.verify()


def test_the_reference_is_not_the_engine():
    """The process that is held against the engine does not load it."""
    code = (
        "import sys, homeroom.engine.reference\n"
        "print([n for n in sys.modules if n.startswith('homeroom.engine.')])"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    for part in ("program", "programs", "steps", "lane", "training", "fallback"):
        assert f"'homeroom.engine.{part}'" not in said.stdout


def test_levels_of_sameness():
    """On a CPU no bit may differ; elsewhere a thousandth, and NaN is only NaN."""
    exact = level_of(sample_member(), "cpu")
    near = level_of(sample_member(), "gpu")
    assert exact.allows(1.0, 1.0)
    assert exact.allows(math.nan, math.nan)
    assert not exact.allows(1.0, np.nextafter(1.0, 2.0))
    assert near.allows(1.0, 1.0005)
    assert not near.allows(1.0, 1.01)
    assert not near.allows(math.nan, 1.0)


@pytest.mark.parametrize("told", ["many", "-1", "nan"])
def test_a_limit_that_is_no_number_is_refused_before_anything(
    told, experiment, net, flowers, store, monkeypatch
):
    """Whoever would keep rows says so before training, and leaves no run behind."""
    monkeypatch.setenv("HOMEROOM_KEEP_ROWS", told)
    trained = []
    for begin in (
        lambda: (
            experiment().add("net", net).run(cv=3, epochs=1, listener=trained.append)
        ),
        lambda: hr.fit(net, *flowers, store=store, listener=trained.append),
        lambda: hr.cross_validate(net, *flowers, store=store, listener=trained.append),
    ):
        with pytest.raises(InputError, match="no number of megabytes"):
            begin()
    assert trained == []
    assert not open_store(store).list_runs()
