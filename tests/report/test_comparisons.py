"""The chosen candidate against the others, and two spreads, in rows that are read."""

from __future__ import annotations

import msgspec
import pytest

from homeroom import judgement
from homeroom.records import History, MemberRecord
from homeroom.report import comparisons, run_view
from homeroom.report.formats import format_spread

from . import fakes


@pytest.fixture(scope="module")
def run():
    return fakes.run_of()


def test_the_chosen_one_meets_every_other(run) -> None:
    """One row per other candidate, with the numbers of `judgement.compare`."""
    view = run_view(run)
    chosen = run.selection.candidate
    others = [row.candidate for row in view.leaderboard if row.candidate != chosen]
    assert [row.candidate for row in view.comparisons] == others
    by_name = {
        c.name: judgement.summarize(run.members_of(c.name), run.plan, run.metric)
        for c in run.candidates
    }
    for row in view.comparisons:
        seen = judgement.compare(by_name[chosen], by_name[row.candidate], run.plan)
        assert row.difference.value == seen.difference
        assert row.difference.text[1:] == format_spread(
            abs(seen.difference), run.metric
        )
        assert row.difference.text[0] == ("-" if seen.difference < 0 else "+")
        assert row.interval.low == seen.interval.low
        assert row.wins.split(" of ")[1].startswith(
            str(len(run.members_of(row.candidate)))
        )


def test_an_interval_says_its_unit_once_and_its_signs_twice(run) -> None:
    """Both ends have a sign, so that zero inside is seen at once."""
    for row in run_view(run).comparisons:
        low, high = row.interval.text.split(" to ")
        assert low[0] in "+-"
        assert high[0] in "+-"
        assert row.interval.text.count("points") == 1


def test_spreads_are_those_of_the_two_components(run) -> None:
    """Each candidate with several seeds has both spreads with their ranges."""
    view = run_view(run)
    assert [row.candidate for row in view.spreads] == [
        row.candidate for row in view.leaderboard
    ]
    for row in view.spreads:
        summary = judgement.summarize(
            run.members_of(row.candidate), run.plan, run.metric
        )
        found = judgement.components(summary)
        assert row.rows == format_spread(found.sd_rows, run.metric)
        assert row.luck == format_spread(found.sd_luck, run.metric)


def test_one_seed_shows_no_spreads_and_no_choice_no_comparison(run) -> None:
    """What cannot be told apart is not shown; neither is a choice nobody made."""
    view = run_view(fakes.run_of(n_seeds=1))
    assert view.spreads == ()
    assert view.comparisons
    undecided = msgspec.structs.replace(run, selection=None)
    assert run_view(undecided).comparisons == ()


@pytest.mark.parametrize(
    ("mine", "said"),
    [
        ([0.9] * 5, "0 of 5, 5 tied"),
        ([0.95, 0.95, 0.9, 0.9, 0.9], "2 of 5, 3 tied, "),
        ([0.95] * 5, "5 of 5"),
    ],
)
def test_ties_are_told_beside_wins(mine, said) -> None:
    """The interval counts a tie for half: who reads it has to see the ties."""
    plan = fakes.plan_of(5)

    def summary(name, scores):
        return judgement.summarize(
            [
                MemberRecord(
                    candidate=name,
                    fold=fold,
                    seed_index=0,
                    seed=1,
                    state="COMPLETE",
                    history=History({}),
                    scores={"val_accuracy": score},
                )
                for fold, score in enumerate(scores)
            ],
            plan,
            fakes.ACCURACY,
        )

    told = comparisons._wins(
        judgement.superiority(summary("a", mine), summary("b", [0.9] * 5))
    )
    assert told.startswith(said)
    assert told == said or said.endswith(", ")
