"""Preprocessing learns from the rows it is given, and from no other."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import skops.io
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from homeroom.data import (
    Dataset,
    fit_preprocessing,
    from_arrays,
    read_table,
    table_preprocessing,
    transform,
)
from homeroom.errors import DataError, InputError


@pytest.fixture
def table(tmp_path):
    frame = pl.DataFrame({
        "n": [1.5, None, 3.5, 7.0] * 20,
        "c": ["a", None, "b", "a"] * 20,
        "flag": ["true", "false", "", "true"] * 20,
        "when": [f"2024-{i % 12 + 1:02d}-01" for i in range(80)],
        "y": ["no", "yes", "yes", "no"] * 20,
    })
    frame.write_csv(tmp_path / "t.csv")
    return read_table(tmp_path / "t.csv", "y")


def test_tables_become_finite_float32(table):
    """Numbers, categories, booleans and dates come out as finite float32 columns."""
    fitted = fit_preprocessing(table_preprocessing(table.record), table, range(80))
    values = transform(fitted, table.x)
    assert values.dtype == np.float32
    # n, flag and four date parts; indicators for n and flag; three categories
    assert values.shape == (80, 6 + 2 + 3)
    np.testing.assert_allclose(values[:, :6].mean(axis=0), 0, atol=1e-6)


def test_rows_outside_are_not_learned_from(table):
    """Poisoned rows outside the given ones leave the result unchanged."""
    poisoned = Dataset(
        table.x.with_columns(
            n=pl.when(pl.int_range(pl.len()) < 40).then("n").otherwise(1e30),
            c=pl.when(pl.int_range(pl.len()) < 40).then("c").otherwise(pl.lit("zz")),
        ),
        table.y,
        table.record,
    )
    results = []
    for data in (table, poisoned):
        fitted = fit_preprocessing(table_preprocessing(data.record), data, range(40))
        results.append(transform(fitted, data.x[:40]))
    np.testing.assert_array_equal(*results)
    everything = fit_preprocessing(
        table_preprocessing(poisoned.record), poisoned, range(80)
    )
    other = transform(everything, poisoned.x[:40])
    assert other.shape != results[0].shape or (other != results[0]).any()


def test_unseen_and_missing_categories_have_a_place(table):
    """A category never seen in training is all zeros, without a warning."""
    fitted = fit_preprocessing(table_preprocessing(table.record), table, range(80))
    new = table.x[:2].with_columns(c=pl.Series(["never seen", None]))
    values = transform(fitted, new)
    assert values[0, -3:].tolist() == [0, 0, 0]
    assert values[1, -3:].tolist() == [0, 0, 1]


def test_a_column_missing_in_all_train_rows_is_survived(table):
    """A fold whose train rows have no value in a column still preprocesses."""
    empty = table.x.with_columns(
        n=pl.when(pl.int_range(pl.len()) < 40).then(None).otherwise("n"),
        c=pl.when(pl.int_range(pl.len()) < 40).then(None).otherwise("c"),
    )
    data = Dataset(empty, table.y, table.record)
    fitted = fit_preprocessing(table_preprocessing(table.record), data, range(40))
    assert np.isfinite(transform(fitted, data.x)).all()


def test_fitted_preprocessing_is_saved_without_pickle(table):
    """skops writes it, and reads it back trusting nothing beyond its own list."""
    fitted = fit_preprocessing(table_preprocessing(table.record), table, range(80))
    dumped = skops.io.dumps(fitted)
    untrusted = skops.io.get_untrusted_types(data=dumped)
    assert all(name.startswith(("sklearn.", "numpy.", "scipy.")) for name in untrusted)
    again = skops.io.loads(dumped, trusted=untrusted)
    np.testing.assert_array_equal(transform(again, table.x), transform(fitted, table.x))


def test_any_transformer_is_cloned_and_fitted_on_the_rows():
    """A transformer of the user's stays unfitted; its clone knows only the rows."""
    x = np.vstack([np.ones((5, 2)), np.full((5, 2), 1e9)])
    data = from_arrays(x, [0, 1] * 5)
    mine = StandardScaler()
    fitted = fit_preprocessing(mine, data, range(5))
    assert fitted.mean_.tolist() == [1, 1]
    assert not hasattr(mine, "mean_")
    assert transform(fitted, data.x[:5]).tolist() == [[0, 0]] * 5


def test_sparse_output_becomes_dense():
    """A transformer with sparse output gives a plain array."""
    data = from_arrays([[0], [1], [2], [1]], [0, 1, 0, 1])
    fitted = fit_preprocessing(OneHotEncoder(), data, range(4))
    assert transform(fitted, data.x).tolist()[2] == [0, 0, 1]


def test_what_preprocessing_leaves_broken_is_refused():
    """NaN and text in the output name rows and columns."""
    gaps = from_arrays([[1.0], [np.nan], [2.0]], [1.5, 2.5, 3.5], allow_missing=True)
    fitted = fit_preprocessing(StandardScaler(), gaps, range(3))
    with pytest.raises(DataError, match=r"1 row \(rows 1\).*columns 'x0'"):
        transform(fitted, gaps.x)
    filled = make_pipeline(SimpleImputer(), StandardScaler())
    assert np.isfinite(
        transform(fit_preprocessing(filled, gaps, range(3)), gaps.x)
    ).all()


def test_text_left_in_the_output_is_refused(table):
    """A transformer that lets text columns through is named."""
    fitted = fit_preprocessing(FunctionTransformer(), table, range(80))
    with pytest.raises(DataError, match="leaves text"):
        transform(fitted, table.x)


def test_what_cannot_preprocess_is_refused(table):
    """Classes, several inputs, and tables given to a scaler are one clear error."""
    with pytest.raises(InputError, match="must be a scikit-learn transformer"):
        fit_preprocessing("standard", table, range(5))
    several = from_arrays([np.ones((4, 2)), np.ones((4, 2))], [0, 1, 0, 1])
    with pytest.raises(InputError, match="2 inputs"):
        fit_preprocessing(StandardScaler(), several, range(4))
    with pytest.raises(DataError, match="StandardScaler cannot be fitted on 5 rows"):
        fit_preprocessing(StandardScaler(), table, range(5))
    with pytest.raises(InputError, match="arrays, not a table"):
        table_preprocessing(several.record)
