"""Comparisons agree with scikit-learn's worked example and with baycomp."""

from __future__ import annotations

import math
from itertools import combinations

import baycomp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.datasets import make_moons
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.svm import SVC

from homeroom.errors import InputError
from homeroom.judgement import compare
from homeroom.records import Metric

AUC, LOSS = Metric("auc", "max"), Metric("loss", "min")


@pytest.fixture(scope="module")
def plan(make_plan):
    return make_plan(n_splits=10, n_repeats=10)


@pytest.fixture(scope="module")
def svms(make_summary, plan):
    """scikit-learn's "Statistical comparison of models using grid search"."""
    x, y = make_moons(noise=0.352, random_state=1, n_samples=100)
    cv = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    models = {
        "rbf": SVC(kernel="rbf", random_state=0),
        "linear": SVC(kernel="linear", random_state=0),
        "3_poly": SVC(kernel="poly", degree=3, random_state=0),
        "2_poly": SVC(kernel="poly", degree=2, random_state=0),
    }
    return {
        name: make_summary(
            name,
            list(map(float, cross_val_score(model, x, y, cv=cv, scoring="roc_auc"))),
            plan,
            AUC,
        )
        for name, model in models.items()
    }


def test_the_example_has_the_published_scores(svms):
    """The fixture is the published one: means and SDs agree."""
    means = {name: round(s.mean, 4) for name, s in svms.items()}
    assert means == {"rbf": 0.94, "linear": 0.93, "3_poly": 0.9044, "2_poly": 0.6852}
    # scikit-learn divides by J (ddof=0), a summary by J - 1.
    assert round(svms["rbf"].sd_folds * math.sqrt(99 / 100), 6) == 0.079297


def test_a_shell_shows_a_comparison_as_a_sentence(svms, plan):
    """Difference, interval and the three published probabilities, in one line."""
    said = repr(compare(svms["rbf"], svms["linear"], plan, rope=0.01))
    assert said == (
        "<Comparison: rbf - linear: +0.01000 AUC (95 % interval -0.0164 to +0.0364); "
        "better 50 %, equal within 0.0100 43 %, worse 7 %>"
    )


def test_the_corrected_t_is_the_published_one(svms, plan):
    """rbf against linear: t 0.750, one-sided p 0.227, not the naive 2.611 and .005."""
    seen = compare(svms["rbf"], svms["linear"], plan)
    assert (round(seen.t, 3), round(seen.p_one_sided, 3)) == (0.750, 0.227)
    assert seen.df == 99
    assert seen.p_two_sided == pytest.approx(2 * seen.p_one_sided)
    gains = np.subtract(svms["rbf"].fold_scores, svms["linear"].fold_scores)
    naive = stats.ttest_rel(svms["rbf"].fold_scores, svms["linear"].fold_scores)
    assert round(float(naive.statistic), 3) == 2.611
    corrected = gains.mean() / math.sqrt(gains.var(ddof=1) * (1 / 100 + 10 / 90))
    assert seen.t == pytest.approx(corrected, abs=1e-12)
    assert seen.p_one_sided == pytest.approx(stats.t.sf(corrected, 99), abs=1e-12)


def test_all_pairs_have_the_published_t_and_p(svms, plan):
    """The six pairwise tests of the example, Bonferroni-corrected, to three digits."""
    seen = {}
    for a, b in combinations(svms, 2):
        comparison = compare(svms[a], svms[b], plan)
        bonferroni = min(1.0, 6 * comparison.p_one_sided)
        seen[a, b] = (round(comparison.t, 3), round(bonferroni, 3))
    assert seen == {
        ("rbf", "linear"): (0.750, 1.0),
        ("rbf", "3_poly"): (1.657, 0.302),
        ("rbf", "2_poly"): (4.565, 0.000),
        ("linear", "3_poly"): (1.111, 0.807),
        ("linear", "2_poly"): (4.276, 0.000),
        ("3_poly", "2_poly"): (3.851, 0.001),
    }


def test_the_three_probabilities_are_baycomps(svms, plan):
    """rbf against linear: 0.068 / 0.432 / 0.500, as baycomp says with runs=10."""
    seen = compare(svms["rbf"], svms["linear"], plan, rope=0.01)
    ours = seen.p_worse, seen.p_equal, seen.p_better
    assert ours == pytest.approx((0.0683175, 0.4316826, 0.5), abs=1e-6)
    theirs = baycomp.two_on_single(
        np.array(svms["linear"].fold_scores),
        np.array(svms["rbf"].fold_scores),
        rope=0.01,
        runs=10,
    )
    assert ours == pytest.approx(tuple(map(float, theirs)), abs=1e-12)


def test_without_a_rope_the_probability_is_the_published_one(svms, plan):
    """P(rbf > linear) = 0.773, and the 95 % interval is [-0.0164, 0.0364]."""
    seen = compare(svms["rbf"], svms["linear"], plan, rope=0.0)
    assert round(seen.p_better, 3) == 0.773
    assert seen.p_equal == pytest.approx(0.0, abs=1e-12)
    low, high = seen.interval.low, seen.interval.high
    assert (round(low, 4), round(high, 4)) == (-0.0164, 0.0364)


scores = st.lists(st.floats(0.01, 1.0), min_size=5, max_size=5)


