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
from .intervals import half_width
from .numbers import LOSS, format_score, format_spread
from .wording import KINDS, Words, kind_words, metric_words, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeroom.records import History, Metric

UNDERFITTING, GOOD_FIT, OVERFITTING = "underfitting", "good fit", "overfitting"
TOO_NOISY, DIVERGED, NO_CURVE = "too noisy to tell", "diverged", "no curve"
MEMORISING, EASIER = "memorising", "validation easier"

_EXPLOSION = 10  # a training loss this many times that of the first epoch
_BARELY = 0.05  # a share of the way from the baseline to perfection
_NEARLY = 0.95


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
        The verdict; epochs in `epoch` and `numbers` are 0-based, in `text` from 1, and
        in `korean`, the same sentence.

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
        or _memorising(seen, metric, baseline)
        or _noisy_curve(seen)
        or _risen(seen, _score_held(history, metric, seen), metric)
        or _easier(seen, history, metric)
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
        return _verdict(NO_CURVE, say("none ended"), numbers={"n": 0.0})
    order = [*KINDS, *sorted(set(counts) - set(KINDS))]
    kind = max(order, key=lambda k: (counts[k], -order.index(k)))
    epochs = [v.epoch for v in verdicts if v.kind == kind and v.epoch is not None]
    epoch = int(median(epochs)) if epochs else None
    others = [
        say("other kind", kind=kind_words(k), count=counts[k])
        for k in order
        if counts[k] and k != kind
    ]
    text = say(
        "together",
        kind=kind_words(kind, capital=True),
        count=counts[kind],
        n=len(verdicts),
        since=("", "") if epoch is None else say("since", epoch=epoch + 1),
        others=("".join(t for t, _ in others), "".join(t for _, t in others)),
    )
    numbers = {k: float(counts[k]) for k in order if counts[k]}
    return _verdict(kind, text, epoch, {"n": float(len(verdicts)), **numbers})


def _verdict(
    kind: str,
    said: Words,
    epoch: int | None = None,
    numbers: dict[str, float] | None = None,
) -> Verdict:
    return Verdict(kind, said[0], epoch, numbers or {}, said[1])


def _diverged(history: History, stop_reason: str) -> Verdict | None:
    losses = [k for k in ("loss", "train_eval_loss", "val_loss") if k in history.series]
    remedy = say("remedy of divergence")
    broken = first_nonfinite(history, losses)
    if broken is not None:
        return _verdict(DIVERGED, say("nonfinite", broken=broken, remedy=remedy))
    train = train_loss(history)
    if train and train[0] > 0 and train[-1] / _EXPLOSION > train[0]:
        text = say(
            "exploded",
            first=_said(train[0]),
            last=_said(train[-1]),
            epoch=len(train),
            remedy=remedy,
        )
        numbers = {"train_loss_first": train[0], "train_loss_last": train[-1]}
        return _verdict(DIVERGED, text, numbers=numbers)
    if stop_reason == "diverged":
        text = say("stopped as diverged", epoch=history.n_epochs, remedy=remedy)
        return _verdict(DIVERGED, text)
    return None


def _no_curve(history: History, n_validation: int) -> Verdict | None:
    val, train = history.series.get("val_loss", ()), train_loss(history)
    if not val or n_validation < 1:
        return _verdict(NO_CURVE, say("unmeasured"))
    if len(val) < 2:
        return _verdict(NO_CURVE, say("one epoch"))
    if not len(train) == len(val) == history.n_epochs:
        counts = {"n_val": len(val), "n_train": len(train), "epochs": history.n_epochs}
        return _verdict(NO_CURVE, say("unequal", **counts))
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
    text = say(
        "below baseline",
        metric=metric_words(metric.name),
        score=format_score(seen.train_score, metric),
        baseline=format_score(baseline, metric),
    )
    numbers = {**seen.numbers(), "baseline": baseline}
    return _verdict(UNDERFITTING, text, numbers=numbers)


def _memorising(
    seen: Evidence, metric: Metric, baseline: float | None
) -> Verdict | None:
    """The training rows are known by heart, and the others not at all."""
    train, val = seen.train_score, seen.val_score
    if baseline is None or train is None or val is None or not on_unit_scale(metric):
        return None
    if not 0 <= baseline < 1:
        return None
    open_by = half_width(baseline, seen.n_validation)
    if train - baseline < _NEARLY * (1 - baseline) or val > baseline + open_by:
        return None
    text = say(
        "memorising",
        metric=metric_words(metric.name),
        train=format_score(train, metric),
        val=format_score(val, metric),
        baseline=format_score(baseline, metric),
        open=format_spread(open_by, metric),
        n=seen.n_validation,
    )
    return _verdict(MEMORISING, text, numbers={**seen.numbers(), "baseline": baseline})


