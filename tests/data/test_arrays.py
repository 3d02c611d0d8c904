"""Arrays, lists and frames become a Dataset, or are refused with rows named."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from homeroom.data import check_probabilities, check_sparse_labels, from_arrays, load
from homeroom.errors import DataError, InputError

X = np.arange(12.0).reshape(6, 2)
Y = np.array([0, 1, 2, 0, 1, 2])


def refuse(words, x=X, y=Y, error=DataError, **more):
    with pytest.raises(error, match=words):
        from_arrays(x, y, **more)


@pytest.mark.parametrize(
    ("given_dtype", "kept"),
    [
        ("float64", "float32"),
        ("float16", "float32"),
        ("bool", "float32"),
        ("int64", "int32"),
        ("int8", "int32"),
        ("uint16", "int32"),
        ("uint8", "uint8"),
        ("float32", "float32"),
    ],
)
def test_dtypes_of_x(given_dtype, kept):
    """Features become float32 or int32; images of bytes stay bytes."""
    assert from_arrays(np.ones((6, 2), given_dtype), Y).x.dtype == kept


@given(st.integers(-(2**62), 2**62))
@settings(max_examples=30, deadline=None)
def test_integers_never_wrap(value):
    """A large integer is either kept exactly or refused."""
    x = np.array([[0], [value]])
    try:
        kept = from_arrays(x, [0.5, 1.5]).x
    except DataError as error:
        assert str(value) in str(error)  # noqa: PT017 - both outcomes are legal
        assert abs(value) >= 2**31
    else:
        assert int(kept[1, 0]) == value


def test_what_fits_no_dtype_is_refused():
    """Overflow in x or y names the row, and is never infinity or another number."""
    refuse(r"3000000000 in row 1, column 0", x=[[1], [3_000_000_000]], y=[0.5, 1.5])
    refuse(r"1e\+300 in row 0", x=[[1e300], [1.0]], y=[0.5, 1.5])
    refuse(r"1e\+300 in row 1", y=[0.5, 1e300, 2, 3, 4, 5])


@pytest.mark.parametrize(
    ("y", "task", "classes", "encoded"),
    [
        (Y, "classification", ("0", "1", "2"), Y),
        (Y.astype("uint8").reshape(-1, 1), "classification", ("0", "1", "2"), Y),
        (Y + 1, "classification", (), Y + 1),
        ([-1, 1, -1, 1, -1, 1], "classification", (), [-1, 1] * 3),
        ([0, 1, 3] * 2, "classification", ("0", "1", "2", "3"), [0, 1, 3] * 2),
        ([True, False] * 3, "classification", ("False", "True"), [1, 0] * 3),
        (["b", "a", "c"] * 2, "classification", ("a", "b", "c"), [1, 0, 2] * 2),
        ([0.0, 1.0] * 3, "classification", ("0", "1"), [0, 1] * 3),
        ([0.5, 1.0] * 3, "regression", (), [0.5, 1.0] * 3),
        ([3.0, 5.0, 8.0] * 2, "regression", (), [3, 5, 8] * 2),
        ([5, 100, 7, 30, 2, 12], "regression", (), [5, 100, 7, 30, 2, 12]),
    ],
)
def test_the_task_follows_from_y(y, task, classes, encoded):
    """Repeating whole numbers and text are classes; the rest are quantities."""
    data = from_arrays(X, y)
    assert (data.record.task, data.record.classes) == (task, classes)
    assert data.y.reshape(-1).tolist() == list(encoded)
    assert data.y.shape == np.shape(y)
    assert data.record.task_reason.startswith("y ")


def test_the_reason_is_a_sentence():
    """The reason names the labels that were found."""
    reason = load("digits").record.task_reason
    assert reason == "y has 10 distinct integer labels 0..9."


def test_integer_labels_are_never_renumbered():
    """Whole numbers reach the model's loss as they are; unseen ones are named."""
    assert from_arrays(X, Y - 1).y.tolist() == (Y - 1).tolist()
    assert from_arrays(X, Y - 1).record.classes == ()
    assert "No row has the label 2" in from_arrays(X, [0, 1, 3] * 2).record.notes[0]


def test_one_hot_and_several_columns():
    """One-hot rows are classes; other matrices are for the model's own loss."""
    data = from_arrays(X, np.eye(3)[Y])
    assert data.record.task == "classification"
    assert data.y.dtype == np.float32
    assert data.labels.tolist() == Y.tolist()
    assert from_arrays(X, X / 7).record.task == "custom"
    assert from_arrays(X, np.ones((6, 3), int)).record.task == "custom"


