"""What the numbers rest on: data, folds, settings, versions, fingerprints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeroom import judgement

from . import measures
from .formats import format_count, format_seconds, metric_label
from .leaderboard import fold_name
from .models import DataView, FoldRow, SplitView
from .shipping import FINAL_MODELS
from .shown import Fact

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeroom.records import (
        DatasetRecord,
        Environment,
        FoldRecord,
        Metric,
        PartitionRecord,
        RunRecord,
        Settings,
        SplitPlanRecord,
    )

MOST_CLASSES = 12


def split_view(
    plan: SplitPlanRecord, partition: PartitionRecord | None = None
) -> SplitView:
    """Return what was split how, with the classes of every validation part."""
    names = list(dict.fromkeys(c for f in plan.folds for c in f.classes_train))
    names += [c for f in plan.folds for c in f.classes_validation if c not in names]
    names = list(dict.fromkeys(names))
    shown = names[:MOST_CLASSES]
    return SplitView(
        sentences=tuple(_split_sentences(plan, partition)),
        class_names=tuple(shown),
        more_classes=len(names) - len(shown),
        folds=tuple(
            FoldRow(
                name=fold_name(plan, position),
                n_train=format_count(fold.n_train),
                n_validation=format_count(fold.n_validation),
                classes=tuple(
                    format_count(fold.classes_validation.get(c, 0)) for c in shown
                ),
                absent=_absent(fold, names),
            )
            for position, fold in enumerate(plan.folds)
        ),
    )


def data_view(
    dataset: DatasetRecord, plan: SplitPlanRecord, metric: Metric
) -> DataView:
    """Return what the data is, what was left out, and what to know about it."""
    task = dataset.task
    if dataset.task_reason:
        reason = dataset.task_reason.rstrip(".")
        task = f"{task} ({reason})"
    facts = [
        Fact("data", dataset.name),
        Fact("rows", format_count(dataset.n_rows)),
        Fact("task", task),
    ]
    if dataset.target is not None:
        facts.append(Fact("target", dataset.target))
    if dataset.classes:
        facts.append(Fact("classes", _listed(dataset.classes)))
    if dataset.kinds:
        facts.append(Fact("columns", _kinds(dataset.kinds)))
    else:
        shapes = (
            f"{name} [{', '.join(map(str, ('rows', *shape[1:])))}]"
            for name, shape in dataset.shapes.items()
        )
        facts.append(Fact("arrays", "; ".join(shapes)))
    without_looking = judgement.baseline(plan, metric)
    if without_looking is not None:
        said = measures.score(without_looking, metric).text
        facts.append(
            Fact("baseline", f"{said}, by always answering the most frequent class")
        )
    return DataView(
        facts=tuple(facts),
        dropped=tuple(Fact(column.name, column.reason) for column in dataset.dropped),
        notes=dataset.notes,
    )


def measured_on(plan: SplitPlanRecord, n_seeds: int) -> str:
    """Return how many scores a mean is of: "5 folds × 3 seeds"."""
    folds = format_count(len(plan.folds), "fold")
    return f"{folds} × {format_count(n_seeds, 'seed')}"


def settings_facts(settings: Settings, metric: Metric) -> tuple[Fact, ...]:
    """Return what was decided before looking."""
    way = "higher is better" if metric.direction == "max" else "lower is better"
    facts = [
        Fact("chosen by", f"validation {metric_label(metric.name)} ({way})"),
        Fact("epochs", f"{format_count(settings.epochs)} at most"),
        Fact("batch size", format_count(settings.batch_size)),
        Fact("seeds per fold", format_count(settings.n_seeds)),
        Fact("rows shuffled", "every epoch" if settings.shuffle else "never"),
        Fact("early stopping", _early_stopping(settings)),
        Fact("preprocessing", settings.preprocessing or "none"),
        Fact("final model", FINAL_MODELS[settings.final_model]),
        Fact("seed", str(settings.seed)),
    ]
    return tuple(facts)


def environment_facts(environment: Environment, seconds: float) -> tuple[Fact, ...]:
    """Return versions and machine."""
    facts = [Fact(name, version) for name, version in environment.versions.items()]
    facts.append(Fact("platform", environment.platform))
    facts.append(Fact("device", environment.device))
    facts.append(Fact("CPUs", format_count(environment.n_cpus)))
    facts.append(Fact("trainings at once", _at_once(environment)))
    if seconds:
        facts.append(Fact("time", format_seconds(seconds)))
    return tuple(facts)


def _at_once(environment: Environment) -> str:
    at_once = format_count(environment.lanes)
    if environment.plan == "waves":
        at_once += " in one call"
    reason = environment.plan_reason
    return f"{at_once} ({reason})" if reason else at_once


def fingerprints(run: RunRecord) -> tuple[Fact, ...]:
    """Return the content hashes by which data, folds and weights are recognised."""
    facts = [
        Fact("dataset", run.dataset.fingerprint),
        Fact("development rows", run.partition.development_fingerprint),
        Fact("test rows", run.partition.test_fingerprint),
        Fact("folds", run.plan.fingerprint),
    ]
    if run.refit is not None:
        facts.append(Fact("final weights", run.refit.final_weights))
        facts += [Fact(name, hash_) for name, hash_ in run.refit.artifacts.items()]
    return tuple(fact for fact in facts if fact.value)


def _split_sentences(
    plan: SplitPlanRecord, partition: PartitionRecord | None
) -> list[str]:
    sentences = []
    if partition is not None and not partition.n_test:
        partition = None  # a fit or cross-validation: nothing was sealed
    if partition is not None:
        how = "stratified by class" if partition.stratified else "at random"
        if not partition.stratified and partition.reason:
            how = f"not stratified: {partition.reason.rstrip('.')}"
        sentences.append(
            f"{format_count(partition.n_test, 'row')} were sealed for the final test "
            f"before anything else ({how}, seed {partition.seed}); "
            f"{format_count(partition.n_development)} are for development."
        )
    folds = format_count(plan.n_splits, "fold")
    if plan.n_repeats > 1:
        folds = f"{folds}, drawn {plan.n_repeats} times"
    rows = "development rows" if partition is not None else "rows"
    if len(plan.folds) == 1:
        sentences.append(
            f"{plan.strategy}: one part of the {rows} is for validation. One fold "
            "cannot show how much a score depends on which rows it is measured on."
        )
    elif plan.disjoint:
        each = "once" if plan.n_repeats == 1 else "once per repeat"
        sentences.append(
            f"{plan.strategy}: {folds}. Each of the {rows} is validated {each}, by a "
            "model that was not trained on it."
        )
    else:
        sentences.append(
            f"{plan.strategy}: {folds}, whose validation parts share rows or leave "
            "some out."
        )
    return sentences


def _absent(fold: FoldRecord, names: list[str]) -> str:
    trained, validated = fold.classes_train, fold.classes_validation
    never = [c for c in names if trained.get(c, 0) and not validated.get(c, 0)]
    unknown = [c for c in names if validated.get(c, 0) and not trained.get(c, 0)]
    said = []
    if never:
        said.append(f"not validated: {_listed(never)}")
    if unknown:
        said.append(f"not trained: {_listed(unknown)}")
    return "; ".join(said)


def _listed(names: tuple[str, ...] | list[str]) -> str:
    shown = ", ".join(names[:MOST_CLASSES])
    more = len(names) - MOST_CLASSES
    return f"{shown} and {more} more" if more > 0 else shown


def _kinds(kinds: Mapping[str, str]) -> str:
    plurals = {
        "number": "numbers",
        "category": "categories",
        "date": "dates",
        "boolean": "booleans",
    }
    counts: dict[str, int] = {}
    for kind in kinds.values():
        counts[kind] = counts.get(kind, 0) + 1
    return ", ".join(
        f"{n} {kind if n == 1 else plurals.get(kind, kind)}"
        for kind, n in counts.items()
    )


_WATCHED = {
    "mean_curve": ", of the mean over folds",
    "one_std_err": ", of the mean over folds, within one standard error",
    "inner_split": ", on an inner split",
}


def _early_stopping(settings: Settings) -> str:
    stopping = settings.early_stopping
    if not stopping:
        return "none: every training uses all epochs"
    monitor = stopping.get("monitor", "val_loss")
    said = f"watches {monitor}"
    if "patience" in stopping:
        said += f", patience {stopping['patience']}"
    said += _WATCHED.get(settings.epoch_choice, "")
    if stopping.get("restore_best_weights", True):
        said += ", best weights kept"
    return said
