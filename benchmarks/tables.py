"""From samples to tables, and from tables to the terminal and to Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

import search
import zoo
from digits import HOMEROOM, PLAIN_LOOP, Samples, is_keras_loop
from examination import COLUMNS as EXAMINED_COLUMNS
from examination import ROWS, Examined
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text
from scaling import Scaling
from search import Searches
from startup import BARE, Start
from zoo import FITS, Contest
from zoo import HOMEROOM as OURS

COLUMNS = {
    "first": "first process",
    "later": "later process",
    "warm": "warm call",
}


@dataclass(frozen=True)
class Table:
    """A title, columns, rows of text, and sentences below."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]


def of_digits(found: dict[str, Samples]) -> Table:
    """Return seconds and ratios of every peer; what Homeroom loses is a sentence."""
    best = {
        column: min(
            (
                (median(getattr(samples, column)), name)
                for name, samples in found.items()
                if is_keras_loop(name) and getattr(samples, column)
            ),
            default=(float("nan"), "no Keras loop ran"),
        )
        for column in COLUMNS
    }
    rows = [
        _digits_row(name, samples, {c: value for c, (value, _) in best.items()})
        for name, samples in found.items()
    ]
    updates = sorted({n for samples in found.values() for n in samples.updates})
    versions: dict[str, str] = {}
    for samples in found.values():
        versions |= samples.versions
    return Table(
        "Digits: 5 folds × 20 epochs of a 64-128-10 network, batches of 32",
        ("", *COLUMNS.values(), "ms per 1,000 updates", "accuracy", "validates"),
        rows,
        [
            "Seconds: median [min–max]; × is how many times faster than the tuned "
            "Keras loop, which is, in each column, the fastest of the Keras loops: "
            + "; ".join(
                f"{COLUMNS[c]} {value:.2f} s ({name})"
                for c, (value, name) in best.items()
            )
            + ".",
            "First process: from starting Python to the result, with no compiled "
            "program on disk. Later process: the same with what the first one left "
            "on disk (only Homeroom and the loops with JAX's cache leave anything). "
            "Warm call: the second and later calls of one process. A fresh Keras "
            "model is compiled (with JAX's cache: loaded) again for each fold, in a "
            "warm process too. Libraries are compiled to bytecode, and read from disk "
            "once, before a process is timed.",
            "Updates of weights that each peer counted: "
            f"{', '.join(map(str, updates))}. Accuracy is the mean validation "
            "accuracy over the same folds after the last epoch. Homeroom also measures "
            "the training rows after each epoch and returns out-of-fold predictions.",
            _plain_loop(found),
            _losses(found),
            "Versions: "
            + ", ".join(f"{name} {versions[name]}" for name in sorted(versions))
            + ".",
        ],
    )


def _digits_row(name: str, samples: Samples, best: dict[str, float]) -> list[str]:
    if samples.missing:
        return [name, samples.missing, *[""] * 5]
    cells = [
        f"{_spread(getattr(samples, column))} "
        f"{_times(best[column] / median(getattr(samples, column)))}"
        for column in COLUMNS
    ]
    each = median(samples.warm) / max(samples.updates) * 1e6
    accuracy = "–".join(f"{value:.4f}" for value in _ends(samples.accuracy))
    return [name, *cells, f"{each:.0f}", accuracy, samples.validates]


def _plain_loop(found: dict[str, Samples]) -> str:
    """Say how much faster Homeroom is than the loop as it is mostly written."""
    ours, plain = found[HOMEROOM], found[PLAIN_LOOP]
    if ours.missing or plain.missing:
        return "The plain Keras loop or Homeroom did not run."
    ratios = [
        f"{title} {_times(median(getattr(plain, c)) / median(getattr(ours, c)))}"
        for c, title in COLUMNS.items()
    ]
    return (
        "Homeroom against the loop as it is mostly written "
        f"({PLAIN_LOOP}): {', '.join(ratios)}."
    )


