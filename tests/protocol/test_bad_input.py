"""Bad input: one error before training, with the place named, and nothing written."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import homeroom as hr
from homeroom.records import EpochEnded


def yes_or_no():
    model = keras.Sequential([keras.layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


class Own(keras.Model):
    """A model whose outputs Keras knows only by calling it."""

    def __init__(self):
        super().__init__()
        self.head = keras.layers.Dense(3, "softmax")

    def call(self, x):
        return self.head(x)


def subclassed():
    model = Own()
    model.compile("adam", "sparse_categorical_crossentropy")
    return model


class Refused:
    """What every case is held to: one error, no epoch, no store."""

    def __init__(self, store):
        self.store = store

    def __call__(self, call, *args, match, error=hr.HomeroomError, **options):
        epochs = []

        def listener(event):
            if isinstance(event, EpochEnded):
                epochs.append(event)

        with pytest.raises(error, match=match) as refused:
            call(*args, listener=listener, **options)
        assert not epochs
        assert not self.store.exists()
        assert "\n" not in str(refused.value)


@pytest.fixture
def refused(store):
    return Refused(store)


@pytest.fixture(params=["fit", "cross_validate", "Experiment"])
def train(request, store):
    """The three doors, called in one way."""

    def experiment(model, x, y, *, cv=3, listener, **options):
        entered = hr.Experiment(x, y, store=store, test_size=0.25)
        run_options = {k: v for k, v in options.items() if k not in {"sample_weight"}}
        entered.add("net", model).run(cv=cv, listener=listener, **run_options)

    def fit(model, x, y, **options):
        hr.fit(model, x, y, validation_split=0.25, store=store, **options)

    def cross_validate(model, x, y, **options):
        hr.cross_validate(model, x, y, **({"cv": 3} | options), store=store)

    return {
        "fit": fit,
        "cross_validate": cross_validate,
        "Experiment": experiment,
    }[request.param]


class TestData:
    """Rows that cannot be learned from."""

    def test_lengths(self, refused, train, softmax, flowers):
        """x and y of different lengths are refused with both."""
        x, y = flowers
        refused(train, softmax, x, y[:-1], error=hr.DataError, match=r"120.*119")

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_not_finite_x(self, refused, train, softmax, flowers, bad):
        """NaN and infinity are named by row and column."""
        x = flowers[0].copy()
        x[[4, 9], 2] = bad
        y = flowers[1]
        # the experiment's own rows only: 4 or 9 may be sealed
        named = r"(rows? \(rows 4|rows 4, 9|rows 9).*column 2"
        refused(train, softmax, x, y, error=hr.DataError, match=named)

    def test_not_finite_y(self, refused, train, straight, line):
        """A missing answer is named by its row."""
        x, y = line
        y = y.copy()
        y[7] = np.nan
        refused(train, straight, x, y, error=hr.DataError, match=r"rows 7\)")

    def test_text_among_labels(self, refused, train, softmax, flowers):
        """A missing text label is named by its row."""
        x, y = flowers
        names = np.array(["a", "b", "c"], dtype=object)[y]
        names[5] = None
        refused(train, softmax, x, names, error=hr.DataError, match=r"rows 5\)")

    def test_labels_beyond_the_outputs(self, refused, train, softmax, flowers):
        """A label that the model has no output for is not clipped in silence."""
        x, y = flowers
        y = y.copy()
        y[y == 2] = 3
        refused(train, softmax, x, y, error=hr.DataError, match=r"3 outputs.*: 3 in")

    def test_labels_beyond_the_outputs_are_named_by_their_rows(
        self, refused, softmax, flowers
    ):
        """In an experiment, too, rows are those that were given, and not of the cut."""
        x, y = flowers
        y = y.copy()
        y[[97, 111]] = 7
        cv = hr.KFold(3)
        for options, folds in (({}, cv), ({"time": np.arange(120)[::-1]}, 3)):
            entered = hr.Experiment(x, y, store=refused.store, seed=3, **options)
            entered.add("net", softmax)
            named = r"7 in [12] rows? \(rows (97, 111|111, 97|97|111)\)"
            refused(entered.run, cv=folds, error=hr.DataError, match=named)

    def test_what_preprocessing_leaves_is_named_by_its_row(
        self, refused, softmax, flowers
    ):
        """A missing cell that nothing fills in is found in the rows as given."""
        from sklearn.preprocessing import StandardScaler

        x = flowers[0].copy()
        x[[97, 111], 2] = np.nan
        entered = hr.Experiment(
            x, flowers[1], store=refused.store, preprocess=StandardScaler()
        )
        entered.add("net", softmax)
        named = r"[12] rows? \(rows (97, 111|97|111)\) hold NaN"
        refused(entered.run, error=hr.DataError, match=named)

    def test_labels_from_minus_one(self, refused, train, softmax, flowers):
        """Labels -1, 0, 1 are not read as the last class and the first two."""
        x, y = flowers
        refused(train, softmax, x, y - 1, error=hr.DataError, match=r"-1.*0\.\.2")

    @pytest.mark.parametrize(
        "labels", [(1, 2), (-1, 1), ("a", "b", "c")], ids=["1-2", "minus-one", "text"]
    )
    def test_labels_that_are_no_probabilities(self, refused, train, flowers, labels):
        """Binary crossentropy is not trained on labels that are not 0 and 1."""
        x, y = flowers
        named = np.array(labels)[y % len(labels)]
        wrong = labels[0 if labels[0] == -1 else -1] if len(labels) < 3 else 2
        found = rf"y holds {wrong} in \d+ rows? .*probabilities from 0 to 1"
        refused(train, yes_or_no, x, named, error=hr.DataError, match=found)

    def test_losses_of_ones_own_say_what_labels_mean(self, flowers):
        """A loss that leaves rows of -1 out, or a class, is trained on them."""

        class Masked(keras.losses.BinaryCrossentropy):
            def call(self, y_true, y_pred):
                return super().call(keras.ops.maximum(y_true, 0), y_pred)

        def compiled(width, loss):
            kind = "sigmoid" if width == 1 else "softmax"
            model = keras.Sequential([keras.layers.Dense(width, kind)])
            model.compile("sgd", loss)
            return model

        ignoring = keras.losses.SparseCategoricalCrossentropy(ignore_class=-1)
        x, y = flowers
        hr.fit(lambda: compiled(1, Masked()), x, y[:, None] - 1)
        hr.fit(lambda: compiled(2, ignoring), x, y - 1)

    def test_a_label_that_only_the_validation_has(self, refused, flowers):
        """A label of `validation_data` that moves the others' numbers is refused."""
        x, y = flowers
        words = np.array(["no", "yes", "maybe"])[y]
        rows = y < 2
        given = {"validation_data": (x[100:], words[100:]), "store": refused.store}
        x, words = x[:100][rows[:100]], words[:100][rows[:100]]
        found = r"labels are 'maybe', 'no', 'yes'"
        refused(hr.fit, yes_or_no, x, words, error=hr.DataError, match=found, **given)

    def test_labels_beyond_the_outputs_of_a_class_of_ones_own(
        self, refused, train, flowers
    ):
        """A subclassed model does not tell its width; what it returns does."""
        x, y = flowers
        found = r"3 outputs.*: 3 in"
        refused(train, subclassed, x, y + 1, error=hr.DataError, match=found)

    def test_fractions_as_labels(self, refused, train, softmax, flowers):
        """Fractions are no labels for a sparse loss."""
        x, y = flowers
        found = r"(0\.\.2|whole number)"
        refused(train, softmax, x, y + 0.5, error=hr.DataError, match=found)

    def test_integers_beyond_int32(self, refused, train, softmax, flowers):
        """An identifier that Keras would wrap around is named by its place."""
        _, y = flowers
        wide = np.arange(480).reshape(120, 4)
        wide[3, 1] = 2**31
        refused(train, softmax, wide, y, error=hr.DataError, match=r"row 3, column 1")

    def test_nothing(self, refused, train, softmax):
        """No rows, no training."""
        empty = np.zeros((0, 4))
        refused(train, softmax, empty, np.zeros(0), match=r"no rows|length 0")

    def test_one_class(self, refused, train, softmax, flowers):
        """Where all labels are the same there is nothing to learn."""
        x, y = flowers
        refused(train, softmax, x, np.zeros_like(y), match="same label")


