"""Views say what the records say, in order and in words."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import msgspec
import pytest

from homeroom import judgement
from homeroom.records import (
    INTERRUPTED,
    CandidateRecord,
    History,
    Metric,
    Verdict,
)
from homeroom.report import (
    caveats,
    cross_validation_view,
    fit_view,
    format_score,
    leaderboard_frame,
    members_frame,
    render_page,
    run_row,
    run_view,
)

from . import fakes


def test_the_leaderboard_is_in_the_order_of_the_means() -> None:
    """The best mean is first, and ranks count from 1."""
    view = run_view(fakes.run_of())
    means = [row.mean.value for row in view.leaderboard]
    assert means == sorted(means, reverse=True)
    assert [row.rank for row in view.leaderboard] == [1, 2, 3]


def test_a_lower_error_is_first() -> None:
    """Where lower is better, the lowest mean leads."""
    view = run_view(fakes.regression_run())
    means = [row.mean.value for row in view.leaderboard]
    assert means == sorted(means)
    assert view.metric.better == "lower is better"


def test_rows_carry_the_numbers_of_judgement() -> None:
    """Mean, spreads, interval and worst fold are those that judgement computes."""
    run = fakes.run_of()
    for row in run_view(run).leaderboard:
        summary = judgement.summarize(
            run.members_of(row.candidate), run.plan, run.metric
        )
        assert row.mean.value == summary.mean
        assert row.sd_folds.value == summary.sd_folds
        assert row.sd_seeds.value == summary.sd_seeds
        assert summary.interval is not None
        assert row.interval is not None
        assert (row.interval.low, row.interval.high) == (
            summary.interval.low,
            summary.interval.high,
        )
        assert summary.worst_fold is not None
        assert row.worst_fold.value == summary.worst_fold.value
        assert row.worst_fold_name == f"fold {summary.worst_fold.fold + 1}"


def test_the_chosen_candidate_is_marked_even_if_it_is_not_first() -> None:
    """Chosen and best mean are two marks, and the headline says when they differ."""
    run = fakes.run_of()
    assert run.selection is not None
    selection = msgspec.structs.replace(
        run.selection,
        candidate="large",
        best_mean="tuned",
        equivalent=("tuned", "large"),
    )
    view = run_view(msgspec.structs.replace(run, selection=selection))
    marks = {row.candidate: row.marks for row in view.leaderboard}
    assert marks == {"tuned": ("best mean",), "large": ("chosen",), "small": ()}
    assert view.chosen is not None
    assert view.chosen.candidate == "large"
    assert "cannot be told from the best mean, that of tuned" in view.headline


def test_another_rule_is_named_in_the_headline() -> None:
    """What another rule chose is not explained by the default one's reasons."""
    run = fakes.run_of()
    assert run.selection is not None
    chosen = {"candidate": "large", "best_mean": "tuned"}
    for rule, said in (
        ("pct_loss", "by the rule pct_loss: the fewest weights within 2 % of the best"),
        ("second_best", "by the rule second_best."),
    ):
        selection = msgspec.structs.replace(run.selection, rule=rule, **chosen)
        view = run_view(msgspec.structs.replace(run, selection=selection))
        assert said in view.headline
        assert view.headline.endswith("The best mean is that of tuned.")
        assert "steadi" not in view.headline


def test_a_candidate_with_failures_is_last_and_says_why() -> None:
    """Failures are listed with fold, seed and reason, and move a candidate down."""
    view = run_view(fakes.run_with_failures())
    assert [row.candidate for row in view.leaderboard] == [
        "tuned",
        "small",
        "large",
        "late",
    ]
    large = view.leaderboard[2]
    assert large.marks == ("failed",)
    told = [(fact.label, fact.value) for fact in view.failures]
    assert ("large", "fold 2, seed 1: loss became NaN in epoch 3") in told
    assert any("has 64 columns" in value for _, value in told)
    assert {label for label, _ in told} == {"large"}
    assert [(fact.label, fact.value) for fact in view.untrained] == [
        ("late", "none of 15 trainings began")
    ]


