"""Four ways to choose the epoch agree with a plain reading of their definitions."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from homeroom.judgement import epoch_choices
from homeroom.records import History, Metric

ACCURACY, LOSS = Metric("accuracy", "max"), Metric("loss", "min")
RULE = {"monitor": "val_loss", "mode": "min", "start_from_epoch": 0}

curves = st.integers(2, 5).flatmap(
    lambda n_folds: st.integers(1, 8).flatmap(
        lambda n_epochs: st.lists(
            st.lists(
                st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.5, 0.9]),
                min_size=n_epochs,
                max_size=n_epochs,
            ),
            min_size=n_folds,
            max_size=n_folds,
        )
    )
)


@pytest.fixture(scope="module")
def made(make_member):
    def members(losses, accuracies=None, seed_index=0, first_fold=0):
        accuracies = accuracies or [[1 - v for v in each] for each in losses]
        return [
            make_member(
                first_fold + fold,
                seed_index,
                history=History({
                    "val_loss": tuple(loss),
                    "val_accuracy": tuple(accuracy),
                }),
            )
            for fold, (loss, accuracy) in enumerate(
                zip(losses, accuracies, strict=True)
            )
        ]

    return members


def by_rule(choices):
    return {choice.rule: choice for choice in choices}


def plain_mean(rows, epoch):
    return np.float32(math.fsum(row[epoch] for row in rows) / len(rows))


@given(losses=curves)
@settings(max_examples=80)
def test_each_way_is_what_its_definition_says(made, make_plan, losses):
    """Others, all, one standard error, own: against loops over the numbers."""
    n, epochs = len(losses), range(len(losses[0]))
    found = by_rule(epoch_choices(made(losses), make_plan(n), ACCURACY, RULE))

    def best(rows):
        return min(epochs, key=lambda e: (plain_mean(rows, e), e))

    top = best(losses)
    error = statistics.stdev(row[top] for row in losses) / math.sqrt(n)
    bound = math.fsum(row[top] for row in losses) / n + error
    means = [math.fsum(row[e] for row in losses) / n for e in epochs]
    assume(all(abs(mean - bound) > 1e-9 for mean in means))  # no rounding decides
    simple = next(e for e in epochs if means[e] <= bound or e == top)
    expected = {
        "other_folds": [best([*losses[:i], *losses[i + 1 :]]) for i in range(n)],
        "mean_curve": [top] * n,
        "one_std_err": [simple] * n,
        "per_fold": [best([row]) for row in losses],
    }
    assert {rule: list(c.epochs) for rule, c in found.items()} == expected
    for rule, choice in found.items():
        scores = [1 - losses[i][e] for i, e in enumerate(expected[rule])]
        assert choice.mean == pytest.approx(statistics.mean(scores), abs=1e-12)
        honest = found["other_folds"].mean
        assert choice.flattery == pytest.approx(choice.mean - honest, abs=1e-12)
    assert found["per_fold"].flattery >= -1e-12  # in what was watched, own is best


def test_a_falling_metric_flatters_when_it_is_lower(made, make_plan):
    """Flattery is positive for a loss that is too low."""
    losses = [[0.9, 0.5, 0.6], [0.8, 0.6, 0.4], [0.7, 0.4, 0.5]]
    found = by_rule(epoch_choices(made(losses), make_plan(3), LOSS, RULE))
    assert found["per_fold"].mean < found["other_folds"].mean
    assert found["per_fold"].flattery > 0


def test_repeats_and_seeds_choose_apart_and_come_in_the_order_of_members(
    made, make_plan
):
    """Each repeat and seed is a cohort; epochs are told by fold, then seed."""
    early = [[0.1, 0.5, 0.9]] * 2
    late = [[0.9, 0.5, 0.1]] * 2
    members = [
        *made(late, seed_index=1),
        *made(early),
        *made(late, first_fold=2),
        *made(early, seed_index=1, first_fold=2),
    ]
    plan = make_plan(2, n_repeats=2)
    found = by_rule(epoch_choices(members, plan, ACCURACY, RULE))
    assert found["mean_curve"].epochs == (0, 2, 0, 2, 2, 0, 2, 0)


def test_epochs_before_the_start_are_never_chosen(made, make_plan):
    """`start_from_epoch` holds for every way."""
    losses = [[0.1, 0.5, 0.4], [0.1, 0.5, 0.6]]
    rule = RULE | {"start_from_epoch": 1}
    found = epoch_choices(made(losses), make_plan(2), ACCURACY, rule)
    assert all(epoch >= 1 for choice in found for epoch in choice.epochs)


def test_what_does_not_count_as_better_is_never_chosen(made, make_plan):
    """`min_delta` holds for every way, as it does for the rule that stopped."""
    losses = [[0.50, 0.47, 0.46, 0.40], [0.50, 0.47, 0.46, 0.44]]
    rule = RULE | {"min_delta": 0.05}
    found = by_rule(epoch_choices(made(losses), make_plan(2), ACCURACY, rule))
    assert found["per_fold"].epochs == (3, 3)
    rule = RULE | {"min_delta": 0.07}
    found = by_rule(epoch_choices(made(losses), make_plan(2), ACCURACY, rule))
    assert found["per_fold"].epochs == (3, 0)
    assert found["other_folds"].epochs == (0, 3)


def test_a_rising_monitor_is_read_the_other_way(made, make_plan):
    """With mode "max" the best epoch is the highest."""
    accuracies = [[0.5, 0.9, 0.7], [0.5, 0.8, 0.7]]
    members = made([[0.0] * 3] * 2, accuracies)
    rule = RULE | {"monitor": "val_accuracy", "mode": "max"}
    found = by_rule(epoch_choices(members, make_plan(2), ACCURACY, rule))
    assert found["mean_curve"].epochs == (1, 1)


def test_a_number_that_is_none_is_not_averaged(made, make_plan):
    """A NaN of one fold leaves the mean of the others; it is never the best."""
    losses = [[math.nan, 0.5, 0.4], [0.1, 0.5, 0.6], [0.2, 0.5, 0.6]]
    found = by_rule(epoch_choices(made(losses), make_plan(3), LOSS, RULE))
    assert found["mean_curve"].epochs == (0, 0, 0)
    assert found["per_fold"].epochs == (2, 0, 0)


@pytest.mark.parametrize(
    "rule",
    [
        None,
        {"monitor": "loss", "mode": "min"},
        {"monitor": "val_loss", "mode": "auto"},
        {"monitor": "val_loss", "mode": "min", "start_from_epoch": 9},
    ],
)
def test_nothing_is_said_without_a_validation_score_to_watch(made, make_plan, rule):
    """No rule, a training monitor, an unknown mode, no watched epoch: no choices."""
    members = made([[0.1, 0.2], [0.2, 0.1]])
    assert epoch_choices(members, make_plan(2), ACCURACY, rule) == ()


def test_nothing_is_said_of_curves_of_unequal_length(made, make_plan, make_member):
    """A fold that stopped early, a fold alone, an estimator: no choices."""
    plan = make_plan(2)
    assert not epoch_choices(made([[0.1, 0.2], [0.2]]), plan, ACCURACY, RULE)
    assert not epoch_choices(made([[0.1, 0.2]]), plan, ACCURACY, RULE)
    forest = [make_member(fold, path="estimator") for fold in range(2)]
    assert not epoch_choices(forest, plan, ACCURACY, RULE)
