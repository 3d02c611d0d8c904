"""What the ratios that were missed would take, and what stands in the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import median

import expectations
from expectations import COLD, PROPORTION, WARM
from peers import ENSEMBLE, HOMEROOM, WAVES
from stored import Record
from work import W1, W2, W4, W6


@dataclass(frozen=True)
class Price:
    """What an update of a workload costs, in microseconds of a core, all included.

    `wanted` is what it would cost at the ratio that was missed. `least` is what its
    arithmetic costs, 0 where that is not known, as are its `kernels`.
    """

    what: str
    wanted: float
    measured: float
    least: float
    kernels: int


def prices(record: Record, n_cores: int) -> list[Price]:
    """Return the price of an update at every warm ratio that was missed."""
    found = []
    for workload, call, name, wanted in expectations.FASTER:
        peers = record.races.get(workload, {})
        other = expectations.against(peers, name)
        mine = expectations.against(peers, HOMEROOM)
        if call != WARM or mine is None or other is None:
            continue
        ratio = median(other.warm_total) / median(mine.warm_total)
        if ratio < wanted:
            price = _price(record, workload, n_cores)
            what = f"{workload}, {wanted:g} times as fast as {name}"
            price = replace(price, what=what, wanted=price.measured * ratio / wanted)
            found.append(price)
    return found


def _price(record: Record, workload: str, n_cores: int) -> Price:
    mine = record.races[workload][HOMEROOM]
    measured = 1e6 * n_cores * median(mine.warm) / median(mine.updates)
    if (limit := record.limits.get(workload)) is None:
        return Price(workload, measured, measured, 0.0, 0)
    share = expectations.share_of_limit(workload, limit, record.races[workload])
    return Price(workload, measured, measured, share * measured, limit.kernels)


def paragraphs(record: Record, n_cores: int) -> Iterator[str]:
    """Return what stands in the way, where something was missed."""
    missed = [each.what for each in expectations.of(record) if not each.met]
    warm = {what.split(",")[0] for what in missed if WARM in what}
    if warm & {W1, W2, W6}:
        yield _small_networks(record, n_cores)
    if W4 in warm:
        yield _convolutions(record)
    if any(PROPORTION in what for what in missed):
        yield (
            "**Early stopping**: what belongs to a training and not to its epochs is "
            "shared by fewer of them. Folds that stop by their mean curve wait for "
            "each other after every round, and some train a few epochs that the mean "
            "does not want, which are dropped."
        )
    if any(COLD in what for what in missed):
        yield (
            "**Cold** times hold importing Keras, tracing and compiling. The tuned "
            "loop pays them as well, and has less to compile; "
            "[benchmarks.md](benchmarks.md) has the seconds of each step of a start."
        )


def _small_networks(record: Record, n_cores: int) -> str:
    sentences = [
        "**Small networks** (W1, W2, W6): Homeroom runs Keras's own training step, bit "
        "for bit (in W1 dropout and decay are arguments, which may move a last digit). "
        "XLA makes a row of kernels of it, and calling one costs a few tenths "
        "of a microsecond of a core, whatever it computes: that, more than arithmetic, "
        "is what an update of a small network costs. A ratio that leaves a kernel less "
        "is out of reach with these kernels, and others have other last digits."
    ]
    if W2 in record.limits and (price := _price(record, W2, n_cores)).kernels:
        sentences.append(
            f"An update of W2 costs {price.measured:.0f} microseconds, "
            f"{price.measured / price.kernels:.2f} for each of {price.kernels} "
            f"kernels; its arithmetic alone would cost {price.least:.1f}. What is not "
            "spent in kernels goes into Python between the calls: drawing weights and "
            "orders of rows, predictions, records."
        )
    peers = record.races.get(W2, {})
    if waves := expectations.against(peers, WAVES):
        sentences.append(
            "Many trainings in one call share its kernels, but on CPU XLA's are slow "
            f"with one more axis: they take {_times(record, waves):.1f} times as long "
            "in W2."
        )
    if ensemble := expectations.against(peers, ENSEMBLE):
        sentences.append(
            "torch.func does so with kernels of torch's, in "
            f"{_times(record, ensemble):.2f} of Homeroom's time where all members are "
            "alike and none stops early; its numbers are those of no fit alone."
        )
    return " ".join(sentences)


def _times(record: Record, other: expectations.Samples) -> float:
    mine = record.races[W2][HOMEROOM]
    return median(other.warm_total) / median(mine.warm_total)


def _convolutions(record: Record) -> str:
    share = expectations.share_of_limit(W4, record.limits[W4], record.races[W4])
    return (
        f"**Convolutions** (W4) reach {100 * share:.0f} % of what products of their "
        "size allow. Those of few channels are sums of products; the others are XLA's "
        "own, with the axes in the order in which it is fastest: every bit is Keras's. "
        "torch's are oneDNN's, and have other last digits."
    )
