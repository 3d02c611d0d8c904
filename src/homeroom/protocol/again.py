"""What a stored training is made again from: rows, folds and models, on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from homeroom import data, engine, fingerprint
from homeroom.engine import Arrays
from homeroom.engine.reference import TRAIN, VALIDATION
from homeroom.errors import DataError, HomeroomError, InputError, StoreError
from homeroom.records import Materials, MemberRecord, RunRecord
from homeroom.splits import Fold
from homeroom.store import Store, dump_arrays, load_arrays

from .materials import ORDER_SEEDS, ROWS_OF_FILE
from .member import fold_arrays


@dataclass(frozen=True, eq=False)
class Supply:
    """Gives each training what it is made from.

    Args:
        run: The stored run.
        materials: What it kept.
        store: Where it is kept.
        file: Where the table is now, if not where it was.
        functions: Import paths of model functions by candidate, which the user gave.
        folder: Where files for another process are written.
    """

    run: RunRecord
    materials: Materials
    store: Store
    file: Path | None
    functions: Mapping[str, str]
    folder: Path

    def check_rows(self) -> None:
        """Refuse a file that is not there, or does not hold the rows of the run.

        Raises:
            InputError: If it is not there.
            DataError: If it holds others.
        """
        if self.materials.table is not None:
            _ = self._dataset
        elif self.file is not None:
            raise InputError(
                f"Run {self.run.id!r} has its rows in the store, and no file is read: "
                "leave --data out."
            )

    def why_not(self, candidate: str) -> str:
        """Return why a candidate's model cannot be built again, or nothing."""
        if candidate in self.functions:
            return ""
        described = self.description(candidate, 0)
        if "reason" not in described:
            return ""
        path = str(described["source"])
        can_be_named = "<" not in path and not path.startswith("__main__:")
        remedy = (
            f"name its function, whose module is then imported: --model "
            f"{_quoted(candidate)}={path}"
            if can_be_named
            else "put its function in a module, and name it: --model "
            f"{_quoted(candidate)}=MODULE:FUNCTION"
        )
        why = described["reason"]
        return f"its model cannot be built from a description: {why}; {remedy}"

    def description(self, candidate: str, fold: int) -> dict[str, Any]:
        """Return what is kept of a candidate's model in a fold."""
        address = self.materials.models[candidate][fold]
        told: dict[str, Any] = json.loads(self.store.get_artifact(address))
        return told

    def task(self, number: int, member: MemberRecord) -> dict[str, Any]:
        """Return what `engine.reference` is told of a training.

        Raises:
            StoreError: If what is kept is not what was trained on.
        """
        settings, fold = self.run.settings, member.fold
        self.fold(fold)
        return {
            "task": number,
            "seed": member.seed,
            "order_seed": self.order_seed(member),
            "rows": str(self._rows_file(fold)),
            "folds": str(self._folds_file),
            "fold": fold,
            "model": self._model(member),
            "epochs": member.history.n_epochs,
            "best_epoch": member.best_epoch,
            "batch_size": settings.batch_size,
            "shuffle": settings.shuffle,
            "class_weight": self.materials.class_weight,
            "validates": not member.evaluation_changed_state,
            "path": member.path,
            "final_weights": member.final_weights,
            "weights": str(self.folder / f"weights-{number}.npz"),
        }

    def order_seed(self, member: MemberRecord) -> int:
        """Return what decides the batches of a training."""
        return int(self._folds[ORDER_SEEDS][member.fold, member.seed_index])

    def fold(self, number: int) -> Fold:
        """Return the rows of a fold.

        Raises:
            StoreError: If they are not those of the run's plan.
        """
        parts = self._folds[f"fold {number}"]
        train, validation = (
            np.flatnonzero(parts == part).astype(np.int32)
            for part in (TRAIN, VALIDATION)
        )
        known = self.run.plan.folds[number]
        if fingerprint.of_arrays([train, validation]) != known.fingerprint:
            raise StoreError(
                f"The rows kept for fold {number + 1} of run {self.run.id!r} are not "
                "those of its plan. The store was changed; restore a copy of it."
            )
        return Fold(known.repeat, known.fold, train, validation)

    def arrays(self, fold: int) -> Arrays:
        """Return the development rows as Keras was given them in a fold."""
        if self.materials.table is None:
            content = self.store.get_artifact(self.materials.rows[fold])
            return engine.from_leaves(load_arrays(content))
        # what a table goes through draws nothing
        return fold_arrays(self._dataset, self.fold(fold).train, None, 0)[0]

    def build(self, member: MemberRecord) -> Any:
        """Return the model function of a training, for this process."""
        told = self._model(member)
        if "function" in told:
            return lambda: engine.imported(told["function"], told["arguments"])
        described = self.description(member.candidate, member.fold)
        return lambda: engine.rebuilt(described)

    @cached_property
    def _folds(self) -> dict[str, Any]:
        return load_arrays(self.store.get_artifact(self.materials.folds))

    @cached_property
    def _folds_file(self) -> Path:
        return self._written("folds.npz", dump_arrays(self._folds))

    @cached_property
    def _dataset(self) -> data.Dataset:
        """The development rows of the file, read again; no other row is looked at."""
        run, known = self.run, self.materials
        assert known.table is not None
        path = self.file or Path(known.table)
        if not path.is_file():
            raise InputError(
                f"Run {run.id!r} was trained on {str(path)!r}, and there is no such "
                "file. Put it back, or say where it is now with --data FILE."
            )
        wanted = self._folds[ROWS_OF_FILE]
        changed = (
            f"{path.name} does not hold the rows that run {run.id!r} was trained on: "
            "their fingerprint is another. Restore the file as it was on "
            f"{run.created_at:%Y-%m-%d}, or name a copy of it with --data FILE."
        )
        try:
            found = data.read_table(
                path,
                run.dataset.target or "",
                task=run.dataset.task,
                name=run.dataset.name,
                groups=known.groups,
            ).take(wanted)
        except HomeroomError as error:
            raise DataError(f"{changed} ({error})") from error
        if found.fingerprint != run.partition.development_fingerprint:
            raise DataError(changed)
        return found

    def _rows_file(self, fold: int) -> Path:
        rows = self.materials.rows
        name = rows[fold][:16] if rows else f"fold-{fold}"
        path = self.folder / f"rows-{name}.npz"
        if path.exists():
            return path
        if rows:
            return self._written(path.name, self.store.get_artifact(rows[fold]))
        named = engine.named_leaves(self.arrays(fold))
        return self._written(path.name, dump_arrays(named))

    def _model(self, member: MemberRecord) -> dict[str, Any]:
        described = self.description(member.candidate, member.fold)
        if (path := self.functions.get(member.candidate)) is not None:
            if described["arguments"] is None:
                raise InputError(
                    f"Candidate {member.candidate!r} has hyperparameters that are no "
                    "numbers, texts or lists of them, and were not kept: its function "
                    "cannot be called again."
                )
            return {"function": path, "arguments": described["arguments"]}
        address = self.materials.models[member.candidate][member.fold]
        file = self.folder / f"model-{address[:16]}.json"
        if not file.exists():
            self._written(file.name, self.store.get_artifact(address))
        return {"description": str(file)}

    def _written(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name else name
