import csv
import gzip
import io
import json
import os
import stat
import subprocess
import sys
import tempfile
import threading
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stance.errors import InputError, OutputError
from stance.tables import (
    HEAD_BYTES,
    MAX_ROW_CHARS,
    PARQUET_GROUP_ROWS,
    UNCLOSED,
    WRITTEN_ENDINGS,
    Row,
    atomic_file,
    check_output,
    csv_cell,
    join_rows,
    json_line,
    read_rows,
    row_ending,
    sniff_ending,
    write_rows,
)

SCORED = {
    "text": "Good idea.",
    "stance": [{"target": "trams", "label": "favor", "favor": 0.9}],
    "toxicity": {"toxicity": 0.01, "insult": 0.02},
    "toxic": False,
    "toxic_spans": [[0, 4]],
}


def write(path: Path, *rows: dict) -> Path:
    with write_rows(path, example=SCORED, record_keys={"stance": "target"}) as add:
        for row in rows:
            add(row)
    return path


def parquet(path: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


# Reading


def test_json_lines_with_bad_rows(tmp_path: Path) -> None:
    path = tmp_path / "comments.jsonl"
    path.write_bytes(
        b'\xef\xbb\xbf{"text": "one"}\r\n\n{"text": \n[1]\n"two"\n7\nnull\n{"text": "caf\xe9"}'
    )
    assert list(read_rows(path)) == [
        Row(1, {"text": "one"}),
        Row(3, {}, "not JSON: Expecting value at character 9"),
        Row(4, {}, "expected a JSON object, found a list"),
        Row(5, {}, "expected a JSON object, found a string"),
        Row(6, {}, "expected a JSON object, found a number"),
        Row(7, {}, "expected a JSON object, found null"),
        Row(8, {"text": "café"}),
    ]


def test_json_that_attacks_the_reader_is_a_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "comments.jsonl"
    long_line = '{"text": "' + "a" * MAX_ROW_CHARS + '"}'
    path.write_text(
        "\n".join(["[" * 200_000, '{"n": ' + "1" * 5000 + "}", long_line, '{"n": NaN}', "{}"])
    )
    rows = list(read_rows(path))
    assert [row.number for row in rows] == [1, 2, 3, 4, 5]
    assert rows[0].error is not None
    assert "recursion" in rows[0].error
    assert rows[1].error is not None
    assert rows[1].error.startswith("not JSON that can be read: Exceeds the limit")
    assert rows[2] == Row(3, error="longer than 16,777,216 characters")
    assert rows[3:] == [Row(4, {"n": None}), Row(5, {})]


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_in_every_encoding_and_delimiter(tmp_path: Path, codec: str, delimiter: str) -> None:
    path = tmp_path / "comments.csv"
    lines = ["text,note", '"Größe, \nja",x', "", "kurz", "a,b,c", '"""So""",z']
    path.write_bytes("\r\n".join(lines).replace(",", delimiter).encode(codec))
    assert list(read_rows(path)) == [
        Row(2, {"text": f"Größe{delimiter} \nja", "note": "x"}),
        Row(5, {"text": "kurz", "note": None}),
        Row(6, {}, "3 cells where the header has 2"),
        Row(7, {"text": '"So"', "note": "z"}),
    ]


@pytest.mark.parametrize("above", ["\n", "\n \n", "sep=;\n", "\ufeff\n", "\r\n"])
def test_what_stands_above_a_csv_header_is_skipped_and_counted(tmp_path: Path, above: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(f"{above}text;note\nab;c\n".encode())
    rows = list(read_rows(path))
    assert rows == [Row(above.count("\n") + 2, {"text": "ab", "note": "c"})]


def test_a_csv_of_blank_lines_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("  \n\n")
    with pytest.raises(InputError, match=r"a\.csv: empty; expected rows"):
        list(read_rows(path))


def unclosed(number: int, *columns: str) -> Row:
    return Row(number, dict.fromkeys(columns), UNCLOSED)


@pytest.mark.parametrize("text", ["comment {0}", '"comment {0}"', '"comment, {0}"'])
def test_a_quotation_mark_that_is_never_closed_is_a_bad_row(tmp_path: Path, text: str) -> None:
    path = tmp_path / "comments.csv"
    lines = ["id,text", *(f"{n},{text.format(n)}" for n in range(1, 1000))]
    lines[10] = '10,"this is comment 10'
    path.write_text("\n".join(lines) + "\n")
    rows = list(read_rows(path))
    assert [row.values["id"] for row in rows[:9]] == [str(n) for n in range(1, 10)]
    assert rows[9] == unclosed(11, "id", "text")
    assert len(rows) == 10 or rows[10].number == 13


def test_a_quotation_mark_that_takes_the_next_row_is_a_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "comments.csv"
    path.write_text('text,who\n"open,Ann\n"closed",Bo\n"two\nlines, and ""more""",Cy\n"open')
    assert list(read_rows(path)) == [
        unclosed(2, "text", "who"),
        Row(4, {"text": 'two\nlines, and "more"', "who": "Cy"}),
        unclosed(6, "text", "who"),
    ]


def test_a_header_whose_quotation_mark_is_never_closed(tmp_path: Path) -> None:
    path = tmp_path / "comments.csv"
    path.write_text('id,"text\n1,Good.\n')
    with pytest.raises(InputError, match="no header row that can be read: a quotation mark is"):
        list(read_rows(path))


def test_repeated_csv_columns_are_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,note,note\na,b,c\n")
    assert list(read_rows(path)) == [Row(2, {"text": "a", "note": "b", "note.2": "c"})]


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("note,note,note.2", ["note", "note.3", "note.2"]),
        ("note.2,note,note", ["note.2", "note", "note.3"]),
        ("note,note,note", ["note", "note.2", "note.3"]),
        ("note,note,note.2,note.2", ["note", "note.3", "note.2", "note.2.2"]),
        ("note,note,note,note.3", ["note", "note.2", "note.4", "note.3"]),
    ],
)
def test_no_column_hides_another(tmp_path: Path, header: str, columns: list[str]) -> None:
    cells = [f"cell {place}" for place in range(len(columns))]
    expected = dict(zip(columns, cells, strict=True))
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\n{','.join(cells)}\n")
    assert [row.values for row in read_rows(path)] == [expected]
    path = tmp_path / "a.parquet"
    pq.write_table(
        pa.Table.from_arrays([pa.array([cell]) for cell in cells], header.split(",")), path
    )
    assert [row.values for row in read_rows(path)] == [expected]


