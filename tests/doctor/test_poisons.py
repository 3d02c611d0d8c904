"""Each poison is planted alone, and found; leaks stop, and can be overruled by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from homeroom.data import from_arrays, read_table
from homeroom.doctor import Case, Part, examine, refuse_leaks, row_fingerprints
from homeroom.doctor.shift import two_sample
from homeroom.errors import InputError, LeakageError
from homeroom.records import Finding
from homeroom.splits import GroupKFold, KFold, TimeSeriesSplit

from .conftest import alarms, case_of

Clean = tuple[Any, Any]


def test_copied_rows_stop(clean: Clean) -> None:
    """A fifth of the rows entered twice is a leakage, with the share and the rows."""
    x, y = clean
    found = examine(case_of(np.r_[x, x[:120]], np.r_[y, y[:120]]), thorough=False)
    [leak] = found.leaks
    assert leak.check == "duplicates"
    assert leak.numbers["share"] > 0.2
    with pytest.raises(
        LeakageError, match=r"(?s)exact copy.*overrule=\['duplicates'\]"
    ):
        refuse_leaks(found)


def test_a_few_copies_warn_and_name_their_rows(clean: Clean) -> None:
    """Ten copied rows of 610 stop nothing."""
    x, y = clean
    found = examine(case_of(np.r_[x, x[:10]], np.r_[y, y[:10]]), thorough=False)
    [finding] = found.of("duplicates")
    assert finding.severity == "warning"
    assert set(finding.rows) <= {*range(10), *range(600, 610)}


def test_copies_in_two_groups_stop_sooner(clean: Clean) -> None:
    """Who declares groups says that other groups are others: 3 % of copies stop."""
    x, y = clean
    groups = np.arange(620)
    both = np.r_[x, x[1:21]], np.r_[y, y[1:21]]  # not into the same fold
    found = examine(case_of(*both, groups=groups), thorough=False)
    [leak] = found.leaks
    assert (leak.check, "in another group" in leak.evidence) == ("duplicates", True)


def test_the_same_row_with_two_answers_is_told(clean: Clean) -> None:
    """Copies with another label are listed as conflicts."""
    x, y = clean
    case = case_of(np.r_[x, x[:12]], np.r_[y, (y[:12] + 1) % 3])
    [finding] = examine(case, thorough=False).of("conflicts")
    assert finding.numbers["rows"] == 24
    assert finding.rows == (0, 1, 2, 3, 4)


@pytest.mark.parametrize("noise", [1e-4, 1e-3])
def test_rows_that_are_almost_the_same_are_found(
    clean: Clean, dice: np.random.Generator, noise: float
) -> None:
    """Sixty rows measured twice are near-duplicates, though no two are equal."""
    x, y = clean
    again = x[:60] * (1 + noise * dice.normal(size=(60, 6)))
    found = examine(case_of(np.r_[x, again], np.r_[y, y[:60]]))
    assert alarms(found) == ["near-duplicates"]
    [finding] = found.findings
    assert finding.numbers["rows"] > 80


def test_subjects_seen_ten_times_are_found(dice: np.random.Generator) -> None:
    """Undeclared subjects show as near-duplicates; grouped folds end it."""
    subject = np.repeat(np.arange(60), 10)
    x = dice.normal(size=(60, 8))[subject] + 1e-3 * dice.normal(size=(600, 8))
    y = (subject % 3).astype(int)
    mixed = examine(case_of(x, y))
    [finding] = mixed.of("near-duplicates")
    assert finding.numbers["share"] > 0.9
    together = examine(case_of(x, y, groups=subject))
    assert not together.of("near-duplicates")


def test_torn_groups_stop(clean: Clean) -> None:
    """A group on both sides of a fold stops, whoever cut the fold."""
    x, y = clean
    case = case_of(from_arrays(x, y, groups=np.arange(600) // 2), cv=GroupKFold(3))
    rows = np.arange(600)
    torn = replace(case, parts=[Part("fold 0", rows[::2], rows[1::2])])
    [leak] = examine(torn, thorough=False).leaks
    assert leak.check == "groups"
    assert leak.numbers["groups"] == 300


def test_a_column_that_looks_like_a_group_is_told(
    tmp_path: Path, dice: np.random.Generator
) -> None:
    """A patient's number that comes back in train and validation is a warning."""
    lines = ["patient_id,age,sick"]
    for patient in range(60):
        for _ in range(4):
            lines.append(
                f"{patient + 1000},{dice.normal():.4f},{'yn'[dice.integers(2)]}"
            )
    file = tmp_path / "visits.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    [finding] = examine(case_of(read_table(file, "sick")), thorough=False).of("groups")
    assert finding.columns == ("patient_id",)
    assert finding.severity == "warning"
    assert "groups=" in finding.remedy


