"""A summary keeps both spreads apart and never averages a failure away."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from homeroom.errors import InputError
from homeroom.judgement import WorstFold, summarize, wilson
from homeroom.judgement.summary import Summary
from homeroom.records import History, Metric, from_json, to_json

ACCURACY = Metric("accuracy", "max")
SCORES = [[0.90, 0.92], [0.80, 0.84], [0.88, 0.88], [0.95, 0.93], [0.91, 0.89]]


def test_mean_and_spreads_are_over_folds_and_over_seeds(make_summary):
    """Mean and SD are over fold means; the seed spread is pooled inside folds."""
    summary = make_summary("mlp", SCORES)
    folds = np.mean(SCORES, axis=1)
    assert summary.fold_scores == pytest.approx(tuple(folds))
    assert summary.mean == pytest.approx(folds.mean())
    assert summary.sd_folds == pytest.approx(folds.std(ddof=1))
    within = np.sqrt(np.mean(np.var(SCORES, axis=1, ddof=1)))
    assert summary.sd_seeds == pytest.approx(within)
    assert (summary.n_folds, summary.n_seeds, summary.complete) == (5, 2, True)


def test_the_interval_is_corrected_for_shared_training_rows(make_summary):
    """The interval is mean ± t·sqrt(var·(1/J + n_val/n_train)), not naive."""
    summary = make_summary("mlp", SCORES)
    folds = np.mean(SCORES, axis=1)
    error = np.sqrt(folds.var(ddof=1) * (1 / 5 + 20 / 80))
    low, high = stats.t.interval(0.95, df=4, loc=folds.mean(), scale=error)
    assert summary.standard_error == pytest.approx(error, abs=1e-12)
    interval = summary.interval
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-12)
    naive = stats.t.interval(0.95, df=4, loc=folds.mean(), scale=stats.sem(folds))
    assert interval.high - interval.low > 1.4 * (naive[1] - naive[0])
    assert "approximate" in interval.method


def test_repeats_count_as_scores_but_not_as_new_rows(make_plan, make_summary):
    """With repeats J grows, and the share n_val/n_train stays in the variance."""
    plan = make_plan(n_splits=5, n_repeats=2)
    scores = np.linspace(0.8, 0.95, 10)
    summary = make_summary("mlp", list(scores), plan)
    expected = math.sqrt(scores.var(ddof=1) * (1 / 10 + 1 / 4))
    assert summary.standard_error == pytest.approx(expected, abs=1e-12)


def test_the_interval_of_the_spread_is_given(make_summary):
    """The SD over five folds comes with its chi-square interval."""
    summary = make_summary("mlp", SCORES)
    ratio = summary.sd_folds_interval.high / summary.sd_folds
    assert ratio == pytest.approx(2.8736, abs=1e-4)


@pytest.mark.parametrize(
    ("direction", "worst"), [("max", WorstFold(0.82, 1)), ("min", WorstFold(0.94, 3))]
)
def test_the_worst_fold_is_worst_in_the_direction_of_the_metric(
    make_summary, direction, worst
):
    """For an accuracy the lowest fold is worst, for an error the highest."""
    summary = make_summary("mlp", SCORES, metric=Metric("error", direction))
    assert summary.worst_fold.fold == worst.fold
    assert summary.worst_fold.value == pytest.approx(worst.value)


def test_one_fold_has_a_mean_and_no_interval(make_summary):
    """One fold gives a number, and says nothing about how far to trust it."""
    summary = make_summary("mlp", [[0.9, 0.8]])
    assert summary.mean == pytest.approx(0.85)
    assert (summary.interval, summary.sd_folds_interval) == (None, None)
    assert math.isnan(summary.sd_folds)
    assert summary.sd_seeds == pytest.approx(math.sqrt(0.005))


def test_one_seed_has_no_seed_spread(make_summary):
    """The spread over seeds of one seed is NaN, not 0."""
    assert math.isnan(make_summary("mlp", [0.9, 0.8]).sd_seeds)


@pytest.mark.parametrize(
    ("fields", "prose"),
    [
        (
            {
                "state": "FAILED",
                "history": History({"loss": (1.0, 1.0, 1.0, math.nan)}),
                "stop_reason": "diverged",
            },
            "fold 2, seed 1: loss became NaN in epoch 4",
        ),
        (
            {"state": "FAILED", "error": "Traceback (most recent):\n  x\nOOM: no room"},
            "fold 2, seed 1: OOM: no room",
        ),
        ({"state": "RUNNING"}, "fold 2, seed 1: ended in state RUNNING (epochs)"),
        ({"scores": {"val_accuracy": math.nan}}, "fold 2, seed 1: val_accuracy is nan"),
    ],
)
def test_a_failed_training_is_named_and_not_averaged(
    make_plan, make_member, fields, prose
):
    """A failure is in `failed` in prose; the mean is of the rest, and not complete."""
    members = [make_member(0, score=0.9), make_member(1, score=0.1, **fields)]
    summary = summarize(members, make_plan(n_splits=2), ACCURACY)
    assert summary.failed == (prose,)
    assert not summary.complete
    assert (summary.mean, summary.n_folds) == (0.9, 1)
    assert math.isnan(summary.fold_scores[1])


def test_a_missing_training_is_incomplete_and_no_failure(make_plan, make_member):
    """What is missing, was interrupted or never began is told apart from failures."""
    members = [make_member(0), make_member(0, 1), make_member(1, 1)]
    members.append(make_member(2, 0, state="INTERRUPTED"))
    members.append(make_member(2, 1, state="INTERRUPTED", history=History({})))
    summary = summarize(members, make_plan(n_splits=3), ACCURACY)
    assert summary.failed == ()
    assert summary.untrained == (
        "fold 2, seed 1: was never trained",
        "fold 3, seed 1: interrupted after epoch 2",
        "fold 3, seed 2: was never trained",
    )
    assert not summary.complete


def test_equal_scores_have_no_spread_at_all(make_plan, make_member):
    """Seeds of an estimator without chance agree: their SD is 0, not 5e-15."""
    scores = (57.123456789, 61.987654321, 55.5555555553)
    members = [
        make_member(fold, seed, score)
        for fold, score in enumerate(scores)
        for seed in range(7)
    ]
    summary = summarize(members, make_plan(n_splits=3), ACCURACY)
    assert summary.sd_seeds == 0
    assert summary.fold_scores == scores
    same = [make_member(fold, seed, 0.1) for fold in range(3) for seed in range(3)]
    summary = summarize(same, make_plan(n_splits=3), ACCURACY)
    assert summary.sd_folds == summary.standard_error == 0
    assert summary.mean == 0.1


def test_folds_that_scored_alike_are_no_certainty(make_plan, make_member):
    """All of 60 rows right is Wilson's interval of 60 rows; equal errors have none."""
    plan = make_plan(n_splits=3, n_repeats=2, n_rows=60)
    perfect = [make_member(fold, 0, 1.0) for fold in range(6)]
    interval = summarize(perfect, plan, ACCURACY).interval
    wanted = wilson(60, 60)
    assert (interval.low, interval.high) == (wanted.low, wanted.high)
    assert "n = 60 validated rows; all folds scored alike" in interval.method
    some = summarize(perfect[:2], plan, ACCURACY).interval
    assert (some.low, some.high) == (wilson(40, 40).low, 1.0)
    equal = [make_member(fold, 0, 0.25, key="val_loss") for fold in range(6)]
    assert summarize(equal, plan, Metric("loss", "min")).interval is None