def _risen(seen: Evidence, held: Words, metric: Metric) -> Verdict | None:
    """The validation loss rose after its minimum while training went on learning."""
    if not (seen.risen and seen.train_fell):
        return None
    rose = say(
        "rose",
        low=_said(seen.val[seen.turn]),
        last=_said(seen.val[-1]),
        epoch=seen.n_epochs,
        train_low=_said(seen.train[seen.turn]),
        train_last=_said(seen.train[-1]),
    )
    turn = seen.turn + 1
    if seen.gap.shown:
        last = seen.kept == seen.n_epochs - 1
        kept = say("kept the last" if last else "kept", epoch=seen.kept + 1)
        text = say("overfitting", turn=turn, rose=rose, held=held, kept=kept)
        return _verdict(OVERFITTING, text, epoch=seen.turn, numbers=seen.numbers())
    text = say(
        "gap within noise",
        turn=turn,
        rose=rose,
        **_gap(seen, metric, seen.gap.half_width),
    )
    return _verdict(TOO_NOISY, text, numbers=seen.numbers())


def _noisy_curve(seen: Evidence) -> Verdict | None:
    if not seen.noisier_than_trend:
        return None
    text = say("noisy curve", noise=_width(seen.noise), trend=_width(seen.trend))
    return _verdict(TOO_NOISY, text, numbers=seen.numbers())


def _easier(seen: Evidence, history: History, metric: Metric) -> Verdict | None:
    """The validation rows are answered better, more than sampling explains."""
    measured_alike = "train_eval_loss" in history.series
    # two intervals of 90 %: training rows are a sample as well
    explained = -seen.gap.value <= 2 * seen.gap.half_width
    if not measured_alike or explained or seen.gap.too_few_rows:
        return None
    if seen.gap.name == metric.name and seen.gap.name != "loss":
        train, val = seen.train_score, seen.val_score
        if train is None or val is None or val <= train:
            return None
        ends = format_score(train, metric), format_score(val, metric)
    else:
        ends = _said(seen.train[-1]), _said(seen.val[-1])
    told = {**_gap(seen, metric, seen.gap.half_width), "train": ends[0], "val": ends[1]}
    return _verdict(EASIER, say("validation easier", **told), numbers=seen.numbers())


def _still_improving(seen: Evidence) -> Verdict | None:
    if not seen.still_improving:
        return None
    text = say(
        "still improving",
        before=_said(seen.val[seen.n_epochs - 1 - seen.window]),
        last=_said(seen.val[-1]),
        window=seen.window,
        epochs=seen.n_epochs,
    )
    return _verdict(UNDERFITTING, text, numbers=seen.numbers())


def _nothing_moved(seen: Evidence) -> Verdict | None:
    if seen.moved:
        return None
    text = say(
        "nothing moved",
        epochs=seen.n_epochs,
        train_first=_said(seen.train[0]),
        train_last=_said(seen.train[-1]),
        first=_said(seen.val[0]),
        last=_said(seen.val[-1]),
    )
    return _verdict(TOO_NOISY, text, numbers=seen.numbers())


def _too_few_rows(seen: Evidence, metric: Metric) -> Verdict | None:
    if not seen.gap.too_few_rows:
        return None
    open_by = seen.gap.validation_half_width
    text = say("too few rows", **_gap(seen, metric, open_by))
    return _verdict(TOO_NOISY, text, numbers=seen.numbers())


def _good_fit(seen: Evidence, stop_reason: str, patience: int | None) -> Verdict:
    after: Words = ("", "")
    if stop_reason == "patience":
        after = say("did not improve")
        if patience is not None:
            after = say("did not improve for", patience=patience)
    elif seen.turn < seen.n_epochs - 1:
        after = say("stayed near", last=_said(seen.val[-1]))
    text = say(
        "good fit",
        low=_said(seen.val[seen.turn]),
        turn=seen.turn + 1,
        after=after,
        train=_said(seen.train[seen.turn]),
        kept=say("kept", epoch=seen.kept + 1),
    )
    return _verdict(GOOD_FIT, text, numbers=seen.numbers())


def _score_held(history: History, metric: Metric, seen: Evidence) -> Words:
    """Return a clause for when the loss rose but the metric did not get worse."""
    values = history.series.get(metric.validation_key, ())
    if metric.name == "loss" or len(values) != seen.n_epochs:
        return "", ""
    at_turn, at_end = values[seen.turn], values[-1]
    if not (at_end == at_turn or metric.better(at_end, at_turn)):
        return "", ""
    return say(
        "score held",
        metric=metric_words(metric.name),
        low=format_score(at_turn, metric),
        last=format_score(at_end, metric),
    )


def _gap(
    seen: Evidence, metric: Metric, open_by: float
) -> dict[str, str | int | Words]:
    """Return what sentences say of the gap, and of how far something is open."""
    mine = metric if seen.gap.name == metric.name else LOSS
    return {
        "metric": metric_words(seen.gap.name),
        "gap": format_spread(seen.gap.value, mine),
        "open": format_spread(open_by, mine),
        "n": seen.n_validation,
    }


def _said(loss: float) -> str:
    return format_score(loss, LOSS)


def _width(spread: float) -> str:
    return format_spread(spread, LOSS)
