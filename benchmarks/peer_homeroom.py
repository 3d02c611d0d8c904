"""Homeroom: one call."""

from __future__ import annotations

import workload
from workload import Done

import homeroom as hr


def main() -> None:
    options = workload.arguments()
    work = workload.read(options.data)

    def call() -> Done:
        result = hr.cross_validate(
            workload.keras_mlp,
            work.x,
            work.y,
            cv=work.folds,
            epochs=workload.EPOCHS,
            batch_size=workload.BATCH_SIZE,
            verbose=0,
        )
        assert {m.path for m in result.members} == {"scan"}, "not the compiled path"
        updates = sum(member.n_updates for member in result.members)
        return Done(result.mean("val_accuracy"), updates)

    workload.measure(call, options.calls, ("homeroom", "keras", "jax"))


if __name__ == "__main__":
    main()