def test_several_inputs_and_outputs():
    """Lists and dicts of arrays keep their form, and rows are cut in all of them."""
    data = from_arrays({"a": X, "b": Y}, [Y, X], sample_weight=np.ones(6))
    part = data.take([5, 0])
    assert data.record.task == "custom"
    assert data.record.shapes["x['b']"] == (6,)
    assert part.x["b"].tolist() == [2, 0]
    assert part.y[1].tolist() == [[10, 11], [0, 1]]
    assert part.n_rows == len(part.sample_weight) == 2
    refuse(r"x\['b'\] has 5 rows", x={"a": X, "b": Y[:5]})


def test_two_inputs_and_two_outputs_are_not_two_rows():
    """Parts that are all equally long are parts, in x and in y."""
    data = from_arrays([X, X], [Y, Y])
    assert (data.n_rows, len(data.x), len(data.y)) == (6, 2, 2)
    again = from_arrays(list(X), list(X))  # as an autoencoder has them
    assert again.x.shape == again.y.shape == (6, 2)


def test_a_list_of_rows_is_one_input():
    """A list of one vector per row is a matrix, not several inputs."""
    assert from_arrays(list(X), Y).x.shape == (6, 2)
    assert from_arrays([X, X], Y).record.shapes["x[1]"] == (6, 2)


@pytest.mark.parametrize("library", [pd, pl])
def test_frames_of_numbers(library):
    """pandas and polars frames of numbers become one float32 matrix."""
    frame = library.DataFrame({"a": [1, 2, 3], "b": [True, False, True]})
    data = from_arrays(frame, library.Series([0.5, 1.5, 2.5]))
    assert data.x.tolist() == [[1, 1], [2, 0], [3, 1]]
    assert data.x.dtype == np.float32
    assert not data.is_table
    text = library.Series(["u", "v", "u"])
    assert from_arrays(frame, text).record.classes == ("u", "v")


@pytest.mark.parametrize("library", [pd, pl])
def test_frames_with_text_or_gaps_are_refused(library):
    """A text column names itself and a row; a missing cell names row and column."""
    text = library.DataFrame({"a": [1, 2], "city": ["Seoul", "Busan"]})
    refuse(r"'city' .* 'Seoul' in row 0.*read_table", x=text, y=[0.5, 1.5])
    gaps = library.DataFrame({"a": [1, 2], "b": [0.5, None]})
    refuse(r"1 row \(rows 1\); column 'b': 1\.", x=gaps, y=[0.5, 1.5])
    assert np.isnan(from_arrays(gaps, [0.5, 1.5], allow_missing=True).x[1, 1])


def test_pandas_columns_may_be_numbered():
    """As pandas names them itself, where the file or the array had no header."""
    data = from_arrays(pd.DataFrame(X), Y)
    assert data.x.tolist() == X.tolist()
    assert data.record.columns == ()  # numbers are places, not names


def test_columns_of_one_name_are_refused():
    """Two columns called alike are an error that says what to do."""
    refuse("several columns of one name", x=pd.DataFrame(X, columns=["a", "a"]), y=Y)


def test_pandas_oddities():
    """Nullable, object and indexed pandas columns are read by position."""
    frame = pd.DataFrame({"a": pd.array([1, None, 3], "Int64")}, index=[7, 7, 9])
    refuse(r"rows 1\)", x=frame, y=[0.5, 1.5, 2.5])
    mixed = pd.DataFrame({"a": pd.Series([1, "x", 2], dtype=object)})
    refuse(r"'a'.* str 'x' in row 1", x=mixed, y=[0.5, 1.5, 2.5])
    numbers = pd.DataFrame({"a": pd.Series([1, 2.5, 2], dtype=object)})
    assert from_arrays(numbers, [0.5, 1.5, 2.5]).x[1, 0] == 2.5
    large = pd.DataFrame({"key": [2**24 + 1, 5, 6]})
    assert "'key'" in repr(from_arrays(large, [0.5, 1.5, 2.5]).record.notes)


NAN = np.where(np.arange(12).reshape(6, 2) == 7, np.nan, X)


