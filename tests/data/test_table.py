"""The CSV zoo: what comes out of real-world files, and what is refused."""

from __future__ import annotations

import datetime

import numpy as np
import polars as pl
import pytest

from homeroom.data import frame_for, read_table
from homeroom.errors import DataError, InputError

KOREAN = "이름,나이,도시,합격\n" + "".join(
    f"학생{i},{20 + i % 7},{['서울', '부산'][i % 3 == 0]},{['예', '아니오'][i % 2]}\n"
    for i in range(30)
)


def write(tmp_path, text, *, name="data.csv", encoding="utf-8"):
    file = tmp_path / name
    file.write_bytes(text.encode(encoding))
    return file


def table(n=60, **columns):
    """Return CSV text with a number, a category and a two-class target."""
    columns = {
        "size": [f"{i % 13}.5" for i in range(n)],
        "color": ["red" if i % 3 else "blue" for i in range(n)],
        **columns,
        "label": ["yes" if i % 2 else "no" for i in range(n)],
    }
    rows = zip(*columns.values(), strict=True)
    return "\n".join([",".join(columns), *(",".join(map(str, r)) for r in rows)])


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp949", "euc-kr", "utf-16", "utf-16-le"]
)
def test_korean_files_read_the_same_in_every_encoding(tmp_path, encoding):
    """A Korean file gives the same rows whether it is UTF-8, CP949 or UTF-16."""
    data = read_table(write(tmp_path, KOREAN, encoding=encoding), "합격")
    reference = read_table(write(tmp_path, KOREAN, name="utf8.csv"), "합격")
    assert data.fingerprint == reference.fingerprint
    assert data.record.classes == ("아니오", "예")
    assert data.record.kinds == {"나이": "number", "도시": "category"}
    assert data.x["도시"][1] == "서울"


def test_a_guessed_encoding_is_noted(tmp_path):
    """A CP949 file says in the notes that its encoding was guessed."""
    record = read_table(write(tmp_path, KOREAN, encoding="cp949"), "합격").record
    assert any("CP949" in note and "guessed" in note for note in record.notes)
    assert not read_table(write(tmp_path, KOREAN), "합격").record.notes


def test_a_short_cp949_file_reads(tmp_path):
    """Three lines of CP949 are enough to recognize it."""
    file = write(tmp_path, "키,등급\n170,가\n180,나\n175,가\n", encoding="cp949")
    assert read_table(file, "등급").record.classes == ("가", "나")


@pytest.mark.parametrize(
    ("separator", "name"),
    [(";", "a.csv"), ("\t", "a.csv"), ("|", "a.csv"), ("\t", "a.tsv")],
)
def test_separators_are_found(tmp_path, separator, name):
    """Semicolons, tabs and bars give the rows that commas give."""
    plain = read_table(write(tmp_path, table()), "label")
    other = write(tmp_path, table().replace(",", separator), name=name)
    assert read_table(other, "label").fingerprint == plain.fingerprint


def test_decimal_commas_and_thousands(tmp_path):
    """'1,5' beside semicolons is 1.5, and a quoted '1,234' is 1234."""
    text = "a;b;y\n1,5;1.234,5;no\n2,25;7;yes\n-3;8,5;no\n"
    x = read_table(write(tmp_path, text), "y").x
    assert x["a"].to_list() == [1.5, 2.25, -3.0]
    assert x["b"].to_list() == [1234.5, 7.0, 8.5]
    text = 'a,y\n"1,234",no\n"2,000.5",yes\n7,no\n'
    x = read_table(write(tmp_path, text, name="us.csv"), "y").x
    assert x["a"].to_list() == [1234.0, 2000.5, 7.0]


