"""A member is what plain Keras trains on the same rows in the same order."""

from __future__ import annotations

import numpy as np
import pytest

import homeroom as hr
from homeroom import data, seeding, splits

EPOCHS, BATCH = 3, 20


@pytest.fixture
def retrained(keras, flowers):
    """Retrain a member with nothing but Keras and what the record tells."""

    def train(function, record, seed, **options):
        x, y = flowers
        fold = splits.make_plan(3, data.from_arrays(x, y), seed=seed).folds[record.fold]
        order_seed = seeding.derive(seed, "order", record.fold, record.seed_index)
        keras.utils.set_random_seed(record.seed)
        model = function()
        history = {}
        for epoch in range(record.history.n_epochs):
            order = seeding.generator(order_seed, "epoch", epoch).permutation(
                fold.train
            )
            logs = model.fit(
                x[order],
                y[order],
                batch_size=BATCH,
                shuffle=False,
                verbose=0,
                initial_epoch=epoch,
                epochs=epoch + 1,
                validation_data=(x[fold.validation], y[fold.validation]),
                validation_batch_size=BATCH,
                **options,
            ).history
            for name, values in logs.items():
                history.setdefault(name, []).extend(values)
        return model, fold, history

    return train


def test_a_member_is_plain_keras_bit_for_bit(net, flowers, retrained):
    """History and weights of a cross-validated member are those of model.fit."""
    cv = hr.cross_validate(
        net, *flowers, cv=3, seeds=2, epochs=EPOCHS, batch_size=BATCH, seed=6
    )
    record = cv.members[3]
    assert (record.fold, record.seed_index) == (1, 1)
    model, _, history = retrained(net, record, 6)
    assert {k: list(record.history.series[k]) for k in history} == history
    from homeroom.engine import template

    ended = template.weights_fingerprint(template.state_of(model))
    assert record.final_weights == ended


def test_out_of_fold_predictions_are_the_members(net, flowers, retrained):
    """A row's prediction is its fold's model's; every row of the plan has one."""
    cv = hr.cross_validate(net, *flowers, cv=3, epochs=EPOCHS, batch_size=BATCH, seed=6)
    assert np.isfinite(cv.predictions).all()
    for record in cv.members[:2]:
        model, fold, _ = retrained(net, record, 6)
        np.testing.assert_allclose(
            cv.predictions[fold.validation],
            model.predict(flowers[0][fold.validation], verbose=0),
            rtol=1e-5,
            atol=1e-6,
        )


def test_class_weights_weigh_as_in_keras(net, flowers, retrained):
    """With class_weight= too, the history is that of model.fit with it."""
    weight = {0: 1.0, 1: 3.0, 2: 0.5}
    cv = hr.cross_validate(
        net, *flowers, cv=3, epochs=EPOCHS, batch_size=BATCH, class_weight=weight
    )
    _, _, history = retrained(net, cv.members[2], 0, class_weight=weight)
    found = cv.members[2].history.series
    assert {k: list(found[k]) for k in history} == history
