"""A search in words: who is best, and what flatters it."""

from __future__ import annotations

import pytest

from homeroom.records import COMPLETE, TrialRecord
from homeroom.report import search_view
from homeroom.testing import sample_member, sample_run


@pytest.mark.parametrize("best_epoch", [None, 1])
def test_a_search_says_where_folds_chose_their_own_epochs(
    best_epoch: int | None,
) -> None:
    """Early stopping of each fold by itself flatters a score, which is said."""
    trials = [
        TrialRecord(
            number=i,
            candidate="small",
            hyperparameters={"units": 2**i},
            state=COMPLETE,
            members=tuple(
                sample_member(fold=fold, best_epoch=best_epoch) for fold in (0, 1)
            ),
        )
        for i in range(2)
    ]
    run = sample_run()
    view = search_view("small", trials, run.plan, run.metric, best=0, optimism=0.01)
    assert view.optimism.startswith("It is the best of 2 trials")
    told = "best epoch of its own curve" in view.optimism
    assert told == (best_epoch is not None)