@pytest.mark.parametrize("clear", ["1,5", "0.25"])
def test_cells_that_fit_both_ways_are_read_as_the_other_columns(tmp_path, clear):
    """'4.282' is 4282 beside a column of decimal commas, also as a target."""
    rows = [f"{4 + i % 5}.{i:03};{clear};{1 + i % 7}.{i:03}" for i in range(100, 160)]
    data = read_table(write(tmp_path, "\n".join(["a;b;y", *rows])), "y")
    scale = 1000 if "," in clear else 1
    told = any("'y', 'a' fit 1,234.5" in note for note in data.record.notes)
    assert told == ("," in clear)
    assert data.x["a"][0] == pytest.approx(4.100 * scale)
    assert data.y[0] == pytest.approx(3.100 * scale)


def test_versions_and_tags_decide_nothing(tmp_path):
    """Groups of three digits are no decimals: a version makes no file European."""
    rows = [f"10.100.{200 + i % 7};{1 + i % 7}.{100 + i}" for i in range(60)]
    data = read_table(write(tmp_path, "\n".join(["version;y", *rows])), "y")
    assert data.y.max() < 10
    assert not any("fit 1,234.5" in note for note in data.record.notes)


def test_whole_numbers_of_a_file_with_decimal_commas(tmp_path):
    """What training saw as whole numbers is read in a new file as its file would be."""
    rows = [f"{200 + i % 60};{i},5;{'ja' if i % 2 else 'nein'}" for i in range(60)]
    record = read_table(write(tmp_path, "\n".join(["a;b;y", *rows])), "y").record
    new = frame_for(record, write(tmp_path, "a;b\n1.234;2,5\n", name="new.csv"))
    assert new.x["a"].to_list() == [1234.0]


def test_a_zone_means_the_same_in_csv_and_parquet(tmp_path):
    """Times that know their zone count in UTC, in whatever file they are."""
    days = [f"2024-03-{i % 30 + 1:02}T03:00:00" for i in range(60)]
    frame = pl.DataFrame({"when": days, "y": ["no", "yes"] * 30})
    when = pl.col("when").str.to_datetime().dt.replace_time_zone("Asia/Seoul")
    frame.with_columns(when).write_parquet(tmp_path / "a.parquet")
    text = "\n".join(["when,y", *(f"{day}+09:00,{y}" for day, y in frame.rows())])
    read = read_table(write(tmp_path, text), "y")
    assert read.x.equals(read_table(tmp_path / "a.parquet", "y").x)
    assert read.x["when (month)"][0] == 2.0


def test_kinds_and_what_is_left_out(tmp_path):
    """Identifiers, constants, free text and empty columns are left out, and why."""
    n = 60
    text = table(
        n,
        PassengerId=[(i * 7) % 61 + 100 for i in range(n)],
        count=range(1, n + 1),
        year=range(1960, 1960 + n),
        name=[f"person number {i}" for i in range(n)],
        same=["x"] * n,
        nothing=[""] * n,
        flag=["True" if i % 4 else "false" for i in range(n)],
        when=[f"2024-0{i % 9 + 1}-{i % 28 + 1:02d}" for i in range(n)],
        zip=[f"0{i % 5}123" for i in range(n)],
    )
    record = read_table(write(tmp_path, text), "label").record
    assert record.kinds == {
        "size": "number",
        "color": "category",
        "year": "number",
        "flag": "boolean",
        "when": "date",
        "zip": "category",
    }
    reasons = {d.name: d.reason for d in record.dropped}
    assert reasons["PassengerId"].startswith("identifier")
    assert reasons["count"] == "identifier: counts the rows"
    assert reasons["name"].startswith("identifier or free text")
    assert reasons["same"] == "the same in every row ('x')"
    assert reasons["nothing"] == "every cell is missing"


def test_dates_become_numbers(tmp_path):
    """A date is year, month, day of week (Monday 1) and days since 1970."""
    days = [datetime.date(2024, 1, 1) + datetime.timedelta(7 * i) for i in range(60)]
    x = read_table(write(tmp_path, table(when=days)), "label").x
    assert x.select(pl.selectors.starts_with("when")).row(5) == (
        2024.0,
        2.0,
        1.0,
        float((days[5] - datetime.date(1970, 1, 1)).days),
    )


