"""Check by simulation what the printed intervals cover; write docs/calibration.md."""

from __future__ import annotations

import json
import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
from populations import POPULATIONS, Population
from rates import Optimism, Rate, optimism, rates
from study import N_CANDIDATES, N_FOLDS, N_SEEDS, TRAINING, study

import homeroom

DOCS = Path(__file__).resolve().parent.parent / "docs"
N_TRUTH = 10_000
N_STUDIES = 400


def main(n_studies: int = N_STUDIES) -> None:
    sections, measured = [], {}
    for population in POPULATIONS:
        started = time.perf_counter()
        truth = population.draw(np.random.default_rng(99), N_TRUTH)
        studies = [study(population, truth, seed) for seed in range(n_studies)]
        found, flattery = rates(studies), optimism(studies)
        sections.append(section(population, found, flattery))
        measured[population.name] = {rate.what: rate.share for rate in found}
        seconds = time.perf_counter() - started
        print(sections[-1], f"\n{seconds:.0f} s\n", flush=True)
    text = "\n\n".join([intro(n_studies), *sections]) + "\n"
    (DOCS / "calibration.md").write_text(text, encoding="utf-8")
    (DOCS / "calibration.json").write_text(
        json.dumps(measured, indent=1) + "\n", encoding="utf-8"
    )


def intro(n_studies: int) -> str:
    n_fits = N_CANDIDATES * N_FOLDS * N_SEEDS + 1
    made = " ".join([
        f"Measured by `make calibrate` on {datetime.now(UTC):%Y-%m-%d}, Homeroom",
        f"{homeroom.__version__}. For each population below {n_studies} studies were",
        f"made. A study draws its rows, trains {N_CANDIDATES} candidates on {N_FOLDS}",
        f"folds with {N_SEEDS} seeds ({TRAINING.epochs} epochs of a network with 8",
        f"hidden units), and one more on all rows: {n_fits} real trainings. Every",
        f"model is also measured on {N_TRUTH:,} fresh rows, which stand for the truth.",
        "The candidates are equal (the same network, other weights to start from), so",
        "whoever is called a winner is a false one.",
    ])
    read = " ".join([
        f"The range behind a rate is what {n_studies} studies leave open (Wilson,",
        "95 %). A rate in **bold** is surely not what is promised: below 93 % or above",
        "97 % for an interval, above the nominal rate for a false winner. Above 97 %",
        "an interval is wider than it needs to be, below 93 % it is too narrow.",
    ])
    return f"# What the intervals cover\n\n{made}\n\n{read}"


def section(population: Population, found: list[Rate], flattery: Optimism) -> str:
    lines = [
        f"## {population.name}",
        "",
        "| | promised | found | range |",
        "| --- | ---: | ---: | ---: |",
    ]
    for rate in found:
        low, high = rate.interval.low, rate.interval.high
        shown = f"{100 * rate.share:.1f} %"
        if is_off(rate):
            shown = f"**{shown}**"
        span = f"{100 * low:.1f} to {100 * high:.1f}"
        lines.append(f"| {rate.what} | {rate.nominal} | {shown} | {span} |")
    lines += [
        "",
        f"The best of {flattery.n_candidates} equal candidates flattered itself by "
        f"{flattery.seen:.4f} (± {flattery.error:.4f}, one standard error) in units of "
        f"the {population.truth}; at most {flattery.foretold:.4f} was foretold.",
    ]
    return "\n".join(lines)


def is_off(rate: Rate) -> bool:
    """Return whether the rate is surely not what is promised."""
    low, high = rate.interval.low, rate.interval.high
    if rate.nominal == "95 %":
        return high < 0.93 or low > 0.97
    return low > float(rate.nominal.split()[0]) / 100


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
