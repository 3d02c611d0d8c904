"""What goes wrong is said before training, or stays with the member it happened to."""

from __future__ import annotations

import math
import re

import keras
import numpy as np
import pytest
from keras import layers

from homeroom import engine
from homeroom.engine import measures, template
from homeroom.errors import InputError

from .zoo import (
    FEATURES,
    LABELS,
    TARGETS,
    WEIGHTS,
    ZOO,
    classifier,
    dense,
    dict_outputs,
    member,
    own_step,
    regressor,
    retyped,
)

TRAINING = engine.Training(epochs=2, batch_size=16)
NUMBERS = ZOO["own_step"].arrays


def refused(members, training=TRAINING):
    """Return the text of the error that comes before any training."""
    epochs = []
    with pytest.raises(InputError) as caught:
        engine.train(members, training, on_epoch=lambda *_: epochs.append(1))
    assert epochs == []
    return str(caught.value)


def watching(**rule):
    return engine.Training(2, 16, early_stopping=engine.EarlyStopping(**rule))


def turning(step: int = 3):
    """Trains well for `step` updates and then becomes NaN."""

    class Turning(keras.optimizers.schedules.LearningRateSchedule):
        def __call__(self, done):
            return keras.ops.where(done >= step, np.nan, 0.01)

    return regressor(layers.Dense(8), optimizer=keras.optimizers.SGD(Turning()))


def test_a_training_that_becomes_nan_fails_alone():
    """NaN ends its own training, with the epoch in the text; others are complete."""
    training = engine.Training(epochs=5, batch_size=16)
    members = [
        member(turning, NUMBERS, step=4),
        member(dense),
        member(turning, NUMBERS),
    ]
    failed, complete, failed_too = engine.train(members, training, lanes=2)
    for outcome in (failed, failed_too):
        assert (outcome.state, outcome.stop_reason) == ("FAILED", "diverged")
        assert outcome.error == "the training loss became nan in epoch 2"
        losses = outcome.history.series["loss"]
        assert math.isfinite(losses[0])
        assert math.isnan(losses[1])
        assert outcome.history.n_epochs == 2
    assert (complete.state, complete.history.n_epochs) == ("COMPLETE", 5)


def test_a_nan_training_keeps_the_best_weights_it_had():
    """With a rule that restores, the outcome has the last good epoch's weights."""
    training = engine.Training(
        5, 16, early_stopping=engine.EarlyStopping(), keep_weights=True
    )
    (outcome,) = engine.train([member(turning, NUMBERS)], training)
    assert (outcome.state, outcome.best_epoch) == ("FAILED", 0)
    assert all(np.isfinite(w).all() for w in outcome.weights.trainable)
    assert outcome.scores == outcome.history.at(0)


def test_plain_fit_fails_the_same_way():
    """The fallback, too, ends at a NaN loss and says in which epoch."""

    def retyped_turning():
        model = retyped()
        model.optimizer.learning_rate = 1e30
        return model

    failed, complete = engine.train([member(retyped_turning), member(dense)], TRAINING)
    assert (failed.path, failed.state) == ("keras.fit", "FAILED")
    assert failed.stop_reason == "diverged"
    assert "in epoch 1" in failed.error or "in epoch 2" in failed.error
    assert complete.state == "COMPLETE"


def test_a_monitor_that_never_is_a_number_fails():
    """A validation metric that is NaN throughout is a failure, not a best epoch."""

    def undefined():
        def ratio(y, prediction):
            return keras.ops.sum(y) * np.nan

        model = regressor()
        model.compile("sgd", "mse", metrics=[ratio])
        return model

    training = watching(monitor="val_ratio", mode="min", patience=1)
    (outcome,) = engine.train([member(undefined, NUMBERS)], training)
    assert outcome.state == "FAILED"
    assert "val_ratio" in outcome.error