def _losses(found: dict[str, Samples]) -> str:
    """Say by how much which peers are faster than Homeroom."""
    ours = found[HOMEROOM]
    if ours.missing:
        return f"Homeroom itself: {ours.missing}."
    parts = []
    for column, title in COLUMNS.items():
        mine = median(getattr(ours, column))
        faster = [
            f"{name} ({_times(mine / median(getattr(samples, column)))})"
            for name, samples in found.items()
            if not samples.missing and median(getattr(samples, column)) < mine
        ]
        parts.append(f"{title}: {', '.join(faster) or 'none'}")
    return "Faster than Homeroom, and by how much. " + "; ".join(parts) + "."


def of_startup(found: dict[str, Start]) -> Table:
    """Return what each command costs on top of a bare Python."""
    bare = median(found[BARE].seconds)
    rows = [
        [name, start.missing, ""]
        if start.missing
        else [
            name,
            _milliseconds(start.seconds),
            f"{(median(start.seconds) - bare) * 1e3:.0f}",
        ]
        for name, start in found.items()
    ]
    n = len(found[BARE].seconds)
    return Table(
        "Start-up",
        ("", "ms", "ms above bare Python"),
        rows,
        [
            f"Median [min–max] of {n} runs of each in turn, after one not counted.",
            "The last row is a floor for the first process of whatever trains with "
            "Keras on JAX: Python, the import, and the compilation of one training "
            "and one validation step.",
        ],
    )


def of_scaling(found: Scaling) -> Table:
    """Return seconds per training and peak memory, by number of trainings."""
    rows = []
    for n, seconds in found.seconds.items():
        each = [value / n * 1e3 for value in seconds]
        peak = found.peak.get(n)
        rows.append([
            str(n),
            _spread(seconds),
            f"{median(each):.1f}",
            f"{median(peak):.0f}" if peak else "",
        ])
    sizes = sorted(found.peak)
    grown = median(found.peak[sizes[-1]]) - median(found.peak[sizes[0]])
    return Table(
        "Homeroom with more trainings (the digits of the first table)",
        ("trainings", "warm call, s", "ms per training", "peak memory, MiB"),
        rows,
        [
            "Peak memory is that of a fresh process that makes one call; "
            f"{sizes[-1] - sizes[0]} more trainings add {grown:.0f} MiB."
        ],
    )


def of_search(found: dict[str, Searches]) -> Table:
    """Return seconds of a search, and of each of its trainings."""
    rows = []
    for name, times in found.items():
        each = [
            f"{median(seconds) / median(times.trainings) * 1e3:.0f}"
            for seconds in (times.first, times.later)
        ]
        n = f"{median(times.trainings):.0f}"
        rows.append([name, n, _spread(times.first), _spread(times.later), *each])
    whole, loop = (found[search.NAMES[peer]] for peer in (search.WHOLE, search.KERAS))
    ratio = (median(loop.later) / median(loop.trainings)) / (
        median(whole.later) / median(whole.trainings)
    )
    return Table(
        f"A search: {search.TRIALS} trials (learning rate, dropout, L2) × 5 folds × "
        "20 epochs on the digits",
        (
            "",
            "trainings",
            "first search, s",
            "second search, s",
            "ms each, first",
            "ms each, second",
        ),
        rows,
        [
            "The second search is in the same process and has other values. The import "
            "of Keras is not counted. The Keras loop is given "
            f"{search.KERAS_TRIALS} of the {search.TRIALS} trials: its fits take "
            "equally long.",
            f"A training of a second search costs the Keras loop {_times(ratio)[1:]} "
            "times what it costs Homeroom without pruning.",
        ],
    )


def of_doctor(found: dict[str, Examined]) -> Table:
    """Return seconds of an examination, and its memory beside the data."""
    rows = []
    for name, each in found.items():
        data, beside = median(each.data), median(each.beside)
        ratio = f"{beside / data:.1f}"
        rows.append([
            name,
            _spread(each.seconds),
            f"{data:.0f}",
            f"{beside:.0f}",
            ratio,
        ])
    return Table(
        f"The dataset doctor: {ROWS:,} rows of {EXAMINED_COLUMNS} columns, 5 folds, "
        "every check",
        (
            "",
            "seconds",
            "x, MiB",
            "peak memory beside it, MiB",
            "beside it, times x",
        ),
        rows,
        [
            "Beside x is all that the examination adds to the process while it runs. "
            "Of float64 that includes a copy as float32, which is what models get.",
        ],
    )


