"""What out-of-fold predictions show: difficulty, doubtful labels, hopeless rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from homeroom.data import from_arrays, load
from homeroom.doctor import Case, Part, examine_losses, examine_opening, row_losses
from homeroom.doctor.afterwards import confident_off_diagonals

from .conftest import case_of

Clean = tuple[Any, Any]


def chances(labels: Any, dice: np.random.Generator, sure: float = 3.0) -> Any:
    """Return probabilities of a model that is usually right."""
    scores = dice.normal(size=(len(labels), int(labels.max()) + 1))
    scores[np.arange(len(labels)), labels] += sure
    return np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


def test_equally_hard_folds_raise_no_alarm(
    clean: Clean, dice: np.random.Generator
) -> None:
    """A model that errs at random over all rows finds no hard fold."""
    x, y = clean
    found = examine_losses(case_of(x, y), {"model": chances(y, dice)})
    assert not [f for f in found if f.check == "difficulty"]


@pytest.mark.parametrize(("sure", "word"), [(0.5, "harder"), (8.0, "easier")])
def test_a_hard_or_easy_fold_is_named(
    clean: Clean, dice: np.random.Generator, sure: float, word: str
) -> None:
    """A fold whose rows lose more, or less, than all others is named with the gap."""
    x, y = clean
    case = case_of(x, y)
    table = chances(y, dice)
    rows = case.parts[2].validation
    table[rows] = chances(y[rows], dice, sure)
    found = [f for f in examine_losses(case, {"m": table}) if f.check == "difficulty"]
    assert [f.where for f in found] == ["fold 2"]
    assert f"Fold 2 is {word}" in found[0].evidence
    numbers = found[0].numbers
    assert numbers["low"] < numbers["gap"] < numbers["high"]


def test_a_hard_fold_of_a_regression_is_named(dice: np.random.Generator) -> None:
    """Absolute errors are the losses of quantities."""
    x = dice.normal(size=(500, 3))
    y = x.sum(axis=1)
    case = case_of(x, y)
    errors = dice.normal(size=500)
    errors[case.parts[1].validation] *= 4
    predictions = (y + errors).reshape(-1, 1)
    found = examine_losses(case, {"model": predictions})
    assert [f.where for f in found] == ["fold 1"]


def test_flipped_labels_are_candidates(dice: np.random.Generator) -> None:
    """Of twelve flipped labels of wine, most candidates are flipped ones."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    wine = load("wine")
    labels = np.asarray(wine.y).copy()
    flipped = dice.choice(178, 12, replace=False)
    labels[flipped] = (labels[flipped] + 1) % 3
    model = make_pipeline(StandardScaler(), LogisticRegression())
    table = cross_val_predict(model, wine.x, labels, cv=5, method="predict_proba")
    case = case_of(wine.x, labels)
    [found] = [f for f in examine_losses(case, {"m": table}) if f.check == "labels"]
    assert found.severity == "note"
    suspects = confident_off_diagonals(labels, table)
    assert np.isin(suspects, flipped).mean() > 0.8
    assert np.isin(flipped, suspects).mean() > 0.8


def test_models_that_cannot_tell_doubt_no_label(dice: np.random.Generator) -> None:
    """Labels are not called wrong because barely trained models miss half of them."""
    x = dice.normal(size=(300, 4))
    labels = (x[:, 0] > 0) + (x[:, 1] > 0).astype(int)
    shares = dice.dirichlet([20, 20, 20], size=300)
    doubted = confident_off_diagonals(labels, shares)
    assert len(doubted) > 100  # as the confident joint alone would have it
    found = examine_losses(case_of(x, labels), {"m": shares})
    assert "labels" not in [finding.check for finding in found]