def test_an_interrupted_run_says_how_far_it_came() -> None:
    """Without a choice the answer is what was done, and missing work is counted."""
    view = run_view(fakes.interrupted_run())
    assert view.chosen is None
    assert view.answer == "Interrupted before a choice, with 7 trainings done."
    assert view.failures == ()
    assert [(fact.label, fact.value) for fact in view.untrained] == [
        ("tuned", "of 15 trainings, 1 was interrupted and 7 never began"),
        ("small", "none of 15 trainings began"),
        ("large", "none of 15 trainings began"),
    ]
    assert view.leaderboard[0].marks == ("unfinished",)
    assert view.leaderboard[1].verdict == "not trained"


def test_what_never_began_is_the_same_whether_it_has_records_or_not() -> None:
    """A run in memory records what never began, a stored one does not: same words."""
    run = fakes.interrupted_run()
    begun = {(m.candidate, m.fold, m.seed_index) for m in run.members}
    waiting = [
        msgspec.structs.replace(
            m,
            state=INTERRUPTED,
            stop_reason="interrupted",
            history=History({}),
            scores={},
            best_epoch=None,
        )
        for m in fakes.run_of(tested=False).members
        if (m.candidate, m.fold, m.seed_index) not in begun
    ]
    stored, whole = (
        run_view(r)
        for r in (
            run,
            msgspec.structs.replace(run, members=(*run.members, *waiting)),
        )
    )
    assert whole.untrained == stored.untrained
    assert whole.failures == stored.failures == ()
    assert [r.verdict for r in whole.leaderboard] == [
        r.verdict for r in stored.leaderboard
    ]
    [last] = [m for m in whole.candidates[0].members if m.name == "fold 5, seed 3"]
    assert (last.state, last.stopped, last.epochs) == (
        "not trained",
        "not trained",
        "–",
    )


def test_a_sealed_test_shows_no_score() -> None:
    """Before the final test there is no number to read."""
    final = run_view(fakes.run_of(tested=False)).final_test
    assert not final.opened
    assert final.score is None
    assert final.sentence.startswith("Still sealed")
    assert "360 test rows" in final.sentence


def test_a_seal_that_was_spent_is_not_called_whole() -> None:
    """Rows that were asked for, without a score, have been looked at."""
    run = fakes.run_of(tested=False)
    when = datetime(2026, 8, 22, 14, 3, tzinfo=UTC)
    view = run_view(msgspec.structs.replace(run, seal_claimed_at=when))
    final = view.final_test
    assert (final.opened, final.state) == (False, "opened, no result")
    assert "2026-08-22 14:03 UTC, and no score was kept" in final.sentence
    assert "no one has looked" not in render_page(view)


def test_rows_that_others_opened_are_not_called_unseen() -> None:
    """What the record knows of earlier openings stands beside the score."""
    run = fakes.run_of()
    assert run.final_test is not None
    final = msgspec.structs.replace(run.final_test, earlier_openings=2)
    view = run_view(msgspec.structs.replace(run, final_test=final))
    assert "on 360 rows that 2 other runs had opened" in view.final_test.sentence
    assert "nothing had seen" not in view.final_test.sentence
    assert any("these very test rows before" in each for each in view.caveats)


def test_a_run_without_a_test_part_has_no_seal() -> None:
    """A fit or cross-validation that was kept is not told as a sealed experiment."""
    run = fakes.run_of(tested=False)
    partition = msgspec.structs.replace(run.partition, n_test=0)
    view = run_view(msgspec.structs.replace(run, partition=partition, selection=None))
    assert view.final_test.state == "none"
    page = render_page(view)
    assert "sealed for the final test" not in page
    assert "Still sealed" not in page
    assert "with nothing to choose from" in view.headline