@pytest.mark.parametrize("build", [dense, retyped])
def test_an_error_inside_a_member_stays_there(build, monkeypatch):
    """One member's error makes its own outcome FAILED, with the epochs before it."""
    members = [member(build, seed=seed) for seed in (1, 2, 3)]
    unlucky = members[1].order_seed
    from homeroom.engine import orders
    from homeroom.engine.program import Program

    monkeypatch.setattr(Program, "epochs_per_call", lambda *_: 1)

    def fails(each, epoch, *, shuffle, real=orders.order_of_epoch):
        if each.order_seed == unlucky and epoch == 1:
            msg = "no more memory"
            raise MemoryError(msg)
        return real(each, epoch, shuffle=shuffle)

    monkeypatch.setattr(orders, "order_of_epoch", fails)
    outcomes = engine.train(members, TRAINING)
    assert [o.state for o in outcomes] == ["COMPLETE", "FAILED", "COMPLETE"]
    assert outcomes[1].stop_reason == "error"
    assert outcomes[1].error == "MemoryError: no more memory"
    assert outcomes[1].history.n_epochs == 1


def picky(broken: bool = False):
    """Fails for about half of all seeds: the other half has a large first draw."""
    if broken or np.random.rand() < 0.5:  # noqa: NPY002 - seeded for each member
        msg = "no such number of units"
        raise ValueError(msg)
    return dense()


def test_a_model_function_may_fail_for_one_seed_only():
    """A later member whose model cannot be made is FAILED; the others are trained."""
    members = [member(picky, seed=seed) for seed in range(12)]

    def works(each):
        try:
            template.draw(each.build, each.seed, each.arrays, 16)
        except InputError:
            return False
        return True

    members.sort(key=works, reverse=True)
    expected = ["COMPLETE" if works(each) else "FAILED" for each in members]
    assert len(set(expected)) == 2
    outcomes = engine.train(members, TRAINING)
    assert [o.state for o in outcomes] == expected
    assert outcomes[-1].stop_reason == "error"
    assert "picky() failed: ValueError: no such number of units" in outcomes[-1].error


def test_a_model_function_that_never_works_is_refused():
    """The first model is made before anything is trained, and its error is told."""
    text = refused([member(dense), member(picky, broken=True)])
    assert "picky() failed: ValueError: no such number of units" in text


def test_an_unknown_monitor_is_refused_with_the_nearest_name():
    """A misspelt monitor is an error that lists the keys and suggests one."""
    text = refused([member(dense)], watching(monitor="val_acuracy"))
    assert "'val_acuracy'" in text
    assert "Did you mean 'val_accuracy'?" in text
    assert "accuracy, loss, val_accuracy, val_loss" in text


def test_a_validation_monitor_needs_validation_rows():
    """val_loss without validation rows is an error that says what to pass."""
    text = refused([member(dense, validation=False)], watching(monitor="val_loss"))
    assert "no validation data" in text
    assert "validation_split=" in text


def test_an_unknown_direction_is_refused():
    """A metric that does not say which way is better needs a mode."""

    def anonymous():
        def size(y, prediction):
            return keras.ops.mean(prediction)

        model = regressor()
        model.compile("sgd", "mse", metrics=[size])
        return model

    members = [member(anonymous, NUMBERS)]
    text = refused(members, watching(monitor="val_size"))
    assert "mode='max' or mode='min'" in text
    training = watching(monitor="val_size", mode="max")
    assert engine.train(members, training)[0].best_epoch is not None


def test_logs_of_an_own_training_step_can_be_watched():
    """A value that only the training step logs is a monitor like any other."""

    def adversarial():
        model = own_step()

        class Two(type(model)):
            def train_step(self, state, data):
                logs, state = super().train_step(state, data)
                return logs | {"generator": logs["loss"] * 2.0}, state

        two = Two()
        two.compile("adam", "mse", metrics=["mae"])
        return two

    training = watching(monitor="generator", mode="min")
    (outcome,) = engine.train([member(adversarial, NUMBERS)], training)
    assert outcome.state == "COMPLETE"
    assert set(outcome.history.series) >= {"generator", "loss", "val_loss"}
    assert outcome.best_epoch is not None


def uncompiled():
    return keras.Sequential([layers.Input((6,)), layers.Dense(3)])


def returns_nothing():
    dense()


KEPT = []


def kept_model():
    if not KEPT:
        KEPT.append(dense())
    return KEPT[0]