def test_no_field_of_a_parquet_record_hides_another(tmp_path: Path) -> None:
    record = pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], names=["votes", "votes"])
    (row,) = read_rows(parquet(tmp_path / "a.parquet", record=record))
    assert row.values == {"record": {"votes": 1, "votes.2": 2}}


def test_a_named_pipe_has_no_share_that_is_done(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    os.mkfifo(path)
    lines = b'{"text": "one"}\n' * 3000
    writer = threading.Thread(target=path.write_bytes, args=(lines,), daemon=True)
    writer.start()
    told: list[float] = []
    assert len(list(read_rows(path, progress=told.append))) == 3000
    assert told == []


@pytest.mark.parametrize("ending", [".jsonl.gz", ".csv.gz", ".jsonl.zst", ".csv.zst"])
def test_compressed(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"a{ending}", {"text": "one"}, {"text": "two"})
    assert [row.values["text"] for row in read_rows(path)] == ["one", "two"]
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(InputError, match=r": cannot be read \((Compressed file ended|Truncated)"):
        list(read_rows(path))


AGAIN = "copy or download it again, or correct the ending of its name"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("gone.jsonl", None, "{}: no such file"),
        ("gone.parquet", None, "{}: no such file"),
        ("empty.csv", b"", "{}: empty; expected rows: a header and a line for each row"),
        ("empty.jsonl", b"", "{}: empty; expected rows: a JSON object on each line"),
        ("mark.csv", b"\xef\xbb\xbf", "{}: empty; expected rows: a header and a line for each row"),
        ("plain.csv.gz", b"text\n", "{}: cannot be read (Not a gzipped file (b'te')); " + AGAIN),
        ("junk.parquet", b"PAR1junk", "{}: no Parquet file that can be read; " + AGAIN),
        (
            "page.txt",
            b"text",
            "{}: no file of rows; expected .jsonl, .ndjson, .csv, .tsv, .parquet, .jsonl.gz, "
            ".ndjson.gz, .csv.gz, .tsv.gz, .jsonl.zst, .ndjson.zst, .csv.zst or .tsv.zst",
        ),
    ],
)
def test_files_that_cannot_be_read(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError) as raised:
        list(read_rows(path))
    assert str(raised.value) == message.format(path)


