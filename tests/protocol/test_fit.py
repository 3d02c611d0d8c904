"""hr.fit: Keras's arguments, Keras's numbers, honest rows."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import polars as pl
import pytest

import homeroom as hr
from homeroom.engine import template
from homeroom.protocol import Interrupted
from homeroom.records import EpochEnded, Verdict


def weights_of(model):
    return [np.asarray(w) for w in model.get_weights()]


def scored(fit, x, y):
    """Return the model's own evaluation, under the keys of the history."""
    found = fit.model.evaluate(x, y, verbose=0, return_dict=True)
    return {f"val_{name}": value for name, value in found.items()}


def test_it_starts_from_what_keras_builds_with_the_seed(keras, net, flowers):
    """The first weights are those of set_random_seed(s); fn(), bit for bit."""
    fit = hr.fit(net, *flowers, seed=3)
    keras.utils.set_random_seed(3)
    state = template.state_of(net())
    assert fit.record.initial_weights == template.weights_fingerprint(state)
    assert (
        fit.record.initial_weights
        != hr.fit(net, *flowers, seed=4).record.initial_weights
    )


def test_the_same_seed_gives_the_same_training(net, flowers):
    """A fit is a function of its arguments; the seed is one of them."""
    once, again, other = (
        hr.fit(net, *flowers, epochs=2, seed=seed, validation_split=0.2)
        for seed in (1, 1, 2)
    )
    assert once.history == again.history
    assert once.record.final_weights == again.record.final_weights
    assert once.history != other.history


def test_the_callers_own_random_numbers_do_not_move(softmax, flowers):
    """A fit leaves NumPy's and Python's global random states as they were."""

    def states():
        name, *numpys = np.random.get_state()  # noqa: NPY002 - Keras seeds this one
        return random.getstate(), name, [np.asarray(part).tolist() for part in numpys]

    before = states()
    hr.fit(softmax, *flowers)
    assert states() == before


def test_history_has_kerass_keys_and_the_comparable_curve(softmax, flowers):
    """Keras's keys are all there, and train_eval_ beside them, a value per epoch."""
    fit = hr.fit(softmax, *flowers, epochs=3, validation_split=0.2)
    names = {"loss", "accuracy"}
    assert set(fit.history) == {
        p + name for p in ("", "val_", "train_eval_") for name in names
    }
    assert {len(values) for values in fit.history.values()} == {3}
    assert fit.epoch == [0, 1, 2]
    assert fit.record.n_updates == 3 * 3  # 96 rows in batches of 32


def test_validation_split_is_shuffled_and_stratified(softmax, flowers):
    """Sorted labels still validate on every class: the last rows are not taken."""
    x, y = flowers
    order = np.argsort(y)
    fit = hr.fit(softmax, x[order], y[order], epochs=8, validation_split=0.25)
    assert fit.n_validation == 30
    # were they the last rows, all of a class that training saw 10 rows of
    rows = fit._result.assignment.member.validation_rows
    assert np.bincount(y[order][rows]).tolist() == [10, 10, 10]
    assert np.any(np.diff(rows) > 1)


def test_model_is_a_keras_model_that_gives_the_recorded_scores(keras, net, flowers):
    """.model evaluates to the scores in the record; predict and evaluate work."""
    x, y = flowers
    fit = hr.fit(net, x[:90], y[:90], epochs=3, validation_data=(x[90:], y[90:]))
    assert isinstance(fit.model, keras.Model)
    found = scored(fit, x[90:], y[90:])
    assert found == pytest.approx(
        {name: fit.history[name][-1] for name in found}, rel=1e-5
    )
    right = fit.model.predict(x[90:], verbose=0).argmax(axis=1) == y[90:]
    assert right.mean() == pytest.approx(fit.record.scores["val_accuracy"])


def test_the_verdict_is_a_record_in_words(softmax, flowers):
    """.verdict names one of the known states, in a sentence with its numbers."""
    fit = hr.fit(softmax, *flowers, epochs=4, validation_split=0.25)
    assert isinstance(fit.verdict, Verdict)
    assert fit.verdict.kind
    assert fit.verdict.text.endswith(".")
    assert hr.fit(softmax, *flowers).verdict.kind == "no curve"


