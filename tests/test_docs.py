"""Documentation is not allowed to be wrong: what a page shows runs, or could.

The Python blocks of a page run in order, in one namespace, in an empty folder. What
console blocks ask of `homeroom` and `make` is a command with options that there are.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest
import typer

from homeroom.cli.app import app

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    path
    for path in [
        *(ROOT / name for name in ("README.md", "README.ko.md", "ARCHITECTURE.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
    ]
    if path.exists()
]
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ (homeroom|make) (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block, and the line of the page that it begins in."""

    language: str
    code: str
    line: int


def blocks_of(text: str) -> list[Block]:
    """Return the Python and console blocks of a page, in order."""
    return [
        Block(found[1], found[2], text.count("\n", 0, found.start(2)) + 1)
        for found in BLOCK.finditer(text)
    ]


def run_page(path: Path) -> None:
    """Run the Python blocks of a page in the current folder."""
    namespace: dict[str, object] = {"__name__": "__page__"}
    for block in blocks_of(path.read_text(encoding="utf-8")):
        if block.language == "python":
            # blank lines in front make a traceback name the line of the page
            code = "\n" * (block.line - 1) + block.code
            exec(compile(code, str(path), "exec"), namespace)


@pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix()
)
def test_the_code_of_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a reader copies from a page works, block after block."""
    monkeypatch.chdir(tmp_path)
    run_page(page)


def refused(program: str, arguments: list[str]) -> str:
    """Return what is wrong with a command of a page; nothing is run."""
    if program == "make":
        targets = (ROOT / "Makefile").read_text("utf-8")
        named = [each for each in arguments if "=" not in each]
        unknown = [t for t in named if not re.search(rf"^{t}:", targets, re.MULTILINE)]
        return f"make has no target {unknown[0]}" if unknown else ""
    commands = typer.main.get_command(app)
    try:
        context = commands.make_context("homeroom", [*arguments])
        name, command, rest = commands.resolve_command(context, arguments)
        command.make_context(name, rest, parent=context)
    except Exception as error:  # noqa: BLE001 - of the vendor, each of its own kind
        return repr(error)
    return ""


def test_what_a_reader_types_is_a_command() -> None:
    """Every `$ homeroom` and `$ make` of a page has a command and options there are."""
    typed = [
        (found[1], shlex.split(found[2], comments=True))
        for page in [*PAGES, ROOT / "CONTRIBUTING.md"]
        for block in blocks_of(page.read_text("utf-8"))
        for found in COMMAND.finditer(block.code)
    ]
    assert len(typed) > 10
    assert [(each, said) for each in typed if (said := refused(*each))] == []
    assert "No such command 'shw'" in refused("homeroom", ["shw", "latest"])
    assert "No such option: --targt" in refused(
        "homeroom", ["run", "a", "--targt", "b"]
    )
    assert refused("make", ["tset"])


def test_an_error_names_the_line_of_the_page(tmp_path: Path) -> None:
    """A failing block is found without counting."""
    page = tmp_path / "page.md"
    page.write_text("Text.\n\n```python\nfirst = 1\nfirst / 0\n```\n", encoding="utf-8")
    with pytest.raises(ZeroDivisionError) as caught:
        run_page(page)
    assert caught.traceback[-1].lineno == 4


def quoted(page: str) -> list[list[str]]:
    """Return the cells of every row of every table of a page."""
    return [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in (ROOT / page).read_text("utf-8").splitlines()
        if line.startswith("| ")
    ]


@pytest.mark.parametrize("page", ["README.md", "README.ko.md"])
def test_quoted_seconds_are_the_measured_ones(page):
    """Every row of seconds in a README is the medians of docs/benchmarks.json."""
    measured = json.loads((ROOT / "docs" / "benchmarks.json").read_text("utf-8"))
    peers = measured["seconds"]["digits"]
    rows = [row for row in quoted(page) if row[0] in peers]
    assert len(rows) > 4
    for name, *cells in rows:
        medians = [median(peers[name][part]) for part in ("first", "later", "warm")]
        assert cells == [f"{seconds:.2f}" for seconds in medians], name
    searches = measured["seconds"]["search"]
    rows = [row for row in quoted(page) if row[0] in searches]
    assert len(rows) == len(searches)
    for name, trainings, *cells in rows:
        assert trainings == f"{median(searches[name]['trainings']):.0f}"
        medians = [median(searches[name][part]) for part in ("first", "later")]
        assert cells == [f"{seconds:.2f}" for seconds in medians], name


QUOTED = (
    "Homeroom",
    "Keras loop",
    "torch by hand, a process per core",
    "scikit-learn MLPClassifier",
)


@pytest.mark.parametrize("page", ["README.md", "README.ko.md"])
def test_quoted_workloads_are_the_measured_ones(page):
    """Every row of workloads in a README is the medians of docs/workloads.json."""
    measured = json.loads((ROOT / "docs" / "workloads.json").read_text("utf-8"))
    workloads = measured["workloads"]
    rows = {row[0].partition(" ")[0]: row[1:] for row in quoted(page)}
    assert set(rows) & set(workloads) == set(workloads)
    for name, told in workloads.items():
        assert rows[name] == [seconds_of(told["peers"].get(peer)) for peer in QUOTED]


ON_A_GPU = {
    "Homeroom in waves": "Homeroom",
    "Keras loop on the GPU": "Keras loop, JAX, steps_per_execution=1",
    "torch by hand, CUDA graphs, one at a time": (
        "torch by hand, CUDA graphs, one at a time"
    ),
    "torch.func ensemble, CUDA graphs": "torch.func ensemble, CUDA graphs",
}


def test_quoted_workloads_on_a_gpu_are_the_measured_ones():
    """Every row of the README's table of a GPU is the medians of docs/gpu.json."""
    measured = json.loads((ROOT / "docs" / "gpu.json").read_text("utf-8"))
    rows = {row[0]: row[1:] for row in quoted("README.md") if row[0] in ON_A_GPU}
    assert set(rows) == set(ON_A_GPU)
    for name, peer in ON_A_GPU.items():
        told = [seconds_of(measured[each]["peers"][peer]) for each in sorted(measured)]
        assert rows[name] == told


def seconds_of(peer) -> str:
    """Return the seconds of all trainings, warm; ~ marks what a sample stands for."""
    if peer is None or peer["missing"]:
        return "–"
    n = median(peer["trainings"])
    total = max(peer["total"], n)
    pairs = zip(peer["warm"], peer["trainings"], strict=True)
    seconds = median(warm / made * total for warm, made in pairs)
    return f"{'~' if n < total else ''}{seconds:.{0 if seconds > 99 else 1}f}"
