"""`homeroom run`: other people's tables, as they are."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from homeroom.cli.inferred import say_what_was_inferred
from homeroom.cli.training import Plan
from homeroom.data import read_table
from homeroom.errors import DataError
from homeroom.protocol import Run
from homeroom.store import open_store

Invoke = Callable[..., Any]


def stored(folder: Path) -> Any:
    return open_store(folder / "homeroom.db", create=False).read_run()


def flat(text: str) -> str:
    return " ".join(text.split())


def test_a_table_is_read_compared_and_judged(
    trained: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    """Default candidates, text labels, missing cells and an id: one command."""
    folder, said = trained
    run = stored(folder)
    names = [candidate.name for candidate in run.candidates]
    assert names == ["linear", "small MLP", "wide MLP", "gradient boosting"]
    assert run.name == "wine"
    assert run.dataset.classes == ("Barbera", "Barolo", "Grignolino")
    assert run.final_test is not None
    assert run.selection.candidate in said.stdout
    assert "report.html" in said.stdout
    talk = flat(said.stderr)
    for told in (
        "178 rows",
        "classification, because 'cultivar' has 3 text labels",
        "13 numbers: alcohol",
        "left out sample: identifier",
        "linear, small MLP, wide MLP, gradient boosting",
        "12 trainings of at most 8 epochs",
        "batches of 32",
    ):
        assert told in talk


def test_cp949_and_semicolons_are_said(
    tables: Path, tmp_path: Path, invoke: Invoke, few: tuple[str, ...]
) -> None:
    """A Korean spreadsheet is read, and what was guessed is told."""
    model = ("--model", "sklearn.tree:DecisionTreeClassifier")
    result = invoke("run", tables / "wine-cp949.csv", "--target", "품종", *few, *model)
    assert result.exit_code == 0, result.stderr
    assert "Read as CP949" in flat(result.stderr)
    assert "separated by semicolons" in flat(result.stderr)
    assert stored(tmp_path).dataset.classes == ("그리뇰리노", "바롤로")


def test_a_number_to_predict_is_a_regression(
    tables: Path, tmp_path: Path, invoke: Invoke, few: tuple[str, ...]
) -> None:
    """Diabetes is a regression by default, judged by an error, in its own units."""
    result = invoke(
        *("run", tables / "diabetes.csv", "-t", "progression", *few),
        *("--model", "trees=sklearn.tree:DecisionTreeRegressor"),
        *("--model", "homeroom.engine.models:mlp", "--batch-size", 64),
        *("--test-size", 42),  # 400 rows are left: two equal folds
    )
    assert result.exit_code == 0, result.stderr
    run = stored(tmp_path)
    assert run.metric.name == "root_mean_squared_error"
    assert [c.name for c in run.candidates] == ["trees", "mlp"]
    assert run.settings.batch_size == 64
    assert run.final_test.score > 20


def test_a_model_of_ones_own_stands_beside_the_yardstick(
    separable: Path, tmp_path: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A function from the working directory is compared with the linear model."""
    (tmp_path / "own_models.py").write_text(
        "import keras\n"
        "def tiny(n_features, n_classes):\n"
        "    model = keras.Sequential([keras.Input((n_features,)),\n"
        "                              keras.layers.Dense(n_classes, 'softmax')])\n"
        "    model.compile('adam', 'sparse_categorical_crossentropy',\n"
        "                  metrics=['accuracy'])\n"
        "    return model\n"
    )
    monkeypatch.syspath_prepend("")
    result = invoke(
        *("run", separable, "-t", "answer", "--model", "own_models:tiny"),
        *("--cv", 2, "--seeds", 1, "--epochs", 2),
    )
    assert result.exit_code == 0, result.stderr
    assert [c.name for c in stored(tmp_path).candidates] == ["linear", "tiny"]


def test_the_test_rows_can_stay_sealed(
    separable: Path, tmp_path: Path, invoke: Invoke, few: tuple[str, ...]
) -> None:
    """`--keep-sealed` chooses a model, by the rule that is said, and opens nothing."""
    model = ("--model", "sklearn.tree:DecisionTreeClassifier", "--rule", "best_mean")
    result = invoke("run", separable, "-t", "answer", *few, *model, "--keep-sealed")
    assert result.exit_code == 0, result.stderr
    run = stored(tmp_path)
    assert run.state == "COMPLETE"
    assert run.selection.rule == "best_mean"
    assert run.final_test is None
    assert "ealed" in result.stdout


