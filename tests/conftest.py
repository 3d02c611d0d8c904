"""The order of the whole suite."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the pages first: they take longest, and no process waits for another then."""
    items.sort(key=lambda item: not item.name.startswith("test_the_code_of_a_page"))
