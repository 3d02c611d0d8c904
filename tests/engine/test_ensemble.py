"""Several models as one: its outputs are their mean, whatever they are made of."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from homeroom import engine
from homeroom.engine import template

from .zoo import N_ROWS, ZOO


def _models(specimen, n=2):
    return [
        template.build(specimen.build, seed, specimen.arrays, 16) for seed in range(n)
    ]


def _mean(outputs):
    return keras.tree.map_structure(lambda *leaves: np.mean(leaves, axis=0), *outputs)


# those that differ in how they are trained only have the outputs of "dense"
TRAINED_OTHERWISE = {
    "accumulated_gradients",
    "adamw",
    "class_weight",
    "clipnorm",
    "closure_loss",
    "global_clipnorm",
    "rmsprop",
    "sample_weight",
    "schedule",
    "several_metrics",
}


@pytest.mark.parametrize("name", sorted({*ZOO} - TRAINED_OTHERWISE))
def test_outputs_are_the_mean_of_the_models(name):
    """Any kind of model can be averaged, several inputs and outputs included."""
    specimen = ZOO[name]
    models, x = _models(specimen), specimen.arrays.x
    expected = _mean([model.predict(x, verbose=0) for model in models])
    whole = engine.average(models, [x, x])
    found = whole.predict(x, verbose=0)
    keras.tree.map_structure(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6),
        found,
        expected,
    )


@pytest.mark.parametrize("name", ["dense", "auc", "dict_outputs", "several_metrics"])
def test_it_reports_what_its_models_do(name):
    """The mean has the loss and metrics of its models, under the same names."""
    specimen = ZOO[name]
    models, arrays = _models(specimen), specimen.arrays
    names = set(models[0].evaluate(arrays.x, arrays.y, verbose=0, return_dict=True))
    whole = engine.average(models, [arrays.x] * 2)
    found = whole.evaluate(arrays.x, arrays.y, verbose=0, return_dict=True)
    assert set(found) == names
    if name == "dense":
        right = whole.predict(arrays.x, verbose=0).argmax(axis=1) == arrays.y
        assert found["accuracy"] == pytest.approx(right.mean())


def test_penalties_do_not_count_once_per_model():
    """The loss of the mean is that of its outputs alone."""
    specimen = ZOO["l2_penalty"]
    x, y = specimen.arrays.x, specimen.arrays.y
    models = _models(specimen)
    assert models[0].losses
    whole = engine.average(models, [x, x])
    assert not whole.losses
    shares = whole.predict(x, verbose=0)
    expected = -np.log(shares[np.arange(N_ROWS), y]).mean()
    found = whole.evaluate(x, y, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(expected, rel=1e-5)


def test_models_with_rows_of_their_own_take_a_list():
    """Models that were given different x make a model with an input for each."""
    specimen = ZOO["dense"]
    models, x = _models(specimen, 3), specimen.arrays.x
    scaled = 2 * x
    whole = engine.average(models, [x, x, scaled])
    assert len(whole.inputs) == 2
    expected = _mean([
        models[0].predict(x, verbose=0),
        models[1].predict(x, verbose=0),
        models[2].predict(scaled, verbose=0),
    ])
    found = whole.predict([x, scaled], verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_it_goes_through_a_file(recwarn):
    """A stored mean is read back without a warning and says the same."""
    specimen = ZOO["batch_normalization"]
    x = specimen.arrays.x
    whole = engine.average(_models(specimen), [x, x])
    again = engine.load_model(engine.save_model(whole))
    assert [w for w in recwarn if "Skipping" in str(w.message)] == []
    np.testing.assert_array_equal(
        again.predict(x, verbose=0), whole.predict(x, verbose=0)
    )