@pytest.mark.parametrize(
    ("words", "bad"),
    [
        ("x has 6 rows, y has 5 rows", {"y": Y[:5]}),
        ("no rows", {"x": X[:0], "y": Y[:0]}),
        ("no column", {"x": np.ones((6, 0))}),
        (r"NaN in 1 row \(rows 3\); column 1: 1", {"x": NAN}),
        (r"NaN or infinity in 6 rows .*0, 1, 2, 3, 4, … \(6", {"x": X + np.inf}),
        (r"y holds NaN in 1 row \(rows 3\)", {"y": NAN[:, 1]}),
        (r"missing in 2 rows \(rows 1, 4\)", {"y": ["a", None, "b", "a", "", "b"]}),
        (
            r"mixes text and numbers.*row 2 is 1",
            {"y": np.array([*"ab", 1, 2, 3, 4], object)},
        ),
        (r"'1' in row 1, column 0", {"x": np.array([[1], ["1"]], object), "y": [1, 2]}),
        (
            "row 0 has length 2, row 1 has length 3",
            {"x": [[1, 2], [1, 2, 3]], "y": [1, 2]},
        ),
        ("dtype complex128", {"x": X * 1j}),
        (r"x is a sparse matrix; pass x\.toarray", {"x": sparse.csr_matrix(X)}),
        ("same label", {"y": ["a"] * 6}),
        ("same label", {"y": [0] * 6}),
        (r"is 2\.5 in every row", {"y": [2.5] * 6}),
        (
            "negative or not finite in 2 rows",
            {"sample_weight": [1, -1, 1, np.nan, 1, 1]},
        ),
        ("sample_weight has 5 rows", {"sample_weight": np.ones(5)}),
        ("0 in every row", {"sample_weight": np.zeros(6)}),
        ("groups has 2 rows", {"groups": ["a", "b"]}),
        (r"groups is missing in 1 row \(rows 1\)", {"groups": ["a", None, *"bcde"]}),
        ("empty dict", {"x": {}}),
    ],
)
def test_bad_data_is_refused(words, bad):
    """Data that cannot be trained on is one error that names rows or lengths."""
    refuse(words, **bad)


@pytest.mark.parametrize(
    ("words", "bad"),
    [
        ("task must be one of", {"task": "clasification"}),
        ("fractions such as 0.5", {"y": [0.5, 1] * 3, "task": "classification"}),
        ("needs numbers", {"y": list("ababab"), "task": "regression"}),
        ("one y, but y has 2 parts", {"y": [Y, Y], "task": "regression"}),
        ("y is None", {"y": None}),
    ],
)
def test_bad_arguments_are_refused(words, bad):
    """A task that does not fit is the caller's error."""
    refuse(words, error=InputError, **bad)


@pytest.mark.parametrize("y", [[0, 1, 3], [-1, 0, 1], [0, 0.7, 1], ["0", "1", "2"]])
def test_labels_a_sparse_loss_cannot_read_are_refused(y):
    """Labels outside 0..C-1, fractions and text name the row and the legal range."""
    with pytest.raises(DataError, match=r"rows .*whole number in 0\.\.2"):
        check_sparse_labels(y, 3)


class Batches:
    """As a Keras PyDataset: batches by number, of which it never says the last."""

    def __len__(self):
        return 3

    def __getitem__(self, i):
        return X[i : i + 2], Y[i : i + 2]


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (iter(X), "x is a .*iterator, which hands out .* pass x and y as arrays"),
        (Batches(), "x is a Batches, which hands out"),
        (pl.LazyFrame({"a": [1.0]}), r"x is a LazyFrame; pass x.collect\(\)"),
    ],
)
def test_what_is_not_all_rows_at_once_is_called_by_its_name(x, words):
    """Generators, batches and lazy frames are told apart from ragged lists."""
    refuse(words, x=x)


@pytest.mark.parametrize("as_frame", [False, True])
def test_columns_that_float32_cannot_tell_apart_are_noted(as_frame):
    """Seconds since 1970 within an hour have few values left; their column is named."""
    x = np.random.default_rng(0).normal(size=(40, 3)) * [1, 50, 1e9] + [0, 1.7e9, 0]
    given = pd.DataFrame(x, columns=["a", "b", "c"]) if as_frame else x
    (note,) = from_arrays(given, [0, 1] * 20).record.notes
    assert note.startswith("Column 'b' of x:" if as_frame else "column 1 of x:")
    assert not from_arrays(x.astype(np.float32), [0, 1] * 20).record.notes


@pytest.mark.parametrize("many", [False, True])
def test_quantities_that_float32_cannot_tell_apart_are_refused(many):
    """A target far from 0 for its range would have some few values left."""
    y = 1.7e9 + 50 * np.random.default_rng(0).normal(size=(40, 1 + many))
    words = "Column 0 of y varies by" if many else "y varies by"
    with pytest.raises(DataError, match=f"{words} .* from 16999.*steps of 128"):
        from_arrays(np.ones((40, 1)), y, task="regression")
    exact = 12_000_000 + np.arange(40.0)
    assert from_arrays(np.ones((40, 1)), exact, task="regression").y.tolist()[1] % 2
    far = 1.7e9 + 1e8 * (y - 1.7e9)
    assert from_arrays(np.ones((40, 1)), far, task="regression").y.std() > 1e8


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ([1, 2] * 3, "y holds 2 in 3 rows .*Make two classes 0 and 1"),
        ([-1.0, 1.0] * 3, "y holds -1 in"),
        (np.linspace(0, 255, 6), "divide by 255"),
        (np.linspace(-0.3, 0.3, 6), "a loss such as mse"),
    ],
)
def test_targets_that_are_no_probabilities_are_refused(y, words):
    """Below 0 or above 1 the rows are named, and what may have been meant."""
    with pytest.raises(DataError, match=words):
        check_probabilities(from_arrays(X, y, task="custom"))