def test_an_unknown_target_names_the_columns(tables: Path, invoke: Invoke) -> None:
    """A misspelt target is bad input; the columns and the nearest one are listed."""
    result = invoke("run", tables / "breast-cancer.csv", "--target", "diagnosys")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("InputError: breast-cancer.csv has no column")
    assert "mean_radius" in result.stderr
    assert "Did you mean 'diagnosis'?" in result.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--report", "nowhere/report.html"), "no folder 'nowhere'"),
        (("--task", "clasification"), "classification"),
        (("--model", "no_such_module:mlp"), "no module 'no_such_module'"),
        (
            ("--metric", "acuracy", "--model", "sklearn.tree:DecisionTreeClassifier"),
            "Did you mean 'accuracy'?",
        ),
        (("--cv", "1"), "1"),
        (("--epochs", "0"), "epochs=0"),
        (("--rule", "best_means"), "Did you mean 'best_mean'?"),
        (("--seeds", "0"), "seeds=0"),
        (("--batch-size", "0"), "batch_size=0"),
        (("--test-size", "1.5"), "test_size"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_input_leaves_nothing_behind(
    options: tuple[str, ...],
    said: str,
    separable: Path,
    tmp_path: Path,
    invoke: Invoke,
) -> None:
    """What cannot be done is said before training, with code 2, and no file is made."""
    result = invoke("run", separable, "--target", "answer", *options)
    assert result.exit_code == 2, result.stderr
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["separable.csv"]


def test_ctrl_c_before_training_makes_no_run(
    separable: Path,
    tmp_path: Path,
    invoke: Invoke,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C while models are made ready ends with 130 and stores nothing."""

    def pressed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("homeroom.protocol.trials.prepare", pressed)
    result = invoke("run", separable, "--target", "answer")
    assert result.exit_code == 130
    assert "no run was made" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["separable.csv"]


def test_a_missing_file_is_said(invoke: Invoke) -> None:
    """A file that is not there is bad input."""
    result = invoke("run", "nothing.csv", "--target", "y")
    assert result.exit_code == 2
    assert "There is no file 'nothing.csv'" in result.stderr


def test_somebody_elses_file_is_not_replaced(
    separable: Path, tmp_path: Path, invoke: Invoke
) -> None:
    """A report never overwrites a page that is not a report."""
    page = tmp_path / "report.html"
    page.write_text("<h1>My thesis</h1>")
    result = invoke("run", separable, "--target", "answer")
    assert result.exit_code == 2
    assert page.read_text() == "<h1>My thesis</h1>"


def test_groups_are_never_separated(
    tmp_path: Path, invoke: Invoke, few: tuple[str, ...]
) -> None:
    """`--groups` seals and folds whole groups; new rows do not need the column."""
    generator = np.random.Generator(np.random.PCG64(3))
    x = generator.normal(size=(80, 2)).round(3).tolist()
    rows = [
        [*row, f"patient {i // 8}", "yes" if row[0] > 0 else "no"]
        for i, row in enumerate(x)
    ]
    file = tmp_path / "grouped.csv"
    header = "a,b,patient,answer\n"
    file.write_text(header + "\n".join(",".join(map(str, r)) for r in rows))
    model = ("--model", "sklearn.tree:DecisionTreeClassifier", "--no-yardstick")
    result = invoke("run", file, "-t", "answer", *few, *model, "--groups", "patient")
    assert result.exit_code == 0, result.stderr
    run = stored(tmp_path)
    assert run.plan.strategy.startswith("GroupKFold")
    assert run.partition.n_test % 8 == 0
    assert {f.n_validation % 8 for f in run.plan.folds} == {0}
    new = tmp_path / "new.csv"
    new.write_text("a,b\n0.5,1\n-0.5,1\n")
    result = invoke("predict", "latest", new, "--out", tmp_path / "out.csv")
    assert result.exit_code == 0, result.stderr


def test_time_seals_the_last_rows_and_orders_the_folds(
    tmp_path: Path, invoke: Invoke, few: tuple[str, ...]
) -> None:
    """`--time` takes a column of dates; a wrong name is told with those there are."""
    generator = np.random.Generator(np.random.PCG64(4))
    days = generator.permutation(60)
    dates = np.datetime64("2024-01-01") + days
    lines = [
        f"{day},{value:.3f},{'yes' if value > 0 else 'no'}"
        for day, value in zip(dates, generator.normal(size=60), strict=True)
    ]
    file = tmp_path / "dated.csv"
    file.write_text("day,a,answer\n" + "\n".join(lines))
    model = ("--model", "sklearn.tree:DecisionTreeClassifier", "--no-yardstick")
    result = invoke("run", file, "-t", "answer", *few, *model, "--time", "day")
    assert result.exit_code == 0, result.stderr
    run = stored(tmp_path)
    assert run.plan.strategy.startswith("TimeSeriesSplit")
    assert "in order" in run.partition.reason
    result = invoke("run", file, "-t", "answer", *few, *model, "--time", "dya")
    assert result.exit_code == 2
    assert "day" in result.stderr


def test_an_ensemble_predicts_what_it_scored(
    tmp_path: Path, invoke: Invoke, separable: Path, few: tuple[str, ...]
) -> None:
    """`--final-model ensemble` stores the mean of the fold models; predict uses it."""
    result = invoke(
        "run", separable, "-t", "answer", *few, "--final-model", "ensemble"
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    run = stored(tmp_path)
    assert run.refit.final_model == "ensemble"
    assert run.refit.n_models == len(run.members_of(run.refit.candidate))
    result = invoke("predict", "latest", separable, "--out", tmp_path / "out.csv")
    assert result.exit_code == 0, result.stderr
    result = invoke("run", separable, "-t", "answer", *few, "--final-model", "mean")
    assert result.exit_code == 2
    assert "best_member" in result.stderr


def test_a_dry_run_says_the_cost_and_keeps_nothing(
    tables: Path, tmp_path: Path, invoke: Invoke, few: tuple[str, ...]
) -> None:
    """--dry-run prints trainings, seconds and programs, and writes no file."""
    options = ("--target", "cultivar", *few, "--dry-run")
    result = invoke("run", tables / "wine.csv", *options)
    assert result.exit_code == 0, result.stderr
    said = flat(result.stdout)
    assert re.search(r"\d+ trainings, \d+ at once: .* (ms|s|min)\b", said)
    assert re.search(r"small MLP \d+ \d+ [\d.]+ [\d.]+", said)
    assert "Program for small MLP: the first of its structure" in said
    assert "Not foreseen: gradient boosting." in said
    assert not list(Path.cwd().iterdir())


def test_units_in_names_of_columns_are_no_markup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A column called "rate [/s]" is listed as it is called."""
    names = ["rate [/s]", "flow [l/min]", "y"]
    rows = [f"{i % 7}.5,{i % 5}.25,{'a' if i % 7 < 3 else 'b'}" for i in range(40)]
    file = tmp_path / "units.csv"
    file.write_text("\n".join([",".join(names), *rows]), encoding="utf-8")
    plan = Plan(cv=3, seeds=1, epochs=1, batch_size=32, report=tmp_path / "r.html")
    say_what_was_inferred(
        "units.csv",
        read_table(file, "y").record,
        ["mine [x]"],
        plan,
        batch_size_was_given=True,
    )
    said = flat(capsys.readouterr().err)
    assert "2 numbers: rate [/s], flow [l/min]" in said
    assert "mine [x]" in said


def test_a_final_test_that_fails_hides_nothing(
    separable: Path,
    few: tuple[str, ...],
    tmp_path: Path,
    invoke: Invoke,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The report and the candidates are there all the same, and the error is told."""

    def broken(run: Any) -> None:
        raise DataError("The test rows cannot be scored.")

    monkeypatch.setattr(Run, "final_test", broken)
    page = tmp_path / "page.html"
    said = invoke("run", separable, "-t", "answer", *few, "--report", page)
    assert said.exit_code == 2
    assert "cannot be scored" in said.stderr
    assert page.exists()
    assert "linear" in said.stdout