class TestForms:
    """x and y as their owners hold them."""

    def test_frames_are_their_values(self, softmax, flowers):
        """pandas and polars frames train as the arrays in them do."""
        x, y = flowers
        names = list("abcd")
        expected = hr.fit(softmax, x, y, epochs=2, validation_split=0.2).history
        for kind in (pd, pl):
            frame = kind.DataFrame({n: x[:, i] for i, n in enumerate(names)})
            target = kind.Series(y)
            found = hr.fit(softmax, frame, target, epochs=2, validation_split=0.2)
            assert found.history == expected, kind.__name__

    def test_frames_to_validate_on(self, softmax, flowers):
        """Training and validation rows in frames train as arrays do."""
        x, y = flowers
        parts = [(x[:90], y[:90]), (x[90:], y[90:])]
        expected = hr.fit(softmax, *parts[0], validation_data=parts[1]).history
        for kind in (pd, pl):
            framed = [
                (kind.DataFrame(dict(zip("abcd", a.T, strict=True))), kind.Series(b))
                for a, b in parts
            ]
            found = hr.fit(softmax, *framed[0], validation_data=framed[1])
            assert found.history == expected, kind.__name__

    def test_vectors_to_validate_on(self, softmax, flowers):
        """A list of vectors is rows, in training and in validation data."""
        x, y = flowers
        lists = hr.fit(
            softmax, list(x[:90]), y[:90], validation_data=(list(x[90:]), y[90:])
        )
        arrays = hr.fit(softmax, x[:90], y[:90], validation_data=(x[90:], y[90:]))
        assert lists.history == arrays.history

    def test_text_labels_are_numbered(self, softmax, flowers):
        """Text labels train as the numbers of their alphabetical order."""
        x, y = flowers
        names = np.array(["ant", "bee", "cat"])
        expected = hr.fit(softmax, x, y, epochs=2, validation_split=0.2).history
        found = hr.fit(softmax, x, names[y], epochs=2, validation_split=0.2)
        assert found.history == expected

    @pytest.mark.parametrize("named", [False, True])
    def test_several_inputs_and_outputs(self, keras, flowers, named):
        """Lists and dicts of inputs and outputs train, validate and predict."""
        x, y = flowers

        def forked():
            a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b")
            joined = keras.layers.Concatenate()([a, b])
            outputs = {
                "kind": keras.layers.Dense(3, activation="softmax", name="kind")(
                    joined
                ),
                "size": keras.layers.Dense(1, name="size")(joined),
                "age": keras.layers.Dense(1, name="age")(joined),
            }
            losses = {
                "kind": "sparse_categorical_crossentropy",
                "size": "mse",
                "age": "mae",
            }
            if named:
                model = keras.Model({"a": a, "b": b}, outputs)
                model.compile("sgd", losses)
            else:
                model = keras.Model([a, b], list(outputs.values()))
                model.compile("sgd", list(losses.values()))
            return model

        def part(rows):
            inputs = {"a": x[rows, :2], "b": x[rows, 2:]}
            outputs = {"kind": y[rows], "size": x[rows, 0], "age": x[rows, 3]}
            if named:
                return inputs, outputs
            return list(inputs.values()), list(outputs.values())

        train, validation = slice(0, 90), slice(90, 120)
        fit = hr.fit(forked, *part(train), epochs=2, validation_data=part(validation))
        assert fit.n_validation == 30
        assert fit.record.updates_per_epoch == 3
        found = scored(fit, *part(validation))
        assert found["val_loss"] == pytest.approx(fit.history["val_loss"][-1], rel=1e-5)

    def test_sample_weights_weigh(self, straight, line):
        """Rows of weight 0 teach nothing, and weights count in the validation loss."""
        x, y = line
        weight = np.ones(60, np.float32)
        weight[::2] = 0.0
        spoiled = y.copy()
        spoiled[::2] = -100.0
        clean, other = (
            hr.fit(
                straight,
                x,
                target,
                epochs=2,
                sample_weight=weight,
                validation_split=0.25,
                batch_size=60,
            )
            for target in (y, spoiled)
        )
        assert clean.record.final_weights == other.record.final_weights
        assert clean.history["val_loss"] == other.history["val_loss"]
        assert clean.history["val_mae"] != other.history["val_mae"]

    def test_class_weights_weigh_training_rows_only(self, softmax, flowers):
        """A class of weight 0 teaches nothing; the validation loss counts it."""
        x, y = flowers
        options = {"epochs": 2, "validation_split": 0.25}
        moved = x + 5.0 * (y == 0)[:, None]
        fit, other = (
            hr.fit(softmax, rows, y, class_weight={0: 0.0, 1: 1.0, 2: 2.0}, **options)
            for rows in (x, moved)
        )
        assert fit.record.final_weights == other.record.final_weights
        assert fit.history["val_loss"] != other.history["val_loss"]
        rows = fit._result.assignment.member.validation_rows
        found = scored(fit, x[rows], y[rows])
        assert found["val_loss"] == pytest.approx(fit.history["val_loss"][-1], rel=1e-5)


