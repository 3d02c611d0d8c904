"""Arrays and estimators: back as they were, and no code from data."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from homeroom.errors import StoreError
from homeroom.store import dump_arrays, dump_estimator, load_arrays, load_estimator

RNG = np.random.default_rng(7)
X = RNG.normal(size=(60, 4))
LABELS = np.array(["cat", "dog", "붓꽃"])[np.arange(60) % 3]


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
        hnp.arrays(
            st.one_of(
                hnp.floating_dtypes(),
                hnp.integer_dtypes(),
                hnp.boolean_dtypes(),
                hnp.unicode_string_dtypes(max_len=4),
                hnp.complex_number_dtypes(),
            ),
            hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
        ),
        max_size=4,
    )
)
def test_arrays_come_back(arrays):
    """Names, dtypes, shapes and every bit of every element survive."""
    read = load_arrays(dump_arrays(arrays))
    assert list(read) == list(arrays)
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype
        assert read[name].shape == array.shape
        assert read[name].tobytes() == array.tobytes()


def test_equal_arrays_have_equal_bytes():
    """The same arrays have one address, whenever they are stored."""
    assert dump_arrays({"a": X}) == dump_arrays({"a": X.copy()})


def test_names_of_arguments_are_names():
    """Layers may be called `file`, hold slashes, or end like a file."""
    arrays = dict.fromkeys(("file", "allow_pickle", "a/b", "../c", "d.npy"), X)
    assert list(load_arrays(dump_arrays(arrays))) == list(arrays)


def test_arrays_in_fortran_order_and_views():
    """A transposed or strided array is stored by its elements."""
    read = load_arrays(dump_arrays({"t": X.T, "s": X[::2, ::-1]}))
    np.testing.assert_array_equal(read["t"], X.T)
    np.testing.assert_array_equal(read["s"], X[::2, ::-1])


def test_arrays_of_objects_are_not_stored():
    """A dtype that needs pickle is refused, naming the array."""
    with pytest.raises(StoreError, match="'labels' has dtype object"):
        dump_arrays({"labels": np.array(["a", None], dtype=object)})


def test_a_dtype_that_npz_forgets_is_not_stored():
    """bfloat16 would come back as two anonymous bytes, so it is refused."""
    import ml_dtypes

    with pytest.raises(StoreError, match="dtype bfloat16"):
        dump_arrays({"w": np.zeros(2, dtype=ml_dtypes.bfloat16)})


class Canary:
    """Pickles to an instruction that would make a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_an_array_of_objects_is_refused_before_it_runs(tmp_path):
    """A pickled array is refused, and its payload never runs."""
    canary = tmp_path / "canary"
    payload = np.array([Canary(canary)], dtype=object)
    archive, single = io.BytesIO(), io.BytesIO()
    np.savez(archive, w=payload)
    np.save(single, payload)
    for content in (archive.getvalue(), single.getvalue()):
        with pytest.raises(StoreError, match="not arrays that Homeroom wrote"):
            load_arrays(content)
    assert not canary.exists()
    np.load(io.BytesIO(archive.getvalue()), allow_pickle=True)["w"][0].close()
    assert canary.exists(), "the payload was harmless"


def header(shape, dtype="'<f8'"):
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}}}".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


def zipped(entries, compression=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"nothing of the kind",
        zipped({"a.txt": b"text"}),
        zipped({"a.npy": header("(10**15,)")}),
        zipped({"a.npy": header("(1000000000000000,)")}),
        zipped({"a.npy": header("(-1,)")}),
        zipped({"a.npy": header("(1,)", "'|O'") + b"x"}),
        zipped({"a.npy": header("(1,)", "__import__('os').system('true')")}),
        dump_arrays({"a": X})[:-200],
        dump_arrays({"a": X})[:200],
        dump_arrays({"a": X}).replace(X.tobytes()[:8], b"\0" * 8),
    ],
)
def test_what_is_not_our_archive_is_refused(content):
    """Anything but a whole archive of plain arrays is refused in one way."""
    for load in (load_arrays, load_estimator):
        with pytest.raises(StoreError, match="Homeroom wrote"):
            load(content)