def test_an_estimator_has_no_epochs(make_plan, make_member):
    """Its scores are a history of one entry, which is not counted as an epoch."""
    members = [make_member(fold, path="estimator") for fold in range(2)]
    assert math.isnan(summarize(members, make_plan(n_splits=2), ACCURACY).mean_epochs)


def test_a_candidate_that_failed_everywhere_has_no_numbers(make_plan, make_member):
    """Without any score every number is NaN or None, and nothing raises."""
    members = [make_member(fold, state="FAILED") for fold in range(2)]
    summary = summarize(members, make_plan(n_splits=2), ACCURACY)
    assert math.isnan(summary.mean)
    assert (summary.worst_fold, summary.interval, summary.n_folds) == (None, None, 0)


def test_epochs_are_averaged_over_complete_trainings(make_plan, make_member):
    """Epochs trained and best epochs (0-based) are means over complete trainings."""
    long = History({"loss": (1.0,) * 6})
    members = [
        make_member(0, best_epoch=1),
        make_member(1, best_epoch=4, history=long),
        make_member(1, 1, state="FAILED", best_epoch=90, history=long),
    ]
    summary = summarize(members, make_plan(n_splits=2), ACCURACY)
    assert (summary.mean_epochs, summary.mean_best_epoch) == (4.0, 2.5)


def test_the_order_of_members_does_not_matter(make_plan, make_member):
    """Members may come in any order."""
    members = [make_member(f, s, 0.7 + f / 10 + s / 50) for f in (0, 1) for s in (0, 1)]
    plan = make_plan(n_splits=2)
    assert summarize(members, plan, ACCURACY) == summarize(
        members[::-1], plan, ACCURACY
    )


def test_what_cannot_be_summarized_is_refused(make_plan, make_member):
    """No members, two candidates, doubles, foreign folds, a missing metric: errors."""
    plan = make_plan(n_splits=2)
    cases = [
        ([], "one candidate"),
        ([make_member(0), make_member(1, candidate="other")], "one candidate"),
        ([make_member(0), make_member(0)], "two trainings for fold 1, seed 1"),
        ([make_member(5)], "the plan has 2"),
        ([make_member(0, key="val_acuracy")], "Did you mean 'val_acuracy'"),
    ]
    for members, message in cases:
        with pytest.raises(InputError, match=message):
            summarize(members, plan, ACCURACY)


def test_a_summary_survives_json(make_summary):
    """A summary is a record: it becomes JSON and comes back."""
    summary = make_summary("mlp", SCORES)
    again = from_json(to_json(summary), Summary)
    assert to_json(again) == to_json(summary)
    assert again.worst_fold == summary.worst_fold
