"""A candidate is held against what costs nothing, on the same folds."""

from __future__ import annotations

import numpy as np
import pytest

from homeroom import judgement
from homeroom.records import (
    FoldRecord,
    History,
    MemberRecord,
    Metric,
    SplitPlanRecord,
    Verdict,
)

ACCURACY, ERROR = Metric("accuracy", "max"), Metric("mae", "min")
GOOD = Verdict("good fit", "Good fit: it settled.", korean="적절한 학습.")


def plan(n=5):
    folds = tuple(
        FoldRecord(repeat=0, fold=i, n_train=80, n_validation=20, fingerprint="")
        for i in range(n)
    )
    return SplitPlanRecord(
        strategy="KFold", n_splits=n, n_repeats=1, folds=folds, fingerprint="p"
    )


def trained(name, scores, metric=ACCURACY):
    return [
        MemberRecord(
            candidate=name,
            fold=fold,
            seed_index=0,
            seed=1,
            state="COMPLETE",
            history=History({}),
            scores={metric.validation_key: score},
        )
        for fold, score in enumerate(scores)
    ]


def seen(scores, *baselines, metric=ACCURACY, n=5):
    known = judgement.baseline_summaries(
        [m for name, each in baselines for m in trained(name, each, metric)],
        plan(n),
        metric,
    )
    mine = judgement.summarize(trained("mlp", scores, metric), plan(n), metric)
    return judgement.against_baselines(GOOD, mine, known, plan(n))


GUESS = ("most frequent class", [0.5, 0.52, 0.48, 0.5, 0.5])
LINE = ("linear model", [0.8, 0.82, 0.78, 0.8, 0.8])


def test_a_candidate_above_both_keeps_its_verdict():
    """Nothing is said where the intervals of both differences lie above 0."""
    assert seen([0.9, 0.91, 0.9, 0.89, 0.92], GUESS, LINE) == GOOD


def test_no_better_than_guessing_is_told_instead():
    """The kind changes, with both means, the difference and its interval."""
    told = seen([0.52, 0.47, 0.55, 0.5, 0.49], GUESS, LINE)
    assert told.kind == "no better than the baseline"
    assert "mean accuracy is 50.6 %" in told.text
    assert "answering the most frequent class gives 50.0 %" in told.text
    assert "+0.6 points" in told.text
    assert "50.6 %" in told.korean
    assert "%p" in told.korean


def test_what_few_folds_cannot_show_is_no_proof_of_nothing():
    """Better by far in three folds: not shown, but not "nothing was learned"."""
    guess = ("most frequent class", [0.5, 0.5, 0.5])
    told = seen([0.7, 0.8, 0.9], guess, n=3)
    assert told.kind == "good fit"
    assert told.text.startswith(GOOD.text)
    assert "not shown to be better than always answering" in told.text


def test_no_better_than_a_line_is_added():
    """A linear model that is not beaten is said, and the kind stays."""
    told = seen([0.81, 0.79, 0.84, 0.77, 0.82], GUESS, LINE)
    assert told.kind == "good fit"
    assert told.text.startswith(GOOD.text)
    assert "not shown to be better than a linear model, which has 80.0 %" in told.text
    assert "선형 모델" in told.korean


def test_errors_are_better_when_they_are_smaller():
    """For an error the difference must lie below 0."""
    mean = ("mean", [3.0, 3.1, 2.9, 3.0, 3.0])
    assert seen([1.0, 1.1, 0.9, 1.0, 1.0], mean, metric=ERROR) == GOOD
    told = seen([3.4, 3.5, 3.3, 3.4, 3.4], mean, metric=ERROR)
    assert told.kind == "no better than the baseline"
    assert "always answering the mean" in told.text


def test_one_fold_has_a_difference_and_no_interval():
    """Without an interval the sign decides, and none is written."""
    assert seen([0.6], ("most frequent class", [0.5]), n=1) == GOOD
    told = seen([0.5], ("most frequent class", [0.5]), n=1)
    assert told.kind == "no better than the baseline"
    assert "interval" not in told.text


def test_a_baseline_without_the_metric_is_left_out():
    """What was not measured in every fold is no yardstick."""
    known = judgement.baseline_summaries(trained("mean", [1.0] * 4), plan(), ACCURACY)
    assert known == ()


@pytest.mark.parametrize("n_repeats", [40])
def test_noise_is_seldom_told_from_guessing(n_repeats):
    """A candidate that guesses is called better than guessing in few of 40 draws."""
    rng = np.random.default_rng(3)
    fooled = 0
    for _ in range(n_repeats):
        guess = rng.binomial(20, 0.5, 5) / 20
        mine = rng.binomial(20, 0.5, 5) / 20
        fooled += seen(list(mine), ("most frequent class", list(guess))) == GOOD
    assert fooled <= 3
