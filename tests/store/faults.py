"""A process of its own for faults that would take the test run with them.

Run as `python faults.py MODE PATH`; it imports once and forks, so that twenty kills
cost seconds. It writes one JSON value.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import sys
import time
from pathlib import Path

from homeroom.errors import SealError, StoreError
from homeroom.records import History
from homeroom.store import open_store
from homeroom.testing import sample_member, sample_run

KILLS = 20


def kill_loop(path: Path, *, honest: bool) -> dict[str, int]:
    """Kill a writer amid its writes; count what it acknowledged and what is lost."""
    open_store(path)
    chance = random.Random(7)
    acknowledged = lost = damaged = killed_while_writing = 0
    for _ in range(KILLS):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            write_until_killed(path, writer, honest=honest)
        os.close(writer)
        with os.fdopen(reader, "rb") as pipe:
            # by what it said, not by the clock: a disk may be as slow as it likes
            said = [pipe.readline() for _ in range(chance.randint(3, 9))]
            started = time.perf_counter()
            said.append(pipe.readline())
            time.sleep(chance.uniform(0, time.perf_counter() - started))
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            said += pipe.readlines()
        killed_while_writing += os.WIFSIGNALED(status)
        run_id, *folds = (line.decode().strip() for line in said)
        store = open_store(path, create=False)
        stored = {m.fold: m for m in store.read_run(run_id).members}
        acknowledged += len(folds)
        lost += sum(stored.get(int(f)) != a_member(int(f)) for f in folds)
        damaged += integrity(path) != "ok"
    return {
        "acknowledged": acknowledged,
        "lost": lost,
        "damaged": damaged,
        "killed_while_writing": killed_while_writing,
    }


def write_until_killed(path: Path, acknowledge: int, *, honest: bool) -> None:
    store = open_store(path, create=False)
    run = store.create_run(sample_run())
    os.write(acknowledge, f"{run.id}\n".encode())
    fold = 0
    while True:
        if not honest:
            os.write(acknowledge, f"{fold}\n".encode())
        store.save_member(run.id, a_member(fold))
        if honest:
            os.write(acknowledge, f"{fold}\n".encode())
        fold += 1


def a_member(fold: int):
    series = {"loss": tuple(fold + epoch / 7 for epoch in range(500))}
    return sample_member(fold=fold, history=History(series))


def integrity(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("PRAGMA integrity_check").fetchone()[0]
    finally:
        connection.close()


def at_once(n: int, work) -> list[str]:
    """Return what `work()` gave in each of n processes that began together."""
    start_reader, start_writer = os.pipe()
    children = []
    for _ in range(n):
        reader, writer = os.pipe()
        if os.fork() == 0:
            os.close(start_writer)
            os.read(start_reader, 1)  # until the parent closes its end
            os.write(writer, work().encode())
            os._exit(0)
        os.close(writer)
        children.append(reader)
    os.close(start_writer)
    answers = []
    for reader in children:
        with os.fdopen(reader) as pipe:
            answers.append(pipe.read())
        os.wait()
    return answers


def first_starts(path: Path) -> list[str]:
    """Return the ids of runs created by six processes that found no store."""
    return at_once(6, lambda: open_store(path).create_run(sample_run()).id)


def claims(path: Path) -> list[str]:
    """Return how four processes fared that claimed one seal at once."""
    run = open_store(path).create_run(sample_run())

    def claim() -> str:
        try:
            open_store(path).claim_seal(run.id, candidate="small")
        except SealError:
            return "refused"
        return "granted"

    return at_once(4, claim)


def full_disk(path: Path) -> dict[str, object]:
    """Save members until no file may grow, then let files grow again."""
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    store = open_store(path)
    run = store.create_run(sample_run())
    store.save_member(run.id, a_member(0))
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, hard))
    try:
        store.put_artifact(b"x" * 1_000_000, "weights")
        error = "none"
    except StoreError as refused:
        error = str(refused)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    before = len(store.read_run(run.id).members)
    store.save_member(run.id, a_member(1))
    after = len(store.read_run(run.id).members)
    return {
        "error": error,
        "before": before,
        "after": after,
        "integrity": integrity(path),
    }


MODES = {
    "kill": lambda path: kill_loop(path, honest=True),
    "kill-mutant": lambda path: kill_loop(path, honest=False),
    "first-starts": first_starts,
    "claims": claims,
    "full-disk": full_disk,
}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(MODES[sys.argv[1]](Path(sys.argv[2]))))
