"""Kills, races and refusals of the disk: nothing acknowledged is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from homeroom.errors import StoreError
from homeroom.store import open_store
from homeroom.testing import sample_member, sample_run

FAULTS = Path(__file__).with_name("faults.py")


def run_apart(mode: str, path: Path):
    done = subprocess.run(
        [sys.executable, FAULTS, mode, path], capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def test_nothing_acknowledged_is_lost_to_a_kill(tmp_path):
    """After each of 20 SIGKILLs all acknowledged members are there, the file whole."""
    seen = run_apart("kill", tmp_path / "homeroom.db")
    assert seen["killed_while_writing"] == 20, "the fault did not fire"
    assert seen["acknowledged"] > 40
    assert (seen["lost"], seen["damaged"]) == (0, 0)


def test_the_kill_loop_can_fail(tmp_path):
    """A writer that acknowledges before it saves is caught by the same loop."""
    assert run_apart("kill-mutant", tmp_path / "homeroom.db")["lost"] > 0


def test_first_starts_at_once_make_one_store(tmp_path):
    """Six processes that find no store make one together, and count in it."""
    ids = run_apart("first-starts", tmp_path / "homeroom.db")
    assert sorted(ids) == [f"digits-{n:04d}" for n in range(1, 7)]


def test_processes_claim_a_seal_once(tmp_path):
    """Of four processes that claim one seal at once, one is granted it."""
    answers = run_apart("claims", tmp_path / "homeroom.db")
    assert sorted(answers) == ["granted", "refused", "refused", "refused"]


def test_a_full_disk_loses_only_the_last_record(tmp_path):
    """When nothing more fits it says so; what was there stays, and room is used."""
    seen = run_apart("full-disk", tmp_path / "homeroom.db")
    assert "disk" in seen["error"]
    assert (seen["before"], seen["after"], seen["integrity"]) == (1, 2, "ok")


@contextmanager
def without_root():
    """Act as a user whom file permissions bind, even when the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    open_store(":memory:")  # that user may not be allowed to read what is imported
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def shared_folder():
    """A folder that everybody may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_folder_without_write_permission(shared_folder):
    """A store that cannot be made is an error that names the path."""
    shared_folder.chmod(0o555)
    path = shared_folder / "homeroom.db"
    try:
        with without_root(), pytest.raises(StoreError, match="Permission denied"):
            open_store(path)
    finally:
        shared_folder.chmod(0o755)
    assert not path.exists()


def test_a_write_protected_store_is_read_and_not_written(shared_folder):
    """Losing the permission to write is never reported as saved; reading goes on."""
    path = shared_folder / "homeroom.db"
    store = open_store(path)
    run = store.create_run(sample_run())
    path.chmod(0o444)
    shared_folder.chmod(0o555)
    try:
        with without_root():
            assert open_store(path, create=False).read_run() == run
            with pytest.raises(StoreError, match="cannot be opened for writing"):
                store.save_member(run.id, sample_member())
    finally:
        shared_folder.chmod(0o755)
    assert store.read_run(run.id).members == ()


def test_a_store_that_vanished_is_not_begun_again(tmp_path):
    """Deleting the file during a run is an error, not a fresh and empty store."""
    path = tmp_path / "homeroom.db"
    store = open_store(path)
    path.unlink()
    with pytest.raises(StoreError, match="Check that the file is still there"):
        store.create_run(sample_run())
    assert not path.exists()


@pytest.mark.parametrize("name", ["missing/homeroom.db", "file/homeroom.db", "a\0b"])
def test_a_path_where_no_file_can_be(tmp_path, name):
    """A path under a missing folder or a file is refused, and nothing is made."""
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="There can be no store at"):
        open_store(tmp_path / name)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