FAR_MS = 253_402_300_800_000  # the year 10000, in milliseconds from 1970
LONG_AGO_DAYS = -800_000  # before year 1


@pytest.mark.parametrize(
    ("values", "kind", "texts"),
    [
        ([FAR_MS, 0], pa.timestamp("ms"), ["10000-01-01 00:00:00.000", "1970-01-01 00:00:00"]),
        (
            [FAR_MS, 0],
            pa.timestamp("ms", "Europe/Berlin"),
            ["10000-01-01 00:00:00.000+00:00", "1970-01-01 01:00:00+01:00"],
        ),
        (
            [0, 1],
            pa.timestamp("ms", "Mars/Olympus"),
            ["1970-01-01 00:00:00.000+00:00", "1970-01-01 00:00:00.001+00:00"],
        ),
        ([2**63 - 1], pa.timestamp("us"), ["<value out of range: 9223372036854775807>"]),
        ([LONG_AGO_DAYS, 1, None], pa.date32(), ["-0221-09-04", "1970-01-02", "None"]),
        ([2**60, 1000], pa.duration("ms"), ["1152921504606846976 ms", "0:00:01"]),
    ],
)
def test_parquet_times_that_python_cannot_hold_are_text(
    tmp_path: Path, values: list[int | None], kind: pa.DataType, texts: list[str]
) -> None:
    columns = {"text": pa.array(["Good."] * len(values)), "when": pa.array(values, kind)}
    rows = list(read_rows(parquet(tmp_path / "a.parquet", **columns)))
    assert [row.values["text"] for row in rows] == ["Good."] * len(values)
    assert [str(row.values["when"]) for row in rows] == texts


def test_parquet_times_within_lists_and_records_are_text_too(tmp_path: Path) -> None:
    when = pa.timestamp("ms")
    path = parquet(
        tmp_path / "a.parquet",
        seen=pa.array([[0, FAR_MS, None], None], pa.list_(when)),
        edit=pa.array(
            [{"by": "Ann", "at": FAR_MS}, None], pa.struct({"by": pa.string(), "at": when})
        ),
        read=pa.array([[("Bo", FAR_MS)], []], pa.map_(pa.string(), when)),
    )
    far = "10000-01-01 00:00:00.000"
    assert [row.values for row in read_rows(path)] == [
        {
            "seen": [datetime(1970, 1, 1), far, None],
            "edit": {"by": "Ann", "at": far},
            "read": [("Bo", far)],
        },
        {"seen": None, "edit": None, "read": []},
    ]


WITHOUT_PANDAS = """
import sys

class NoPandas:
    def find_spec(self, name, path=None, target=None):
        if name == "pandas":
            raise ImportError(name)

sys.meta_path.insert(0, NoPandas())
from stance.tables import read_rows

for row in read_rows(sys.argv[1]):
    print(*row.values.values(), sep=" | ")
"""


