"""Finding, making and refusing a store file."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from threading import Barrier, get_ident

import pytest

from homeroom.errors import InputError, StoreError
from homeroom.store import open_store, schema
from homeroom.store.database import Database
from homeroom.testing import sample_member, sample_run


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A path in the working directory, with no store and no environment variable."""
    monkeypatch.delenv("HOMEROOM_STORE", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "homeroom.db"


def alter(path, statement, *values):
    with closing(sqlite3.connect(path)) as connection, connection:
        done = connection.execute(statement, values)
        assert done.rowcount != 0, "nothing was altered"


def test_the_default_is_homeroom_db_here(path):
    """Without a word the store is `homeroom.db` in the working directory."""
    assert open_store().where == str(path)
    assert path.exists()


def test_an_argument_beats_the_environment(path, monkeypatch):
    """HOMEROOM_STORE replaces the default, and an argument replaces both."""
    monkeypatch.setenv("HOMEROOM_STORE", "other.db")
    assert open_store().where == str(path.parent / "other.db")
    assert open_store("mine.db").where == str(path.parent / "mine.db")
    assert open_store(f"sqlite:///{path}").where == str(path)


def test_a_store_does_not_move_with_the_working_directory(path, monkeypatch, tmp_path):
    """An open store stays where it was opened."""
    store = open_store("homeroom.db")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    store.create_run(sample_run())
    assert len(open_store(path).list_runs()) == 1


def test_awkward_file_names(path):
    """Spaces, %, #, ? and letters of any script are part of the name."""
    awkward = path.with_name("my run #1?mode=ro 100% 붓꽃.db")
    open_store(awkward).create_run(sample_run())
    assert [p.name for p in path.parent.iterdir()] == [awkward.name]
    assert len(open_store(awkward, create=False).list_runs()) == 1


def test_reading_never_makes_a_store(path):
    """A missing store is an error that says what to do, and no file appears."""
    with pytest.raises(StoreError, match=r"no store at .*homeroom demo.*--store"):
        open_store(create=False)
    assert not path.exists()


def test_other_databases_are_refused(path):
    """A URL of another database is bad input, not a file with a strange name."""
    with pytest.raises(InputError, match="postgresql"):
        open_store("postgresql://localhost/homeroom")
    assert not list(path.parent.iterdir())


def test_a_folder_is_not_a_store(path):
    """A folder is refused with the path that was probably meant."""
    with pytest.raises(StoreError, match=r"is a folder.*homeroom\.db"):
        open_store(path.parent)


def test_a_store_made_in_the_meantime_is_used(path, monkeypatch):
    """Two starts that both saw an empty file make one store and one format row."""
    both_have_looked = Barrier(2)
    look, seen = schema._format_of, set()

    def look_first(connection, where):
        found = look(connection, where)
        if get_ident() not in seen:
            seen.add(get_ident())
            assert found is None
            both_have_looked.wait(timeout=10)
        return found

    monkeypatch.setattr(schema, "_format_of", look_first)
    with ThreadPoolExecutor(2) as pool:
        stores = list(pool.map(open_store, [path, path]))
    assert [s.create_run(sample_run()).id[-1] for s in stores] == ["1", "2"]


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("content", [b"loss,accuracy\n0.1,0.9\n" * 100, b"SQLite"])
def test_a_file_that_is_no_database_is_left_alone(path, content, create):
    """Another kind of file is refused and keeps every byte."""
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is not a database"):
        open_store(path, create=create)
    assert path.read_bytes() == content


@pytest.mark.parametrize("create", [True, False])
def test_somebody_elses_database_is_left_alone(path, create):
    """A database with other tables is refused, naming them, and gets none of ours."""
    alter(path, "CREATE TABLE bookmarks (url)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="bookmarks"):
        open_store(path, create=create)
    assert path.read_bytes() == before


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("part", [0.9, 0.5, 0.1])
def test_a_truncated_store_is_refused(path, part, create):
    """A store cut short is refused as damaged, with a way to recover, untouched."""
    store = open_store(path)
    run = store.create_run(sample_run())
    for fold in range(100):
        store.save_member(run.id, sample_member(fold=fold))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"damaged.*\.recover"):
        open_store(path, create=create)
    assert path.read_bytes() == before


def test_a_store_of_zero_bytes_is_not_read(path):
    """An empty file has no runs to read; it may become a store."""
    path.touch()
    with pytest.raises(StoreError, match="is empty"):
        open_store(path, create=False)
    assert path.read_bytes() == b""
    assert open_store(path).list_runs() == ()


def test_a_damaged_page_is_found_before_writing(path):
    """A flipped page is found when the store is opened to be written to."""
    store = open_store(path)
    for _ in range(50):
        store.create_run(sample_run())
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 64] = b"\xff" * 64
    path.write_bytes(content)
    with pytest.raises(StoreError, match="damaged"):
        open_store(path)
    assert path.read_bytes() == content


def test_a_newer_store_is_refused(path):
    """A store of a newer format is refused, naming both formats and versions."""
    open_store(path)
    alter(path, "UPDATE homeroom_format SET version = 7, homeroom = '9.1'")
    with pytest.raises(StoreError, match=r"format 7 \(homeroom 9\.1\).*up to 1"):
        open_store(path)


def test_a_newer_run_is_refused_and_listed(path):
    """A run of a newer format does not read; the list shows it with the reason."""
    store = open_store(path)
    store.create_run(sample_run(format=3))
    with pytest.raises(StoreError, match=r"written by format 3; .* reads up to 1"):
        store.read_run()
    assert "format 3" in store.list_runs()[0].error


def test_the_journal_survives_power_loss(path):
    """Connections use the rollback journal, FULL synchronization and foreign keys."""
    open_store(path)
    with Database(path).reading() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert settings == {
        "journal_mode": "delete",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
    }


def test_a_busy_store_says_so(path, monkeypatch):
    """A lock that another process keeps ends in a sentence, not in a stack trace."""
    monkeypatch.setattr("homeroom.store.database.BUSY_SECONDS", 0.05)
    store = open_store(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="is busy"):
            store.create_run(sample_run())
    assert store.list_runs() == ()


def test_reading_needs_no_training_library(path):
    """Opening a store and reading a run imports neither Keras nor scikit-learn."""
    open_store(path).create_run(sample_run(members=(sample_member(),)))
    code = """
import sys
from homeroom.store import open_store
store = open_store(create=False)
assert len(store.read_run().members) == len(store.list_runs()) == 1
heavy = {"keras", "jax", "sklearn", "skops", "scipy", "pandas", "polars", "pytest"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=path.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
