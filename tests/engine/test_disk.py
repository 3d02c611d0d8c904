"""Compiled programs on disk: whole or not there, bounded, and cheap to add to."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeroom.engine.disk import ProgramFolder

KIB = 1024


def names(path):
    return sorted(entry.name for entry in path.iterdir())


def aged(path, key, seconds):
    """Let a program have been used so long ago."""
    then = time.time() - seconds
    os.utime(path / f"{key}-cache", (then, then))


def test_a_program_is_read_as_it_was_put(tmp_path):
    """What was put is found, by another process too, and a new one replaces it."""
    folder = ProgramFolder(tmp_path / "new", 10 * KIB)
    assert folder.get("a") is None
    folder.put("a", b"first")
    folder.put("a", b"second")
    assert ProgramFolder(tmp_path / "new", 10 * KIB).get("a") == b"second"
    assert names(tmp_path / "new") == ["a-cache"]


def test_nobody_reads_half_a_program(tmp_path):
    """While others write the same program, readers find all of it or nothing."""
    whole = {bytes([n]) * 300_000 for n in range(4)}
    folders = [ProgramFolder(tmp_path, 10**8) for _ in range(8)]

    def write(n):
        for _ in range(20):
            folders[n].put("a", bytes([n]) * 300_000)

    def read(n):
        return {folders[n].get("a") for _ in range(100)}

    with ThreadPoolExecutor(8) as pool:
        writing = [pool.submit(write, n) for n in range(4)]
        found = set().union(*pool.map(read, range(4, 8)))
        for each in writing:
            each.result()
    assert found - {None} <= whole
    assert names(tmp_path) == ["a-cache"]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 300)), max_size=60))
def test_it_stays_within_its_bound(tmp_path_factory, written):
    """However much is put in, it holds no more than its size and an eighth."""
    path = tmp_path_factory.mktemp("programs")
    folder = ProgramFolder(path, 1000)
    for key, size in written:
        folder.put(str(key), b"x" * size)
        held = sum(file.stat().st_size for file in path.iterdir())
        assert held <= 1000 + 1000 // 8 + size


def test_what_was_used_longest_ago_makes_room(tmp_path):
    """A program that is read again stays; older ones that are not make room."""
    folder = ProgramFolder(tmp_path, 10 * KIB)
    for age, key in enumerate("cba"):
        folder.put(key, b"x" * 4 * KIB)
        aged(tmp_path, key, 100 + age)
    assert folder.get("a")
    folder.make_room()
    assert names(tmp_path) == ["a-cache", "c-cache"]


def test_what_killed_processes_left_is_removed(tmp_path):
    """A file that is no program goes after a day, and not while it is written."""
    for name, age in (("old", 2 * 86400), ("new", 60)):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    ProgramFolder(tmp_path, KIB).put("a", b"y")
    assert names(tmp_path) == ["a-cache", "new"]


def test_a_full_folder_is_seldom_looked_through(tmp_path, monkeypatch):
    """To add a program costs the same, however many there are."""
    looks = []
    scandir = os.scandir
    folder = ProgramFolder(tmp_path, 100 * KIB)
    monkeypatch.setattr(os, "scandir", lambda path: looks.append(1) or scandir(path))
    for n in range(300):
        folder.put(str(n), b"x" * KIB)
    assert len(looks) <= 1 + 300 / 12


def test_a_folder_that_is_gone_is_silent(tmp_path):
    """Without a place to write, programs are not kept, and nothing is raised."""
    folder = ProgramFolder(tmp_path / "gone", KIB)
    (tmp_path / "gone").rmdir()
    folder.put("a", b"x")
    assert folder.get("a") is None


SECOND = """
import keras, jax
from homeroom.engine import door
door.keras()
heard = []
jax.monitoring.register_event_listener(lambda name, **_: heard.append(name))
jax.jit(lambda x: x * 3).lower(1.0).compile()
print(sum(name.endswith("cache_hits") for name in heard))
"""


WITHOUT_THE_HOOK = SECOND.replace(
    "door.keras()",
    """
from jax._src import compilation_cache as caches
its_own = caches.get_file_cache
del caches.get_file_cache
door.keras()
caches.get_file_cache = its_own
""",
)


@pytest.mark.parametrize("code", [SECOND, WITHOUT_THE_HOOK])
def test_a_second_process_reads_what_the_first_compiled(tmp_path, code):
    """Through our folder or, in a JAX that has no such hook, through JAX's own."""
    environment = {**os.environ, "HOMEROOM_CACHE_DIR": str(tmp_path)}
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        ).stdout.strip()
        for _ in range(2)
    ]
    assert said == ["0", "1"]