def test_parquet_nanoseconds_need_no_pandas(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "a.parquet",
        at=pa.array([1, 1000], pa.timestamp("ns")),
        zoned=pa.array([1, 1000], pa.timestamp("ns", "+01:00")),
        took=pa.array([1, 1000], pa.duration("ns")),
        clock=pa.array([1, 1000], pa.time64("ns")),
    )
    command = [sys.executable, "-c", WITHOUT_PANDAS, str(path)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert printed.splitlines() == [
        "1970-01-01 00:00:00.000000001 | 1970-01-01 00:00:00.000000001+00:00 | 1 ns"
        " | 00:00:00.000000001",
        "1970-01-01 00:00:00.000001 | 1970-01-01 01:00:00.000001+01:00 | 0:00:00.000001"
        " | 00:00:00.000001",
    ]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    folder = tmp_path / "a.csv"
    folder.mkdir()
    with pytest.raises(InputError, match=r": this is a folder; expected a file$"):
        list(read_rows(folder))


@given(
    st.binary(max_size=300),
    st.sampled_from([".jsonl", ".csv", ".parquet", ".csv.gz", ".jsonl.zst"]),
)
@settings(max_examples=150, deadline=None)
def test_any_bytes_give_rows_or_an_input_error(content: bytes, ending: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a{ending}")
        path.write_bytes(content)
        try:
            assert all(isinstance(row, Row) for row in read_rows(path))
        except InputError as error:
            if "\n" in str(error):
                raise


# Writing


def test_json_lines_are_the_rows(tmp_path: Path) -> None:
    rows = [SCORED, {"text": "half \ud83d", "likes": float("nan")}, {"text": "Größe 👍"}]
    path = write(tmp_path / "a.jsonl", *rows)
    read = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert read == [SCORED, {"text": "half \ud83d", "likes": None}, {"text": "Größe 👍"}]
    assert "Größe 👍" in path.read_text(encoding="utf-8")


def test_csv_with_the_same_targets_has_a_column_for_each(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", SCORED, {"text": "no score", "error": "no text", "stance": []})
    header, first, second = csv.reader(io.StringIO(path.read_text()))
    assert dict(zip(header, first, strict=True)) == {
        "text": "Good idea.",
        "stance": '[{"target": "trams", "label": "favor", "favor": 0.9}]',
        "stance.trams.label": "favor",
        "stance.trams.favor": "0.9",
        "toxicity.toxicity": "0.01",
        "toxicity.insult": "0.02",
        "toxic": "false",
        "toxic_spans": "[[0, 4]]",
        "error": "",
    }
    assert second[header.index("error")] == "no text"
    assert second[header.index("stance.trams.label")] == ""


def test_a_column_called_like_a_field_hides_no_other(tmp_path: Path) -> None:
    with write_rows(tmp_path / "a.csv") as add:
        add({"a.b": "own", "a": {"b": 1}})
        add({"a.b": None, "a": {"b": 2}})
    assert (tmp_path / "a.csv").read_text() == "a.b,a.b.2\nown,1\n,2\n"


def test_a_column_called_like_a_field_with_a_number_hides_no_other(tmp_path: Path) -> None:
    with write_rows(tmp_path / "a.csv") as add:
        add({"a.b": "own", "a": {"b": 1}, "a.b.2": "second"})
    assert (tmp_path / "a.csv").read_text() == "a.b,a.b.3,a.b.2\nown,1,second\n"


def test_a_column_called_like_another_with_an_apostrophe_hides_no_other(tmp_path: Path) -> None:
    with write_rows(tmp_path / "a.csv") as add:
        add({"=a": "first", "'=a": "second"})
    assert (tmp_path / "a.csv").read_text() == "'=a,'=a.2\nfirst,second\n"


def test_the_names_of_the_example_are_no_columns(tmp_path: Path) -> None:
    row = SCORED | {"stance": [{"target": "buses", "label": "against", "favor": 0.1}]}
    header = write(tmp_path / "a.csv", row).read_text().splitlines()[0]
    assert [name for name in header.split(",") if name.startswith("stance")] == [
        "stance",
        "stance.buses.label",
        "stance.buses.favor",
    ]


@pytest.mark.parametrize("text", ["old\rMac", "\r", "end\r", "end\r\n", "two\nlines", "a\r\nb"])
def test_line_ends_of_every_kind_in_csv_cells_are_quoted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.csv"
    with write_rows(path) as add:
        add({"note\r": text, "text": "a"})
        add({"note\r": "b", "text": text})
    rows = [[csv_cell(text), "a"], ["b", csv_cell(text)]]
    assert [list(row.values.values()) for row in read_rows(path)] == rows
    with path.open(newline="", encoding="utf-8") as stream:
        assert list(csv.reader(stream)) == [["note\r", "text"], *rows]
    quoted = f'"{csv_cell(text)}"'
    assert path.read_bytes().decode() == f'"note\r",text\n{quoted},a\nb,{quoted}\n'


def test_csv_with_other_targets_in_each_row_keeps_json_alone(tmp_path: Path) -> None:
    other = SCORED | {"stance": [{"target": "buses", "label": "against", "favor": 0.1}]}
    path = write(tmp_path / "a.csv", SCORED, other)
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    assert [json.loads(row["stance"])[0]["target"] for row in rows] == ["trams", "buses"]
    assert [name for name in rows[0] if name.startswith("stance.")] == []


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".jsonl"])
def test_no_rows_still_make_a_table(tmp_path: Path, ending: str) -> None:
    path = write(tmp_path / f"a{ending}")
    if ending == ".csv":
        header = "text,stance,toxicity.toxicity,toxicity.insult,toxic,toxic_spans\n"
        assert path.read_text() == header
    elif ending == ".parquet":
        assert pq.read_table(path).num_rows == 0
    else:
        assert path.read_bytes() == b""


def test_parquet_has_nested_types_and_takes_what_does_not_fit(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.parquet",
        {"text": "bad \ud83d", "note": 1, "mixed": 1, "big": 2**70, "nothing": None, "bag": {}},
        SCORED | {"note": 1.5, "mixed": "one", "big": 1, "nothing": None, "bag": {}},
        {"text": "third", "stance": [], "toxic_spans": []},
    )
    table = pq.read_table(path)
    assert str(table.schema.field("stance").type) == (
        "list<element: struct<target: string, label: string, favor: double>>"
    )
    assert str(table.schema.field("toxic_spans").type) == "list<element: list<element: int64>>"
    first, second, third = table.to_pylist()
    assert first["text"] == "bad \ufffd"
    assert (first["note"], second["note"], third["note"]) == (1.0, 1.5, None)
    assert (first["mixed"], second["mixed"]) == ("1", "one")
    assert (first["big"], second["big"]) == (str(2**70), "1")
    assert (first["bag"], first["nothing"]) == ("{}", None)
    assert second | {} == second
    assert second["stance"] == SCORED["stance"]
    assert third["stance"] == []


def nested(levels: int, *, record: bool) -> dict | list | str:
    value: dict | list | str = "inmost \ud83d"
    for _ in range(levels):
        value = {"a": value} if record else [value]
    return value


@pytest.mark.parametrize("record", [True, False])
@pytest.mark.parametrize("levels", [21, 150, 700])
def test_what_is_nested_too_deep_for_parquet_is_json(
    tmp_path: Path, levels: int, record: bool
) -> None:
    shallow, deep = nested(2, record=record), nested(levels, record=record)
    path = tmp_path / "a.parquet"
    with write_rows(path) as add:
        add({"deep": None, "mixed": shallow, "shallow": shallow})
        add({"deep": deep, "mixed": deep, "shallow": None})
    schema = pq.read_schema(path)
    assert schema.field("deep").type == schema.field("mixed").type == pa.string()
    assert pa.types.is_nested(schema.field("shallow").type)
    first, second = (json.dumps(value).replace("\\ud83d", "\ufffd") for value in (shallow, deep))
    rows = [row.values for row in read_rows(path)]
    assert [(row["deep"], row["mixed"]) for row in rows] == [(None, first), (second, second)]


@pytest.mark.parametrize("record", [True, False])
def test_what_parquet_can_nest_keeps_its_type(tmp_path: Path, record: bool) -> None:
    path = tmp_path / "a.parquet"
    with write_rows(path) as add:
        add({"deep": nested(20, record=record)})
    assert pa.types.is_nested(pq.read_table(path).schema.field("deep").type)


@given(st.text(max_size=20))
def test_no_csv_cell_starts_a_formula(text: str) -> None:
    cell = csv_cell(text)
    assert cell in {text, f"'{text}"}
    assert cell[:1] not in ("=", "@", "\t", "\r", "\n")
    if cell[:1] in ("+", "-"):
        float(cell)


def test_csv_headers_do_not_start_a_formula_either(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", {"text": "a", "=HYPERLINK(1)": "b"})
    assert path.read_text().splitlines()[0].endswith(",'=HYPERLINK(1)")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    st.lists(st.dictionaries(st.sampled_from("abc"), json_values), max_size=4),
    st.sampled_from([".jsonl", ".csv", ".parquet"]),
)
@settings(max_examples=200, deadline=None)
def test_rows_of_any_shape_are_written(rows: list[dict], ending: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"a{ending}")
        with write_rows(path) as add:
            for row in rows:
                add(row)
        assert list(Path(folder).iterdir()) == [path]
        if ending == ".parquet":
            assert pq.read_table(path).num_rows == (len(rows) if any(rows) else 0)


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=9)))
def test_a_json_line_is_one_line_and_reads_back(row: dict[str, str]) -> None:
    line = json_line(row)
    assert line.count(b"\n") == 1
    assert json.loads(line) == row


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet", ".csv.gz", ".csv.zst"])
@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError])
def test_nothing_is_left_behind(tmp_path: Path, ending: str, stop: type[BaseException]) -> None:
    path = tmp_path / f"a{ending}"
    path.write_text("before")
    with pytest.raises(stop), write_rows(path) as add:  # noqa: PT012
        add(SCORED)
        raise stop
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "before"


