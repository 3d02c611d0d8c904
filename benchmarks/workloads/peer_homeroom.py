"""Homeroom: one call. The variant is "", or for the nested search "pruned"."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import work
from keras_models import function_of, model_of
from work import NESTED_RATES, NESTED_SEEDS, W6, WORKLOADS, Job, Trained

import homeroom as hr


def main() -> None:
    job = work.job()
    asked_for = os.environ.get("HOMEROOM_PLAN") == "waves"
    paths = {"wave"} if asked_for else {"scan", "wave"}

    def call(number: int) -> list[Trained]:
        if job.work.spec is WORKLOADS[W6]:
            members = nested(job, number)
        else:
            members = search(job, number)
        assert {m.path for m in members} <= paths, "not the compiled path"
        return [
            Trained(m.scores.get("val_accuracy", 0.0), m.history.n_epochs, m.n_updates)
            for m in members
        ]

    work.measure(call, job.calls, ("homeroom", "keras", "jax"))


def search(job: Job, number: int) -> Sequence[Any]:
    """Train every configuration, or as many on all folds as the sample allows."""
    spec, data = job.work.spec, job.work
    space = {name: list(values) for name, values in spec.space.items()}
    if job.sample:
        ((name, values),) = space.items()  # a sample is of one hyperparameter alone
        n = job.sample // len(data.folds)
        space = {name: [values[int((i + 0.5) * len(values) / n)] for i in range(n)]}
    words: dict[str, Any] = {
        "cv": data.folds,
        "seeds": spec.seeds,
        "epochs": spec.epochs,
        "batch_size": spec.batch_size,
        "seed": number,
        "verbose": 0,
    }
    if spec.patience is not None:
        words["early_stopping"] = hr.EarlyStopping(patience=spec.patience)
    if all(len(values) == 1 for values in space.values()):
        values = {name: each for name, (each,) in space.items()}
        found = hr.cross_validate(
            lambda: model_of(spec, **values), data.x, data.y, **words
        )
        return found.members
    tuned = hr.tune(
        function_of(spec), space, data.x, data.y, sampler="grid", prune=False, **words
    )
    return [member for trial in tuned.trials for member in trial.members]


def nested(job: Job, number: int) -> Sequence[Any]:
    """Search anew in every outer fold, and train its winner there."""
    spec, data = job.work.spec, job.work
    found = hr.nested_cross_validate(
        function_of(spec),
        {"learning_rate": list(NESTED_RATES)},
        data.x,
        data.y,
        outer_cv=data.folds,
        sampler="grid",
        prune=job.variant == "pruned",
        cv=5,
        seeds=NESTED_SEEDS,
        epochs=spec.epochs,
        batch_size=spec.batch_size,
        seed=number,
        verbose=0,
    )
    inside = [m for s in found.searches for trial in s.trials for m in trial.members]
    return [*inside, *found.outer.members]


if __name__ == "__main__":
    main()
