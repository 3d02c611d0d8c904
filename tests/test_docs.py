"""Every code block of every page runs: documentation is not allowed to be wrong.

The Python blocks of a page run in order, in one namespace, in an empty folder. A
console block runs there too when the line above it is `<!-- run -->`. A block below
`<!-- skip: reason -->` is skipped, and counted.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    path
    for path in [
        *(ROOT / name for name in ("README.md", "README.ko.md", "ARCHITECTURE.md")),
        *sorted((ROOT / "docs").rglob("*.md")),
    ]
    if path.exists()
]
BLOCK = re.compile(
    r"(?:^<!--\s*(?P<mark>run|skip:[^\n]*?)\s*-->\n\s*)?"
    r"^```(?P<language>python|console)\n(?P<code>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """A fenced block; `mark` is "run", "skip: reason" or empty."""

    language: str
    mark: str
    code: str
    line: int

    @property
    def skipped(self) -> bool:
        return self.mark.startswith("skip")


def blocks_of(text: str) -> list[Block]:
    """Return the Python and console blocks of a page, in order."""
    return [
        Block(
            language=found["language"],
            mark=found["mark"] or "",
            code=found["code"],
            line=text.count("\n", 0, found.start("code")) + 1,
        )
        for found in BLOCK.finditer(text)
    ]


def run_commands(block: Block, folder: Path) -> None:
    """Run the `$ homeroom …` lines of a console block; each must succeed."""
    commands = re.findall(r"^\$ (.+)$", block.code, re.MULTILINE)
    assert commands, f"the console block at line {block.line} has no command"
    for command in commands:
        program, *arguments = shlex.split(command, comments=True)
        assert program == "homeroom", f"only homeroom is run, not {command!r}"
        result = subprocess.run(
            [sys.executable, "-m", "homeroom", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, f"$ {command}\n{result.stdout}{result.stderr}"


def run_page(path: Path, folder: Path) -> int:
    """Run the blocks of a page in `folder` and return how many were skipped."""
    text = path.read_text(encoding="utf-8")
    namespace: dict[str, object] = {"__name__": "__page__"}
    skipped = 0
    for block in blocks_of(text):
        if block.skipped:
            skipped += 1
        elif block.language == "python":
            # blank lines in front make a traceback name the line of the page
            code = "\n" * (block.line - 1) + block.code
            exec(compile(code, str(path), "exec"), namespace)
        elif block.mark == "run":
            run_commands(block, folder)
    return skipped


@pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix()
)
def test_the_code_of_a_page_runs(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    """What a reader copies from a page works, block after block."""
    monkeypatch.chdir(tmp_path)
    skipped = run_page(page, tmp_path)
    if skipped:
        record_property(f"code blocks skipped in {page.name}", skipped)


PAGE = """\
```python
answer = 41
```

<!-- skip: needs a second machine -->
```python
raise RuntimeError
```

```python
answer += 1
__import__("pathlib").Path("answer.txt").write_text(str(answer))
```

<!-- run -->

```console
$ python --version
```
"""


def test_blocks_are_found_with_their_marks_and_lines() -> None:
    """The collector sees what a reader sees."""
    found = [(block.language, block.mark, block.line) for block in blocks_of(PAGE)]
    assert found == [
        ("python", "", 2),
        ("python", "skip: needs a second machine", 7),
        ("python", "", 11),
        ("console", "run", 18),
    ]


def test_a_wrong_page_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks share a namespace, skipped ones do not run, and a bad command is seen."""
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.md"
    page.write_text(PAGE, encoding="utf-8")
    with pytest.raises(AssertionError, match="only homeroom is run"):
        run_page(page, tmp_path)
    assert (tmp_path / "answer.txt").read_text(encoding="utf-8") == "42"


def test_an_error_names_the_line_of_the_page(tmp_path: Path) -> None:
    """A failing block is found without counting."""
    page = tmp_path / "page.md"
    page.write_text("Text.\n\n```python\nfirst = 1\nfirst / 0\n```\n", encoding="utf-8")
    with pytest.raises(ZeroDivisionError) as caught:
        run_page(page, tmp_path)
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