def test_a_compressed_archive_is_not_opened():
    """A small file that would fill the memory is refused unread."""
    zeros = header("(10000000,)") + bytes(80_000_000)
    bomb = zipped({"a.npy": zeros}, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 200_000
    for load in (load_arrays, load_estimator):
        with pytest.raises(StoreError, match="far larger than it looks"):
            load(bomb)


def test_an_overlapping_archive_is_not_opened():
    """A file that lists the same bytes a thousand times is refused unread."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.npy", header("(10000,)") + bytes(80_000))
        archive.filelist *= 1000
    for load in (load_arrays, load_estimator):
        with pytest.raises(StoreError, match="far larger than it looks"):
            load(buffer.getvalue())


TABLE = pd.DataFrame({
    "age": [1.0, np.nan, 3.0, 4.0] * 15,
    "height": np.arange(60.0),
    "color": ["red", "blue", "붓꽃"] * 20,
})


def preprocessing():
    number = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    category = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer([
        ("number", number, ["age", "height"]),
        ("category", category, ["color"]),
    ])


@pytest.mark.parametrize("output", ["default", "pandas"])
def test_preprocessing_comes_back(output):
    """A fitted table of transformers transforms as before, unknown values included."""
    fitted = preprocessing().set_output(transform=output).fit(TABLE)
    read = load_estimator(dump_estimator(fitted))
    fresh = TABLE.assign(color="unseen", age=np.nan)
    for table in (TABLE, fresh):
        np.testing.assert_array_equal(read.transform(table), fitted.transform(table))
    assert list(read.get_feature_names_out()) == list(fitted.get_feature_names_out())


@pytest.mark.parametrize(
    "estimator",
    [
        HistGradientBoostingClassifier(max_iter=5, random_state=0),
        RandomForestClassifier(n_estimators=5, random_state=0),
        LogisticRegression(),
        KNeighborsClassifier(),
        MLPClassifier((4,), max_iter=500, tol=0.1, random_state=0),
        SVC(),
        make_pipeline(SelectKBest(k=2), FunctionTransformer(np.log1p), SVC()),
    ],
    ids=lambda e: type(e).__name__,
)
def test_classifiers_come_back(estimator):
    """A classifier predicts the same labels after a round trip."""
    fitted = estimator.fit(abs(X), LABELS)
    read = load_estimator(dump_estimator(fitted))
    np.testing.assert_array_equal(read.predict(abs(X)), fitted.predict(abs(X)))


@pytest.mark.parametrize(
    "estimator",
    [
        HistGradientBoostingRegressor(max_iter=5, random_state=0),
        RandomForestRegressor(n_estimators=5, random_state=0),
        Ridge(),
    ],
    ids=lambda e: type(e).__name__,
)
def test_regressors_come_back(estimator):
    """A regressor predicts the same numbers, bit for bit, after a round trip."""
    fitted = estimator.fit(X, X[:, 0])
    read = load_estimator(dump_estimator(fitted))
    assert read.predict(X).tobytes() == fitted.predict(X).tobytes()


class Homemade(StandardScaler):
    """A transformer of the user's own."""


@pytest.mark.parametrize(
    ("estimator", "named"),
    [
        (Homemade(), "Homemade"),
        (make_pipeline(StandardScaler(), Homemade()), "Homemade"),
        (FunctionTransformer(lambda x: x), "<lambda>"),
        (FunctionTransformer(print), "builtins.print"),
        (FunctionTransformer(np.load), "numpy.load"),
        (FunctionTransformer(X.__setitem__), "FunctionTransformer"),
    ],
    ids=["own class", "inside a pipeline", "lambda", "builtin", "numpy.load", "method"],
)
def test_what_cannot_be_loaded_safely_is_not_stored(estimator, named):
    """Types outside scikit-learn are refused when they are stored, by name."""
    with pytest.raises(StoreError, match="cannot be stored") as refused:
        dump_estimator(estimator)
    assert named in str(refused.value)


def skops_node(loader, name, **fields):
    module, _, attribute = name.rpartition(".")
    return {
        "__module__": module,
        "__class__": attribute,
        "__loader__": loader,
        **fields,
    }


def json_node(value):
    return skops_node("JsonNode", "builtins.str", content=json.dumps(value))


def call(name, *values):
    """Return skops content that calls `name` with `values` when it is constructed."""
    arguments = skops_node(
        "TupleNode", "builtins.tuple", content=[json_node(v) for v in values]
    )
    node = skops_node("ConstructorFromReduceNode", name, content=arguments)
    return zipped({"schema.json": json.dumps({**node, "protocol": 2})})


@pytest.mark.parametrize(
    "name",
    [
        "builtins.open",
        "os.system",
        "numpy.load",
        "numpy.memmap",
        "numpy.testing.runstring",
        "scipy.io.loadmat",
        "sklearn.datasets._base.urlretrieve",
        "sklearn.metrics._scorer.get_scorer",
        "sklearn.pipeline.islice",
        "sklearn.utils._testing.check_output",
        "sklearn.utils._testing.TempMemmap",
        "sklearn.utils.validation.joblib",
        "sklearn.model_selection._search.partial",
        "sklearn.ensemble._forest.Parallel",
        "sklearn.no_such_module.Thing",
        "homeroom.store.open_store",
    ],
)
def test_a_name_from_elsewhere_is_not_called(name, tmp_path):
    """A file that names a foreign callable is refused before it is called."""
    canary = tmp_path / "canary"
    with pytest.raises(StoreError, match="was not loaded: it contains") as refused:
        load_estimator(call(name, str(canary), "w"))
    assert name in str(refused.value)
    assert not canary.exists()


def test_the_attack_is_one():
    """The same content, trusted blindly, does call what it names."""
    import skops.io

    content = call("os.getenv", "HOME", "none")
    types = skops.io.get_untrusted_types(data=content)
    assert skops.io.loads(content, trusted=types)
    with pytest.raises(StoreError, match=r"os\.getenv"):
        load_estimator(content)
