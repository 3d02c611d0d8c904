"""Split plans: every strategy keeps its promise on every dataset it accepts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import model_selection

from homeroom.data import from_arrays, load
from homeroom.errors import InputError, LeakageError
from homeroom.seeding import derive
from homeroom.splits import (
    GroupKFold,
    KFold,
    RepeatedKFold,
    RepeatedStratifiedKFold,
    StratifiedKFold,
    TimeSeriesSplit,
    make_plan,
)

quick = settings(max_examples=25, deadline=None)


def quantities(n, groups=None):
    return from_arrays(np.arange(n)[:, None], np.arange(n) + 0.5, groups=groups)


def classes(labels, groups=None):
    labels = np.asarray(labels)
    x = np.arange(len(labels))[:, None]
    return from_arrays(x, labels, groups=groups, task="classification")


def rows_of(plan):
    return [(fold.train.tolist(), fold.validation.tolist()) for fold in plan.folds]


def assert_complete(plan, n):
    """Every repeat validates every row once and trains on all the others."""
    for repeat in range(plan.record.n_repeats):
        folds = [fold for fold in plan.folds if fold.repeat == repeat]
        validated = np.concatenate([fold.validation for fold in folds])
        assert sorted(validated) == list(range(n))
        for fold in folds:
            both = np.concatenate([fold.train, fold.validation])
            assert sorted(both) == list(range(n))
            assert fold.train.dtype == fold.validation.dtype == np.int32


@given(n=st.integers(4, 60), k=st.integers(2, 8), seed=st.integers(0, 2**31 - 1))
@quick
def test_kfold_validates_every_row_once(n, k, seed):
    """KFold and its repeats: disjoint, complete, sizes within one row."""
    k = min(k, n)
    for strategy in (KFold(k), KFold(k, shuffle=False), RepeatedKFold(k, n_repeats=2)):
        plan = make_plan(strategy, quantities(n), seed=seed)
        assert_complete(plan, n)
        sizes = [len(fold.validation) for fold in plan.folds]
        assert max(sizes) - min(sizes) <= 1
        assert plan.record.disjoint


@given(
    counts=st.lists(st.integers(5, 20), min_size=2, max_size=4),
    k=st.integers(2, 5),
    seed=st.integers(0, 2**31 - 1),
)
@quick
def test_stratified_folds_have_every_class_within_one_row(counts, k, seed):
    """Every class differs by at most one row between validation parts."""
    labels = np.repeat(np.arange(len(counts)), counts)
    data = classes(labels)
    for strategy in (StratifiedKFold(k), RepeatedStratifiedKFold(k, 2)):
        plan = make_plan(strategy, data, seed=seed)
        assert_complete(plan, len(labels))
        for label in range(len(counts)):
            held = [int((labels[f.validation] == label).sum()) for f in plan.folds]
            assert max(held) - min(held) <= 1
            told = [f.classes_validation[str(label)] for f in plan.record.folds]
            assert told == held


@given(
    sizes=st.lists(st.integers(1, 9), min_size=5, max_size=12),
    seed=st.integers(0, 2**31 - 1),
    shuffle=st.booleans(),
)
@quick
def test_groups_stay_whole(sizes, seed, shuffle):
    """No group is on both sides of a fold, and every row is validated once."""
    groups = np.random.default_rng(seed).permutation(
        np.repeat(range(len(sizes)), sizes)
    )
    plan = make_plan(
        GroupKFold(4, shuffle=shuffle), quantities(len(groups), groups), seed=seed
    )
    assert_complete(plan, len(groups))
    for fold in plan.folds:
        assert not set(groups[fold.train]) & set(groups[fold.validation])


@given(n=st.integers(20, 60), k=st.integers(2, 5), gap=st.integers(0, 3))
@quick
def test_time_series_trains_on_the_past(n, k, gap):
    """Every train row comes before every validation row, with the gap between."""
    plan = make_plan(TimeSeriesSplit(k, gap=gap), quantities(n), seed=0)
    for fold in plan.folds:
        assert fold.train.max() + gap < fold.validation.min()
    assert plan.folds[-1].validation.max() == n - 1


STRATEGIES = [
    KFold(4),
    StratifiedKFold(4),
    RepeatedKFold(4),
    RepeatedStratifiedKFold(4),
]


@pytest.mark.parametrize("strategy", STRATEGIES, ids=str)
def test_the_seed_decides_the_plan(strategy):
    """The same seed gives the same plan; another seed another; repeats differ."""
    data = load("iris")
    plan = make_plan(strategy, data, seed=7)
    again, other = (make_plan(strategy, data, seed=seed) for seed in (7, 8))
    assert rows_of(plan) == rows_of(again)
    assert plan.record == again.record
    assert rows_of(plan) != rows_of(other)
    assert plan.record.fingerprint != other.record.fingerprint
    assert len({str(pair) for pair in rows_of(plan)}) == len(plan.folds)


RANDOM_STATE = derive(7, "split", "repeat", 0)


@pytest.mark.parametrize(
    ("strategy", "reference"),
    [
        (KFold(5), model_selection.KFold(5, shuffle=True, random_state=RANDOM_STATE)),
        (KFold(5, shuffle=False), model_selection.KFold(5)),
        (
            StratifiedKFold(5),
            model_selection.StratifiedKFold(5, shuffle=True, random_state=RANDOM_STATE),
        ),
        (StratifiedKFold(5, shuffle=False), model_selection.StratifiedKFold(5)),
        (TimeSeriesSplit(4, gap=2), model_selection.TimeSeriesSplit(4, gap=2)),
    ],
    ids=str,
)
def test_folds_are_scikit_learns(strategy, reference):
    """Each strategy gives the rows of scikit-learn's splitter of that name."""
    data = load("wine")
    expected = [
        (sorted(train.tolist()), sorted(validation.tolist()))
        for train, validation in reference.split(data.x, data.y)
    ]
    assert rows_of(make_plan(strategy, data, seed=7)) == expected
    assert rows_of(make_plan(reference, data, seed=7)) == expected


