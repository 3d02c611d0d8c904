"""One damaged row: never believed, and never in the way of the others."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing

import pytest

from homeroom.errors import StoreError
from homeroom.store import UNREADABLE, open_store
from homeroom.testing import sample_final_test, sample_member, sample_run


@pytest.fixture
def path(tmp_path):
    return tmp_path / "homeroom.db"


@pytest.fixture
def store(path):
    return open_store(path)


def alter(path, statement, *values):
    with closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute(statement, values).rowcount > 0, "nothing was altered"


DAMAGES = {
    "one digit": "replace(content, '0.5', '0.6')",
    "cut short": "substr(content, 1, 100)",
    "not bytes": "'{}'",
    "not text": "x'ff00ff'",
    "empty": "x''",
}


@pytest.fixture(params=list(DAMAGES))
def damage(request):
    return f"content = CAST({DAMAGES[request.param]} AS BLOB)"


def test_a_damaged_member_is_not_believed(store, path, damage):
    """A member whose content changed is refused, named by candidate and fold."""
    run = store.create_run(sample_run(members=(sample_member(fold=1, seconds=0.5),)))
    alter(path, f"UPDATE member SET {damage}")
    with pytest.raises(StoreError, match=r"'small', fold 1, seed 0 is damaged"):
        store.read_run(run.id)


@pytest.mark.parametrize(
    "damage",
    [
        "content = x'00'",
        "content = '{}'",
        "content = CAST('{}' AS BLOB)",
        "content = x''",
        "fingerprint = ''",
        "fingerprint = CAST(x'ff' AS TEXT)",
        "slug = CAST(x'fffe' AS TEXT), content = x'00'",
    ],
)
def test_a_damaged_run_does_not_hide_the_others(store, path, damage):
    """The list shows a damaged run as a line with its error, beside whole ones."""
    runs = [store.create_run(sample_run()) for _ in range(3)]
    alter(path, f"UPDATE run SET {damage} WHERE number = 2")
    lines = store.list_runs()
    assert [line.id for line in lines] == [run.id for run in reversed(runs)]
    assert [line.state == UNREADABLE for line in lines] == [False, True, False]
    assert "damaged" in lines[1].error
    assert store.read_run(runs[0].id) == runs[0]
    with pytest.raises(StoreError, match="damaged"):
        store.read_run(runs[1].id)


def test_a_damaged_result_keeps_the_seal_closed(store, path):
    """A final test that cannot be read is not shown, and not an invitation either."""
    run = store.create_run(sample_run())
    store.claim_seal(run.id, candidate="small")
    store.record_final_test(run.id, sample_final_test())
    alter(path, "UPDATE seal SET content = x'00'")
    assert store.list_runs()[0].state == UNREADABLE
    for attempt in (
        lambda: store.read_run(run.id),
        lambda: store.claim_seal(run.id, candidate="small"),
        lambda: store.record_final_test(run.id, sample_final_test(score=1.0)),
    ):
        with pytest.raises(StoreError, match=r"final test of run .* is damaged"):
            attempt()


@pytest.mark.parametrize("content", ["x'00'", "substr(content, 1, 3)", "'weights'"])
def test_a_damaged_artifact_is_not_used(store, path, content):
    """An artifact whose bytes changed is refused; storing it again heals it."""
    address = store.put_artifact(b"weights", "model")
    alter(path, f"UPDATE artifact SET content = {content}")
    with pytest.raises(StoreError, match=r"The model .* is damaged"):
        store.get_artifact(address)
    assert store.put_artifact(b"weights", "model") == address
    assert store.get_artifact(address) == b"weights"


def test_an_exchanged_artifact_is_not_used(store, path):
    """Another artifact's bytes at this address are refused."""
    address = store.put_artifact(b"mine", "model")
    store.put_artifact(b"theirs", "model")
    other = hashlib.sha256(b"theirs").hexdigest()
    alter(path, "DELETE FROM artifact WHERE sha256 = ?", address)
    alter(path, "UPDATE artifact SET sha256 = ? WHERE sha256 = ?", address, other)
    with pytest.raises(StoreError, match="damaged"):
        store.get_artifact(address)
