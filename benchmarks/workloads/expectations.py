"""What Homeroom is expected to reach, and whether it was measured."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from flatness import MEAN_CURVE, NEVER, PER_FOLD, Flatness
from forecasts import Foreseen
from limit import Limit
from peers import HOMEROOM, LOOPS, PLAIN, SKLEARN, TORCH
from race import Samples
from stored import Record
from work import W1, W2, W3, W4, W5, W6, WORKLOADS

Races = dict[str, dict[str, Samples]]
TUNED = "the tuned Keras loop"
AS_WRITTEN = "the Keras loop as it is mostly written"
WARM, COLD = "warm", "cold"
FASTER = (  # workload, which call, against whom, at least how many times
    *((w, WARM, loop, 80.0) for w in (W1, W2) for loop in (TUNED, AS_WRITTEN)),
    *((w, WARM, TORCH, 12.0) for w in (W1, W2)),
    *((w, WARM, SKLEARN, 5.0) for w in (W1, W2)),
    *((w, COLD, loop, 10.0) for w in (W1, W2) for loop in (TUNED, AS_WRITTEN)),
    *((W4, WARM, loop, 2.0) for loop in (TUNED, AS_WRITTEN)),
    (W4, WARM, TORCH, 1.2),
    *((W5, WARM, loop, 1.5) for loop in (TUNED, AS_WRITTEN)),
    *((W6, WARM, loop, 1.0) for loop in (TUNED, AS_WRITTEN)),
)
SHARE_OF_LIMIT = {W3: 0.6}
ALMOST = 1.05  # times too little: less than what two runs differ by
PROPORTION = "per epoch trained"
STOPS_BY = {
    PER_FOLD: "each fold stopping by its own curve",
    MEAN_CURVE: "folds stopping by their mean curve, the default,",
}
FLAT, GROWTH, PROPORTIONAL, FORESEEN = 1.1, 200.0, 1.1, 0.3


@dataclass(frozen=True)
class Expectation:
    """What was wanted, what was measured; `by` is how much it was missed by."""

    what: str
    wanted: str
    measured: str
    met: bool
    by: str = ""


def of(record: Record) -> list[Expectation]:
    """Return every expectation of what was measured."""
    return [
        *of_races(record.races),
        *of_limits(record.limits, record.races),
        *(of_flatness(record.flat) if record.flat else ()),
        *of_forecasts(record.foreseen),
    ]


def against(peers: dict[str, Samples], name: str) -> Samples | None:
    """Return a peer that ran: by its name, or the faster of the tuned loops."""
    names = LOOPS if name == TUNED else (PLAIN if name == AS_WRITTEN else name,)
    ran = [peers[n] for n in names if n in peers and not peers[n].missing]
    return min(ran, key=lambda samples: median(samples.warm_total), default=None)


def of_races(races: Races) -> list[Expectation]:
    """Return what each ratio was."""
    found = []
    for workload, call, name, wanted in FASTER:
        peers = races.get(workload)
        if peers is None:
            continue
        mine, other = against(peers, HOMEROOM), against(peers, name)
        what = f"{workload}, {call}: times faster than {name}"
        if mine is None or other is None:
            found.append(Expectation(what, f"≥ {wanted:g}", "did not run", met=False))
            continue
        theirs, ours = (
            median(each.warm_total if call == WARM else each.cold_total)
            for each in (other, mine)
        )
        found.append(_at_least(what, theirs / ours, wanted))
    return found


def share_of_limit(workload: str, limit: Limit, peers: dict[str, Samples]) -> float:
    """Return what share of the possible speed Homeroom's warm call reached."""
    mine, spec = peers[HOMEROOM], WORKLOADS[workload]
    validated = median(mine.epochs) * spec.rows / spec.folds
    least = max(limit.seconds(median(mine.updates), validated))
    return least / median(mine.warm)


def of_limits(limits: dict[str, Limit], races: Races) -> list[Expectation]:
    """Return what share of the possible was reached where one is expected."""
    return [
        _at_least(
            f"{workload}, warm: share of what sgemm allows",
            share_of_limit(workload, limits[workload], races[workload]),
            wanted,
        )
        for workload, wanted in SHARE_OF_LIMIT.items()
        if workload in limits and not races[workload][HOMEROOM].missing
    ]


def of_flatness(found: Flatness) -> list[Expectation]:
    """Return how time and memory grow with trainings, and with epochs."""
    few, *_, many = sorted(found.seconds)
    low, *_, high = sorted(found.peak)
    each = median(found.seconds[many]) / median(found.seconds[few])
    growth = median(found.peak[high]) - median(found.peak[low])
    return [
        _at_most(f"time per training, {many:,} against {few}", each, FLAT),
        _at_most(f"MiB more with {high:,} trainings than with {low}", growth, GROWTH),
        *(
            _at_most(
                f"seconds {PROPORTION}, {how} against never stopping",
                per_epoch(found.stopping[name]) / per_epoch(found.stopping[NEVER]),
                PROPORTIONAL,
            )
            for name, how in STOPS_BY.items()
        ),
    ]


def per_epoch(pairs: list[tuple[float, int]]) -> float:
    """Return the median seconds of an epoch."""
    return median(seconds / epochs for seconds, epochs in pairs)


def of_forecasts(found: dict[str, Foreseen]) -> list[Expectation]:
    """Return how far each forecast was from what came."""
    told = []
    for workload, each in found.items():
        seconds = "the range of seconds" if each.stops_early else "the seconds"
        told += [
            _at_most(f"{workload}: error of {seconds} foreseen", each.error, FORESEEN),
            _at_most(
                f"{workload}: error of the memory foreseen", each.peak_error, FORESEEN
            ),
        ]
    return told


def _at_least(what: str, value: float, wanted: float) -> Expectation:
    met = value >= wanted
    short = wanted / value
    by = f"{short:.2f} times too little" if short > ALMOST else "by a little"
    return Expectation(what, f"≥ {wanted:g}", f"{value:.2f}", met, "" if met else by)


def _at_most(what: str, value: float, wanted: float) -> Expectation:
    met = value <= wanted
    by = "" if met else f"{value - wanted:.2f} too much"
    return Expectation(what, f"≤ {wanted:g}", f"{value:.2f}", met, by)
