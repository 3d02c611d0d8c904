"""The choice: failures out, equivalents found, the steadier one taken, all said."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from homeroom.errors import FitError, InputError
from homeroom.judgement import expected_maximum, one_std_err, select, summarize
from homeroom.records import Metric

ACCURACY, LOSS = Metric("accuracy", "max"), Metric("loss", "min")
SMALL = [0.90, 0.92, 0.91, 0.93, 0.92]  # steady
LARGE = [0.95, 0.93, 0.88, 0.96, 0.94]  # better on average, worse at worst
POOR = [0.60, 0.62, 0.58, 0.61, 0.63]


@pytest.fixture(scope="module")
def plan(make_plan):
    return make_plan(n_splits=5)


def test_the_steadier_of_equivalents_is_chosen_and_both_are_named(make_summary, plan):
    """Best mean and steadiest differ: both are in the record and in the sentence."""
    summaries = [
        make_summary(name, scores)
        for name, scores in [("small", SMALL), ("large", LARGE), ("poor", POOR)]
    ]
    chosen = select(summaries, plan, n_weights={})
    assert (chosen.candidate, chosen.steadiest) == ("small", "small")
    assert chosen.best_mean == "large"
    assert chosen.equivalent == ("large", "small")
    assert chosen.n_compared == 3
    assert chosen.reason == (
        "Of 3 candidates 'large' has the best mean (mean validation accuracy 93.2 %, "
        "5 folds, approximate 95 % interval 87.4 to 99.0 %). 'small' is not shown to "
        "be worse by more than 1.0 points with a probability of at least 95 %, so "
        "cannot be told from it. Best mean and steadiest differ: 'small' is chosen "
        "(mean 91.6 %), "
        "because its worst fold has accuracy 90.0 % against 88.0 % of 'large' (spread "
        "over folds 1.1 points against 3.1 points). 5 folds barely resolve steadiness: "
        "the 95 % interval of that spread is 0.7 to 3.3 points. Rules disagree: "
        "best_mean, one_std_err and pct_loss would choose 'large'. More repeats alone "
        "will not tell 'small' from 'large' at the difference seen: that takes more "
        "rows. As one of 3 compared, its score is expected to be too good by up to "
        "about 0.6 points."
    )


def test_a_clearly_best_candidate_wins_alone(make_summary, plan):
    """Whoever is worse with certainty is not equivalent, however steady."""
    steady_and_poor = make_summary("constant", [0.5] * 5)
    chosen = select([make_summary("large", LARGE), steady_and_poor], plan, n_weights={})
    assert chosen.candidate == chosen.best_mean == "large"
    assert chosen.equivalent == ("large",)
    assert "Every other candidate is worse by more than 1.0 points" in chosen.reason
    assert "barely resolve" not in chosen.reason


def test_worst_folds_that_look_alike_get_the_digits_that_differ(make_summary, plan):
    """A reason never says that 97.4 % is better than 97.4 %."""
    a, b = ([0.97412 - d, *[0.98] * 4] for d in (0.0, 0.00024))
    summaries = [make_summary("a", a), make_summary("b", b)]
    reason = select(summaries, plan, n_weights={}).reason
    assert "accuracy 97.41 % against 97.39 % of 'b'" in reason


def test_the_rounding_of_float32_chooses_nobody(make_summary, plan):
    """46 of 48 is 46 of 48, whether Keras or scikit-learn has counted."""
    share = 46 / 48
    keras = make_summary("net", [float(np.float32(share)), *[0.96, 0.97, 0.96, 0.97]])
    trees = make_summary("trees", [share, *[0.96, 0.97, 0.99, 0.99]])
    chosen = select([keras, trees], plan, n_weights={})
    assert chosen.candidate == "net"  # of equal worst folds the smaller spread
    assert "against 95.83" not in chosen.reason
    # a tie, which the better mean decides
    assert chosen.rules["worst_fold"] == "trees"


def test_for_a_loss_lower_is_better_and_the_highest_fold_is_worst(make_summary, plan):
    """The same choice in terms of a loss, where every sign turns."""
    summaries = [
        make_summary(name, [1 - score for score in scores], metric=LOSS)
        for name, scores in [("small", SMALL), ("large", LARGE), ("poor", POOR)]
    ]
    chosen = select(summaries, plan, n_weights={}, rope=0.01)
    assert (chosen.candidate, chosen.best_mean) == ("small", "large")
    assert chosen.equivalent == ("large", "small")
    assert "its worst fold has loss 0.1000 against 0.1200" in chosen.reason


@pytest.mark.parametrize(
    ("a", "b", "n_weights", "winner", "because"),
    [
        (
            [0.5, 0.7, 0.7, 0.7, 0.7],
            [0.5, 0.6, 0.7, 0.8, 0.9],
            {},
            "a",
            "spreads less over folds",
        ),
        (SMALL, SMALL, {"a": 900, "b": 100}, "b", "fewer weights (100 against 900"),
        (SMALL, SMALL, {"b": 100}, "b", "against an unknown number of 'a'"),
        (SMALL, SMALL, {"a": None, "b": None}, "a", "comes first by name"),
    ],
)
def test_ties_are_broken_in_the_stated_order(
    make_summary, plan, a, b, n_weights, winner, because
):
    """Equal worst folds: spread decides; then weights; then the name."""
    summaries = [make_summary("a", a), make_summary("b", b)]
    chosen = select(summaries, plan, n_weights=n_weights)
    assert chosen.candidate == winner
    assert because in chosen.reason


def test_a_failed_candidate_is_left_out_and_named(make_summary, make_member, plan):
    """The best scores do not help a candidate with a failed training."""
    members = [make_member(fold, score=0.99, candidate="best") for fold in range(4)]
    members.append(make_member(4, candidate="best", state="FAILED", error="no memory"))
    failed = summarize(members, plan, ACCURACY)
    chosen = select([failed, make_summary("small", SMALL)], plan, n_weights={})
    assert chosen.candidate == "small"
    assert chosen.excluded == {"best": "fold 5, seed 1: no memory"}
    assert (chosen.n_compared, chosen.optimism) == (1, 0.0)
    assert "only candidate that trained without failure" in chosen.reason
    assert "Left out because trainings failed: 'best'." in chosen.reason
    with pytest.raises(FitError, match="best: fold 5, seed 1: no memory"):
        select([failed], plan, n_weights={})


def test_one_fold_makes_everything_equivalent_and_says_so(make_plan, make_summary):
    """With one fold the best score is taken, and the reason says what it is worth."""
    plan = make_plan(n_splits=1)
    summaries = [make_summary("a", [0.7], plan), make_summary("b", [0.9], plan)]
    chosen = select(summaries, plan, n_weights={})
    assert (chosen.candidate, chosen.equivalent) == ("b", ("b", "a"))
    assert "One fold cannot tell candidates apart" in chosen.reason
    binomial = math.sqrt(0.9 * 0.1 / plan.folds[0].n_validation)
    assert chosen.optimism == pytest.approx(expected_maximum(2) * binomial)


def test_one_fold_of_a_loss_has_unknown_optimism(make_plan, make_summary):
    """Without a standard error optimism is NaN, and the reason says that."""
    plan = make_plan(n_splits=1)
    summaries = [make_summary(n, [v], plan, LOSS) for n, v in [("a", 0.7), ("b", 0.9)]]
    chosen = select(summaries, plan, n_weights={})
    assert chosen.candidate == "a"
    assert math.isnan(chosen.optimism)
    assert "one fold cannot say by how much" in chosen.reason


def test_optimism_is_the_expected_maximum_times_the_corrected_error(make_summary, plan):
    """Optimism = E[max of m] · sqrt(var·(1/J + n_val/n_train)), not SD/√J."""
    summaries = [make_summary(f"c{i}", LARGE) for i in range(20)]
    chosen = select(summaries, plan, n_weights={})
    error = math.sqrt(np.var(LARGE, ddof=1) * (1 / 5 + 1 / 4))
    assert chosen.optimism == pytest.approx(1.8674750597983 * error, rel=1e-10)


def test_one_candidate_needs_no_comparison(make_summary, plan):
    """A single candidate is chosen without optimism."""
    chosen = select([make_summary("mlp", SMALL)], plan, n_weights={})
    assert (chosen.candidate, chosen.optimism) == ("mlp", 0.0)
    assert chosen.reason.startswith("'mlp' is the only candidate (mean validation")


def test_seeds_are_told_in_the_reason(make_summary, plan):
    """The reason says of how many folds and seeds the mean is."""
    seen = make_summary("mlp", [[s, s + 0.01] for s in SMALL])
    assert "5 folds × 2 seeds" in select([seen], plan, n_weights={}).reason


def test_nothing_and_doubles_are_refused(make_summary, plan):
    """There must be a candidate, and names are unique."""
    with pytest.raises(InputError, match="no candidate"):
        select([], plan, n_weights={})
    twice = [make_summary("mlp", SMALL), make_summary("mlp", LARGE)]
    with pytest.raises(InputError, match="Two candidates are called 'mlp'"):
        select(twice, plan, n_weights={})


# Sixty-fourths are exact in floating point, so scaling by 2 changes no digit.
fold_scores = st.lists(st.integers(1, 64).map(lambda n: n / 64), min_size=5, max_size=5)
tables = st.lists(fold_scores, min_size=1, max_size=5)


@settings(max_examples=40, deadline=None)
@given(table=tables, data=st.data(), metric=st.sampled_from([ACCURACY, LOSS]))
def test_the_order_of_candidates_does_not_matter(
    make_summary, make_plan, table, data, metric
):
    """Any order of the candidates gives the same selection, word for word."""
    plan = make_plan(n_splits=5)
    summaries = [
        make_summary(f"c{i}", scores, metric=metric) for i, scores in enumerate(table)
    ]
    shuffled = data.draw(st.permutations(summaries))
    weights = {f"c{i}": 10 for i in range(len(table))}
    first = select(summaries, plan, n_weights=weights)
    assert select(shuffled, plan, n_weights=weights) == first
    assert first.candidate in first.equivalent
    assert first.best_mean in first.equivalent


@settings(max_examples=40, deadline=None)
@given(table=tables, scale=st.sampled_from([0.25, 2.0, 1000.0]))
def test_the_unit_of_a_loss_does_not_matter(make_summary, make_plan, table, scale):
    """Scaling a loss scales optimism and changes nothing else of the choice."""
    plan = make_plan(n_splits=5)
    choices = [
        select(
            [
                make_summary(f"c{i}", [factor * s for s in scores], metric=LOSS)
                for i, scores in enumerate(table)
            ],
            plan,
            n_weights={},
        )
        for factor in (1.0, scale)
    ]
    assert choices[0].candidate == choices[1].candidate
    assert choices[0].best_mean == choices[1].best_mean
    assert choices[0].equivalent == choices[1].equivalent
    assert choices[1].optimism == pytest.approx(scale * choices[0].optimism)


def test_the_expected_maximum_is_exact():
    """E[max of 20] = 1.867, and every m agrees with adaptive quadrature to 1e-9."""
    assert round(expected_maximum(20), 3) == 1.867
    assert expected_maximum(2) == pytest.approx(1 / math.sqrt(math.pi), abs=1e-12)
    assert expected_maximum(3) == pytest.approx(1.5 / math.sqrt(math.pi), abs=1e-12)
    assert expected_maximum(1) == expected_maximum(0) == 0.0
    for m in (5, 100, 10_000):
        quadrature = integrate.quad(
            lambda x, m=m: x * m * stats.norm.pdf(x) * stats.norm.cdf(x) ** (m - 1),
            -8,
            12,
            limit=200,
        )[0]
        assert expected_maximum(m) == pytest.approx(quadrature, abs=1e-9)


KNN = {
    1: (0.728911, 0.007082),
    4: (0.779250, 0.005112),
    12: (0.802500, 0.005838),
    14: (0.809598, 0.005571),
    17: (0.811611, 0.005422),
    25: (0.818196, 0.005315),
    28: (0.817468, 0.005369),
    37: (0.817318, 0.0053),
    49: (0.818446, 0.005263),
}


def test_the_one_standard_error_rule_finds_the_published_neighbors():
    """The fixture of the tune package: best K = 49, simplest within one SE K = 25."""
    ks = list(KNN)
    means, errors = zip(*KNN.values(), strict=True)
    assert ks[int(np.argmax(means))] == 49
    assert ks[one_std_err(means, errors, ks, direction="max")] == 25
    losses = [1 - mean for mean in means]
    assert ks[one_std_err(losses, errors, ks, direction="min")] == 25
    # With the SD (50 resamples) in place of the SE far too simple a model wins.
    sds = [error * math.sqrt(50) for error in errors]
    assert ks[one_std_err(means, sds, ks, direction="max")] < 25


def test_the_one_standard_error_rule_uses_the_error_of_the_best():
    """A candidate cannot get in by its own large error, and the order is the user's."""
    means, errors = [0.80, 0.90], [0.5, 0.01]
    assert one_std_err(means, errors, [1, 2], direction="max") == 1
    assert one_std_err([0.9, 0.9], errors, [2, 1], direction="max") == 1


def test_the_one_standard_error_rule_refuses_gaps():
    """Lengths must agree and failed candidates must be left out first."""
    with pytest.raises(InputError, match="one mean"):
        one_std_err([0.9], [0.1, 0.1], [1], direction="max")
    with pytest.raises(InputError, match="finite"):
        one_std_err([0.9, math.nan], [0.1, 0.1], [1, 2], direction="max")