@pytest.mark.parametrize("ending", WRITTEN_ENDINGS)
def test_lines_are_joined_as_rows_are_written(tmp_path: Path, ending: str) -> None:
    rows = [
        {"text": "=1", "stance": [{"target": "a", "label": "favor"}], "more": {"x": 1}},
        {"text": "two", "stance": [{"target": "a", "label": "against"}], "votes": 3},
    ]
    example = {"text": "one", "stance": [{"target": "a", "label": "favor"}]}
    keys = {"stance": "target"}
    with write_rows(tmp_path / f"a{ending}", example=example, record_keys=keys) as add:
        for row in rows:
            add(row)
    lines = [json_line(row) for row in rows]
    joined = tmp_path / f"b{ending}"
    join_rows(joined, lambda: iter(lines), example=example, record_keys=keys)
    assert joined.read_bytes() == (tmp_path / f"a{ending}").read_bytes()


def test_parquet_rows_come_in_large_groups(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    with write_rows(path) as add:
        for number in range(2 * PARQUET_GROUP_ROWS + 5):
            add({"number": number})
    with pq.ParquetFile(path) as table:
        groups = [table.metadata.row_group(n).num_rows for n in range(table.num_row_groups)]
        assert groups == [PARQUET_GROUP_ROWS, PARQUET_GROUP_ROWS, 5]
        assert table.read()["number"].to_pylist() == list(range(2 * PARQUET_GROUP_ROWS + 5))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.jsonl", '{"id": 1, "text": "Good."}\n', ".jsonl"),
        ("a.jsonl.gz", '{"id": 1, "text": "Good."}\n', ".jsonl.gz"),
        ("a.csv.zst", "id,text\n1,Good.\n", ".csv.zst"),
        ("a.csv", "\ufeff\n\nid;text\n1;Good.\n", ".csv"),
        ("a.csv", "id,note\n1,Good.\n", None),
        ("a.csv", "TEXT\nGood.\n", ".csv"),
        ("a.csv", "sep=;\nid;text\n1;Good.\n", ".csv"),
        ("a.csv", "Author,Text\nAnn,Good.\n", None),
        ("a.jsonl", '%!\n{"text": "Good."}\n{"text": "No."}\n', ".jsonl"),
        ("a.jsonl", '{"id": 1}\n{"id": 2, "text": "Good."}\n', ".jsonl"),
        ("a.jsonl", '{"id": 1}\n{"id": 2, "note": "Good."}\n', None),
        ("a.json", '[\n{"text": "Good."},\n{"text": "No."}\n]\n', None),
        ("a.json", '{"comments": [\n{"text": "Good."}\n]}\n', None),
        ("a.html", '<script>\n{"text": "Good."}\n</script>\n', None),
        ("a.txt", 'Trams\nare\nback\n{"text": "Good."}\n', None),
        ("a.jsonl", '{"comments": []}\n', None),
        ("a.jsonl", "", None),
        ("a.csv", 'a\0b,"note\n', None),
        ("a.jsonl.gz", '{"text": "' + "x" * 100 + '"}\n', ".jsonl.gz"),
    ],
)
def test_what_a_stream_holds_is_told_from_its_head(
    tmp_path: Path, name: str, content: str, expected: str | None
) -> None:
    data = content.encode()
    if name.endswith(".gz"):
        data = gzip.compress(data)
    elif name.endswith(".zst"):
        data = bytes(pa.compress(data, "zstd", asbytes=True))
    assert sniff_ending(data) == expected
    # The head may end anywhere; then it may not be told, but never told wrong.
    assert all(sniff_ending(data[:cut]) in (None, expected) for cut in range(len(data)))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"id": 1, "text": "' + "long " * HEAD_BYTES, ".jsonl"),
        ('{"text": "No.", "note": "' + "long " * HEAD_BYTES, ".jsonl"),
        ('{"text": "Story.", "children": [{"text": "' + "long " * HEAD_BYTES, None),
        ('{"comments": [{"text": "' + "long " * HEAD_BYTES, None),
        ('{"note": "' + "long " * HEAD_BYTES, None),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_first_line_longer_than_the_head(
    content: str, packed: bool, expected: str | None
) -> None:
    data = gzip.compress(content.encode(), 0) if packed else content.encode()
    ending = f"{expected}.gz" if packed and expected else expected
    assert sniff_ending(data[:HEAD_BYTES]) == ending


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".jsonl.gz", ".csv.zst"])
def test_the_head_of_a_long_stream_is_enough(tmp_path: Path, ending: str) -> None:
    rows = ({"text": f"comment {n * n * n}"} for n in range(50_000))
    path = write(tmp_path / f"a{ending}", *rows)
    assert path.stat().st_size > HEAD_BYTES
    assert sniff_ending(path.read_bytes()[:HEAD_BYTES]) == ending