class TestStopping:
    """Early stopping, said in either way."""

    def test_both_ways_of_saying_it_are_one(self, keras, net, flowers):
        """hr.EarlyStopping and Keras's own give the same training and record."""
        x, y = flowers
        shared = {"epochs": 12, "validation_split": 0.25}
        rule = {"monitor": "val_accuracy", "patience": 2, "min_delta": 0.02}
        ours = hr.fit(net, x, y, early_stopping=hr.EarlyStopping(**rule), **shared)
        callback = keras.callbacks.EarlyStopping(restore_best_weights=True, **rule)
        theirs = hr.fit(net, x, y, callbacks=[callback], **shared)
        assert ours.record.stop_reason == theirs.record.stop_reason == "patience"
        assert ours.history == theirs.history
        assert ours.record.final_weights == theirs.record.final_weights
        assert len(ours.epoch) == ours.record.stopped_epoch + 1 < 12

    def test_the_best_weights_are_the_model(self, net, flowers):
        """The returned model scores what the best epoch did, not the last."""
        x, y = flowers
        fit = hr.fit(
            net,
            x[:90],
            y[:90],
            epochs=10,
            validation_data=(x[90:], y[90:]),
            early_stopping=hr.EarlyStopping(patience=3),
        )
        losses = fit.history["val_loss"]
        assert fit.record.best_epoch == int(np.argmin(losses))
        found = scored(fit, x[90:], y[90:])
        assert found["val_loss"] == pytest.approx(min(losses), rel=1e-5)

    def test_a_callback_object_may_be_used_again(self, keras, net, flowers):
        """A Keras EarlyStopping carries nothing from one fit into the next."""
        callback = keras.callbacks.EarlyStopping(patience=1)
        options = {"epochs": 6, "validation_split": 0.25, "callbacks": [callback]}
        once, again = (hr.fit(net, *flowers, **options) for _ in range(2))
        assert once.history == again.history

    def test_callbacks_come_as_in_keras(self, keras, net, flowers):
        """One callback needs no list, and None is none."""
        callback = keras.callbacks.EarlyStopping(patience=1)
        options = {"epochs": 6, "validation_split": 0.25}
        alone, listed, none = (
            hr.fit(net, *flowers, callbacks=given, **options)
            for given in (callback, [callback], None)
        )
        assert alone.history == listed.history
        assert none.record.stop_reason == "epochs"

    def test_a_stored_fit_remembers_kerass_rule(self, keras, softmax, flowers, store):
        """The rule that a Keras callback stands for is in the stored settings."""
        from homeroom.store import open_store

        callback = keras.callbacks.EarlyStopping(patience=4)
        hr.fit(
            softmax, *flowers, validation_split=0.2, callbacks=[callback], store=store
        )
        run = open_store(store).read_run()
        assert run.settings.early_stopping["patience"] == 4
        assert run.settings.early_stopping["restore_best_weights"] is False