def test_training_on_the_future_stops(clean: Clean) -> None:
    """Shuffled folds of rows with a time are a leak; folds in time order are not."""
    x, y = clean
    when = np.arange(600)
    shuffled = examine(case_of(x, y, time=when), thorough=False)
    assert [leak.check for leak in shuffled.leaks] == ["time"]
    in_order = case_of(x, y, cv=TimeSeriesSplit(4), time=when, ordered=True)
    assert not examine(in_order, thorough=False).of("time")


def test_dates_in_a_table_are_told(tmp_path: Path, dice: np.random.Generator) -> None:
    """A column of dates under shuffled folds is a warning."""
    lines = ["day,size,price"] + [
        f"2024-{1 + i // 28:02d}-{1 + i % 28:02d},{dice.normal()},{dice.normal()}"
        for i in range(200)
    ]
    file = tmp_path / "days.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    [finding] = examine(case_of(read_table(file, "price")), thorough=False).of("time")
    assert finding.columns == ("day",)


@pytest.mark.parametrize("code", [[0, 1, 2], [5, 3, 9], [-1.5, 0.0, 7.25]])
def test_a_copy_of_the_classes_stops(clean: Clean, code: list[float]) -> None:
    """y under other numbers is a leak, in whatever column it hides."""
    x, y = clean
    x[:, 3] = np.asarray(code)[y]
    [leak] = examine(case_of(x, y), thorough=False).leaks
    assert (leak.check, leak.columns) == ("target", ("column 3",))


def test_a_code_with_more_values_than_classes_stops(
    clean: Clean, dice: np.random.Generator
) -> None:
    """A column of twelve values, each of one class, gives the class away."""
    x, y = clean
    x[:, 3] = dice.integers(0, 4, 600) * 3 + y
    [leak] = examine(case_of(x, y), thorough=False).leaks
    assert leak.columns == ("column 3",)


def test_a_noisy_echo_of_the_classes_is_told(
    clean: Clean, dice: np.random.Generator
) -> None:
    """y plus a little noise separates the classes: a warning with the column."""
    x, y = clean
    x[:, 2] = y + 0.1 * dice.uniform(-1, 1, 600)
    [finding] = examine(case_of(x, y), thorough=False).of("target")
    assert (finding.severity, finding.columns) == ("warning", ("column 2",))


@pytest.mark.parametrize(
    ("echo", "severity"),
    [
        (lambda y, _: 3.7 * y - 2, "leakage"),
        (lambda y, _: np.exp(y), "leakage"),
        (lambda y, noise: y + 0.02 * noise, "warning"),
    ],
    ids=["linear", "monotone", "noisy"],
)
def test_a_copy_of_a_quantity_is_found(
    echo: Any, severity: str, dice: np.random.Generator
) -> None:
    """y on another scale stops; nearly y warns."""
    x = dice.normal(size=(300, 4))
    y = x[:, 0] + dice.normal(size=300)
    x[:, 1] = echo(y, dice.normal(size=300))
    found = examine(case_of(x, y), thorough=False).of("target")
    assert [(f.severity, f.columns) for f in found] == [(severity, ("column 1",))]


def test_text_that_names_the_class_stops(
    tmp_path: Path, dice: np.random.Generator
) -> None:
    """A column of text with one class per value is a leak."""
    lines = ["status,size,outcome"]
    for _ in range(200):
        outcome = dice.integers(2)
        status = ["closed", "open", "stuck", "new"][outcome * 2 + dice.integers(2)]
        lines.append(f"{status},{dice.normal():.4f},{['good', 'bad'][outcome]}")
    file = tmp_path / "orders.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    found = examine(case_of(read_table(file, "outcome")), thorough=False)
    assert [leak.columns for leak in found.leaks] == [("status",)]
    assert "'outcome'" in found.leaks[0].evidence


def test_a_class_that_a_part_lacks_is_told(clean: Clean) -> None:
    """Rows sorted by class and cut without shuffling miss classes on both sides."""
    x, y = clean
    order = np.argsort(y, kind="stable")
    found = examine(case_of(x[order], y[order], cv=KFold(3, shuffle=False)))
    missing = found.of("classes")
    assert any("train part" in f.evidence for f in missing)
    assert any("validation part" in f.evidence for f in missing)
    assert found.of("order")[0].severity == "warning"


