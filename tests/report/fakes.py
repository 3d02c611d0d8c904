"""Records as a run would leave them, with plausible curves and no training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import numpy as np

from homeroom import judgement, seeding
from homeroom.records import (
    COMPLETE,
    FAILED,
    INTERRUPTED,
    CandidateRecord,
    DatasetRecord,
    DroppedColumn,
    Environment,
    FinalTest,
    FoldRecord,
    History,
    Interval,
    MemberRecord,
    Metric,
    PartitionRecord,
    RefitRecord,
    RunRecord,
    Settings,
    SplitPlanRecord,
)

ACCURACY = Metric("accuracy", "max")
RMSE = Metric("root_mean_squared_error", "min")
HOSTILE = "</script><img src=x onerror=alert(1)>"


@dataclass(frozen=True)
class Pupil:
    """How a made-up candidate learns."""

    name: str
    floor: float  # the validation loss it would reach
    speed: float
    overfits: float = 0.0
    noise: float = 0.01
    units: int = 64


PUPILS = (
    Pupil("tuned", 0.17, 0.16, overfits=0.004, units=128),
    Pupil("small", 0.26, 0.09, noise=0.006, units=32),
    Pupil("large", 0.15, 0.34, overfits=0.022, noise=0.016, units=512),
)


def plan_of(
    n_folds: int = 5, n_repeats: int = 1, n_rows: int = 1437, n_classes: int = 10
) -> SplitPlanRecord:
    validation = n_rows // n_folds
    classes = [str(c) for c in range(n_classes)]

    def shared(n: int) -> dict[str, int]:
        return {c: n // n_classes + (i < n % n_classes) for i, c in enumerate(classes)}

    return SplitPlanRecord(
        strategy="StratifiedKFold" if n_classes else "KFold",
        n_splits=n_folds,
        n_repeats=n_repeats,
        folds=tuple(
            FoldRecord(
                repeat=repeat,
                fold=fold,
                n_train=n_rows - validation,
                n_validation=validation,
                fingerprint=f"fold-{repeat}-{fold}",
                classes_train=shared(n_rows - validation) if n_classes else {},
                classes_validation=shared(validation) if n_classes else {},
            )
            for repeat in range(n_repeats)
            for fold in range(n_folds)
        ),
        fingerprint="8f14e45fceea167a5a36dedd4bea2543",
        seed=7,
    )


def history_of(
    pupil: Pupil, metric: Metric, fold: int, seed: int, epochs: int
) -> dict[str, tuple[float, ...]]:
    draw = seeding.generator(7, pupil.name, fold, seed)
    hard = 0.05 * math.sin(1.7 * fold + 0.4) + 0.012 * draw.standard_normal()
    t = np.arange(1, epochs + 1)
    fall = 2.1 * np.exp(-pupil.speed * t)
    noise = pupil.noise * draw.standard_normal(epochs)
    turn = 1.6 / pupil.speed
    rise = pupil.overfits * np.maximum(0, t - turn) ** 1.05
    val_loss = pupil.floor + hard + fall + rise + noise
    train_loss = 0.25 * pupil.floor + 0.93 * fall + 0.2 * pupil.floor / (1 + 0.1 * t)
    values = {
        "loss": train_loss * 1.12,
        "train_eval_loss": train_loss,
        "val_loss": np.maximum(val_loss, 0.01),
    }
    if metric.name == "accuracy":
        values["accuracy"] = 1 - 0.3 * train_loss * 1.1
        values["train_eval_accuracy"] = np.minimum(1, 1 - 0.28 * train_loss)
        values["val_accuracy"] = 1 - 0.3 * (val_loss - 0.7 * rise)
    elif metric.name != "loss":
        for prefix in ("", "train_eval_", "val_"):
            values[f"{prefix}{metric.name}"] = 12 * np.sqrt(values[f"{prefix}loss"])
    return {k: tuple(float(v) for v in vs) for k, vs in values.items()}


def member_of(
    pupil: Pupil,
    fold: int,
    seed: int,
    *,
    metric: Metric = ACCURACY,
    epochs: int = 60,
    patience: int = 8,
) -> MemberRecord:
    series = history_of(pupil, metric, fold, seed, epochs)
    losses = series["val_loss"]
    best, stopped = 0, epochs - 1
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        if epoch - best >= patience:
            stopped = epoch
            break
    return MemberRecord(
        candidate=pupil.name,
        fold=fold,
        seed_index=seed,
        seed=seeding.derive(7, "weights", fold, seed),
        state=COMPLETE,
        history=History({k: v[: stopped + 1] for k, v in series.items()}),
        scores={k: v[best] for k, v in series.items()},
        best_epoch=best,
        stopped_epoch=stopped if stopped < epochs - 1 else None,
        stop_reason="patience" if stopped < epochs - 1 else "epochs",
        updates_per_epoch=36,
        n_updates=36 * (stopped + 1),
        seconds=0.41 + 0.02 * stopped,
        initial_weights=f"initial-{fold}-{seed}",
        final_weights=f"final-{pupil.name}-{fold}-{seed}",
    )


def members_of(
    pupil: Pupil, *, n_folds: int = 5, n_seeds: int = 3, metric: Metric = ACCURACY
) -> tuple[MemberRecord, ...]:
    return tuple(
        member_of(pupil, fold, seed, metric=metric)
        for fold in range(n_folds)
        for seed in range(n_seeds)
    )


def run_of(
    pupils: tuple[Pupil, ...] = PUPILS,
    *,
    metric: Metric = ACCURACY,
    n_folds: int = 5,
    n_seeds: int = 3,
    tested: bool = True,
    name: str = "digits",
) -> RunRecord:
    """Return a complete run: 3 candidates × 5 folds × 3 seeds."""
    classification = metric.name == "accuracy"
    plan = plan_of(n_folds, n_classes=10 if classification else 0)
    members = tuple(
        m
        for pupil in pupils
        for m in members_of(pupil, n_folds=n_folds, n_seeds=n_seeds, metric=metric)
    )
    run = RunRecord(
        id=f"{name}-0007",
        name=name,
        state=COMPLETE,
        created_at=datetime(2026, 8, 22, 13, 41, tzinfo=UTC),
        finished_at=datetime(2026, 8, 22, 13, 42, tzinfo=UTC),
        seconds=38.4,
        dataset=DatasetRecord(
            name=name,
            task="classification" if classification else "regression",
            task_reason="y has 10 distinct integer labels 0..9."
            if classification
            else "y has 1,204 distinct numbers with decimals.",
            n_rows=1437,
            shapes={"x": (64,), "y": ()},
            fingerprint="c4ca4238a0b923820dcc509a6f75849b",
            classes=tuple(str(c) for c in range(10)) if classification else (),
            notes=("Inputs were divided by 16, their largest value.",),
        ),
        partition=PartitionRecord(
            n_development=1437,
            n_test=360,
            stratified=classification,
            seed=7,
            development_fingerprint="c81e728d9d4c2f636f067f89cc14862c",
            test_fingerprint="eccbc87e4b5ce2fe28308fd9f2a7baf3",
        ),
        plan=plan,
        settings=Settings(
            epochs=60,
            batch_size=32,
            seed=7,
            n_seeds=n_seeds,
            early_stopping={
                "monitor": "val_loss",
                "patience": 8,
                "restore_best_weights": True,
            },
        ),
        metric=metric,
        candidates=tuple(
            CandidateRecord(
                name=pupil.name,
                kind="keras",
                source="my_models:mlp",
                hyperparameters={"units": pupil.units, "learning_rate": 1e-3},
                n_weights=pupil.units * 75 + 10,
            )
            for pupil in pupils
        ),
        environment=Environment(
            versions={"python": "3.11.7", "homeroom": "0.1.0", "keras": "3.15.1"},
            platform="Linux x86_64",
            n_cpus=8,
            lanes=8,
        ),
        members=members,
    )
    run = with_selection(run)
    return with_final_test(run) if tested else run


def with_selection(run: RunRecord) -> RunRecord:
    summaries = [
        judgement.summarize(run.members_of(c.name), run.plan, run.metric)
        for c in run.candidates
        if run.members_of(c.name)
    ]
    weights = {c.name: c.n_weights for c in run.candidates}
    selection = judgement.select(summaries, run.plan, n_weights=weights)
    refit = RefitRecord(
        candidate=selection.candidate,
        epochs=24,
        n_updates=1080,
        n_rows=run.partition.n_development,
        seed=7,
        reason="the mean best epoch of its 15 trainings",
        final_weights="a87ff679a2f3e71d9181a67b7542122c",
        artifacts={"model": "e4da3b7fbbce2345d7772b0674a318d5" * 2},
    )
    return msgspec.structs.replace(run, selection=selection, refit=refit)


def with_final_test(run: RunRecord) -> RunRecord:
    assert run.selection is not None
    accuracy = run.metric.name == "accuracy"
    final = FinalTest(
        candidate=run.selection.candidate,
        metric=run.metric,
        score=0.9361 if accuracy else 6.214,
        interval=Interval(0.906, 0.957, 0.95, "Wilson")
        if accuracy
        else Interval(5.67, 6.81, 0.95, "bootstrap over rows"),
        n=360,
        opened_at=datetime(2026, 8, 22, 14, 3, tzinfo=UTC),
        scores={"loss": 0.2213, run.metric.name: 0.9361 if accuracy else 6.214},
    )
    return msgspec.structs.replace(run, final_test=final)


def run_with_failures() -> RunRecord:
    """Return a run where one candidate diverged and one never began."""
    run = run_of(tested=False)
    nan = (2.3, 9.1, math.nan)
    members = []
    for m in run.members:
        if m.candidate == "large" and (m.fold, m.seed_index) in {(1, 0), (3, 2)}:
            m = msgspec.structs.replace(
                m,
                state=FAILED,
                stop_reason="diverged",
                scores={},
                best_epoch=None,
                history=History(dict.fromkeys(m.history.series, nan)),
            )
        if m.candidate == "large" and (m.fold, m.seed_index) == (4, 1):
            m = msgspec.structs.replace(
                m,
                state=FAILED,
                stop_reason="error",
                scores={},
                best_epoch=None,
                history=History({}),
                error="ValueError: Input 0 of layer 'dense' has 64 columns, not 63.",
            )
        members.append(m)
    run = msgspec.structs.replace(
        run,
        members=tuple(members),
        candidates=(
            *run.candidates,
            CandidateRecord(name="late", kind="estimator", source="SVC()"),
        ),
    )
    return with_selection(run)


def interrupted_run() -> RunRecord:
    """Return a run stopped by Ctrl-C: one candidate half done, no choice."""
    run = run_of(tested=False)
    first = run.members_of("tuned")
    members = (
        *first[:7],
        msgspec.structs.replace(
            first[7], state=INTERRUPTED, stop_reason="interrupted", scores={}
        ),
    )
    return msgspec.structs.replace(
        run, state=INTERRUPTED, members=members, selection=None, refit=None
    )


def regression_run() -> RunRecord:
    pupils = (
        Pupil("baseline", 0.55, 0.2, noise=0.008),
        Pupil("deep", 0.24, 0.18, overfits=0.004),
    )
    run = run_of(pupils, metric=RMSE, name="housing")
    dataset = msgspec.structs.replace(
        run.dataset,
        target="price",
        kinds={"area": "number", "rooms": "number", "district": "category"},
        dropped=(
            DroppedColumn("id", "every row has its own value: an identifier"),
            DroppedColumn("note", "98 % of the values are missing"),
        ),
    )
    return msgspec.structs.replace(run, dataset=dataset)


def hostile_run() -> RunRecord:
    """Return a run whose every name tries to break out of the page."""
    pupils = (
        Pupil(HOSTILE, 0.17, 0.16),
        Pupil('\u2028{{ 7 * 7 }} & "quotes" \'<b>', 0.26, 0.09),
        Pupil("학습[red]x[/red]", 0.2, 0.1),
    )
    run = run_of(pupils, name=HOSTILE)
    dataset = msgspec.structs.replace(
        run.dataset,
        target=HOSTILE,
        classes=(HOSTILE, "<script>alert(2)</script>"),
        notes=(HOSTILE,),
        dropped=(DroppedColumn(HOSTILE, HOSTILE),),
    )
    folds = tuple(
        msgspec.structs.replace(
            f,
            classes_train={HOSTILE: 5, "</style>": 3},
            classes_validation={HOSTILE: 5},
        )
        for f in run.plan.folds
    )
    return msgspec.structs.replace(
        run,
        dataset=dataset,
        plan=msgspec.structs.replace(run.plan, folds=folds),
        error=HOSTILE,
    )
