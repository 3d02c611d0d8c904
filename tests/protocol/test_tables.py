"""Tables with missing cells and categories, from the file to predictions."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

import homeroom as hr
from homeroom import data, splits
from homeroom.data import frame_for
from homeroom.engine import models
from homeroom.protocol import default_candidates, predict_file
from homeroom.store import open_store

RARE = 7  # the row of the only ruby-coloured pet


@pytest.fixture(scope="session")
def pets():
    """90 pets: numbers and categories with holes, an id, and what kind they are."""
    rng = np.random.default_rng(4)
    kind = np.arange(90) % 2
    weight = np.round(rng.normal(4 + 6 * kind, 1.5), 2).tolist()
    color = rng.choice(["grey", "white", "red"], 90).tolist()
    for i in range(0, 90, 9):
        weight[i] = None
        color[i + 1] = None
    return pl.DataFrame({
        "id": [f"pet-{i:03}" for i in range(90)],
        "weight": weight,
        "color": color,
        "indoor": rng.choice(["yes", "no"], 90),
        "pet": np.where(kind, "dog", "cat"),
    })


@pytest.fixture
def table(tmp_path):
    """Write a frame as CSV and read it as a dataset."""

    def read(frame, target="pet", name="pets.csv"):
        path = tmp_path / name
        frame.write_csv(path)
        return hr.read_table(path, target=target)

    return read


@pytest.fixture
def sat(table, store, pets):
    """A finished run of one cheap candidate on the pets."""
    experiment = hr.Experiment(table(pets), seed=2, store=store)
    experiment.add("logistic", LogisticRegression())
    return experiment.run(cv=3, verbose=0)


def test_the_ready_made_candidates_take_any_table(table, pets, store):
    """Missing cells and categories are no candidate's undoing, nor the test's."""
    dataset = table(pets)
    experiment = hr.Experiment(dataset, seed=2, store=store)
    for name, source, hyperparameters in default_candidates(dataset):
        experiment.add(name, source, **hyperparameters)
    run = experiment.run(cv=2, epochs=1, verbose=0)
    assert {m.state for m in run.record.members} == {"COMPLETE"}
    assert len(run.record.candidates) == 4
    assert run.selection.n_compared == 4
    assert "median" in run.record.settings.preprocessing
    assert np.isfinite(run.final_test().score)


@pytest.fixture
def one_ruby(pets):
    """The pets, with a color that one of them has."""
    is_rare = pl.int_range(90) == RARE
    return pets.with_columns(
        color=pl.when(is_rare).then(pl.lit("ruby")).otherwise(pl.col("color"))
    )


def test_a_category_of_one_fold_only(table, one_ruby, store):
    """A fold without a rare category has a narrower model, and all is well."""
    dataset = table(one_ruby)
    assert RARE in splits.partition(dataset, seed=2).development
    experiment = hr.Experiment(dataset, seed=2, store=store)
    experiment.add("linear", models.linear).add("logistic", LogisticRegression())
    run = experiment.run(cv=3, epochs=2, verbose=0)
    assert {m.state for m in run.record.members} == {"COMPLETE"}
    assert len({c.n_weights for c in run.record.candidates}) == 2
    assert np.isfinite(run.final_test().score)


def test_a_model_of_fixed_width_is_refused_before_training(
    table, one_ruby, store, keras
):
    """A width that only some folds have is known before anything is trained."""
    experiment = hr.Experiment(table(one_ruby), test_size=1, seed=0, store=store)
    pairs = [(np.arange(45), np.arange(45, 60)), (np.arange(20, 89), np.arange(10))]
    seen = []

    def fixed(n_features):
        seen.append(n_features)
        model = keras.Sequential([
            keras.Input((seen[0],)),
            keras.layers.Dense(2, activation="softmax"),
        ])
        model.compile("sgd", "sparse_categorical_crossentropy")
        return model

    experiment.add("fixed", fixed)
    with pytest.raises(hr.InputError, match=r"fixed\(\) does not accept this data"):
        experiment.run(cv=pairs, epochs=1, verbose=0)
    assert len(set(seen)) == 2
    assert not store.exists()


def test_holes_in_all_test_rows_change_nothing_before_the_test(table, pets, store):
    """Empty cells in the sealed rows leave every training as it was."""
    dataset = table(pets)
    sealed = splits.partition(dataset, test_size=0.2, seed=2).test
    holes = pets.with_columns(
        weight=pl
        .when(pl.int_range(90).is_in(sealed.tolist()))
        .then(None)
        .otherwise(pl.col("weight"))
    )
    runs = []
    for number, frame in enumerate((pets, holes)):
        read = table(frame, name=f"pets{number}.csv")
        experiment = hr.Experiment(read, seed=2, store=store)
        experiment.add("logistic", LogisticRegression()).add("linear", models.linear)
        runs.append(experiment.run(cv=3, epochs=2, verbose=0))
    clean, poisoned = (run.record for run in runs)
    assert clean.partition.test_fingerprint != poisoned.partition.test_fingerprint
    assert [m.scores for m in clean.members] == [m.scores for m in poisoned.members]
    assert clean.selection == poisoned.selection
    assert np.isfinite(runs[1].final_test().score)


class TestPredictFile:
    """New files, through the stored winner."""

    def predicted(self, run, store, path):
        place = open_store(store)
        return predict_file(place.read_run(run.id), place, path)

    def test_an_id_named_like_a_probability_keeps_its_name(
        self, table, pets, store, tmp_path
    ):
        """What identifies the rows stays; the predicted column is named apart."""
        named = pets.rename({"id": "probability_cat"})
        experiment = hr.Experiment(table(named), store=store)
        run = experiment.add("linear", LogisticRegression()).run(cv=2, verbose=0)
        path = tmp_path / "new.csv"
        named.write_csv(path)
        found = self.predicted(run, store, path)
        assert found.columns == [
            "probability_cat",
            "pet",
            "probability_cat_predicted",
            "probability_dog",
        ]
        assert found["probability_cat"].to_list() == named["probability_cat"].to_list()
        assert found["probability_cat_predicted"].is_between(0, 1).all()

    def test_a_target_named_like_a_probability_is_not_overwritten(
        self, table, pets, store, tmp_path
    ):
        """The predicted labels and the probability of that name are both written."""
        named = pets.rename({"pet": "probability_cat"})
        dataset = table(named, target="probability_cat")
        experiment = hr.Experiment(dataset, store=store)
        run = experiment.add("linear", LogisticRegression()).run(cv=2, verbose=0)
        path = tmp_path / "new.csv"
        named.write_csv(path)
        found = self.predicted(run, store, path)
        assert set(found["probability_cat"]) == {"cat", "dog"}
        assert found["probability_cat_predicted"].is_between(0, 1).all()

    def test_a_row_in_a_row_out(self, sat, store, pets, tmp_path):
        """The id, the label and a share per class, in the file's order."""
        path = tmp_path / "new.csv"
        pets.drop("pet").reverse().write_csv(path)
        found = self.predicted(sat, store, path)
        assert found.columns == ["id", "pet", "probability_cat", "probability_dog"]
        assert found["id"].to_list() == pets["id"].reverse().to_list()
        shares = found.select(pl.col("^probability_.*$")).to_numpy()
        np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
        labels = np.array(["cat", "dog"])[shares.argmax(axis=1)]
        assert found["pet"].to_list() == labels.tolist()
        right = np.mean(labels == pets["pet"].reverse().to_numpy())
        assert right > 0.85

    def test_more_columns_and_another_order(self, sat, store, pets, tmp_path):
        """Columns that training did not know change no prediction."""
        plain, more = tmp_path / "plain.csv", tmp_path / "more.csv"
        pets.drop("pet").write_csv(plain)
        wide = pets.with_columns(owner=pl.lit("nobody"))
        wide.select(sorted(wide.columns)).write_csv(more)
        expected = self.predicted(sat, store, plain)
        assert self.predicted(sat, store, more).equals(expected)

    def test_a_missing_column(self, sat, store, pets, tmp_path):
        """A column that the model needs is named."""
        path = tmp_path / "less.csv"
        pets.drop("color").write_csv(path)
        with pytest.raises(hr.DataError, match=r"lacks 1 column.*'color'"):
            self.predicted(sat, store, path)

    def test_what_training_never_saw(self, sat, store, pets, tmp_path):
        """An unknown category and an empty cell are predicted all the same."""
        path = tmp_path / "odd.csv"
        odd = pets.head(3).with_columns(
            color=pl.Series(["violet", None, "red"]),
            weight=pl.Series([None, 3.0, 9.0]),
        )
        odd.write_csv(path)
        found = self.predicted(sat, store, path)
        assert found.height == 3
        assert found["probability_cat"].is_finite().all()

    def test_one_sigmoid_output(self, table, pets, store, keras, tmp_path):
        """A single output column is the share of the second class."""

        def sigmoid(n_features):
            model = keras.Sequential([
                keras.Input((n_features,)),
                keras.layers.Dense(1, activation="sigmoid"),
            ])
            rate = keras.optimizers.Adam(0.1)
            model.compile(rate, "binary_crossentropy", metrics=["accuracy"])
            return model

        experiment = hr.Experiment(table(pets), seed=2, store=store)
        run = experiment.add("net", sigmoid).run(cv=2, epochs=15, verbose=0)
        path = tmp_path / "new.csv"
        pets.write_csv(path)
        found = self.predicted(run, store, path)
        assert (found["pet"] == pets["pet"]).mean() > 0.85
        dogs = found.filter(pl.col("pet") == "dog")
        assert (dogs["probability_dog"] > 0.5).all()

    def test_arrays_have_no_columns(self, experiment, flowers, store, tmp_path):
        """A run on arrays is sent to run.predict."""
        run = experiment().add("logistic", LogisticRegression()).run(cv=3, verbose=0)
        with pytest.raises(hr.InputError, match=r"run\.predict"):
            self.predicted(run, store, tmp_path / "any.csv")