def kept_layer():
    if len(KEPT) < 2:
        KEPT[:] = [dense(), layers.Dense(8)]
    return classifier(KEPT[1])


def kept_optimizer():
    if len(KEPT) < 3:
        KEPT[:] = [None, None, keras.optimizers.Adam()]
    return classifier(optimizer=KEPT[2])


def two_columns():
    return classifier(shape=(2,))


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (uncompiled, "uncompiled model. Call model.compile("),
        (returns_nothing, "returned NoneType; it must return a compiled keras.Model"),
        (two_columns, "x has shapes (72, 6)"),
    ],
)
def test_what_is_no_model_is_refused(build, words):
    """Each error names the model function and says what it must return."""
    text = refused([member(build)])
    assert f"{build.__name__}()" in text
    assert words in text


@pytest.mark.parametrize(
    ("build", "what"),
    [(kept_model, "layers"), (kept_layer, "layers"), (kept_optimizer, "optimizer")],
)
def test_what_is_returned_twice_is_refused(build, what, monkeypatch):
    """Folds that would train each other's layers or optimizer are an error."""
    monkeypatch.setattr(f"{__name__}.KEPT", [])
    members = [member(build, seed=seed) for seed in (1, 2)]
    with pytest.raises(InputError, match=f"returned the same {what} twice"):
        engine.train(members, TRAINING)


@pytest.mark.parametrize("build", [dense, retyped])
def test_a_metric_of_several_numbers_is_refused(build):
    """A metric per class is no curve: the error names it and its averaging form."""

    def per_class():
        model = build()
        scores = keras.metrics.F1Score(average=None, name="f1")
        model.compile("adam", "categorical_crossentropy", metrics=[scores])
        return model

    one_hot = engine.Arrays(FEATURES, np.eye(3, dtype="float32")[LABELS])
    text = refused([member(per_class, one_hot)])
    assert "'f1' returns (3,) values" in text
    assert "average='macro'" in text


def test_class_weight_is_for_one_target_without_other_weights():
    """class_weight beside sample_weight, or with two targets, is refused."""
    weighted = engine.Training(1, 16, class_weight={0: 1.0, 1: 2.0, 2: 1.0})
    text = refused([member(dense, engine.Arrays(FEATURES, LABELS, WEIGHTS))], weighted)
    assert "class_weight and sample_weight" in text
    two = engine.Arrays(FEATURES, {"kind": LABELS, "size": TARGETS})
    assert "one target" in refused([member(dict_outputs, two)], weighted)


@pytest.mark.parametrize("lanes", [0, -2])
def test_lanes_are_at_least_one(lanes):
    """lanes=0 is an error that says what to use."""
    with pytest.raises(InputError, match="use 1 or more, or None"):
        engine.train([member(dense)], TRAINING, lanes=lanes)


def test_weights_that_were_not_kept_make_no_model():
    """`trained_model` says so when the outcome has no weights."""
    each = member(dense)
    (outcome,) = engine.train([each], TRAINING)
    with pytest.raises(InputError, match="did not keep its weights"):
        engine.trained_model(each, TRAINING, outcome)


def from_logits():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = keras.Sequential([layers.Input((6,)), layers.Dense(7)])
    model.compile("adam", loss)
    return model


@pytest.mark.parametrize(
    ("build", "arrays", "widths"),
    [
        (dense, ZOO["dense"].arrays, (3,)),
        (from_logits, ZOO["dense"].arrays, (7,)),
        (regressor, NUMBERS, (None,)),
        (dict_outputs, ZOO["dict_outputs"].arrays, (None, None)),
    ],
)
def test_a_description_tells_how_many_classes_there_can_be(
    build, arrays, widths, planned_programs
):
    """`sparse_widths` is the width of an output under a sparse loss, None elsewhere."""
    each = member(build, arrays)
    assert (
        engine.prepare([each], TRAINING).descriptions[each.group].sparse_widths
        == widths
    )