class TestFolds:
    """Folds that cannot be cut."""

    @pytest.fixture(params=["cross_validate", "Experiment"])
    def door(self, request, store):
        def experiment(model, x, y, *, cv, listener):
            entered = hr.Experiment(x, y, store=store, test_size=10)
            entered.add("net", model).run(cv=cv, listener=listener)

        def cross_validate(model, x, y, **options):
            hr.cross_validate(model, x, y, store=store, **options)

        doors = {"cross_validate": cross_validate, "Experiment": experiment}
        return doors[request.param]

    @pytest.mark.parametrize("k", [0, 1, -2])
    def test_too_few(self, refused, door, softmax, flowers, k):
        """One fold is none."""
        refused(door, softmax, *flowers, cv=k, match="n_splits")

    def test_more_than_rows(self, refused, door, straight, line):
        """More folds than rows are refused with the number of rows."""
        refused(door, straight, *line, cv=hr.KFold(61), match=r"\b(60|50)\b")

    def test_more_than_the_smallest_class(self, refused, door, softmax, flowers):
        """The largest legal number of folds is named, with the class."""
        x, y = flowers
        rows = np.r_[np.flatnonzero(y < 2), np.flatnonzero(y == 2)[:8]]
        refused(
            door,
            softmax,
            x[rows],
            y[rows],
            cv=10,
            match=r"'2' has [78].*Use [78] folds at most",
        )

    def test_rows_on_both_sides(self, refused, door, softmax, flowers):
        """A row to train and to validate on is a leak, with its number."""
        pairs = [(np.arange(60), np.arange(59, 90))]
        refused(
            door, softmax, *flowers, cv=pairs, error=hr.LeakageError, match=r"ids 59\)"
        )

    def test_an_empty_part(self, refused, door, softmax, flowers):
        """A fold that validates on nothing is refused."""
        pairs = [(np.arange(60), np.arange(0))]
        refused(door, softmax, *flowers, cv=pairs, match="validation part.*empty")

    def test_nonsense(self, refused, door, softmax, flowers):
        """What is no way of cutting is refused by its name."""
        refused(door, softmax, *flowers, cv="five", match="'five'")


