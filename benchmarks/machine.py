"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import resource
import subprocess
import sys
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path

STATUS = Path("/proc/self/status")


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def load() -> float:
    """Return the load of the last minute."""
    return os.getloadavg()[0]


def memory() -> float:
    """Return the resident memory of this process, in MiB (Linux only)."""
    return _status("VmRSS")


def peak_memory() -> float:
    """Return the peak resident memory of this process, in MiB."""
    if STATUS.exists():  # getrusage would count the parent's memory before exec
        return _status("VmHWM")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _status(name: str) -> float:
    lines = dict(line.split(":", 1) for line in STATUS.read_text("utf-8").splitlines())
    return int(lines[name].split()[0]) / 1024


@cache
def compile_bytecode(python: Path) -> None:
    """Compile what a Python has installed, where that is not done or out of date.

    It would be compiled in every process that is timed, where the environment forbids
    to write bytecode.
    """
    told = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    where = subprocess.run(told, capture_output=True, text=True, check=True).stdout
    # some packages ship files that are not meant to be compiled
    command = [str(python), "-m", "compileall", "-qq", "-j", "0", where.strip()]
    subprocess.run(command, capture_output=True, check=False)


def describe() -> dict[str, str | int]:
    """Return date, processor, cores, memory, system and Python."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "processor": _processor(),
        "cores": cores(),
        "memory": f"{_memory():.0f} GiB",
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "homeroom": version("homeroom"),
    }


def _processor() -> str:
    """Return the model's name; servers that hide it still tell family and number."""
    file = Path("/proc/cpuinfo")
    if not file.exists():
        return platform.processor() or platform.machine()
    lines = [line.partition(":") for line in file.read_text("utf-8").splitlines()]
    facts = {name.strip(): value.strip() for name, _, value in reversed(lines)}
    name = facts.get("model name", platform.machine())
    if "model" in facts:
        name += f" (family {facts.get('cpu family')}, model {facts['model']})"
    return name


def _memory() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
