"""Files are written whole or not at all, and never over somebody else's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from homeroom.errors import InputError
from homeroom.report import check_place, check_report_place, write_whole


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """What is there afterwards is the new content, and nothing else is left."""
    target = tmp_path / "report.html"
    target.write_bytes(b"old")
    write_whole(target, b"new")
    assert target.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["report.html"]


def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk does not cost the report that was there."""
    target = tmp_path / "report.html"
    target.write_bytes(b"old")

    def full(self: Path, content: bytes) -> int:
        with self.open("wb") as file:
            file.write(content[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="No space left on device"):
        write_whole(target, b"new")
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["report.html"]


def test_a_missing_folder_is_said_before_any_work(tmp_path: Path) -> None:
    """The message names the folder that is missing."""
    with pytest.raises(InputError, match=r"there is no folder .*nowhere"):
        check_place(tmp_path / "nowhere" / "report.html")


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    """A path that is a folder is refused."""
    with pytest.raises(InputError, match="is a folder"):
        check_place(tmp_path)


def test_only_reports_are_replaced_by_reports(tmp_path: Path) -> None:
    """An earlier report may be replaced, a thesis may not."""
    target = tmp_path / "report.html"
    check_report_place(target)
    mark = '<meta name="generator" content="homeroom">'
    target.write_text(f"<!doctype html>{mark}<title>digits</title>")
    check_report_place(target)
    for other in ("<!doctype html><title>My homeroom</title>", f"# {mark}"):
        target.write_text(other)
        with pytest.raises(InputError, match="not a report of Homeroom"):
            check_report_place(target)


def test_a_store_is_no_report(tmp_path: Path) -> None:
    """A slip of --report for --store costs no run and no seal."""
    from homeroom.store import open_store

    target = tmp_path / "homeroom.db"
    open_store(target)
    before = target.read_bytes()
    with pytest.raises(InputError, match="not a report of Homeroom"):
        check_report_place(target)
    assert target.read_bytes() == before