class TestValidation:
    """Rows to validate a fit on."""

    def test_zero_rows(self, refused, softmax, flowers):
        """No validation rows are refused where Keras accepts them."""
        x, y = flowers
        nothing = (x[:0], y[:0])
        refused(hr.fit, softmax, x, y, validation_data=nothing, match="no rows")
        refused(hr.fit, softmax, x, y, validation_split=1.0, match="validation_split")

    def test_other_columns(self, refused, softmax, flowers):
        """Validation rows of another width are refused with both shapes."""
        x, y = flowers
        refused(
            hr.fit,
            softmax,
            x,
            y,
            validation_data=(x[:, :3], y),
            match=r"\(4,\).*\(3,\)",
        )

    def test_lengths_that_make_up_for_each_other(self, refused, softmax, flowers):
        """A row too few here and too many there do not pass for equal lengths."""
        x, y = flowers
        refused(
            hr.fit,
            softmax,
            x[:100],
            y[:101],
            validation_data=(x[100:], y[101:]),
            match="training data: x has 100 rows, y has 101",
        )

    def test_both_ways(self, refused, softmax, flowers):
        """validation_split beside validation_data would have no effect."""
        x, y = flowers
        refused(
            hr.fit,
            softmax,
            x,
            y,
            validation_split=0.2,
            validation_data=(x, y),
            match="Leave one out",
        )

    def test_weights_of_one_side(self, refused, softmax, flowers):
        """Weights for training rows only would weigh the validation loss otherwise."""
        x, y = flowers
        refused(
            hr.fit,
            softmax,
            x,
            y,
            validation_data=(x, y),
            sample_weight=np.ones(120),
            match="Give both",
        )