def test_other_class_shares_are_told(clean: Clean) -> None:
    """A fold with twice the share of a class is named, with the gap."""
    x, y = clean
    rows = np.argsort((y != 2) + np.arange(600) / 1000, kind="stable")
    validation, train = rows[:150], rows[150:]
    case = replace(case_of(x, y), parts=[Part("fold 0", train, validation)])
    shares = [
        f for f in examine(case, thorough=False).of("classes") if "gap" in f.numbers
    ]
    assert shares[0].numbers["gap"] > 0.1


def test_categories_that_train_lacks_are_told(
    tmp_path: Path, dice: np.random.Generator
) -> None:
    """A value that only validation rows have is named with its column."""
    lines = ["town,size,price"]
    for i in range(200):
        town = "Busan" if i < 40 else ["Seoul", "Daegu"][i % 2]
        lines.append(f"{town},{dice.normal():.4f},{dice.normal():.4f}")
    file = tmp_path / "towns.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    case = case_of(read_table(file, "price"), cv=KFold(5, shuffle=False))
    [finding] = examine(case, thorough=False).of("categories")
    assert (finding.severity, finding.where) == ("warning", "fold 0")
    assert "'Busan'" in finding.evidence


def test_a_kind_of_rows_that_a_part_lacks_is_told(dice: np.random.Generator) -> None:
    """A topic (cluster) that was never in the validation part is missed."""
    x = dice.normal(size=(800, 4))
    x[:200] += 8  # a topic of its own
    y = dice.integers(0, 2, 800)
    rows = np.arange(800)
    case = replace(case_of(x, y), parts=[Part("fold 0", rows[:600], rows[600:])])
    [finding] = examine(case).of("topics")
    assert "the validation part of fold 0 has none of the" in finding.evidence


@pytest.mark.parametrize("amount", [1.2, 2.0])
def test_shifted_validation_rows_are_found_twice(clean: Clean, amount: float) -> None:
    """A shifted column is found by itself and by a classifier, which names it."""
    x, y = clean
    x[450:, 4] += amount
    rows = np.arange(600)
    case = replace(case_of(x, y), parts=[Part("fold 0", rows[:450], rows[450:])])
    found = examine(case)
    assert found.of("shift")[0].columns == ("column 4",)
    told = found.of("two-sample")[0]
    assert told.columns[0] == "column 4"
    assert told.numbers["auc"] > 0.6


def test_a_shift_in_two_columns_together_is_found(dice: np.random.Generator) -> None:
    """A changed correlation, invisible column by column, is seen by the classifier."""
    x = dice.normal(size=(1600, 3))
    x[:800, 1] = x[:800, 0] + 0.1 * dice.normal(size=800)
    x[800:, 1] = -x[800:, 0] + 0.1 * dice.normal(size=800)
    rows = np.arange(1600)
    y = dice.integers(0, 2, 1600)
    case = replace(case_of(x, y), parts=[Part("fold 0", rows[:800], rows[800:])])
    found = examine(case)
    assert not found.of("shift")
    assert found.of("two-sample")[0].numbers["accuracy"] > 0.8


def test_a_copy_of_the_answer_with_a_hole_is_still_one(
    dice: np.random.Generator,
) -> None:
    """One missing cell does not hide that a column is y on another scale."""
    y = dice.normal(size=400)
    x = np.stack([2 * y, dice.normal(size=400)], axis=1)
    x[7, 0] = np.nan
    found = examine(case_of(from_arrays(x, y, allow_missing=True)))
    assert [leak.check for leak in found.leaks] == ["target"]


def test_the_power_of_the_two_sample_test_is_told(clean: Clean) -> None:
    """Where no shift is seen, the smallest one that would be is said."""
    found = examine(case_of(*clean))
    [state] = [each for each in found.checked if each.check == "two-sample"]
    assert "right in 67% is seen with a power of 80 %" in state.text


def test_too_few_rows_are_told() -> None:
    """A validation part of four rows is a warning, and classes in it a note."""
    x, y = np.random.default_rng(0).normal(size=(20, 2)), np.tile([0, 1], 10)
    found = examine(case_of(x, y), thorough=False).of("size")
    assert [f.severity for f in found] == ["warning", "note"]


