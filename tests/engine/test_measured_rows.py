"""After an epoch many training rows are measured on a sample, a fair and fixed one."""

from __future__ import annotations

from dataclasses import replace

import jax
import keras
import numpy as np
import pytest

from homeroom import engine
from homeroom.engine import epochs, measures
from homeroom.engine.epochs import Batches

from . import plain
from .zoo import ZOO, dense, dropout, member, retyped

TRAINING = engine.Training(epochs=1, batch_size=64, keep_weights=True)
MANY = jax.tree.map(lambda a: np.resize(a, (1000, *a.shape[1:])), ZOO["dense"].arrays.x)


def of_many(build=dense, *, n_train, n_validation, order_seed=7):
    """Return a member with rows enough to be sampled."""
    arrays = engine.Arrays(MANY, np.resize(ZOO["dense"].arrays.y, 1000))
    rows = np.random.default_rng(0).permutation(1000).astype(np.int32)
    return replace(
        member(build, arrays),
        train_rows=rows[:n_train],
        validation_rows=rows[n_train : n_train + n_validation],
        order_seed=order_seed,
    )


@pytest.mark.parametrize(
    ("n_train", "n_validation", "n"),
    [
        (512, 100, None),
        (513, 100, 512),
        (700, 100, 512),
        (700, 300, 512),
        (400, 600, None),
    ],
)
def test_as_many_as_are_validated_but_not_few(n_train, n_validation, n):
    """The sample has 512 training rows or as many as are validated, each once."""
    one = of_many(n_train=n_train, n_validation=n_validation)
    assert one.n_sampled == n
    rows = one.measured_rows
    assert len(rows) == len({*rows}) == (n or n_train)
    assert {*rows} <= {*one.train_rows}


def test_candidates_are_measured_on_the_same_rows():
    """The sample follows the order seed, which candidates of a fold share."""
    sizes = {"n_train": 700, "n_validation": 100}
    first, second = of_many(dense, **sizes), of_many(dropout, **sizes)
    assert [*first.measured_rows] == [*second.measured_rows]
    other = of_many(dense, order_seed=8, **sizes)
    assert {*first.measured_rows} != {*other.measured_rows}


def test_the_sample_is_measured_as_keras_does():
    """Compiled or through plain fit, values are those of `evaluate` on the sample."""
    members = [
        of_many(build, n_train=700, n_validation=100) for build in (dense, retyped)
    ]
    outcomes = engine.train(members, TRAINING)
    assert [o.path for o in outcomes] == ["scan", "keras.fit"]
    for each, outcome in zip(members, outcomes, strict=True):
        assert outcome.history.n_sampled == 512
        reference = plain.fit(each, TRAINING)["history"]
        for name, values in reference.items():
            np.testing.assert_allclose(outcome.history.series[name], values, rtol=2e-6)


def batched():
    """A network whose loss is the largest output of a batch, however it is cut."""

    def largest(y, outputs):
        return keras.ops.max(outputs) + 0.0 * keras.ops.mean(outputs, axis=-1)

    model = dense()
    model.compile("sgd", largest)
    return model


def test_a_loss_of_whole_batches_is_measured_in_the_batches_of_keras():
    """Only where a row's loss is its own are training rows measured many at once."""
    one = of_many(batched, n_train=700, n_validation=100)
    [outcome] = engine.train([one], TRAINING)
    assert outcome.path == "scan"
    model = engine.trained_model(one, TRAINING, outcome)
    x, y, _ = plain.rows_of(one.arrays, one.measured_rows)
    small, large = (
        model.evaluate(x, y, batch_size=n, verbose=0, return_dict=True)["loss"]
        for n in (64, 512)
    )
    [found] = outcome.history.series["train_eval_loss"]
    assert found == pytest.approx(small, rel=2e-6)
    assert large != pytest.approx(small, rel=1e-3)


@pytest.mark.parametrize(
    ("floats_per_row", "sizes"),
    [(64, (64, 500)), (300, (64, 436)), (1024, (64, 128)), (1025, (64, 64))],
)
def test_training_rows_are_measured_many_at_once(floats_per_row, sizes):
    """As many as a core's cache holds, if those are twice a batch; each row once."""
    both, validation = Batches.of(64, (400, 450, 500)), Batches.of(64, (400,))
    shape = epochs.Shape(
        train=Batches.of(64, (900,)),
        measured=both,
        validation=validation,
        n_measured=2,
        n_rows=900,
        sampled=(450, 500),
    )
    shape = shape.with_large_samples(floats_per_row)
    assert tuple(each.size for each in shape.measured_batches) == sizes
    apart = sizes[1] > 64  # what is measured in other batches compiles in no others
    assert shape.measured == (validation if apart else both)


def _compiled(loss="mse", metrics=(), layers=(), head=None):
    inputs = keras.Input((4,))
    hidden = inputs
    for layer in layers:
        hidden = layer(hidden)
    outputs = keras.layers.Dense(2)(hidden)
    model = keras.Model(inputs, head(outputs) if head else outputs)
    model.compile("sgd", loss, metrics=list(metrics))
    return model


def _difference(y, outputs):
    return keras.ops.mean(y - outputs, axis=-1)


@pytest.mark.parametrize(
    ("apart", "told"),
    [
        (True, {}),
        (False, {"loss": keras.losses.Circle(gamma=40.0)}),
        (True, {"loss": keras.losses.Huber(0.2), "metrics": ["mae", "R2Score"]}),
        (True, {"layers": [keras.layers.BatchNormalization()]}),
        (False, {"loss": keras.losses.MeanSquaredError(reduction="sum")}),
        (False, {"loss": "circle"}),
        (False, {"loss": _difference}),
        (False, {"metrics": [_difference]}),
        (False, {"layers": [keras.layers.Masking()]}),
        (False, {"layers": [keras.layers.ActivityRegularization(l2=0.1)]}),
        (False, {"layers": [keras.layers.Activation(lambda x: x / x.mean())]}),
        (False, {"head": lambda x: x - keras.ops.mean(x, axis=0)}),
    ],
)
def test_what_may_depend_on_the_batch_is_told_apart(apart, told):
    """Rows count apart where all is Keras's own and a loss is a mean over rows."""
    assert measures.counts_rows_apart(_compiled(**told)) is apart


def test_a_loss_that_was_registered_may_depend_on_the_batch():
    """A name that the user gave to Keras is no name of Keras's, however it looks."""
    keras.saving.get_custom_objects()["difference"] = _difference
    try:
        assert not measures.counts_rows_apart(_compiled("difference"))
    finally:
        del keras.saving.get_custom_objects()["difference"]


def test_other_numbers_of_rows_to_come_are_compiled_for(made_programs):
    """A program made for later numbers of rows measures their samples, too."""
    counts = ((700, 100), (900, 100), (90, 10))
    training = replace(TRAINING, row_counts=counts)
    for n_train, n_validation in counts:
        later = of_many(n_train=n_train, n_validation=n_validation)
        [outcome] = engine.prepare([later], training, lanes=1).train()
        assert outcome.state == "COMPLETE"
        assert len(made_programs) == 1
