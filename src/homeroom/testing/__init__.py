"""Contract tests for whoever writes a store, and the small records they are fed.

Owns: `StoreContract`: subclass it, supply one fixture, and the seam is tested.
Never: anything a run needs; it imports pytest, which users do not have.
"""

import pytest

pytest.register_assert_rewrite("homeroom.testing.store")

from .samples import sample_final_test, sample_member, sample_run  # noqa: E402 - after
from .store import StoreContract  # noqa: E402 - the line that makes its asserts speak

__all__ = ["StoreContract", "sample_final_test", "sample_member", "sample_run"]