class TestArguments:
    """Arguments that are wrong, or would have no effect."""

    @pytest.mark.parametrize("seeds", [0, True, 1.5])
    def test_seeds_are_counted(self, flowers, softmax, seeds):
        """A number of seeds that is none is refused by name."""
        with pytest.raises(hr.InputError, match=f"seeds={seeds}: use a whole number"):
            hr.cross_validate(softmax, *flowers, cv=3, seeds=seeds)

    @pytest.mark.parametrize(
        ("options", "match"),
        [
            ({"epochs": 0}, "epochs=0"),
            ({"epochs": 2.5}, "epochs=2.5"),
            ({"epochs": True}, "epochs=True"),
            ({"batch_size": -1}, "batch_size=-1"),
            ({"verbose": "loud"}, "verbose='loud'"),
            ({"metric": "acuracy"}, "Did you mean 'accuracy'"),
            ({"class_weight": {5: 1.0}}, "names 5"),
            ({"class_weight": {"cat": 1.0}}, "names 'cat'"),
            (
                {"early_stopping": hr.EarlyStopping(monitor="val_acc")},
                "Did you mean 'val_accuracy'",
            ),
        ],
        ids=str,
    )
    def test_each(self, refused, train, softmax, flowers, options, match):
        """Each is refused with what was given."""
        refused(train, softmax, *flowers, match=match, error=hr.InputError, **options)

    @pytest.mark.parametrize("seed", [-1, 1.5, "seven", 2**40, None])
    def test_seeds(self, refused, softmax, flowers, store, seed):
        """A seed is a whole number that all libraries take."""
        for call in (hr.fit, hr.cross_validate):
            refused(call, softmax, *flowers, seed=seed, store=store, match="seed=")
        with pytest.raises(hr.InputError, match="seed="):
            hr.Experiment(*flowers, seed=seed, store=store)

    @pytest.mark.parametrize(("name", "value"), [("seeds", 0), ("lanes", 0)])
    def test_counts(self, refused, softmax, flowers, store, name, value):
        """Zero trainings are none."""
        entered = hr.Experiment(*flowers, store=store).add("net", softmax)
        refused(entered.run, match=f"{name}=0", **{name: value})
        options = {name: value, "store": store}
        refused(hr.cross_validate, softmax, *flowers, match=f"{name}=0", **options)

    def test_lanes_in_words(self, refused, softmax, flowers):
        """A number written as text is none."""
        refused(hr.cross_validate, softmax, *flowers, lanes="2", match="lanes='2'")

    @pytest.mark.parametrize("given", ["class", "number", "Keras's"])
    def test_a_rule_of_another_kind(self, refused, train, softmax, flowers, given):
        """Only our own rule is taken; where Keras's belongs is said."""
        from keras.callbacks import EarlyStopping

        rules = {"class": hr.EarlyStopping, "number": 5, "Keras's": EarlyStopping()}
        options = {"early_stopping": rules[given], "match": "callbacks="}
        refused(train, softmax, *flowers, error=hr.InputError, **options)

    @pytest.mark.parametrize("weight", ["1", -1.0, float("nan"), None])
    def test_a_class_weight_that_is_no_number(self, refused, softmax, flowers, weight):
        """A weight is a number from 0 on, or named with its class."""
        told = "class 1 the weight"
        refused(hr.fit, softmax, *flowers, class_weight={1: weight}, match=told)

    def test_one_standard_error_of_no_validation_score(self, refused, softmax, flowers):
        """Folds are compared by what is measured on validation rows."""
        options = {
            "epoch_choice": "one_std_err",
            "early_stopping": hr.EarlyStopping(monitor="loss"),
        }
        refused(
            hr.cross_validate, softmax, *flowers, match="monitors 'loss'", **options
        )

    def test_class_and_sample_weights(self, refused, softmax, flowers):
        """Two kinds of weights at once are refused, as in Keras."""
        options = {"class_weight": {0: 1.0, 1: 2.0}, "sample_weight": np.ones(120)}
        for call in (hr.fit, hr.cross_validate):
            refused(call, softmax, *flowers, match="takes one of them", **options)

    def test_class_weights_of_numbers(self, refused, straight, line):
        """A regression has no classes to weigh."""
        refused(hr.fit, straight, *line, class_weight={0: 1.0}, match="no effect")

    @pytest.mark.parametrize("weights", [[1.0, 1.0, 2.0], "balanced", np.ones(3)])
    def test_class_weights_that_are_no_dict(self, refused, softmax, flowers, weights):
        """What scikit-learn calls class weights is sent to the form that Keras has."""
        refused(hr.fit, softmax, *flowers, class_weight=weights, match="use a dict")

    def test_a_monitor_that_needs_validation_rows(self, refused, softmax, flowers):
        """Watching val_loss without validation rows is an error, not a warning."""
        rule = hr.EarlyStopping()
        refused(hr.fit, softmax, *flowers, early_stopping=rule, match="val_loss")

    def test_stopping_said_twice(self, refused, train, softmax, flowers, keras):
        """Two rules to stop by are refused."""
        refused(
            train,
            softmax,
            *flowers,
            early_stopping=hr.EarlyStopping(),
            callbacks=[keras.callbacks.EarlyStopping()],
            match="given twice",
        )

    def test_a_rule_made_of_keras_s(self, refused, train, softmax, flowers, keras):
        """What is derived from EarlyStopping may do anything: it is refused by name."""

        class Patient(keras.callbacks.EarlyStopping):
            def on_epoch_end(self, epoch, logs=None):
                if epoch > 3:
                    super().on_epoch_end(epoch, logs)

        refused(
            train,
            softmax,
            *flowers,
            callbacks=[Patient()],
            match="Patient cannot be honoured",
        )

    def test_a_callback_that_changes_the_model(
        self, refused, train, softmax, flowers, keras
    ):
        """A callback that cannot be honoured is named, with what to use instead."""
        refused(
            train,
            softmax,
            *flowers,
            callbacks=[keras.callbacks.ReduceLROnPlateau()],
            match="ReduceLROnPlateau.*schedule",
        )


