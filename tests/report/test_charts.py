"""Charts are valid Vega-Lite, finite, and say what the view says."""

from __future__ import annotations

import json
import math
from typing import Any

import altair as alt
import msgspec
import pytest

from homeroom.records import History
from homeroom.report import (
    cross_validation_view,
    curves_chart,
    fit_chart,
    fit_view,
    interval_chart,
    run_view,
    strip_chart,
)
from homeroom.report.page import SCRIPTS, asset

from . import fakes


def rows(chart: Any, key: str) -> list[dict[str, Any]]:
    """Return every row of data of a chart that has this key."""
    datasets = chart.to_dict()["datasets"].values()
    return [row for dataset in datasets for row in dataset if key in row]


def cross_validation(pupil: fakes.Pupil = fakes.PUPILS[0]) -> Any:
    return cross_validation_view(
        pupil.name, fakes.members_of(pupil), fakes.plan_of(), fakes.ACCURACY
    )


def every_chart() -> list[Any]:
    view = run_view(fakes.run_of())
    broken = run_view(fakes.run_with_failures())
    return [
        interval_chart(view),
        interval_chart(broken),
        strip_chart(view),
        strip_chart(cross_validation()),
        curves_chart(cross_validation(fakes.PUPILS[2])),
        fit_chart(fit_view(fakes.member_of(fakes.PUPILS[0], 0, 0), fakes.ACCURACY)),
    ]


def test_every_chart_is_strict_json() -> None:
    """No chart holds NaN or infinity, which JSON and Vega do not know."""
    for chart in every_chart():
        text = chart.to_json()
        json.loads(text, parse_constant=lambda word: pytest.fail(word))


def test_the_vendored_library_is_the_one_altair_writes_for() -> None:
    """Schema and drawing library have the same version, so nothing is guessed."""
    assert alt.SCHEMA_VERSION.removeprefix("v") in asset("vega-lite.min.js")
    assert f'version="{alt.VEGA_VERSION}' in asset("vega.min.js")
    assert all(asset(name) for name in SCRIPTS)


def test_epochs_are_drawn_from_one() -> None:
    """The first epoch on the axis is 1."""
    drawn = rows(curves_chart(cross_validation()), "epoch")
    firsts = {row["epoch"][0] for row in drawn if isinstance(row["epoch"], list)}
    assert firsts == {1}


def test_every_training_has_two_lines_and_a_dot() -> None:
    """Training and validation of 15 trainings in 2 metrics, and where each stopped."""
    drawn = rows(curves_chart(cross_validation()), "training")
    lines = [row for row in drawn if isinstance(row["epoch"], list)]
    dots = [row for row in drawn if not isinstance(row["epoch"], list)]
    assert len(lines) == 2 * 2 * 15
    assert len(dots) == 2 * 15


def test_the_dot_lies_on_the_epoch_that_was_kept() -> None:
    """The marked point is the best epoch of the record, one more."""
    member = fakes.member_of(fakes.PUPILS[2], 0, 0)
    drawn = rows(fit_chart(fit_view(member, fakes.ACCURACY)), "training")
    loss, _ = (row for row in drawn if not isinstance(row["epoch"], list))
    assert member.best_epoch is not None
    assert loss["epoch"] == member.best_epoch + 1
    assert loss["value"] == member.history.series["val_loss"][member.best_epoch]


def test_overfitting_is_written_where_it_begins() -> None:
    """A candidate that mostly overfits has the epoch on its curve."""
    notes = rows(curves_chart(cross_validation(fakes.PUPILS[2])), "text")
    assert any(note["text"].startswith("overfitting from ") for note in notes)


def test_labels_at_the_ends_do_not_touch() -> None:
    """Where both curves end at one height, their names are pushed apart."""
    member = fakes.member_of(fakes.PUPILS[0], 0, 0)
    falling = tuple(1 / (i + 1) for i in range(12))
    same = msgspec.structs.replace(
        member,
        history=History({"train_eval_loss": falling, "val_loss": falling}),
        best_epoch=11,
    )
    chart = fit_chart(fit_view(same, fakes.ACCURACY))
    ends = [row for row in rows(chart, "series") if "text" in row]
    assert len(ends) == 2
    assert abs(ends[0]["value"] - ends[1]["value"]) > 0.05


def test_only_the_chosen_candidate_is_highlighted() -> None:
    """One candidate has the color of the choice, in both charts."""
    view = run_view(fakes.run_of())
    for chart in (interval_chart(view), strip_chart(view)):
        chosen = {r["candidate"] for r in rows(chart, "what") if r["what"] == "chosen"}
        assert chosen == {"tuned"}


def test_the_tick_of_a_fold_is_the_mean_of_its_dots() -> None:
    """Dots are trainings, ticks their mean per fold."""
    drawn = rows(strip_chart(cross_validation()), "score")
    dots = [row for row in drawn if "seed" in row and row["fold"] == 2]
    [tick] = [row for row in drawn if "seed" not in row and row["fold"] == 2]
    assert math.isclose(tick["score"], sum(d["score"] for d in dots) / len(dots))


def test_nothing_to_draw_is_said() -> None:
    """An estimator's chart is a sentence, not an error."""
    members = [
        msgspec.structs.replace(m, history=History({}), best_epoch=None)
        for m in fakes.members_of(fakes.PUPILS[0])
    ]
    view = cross_validation_view("forest", members, fakes.plan_of(), fakes.ACCURACY)
    [row] = rows(curves_chart(view), "text")
    assert "no epochs were recorded" in row["text"]


def test_many_trainings_stay_within_a_chart() -> None:
    """More rows than Altair's default limit are drawn, not refused."""
    pupil = fakes.PUPILS[1]
    members = fakes.members_of(pupil, n_folds=50, n_seeds=2)
    view = cross_validation_view(
        pupil.name, members, fakes.plan_of(n_folds=10, n_repeats=5), fakes.ACCURACY
    )
    assert curves_chart(view).to_dict()
    assert strip_chart(view).to_dict()