@pytest.mark.parametrize(
    ("choice", "changed", "said"),
    [
        ("mean_curve", {}, "best for the mean of the other folds"),
        ("mean_curve", {"n_splits": 1}, "on the same validation rows"),
        ("inner_split", {"n_splits": 1}, "A fifth of each fold's training rows"),
        ("mean_curve", {"path": "keras.fit"}, "ran through Keras's own fit"),
        ("mean_curve", {"restores": False}, "each is scored at its last epoch"),
        ("mean_curve", {"path": "estimator"}, ""),
    ],
)
def test_what_is_said_of_epochs_is_what_was_done(choice, changed, said) -> None:
    """One fold, plain Keras, last weights, estimators: each has its own caveat."""
    run = fakes.run_of()
    rule = {
        "monitor": "val_loss",
        "restore_best_weights": changed.get("restores", True),
    }
    settings = msgspec.structs.replace(
        run.settings, early_stopping=rule, epoch_choice=choice
    )
    plan = msgspec.structs.replace(run.plan, n_splits=changed.get("n_splits", 5))
    members = tuple(
        msgspec.structs.replace(m, path=changed.get("path", m.path))
        for m in run.members
    )
    changed_run = msgspec.structs.replace(
        run, settings=settings, plan=plan, members=members
    )
    told = " ".join(caveats.of_run(changed_run, None))
    assert said in told
    assert said or "Early stopping" not in told


def test_an_opened_test_shows_score_interval_rows_and_time() -> None:
    """The final test is told with everything needed to judge it."""
    view = run_view(fakes.run_of())
    final = view.final_test
    assert final.score is not None
    assert final.score.text == "93.6 %"
    assert final.interval is not None
    assert final.interval.text == "90.6 to 95.7 %"
    facts = {fact.label: fact.value for fact in final.facts}
    assert facts["rows"] == "360"
    assert facts["opened"] == "2026-08-22 14:03 UTC"
    assert "93.6 % in the final test on 360 rows" in view.answer


def test_an_unknown_interval_is_left_out() -> None:
    """A final test whose interval is NaN shows its score without one."""
    run = fakes.run_of()
    assert run.final_test is not None
    nowhere = msgspec.structs.replace(
        run.final_test.interval, low=math.nan, high=math.nan
    )
    final = msgspec.structs.replace(run.final_test, interval=nowhere)
    view = run_view(msgspec.structs.replace(run, final_test=final))
    assert view.final_test.interval is None
    assert "nan" not in view.final_test.sentence


def test_curves_count_epochs_from_one_and_mark_the_kept_one() -> None:
    """A curve's first epoch is 1, and its kept epoch is one more than the record's."""
    run = fakes.run_of()
    first = run.members_of("tuned")[0]
    candidate = run_view(run).candidates[0]
    loss = candidate.curves[0]
    assert (loss.metric.name, candidate.curves[1].metric.name) == ("loss", "accuracy")
    curve = loss.members[0]
    assert curve.validation.epochs[0] == 1
    assert first.best_epoch is not None
    assert curve.kept_epoch == first.best_epoch + 1
    assert curve.kept_value == first.history.series["val_loss"][first.best_epoch]
    assert curve.train.values == first.history.series["train_eval_loss"]
    firsts = [m.history.series["val_loss"][0] for m in run.members_of("tuned")]
    begins = format_score(sum(firsts) / len(firsts), Metric("loss", "min"))
    assert f"means of {len(firsts)} trainings: training from" in loss.told
    assert f"validation from {begins} to " in loss.told
    assert loss.told in render_page(run_view(run))