def test_what_may_be_a_probability():
    """Between 0 and 1, or beside it by rounding; rows of weight 0 may hold anything."""
    soft = [0, 1, 0.3, 1.0000001, -1, 0.5]
    weight = [1, 1, 1, 1, 0, 1]
    check_probabilities(from_arrays(X, soft, sample_weight=weight, task="custom"))


def test_labels_a_sparse_loss_can_read():
    """Whole floats, columns and sequences of labels pass."""
    check_sparse_labels([[0.0], [2.0]], 3)
    check_sparse_labels(np.zeros((4, 7), int), 1)


@pytest.mark.parametrize("given", ["y", "groups"])
def test_the_missing_of_pandas_is_missing(given):
    """NA among text is named by its row, as None is."""
    text = pd.Series(["a", "b", pd.NA, "b"], dtype="string")
    whole = {"y": ["a", "b", "a", "b"]} | {given: text}
    with pytest.raises(DataError, match=r"missing in 1 row .rows 2\)"):
        from_arrays(np.arange(4.0).reshape(-1, 1), **whole)


def test_numbers_of_numpy_among_objects_are_numbers():
    """A column of objects may hold NumPy's scalars: none of them is missing."""
    labels = np.array([np.int64(i % 2) for i in range(4)], dtype=object)
    x = np.arange(4.0).reshape(-1, 1)
    assert from_arrays(x, labels, groups=labels).y.tolist() == [0, 1, 0, 1]


def test_cut_rows_know_where_they_were():
    """Rows cut from cut rows have the ids of the first dataset."""
    data = from_arrays(np.arange(10.0).reshape(-1, 1), np.arange(10.0))
    cut = data.take([9, 1, 4, 6])
    assert data.ids is None
    assert cut.ids.tolist() == [9, 1, 4, 6]
    assert cut.take([2, 0]).ids.tolist() == [4, 9]


def test_take_keeps_the_record_and_refuses_odd_rows():
    """Cutting rows changes rows only; masks and far rows are refused."""
    data = from_arrays(X, Y, groups=list("aabbcc"))
    part = data.take([4, 1])
    assert part.record is data.record
    assert part.groups.tolist() == ["c", "a"]
    for rows in ([-1], [6], np.ones(6, bool), [0.5]):
        with pytest.raises(InputError, match="Row positions"):
            data.take(rows)


def test_the_fingerprint_is_of_the_content():
    """Equal content has equal fingerprints; any change of a value changes it."""
    data = from_arrays(X, Y)
    assert data.fingerprint == data.record.fingerprint
    assert data.fingerprint == from_arrays(X.copy(), list(Y)).fingerprint
    assert data.take(range(6)).fingerprint == data.fingerprint
    changed = X.copy()
    changed[3, 1] += 1
    others = [
        from_arrays(changed, Y),
        from_arrays(X, Y[::-1].copy()),
        from_arrays(X, Y, sample_weight=np.ones(6)),
        from_arrays({"a": X}, Y),
        data.take(range(5)),
    ]
    assert len({data.fingerprint, *(o.fingerprint for o in others)}) == 6


@pytest.mark.parametrize(
    ("name", "shape", "task", "n_classes"),
    [
        ("digits", (1797, 64), "classification", 10),
        ("wine", (178, 13), "classification", 3),
        ("breast-cancer", (569, 30), "classification", 2),
        ("iris", (150, 4), "classification", 3),
        ("diabetes", (442, 10), "regression", 0),
    ],
)
def test_builtin_datasets(name, shape, task, n_classes):
    """The carried datasets have their known shapes and named classes."""
    data = load(name)
    assert data.x.shape == data.record.shapes["x"] == shape
    assert (data.record.task, len(data.record.classes)) == (task, n_classes)
    assert data.record.name == name


def test_digits_are_scaled_and_unknown_names_refused():
    """Digit pixels lie in 0..1; an unknown dataset lists the known ones."""
    assert (load("digits").x.min(), load("digits").x.max()) == (0, 1)
    with pytest.raises(InputError, match="Did you mean 'digits'"):
        load("digit")


def test_importing_the_room_is_light():
    """`import homeroom.data` loads neither scikit-learn, pandas nor Keras."""
    code = (
        "import sys, homeroom.data, homeroom.splits;"
        "sys.exit(any(m in sys.modules for m in ('sklearn', 'pandas', 'keras')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