class TestModels:
    """Model functions that are none."""

    def test_uncompiled(self, refused, train, flowers, keras):
        """An uncompiled model is refused with what to call."""

        def bare():
            return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])

        refused(train, bare, *flowers, match=r"uncompiled.*model\.compile")

    def test_an_uncompiled_instance(self, refused, train, flowers, keras):
        """So is a live model that was never compiled."""
        bare = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        refused(train, bare, *flowers, match=r"uncompiled.*model\.compile")

    def test_nothing_returned(self, refused, train, flowers):
        """A function that forgot its return is told what to return."""
        refused(train, lambda: None, *flowers, match="returned NoneType")

    def test_an_instance_that_keras_cannot_copy(self, refused, train, flowers):
        """A class of one's own without a configuration is asked for as a function."""
        found = "Keras cannot copy the model .* Pass the function"
        refused(train, subclassed(), *flowers, match=found)

    def test_the_same_model_twice(self, refused, train, flowers, softmax):
        """A function that hands out one model again would leak between folds."""
        one = softmax()
        refused(train, lambda: one, *flowers, match="the same layers twice")

    def test_another_width(self, refused, train, flowers, keras):
        """A model of other inputs is refused with the shapes of the data."""

        def narrow():
            model = keras.Sequential([keras.Input((7,)), keras.layers.Dense(3)])
            model.compile("sgd", "mse")
            return model

        refused(train, narrow, *flowers, match=r"narrow\(\).*120, 4|narrow\(\).*, 4\)")

    def test_one_that_fails(self, refused, train, flowers):
        """An error inside the function is told with its own words."""

        def broken():
            raise RuntimeError("out of ideas")

        refused(train, broken, *flowers, match=r"broken\(\) failed.*out of ideas")

    def test_an_estimator_and_labels_below_zero(self, refused, flowers):
        """Columns of probabilities have no place for a class of -1."""
        from sklearn.linear_model import LogisticRegression

        x, y = flowers
        refused(hr.cross_validate, LogisticRegression(), x, y - 1, match="label -1")

    def test_an_estimator_and_labels_that_are_codes(self, refused, flowers):
        """Two labels of seven digits are no million columns of probabilities."""
        from sklearn.linear_model import LogisticRegression

        x, y = flowers
        codes = 1_000_000 + y
        said = "label 1000002. Number the classes"
        refused(hr.cross_validate, LogisticRegression(), x, codes, match=said)

    def test_an_estimator_and_several_numbers(self, refused, flowers):
        """Two numbers a row are not read as two classes."""
        from sklearn.linear_model import Ridge

        from homeroom.data import from_arrays

        x, _ = flowers
        data = from_arrays(x, x[:, :2], task="regression")
        entered = hr.Experiment(data, store=refused.store).add("ridge", Ridge())
        refused(entered.run, match=r"one number for each row; y has shape \[96, 2\]")
        alone = hr.Experiment(data, store=refused.store)
        refused(alone.run, match="several numbers to predict")

    def test_losses_that_differ_compare_nobody(self, refused, line):
        """Without a metric that all have, another loss is another unit."""
        import keras
        from sklearn.linear_model import Ridge

        def net(loss="mae"):
            model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
            model.compile("sgd", loss)
            return model

        told = "losses differ: mean_(absolute|squared)_error .* mean_(absolute|squared)"
        x, y = line
        refused(hr.tune, net, {"loss": ["mae", "mse"]}, x, y, match=told)
        deltas = {"loss": [keras.losses.Huber(0.1), keras.losses.Huber(5.0)]}
        refused(hr.tune, net, deltas, x, y, match=r"differ: huber \(delta=")
        entered = hr.Experiment(x, y, store=refused.store)
        entered.add("net", net).add("ridge", Ridge())
        refused(entered.run, match=told)

    def test_an_estimator_in_fit(self, refused, flowers):
        """fit is for epochs; an estimator is sent to where it belongs."""
        from sklearn.dummy import DummyClassifier

        refused(hr.fit, DummyClassifier(), *flowers, match="cross_validate")