def test_labels_that_training_lacks_shift_no_column(tmp_path, store):
    """A class that exists and never occurs keeps its place among the shares."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(60, 2)) + np.repeat([[0, 0], [4, 4], [8, 0]], 20, axis=0)
    y = np.repeat([0, 1, 3], 20)
    experiment = hr.Experiment(x, y, seed=1, store=store)
    run = experiment.add("logistic", LogisticRegression()).run(cv=3, verbose=0)
    shares = run.predict(x)
    assert shares.shape == (60, 4)
    assert (shares[:, 2] == 0).all()
    assert (shares.argmax(axis=1) == y).mean() > 0.9
    assert run.final_test().score > 0.8


@pytest.mark.parametrize("model", [models.linear, models.mlp])
def test_the_unit_of_a_target_decides_nothing(model):
    """Prices in won or shares of a millionth: a default network learns them alike."""
    dice = np.random.default_rng(0)
    x = dice.normal(size=(90, 4)).astype(np.float32)
    y = x @ [1, 2, -1, 0.5] + 5 + 0.3 * dice.normal(size=90)
    key = "val_root_mean_squared_error"
    relative = [
        hr.cross_validate(model, x, scale * y, cv=2, epochs=60).mean(key) / scale
        for scale in (1e-6, 1.0, 3e8)
    ]
    assert relative == pytest.approx([relative[1]] * 3, rel=1e-3)
    assert relative[1] < 2.0


def test_categories_that_training_never_saw_are_told(table, pets, store, tmp_path):
    """A column that came in other words is named, with how many rows it is in."""
    experiment = hr.Experiment(table(pets), seed=2, store=store)
    run = experiment.add("linear", models.linear).run(cv=2, epochs=1, verbose=0)
    path = tmp_path / "new.csv"
    told = []
    for color in ("grey", "blue"):
        pets.with_columns(color=pl.lit(color)).write_csv(path)
        place = open_store(store)
        predict_file(place.read_run(run.id), place, path, tell=told.append)
    [note] = told
    assert "'color' holds categories that training never saw in 90 of 90" in note
    new = frame_for(run.record.dataset, path).x
    with pytest.warns(UserWarning, match="such as 'blue'"):
        run.predict(new)
    rank = ColumnTransformer([("categories", OrdinalEncoder(), ["color"])])
    own = hr.Experiment(table(pets), preprocess=rank)
    run = own.add("line", LogisticRegression()).run(cv=2, verbose=0)
    assert len(run.predict(table(pets).x)) == 90


def test_a_category_that_one_fold_saw_was_seen_by_the_ensemble():
    """Of several fitted encoders all are asked before a category is called unknown."""
    encoder = ColumnTransformer([("c", OneHotEncoder(), ["c"])])
    seen = [pl.DataFrame({"c": cells}) for cells in (["a", "b"], ["b", "c"])]
    encoders = [clone(encoder).fit(frame) for frame in seen]
    x = pl.DataFrame({"c": ["a", "b", "c"]})
    assert data.unknown_categories(encoders, x) == []
    [told] = data.unknown_categories(encoders[:1], x)
    assert "in 1 of 3 rows, such as 'c'" in told


def test_numbers_are_predicted_under_the_targets_name(table, pets, store, tmp_path):
    """A regression's predictions stand in one column, in the target's units."""
    frame = pets.with_columns(
        price=pl.col("weight").fill_null(5.0) * 100 + pl.int_range(90) / 7
    )
    dataset = table(frame, target="price")
    experiment = hr.Experiment(dataset, seed=2, store=store)
    run = experiment.add("linear", models.linear, learning_rate=0.05).run(
        cv=2, epochs=30, verbose=0
    )
    path = tmp_path / "new.csv"
    frame.drop("price").write_csv(path)
    place = open_store(store)
    found = predict_file(place.read_run(run.id), place, path)
    assert found.columns == ["id", "price"]
    assert np.corrcoef(found["price"], frame["price"])[0, 1] > 0.9
