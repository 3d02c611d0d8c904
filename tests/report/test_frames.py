"""Frames have one row per thing, typed columns, and null where there is no number."""

from __future__ import annotations

import polars as pl

from homeroom.report import (
    history_frame,
    leaderboard_frame,
    members_frame,
    run_view,
)

from . import fakes


def test_members_have_a_row_each_with_their_scores() -> None:
    """Validation scores come first; counts are those of the records, from 0."""
    members = fakes.members_of(fakes.PUPILS[0])
    frame = members_frame(members, fakes.plan_of())
    assert frame.height == 15
    assert frame.columns[:8] == [
        "candidate",
        "repeat",
        "fold",
        "seed_index",
        "seed",
        "state",
        "val_accuracy",
        "val_loss",
    ]
    assert frame["val_accuracy"].to_list() == [
        m.scores["val_accuracy"] for m in members
    ]
    assert frame["best_epoch"].to_list() == [m.best_epoch for m in members]
    assert frame["fold"].max() == 4


def test_repeats_are_told_apart_from_folds() -> None:
    """With repeated folds, `fold` counts inside its repeat."""
    plan = fakes.plan_of(n_folds=3, n_repeats=2)
    members = fakes.members_of(fakes.PUPILS[0], n_folds=6, n_seeds=1)
    frame = members_frame(members, plan)
    assert frame.select("repeat", "fold").rows() == [
        (repeat, fold) for repeat in range(2) for fold in range(3)
    ]


def test_a_failed_training_has_null_scores_and_its_error() -> None:
    """A failure is a row, not a gap, and never a number."""
    frame = members_frame(fakes.run_with_failures().members)
    failed = frame.filter(pl.col("state") == "FAILED")
    assert failed.height == 3
    assert failed["val_accuracy"].null_count() == 3
    assert failed["error"].drop_nulls().to_list()[0].startswith("ValueError")


def test_no_members_make_an_empty_frame_with_the_same_columns() -> None:
    """Code that selects columns works before the first training has ended."""
    empty = members_frame([])
    assert empty.height == 0
    assert {"candidate", "fold", "epochs"} <= set(empty.columns)


def test_a_history_has_a_row_per_epoch() -> None:
    """Epochs count from 0 as in Keras, and columns are Keras's keys."""
    member = fakes.member_of(fakes.PUPILS[0], 0, 0)
    frame = history_frame(member)
    assert frame.height == member.history.n_epochs
    assert frame["epoch"][0] == 0
    assert tuple(frame["val_loss"]) == member.history.series["val_loss"]


def test_the_leaderboard_frame_is_in_order_and_null_where_unknown() -> None:
    """Best first; a candidate that never began has nulls, not NaN."""
    frame = leaderboard_frame(run_view(fakes.run_with_failures()))
    assert frame["candidate"].to_list() == ["tuned", "small", "large", "late"]
    assert frame["chosen"].to_list() == [True, False, False, False]
    assert frame["complete"].to_list() == [True, True, False, False]
    assert frame["mean"][3] is None
    assert not any(
        frame[name].is_nan().any()
        for name, kind in frame.schema.items()
        if kind == pl.Float64
    )