def test_candidates_are_those_of_the_reference() -> None:
    """The confident joint of this small table was worked out by cleanlab 2.9."""
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])
    table = np.array([
        [0.90, 0.05, 0.05], [0.80, 0.10, 0.10], [0.10, 0.85, 0.05], [0.70, 0.2, 0.1],
        [0.10, 0.80, 0.10], [0.05, 0.90, 0.05], [0.45, 0.35, 0.20], [0.2, 0.7, 0.1],
        [0.10, 0.10, 0.80], [0.88, 0.02, 0.10], [0.05, 0.05, 0.90], [0.3, 0.2, 0.5],
    ])  # fmt: skip
    assert confident_off_diagonals(labels, table).tolist() == REFERENCE


REFERENCE = [9, 2]


def test_rows_that_nobody_learns_are_listed(
    clean: Clean, dice: np.random.Generator
) -> None:
    """A row that every candidate misses is listed; one opinion is not enough."""
    x, y = clean
    case = case_of(x, y)
    tables = {name: chances(y, dice, 6.0) for name in ("one", "other")}
    for table in tables.values():
        table[[7, 300]] = (
            table[[7, 300]][:, ::-1] * 0 + np.eye(3)[(y[[7, 300]] + 1) % 3]
        )
    found = [f for f in examine_losses(case, tables) if f.check == "unlearned"]
    assert {7, 300} <= set(found[0].rows)
    alone = examine_losses(case, {"one": tables["one"]})
    assert not [f for f in alone if f.check == "unlearned"]


def test_what_is_no_probability_is_left_alone(clean: Clean) -> None:
    """Logits and predictions of another shape give no finding, and no error."""
    x, y = clean
    case = case_of(x, y)
    logits = np.random.default_rng(0).normal(size=(600, 3)) * 5
    assert row_losses(case, logits) is None
    assert examine_losses(case, {"logits": logits}) == ()
    assert examine_losses(case, {}) == ()


def test_rows_never_validated_are_left_out(dice: np.random.Generator) -> None:
    """NaN predictions (rows in no validation part) are no losses."""
    x = dice.normal(size=(300, 2))
    y = dice.integers(0, 2, 300)
    table = chances(y, dice, sure=8.0)
    table[:100] = np.nan
    y[[20, 110, 150, 210, 260]] ^= 1
    case = replace(
        case_of(x, y), parts=[Part("fold 0", np.arange(200), np.arange(200, 300))]
    )
    rows = [row for f in examine_losses(case, {"model": table}) for row in f.rows]
    assert {110, 150, 210, 260} & {*rows}
    assert min(rows) >= 100


def opened(x: Any, y: Any, n_development: int) -> Case:
    rows = np.arange(len(x))
    part = Part("the test", rows[:n_development], rows[n_development:])
    return Case(from_arrays(x, y), [part])


def test_an_opened_test_of_the_same_kind_raises_no_alarm(clean: Clean) -> None:
    """Test rows drawn like development rows are said nothing of."""
    assert examine_opening(opened(*clean, 480)) == ()


def test_a_shifted_test_is_told_at_the_opening(
    clean: Clean, dice: np.random.Generator
) -> None:
    """Other columns, other class shares and harder rows are told of the test rows."""
    x, y = clean
    x[480:, 2] += 2
    y[480:] = np.where(dice.random(120) < 0.5, 0, y[480:])
    losses = dice.exponential(3.0, 120), dice.exponential(1.0, 480)
    found = examine_opening(opened(x, y, 480), losses)
    assert [f.check for f in found] == ["classes", "shift", "difficulty"]
    assert "development and test rows" in found[1].evidence


def test_outputs_of_other_widths_are_read_together(
    clean: Clean, dice: np.random.Generator
) -> None:
    """Ten outputs for three classes, beside three: unused ones are never right."""
    x, y = clean
    three = chances(y, dice, sure=2.0)
    ten = np.concatenate([0.4 * three, np.full((600, 7), 0.6 / 7)], axis=1)
    flagged = [
        [f.rows for f in examine_losses(case_of(x, y), told) if f.check == "labels"]
        for told in ({"narrow": three}, {"wide": ten}, {"narrow": three, "wide": ten})
    ]
    assert flagged[0]
    assert flagged[0] == flagged[1] == flagged[2]
