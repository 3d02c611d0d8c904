"""Mistakes that people make, made on purpose: the tests that forbid them must fail.

Each mutant changes the library before the named tests are collected, in a process of
its own. A test that passes all the same proves nothing, and is named here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent


class Mutant(NamedTuple):
    """A mistake as code, and the tests that must not survive it."""

    code: str
    killers: tuple[str, ...]


MUTANTS = {
    "scaler fitted on all rows": Mutant(
        """
from homeroom import data
fit = data.fit_preprocessing
data.fit_preprocessing = lambda how, dataset, rows, *seed: fit(
    how, dataset, range(dataset.n_rows)
)
""",
        (
            "tests/protocol/test_discipline.py::"
            "test_preprocessing_is_fitted_on_the_training_rows_only",
            "tests/protocol/test_discipline.py::"
            "test_an_outlier_to_validate_on_moves_no_scaler",
        ),
    ),
    "no reset between folds": Mutant(
        """
from dataclasses import replace
from homeroom.engine import lane
train, ended = lane.run, {}
def run(member, state, program, arrays, training, course):
    state = ended.get(member.group, state)
    training = replace(training, keep_weights=True)
    outcome = yield from train(member, state, program, arrays, training, course)
    kept = outcome.weights
    ended[member.group] = (kept.trainable, kept.non_trainable, kept.optimizer)
    return outcome
lane.run = run
""",
        (
            "tests/protocol/test_discipline.py::"
            "test_every_fold_starts_from_fresh_weights",
            "tests/protocol/test_equal_to_keras.py::"
            "test_a_member_is_plain_keras_bit_for_bit",
        ),
    ),
    "uncorrected t": Mutant(
        """
from homeroom.judgement import comparison, resampled, summary
corrected = resampled.corrected_error
for room in (comparison, resampled, summary):
    room.corrected_error = lambda scores, ratio: corrected(scores, 0.0)
""",
        (
            "tests/judgement/test_comparison.py::"
            "test_the_corrected_t_is_the_published_one",
            "tests/judgement/test_summary.py::"
            "test_the_interval_is_corrected_for_shared_training_rows",
        ),
    ),
    "SD for SE": Mutant(
        """
from homeroom.judgement import comparison, resampled, summary
import numpy as np
for room in (comparison, resampled, summary):
    room.corrected_error = lambda scores, ratio: float(np.std(list(scores), ddof=1))
""",
        (
            "tests/judgement/test_comparison.py::"
            "test_the_corrected_t_is_the_published_one",
            "tests/judgement/test_summary.py::"
            "test_the_interval_is_corrected_for_shared_training_rows",
        ),
    ),
    "best epoch's score reported as the test": Mutant(
        """
import sys
from homeroom.protocol import final_test
record = final_test.FinalTest
def flattered(*, score, **fields):
    run = sys._getframe(1).f_locals["run"]
    key = run.metric.validation_key
    score = max(max(m.history.series[key]) for m in run.members)
    return record(score=score, **fields)
final_test.FinalTest = flattered
""",
        (
            "tests/protocol/test_seal.py::"
            "test_the_final_test_is_in_the_store_and_measures_the_winner",
        ),
    ),
    "the test rows take part in training": Mutant(
        """
import numpy as np
from homeroom import splits
cut = splits.partition
def leaky(dataset, **how):
    found = cut(dataset, **how)
    everyone = np.arange(dataset.n_rows, dtype=np.int32)
    return splits.Partition(everyone, found.test, found.record)
splits.partition = leaky
from homeroom.protocol import examining
examining.doctor.refuse_leaks = lambda found: None  # it would stop them all
""",
        (
            "tests/protocol/test_poison.py::"
            "test_nothing_before_the_final_test_depends_on_the_test_rows",
            "tests/protocol/test_discipline.py::"
            "test_the_test_score_has_no_part_in_the_choice",
        ),
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mistake_is_caught(name: str, tmp_path: Path) -> None:
    """With the mistake in place every one of its tests fails."""
    mutant = MUTANTS[name]
    (tmp_path / "mutant.py").write_text(mutant.code, encoding="utf-8")
    places = os.pathsep.join(filter(None, [str(tmp_path), os.getenv("PYTHONPATH")]))
    said = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "--no-header", "-rfE"),
            *("-p", "mutant", "-p", "no:cacheprovider"),
            *mutant.killers,
        ],
        cwd=ROOT,
        # CI: reasons are not cut off
        env={**os.environ, "PYTHONPATH": places, "KERAS_BACKEND": "jax", "CI": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    failed = re.findall(r"^FAILED ([^\[\s]+)\S* - (.*)$", said.stdout, re.MULTILINE)
    told = said.stdout[-3000:] + said.stderr[-1000:]
    assert {name for name, _ in failed} == set(mutant.killers), told
    # by what they claim, and not because the mistake breaks something else
    broken = (
        r"(homeroom\.errors\.Leakage|Type|Attribute|Key|Name|Import|ModuleNot\w+)Error"
    )
    assert not any(re.match(broken, why) for _, why in failed), told
