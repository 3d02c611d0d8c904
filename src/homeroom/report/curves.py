"""Histories as curves: every training thin, their mean with a band, the stop marked."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from homeroom import judgement
from homeroom.records import COMPLETE, Metric

from .formats import format_count, format_score
from .measures import metric_view
from .models import Band, CurveView, Line, MemberCurve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeroom.records import MemberRecord, Verdict

MOST_POINTS = 160
SAME_WEIGHTS = "training"
RUNNING_MEAN = "training (running mean)"
LOSS = Metric("loss", "min")


def curve_views(
    members: Sequence[MemberRecord], metric: Metric, verdict: Verdict | None = None
) -> tuple[CurveView, ...]:
    """Return the curves of the loss and of the metric, of what was measured.

    The loss comes first: it is what training lowers and what a verdict reads.
    """
    members = [m for m in members if m.path != "estimator"]  # a point is no curve
    metrics = [LOSS] if metric.name == "loss" else [LOSS, metric]
    views = (_curve_view(members, each, verdict) for each in metrics)
    return tuple(view for view in views if view is not None)


def _curve_view(
    members: Sequence[MemberRecord], metric: Metric, verdict: Verdict | None
) -> CurveView | None:
    measured = {key for m in members for key in m.history.series}
    comparable = metric.train_key in measured
    train_key = metric.train_key if comparable else metric.name
    curves = tuple(
        curve
        for member in members
        if (curve := _member_curve(member, metric, train_key)) is not None
    )
    if not any(len(c.train.epochs) + len(c.validation.epochs) > 1 for c in curves):
        return None
    kept = [c.kept_epoch for c in curves if c.kept_epoch is not None]
    overfits = verdict is not None and verdict.kind == "overfitting"
    return CurveView(
        metric=metric_view(metric),
        members=curves,
        train=_band(members, train_key),
        validation=_band(members, metric.validation_key),
        train_name=SAME_WEIGHTS if comparable else RUNNING_MEAN,
        kept_epoch=sum(kept) / len(kept) if kept else None,
        told=_told(curves, metric),
        overfitting_from=(
            verdict.epoch + 1
            if verdict is not None and overfits and verdict.epoch is not None
            else None
        ),
        note=_note(members, comparable),
    )


def _told(curves: Sequence[MemberCurve], metric: Metric) -> str:
    """Say where curves begin and end, as means over the trainings that have them."""
    parts = []
    for what, lines in (
        ("training", [curve.train.values for curve in curves]),
        ("validation", [curve.validation.values for curve in curves]),
    ):
        ends = [(values[0], values[-1]) for values in lines if values]
        if ends:
            first, last = (judgement.mean_of(each) for each in zip(*ends, strict=True))
            parts.append(
                f"{what} from {format_score(first, metric)} to "
                f"{format_score(last, metric)}"
            )
    kept = [curve.kept_value for curve in curves if curve.kept_value is not None]
    if kept:
        mean = format_score(judgement.mean_of(kept), metric)
        parts.append(f"{mean} in validation where weights were kept")
    return f"means of {format_count(len(curves), 'training')}: {', '.join(parts)}"


def _member_curve(
    member: MemberRecord, metric: Metric, train_key: str
) -> MemberCurve | None:
    train = member.history.series.get(train_key, ())
    validation = member.history.series.get(metric.validation_key, ())
    if not train and not validation:
        return None
    kept = member.best_epoch
    if kept is None and member.state == COMPLETE:
        kept = member.history.n_epochs - 1
    keep = set() if kept is None else {kept}
    value = validation[kept] if kept is not None and kept < len(validation) else None
    return MemberCurve(
        name=f"fold {member.fold + 1}, seed {member.seed_index + 1}",
        fold=member.fold + 1,
        seed=member.seed_index + 1,
        train=_line(train, keep),
        validation=_line(validation, keep),
        kept_epoch=None if kept is None else kept + 1,
        kept_value=value if value is not None and math.isfinite(value) else None,
    )


def _line(values: Sequence[float], keep: set[int]) -> Line:
    positions = [i for i in _positions(len(values), keep) if math.isfinite(values[i])]
    return Line(tuple(i + 1 for i in positions), tuple(values[i] for i in positions))


def _band(members: Sequence[MemberRecord], key: str) -> Band | None:
    """Return the mean while at least half of the trainings still run.

    Past that the mean is of the few that stopped late, and its course says more
    about who is left than about learning.
    """
    complete = [m for m in members if m.state == COMPLETE and key in m.history.series]
    if len(complete) < 2:
        return None
    curve = judgement.mean_curve(complete, key)
    enough = [i for i, n in enumerate(curve.n) if 2 * n >= len(complete)]
    positions = [
        i
        for i in _positions(max(enough, default=-1) + 1, set())
        if math.isfinite(curve.mean[i])
    ]
    return Band(
        epochs=tuple(i + 1 for i in positions),
        mean=tuple(curve.mean[i] for i in positions),
        low=tuple(curve.low[i] for i in positions),
        high=tuple(curve.high[i] for i in positions),
    )


def _positions(n: int, keep: set[int]) -> list[int]:
    """Return at most about `MOST_POINTS` positions of n, denser where curves bend."""
    if n <= MOST_POINTS:
        return list(range(n))
    half = MOST_POINTS // 2
    early = range(half)
    late = {
        round(half + (n - 1 - half) * i / (MOST_POINTS - half - 1))
        for i in range(MOST_POINTS - half)
    }
    return sorted({*early, *late, *keep})


def _note(members: Sequence[MemberRecord], comparable: bool) -> str:
    lengths = {m.history.n_epochs for m in members if m.state == COMPLETE}
    notes = []
    if len(lengths) > 1:
        notes.append(
            "The mean and its band end where fewer than half of the trainings go on."
        )
    sampled = [m.history.n_sampled for m in members if m.history.n_sampled]
    if comparable and sampled:
        fewest = format_count(min(sampled))
        notes.append(
            f"The training curve is of a sample of {fewest} training rows, the same in "
            "every epoch."
        )
    if not comparable:
        notes.append(
            "The training curve is Keras's running mean over each epoch: a little "
            "late, and with dropout on."
        )
    return " ".join(notes)