def test_the_share_that_has_been_read_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", *({"text": f"comment {n}"} for n in range(20_000)))
    shares: list[float] = []
    assert len(list(read_rows(path, progress=shares.append))) == 20_000
    assert shares == sorted(shares)
    assert 0 < shares[0] < 0.3 < 0.9 < shares[-1] <= 1


def test_the_same_rows_give_the_same_compressed_bytes(tmp_path: Path) -> None:
    first = write(tmp_path / "a.jsonl.gz", SCORED).read_bytes()
    assert write(tmp_path / "b.jsonl.gz", SCORED).read_bytes() == first
    assert json.loads(gzip.decompress(first)) == SCORED


def test_permissions_and_links_are_kept(tmp_path: Path) -> None:
    path, link = tmp_path / "a.jsonl", tmp_path / "link.jsonl"
    path.write_text("before")
    path.chmod(0o640)
    link.symlink_to(path)
    with atomic_file(link) as stream:
        stream.write(b"after")
    assert link.is_symlink()
    assert path.read_text() == "after"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_outputs_that_cannot_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    fifo = tmp_path / "pipe.csv"
    os.mkfifo(fifo)
    allowed = ".jsonl, .csv, .parquet, .jsonl.gz, .csv.gz, .jsonl.zst or .csv.zst"
    for path, message in {
        folder: "it is a folder; name a file in it",
        fifo: "it is not a regular file",
        tmp_path / "a.docx": f"unknown ending, expected {allowed}",
        tmp_path / "no" / "a.csv": f"the folder {tmp_path}/no does not exist; create it first",
    }.items():
        with pytest.raises(OutputError) as raised:
            check_output(path)
        assert str(raised.value) == f"cannot write {path}: {message}"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match=r"is not writable$"):
            check_output(tmp_path / "a.csv")
    finally:
        tmp_path.chmod(0o700)


def test_a_failing_write_is_an_output_error(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 300 + ".csv")
    with pytest.raises(OutputError, match="File name too long"), atomic_file(path):
        pass


def test_endings() -> None:
    assert row_ending("a.JSONL") == ".jsonl"
    assert row_ending("a.jsonl.gz") == ".jsonl.gz"
    assert row_ending("a.gz") is None