def of_zoo(found: dict[str, Contest]) -> Table:
    """Return both peers' times of every model, and mark what Homeroom loses."""
    ran = {name: each for name, each in found.items() if not each.failed}
    lost = [name for name, each in ran.items() if _loses(each)]
    n = max((len(each.seconds[OURS]) for each in ran.values()), default=0)
    return Table(
        f"Never a loss: {len(found)} models, {FITS} fits each, in a warm process",
        (
            "",
            "weights",
            "Homeroom, ms per fit",
            "Keras, ms per fit",
            "times faster",
            "Homeroom, ms per further epoch",
            "Keras, ms per further epoch",
            "times faster",
            "trained by",
        ),
        [_zoo_row(name, each) for name, each in found.items()],
        [
            f"{FITS} fits of {zoo.EPOCHS} epochs, one on each half of the rows and "
            "validated on the other, both peers in one process in turn: medians of "
            f"{n} after one that is not counted. Rows are noise of fixed "
            "shape, 256 to 8,192 of them.",
            "Homeroom: one cross_validate, which also measures the training rows after "
            "every epoch, predicts out of fold and looks at the data first. Keras: the "
            "loop as people write it, a fresh model for every fit, with the better of "
            "steps_per_execution=1 and all the steps of an epoch, and with JAX's cache "
            "on disk.",
            "Fits this short are mostly Keras's tracing. What long ones cost tells the "
            "further epoch: Keras's last one, without compiling or loading; Homeroom's "
            "from the seconds of its members, which train side by side: on a machine "
            "that others use too it suffers more than the loop, which needs one core.",
            f"Homeroom loses: {'; '.join(lost) or 'none'}.",
        ],
    )


def _loses(each: Contest) -> bool:
    loop, steady = each.best_loop(), each.best_steady_loop()
    return each.ms_per_fit(loop) < each.ms_per_fit(OURS) or each.ms_per_epoch(
        steady
    ) < each.ms_per_epoch(OURS)


def _zoo_row(name: str, each: Contest) -> list[str]:
    if each.failed:
        return [name, each.failed, *[""] * 7]
    loop, steady = each.best_loop(), each.best_steady_loop()
    mine, theirs = each.ms_per_fit(OURS), each.ms_per_fit(loop)
    my_epoch, their_epoch = each.ms_per_epoch(OURS), each.ms_per_epoch(steady)
    return [
        name,
        f"{each.n_weights:,}",
        f"{mine:.0f}",
        f"{theirs:.0f} (steps {loop})",
        _won(theirs / mine),
        f"{my_epoch:.1f}",
        f"{their_epoch:.1f} (steps {steady})",
        _won(their_epoch / my_epoch),
        each.path,
    ]


def _won(ratio: float) -> str:
    return f"×{ratio:.2f} LOSS" if ratio < 1 else _times(ratio)


def show(console: Console, table: Table) -> None:
    """Draw a table on the terminal."""
    drawn = RichTable(*table.columns, title=table.title)
    for row in table.rows:
        drawn.add_row(*map(Text, row))
    console.print(drawn)
    for note in table.notes:
        console.print(Text(note))
    console.print()


def markdown(table: Table) -> str:
    """Return a table as a section of a page."""
    lines = [
        f"## {table.title}",
        "",
        _line(table.columns),
        _line(["---", *["---:"] * (len(table.columns) - 1)]),
        *map(_line, table.rows),
        "",
    ]
    for note in table.notes:
        lines += [note, ""]
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _ends(values: Iterable[float]) -> list[float]:
    """Return the smallest and the largest, or the only one."""
    ordered = sorted(values)
    return sorted({ordered[0], ordered[-1]})


def _spread(seconds: Sequence[float]) -> str:
    return f"{median(seconds):.2f} [{min(seconds):.2f}–{max(seconds):.2f}]"


def _milliseconds(seconds: Sequence[float]) -> str:
    low, middle, high = min(seconds), median(seconds), max(seconds)
    return f"{middle * 1e3:.0f} [{low * 1e3:.0f}–{high * 1e3:.0f}]"


def _times(ratio: float) -> str:
    return f"×{ratio:.1f}" if ratio >= 0.95 else f"×{ratio:.2f}"
