"""The contract, kept in a file and in memory."""

from __future__ import annotations

import pytest

from homeroom.store import Store, open_store
from homeroom.testing import StoreContract


class TestFileStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path) -> Store:
        return open_store(tmp_path / "homeroom.db")


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> Store:
        return open_store(":memory:")