def test_sealed_rows_that_are_known_are_found_by_fingerprint(clean: Clean) -> None:
    """Copies of test rows are counted from their fingerprints, without the rows."""
    x, y = clean
    sealed = row_fingerprints(
        from_arrays(np.r_[x[:30], x[:90] + 5], np.arange(120) / 7)
    )
    found = examine(case_of(x, y, sealed=sealed), thorough=False)
    [leak] = found.leaks
    assert leak.numbers["rows"] == 30
    assert leak.where == "development and sealed test rows"
    assert set(leak.rows) <= set(range(30))


def test_a_leak_is_overruled_by_name_only(clean: Clean) -> None:
    """Overruling one leak leaves the other standing, and the record says which."""
    x, y = clean
    x[:, 3] = y
    both = np.r_[x, x[:120]], np.r_[y, y[:120]]
    found = examine(case_of(*both), thorough=False, overrule=["target"])
    assert [leak.check for leak in found.leaks] == ["duplicates"]
    assert found.of("target")[0].overruled
    everything = examine(
        case_of(*both), thorough=False, overrule=["target", "duplicates"]
    )
    refuse_leaks(everything)


def test_an_unknown_name_is_refused(clean: Clean) -> None:
    """A misspelled check, and one that stops nothing, have no effect: refused."""
    with pytest.raises(InputError, match="Did you mean 'duplicates'"):
        examine(case_of(*clean), overrule=["duplicate"])
    with pytest.raises(InputError, match="stops training"):
        examine(case_of(*clean), overrule=["size"])


def test_the_message_says_what_happened_what_follows_and_what_to_do(
    clean: Clean,
) -> None:
    """The refusal is one message in three parts."""
    x, y = clean
    x[:, 3] = y
    with pytest.raises(LeakageError) as caught:
        refuse_leaks(examine(case_of(x, y), thorough=False))
    assert str(caught.value) == (
        "'column 3' is y under other numbers: alone it gives away y. The model learns "
        "to read the answer, which new rows do not have. Leave 'column 3' out, or "
        "explain why it is known.\n  To train all the same, say so by name: "
        "overrule=['target'] (homeroom run: --overrule target)."
    )


def test_the_sheet_answers_all_eight_leakages(clean: Clean) -> None:
    """Each kind has one of four answers; what is declared changes them."""
    x, y = clean
    plain = {line.kind: line.answer for line in examine(case_of(x, y)).sheet}
    assert list(plain) == [
        "L1.1", "L1.2", "L1.3", "L1.4", "L2", "L3.1", "L3.2", "L3.3",
    ]  # fmt: skip
    assert plain["L1.4"] == plain["L2"] == plain["L3.3"] == "checked"
    assert plain["L1.2"] == plain["L3.1"] == plain["L3.2"] == "cannot be checked"
    case = case_of(
        x,
        y,
        groups=np.arange(600),
        time=np.arange(600),
        sealed=np.zeros(3, np.uint64),
        fitted_inside=True,
    )
    told: Case = case
    declared = {line.kind: line.answer for line in examine(told, thorough=False).sheet}
    assert declared["L1.1"] == declared["L1.2"] == declared["L3.2"] == "enforced"
    assert declared["L3.1"] == "checked"
    assert declared["L3.3"] == "cannot be checked"


@pytest.mark.parametrize(("n_rows", "n_codes"), [(1000, 200), (5000, 1000)])
def test_a_code_of_many_values_stops(
    n_rows: int, n_codes: int, dice: np.random.Generator
) -> None:
    """Numbers of patients, five rows each, all of one class: each tells the class."""
    code = np.repeat(np.arange(n_codes), n_rows // n_codes)
    y = dice.integers(0, 2, n_codes)[code]
    order = dice.permutation(n_rows)
    x = np.c_[dice.permutation(n_codes)[code], dice.normal(size=n_rows)][order]
    [leak] = examine(case_of(x, y[order]), thorough=False).leaks
    assert leak.check == "target"
    assert "'column 0' is a code for y" in leak.evidence


def test_a_shift_of_many_columns_is_seen_in_mixtures(dice: np.random.Generator) -> None:
    """Of 300 columns mixtures tell train from validation, and none is named."""
    x = dice.normal(size=(600, 300)).astype(np.float32)
    x[300:] += 0.6
    rows = np.arange(600)
    whole = case_of(x, dice.integers(0, 2, 600))
    case = replace(whole, parts=[Part("fold 0", rows[:300], rows[300:])])
    found = [f for f in two_sample(case) if isinstance(f, Finding)]
    assert len(found) == 1
    assert "mostly by" not in found[0].evidence
    assert found[0].columns == ()
