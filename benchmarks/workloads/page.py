"""From what was measured to docs/workloads.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

import expectations
import peers
import reasons
from expectations import Expectation, Races
from flatness import MEAN_CURVE, NEVER, PER_FOLD, Flatness
from forecasts import Foreseen
from limit import Limit
from race import Samples
from stored import FLATNESS, Record
from work import WORKLOADS

LEGEND = (
    "Every row of a table is from one run in which the peers take turns, in a rotating "
    "order, each in a process of its own: median [min–max]. *Warm* is the second call "
    "of a process, with other seeds; *cold* is from starting Python to the end of the "
    "first call, with no compiled program on disk, imports and compilation included. "
    "A peer that is too slow to make all trainings is given a sample of them, spread "
    "over configurations and folds: the seconds of all (marked ~) are then its "
    "milliseconds per training times their number, and cold what it took, and the "
    "rest as fast as warm ones. × is how many times longer than Homeroom's, of all "
    "trainings. Epochs, updates of weights and accuracy say that the same work was "
    "done; the accuracy is the mean on the validation rows, of samples that of fewer "
    "trainings.",
    "Every network is trained by Adam with the same batch size, folds and epochs. The "
    "Keras loops build and fit a fresh model for each training; the one as it is "
    "mostly written has no cache on disk, and of the other two the faster one is the "
    "*tuned* one. KerasTuner trains its folds with the settings of the last. "
    "Homeroom and the Keras loops also measure loss and accuracy of training rows; "
    "Homeroom does so at the end of each epoch, on as many as are validated (512 at "
    "least), examines the data before training, and returns out-of-fold predictions. "
    "scikit-learn has no dropout, and scores once per training but for the first "
    "workload; skorch likewise. The torch.func ensemble trains every epoch of every "
    "member and cuts folds to equal length. Rows marked "
    "*not the same model* are what else a person would do with the same table. "
    "Left out, to save time: pytabkit with the large table, which takes minutes for "
    "one network of five folds; torch.func where one training fills a core; "
    "steps_per_execution where a step takes milliseconds; TensorFlow with the tables, "
    "the transformer, and, like skorch, where the network is that of another.",
)


def page(record: Record, wanted: Sequence[Expectation]) -> str:
    """Return the whole page."""
    races = record.races
    lines = ["# Workloads", "", caption(next(iter(record.facts.values()))), ""]
    lines += ["![Time per training of every peer](images/workloads.svg)", ""]
    n_cores = next(iter(record.facts.values()))["cores"]
    lines += [*_expected(wanted), *_missed(record, n_cores)]
    lines += [f"{each}\n" for each in LEGEND]
    for name, found in races.items():
        facts = record.facts[name]
        checked = "" if facts.get("has_bytecode") else _NO_BYTECODE
        lines += [*table_of_race(name, found), when(facts) + checked, ""]
    if record.limits:
        lines += _limits(record.limits, races, n_cores)
    if record.flat:
        lines += [*_flatness(record.flat), when(record.facts[FLATNESS]), ""]
    if record.foreseen:
        lines += _forecasts(record.foreseen)
    versions = {
        n: v for f in races.values() for s in f.values() for n, v in s.versions.items()
    }
    told = ", ".join(f"{name} {versions[name]}" for name in sorted(versions))
    return "\n".join([*lines, f"Versions: {told}.", ""])


def caption(facts: dict[str, Any]) -> str:
    """Say where it was measured."""
    return (
        f"Measured by `make bench-workloads`: {facts['processor']}, "
        f"{facts['cores']} cores, {facts['memory']}, {facts['system']}, Python "
        f"{facts['python']}, Homeroom {facts['homeroom']}."
    )


_NO_BYTECODE = (
    " Whether the bytecode of peers was up to date was not looked at: the cold seconds "
    "of torch, skorch and TensorFlow may hold compiling it."
)


def when(facts: dict[str, Any]) -> str:
    """Say when a part was measured, and how quiet the machine was."""
    return (
        f"{facts['date']}, {facts['repeats']} repeats in {facts['minutes']:.0f} "
        f"minutes. Load of the machine: {facts['load_at_start']:.2f} before, "
        f"{facts['load_at_end']:.2f} at the end."
    )


def _expected(wanted: Sequence[Expectation]) -> list[str]:
    missed = sum(not each.met for each in wanted)
    rows = [
        (
            e.what,
            e.wanted,
            e.measured,
            "yes" if e.met else f"**no**: {e.by}".strip(": "),
        )
        for e in wanted
    ]
    title = f"What is expected: {len(wanted) - missed} of {len(wanted)} met"
    return _table(title, ("", "expected", "measured", "met"), rows)


def _missed(record: Record, n_cores: int) -> list[str]:
    """What the missed ratios would take, and why it is not so."""
    rows = [
        (
            each.what,
            f"{each.wanted:.1f}",
            f"{each.measured:.1f}",
            f"{each.least:.1f}" if each.least else "",
            f"{each.kernels or ''}",
            f"{each.wanted / each.kernels:.2f}" if each.kernels else "",
        )
        for each in reasons.prices(record, n_cores)
    ]
    columns = (
        "microseconds of a core per update", "would take", "takes",
        "arithmetic alone", "kernels", "would leave each",
    )  # fmt: skip
    told = [f"{each}\n" for each in reasons.paragraphs(record, n_cores)]
    return [*_table("What the missed ratios would take", columns, rows), *told]


COLD = "all, cold, s"


def table_of_race(name: str, found: dict[str, Samples]) -> list[str]:
    """Return a table of all peers; with cold times if there are any."""
    mine = found[peers.HOMEROOM]
    ours = None if mine.missing else median(mine.warm_total)
    columns = (
        "", "trainings made", "ms per training, warm", "all, warm, s", "×",
        COLD, "ms per epoch", "epochs each", "updates each", "accuracy",
    )  # fmt: skip
    rows = [_peer_row(peer, samples, ours) for peer, samples in found.items()]
    if not any(samples.first for samples in found.values()):
        cold = columns.index(COLD)
        columns, *rows = [[*r[:cold], *r[cold + 1 :]] for r in (columns, *rows)]
    return _table(f"{name}: {WORKLOADS[name].title}", columns, rows)


def _peer_row(name: str, samples: Samples, ours: float | None) -> Sequence[str]:
    title = name if samples.same_model else f"{name} (not the same model)"
    if samples.missing:
        return [title, samples.missing, *[""] * 8]
    about = "~" if samples.is_sample else ""
    of = f" of {samples.total}" if samples.is_sample else ""
    ratio = "" if ours is None else f"{median(samples.warm_total) / ours:.1f}"
    updates = median(
        u / n for u, n in zip(samples.updates, samples.trainings, strict=True)
    )
    return [
        title,
        f"{samples.n}{of}",
        _spread([1e3 * seconds for seconds in samples.each]),
        about + _spread(samples.warm_total),
        ratio,
        about + _spread(samples.cold_total) if samples.first else "",
        f"{samples.ms_per_epoch:.2f}",
        f"{samples.epochs_each:.1f}",
        f"{updates:.0f}",
        f"{median(samples.accuracy):.4f}",
    ]


def _limits(limits: dict[str, Limit], races: Races, n_cores: int) -> list[str]:
    rows = []
    for name, limit in limits.items():
        mine, spec = races[name][peers.HOMEROOM], WORKLOADS[name]
        if mine.missing:
            continue
        validated = median(mine.epochs) * spec.rows / spec.folds
        flops, moved = limit.seconds(median(mine.updates), validated)
        share = expectations.share_of_limit(name, limit, races[name])
        rows.append([
            name,
            f"{limit.weights:,}",
            f"{limit.kernels}",
            f"{1e6 * n_cores * median(mine.warm) / median(mine.updates):.0f}",
            f"{1e6 * n_cores * max(flops, moved) / median(mine.updates):.1f}",
            f"{limit.flops_per_update / 1e6:.2f}",
            f"{limit.bytes_per_update / 1e3:.0f}",
            f"{max(limit.rate) / 1e9:.0f}",
            f"{max(limit.bandwidth) / 1e9:.0f}",
            f"{flops:.2f}",
            f"{moved:.2f}",
            f"{median(mine.warm):.2f}",
            f"{100 * share:.0f} %",
        ])
    columns = (
        "", "weights", "kernels per update", "microseconds of a core per update",
        "at the limit",
        "million operations per update", "kB per update", "GFLOP/s",
        "GB/s", "s of operations", "s of bytes", "Homeroom, warm, s", "of the limit",
    )  # fmt: skip
    note = (
        "Operations: a layer of k inputs and n outputs makes, for m rows, products of "
        "2mkn forward, as many for the gradient of its weights, and as many for that "
        "of its inputs unless it is the first; a convolution counts as the product it "
        "is, attention as its four projections and two products per head; validation "
        "rows count forward. Bytes: 32 per weight and update (Adam reads weights, "
        "gradients and two moments, writes weights and moments; the gradient is "
        "written before). GFLOP/s: the fastest of NumPy's products at these very "
        "shapes, one process of one thread on every core at once; GB/s likewise, "
        "with arrays as large as the weights (128 KiB at least). The limit is the "
        "greater of the two times, for the trainings that the warm call made. Kernels "
        "are what XLA makes of Keras's own training step; the microseconds of a core "
        "are the warm call's time times the cores, everything in it included: "
        "measuring, predictions, choosing."
    )
    return [*_table("How near to what the machine can do", columns, rows), note, ""]


def _flatness(found: Flatness) -> list[str]:
    rows = [
        [
            f"{n:,}",
            _spread([1e3 * seconds for seconds in each]),
            f"{median(found.peak[n]):.0f}" if n in found.peak else "",
        ]
        for n, each in found.seconds.items()
    ]
    columns = ("trainings", "ms per training, warm", "peak memory, MiB")
    own, mean, never = (
        f"{1e3 * expectations.per_epoch(pairs):.2f} ms "
        f"({median(n for _, n in pairs):,.0f} epochs)"
        for pairs in map(found.stopping.__getitem__, (PER_FOLD, MEAN_CURVE, NEVER))
    )
    note = (
        "The network of W2 with one learning rate, in one process in turn; peak memory "
        "is that of a fresh process that makes one call. With the network of W1, an "
        f"epoch costs {own} where each fold stops by its own curve, {mean} where the "
        f"folds stop by their mean curve, and {never} where none stops. Epochs that "
        "were dropped, because the mean stopped before them, are not counted as "
        "trained, but their time is."
    )
    return [*_table("Ten, a hundred, a thousand trainings", columns, rows), note, ""]


def _forecasts(found: dict[str, Foreseen]) -> list[str]:
    rows = [
        [
            name,
            str(each.trainings),
            "–".join(sorted({f"{s:.1f}" for s in each.seconds}, key=float)),
            f"{each.took:.1f}",
            f"{100 * each.error:.0f} %",
            f"{each.peak:.0f}",
            f"{each.peaked:.0f}",
            f"{100 * each.peak_error:.0f} %",
            f"{each.whole:.1f}",
        ]
        for name, each in found.items()
    ]
    columns = (
        "", "trainings", "foreseen, s", "took, s", "error", "memory foreseen, MiB",
        "peak, MiB", "error", "whole run, s",
    )  # fmt: skip
    note = (
        "`Experiment.forecast` and then `Experiment.run` in the same process, once, "
        "with a candidate for each configuration. Seconds are those of the trainings; "
        "the error is how far they are outside the range, in percent of its nearer "
        "end, and that of memory in percent of what was foreseen. The whole run also "
        "examines the data, chooses, refits and stores."
    )
    return [*_table("What was foreseen, and what came", columns, rows), note, ""]


def _table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]
) -> list[str]:
    lines = [columns, ["---", *["---:"] * (len(columns) - 1)], *rows]
    return [f"## {title}", "", *(f"| {' | '.join(line)} |" for line in lines), ""]


def _spread(values: Sequence[float]) -> str:
    digits = 2 if median(values) < 100 else 0
    low, middle, high = (f"{f(values):.{digits}f}" for f in (min, median, max))
    return f"{middle} [{low}–{high}]"
