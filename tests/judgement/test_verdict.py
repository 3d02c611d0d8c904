"""A curve gets the verdict a careful teacher would give it, in words and numbers."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeroom.errors import InputError
from homeroom.judgement import overall_verdict, verdict
from homeroom.records import History, Metric, Verdict
from homeroom.seeding import generator

ACCURACY, LOSS = Metric("accuracy", "max"), Metric("loss", "min")
EPOCHS = np.arange(40)


def history(train, val, **series):
    values = {"loss": np.add(train, 0.1), "train_eval_loss": train, "val_loss": val}
    return History({
        key: tuple(map(float, curve)) for key, curve in (values | series).items()
    })


def read(seen, metric=LOSS, **settings):
    defaults = {"best_epoch": None, "n_validation": 1000}
    return verdict(seen, metric, **(defaults | settings))


FALLING = 0.05 + 1.5 * np.exp(-EPOCHS / 5)
TURNING = 0.2 + 1.5 * np.exp(-EPOCHS / 3) + 0.01 * np.maximum(0, EPOCHS - 11)
NOISE = generator(1, "noise").normal(size=40)


def test_the_lessons_figure_is_overfitting_from_its_turn():
    """Validation loss rises after epoch 11 while training loss falls: overfitting."""
    turn = int(np.argmin(TURNING))
    seen = read(history(FALLING, TURNING), best_epoch=turn)
    assert (seen.kind, seen.epoch) == ("overfitting", turn)
    assert seen.numbers["turn"] == turn
    assert seen.numbers["val_loss_last"] == pytest.approx(TURNING[-1])
    assert seen.numbers["generalization_loss"] > 5
    assert seen.text == (
        "Overfitting from epoch 13: validation loss rose from 0.2375 to 0.4800 by "
        "epoch 40 while training loss kept falling (0.1861 to 0.05061); the weights of "
        "epoch 13 were kept."
    )


def test_overfitting_that_was_kept_says_what_to_do():
    """When the last weights were kept, the sentence points to early stopping."""
    assert "use early stopping" in read(history(FALLING, TURNING)).text


def test_a_little_noise_does_not_hide_overfitting():
    """The turn is found within a few epochs under realistic noise."""
    seen = read(history(FALLING, TURNING + 0.01 * NOISE))
    assert seen.kind == "overfitting"
    assert abs(seen.epoch - int(np.argmin(TURNING))) <= 4


def test_a_loss_that_rises_while_training_also_rises_is_not_overfitting():
    """Overfitting needs a training loss that goes on falling."""
    # Training stays far below validation, so that the gap does not decide here.
    assert read(history(0.2 * TURNING, TURNING)).kind != "overfitting"
    assert read(history(0.2 * FALLING, TURNING)).kind == "overfitting"


def test_a_rise_with_a_better_metric_is_said():
    """Overconfidence: the loss rises but accuracy does not fall, and that is said."""
    accuracy = np.linspace(0.7, 0.9, 40)
    seen = read(
        history(
            FALLING,
            TURNING,
            val_accuracy=accuracy,
            train_eval_accuracy=np.minimum(accuracy + 0.1, 1),
        ),
        ACCURACY,
    )
    assert seen.kind == "overfitting"
    assert "validation accuracy did not get worse" in seen.text


@pytest.mark.parametrize(
    ("n_validation", "kind"), [(2000, "overfitting"), (20, "too noisy to tell")]
)
def test_overfitting_needs_a_gap_that_the_rows_can_show(n_validation, kind):
    """A gap of 0.05 in accuracy is overfitting on 2000 rows and nothing on 20."""
    seen = read(
        history(
            FALLING,
            TURNING,
            val_accuracy=np.full(40, 0.85),
            train_eval_accuracy=np.full(40, 0.90),
        ),
        ACCURACY,
        n_validation=n_validation,
    )
    assert seen.kind == kind
    assert seen.numbers["gap"] == pytest.approx(0.05)
    assert (seen.numbers["gap_half_width"] < 0.05) == (kind == "overfitting")


@pytest.mark.parametrize(
    ("n_sampled", "kind"), [(None, "overfitting"), (512, "too noisy to tell")]
)
def test_a_sample_of_the_training_rows_leaves_a_gap_less_sure(n_sampled, kind):
    """A gap that 2000 validation rows show is not shown by 512 training rows."""
    seen = history(
        FALLING,
        TURNING,
        val_accuracy=np.full(40, 0.85),
        train_eval_accuracy=np.full(40, 0.87),
    )
    sampled = History(seen.series, n_sampled)
    assert read(sampled, ACCURACY, n_validation=2000).kind == kind


def test_the_running_mean_stands_in_for_a_missing_training_curve():
    """Without `train_eval_loss` the verdict is read from `loss`."""
    seen = read(History({"loss": tuple(FALLING), "val_loss": tuple(TURNING)}))
    assert seen.kind == "overfitting"


def test_curves_that_still_fall_are_underfitting():
    """Both losses still falling at the last epoch: train longer."""
    slow = 0.2 + 2 * np.exp(-np.arange(10) / 8)
    seen = read(history(slow, slow + 0.05))
    assert seen.kind == "underfitting"
    assert seen.text == (
        "Underfitting: still improving when training ended; validation loss fell from "
        "1.084 to 0.8993 in the last 2 of 10 epochs. Train longer."
    )
    assert read(history(slow, slow + 0.05), stop_reason="patience").kind == "good fit"


def test_training_near_the_baseline_is_underfitting():
    """A flat curve at the accuracy of guessing is underfitting, with a baseline."""
    flat = np.full(10, 0.693)
    accuracy = np.full(10, 0.51)
    seen = history(flat, flat, val_accuracy=accuracy, train_eval_accuracy=accuracy)
    near = read(seen, ACCURACY, baseline=0.5)
    assert near.kind == "underfitting"
    assert near.numbers["baseline"] == 0.5
    assert "accuracy is 51.0 %" in near.text
    assert "gives 50.0 %" in near.text
    unknown = read(seen, ACCURACY)
    assert unknown.kind == "too noisy to tell"
    assert "learned nothing, or everything in its first epoch" in unknown.text


def test_the_baseline_of_a_loss_is_an_upper_bound():
    """For a loss, better than the baseline is below it."""
    val = FALLING + 0.02
    assert read(history(FALLING, val), baseline=0.05).kind == "underfitting"
    assert read(history(FALLING, val), baseline=1.5).kind == "good fit"


def test_curves_that_settle_are_a_good_fit():
    """Both losses fall and stay: good fit."""
    seen = read(history(FALLING, FALLING + 0.02), best_epoch=39)
    assert seen.kind == "good fit"
    assert seen.text == (
        "Good fit: validation loss reached 0.07061 in epoch 40, training loss then was "
        "0.05061; the weights of epoch 40 were kept."
    )


def test_a_stop_by_patience_before_a_clear_rise_is_a_good_fit():
    """Early stopping that stopped on a plateau is told with its patience."""
    val = [1.0, 0.5, 0.30, 0.302, 0.303, 0.301]
    train = [0.9, 0.5, 0.28, 0.27, 0.26, 0.25]
    seen = read(history(train, val), best_epoch=2, stop_reason="patience", patience=3)
    assert seen.kind == "good fit"
    assert "0.3000 in epoch 3 and did not improve for 3 epochs" in seen.text


def test_a_good_fit_on_few_rows_cannot_be_told():
    """Twenty rows leave accuracy open by more than 0.1: no verdict."""
    seen = history(
        FALLING,
        FALLING + 0.02,
        val_accuracy=np.full(40, 0.85),
        train_eval_accuracy=np.full(40, 0.9),
    )
    assert read(seen, ACCURACY).kind == "good fit"
    few = read(seen, ACCURACY, n_validation=20)
    assert few.kind == "too noisy to tell"
    assert "20 validation rows leave accuracy open by ±13.0 points" in few.text


def test_a_curve_noisier_than_its_trend_cannot_be_told():
    """When epochs jump further than the curve goes, there is no verdict."""
    seen = read(history(FALLING, np.abs(1 + 0.4 * NOISE)))
    assert seen.kind == "too noisy to tell"
    assert "jumps by about" in seen.text


@pytest.mark.parametrize(
    ("train", "stop_reason", "text"),
    [
        ([1.0, math.nan, 1.0], "epochs", "train_eval_loss became NaN in epoch 2"),
        ([1.0, 50.0, 900.0], "epochs", "grew from 1.000 to 900.0 by epoch 3"),
        ([1.0, 0.9, 0.8], "diverged", "stopped after epoch 3"),
    ],
)
def test_divergence_is_told_first(train, stop_reason, text):
    """NaN, explosion and a stop for divergence are all divergence."""
    seen = read(
        History({"train_eval_loss": tuple(train), "val_loss": (1.0, 0.9, 0.8)}),
        stop_reason=stop_reason,
    )
    assert seen.kind == "diverged"
    assert text in seen.text


@pytest.mark.parametrize(
    ("series", "n_validation"),
    [
        ({}, 100),
        ({"loss": (1.0, 0.5)}, 100),
        ({"loss": (1.0,), "val_loss": (1.0,)}, 100),
        ({"loss": (1.0, 0.5), "val_loss": (1.0, 0.5)}, 0),
        ({"loss": (1.0, 0.5, 0.4), "val_loss": (1.0, 0.5)}, 100),
        ({"val_loss": (1.0, 0.5)}, 100),
    ],
)
def test_without_a_curve_nothing_is_judged(series, n_validation):
    """Estimators, single epochs and gaps have no curve to read."""
    seen = read(History(series), n_validation=n_validation)
    assert (seen.kind, seen.epoch) == ("no curve", None)


def test_a_kept_epoch_that_does_not_exist_is_refused():
    """`best_epoch` is an epoch of the history."""
    for epoch in (-1, 40):
        with pytest.raises(InputError, match=f"best_epoch={epoch}"):
            read(history(FALLING, FALLING), best_epoch=epoch)


values = st.lists(st.floats(width=64), max_size=12)
finite = st.lists(
    st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=12
)


@settings(max_examples=150, deadline=None)
@given(
    train=values | finite,
    val=values | finite,
    score=values,
    n_validation=st.integers(0, 1000),
    baseline=st.none() | st.floats(),
    metric=st.sampled_from([ACCURACY, LOSS]),
)
def test_no_floats_break_a_verdict(train, val, score, n_validation, baseline, metric):
    """Whatever the floats, there is a verdict of a known kind with a sentence."""
    series = {"loss": train, "val_loss": val, "val_accuracy": score, "accuracy": score}
    seen = verdict(
        History({key: tuple(curve) for key, curve in series.items()}),
        metric,
        best_epoch=None,
        n_validation=n_validation,
        baseline=baseline,
    )
    _check(seen)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), n=st.integers(2, 15))
def test_no_equally_long_curves_break_a_verdict(data, n):
    """Curves that reach every measurement, huge and tiny losses included."""
    curve = st.lists(
        st.floats(allow_nan=False, allow_infinity=False), min_size=n, max_size=n
    )
    seen = verdict(
        History({
            "train_eval_loss": tuple(data.draw(curve)),
            "val_loss": tuple(data.draw(curve)),
            "train_eval_accuracy": tuple(data.draw(curve)),
            "val_accuracy": tuple(data.draw(curve)),
        }),
        ACCURACY,
        best_epoch=data.draw(st.none() | st.integers(0, n - 1)),
        n_validation=data.draw(st.integers(1, 500)),
        stop_reason=data.draw(st.sampled_from(["epochs", "patience", "error"])),
    )
    _check(seen)


@settings(max_examples=60, deadline=None)
@given(scale=st.floats(1e-3, 1e3))
def test_the_unit_of_the_loss_does_not_matter(scale):
    """A verdict is the same in any unit of the loss."""
    for train, val in [(FALLING, TURNING), (FALLING, FALLING + 0.02)]:
        one, other = (
            read(history(train, val)),
            read(
                History({
                    "train_eval_loss": tuple(scale * train),
                    "val_loss": tuple(scale * val),
                })
            ),
        )
        assert (one.kind, one.epoch) == (other.kind, other.epoch)


def _numbers_in(text):
    return sorted(re.findall(r"\d[\d.,e+-]*\d|\d", text))


def _check(seen):
    assert seen.kind in {
        "underfitting",
        "good fit",
        "overfitting",
        "memorising",
        "validation easier",
        "too noisy to tell",
        "diverged",
        "no curve",
    }
    assert seen.text.lower().startswith(seen.kind)
    assert _numbers_in(seen.korean) == _numbers_in(seen.text)
    assert (seen.epoch is not None) == (seen.kind == "overfitting")


def test_the_folds_are_told_together():
    """The most frequent kind leads, with its count and the median epoch."""
    verdicts = [Verdict("overfitting", "…", epoch=e) for e in (4, 8, 8, 9, 12)]
    verdicts += [Verdict("good fit", "…")] * 3 + [Verdict("diverged", "…")]
    seen = overall_verdict(verdicts)
    assert (seen.kind, seen.epoch) == ("overfitting", 8)
    assert seen.numbers["n"] == 9
    assert seen.numbers["good fit"] == 3
    assert seen.text == (
        "Overfitting in 5 of 9 trainings, from epoch 9 (median); diverged in 1; "
        "good fit in 3."
    )


def test_a_tie_between_folds_goes_to_the_graver_kind():
    """One overfitting and one good fit: overfitting is said."""
    pair = [Verdict("good fit", "…"), Verdict("overfitting", "…", epoch=3)]
    assert (
        overall_verdict(pair).kind
        == overall_verdict(pair[::-1]).kind
        == ("overfitting")
    )
    assert overall_verdict([]).kind == "no curve"


@pytest.mark.parametrize(("n_epochs", "noise"), [(20, 0.05), (40, 0.05), (100, 0.15)])
def test_noise_seldom_makes_or_hides_overfitting(n_epochs, noise):
    """Of 100 noisy curves at most 5 good ones are accused and 10 bad ones missed."""
    rng, at = generator(2, "curves"), np.arange(n_epochs) / n_epochs
    train = 0.1 + 1.5 * np.exp(-5 * at)
    good = 0.4 + 1.5 * np.exp(-8 * at * n_epochs / 10)
    found = {}
    for name, val in {
        "good": good,
        "over": good + 0.4 * np.maximum(0, at - 0.4),
    }.items():
        kinds = [
            read(history(train, val * (1 + noise * rng.normal(size=n_epochs)))).kind
            for _ in range(100)
        ]
        found[name] = kinds.count("overfitting")
    assert found["good"] <= 5
    assert found["over"] >= 90 if noise < 0.1 else found["over"] >= 80


class TestMemorising:
    """The training rows by heart, the validation rows not at all."""

    def seen(self, train, val, baseline=0.5, n=200):
        curve = np.linspace(0.6, train, 40)
        return read(
            history(
                FALLING, 0.7 + 0.0 * EPOCHS, train_eval_accuracy=curve,
                val_accuracy=np.full(40, val),
            ),
            ACCURACY,
            baseline=baseline,
            n_validation=n,
        )  # fmt: skip

    def test_noise_labels_learned_by_heart(self):
        """Perfect on train, as good as blind on validation: memorising."""
        seen = self.seen(1.0, 0.51)
        assert seen.kind == "memorising"
        assert "50.0 %" in seen.text
        assert "±" in seen.text
        assert seen.numbers["baseline"] == 0.5
        _check(seen)

    def test_something_learned_is_not_memorising(self):
        """A validation score clearly above the baseline says that something holds."""
        assert self.seen(1.0, 0.8).kind != "memorising"
        assert self.seen(0.8, 0.5).kind != "memorising"
        assert self.seen(1.0, 0.5, baseline=None).kind != "memorising"


class TestEasierValidation:
    """Validation rows that are answered better than the training rows."""

    def seen(self, train, val, n):
        return read(
            history(
                FALLING + 0.2, FALLING, train_eval_accuracy=np.linspace(0.3, train, 40),
                val_accuracy=np.linspace(0.3, val, 40),
            ),
            ACCURACY,
            n_validation=n,
        )  # fmt: skip

    def test_more_than_sampling_explains(self):
        """Ten points better on a thousand rows is no accident, and both are said."""
        seen = self.seen(0.80, 0.90, 1000)
        assert seen.kind == "validation easier"
        assert "80.0 %" in seen.text
        assert "90.0 %" in seen.text
        _check(seen)

    def test_within_sampling_nothing_is_said(self):
        """Two points on a hundred rows are luck."""
        assert self.seen(0.80, 0.82, 100).kind != "validation easier"

    def test_a_running_mean_proves_nothing(self):
        """Keras's training accuracy is of earlier weights, with dropout: no verdict."""
        curves = history(FALLING + 0.2, FALLING).series
        late = {k: v for k, v in curves.items() if k != "train_eval_loss"}
        late |= {"accuracy": (0.5,) * 40, "val_accuracy": (0.9,) * 40}
        assert read(History(late), ACCURACY).kind != "validation easier"
