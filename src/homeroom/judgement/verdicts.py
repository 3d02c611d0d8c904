"""What a learning curve says: a kind, a sentence, and the numbers it rests on.

The rules are asked in order, and the first that has something to say is heard.
"""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

from homeroom.errors import InputError
from homeroom.records import Verdict

from .comparison import on_unit_scale
from .divergence import first_nonfinite
from .evidence import Evidence, gather, train_loss
from .numbers import LOSS, format_score, format_spread, metric_label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeroom.records import History, Metric

UNDERFITTING, GOOD_FIT, OVERFITTING = "underfitting", "good fit", "overfitting"
TOO_NOISY, DIVERGED, NO_CURVE = "too noisy to tell", "diverged", "no curve"

# The gravest first: it wins a tie, and is named first in a list.
KINDS = (DIVERGED, OVERFITTING, UNDERFITTING, TOO_NOISY, GOOD_FIT, NO_CURVE)

_EXPLOSION = 10  # a training loss this many times that of the first epoch
_BARELY = 0.05  # a share of the way from the baseline to perfection


def verdict(
    history: History,
    metric: Metric,
    *,
    best_epoch: int | None,
    n_validation: int,
    stop_reason: str = "epochs",
    baseline: float | None = None,
    patience: int | None = None,
) -> Verdict:
    """Read one learning curve.

    Judged are `val_loss` and the training loss at the same weights, `train_eval_loss`
    (else `loss`, Keras's running mean, which is a little late and with dropout on).
    *Overfitting* needs a validation loss that clearly rose after its minimum while
    the training loss kept falling, and a gap between both parts that `n_validation`
    rows can show. Any floats are survived, NaN and infinities included.

    Args:
        history: The epochs of one training.
        metric: The yardstick of the experiment.
        best_epoch: The epoch (0-based) whose weights were kept; None is the last.
        n_validation: How many validation rows there were.
        stop_reason: Why training ended, as in `MemberRecord`.
        baseline: What answering without looking scores in `metric`: the most frequent
            class, or the mean.
        patience: The patience of early stopping, for the sentence.

    Returns:
        The verdict; epochs in `epoch` and `numbers` are 0-based, in `text` from 1.

    Raises:
        InputError: If `best_epoch` is not an epoch of the history.

    >>> from homeroom.records import History, Metric
    >>> history = History({
    ...     "train_eval_loss": (0.9, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02),
    ...     "val_loss": (1.0, 0.6, 0.5, 0.55, 0.65, 0.8, 1.0),
    ... })
    >>> seen = verdict(history, Metric("loss", "min"), best_epoch=2, n_validation=500)
    >>> seen.kind, seen.epoch
    ('overfitting', 2)
    >>> print(seen.text)
    Overfitting from epoch 3: validation loss rose from 0.5000 to 1.000 by epoch 7
    while training loss kept falling (0.3000 to 0.02000); the weights of epoch 3 were
    kept.
    """
    if best_epoch is not None and not 0 <= best_epoch < max(history.n_epochs, 1):
        raise InputError(
            f"best_epoch={best_epoch} is not an epoch of a history of "
            f"{history.n_epochs} epochs; epochs are counted from 0."
        )
    early = _diverged(history, stop_reason) or _no_curve(history, n_validation)
    if early is not None:
        return early
    kept = history.n_epochs - 1 if best_epoch is None else best_epoch
    seen = gather(history, metric, kept=kept, n_validation=n_validation)
    return (
        _below_baseline(seen, metric, baseline)
        or _noisy_curve(seen)
        or _risen(seen, metric, _score_held(history, metric, seen))
        or (_still_improving(seen) if stop_reason != "patience" else None)
        or (_nothing_moved(seen) if baseline is None else None)
        or _too_few_rows(seen, metric)
        or _good_fit(seen, stop_reason, patience)
    )


