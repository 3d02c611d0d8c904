"""Data smaller than a batch takes the compiled path like any other."""

from __future__ import annotations

import numpy as np
import pytest

import homeroom as hr
from homeroom.engine import models


@pytest.mark.parametrize("batch_size", [8, 512])
def test_data_smaller_than_a_batch_is_compiled(batch_size: int) -> None:
    """Forty rows are trained and measured in compiled epochs, whatever the batch."""
    x = np.linspace(-1, 1, 40, dtype=np.float32).reshape(-1, 1)

    def line() -> object:
        return models.linear(n_features=1)

    cv = hr.cross_validate(line, x, 3 * x, cv=2, epochs=2, batch_size=batch_size)
    assert [(m.path, m.path_reason) for m in cv.members] == [("scan", None)] * 2