def test_group_folds_are_scikit_learns():
    """GroupKFold deals groups as scikit-learn does."""
    groups = np.repeat(list("abcdefg"), [3, 1, 4, 1, 5, 9, 2])
    data = quantities(25, groups)
    expected = [
        validation.tolist()
        for _, validation in model_selection.GroupKFold(3).split(data.x, groups=groups)
    ]
    plan = make_plan(3, data, seed=1)
    assert plan.record.strategy == "GroupKFold(n_splits=3, shuffle=False)"
    assert [fold.validation.tolist() for fold in plan.folds] == expected


def test_the_five_papers():
    """Five papers: each is the validation paper once, as the lesson draws it."""
    plan = make_plan(KFold(5, shuffle=False), quantities(5), seed=0)
    drawn = {
        "".join(str(row + 1) for row in [*train, "·", *validation] if row != "·")
        for train, validation in rows_of(plan)
    }
    assert drawn == {"12345", "12354", "12453", "13452", "23451"}


def test_five_papers_of_twenty_questions():
    """Whole papers stay together when each paper is a group."""
    papers = np.repeat([1, 2, 3, 4, 5], 20)
    plan = make_plan(5, quantities(100, papers), seed=3)
    held = [set(papers[fold.validation].tolist()) for fold in plan.folds]
    assert sorted(map(sorted, held)) == [[1], [2], [3], [4], [5]]


@pytest.mark.parametrize(
    ("data", "strategy"),
    [
        (load("iris"), "StratifiedKFold(n_splits=3, shuffle=True)"),
        (load("diabetes"), "KFold(n_splits=3, shuffle=True)"),
        (quantities(9, list("aaabbbccc")), "GroupKFold(n_splits=3, shuffle=False)"),
    ],
    ids=["classes", "quantities", "groups"],
)
def test_a_number_of_folds_chooses_the_strategy(data, strategy):
    """cv=3 stratifies classes, keeps groups whole, and shuffles the rest."""
    assert make_plan(3, data, seed=0).record.strategy == strategy


def test_scikit_learn_objects_are_made_repeatable():
    """A splitter without random_state follows the seed, and is left as it was."""
    mine = model_selection.RepeatedKFold(n_splits=3, n_repeats=2)
    plan = make_plan(mine, load("iris"), seed=1)
    assert rows_of(plan) == rows_of(make_plan(mine, load("iris"), seed=1))
    assert rows_of(plan) != rows_of(make_plan(mine, load("iris"), seed=2))
    assert mine.random_state is None
    assert (plan.record.n_splits, plan.record.n_repeats) == (3, 2)
    assert_complete(plan, 150)
    drawn = make_plan(model_selection.ShuffleSplit(4), load("iris"), seed=1)
    assert (drawn.record.n_splits, drawn.record.disjoint) == (4, False)


def test_scikit_learn_objects_count_rows_not_outputs():
    """Of several inputs and several outputs a splitter sees the number of rows."""
    part = np.arange(20) + 0.5
    for y in ([part, part], {"a": part, "b": part}):
        data = from_arrays([part[:, None], part[:, None]], y)
        assert_complete(make_plan(model_selection.KFold(5), data, seed=1), 20)


def test_pairs_of_rows_are_a_plan():
    """Row positions in any order become sorted folds; generators are read once."""
    pairs = [([3, 0, 1], [2]), ([2, 1], [0, 3])]
    plan = make_plan(iter(pairs), quantities(4), seed=0)
    assert rows_of(plan) == [([0, 1, 3], [2]), ([1, 2], [0, 3])]
    assert plan.record.strategy == "2 folds given as rows"