def overall_verdict(verdicts: Sequence[Verdict]) -> Verdict:
    """Return what most trainings of a candidate say; a tie goes to the graver kind.

    `numbers` counts every kind under its name and all trainings under "n"; `epoch`
    is the median (0-based) where there are epochs.

    >>> some = [Verdict("overfitting", "…", epoch=e) for e in (7, 8, 11)]
    >>> print(overall_verdict([*some, Verdict("good fit", "…")]).text)
    Overfitting in 3 of 4 trainings, from epoch 9 (median); good fit in 1.
    """
    counts = Counter(v.kind for v in verdicts)
    if not counts:
        return Verdict(NO_CURVE, "No curve: no training has ended.", numbers={"n": 0.0})
    order = [*KINDS, *sorted(set(counts) - set(KINDS))]
    kind = max(order, key=lambda k: (counts[k], -order.index(k)))
    epochs = [v.epoch for v in verdicts if v.kind == kind and v.epoch is not None]
    epoch = int(median(epochs)) if epochs else None
    since = f", from epoch {epoch + 1} (median)" if epoch is not None else ""
    others = [f"{k} in {counts[k]}" for k in order if counts[k] and k != kind]
    text = f"{kind.capitalize()} in {counts[kind]} of {len(verdicts)} trainings{since}"
    text = "; ".join([text, *others]) + "."
    numbers = {k: float(counts[k]) for k in order if counts[k]}
    return Verdict(kind, text, epoch, {"n": float(len(verdicts)), **numbers})


def _diverged(history: History, stop_reason: str) -> Verdict | None:
    losses = [k for k in ("loss", "train_eval_loss", "val_loss") if k in history.series]
    broken = first_nonfinite(history, losses)
    remedy = "Try a smaller learning rate, or check the data for extreme values."
    if broken is not None:
        return Verdict(DIVERGED, f"Diverged: {broken}. {remedy}")
    train = train_loss(history)
    if train and train[0] > 0 and train[-1] / _EXPLOSION > train[0]:
        text = (
            f"Diverged: training loss grew from {_said(train[0])} to "
            f"{_said(train[-1])} by epoch {len(train)}. {remedy}"
        )
        numbers = {"train_loss_first": train[0], "train_loss_last": train[-1]}
        return Verdict(DIVERGED, text, numbers=numbers)
    if stop_reason == "diverged":
        text = (
            f"Diverged: training was stopped after epoch {history.n_epochs}. {remedy}"
        )
        return Verdict(DIVERGED, text)
    return None


def _no_curve(history: History, n_validation: int) -> Verdict | None:
    val, train = history.series.get("val_loss", ()), train_loss(history)
    if not val or n_validation < 1:
        return Verdict(NO_CURVE, "No curve: no validation loss was measured by epoch.")
    if len(val) < 2:
        return Verdict(NO_CURVE, "No curve: one epoch is a point, not a curve.")
    if not len(train) == len(val) == history.n_epochs:
        text = (
            f"No curve: there are {len(val)} validation losses and {len(train)} "
            f"training losses for {history.n_epochs} epochs, so the curves cannot be "
            "laid side by side."
        )
        return Verdict(NO_CURVE, text)
    return None


def _below_baseline(
    seen: Evidence, metric: Metric, baseline: float | None
) -> Verdict | None:
    """Even the training rows are answered hardly better than without looking."""
    if baseline is None or seen.train_score is None:
        return None
    better = seen.train_score - baseline
    if metric.direction == "min":
        better = -better
    way = 1 - baseline if on_unit_scale(metric) else abs(baseline)
    if better > _BARELY * way:
        return None
    text = (
        f"Underfitting: even on the training rows {metric_label(metric.name)} is "
        f"{format_score(seen.train_score, metric)}, where answering without looking "
        f"gives {format_score(baseline, metric)}. Try a larger model, a larger "
        "learning rate or better features."
    )
    numbers = {**seen.numbers(), "baseline": baseline}
    return Verdict(UNDERFITTING, text, numbers=numbers)


def _risen(seen: Evidence, metric: Metric, score_held: str) -> Verdict | None:
    """The validation loss rose after its minimum while training went on learning."""
    if not (seen.risen and seen.train_fell):
        return None
    rose = (
        f"validation loss rose from {_said(seen.val[seen.turn])} to "
        f"{_said(seen.val[-1])} by epoch {seen.n_epochs} while training loss kept "
        f"falling ({_said(seen.train[seen.turn])} to {_said(seen.train[-1])})"
    )
    if seen.gap.shown:
        kept = f"{score_held}; {_kept(seen)}"
        if seen.kept == seen.n_epochs - 1:
            kept += ", the last: use early stopping"
        text = f"Overfitting from epoch {seen.turn + 1}: {rose}{kept}."
        return Verdict(OVERFITTING, text, epoch=seen.turn, numbers=seen.numbers())
    text = (
        f"Too noisy to tell: after epoch {seen.turn + 1} {rose}, but the gap between "
        f"training and validation {metric_label(seen.gap.name)} "
        f"({_gap(seen, metric, seen.gap.value)}) is within what {seen.n_validation} "
        f"validation rows leave open (±{_gap(seen, metric, seen.gap.half_width)})."
    )
    return Verdict(TOO_NOISY, text, numbers=seen.numbers())


