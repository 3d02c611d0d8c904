"""Small records that are complete and plausible, for tests that need any at all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from homeroom.records import (
    COMPLETE,
    RUNNING,
    CandidateRecord,
    DatasetRecord,
    Environment,
    FinalTest,
    FoldRecord,
    History,
    Interval,
    MemberRecord,
    Metric,
    PartitionRecord,
    RunRecord,
    Settings,
    SplitPlanRecord,
)

_NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
_ACCURACY = Metric("accuracy", "max")


def sample_run(name: str = "digits", **changes: Any) -> RunRecord:
    """Return a run of two candidates on two folds, with no members yet.

    >>> sample_run("iris", state="FAILED").state
    'FAILED'
    """
    fields: dict[str, Any] = {
        "id": "",
        "name": name,
        "state": RUNNING,
        "created_at": _NOON,
        "dataset": DatasetRecord(
            name=name,
            task="classification",
            n_rows=100,
            shapes={"x": (100, 4)},
            fingerprint="d" * 32,
            classes=("cat", "dog"),
        ),
        "partition": PartitionRecord(
            n_development=80,
            n_test=20,
            stratified=True,
            seed=7,
            development_fingerprint="a" * 32,
            test_fingerprint="b" * 32,
        ),
        "plan": SplitPlanRecord(
            strategy="StratifiedKFold",
            n_splits=2,
            n_repeats=1,
            folds=tuple(
                FoldRecord(
                    repeat=0, fold=k, n_train=40, n_validation=40, fingerprint=f"{k}"
                )
                for k in range(2)
            ),
            fingerprint="c" * 32,
        ),
        "settings": Settings(epochs=3, batch_size=8, seed=7, n_seeds=1),
        "metric": _ACCURACY,
        "candidates": (
            CandidateRecord(name="small", kind="keras", source="def small(): ..."),
            CandidateRecord(name="forest", kind="estimator", source="RandomForest()"),
        ),
        "environment": Environment(versions={}, platform="test", n_cpus=2),
    }
    return RunRecord(**(fields | changes))


def sample_member(
    candidate: str = "small", fold: int = 0, seed_index: int = 0, **changes: Any
) -> MemberRecord:
    """Return a complete training of three epochs; its score is 0.5 + fold / 10.

    >>> sample_member(fold=1).scores["val_accuracy"]
    0.6
    """
    score = 0.5 + fold / 10
    fields: dict[str, Any] = {
        "candidate": candidate,
        "fold": fold,
        "seed_index": seed_index,
        "seed": 7,
        "state": COMPLETE,
        "history": History({
            "loss": (0.9, 0.5, 0.3),
            "val_accuracy": (0.4, 0.5, score),
        }),
        "scores": {"val_accuracy": score},
    }
    return MemberRecord(**(fields | changes))


def sample_final_test(candidate: str = "small", **changes: Any) -> FinalTest:
    """Return a final test with accuracy 0.942 on 20 rows.

    >>> sample_final_test().score
    0.942
    """
    fields: dict[str, Any] = {
        "candidate": candidate,
        "metric": _ACCURACY,
        "score": 0.942,
        "interval": Interval(0.76, 0.99, 0.95, "Wilson"),
        "n": 20,
        "opened_at": _NOON,
        "scores": {"accuracy": 0.942, "loss": 0.2},
    }
    return FinalTest(**(fields | changes))
