"""After an epoch many training rows are measured on a sample, a fair and fixed one."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import pytest

from homeroom import engine

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


def test_other_numbers_of_rows_to_come_are_compiled_for():
    """A program made for later numbers of rows measures their samples, too."""
    one = of_many(n_train=700, n_validation=100)
    ready = engine.prepare(
        [one], replace(TRAINING, row_counts=((900, 100), (90, 10))), lanes=1
    )
    [outcome] = ready.train()
    assert outcome.state == "COMPLETE"