@settings(max_examples=40, deadline=None)
@given(a=scores, b=scores, rope=st.sampled_from([0.005, 0.01, 0.1]))
def test_any_scores_agree_with_baycomp(make_plan, make_summary, a, b, rope):
    """For any scores of five folds the three probabilities are baycomp's."""
    seen = compare(
        make_summary("a", a), make_summary("b", b), make_plan(n_splits=5), rope=rope
    )
    theirs = baycomp.two_on_single(np.array(b), np.array(a), rope=rope)
    ours = seen.p_worse, seen.p_equal, seen.p_better
    assert ours == pytest.approx(tuple(map(float, theirs)), abs=1e-9)
    assert sum(ours) == pytest.approx(1.0)


@settings(max_examples=40, deadline=None)
@given(a=scores, b=scores, metric=st.sampled_from([AUC, LOSS]))
def test_a_comparison_turns_over(make_plan, make_summary, a, b, metric):
    """Exchanging the candidates exchanges worse and better, for either direction."""
    plan = make_plan(n_splits=5)
    a, b = make_summary("a", a, metric=metric), make_summary("b", b, metric=metric)
    one, other = compare(a, b, plan), compare(b, a, plan)
    assert one.p_better == pytest.approx(other.p_worse, abs=1e-9)
    assert one.difference == pytest.approx(-other.difference)
    assert one.rope == other.rope


def test_better_means_lower_for_a_loss(make_plan, make_summary):
    """A clearly lower loss is better: t is positive and the difference negative."""
    low = make_summary("low", [0.1, 0.2, 0.15, 0.12, 0.18], metric=LOSS)
    high = make_summary("high", [0.9, 1.1, 0.95, 0.93, 0.9], metric=LOSS)
    seen = compare(low, high, make_plan(n_splits=5))
    assert seen.t > 0 > seen.difference
    assert seen.interval.high < 0
    assert seen.p_better > 0.99
    assert seen.p_one_sided < 0.01
    assert seen.rope == pytest.approx(0.01 * low.mean)


@pytest.mark.parametrize(
    ("shift", "expected"),
    [(0.0, (0.0, 1.0, 0.0)), (0.25, (0.0, 0.0, 1.0)), (-0.25, (1.0, 0.0, 0.0))],
)
def test_no_variance_is_certainty_not_nan(make_plan, make_summary, shift, expected):
    """Differences that are all equal give a point mass and finite probabilities."""
    base = [0.5, 0.625, 0.75, 0.5, 0.625]
    a = make_summary("a", [score + shift for score in base])
    seen = compare(a, make_summary("b", base), make_plan(n_splits=5))
    assert (seen.p_worse, seen.p_equal, seen.p_better) == expected
    assert seen.t == (math.copysign(math.inf, shift) if shift else 0.0)
    assert seen.p_two_sided == (0.0 if shift else 1.0)
    assert (seen.interval.low, seen.interval.high) == (shift, shift)


def test_a_certain_difference_of_just_the_rope_is_equal(make_plan, make_summary):
    """The edge of the region belongs to it: a point mass there is no difference."""
    base = [0.5, 0.625, 0.75, 0.5, 0.625]
    a = make_summary("a", [score + 0.25 for score in base])
    seen = compare(a, make_summary("b", base), make_plan(n_splits=5), rope=0.25)
    assert (seen.p_worse, seen.p_equal, seen.p_better) == (0.0, 1.0, 0.0)


def test_unequal_folds_use_the_rows_and_not_the_number_of_splits(make_plan):
    """ρ of a shuffled plan is the share held out, whatever `n_splits` says."""
    from homeroom.judgement.resampled import correlation, mean_ratio
    from homeroom.records import FoldRecord

    sizes = [21, 21, 21, 20, 20]
    folds = [
        FoldRecord(
            repeat=0, fold=i, n_train=103 - n, n_validation=n, fingerprint=str(i)
        )
        for i, n in enumerate(sizes)
    ]
    assert correlation(folds) == pytest.approx(1 / 5, abs=1e-12)
    assert mean_ratio(folds) == pytest.approx(np.mean([n / (103 - n) for n in sizes]))
    assert correlation(folds[:2]) == pytest.approx(21 / 103)
    assert correlation(make_plan(n_splits=10).folds) == pytest.approx(1 / 10)


def test_one_fold_compares_nothing(make_plan, make_summary):
    """With one fold the difference is known, and nothing about its certainty."""
    plan = make_plan(n_splits=1)
    a, b = make_summary("a", [0.9], plan), make_summary("b", [0.7], plan)
    seen = compare(a, b, plan)
    assert seen.difference == pytest.approx(0.2)
    assert seen.interval is None
    assert all(map(math.isnan, (seen.t, seen.p_two_sided, seen.p_better)))


def test_different_folds_metrics_or_plans_are_refused(
    make_plan, make_summary, make_member
):
    """Only scores of the same folds, metric and plan can be paired."""
    from homeroom.judgement import summarize

    plan = make_plan(n_splits=2)
    a = make_summary("a", [0.9, 0.8])
    with pytest.raises(InputError, match="same metric"):
        compare(a, make_summary("b", [0.9, 0.8], metric=LOSS), plan)
    elsewhere = make_plan(n_splits=2, fingerprint="elsewhere")
    with pytest.raises(InputError, match="fold by fold"):
        compare(a, make_summary("b", [0.9, 0.8], elsewhere), plan)
    partial = summarize([make_member(0)], plan, Metric("accuracy", "max"))
    with pytest.raises(InputError, match="fold 2 is missing"):
        compare(a, partial, plan)
    with pytest.raises(InputError, match="rope=-1"):
        compare(a, a, plan, rope=-1)
    with pytest.raises(InputError, match="rope=nan"):
        compare(a, a, plan, rope=math.nan)