@pytest.mark.parametrize(
    ("cell", "form"),
    [
        ("2024/3/5", "%Y/%m/%d"),
        ("2024.03.05", "%Y.%m.%d"),
        ("2024년 3월 5일", "%Y년 %m월 %d일"),
        ("25/03/2024", "%d/%m/%Y"),
        ("03/25/2024", "%m/%d/%Y"),
        ("2024-03-05 10:30:00", "%Y-%m-%d %H:%M:%S%.f"),
        ("2024-03-05T10:30:00Z", "%Y-%m-%dT%H:%M:%S%.f%#z"),
        ("2024-03-01 08:30:00+09:00", "%Y-%m-%d %H:%M:%S%.f%#z"),
    ],
)
def test_date_forms(tmp_path, cell, form):
    """Common ways of writing a date are read, and the way is remembered."""
    other = cell.replace("2024", "2023")
    cells = [cell if i % 2 else other for i in range(60)]
    data = read_table(write(tmp_path, table(when=cells)), "label")
    assert data.record.formats["when"] == form
    month = 2.0 if "+09" in cell else 3.0  # where it was not yet March in London
    assert data.x["when (month)"].to_list() == [month] * 60


def test_ambiguous_dates_are_left_out(tmp_path):
    """Dates that could be day/month or month/day are not guessed."""
    cells = [f"0{i % 9 + 1}/0{i % 7 + 1}/2024" for i in range(60)]
    record = read_table(write(tmp_path, table(when=cells)), "label").record
    assert "day/month or month/day" in record.dropped[0].reason


def test_missing_feature_cells_stay_missing(tmp_path):
    """Empty, NA and ? cells are null in a number column; the rest are numbers."""
    text = "a,c,y\n1,x,no\nNA,,yes\n?,z,no\n4,x,yes\n"
    x = read_table(write(tmp_path, text), "y").x
    assert x["a"].to_list() == [1.0, None, None, 4.0]
    assert x["c"].to_list() == ["x", None, "z", "x"]


def test_blank_lines_quotes_and_long_cells(tmp_path):
    """Blank lines are skipped; quoted newlines and megabyte cells are cells."""
    long = "w" * 1_000_000
    text = f'a,c,y\r\n1,"x\ny",no\r\n\r\n2,x,yes\r\n3,"{long}",no\r\n4,x,yes\r\n\r\n'
    data = read_table(write(tmp_path, text), "y")
    assert data.x["c"].to_list() == ["x\ny", "x", long, "x"]


def test_a_pandas_index_column_is_left_out(tmp_path):
    """A first column without a name is an index, not a feature."""
    text = "\n".join(f"{i or ''},{line}" for i, line in enumerate(table().split("\n")))
    record = read_table(write(tmp_path, text), "label").record
    assert [d.name for d in record.dropped] == ["column 1"]


@pytest.mark.parametrize(
    ("cells", "task", "classes"),
    [
        (["cat", "dog", "cow"] * 20, "classification", ("cat", "cow", "dog")),
        ([0, 1] * 30, "classification", ("0", "1")),
        ([3, 5, 9] * 20, "classification", ("3", "5", "9")),
        (["True", "False"] * 30, "classification", ("False", "True")),
        (["+", "-"] * 30, "classification", ("+", "-")),
        (list(range(60)), "regression", ()),
        ([i / 7 for i in range(60)], "regression", ()),
        ([1e9 * i for i in range(60)], "regression", ()),
    ],
)
def test_the_task_follows_from_the_target(tmp_path, cells, task, classes):
    """Text and few whole numbers are classes; many numbers are quantities."""
    data = read_table(write(tmp_path, table(target=cells)), "target")
    assert (data.record.task, data.record.classes) == (task, classes)
    assert data.y.dtype == (np.int32 if classes else np.float32)
    assert "'target' " in data.record.task_reason