def _noisy_curve(seen: Evidence) -> Verdict | None:
    if not seen.noisier_than_trend:
        return None
    text = (
        f"Too noisy to tell: validation loss jumps by about {_width(seen.noise)} from "
        f"epoch to epoch, and its whole trend is {_width(seen.trend)}. Try a smaller "
        "learning rate, a larger batch or more validation rows."
    )
    return Verdict(TOO_NOISY, text, numbers=seen.numbers())


def _still_improving(seen: Evidence) -> Verdict | None:
    if not seen.still_improving:
        return None
    before = seen.n_epochs - 1 - seen.window
    text = (
        "Underfitting: still improving when training ended; validation loss fell from "
        f"{_said(seen.val[before])} to {_said(seen.val[-1])} in the last "
        f"{seen.window} of {seen.n_epochs} epochs. Train longer."
    )
    return Verdict(UNDERFITTING, text, numbers=seen.numbers())


def _nothing_moved(seen: Evidence) -> Verdict | None:
    if seen.moved:
        return None
    text = (
        f"Too noisy to tell: in {seen.n_epochs} epochs training loss went from "
        f"{_said(seen.train[0])} to {_said(seen.train[-1])} and validation loss from "
        f"{_said(seen.val[0])} to {_said(seen.val[-1])}, so the model learned nothing, "
        "or everything in its first epoch. Compare it with a baseline."
    )
    return Verdict(TOO_NOISY, text, numbers=seen.numbers())


def _too_few_rows(seen: Evidence, metric: Metric) -> Verdict | None:
    if not seen.gap.too_few_rows:
        return None
    text = (
        f"Too noisy to tell: {seen.n_validation} validation rows leave "
        f"{metric_label(seen.gap.name)} open by "
        f"±{_gap(seen, metric, seen.gap.half_width)}. Use more validation rows, or "
        "look at all folds together."
    )
    return Verdict(TOO_NOISY, text, numbers=seen.numbers())


def _good_fit(seen: Evidence, stop_reason: str, patience: int | None) -> Verdict:
    lowest = f"{_said(seen.val[seen.turn])} in epoch {seen.turn + 1}"
    after = ""
    if stop_reason == "patience":
        waited = "any more" if patience is None else f"for {patience} epochs"
        after = f" and did not improve {waited}"
    elif seen.turn < seen.n_epochs - 1:
        after = f" and stayed near it ({_said(seen.val[-1])} at the end)"
    text = (
        f"Good fit: validation loss reached {lowest}{after}, training loss then was "
        f"{_said(seen.train[seen.turn])}; {_kept(seen)}."
    )
    return Verdict(GOOD_FIT, text, numbers=seen.numbers())


def _score_held(history: History, metric: Metric, seen: Evidence) -> str:
    """Return a clause for when the loss rose but the metric did not get worse."""
    values = history.series.get(metric.validation_key, ())
    if metric.name == "loss" or len(values) != seen.n_epochs:
        return ""
    at_turn, at_end = values[seen.turn], values[-1]
    if not (at_end == at_turn or metric.better(at_end, at_turn)):
        return ""
    said = f"({format_score(at_turn, metric)} to {format_score(at_end, metric)})"
    return f"; validation {metric_label(metric.name)} did not get worse {said}"


def _kept(seen: Evidence) -> str:
    return f"the weights of epoch {seen.kept + 1} were kept"


def _gap(seen: Evidence, metric: Metric, value: float) -> str:
    return format_spread(value, metric if seen.gap.name == metric.name else LOSS)


def _said(loss: float) -> str:
    return format_score(loss, LOSS)


def _width(spread: float) -> str:
    return format_spread(spread, LOSS)
