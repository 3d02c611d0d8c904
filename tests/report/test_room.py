"""The room's door: its list is complete, and nobody waits for what is not used."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from homeroom import report


def test_every_public_name_loads() -> None:
    """What the list promises is there, and the list is sorted."""
    assert report.__all__ == sorted(report.__all__)
    for name in report.__all__:
        assert getattr(report, name) is not None
    assert set(report.__all__) == set(report._HOME)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """A misspelt name fails as everywhere in Python."""
    with pytest.raises(AttributeError, match="no attribute 'chart'"):
        report.chart  # noqa: B018


def test_a_table_in_a_terminal_waits_for_no_chart() -> None:
    """Listing runs loads no charts, frames, templates, Keras or JAX."""
    code = (
        "import json, sys\n"
        "from homeroom.report import run_row, runs_table, leaderboard_table\n"
        "print(json.dumps(sorted({n.partition('.')[0] for n in sys.modules})))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(json.loads(result.stdout))
    heavy = {"altair", "polars", "jinja2", "keras", "jax", "sklearn", "sqlalchemy"}
    assert not loaded & heavy
