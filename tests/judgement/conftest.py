"""Builders of plans, members and summaries, so that tests speak in scores."""

from __future__ import annotations

import pytest

from homeroom.judgement import summarize
from homeroom.records import (
    FoldRecord,
    History,
    MemberRecord,
    Metric,
    SplitPlanRecord,
)

ACCURACY = Metric("accuracy", "max")


@pytest.fixture(scope="session")
def make_plan():
    def build(n_splits=5, n_repeats=1, n_rows=100, fingerprint="plan"):
        n_validation = n_rows // max(n_splits, 2)
        folds = tuple(
            FoldRecord(
                repeat=repeat,
                fold=fold,
                n_train=n_rows - n_validation,
                n_validation=n_validation,
                fingerprint=f"{repeat}.{fold}",
            )
            for repeat in range(n_repeats)
            for fold in range(n_splits)
        )
        return SplitPlanRecord(
            strategy="KFold",
            n_splits=n_splits,
            n_repeats=n_repeats,
            folds=folds,
            fingerprint=fingerprint,
        )

    return build


@pytest.fixture(scope="session")
def make_member():
    def build(fold=0, seed_index=0, score=0.9, *, key="val_accuracy", **fields):
        defaults = {
            "candidate": "mlp",
            "seed": 7,
            "state": "COMPLETE",
            "history": History({"loss": (1.0, 0.5), "val_loss": (1.0, 0.6)}),
            "scores": {key: score},
        }
        return MemberRecord(fold=fold, seed_index=seed_index, **(defaults | fields))

    return build


@pytest.fixture(scope="session")
def make_summary(make_plan, make_member):
    """Scores per fold (or per fold and seed) of one candidate to its summary."""

    def build(candidate, scores, plan=None, metric=ACCURACY):
        plan = plan or make_plan(n_splits=len(scores))
        members = [
            make_member(
                fold,
                seed_index,
                score,
                key=metric.validation_key,
                candidate=candidate,
            )
            for fold, seeds in enumerate(scores)
            for seed_index, score in enumerate(
                seeds if isinstance(seeds, list | tuple) else [seeds]
            )
        ]
        return summarize(members, plan, metric)

    return build