class TestInstances:
    """A live model stands for its architecture."""

    def test_a_live_model_is_copied_and_not_trained(self, keras, net, flowers):
        """The instance keeps its weights; the copy starts from fresh ones."""
        x, y = flowers
        model = net()
        model.fit(x, y, epochs=2, verbose=0)
        before = weights_of(model)
        fit = hr.fit(model, x, y, epochs=2, seed=3)
        for a, b in zip(before, weights_of(model), strict=True):
            np.testing.assert_array_equal(a, b)
        keras.utils.set_random_seed(3)
        fresh = template.weights_fingerprint(template.state_of(net()))
        assert fit.record.initial_weights == fresh
        assert fit.model is not model

    def test_what_a_copy_would_lack_is_refused(self, keras, net, straight, line):
        """What Keras's configurations leave out is an error, not another training."""
        x, y = line
        model = straight()
        model.compile("sgd", keras.losses.Huber())
        assert hr.fit(model, x, y).epoch == [0]
        model.compile("sgd", keras.losses.Huber(delta=0.3))
        with pytest.raises(hr.InputError, match=r"lack the arguments .*0\.3.* Huber"):
            hr.fit(model, x, y)
        optimizer = keras.optimizers.AdamW()
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        model.compile(optimizer, "mse")
        with pytest.raises(hr.InputError, match="excludes from weight decay"):
            hr.fit(model, x, y)
        scale = keras.layers.Normalization()
        scale.adapt(x)
        model = keras.Sequential([keras.Input(x.shape[1:]), scale, model])
        model.compile("sgd", "mse")
        with pytest.raises(hr.InputError, match="was adapted to"):
            hr.fit(model, x, y)

    def test_a_live_model_with_a_scaled_loss(self, keras, softmax, flowers):
        """An optimizer inside another is copied as often as it is asked for."""
        model = softmax()
        scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam())
        model.compile(scaled, "sparse_categorical_crossentropy")
        assert hr.fit(model, *flowers, epochs=2).record.state == "COMPLETE"

    def test_a_live_model_trains_as_its_function(self, net, flowers):
        """Copy and function give the same history."""
        options = {"epochs": 2, "validation_split": 0.2, "seed": 4}
        copy, function = (hr.fit(m, *flowers, **options) for m in (net(), net))
        assert copy.history == function.history


def test_ctrl_c_carries_what_was_done(softmax, flowers, ctrl_c):
    """Interrupted is a KeyboardInterrupt whose .result has the epochs so far."""

    def stop(event):
        if isinstance(event, EpochEnded) and event.epoch == 50:
            ctrl_c()

    with pytest.raises(Interrupted) as stopped:
        hr.fit(softmax, *flowers, epochs=20_000, validation_split=0.2, listener=stop)
    assert isinstance(stopped.value, KeyboardInterrupt)
    fit = stopped.value.result
    assert fit.record.state == "INTERRUPTED"
    assert 50 < len(fit.history["loss"]) < 20_000
    assert fit.model.predict(flowers[0], verbose=0).shape == (120, 3)


def test_a_diverging_fit_is_an_error_with_advice(straight, line):
    """NaN in the training is a FitError that says what to try."""
    x, y = line
    with pytest.raises(hr.FitError, match="smaller learning rate"):
        hr.fit(straight, x * 1e18, y, epochs=5)


def test_a_store_that_cannot_be_is_known_before_training(softmax, flowers, tmp_path):
    """A wrong store= costs no training."""
    events = []
    with pytest.raises(hr.StoreError):
        hr.fit(
            softmax,
            *flowers,
            store=tmp_path / "no" / "runs.db",
            listener=events.append,
        )
    assert events == []


def test_integers_of_numpy_are_integers(softmax, flowers, store):
    """NumPy's whole numbers are taken wherever whole numbers are, and stored."""
    fit = hr.fit(
        softmax,
        *flowers,
        epochs=np.int64(2),
        batch_size=np.int32(40),
        seed=np.int64(1),
        store=store,
    )
    assert fit.record.updates_per_epoch == 3


def test_a_model_no_better_than_the_most_frequent_class_is_told_so(keras):
    """Nine of ten rows are of one class, and the columns say nothing: underfitting."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(200, 4)).astype("float32")
    y = (np.arange(200) % 10 == 0).astype("int32")

    def guess():
        model = keras.Sequential([
            keras.Input((4,)),
            keras.layers.Dense(1, activation="sigmoid"),
        ])
        model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
        return model

    fitted = hr.fit(guess, x, y, epochs=20, validation_split=0.25)
    assert fitted.baseline == pytest.approx(0.9)
    assert fitted.verdict.kind == "underfitting"
    assert "without looking gives 90.0 %" in fitted.verdict.text
    assert hr.fit(guess, x, y, epochs=2).baseline is None