def test_a_mean_curve_ends_where_half_of_the_trainings_have_stopped() -> None:
    """The mean is never of the few that happened to go on."""
    run = fakes.run_of()
    band = run_view(run).candidates[0].curves[0].validation
    lengths = sorted(m.history.n_epochs for m in run.members_of("tuned"))
    assert band is not None
    assert band.epochs[-1] == lengths[len(lengths) // 2]
    assert band.epochs[-1] < lengths[-1]


def test_without_comparable_training_scores_the_curve_says_so() -> None:
    """Keras's running mean is shown under its own name, with a note."""
    members = [
        msgspec.structs.replace(
            m,
            history=History({
                k: v
                for k, v in m.history.series.items()
                if not k.startswith("train_eval")
            }),
        )
        for m in fakes.members_of(fakes.PUPILS[0])
    ]
    view = cross_validation_view("tuned", members, fakes.plan_of(), fakes.ACCURACY)
    assert view.curves[0].train_name == "training (running mean)"
    assert "running mean" in view.curves[0].note


def test_a_training_curve_of_a_sample_says_so() -> None:
    """A curve that was measured on some of the training rows tells how many."""
    member = fakes.member_of(fakes.PUPILS[0], 0, 0)
    sampled = History(member.history.series, 1024)
    for history, told in ((member.history, False), (sampled, True)):
        seen = msgspec.structs.replace(member, history=history)
        note = fit_view(seen, fakes.ACCURACY).curves[0].note
        assert ("a sample of 1,024 training rows" in note) == told


def test_a_long_curve_is_thinned_but_keeps_its_kept_epoch() -> None:
    """Thousands of epochs become some hundred points, the kept one among them."""
    values = tuple(1 / (i + 1) for i in range(5000))
    member = msgspec.structs.replace(
        fakes.member_of(fakes.PUPILS[0], 0, 0),
        history=History({"train_eval_loss": values, "val_loss": values}),
        best_epoch=3333,
    )
    line = fit_view(member, fakes.ACCURACY).curves[0].members[0].validation
    assert len(line.epochs) < 200
    assert {1, 3334, 5000} <= set(line.epochs)
    assert list(line.epochs) == sorted(set(line.epochs))


def test_values_that_are_no_numbers_are_not_drawn() -> None:
    """NaN and infinity leave a curve; what was finite stays."""
    run = fakes.run_with_failures()
    [large] = [c for c in run_view(run).candidates if c.name == "large"]
    for curve in large.curves:
        for member in curve.members:
            assert all(map(math.isfinite, member.validation.values))


def test_the_strip_has_a_point_per_training() -> None:
    """Every complete training is one dot, counted from fold 1 and seed 1."""
    view = run_view(fakes.run_of())
    assert len(view.strip) == 3 * 5 * 3
    assert {p.fold for p in view.strip} == {1, 2, 3, 4, 5}
    assert {p.candidate for p in view.strip if p.chosen} == {"tuned"}


def test_an_estimator_has_scores_but_no_curve() -> None:
    """A candidate without epochs has a row, a dash for epochs, and nothing to draw.

    Its scores are kept as a history of one entry, which is no epoch.
    """
    members = [
        msgspec.structs.replace(
            m,
            history=History({k: (v,) for k, v in m.scores.items()}),
            best_epoch=None,
            path="estimator",
        )
        for m in fakes.members_of(fakes.PUPILS[0])
    ]
    assert members_frame(members)["epochs"].null_count() == len(members)
    view = cross_validation_view("forest", members, fakes.plan_of(), fakes.ACCURACY)
    assert view.curves == ()
    assert view.row.epochs.text == "–"
    assert view.row.verdict == "no curve"
    assert view.row.mean.text == "93.5 %"
    assert (
        {m.epochs for m in view.members} == {m.stopped for m in view.members} == {"–"}
    )


def test_an_interval_is_shown_only_where_a_score_can_be() -> None:
    """Near 100 % the interval of judgement passes 1; words, rows and frames do not."""
    pupil = fakes.Pupil("nearly", 0.02, 0.9, noise=0.02)
    members = [
        msgspec.structs.replace(m, scores={"val_accuracy": 0.92 + 0.02 * m.fold})
        for m in fakes.members_of(pupil)
    ]
    run = fakes.with_selection(
        msgspec.structs.replace(fakes.run_of((pupil,), tested=False), members=members)
    )
    summary = judgement.summarize(members, run.plan, run.metric)
    assert summary.interval is not None
    assert summary.interval.high > 1
    view = run_view(run)
    interval = view.leaderboard[0].interval
    assert interval is not None
    assert interval.high == 1
    assert interval.low == summary.interval.low
    assert interval.text.endswith("to 100.0 %")
    assert leaderboard_frame(view)["high"].to_list() == [1.0]
    assert interval.text in view.reason
    assert "beyond 0.0 % or 100.0 %" in view.caveats[0]


def test_the_reason_writes_numbers_as_the_table_does() -> None:
    """Mean and interval stand in the reason in the very words of the leaderboard."""
    for run in (fakes.run_of(), fakes.regression_run()):
        view = run_view(run)
        leader = view.leaderboard[0]
        assert leader.interval is not None
        assert f"{view.metric.label} {leader.mean.text}, " in view.reason
        assert f"interval {leader.interval.text}" in view.reason


def test_the_verdict_knows_what_answering_without_looking_gives() -> None:
    """A model no better than the baseline of the page is underfitting on the page."""
    run = fakes.run_of((fakes.PUPILS[1],))
    low = tuple(0.11 + 0.0001 * i for i in range(60))
    members = [
        msgspec.structs.replace(
            m,
            history=History({
                **m.history.series,
                "train_eval_accuracy": low[: m.history.n_epochs],
                "val_accuracy": low[: m.history.n_epochs],
            }),
        )
        for m in run.members
    ]
    view = run_view(msgspec.structs.replace(run, members=tuple(members)))
    baseline = judgement.baseline(run.plan, run.metric)
    said = format_score(baseline, run.metric)
    facts = {fact.label: fact.value for fact in view.data.facts}
    assert facts["baseline"].startswith(said)
    assert view.leaderboard[0].verdict == "underfitting"
    assert f"without looking gives {said}" in view.candidates[0].verdicts[0].value
    cross = cross_validation_view("small", members, run.plan, run.metric)
    told = judgement.candidate_verdict(members, run.plan, run.metric)
    assert cross.row.verdict_text == view.leaderboard[0].verdict_text == told.text


def test_folds_that_miss_a_class_say_so() -> None:
    """A class that a fold trains and never validates is named."""
    plan = fakes.plan_of(n_classes=3)
    first = msgspec.structs.replace(
        plan.folds[0], classes_validation={"0": 100, "1": 187}
    )
    plan = msgspec.structs.replace(plan, folds=(first, *plan.folds[1:]))
    view = run_view(msgspec.structs.replace(fakes.run_of(), plan=plan))
    assert view.split.folds[0].absent == "not validated: 2"
    assert view.split.folds[0].classes == ("100", "187", "0")
    assert view.split.folds[1].absent == ""


def test_one_fold_has_no_interval_and_the_page_says_so() -> None:
    """With one fold the spread is unknown; nothing pretends otherwise."""
    plan = fakes.plan_of(n_folds=1)
    members = fakes.members_of(fakes.PUPILS[0], n_folds=1)
    view = cross_validation_view("tuned", members, plan, fakes.ACCURACY)
    assert view.row.interval is None
    assert view.row.sd_folds.text == "–"
    assert any("no interval" in caveat for caveat in view.caveats)


def test_an_evaluation_that_learned_is_told_loudly() -> None:
    """A training whose state moved while it was evaluated is a caveat."""
    members = list(fakes.members_of(fakes.PUPILS[0]))
    members[3] = msgspec.structs.replace(members[3], evaluation_changed_state=True)
    view = cross_validation_view("tuned", members, fakes.plan_of(), fakes.ACCURACY)
    assert any("must not be trusted" in caveat for caveat in view.caveats)


def test_a_fit_shows_its_verdict_only_when_it_is_given() -> None:
    """A record alone does not know how many rows were validated, so no judgement."""
    member = fakes.member_of(fakes.PUPILS[2], 0, 0)
    assert fit_view(member, fakes.ACCURACY).verdict == ""
    told = Verdict("overfitting", "Overfitting from epoch 9.", epoch=8)
    view = fit_view(member, fakes.ACCURACY, told)
    assert view.verdict_text == told.text
    assert view.curves[0].overfitting_from == 9


def test_a_fit_without_validation_says_training() -> None:
    """A score of training rows is never called validation."""
    member = fakes.member_of(fakes.PUPILS[0], 0, 0)
    series = {k: v for k, v in member.history.series.items() if "val_" not in k[:4]}
    scores = {k: v for k, v in member.scores.items() if "val_" not in k[:4]}
    bare = msgspec.structs.replace(member, history=History(series), scores=scores)
    view = fit_view(bare, fakes.ACCURACY)
    assert "training accuracy" in view.answer
    assert "validation" not in view.answer


class Listed(msgspec.Struct, kw_only=True):
    """A line of a store's list."""

    id: str = "digits-0007"
    name: str = "digits"
    state: str = "COMPLETE"
    created_at: object = None
    candidate: str | None = "tuned"
    metric: object = fakes.ACCURACY
    mean: float | None = 0.935
    n_test: int = 360
    opened_at: object = None
    final_score: float | None = None
    error: str | None = None


def test_the_list_of_runs_tells_sealed_from_opened() -> None:
    """Sealed, opened with a score, opened without one: three different words."""
    opened = fakes.run_of().created_at
    assert run_row(Listed()).final_test == "sealed"
    assert run_row(Listed(n_test=0)).final_test == "–"
    assert run_row(Listed(opened_at=opened)).final_test == "opened, no result"
    row = run_row(Listed(opened_at=opened, final_score=0.9))
    assert (row.mean, row.final_test) == ("93.5 %", "90.0 %")


@pytest.mark.parametrize("n_classes", [2, 40])
def test_many_classes_are_counted_and_not_all_listed(n_classes: int) -> None:
    """The table of classes stays readable."""
    plan = fakes.plan_of(n_classes=n_classes)
    view = run_view(msgspec.structs.replace(fakes.run_of(), plan=plan))
    assert len(view.split.class_names) + view.split.more_classes == n_classes
    assert len(view.split.class_names) <= 12


def test_a_candidate_that_never_began_is_shown() -> None:
    """A candidate without any training has a row of dashes."""
    run = fakes.run_of()
    late = CandidateRecord(name="late", kind="keras", source="late")
    view = run_view(msgspec.structs.replace(run, candidates=(*run.candidates, late)))
    row = view.leaderboard[-1]
    assert (row.candidate, row.mean.text, row.n_trainings) == ("late", "–", 0)


def test_ways_to_choose_the_epoch_are_told_where_folds_stopped_together() -> None:
    """Four ways with their means, the honest one marked; else only the caveat."""
    run = fakes.run_of()
    rule = {"monitor": "val_loss", "mode": "min", "patience": 8}
    shortest = min(m.history.n_epochs for m in run.members)
    members = tuple(
        msgspec.structs.replace(
            m,
            history=History({k: v[:shortest] for k, v in m.history.series.items()}),
            best_epoch=shortest - 1,
        )
        for m in run.members
    )
    settings = msgspec.structs.replace(
        run.settings, early_stopping=rule, epoch_choice="mean_curve"
    )
    view = run_view(msgspec.structs.replace(run, members=members, settings=settings))
    shown = view.candidates[0].epochs
    assert shown is not None
    assert [row.scored for row in shown.rows] == [True, False, False, False]
    assert shown.rows[1].epochs in shown.sentence
    assert shown.rows[3].mean.text in shown.sentence
    assert any("no score chose its own epoch" in said for said in view.caveats)
    facts = {fact.label: fact.value for fact in view.settings}
    assert facts["early stopping"].startswith("watches val_loss, patience 8, of the")
    alone = run_view(run)
    assert alone.candidates[0].epochs is None
    assert any("a little too good" in said for said in alone.caveats)


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (None, "the same as its validation mean."),
        (math.nan, "tuned has no accuracy on 360 rows that nothing had seen before: "),
    ],
)
def test_a_final_score_of_its_own_kind(score, said) -> None:
    """Equal is neither better nor worse, and NaN is no score."""
    run = fakes.run_of()
    assert run.final_test is not None
    if score is None:
        chosen = run_view(run).chosen
        assert chosen is not None
        score = chosen.mean.value
    final = msgspec.structs.replace(run.final_test, score=score)
    told = run_view(msgspec.structs.replace(run, final_test=final)).final_test.sentence
    assert said in told