def test_a_description_tells_names_and_directions():
    """Names and directions are known before training; no ending of a name decides."""

    def rates():
        model = regressor()
        up, down = (
            keras.metrics.MeanMetricWrapper(keras.losses.mean_squared_error, name)
            for name in ("success_rate", "rate")
        )
        up._direction, down._direction = "up", "down"

        def neg_mae(y, p):
            return -keras.ops.mean(keras.ops.abs(y - p))

        model.compile("adam", "mse", metrics=[down, up, "mae", neg_mae])
        return model

    each = member(rates, NUMBERS)
    described = engine.prepare([each], TRAINING).descriptions[each.group]
    assert described.names == ("loss", "mae", "neg_mae", "rate", "success_rate")
    assert described.directions == {
        "loss": "min",
        "mae": "min",
        "rate": "min",
        "success_rate": "max",
    }
    assert described.n_weights == 7


@pytest.mark.parametrize(
    ("loss", "name"),
    [
        ("mse", "mean_squared_error"),
        (keras.losses.MeanSquaredError(name="mine"), "mean_squared_error"),
        (keras.losses.Huber(), "huber"),
        ("huber", "huber"),
        ("crossentropy", "crossentropy"),
        (keras.losses.BinaryCrossentropy(name="bce"), "crossentropy"),
        (keras.losses.Huber(0.1), "huber (delta=0.1)"),
        (keras.losses.Huber(np.float32(0.25)), "huber (delta=0.25)"),
        (
            keras.losses.MeanSquaredError(reduction="sum"),
            "mean_squared_error (reduction=sum)",
        ),
        (
            keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.1),
            "crossentropy (label_smoothing=0.1)",
        ),
    ],
)
def test_a_loss_is_called_by_what_it_computes(loss, name):
    """Text, object and a name of one's own are the same loss; a constant is another.

    Metrics that are weighted have a way, too.
    """

    def net():
        model = regressor()
        model.compile("adam", loss, metrics=["mae"], weighted_metrics=["mae"])
        return model

    each = member(net, NUMBERS)
    described = engine.prepare([each], TRAINING).descriptions[each.group]
    assert described.loss == name
    assert described.directions["weighted_mae"] == "min"


def test_constants_of_a_loss_may_be_arrays():
    """Weights of classes are told, and compared with the usual ones."""
    loss = keras.losses.CategoricalFocalCrossentropy(alpha=np.array([0.5, 0.25]))
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(2)])
    model.compile("adam", loss)
    said = "categorical_focal_crossentropy (alpha=[0.5, 0.25])"
    assert measures.name_of_loss(model) == said


def test_directions_are_those_of_each_output():
    """Keras puts an output's name in front: of its loss, and of its metrics."""

    def forked():
        inputs = keras.Input((6,))
        heads = {n: keras.layers.Dense(1, name=n)(inputs) for n in ("a", "b_x")}
        model = keras.Model(inputs, heads)
        metrics = {"a": ["mae"], "b_x": ["cosine_similarity"]}
        model.compile("adam", {"a": "mse", "b_x": "mae"}, metrics=metrics)
        return model

    x, y = NUMBERS.x, NUMBERS.y.reshape(-1, 1)
    each = member(forked, engine.Arrays(x, {"a": y, "b_x": y}))
    described = engine.prepare([each], TRAINING).descriptions[each.group]
    assert described.directions == {
        "loss": "min",
        "a_loss": "min",
        "a_mae": "min",
        "b_x_loss": "min",
        "b_x_cosine_similarity": "max",
    }


def test_errors_speak_for_themselves():
    """No refusal shows an address, a traceback or a foreign vocabulary."""
    text = refused([member(dense)], watching(monitor="val_acuracy"))
    assert not re.search(r"0x[0-9a-f]+|Traceback|jaxpr", text)


def test_what_keras_says_is_the_line_that_says_it():
    """Not the one that tells in which layer, nor its colours."""
    where = "Exception encountered when calling Sequential.call()."
    error = ValueError(
        f"{where}\n\n\x1b[1mexpected axis -1 to be 1\x1b[0m\n\nArguments"
    )
    assert template.first_line(error) == "ValueError: expected axis -1 to be 1"
    assert template.first_line(ValueError(where)) == f"ValueError: {where}"