def test_a_task_can_be_said(tmp_path):
    """task='regression' keeps marks as quantities."""
    file = write(tmp_path, table(mark=[3, 5, 9] * 20))
    data = read_table(file, "mark", task="regression")
    assert data.record.task == "regression"
    assert data.y[:3].tolist() == [3.0, 5.0, 9.0]


REFUSED = {
    "empty": ("", "a", DataError, "empty"),
    "header only": ("a,b\n", "b", DataError, "no rows"),
    "target": ("age,label\n1,a\n2,b\n", "lable", InputError, "Did you mean 'label'"),
    "duplicate": ("a,b,a\n1,2,3\n", "b", DataError, "'a' more than once"),
    "no name": ("a,,b\n1,2,3\n", "b", DataError, "no name for column 2"),
    "long row": ("a,b\n1,2\n\n1,2,3\n", "b", DataError, "Line 4 .* has 3 cells"),
    "short row": ("a,b\n1,2\n1\n", "b", DataError, "Line 3 .* has 1 cell,"),
    "quote": ('a,b\n1,x\n1,"x\n2,y\n', "b", DataError, "broken quote .* line 3"),
    "missing target": ("a,b\n1,x\n1,\n2,y\n5,NA\n", "b", DataError, "lines 3, 5"),
    "one class": ("a,b\n1,x\n2,x\n", "b", DataError, "same label"),
    "no features": ("a,b\n7,x\n7,y\n", "b", DataError, "Left out: 'a': the same"),
    "only target": ("b\nx\ny\n", "b", DataError, "no other column"),
    "infinite": ("a,b\n1,x\n1e999,y\n2,x\n", "b", DataError, "infinite in line 3"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_files_are_refused_in_one_sentence(tmp_path, case):
    """A file that cannot be trained on is refused, with the line or column named."""
    text, target, error, words = REFUSED[case]
    with pytest.raises(error, match=words):
        read_table(write(tmp_path, text), target)


def test_a_mixed_column_is_refused(tmp_path):
    """A number column with one text cell names the column, the cell and its line."""
    cells = [f"{i}.25" for i in range(60)]
    cells[41] = "12a"
    with pytest.raises(DataError, match=r"'price' .* '12a' \(line 43; 1 cell"):
        read_table(write(tmp_path, table(price=cells)), "label")
    with pytest.raises(DataError, match=r"'price' .* '12a' \(line 43; 1 cell"):
        read_table(write(tmp_path, table(price=cells)), "price")
    few = table(mark=["1.5", "x", "2"] * 20)
    with pytest.raises(DataError, match=r"'mark' .* 'x' .*20 cells in all"):
        read_table(write(tmp_path, few), "mark", task="regression")


@pytest.mark.parametrize("mark", ["?", "-", "None", "na"])
@pytest.mark.parametrize("n_values", [3, 50])
def test_an_answer_that_is_a_question_mark_is_missing(tmp_path, mark, n_values):
    """Among numbers it is no class, and no other number either: the line is named."""
    cells = [f"{i % n_values}.5" for i in range(60)]
    cells[41] = mark
    file = write(tmp_path, table(price=cells))
    for task in (None, "classification", "regression"):
        with pytest.raises(DataError, match=r"missing in 1 row .*line 43, written as"):
            read_table(file, "price", task=task)


def test_none_among_words_is_a_label(tmp_path):
    """A target of text may call one of its classes None."""
    marks = ["None", "Mild", "Severe"] * 20
    data = read_table(write(tmp_path, table(mark=marks)), "mark")
    assert data.record.classes == ("Mild", "None", "Severe")


def test_a_column_named_as_what_a_date_becomes(tmp_path):
    """Two columns of one name would be made: both are named before."""
    days = [f"2024-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(60)]
    text = table(**{"when": days, "when (year)": [i % 7 for i in range(60)]})
    with pytest.raises(DataError, match=r"'when \(year\)' and a column 'when'"):
        read_table(write(tmp_path, text), "label")


def test_lines_are_counted_as_an_editor_shows_them(tmp_path):
    """Blank lines and newlines inside quotes count, so the named line is the line."""
    text = 'a,c,y\n\n1,"two\nlines",no\n2,x,\n'
    with pytest.raises(DataError, match=r"\(line 5\)"):
        read_table(write(tmp_path, text), "y")
    with pytest.raises(DataError, match=r"Line 5 .* has 4 cells"):
        read_table(write(tmp_path, text.replace("x,", "x,no,7")), "y")


def test_unreadable_paths(tmp_path):
    """Missing files, folders, unknown kinds and broken Parquet are refused."""
    with pytest.raises(InputError, match="There is no file"):
        read_table(tmp_path / "no.csv", "y")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        read_table(tmp_path / "folder.csv", "y")
    with pytest.raises(InputError, match="Save it as CSV"):
        read_table(write(tmp_path, "x", name="a.xlsx"), "y")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read_table(write(tmp_path, "not parquet", name="a.parquet"), "y")


def test_parquet_gives_what_the_csv_gives(tmp_path):
    """The same table in Parquet and CSV trains on the same numbers."""
    frame = pl.DataFrame({
        "n": [1.5, None, float("nan"), 4.0] * 10,
        "whole": [1, 2, 3, 4] * 10,
        "c": ["a", None, "b", "a"] * 10,
        "flag": [True, False, None, True] * 10,
        "when": [datetime.date(2024, 1, i % 28 + 1) for i in range(40)],
        "y": ["no", "yes"] * 20,
    })
    frame.write_parquet(tmp_path / "t.parquet")
    frame.write_csv(tmp_path / "t.csv")
    parquet = read_table(tmp_path / "t.parquet", "y")
    assert parquet.fingerprint == read_table(tmp_path / "t.csv", "y").fingerprint
    assert parquet.record.kinds["flag"] == "boolean"
    assert parquet.x["n"].null_count() == 20


def test_the_index_that_pandas_writes_is_no_feature(tmp_path):
    """A frame that was shuffled keeps its old order in Parquet, which may tell y."""
    order = [(7 * i) % 40 for i in range(40)]
    frame = pl.DataFrame({
        "n": [i % 9 + 0.5 for i in order],
        "y": ["no" if i < 20 else "yes" for i in order],
        "__index_level_0__": order,
    })
    frame.write_parquet(tmp_path / "t.parquet")
    record = read_table(tmp_path / "t.parquet", "y").record
    assert record.kinds == {"n": "number"}
    assert [d.name for d in record.dropped] == ["__index_level_0__"]


def test_parquet_of_nested_and_categorical_columns(tmp_path):
    """Categorical columns are categories; nested ones are left out."""
    frame = pl.DataFrame({
        "c": pl.Series(["a", "b"] * 5, dtype=pl.Categorical),
        "list": [[1], [2]] * 5,
        "y": [0, 1] * 5,
    })
    frame.write_parquet(tmp_path / "t.parquet")
    record = read_table(tmp_path / "t.parquet", "y").record
    assert record.kinds == {"c": "category"}
    assert "not supported" in record.dropped[0].reason


def test_a_new_file_has_the_columns_of_training(tmp_path):
    """Rows to predict keep their order, their kinds and their identifiers."""
    n = 60
    ids = [500 + (i * 7) % 61 for i in range(n)]
    when = [f"{i % 9 + 13}/01/2024" for i in range(n)]
    data = read_table(write(tmp_path, table(id=ids, when=when)), "label")
    text = "when,color,extra,size,id\n01/02/2024,green,1,?,900\n02/02/2024,,2,3,901\n"
    new = frame_for(data.record, write(tmp_path, text, name="new.csv"))
    assert new.x.columns == data.x.columns
    assert new.x.schema == data.x.schema
    assert new.x["size"].to_list() == [None, 3.0]
    assert new.x["color"].to_list() == ["green", None]
    assert new.x["when (month)"].to_list() == [2.0, 2.0]
    assert new.identifiers["id"].to_list() == ["900", "901"]


def test_one_decimal_comma_changes_no_other_cell(tmp_path):
    """A column that no way of writing fits is refused for the cell that does not."""
    cells = [f"{i / 7:.3f};{'no' if i % 2 else 'yes'}" for i in range(40)]
    text = "\n".join(["a;y", *cells, "3,7;no", ""])
    with pytest.raises(DataError, match=r"'a' .* except '3,7' \(line 42"):
        read_table(write(tmp_path, text), "y")


def test_new_numbers_are_read_as_the_old_ones_were(tmp_path):
    """What few cells could mean is not guessed anew: training has said it."""
    text = "a;b;y\n1,5;1.234,50;no\n2,75;12,5;yes\n1,234;7;no\n"
    record = read_table(write(tmp_path, text), "y").record
    new = frame_for(record, write(tmp_path, "a;b\n1,234;2.500\n", name="new.csv"))
    assert (new.x["a"].to_list(), new.x["b"].to_list()) == ([1.234], [2500.0])
    whole = read_table(write(tmp_path, "a;y\n5;no\n8;yes\n11;no\n"), "y").record
    new = frame_for(whole, write(tmp_path, "a;b\n7,5;1\n", name="half.csv"))
    assert new.x["a"].to_list() == [7.5]  # nothing was told of commas
    text = 'a,y\n"1,234",no\n"2,000.5",yes\n7,no\n'
    record = read_table(write(tmp_path, text, name="us.csv"), "y").record
    other = write(tmp_path, 'a\n"1,5"\n', name="other.csv")
    with pytest.raises(DataError, match=r"'1,5' \(line 2\); .* written as 1,234\.5"):
        frame_for(record, other)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("colour,size\nred,1\n", "lacks 1 column .*'color'.* Did you mean 'colour'"),
        ("color,size\nred,1\nred,big\n", r"'size' .* 'big' \(line 3\)"),
    ],
)
def test_a_new_file_that_does_not_fit_is_refused(tmp_path, text, words):
    """Missing columns and cells of another kind are named."""
    data = read_table(write(tmp_path, table()), "label")
    with pytest.raises(DataError, match=words):
        frame_for(data.record, write(tmp_path, text, name="new.csv"))


def test_a_column_of_groups_is_no_feature(tmp_path):
    """Its cells are the groups, as written; it is told as left out, and why."""
    file = write(tmp_path, table(patient=[f"p{i // 5}" for i in range(60)]))
    data = read_table(file, "label", groups="patient")
    assert data.groups.tolist() == [f"p{i // 5}" for i in range(60)]
    assert "patient" not in data.record.kinds
    assert [(d.name, d.reason) for d in data.record.dropped] == [
        ("patient", "it says which rows belong together")
    ]
    assert frame_for(data.record, file).identifiers.columns == ["patient"]
    plain = read_table(write(tmp_path, table(), name="b.csv"), "label")
    assert data.x.equals(plain.x)
    assert data.fingerprint != plain.fingerprint


def test_groups_that_are_missing_or_no_column_are_refused(tmp_path):
    """An empty cell is named by its line, an unknown column by the nearest."""
    cells = [f"p{i // 5}" for i in range(60)]
    cells[7] = ""
    file = write(tmp_path, table(patient=cells))
    with pytest.raises(DataError, match=r"'patient' is missing in 1 row \(line 9\)"):
        read_table(file, "label", groups="patient")
    with pytest.raises(InputError, match="Did you mean 'patient'"):
        read_table(file, "label", groups="patients")
    with pytest.raises(InputError, match="'label' is the target"):
        read_table(file, "label", groups="label")
