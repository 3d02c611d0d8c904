"""Runs of earlier versions stay readable when a record has learned something new."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import msgspec

from homeroom import fingerprint
from homeroom.records import Need, ProgramRecord
from homeroom.store import open_store
from homeroom.testing import sample_run

PROGRAM = ProgramRecord(
    candidates=("small",), reason=Need.FIRST.value, seconds=0.8, stage="training"
)


def test_a_run_without_programs_is_read(tmp_path):
    """A run written before programs were remembered has none, and all the rest."""
    path = tmp_path / "homeroom.db"
    run = open_store(path).create_run(sample_run(programs=(PROGRAM,)))
    with closing(sqlite3.connect(path)) as connection, connection:
        [content] = connection.execute("SELECT content FROM run").fetchone()
        older = json.loads(content)
        del older["programs"]
        written = json.dumps(older).encode()
        connection.execute(
            "UPDATE run SET content = ?, fingerprint = ?",
            (written, fingerprint.of_bytes(written)),
        )
    assert open_store(path).read_run(run.id) == msgspec.structs.replace(
        run, programs=()
    )


def test_programs_come_back_unchanged(tmp_path):
    """What a run says of its programs is what was written, bit for bit."""
    path = tmp_path / "homeroom.db"
    found = msgspec.structs.replace(PROGRAM, made=False, seconds=0.0)
    run = open_store(path).create_run(sample_run())
    run = msgspec.structs.replace(run, programs=(PROGRAM, found))
    open_store(path).update_run(run)
    assert open_store(path).read_run(run.id).programs == (PROGRAM, found)
