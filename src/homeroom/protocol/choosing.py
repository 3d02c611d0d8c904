"""What a run says of itself: whom it chose, how rows were prepared, old openings."""

from __future__ import annotations

from typing import Any

from homeroom import judgement
from homeroom.data import Dataset
from homeroom.records import Listener, Note, RunRecord, Selection
from homeroom.store import Store

from .final_test import earlier_openings, told_of_openings


def select(record: RunRecord, rule: Any) -> Selection:
    """Return whom the rule chooses of the candidates of a run, and why."""
    summaries = [
        judgement.summarize(record.members_of(c.name), record.plan, record.metric)
        for c in record.candidates
    ]
    weights = {c.name: c.n_weights for c in record.candidates}
    n_trials = sum(len(search.trials) for search in record.searches)
    return judgement.select(
        summaries, record.plan, n_weights=weights, n_tuning_trials=n_trials, rule=rule
    )


def told_preprocessing(preprocess: Any, dataset: Dataset) -> str | None:
    """Return what the rows go through in each fold, in words; None for nothing."""
    if preprocess is not None:
        return " ".join(repr(preprocess).split())
    if dataset.is_table:
        return "numbers: median, scaled; categories: one-hot; fitted in each fold"
    return None


def warn_of_openings(record: RunRecord, store: Store, tell: Listener) -> None:
    """Tell when other runs have opened these test rows before."""
    openings = earlier_openings(record, store)
    if openings:
        tell(Note(told_of_openings(openings)))