A, B = np.arange(6), np.arange(6, 10)
TEN = quantities(10)
PAIRED = quantities(10, np.arange(10) // 2)
RARE = classes([0] * 20 + [1] * 4)


@pytest.mark.parametrize(
    ("cv", "data", "error", "words"),
    [
        (1, TEN, InputError, "whole number >= 2; got 1"),
        (0, TEN, InputError, "whole number >= 2; got 0"),
        (KFold(2.5), TEN, InputError, "got 2.5"),
        (11, TEN, InputError, r"needs at least 11 rows; there are 10 rows. Use .*<=10"),
        (True, TEN, InputError, "cv must be"),
        ("five", TEN, InputError, "cv must be"),
        (None, TEN, InputError, "cv must be"),
        (10, RARE, InputError, r"class '1' has 4. Use 4 folds at most, or .*KFold"),
        (2, classes([0] * 9 + [1]), InputError, "class '1' has 1. Add or remove its"),
        (
            StratifiedKFold(2),
            TEN,
            InputError,
            r"regression task. Use KFold\(n_splits=2",
        ),
        (6, PAIRED, InputError, "at least 6 groups; there are 5 groups"),
        (GroupKFold(2), TEN, InputError, "has none. Pass groups="),
        (
            KFold(2),
            PAIRED,
            InputError,
            r"would ignore them. Use GroupKFold\(n_splits=2",
        ),
        (model_selection.KFold(2), PAIRED, InputError, "would ignore them"),
        (model_selection.StratifiedKFold(9), RARE, InputError, "smaller n_splits"),
        (model_selection.KFold(20), TEN, InputError, "does not fit 10 rows"),
        (RepeatedKFold(2, n_repeats=0), TEN, InputError, "n_repeats"),
        (TimeSeriesSplit(9, gap=5), TEN, InputError, "does not fit 10 rows"),
        (TimeSeriesSplit(2, gap=-1), TEN, InputError, "gap >= 0"),
        ([], TEN, InputError, "no folds"),
        ([(A, [])], TEN, InputError, "validation part of fold 0 of 1 is empty"),
        ([([], B)], TEN, InputError, "train part of fold 0 of 1 is empty"),
        ([(A, [10])], TEN, InputError, r"validation part .* 0..9.* got 10"),
        ([(A, [-1])], TEN, InputError, "got -1"),
        ([(A, [6, 6])], TEN, InputError, r"more than once \(row ids 6\)"),
        ([(A > 3, A < 4)], TEN, InputError, "numpy.flatnonzero"),
        ([1, 2], TEN, InputError, "not a pair"),
        ([(A, B), (A, [5, 9])], TEN, LeakageError, r"1 row is in both .* fold 1 of 2"),
        (
            [(A, B - 2)],
            TEN,
            LeakageError,
            r"2 rows are .* \(row ids 4, 5\).*GroupKFold",
        ),
        ([(A[:5], [5])], PAIRED, LeakageError, r"1 group is on both .*\(groups 2\)"),
    ],
)
def test_what_is_no_plan_is_refused(cv, data, error, words):
    """Impossible and leaking folds are refused before anything is trained."""
    with pytest.raises(error, match=words):
        make_plan(cv, data, seed=0)


def test_leave_one_out_is_legal():
    """As many folds as rows validates one row at a time."""
    assert_complete(make_plan(6, quantities(6), seed=0), 6)


def test_a_plan_refuses_other_rows():
    """A plan works on the content it was made on, and on no other."""
    data = load("iris")
    plan = make_plan(5, data, seed=7)
    plan.check(data)
    plan.check(data.take(range(150)))
    for other in (data.take(range(149)), data.take(range(149, -1, -1)), load("wine")):
        with pytest.raises(InputError, match="made on other rows"):
            plan.check(other)


def test_rows_left_out_do_not_change_the_plan():
    """Replacing rows that the plan's dataset does not hold changes no fingerprint."""
    x, y = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
    poisoned = x.copy()
    poisoned[30:] = 1e9
    plans = [
        make_plan(5, from_arrays(a, y).take(range(30)), seed=1) for a in (x, poisoned)
    ]
    assert plans[0].record == plans[1].record


@pytest.mark.parametrize(
    ("cv", "data", "text"),
    [
        (
            5,
            load("digits"),
            "5 stratified folds, shuffled with seed 7: 1437-1438 rows to train, "
            "359-360 to validate; every class in every fold.",
        ),
        (
            TimeSeriesSplit(2),
            quantities(9),
            "2 time-ordered folds: 3-6 rows to train, 3 to validate.",
        ),
        (
            RepeatedKFold(2, 3),
            quantities(9),
            "2 folds, repeated 3 times, shuffled with seed 7: 4-5 rows to train, "
            "4-5 to validate.",
        ),
        (
            KFold(2, shuffle=False),
            classes([0] * 4 + [1] * 4),
            "2 folds: 4 rows to train, 4 to validate; class '0' is missing from the "
            "train part of fold 0, class '1' is missing from the validation part of "
            "fold 0, class '1' is missing from the train part of fold 1, … "
            "(4 in all).",
        ),
    ],
)
def test_the_summary_is_a_sentence(cv, data, text):
    """A plan says how many rows and which classes its folds hold."""
    assert make_plan(cv, data, seed=7).summary() == text
