"""What is kept of a run so that its trainings can be made again."""

from __future__ import annotations

import msgspec


class Materials(msgspec.Struct, frozen=True, kw_only=True):
    """What the trainings of a run are made again from, by whoever doubts them.

    `folds` is the address of row positions and order seeds in the store; `rows` are
    those of the development rows as Keras was given them in each fold. Where they came
    from a file they are not kept but read again from `table`; `groups` names its
    column of groups. `models` maps a candidate to the addresses of its model's
    description, one for each fold too. `without_rows` says why no rows are kept.
    """

    folds: str
    rows: tuple[str, ...] = ()
    table: str | None = None
    groups: str | None = None
    models: dict[str, tuple[str, ...]] = {}
    class_weight: dict[int, float] | None = None
    without_rows: str = ""
