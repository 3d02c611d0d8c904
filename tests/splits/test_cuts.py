"""The sealed test cut and the single validation part."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeroom.data import from_arrays, load
from homeroom.errors import InputError, LeakageError
from homeroom.splits import holdout, partition

quick = settings(max_examples=25, deadline=None)


def data_of(labels, groups=None, task="classification"):
    x = np.arange(len(labels))[:, None]
    return from_arrays(x, np.asarray(labels), groups=groups, task=task)


@given(
    counts=st.lists(st.integers(2, 40), min_size=2, max_size=4),
    share=st.floats(0.05, 0.9),
    seed=st.integers(0, 2**31 - 1),
)
@quick
def test_the_parts_are_disjoint_and_complete(counts, share, seed):
    """Every row is in exactly one part; stratified class rates are within a row."""
    labels = np.repeat(np.arange(len(counts)), counts)
    cut = partition(data_of(labels), test_size=share, seed=seed)
    assert sorted([*cut.development, *cut.test]) == list(range(len(labels)))
    assert (len(cut.development), len(cut.test)) == (
        cut.record.n_development,
        cut.record.n_test,
    )
    if cut.record.stratified:
        for label, n in enumerate(counts):
            held = (labels[cut.test] == label).sum()
            assert abs(held - n * len(cut.test) / len(labels)) <= 1
    else:
        assert "cannot hold" in cut.record.reason


@given(
    sizes=st.lists(st.integers(1, 30), min_size=2, max_size=12),
    share=st.floats(0.1, 0.6),
    seed=st.integers(0, 2**31 - 1),
)
@quick
def test_groups_are_cut_whole(sizes, share, seed):
    """No group is in both parts, and no part is empty."""
    groups = np.repeat(np.arange(len(sizes)), sizes)
    if len(groups) * (1 - share) < 1:
        return
    data = data_of(np.arange(len(groups)) + 0.5, groups, task="regression")
    cut = partition(data, test_size=share, seed=seed)
    assert len(cut.test)
    assert len(cut.development)
    assert not set(groups[cut.test]) & set(groups[cut.development])


def test_many_small_groups_come_near_the_size():
    """With many groups the test part has about the rows that were asked for."""
    groups = np.arange(300) // 3
    data = data_of(np.arange(300) + 0.5, groups, task="regression")
    for seed in range(5):
        assert abs(len(partition(data, test_size=0.2, seed=seed).test) - 60) <= 3


def test_the_seed_decides_the_cut():
    """The same seed gives the same parts and fingerprints; another gives others."""
    data = load("digits")
    one, again, other = (partition(data, seed=seed) for seed in (7, 7, 8))
    assert one.record == again.record
    assert one.test.tolist() == again.test.tolist() != other.test.tolist()
    assert one.record.test_fingerprint != other.record.test_fingerprint


def test_fingerprints_are_of_the_rows_content():
    """Changing a test row changes the test fingerprint and no other."""
    x, y = np.random.default_rng(0).normal(size=(50, 3)), np.arange(50) % 2
    before = partition(from_arrays(x, y), seed=1)
    x[before.test[0]] += 1
    after = partition(from_arrays(x, y), seed=1)
    assert before.test.tolist() == after.test.tolist()
    assert before.record.test_fingerprint != after.record.test_fingerprint
    assert before.record.development_fingerprint == after.record.development_fingerprint


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ([0] * 19 + [1], "class '1' has a single row"),
        (np.arange(20) // 2, "4 rows cannot hold 10 classes"),
    ],
)
def test_an_unstratified_cut_says_why(labels, reason):
    """When classes do not allow stratifying, the record says so."""
    record = partition(data_of(labels), test_size=0.2, seed=0).record
    assert (record.stratified, record.reason) == (False, reason)


def test_ordered_rows_give_the_last_as_test():
    """ordered=True takes the last rows, and does not tear a group."""
    labels = np.arange(10) + 0.5
    cut = partition(data_of(labels, task="regression"), seed=0, ordered=True)
    assert cut.test.tolist() == [8, 9]
    torn = data_of(labels, np.arange(10) // 3, task="regression")
    with pytest.raises(LeakageError, match=r"1 group in two \(groups 2\)"):
        partition(torn, seed=0, ordered=True)


@pytest.mark.parametrize("size", [0, 1.0, -0.2, 0.0, 10, 11, -3, True, "0.2", None])
def test_sizes_that_leave_a_part_empty_are_refused(size):
    """A cut needs a row on both sides; what is no size is said."""
    data = data_of(np.arange(10) + 0.5, task="regression")
    with pytest.raises(InputError, match="test_size"):
        partition(data, test_size=size, seed=0)
    with pytest.raises(InputError, match="validation_split"):
        holdout(data, size, seed=0)


def test_a_group_is_always_left_for_development():
    """Asking for nearly all rows still leaves a whole group on each side."""
    data = data_of(np.arange(10) + 0.5, list("aaaaabbbbb"), task="regression")
    cut = partition(data, test_size=9, seed=0)
    assert (len(cut.development), len(cut.test)) == (5, 5)


def test_one_group_cannot_be_cut():
    """A single group is named."""
    data = data_of(np.arange(10) + 0.5, ["only"] * 10, task="regression")
    with pytest.raises(InputError, match=r"one group \(only\)"):
        partition(data, seed=0)


@given(n=st.integers(5, 200), share=st.floats(0.05, 0.6))
@quick
def test_an_unshuffled_holdout_is_keras_validation_split(n, share):
    """shuffle=False takes exactly the rows that Keras takes."""
    split_at = math.floor(n * (1.0 - share))
    data = data_of(np.arange(n) + 0.5, task="regression")
    fold = holdout(data, share, seed=0, shuffle=False).folds[0]
    assert fold.train.tolist() == list(range(split_at))
    assert fold.validation.tolist() == list(range(split_at, n))


def test_a_holdout_of_sorted_labels_sees_every_class():
    """The default holdout shuffles and stratifies, unlike the last rows."""
    data = load("iris")
    plan = holdout(data, 0.2, seed=7)
    assert set(plan.record.folds[0].classes_validation.values()) == {10}
    assert plan.summary().endswith("every class in every fold.")
    last = holdout(data, 0.2, seed=7, shuffle=False)
    assert "class 'setosa' is missing from the validation part" in last.summary()


def test_a_holdout_keeps_groups_whole():
    """Groups are on one side of the holdout."""
    groups = np.arange(60) // 4
    plan = holdout(data_of(np.arange(60) % 2, groups), 0.25, seed=2)
    fold = plan.folds[0]
    assert not set(groups[fold.train]) & set(groups[fold.validation])


def test_stratify_is_obeyed_or_refused():
    """stratify=True insists; False does not; with shuffle=False it has no effect."""
    rare = data_of([0] * 19 + [1])
    with pytest.raises(InputError, match="class '1' has a single row"):
        holdout(rare, 0.2, seed=0, stratify=True)
    with pytest.raises(InputError, match="no effect"):
        holdout(load("iris"), 0.2, seed=0, shuffle=False, stratify=True)
    free = holdout(load("iris"), 30, seed=0, stratify=False)
    assert set(free.record.folds[0].classes_validation.values()) != {10}
    assert free.record.strategy.endswith("stratify=False)")
