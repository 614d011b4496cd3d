"""What `stance score` takes an input for: by its name, or by its first bytes."""

import gzip
import io
import json
import os
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pages import PAGE

from stance.cli import main
from stance.commands import score
from stance.commands.inputs import open_source
from stance.tables import read_rows

ROWS: list[dict[str, Any]] = [
    {"id": "a", "text": "I love it", "target": "trams", "votes": "3"},
    {"id": "b", "text": "", "target": "buses", "votes": "4"},
]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
THREAD = {"source": "s", "format": "html", "comments": [{"id": "1", "text": "Trams? I love it"}]}


def table(delimiter: str) -> bytes:
    lines = [ROWS[0].keys(), *(row.values() for row in ROWS)]
    return "".join(delimiter.join(line) + "\n" for line in lines).encode()


def parquet() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(ROWS), stream)
    return stream.getvalue()


@pytest.fixture(autouse=True)
def fake(monkeypatch: pytest.MonkeyPatch, fake_analyzer: Any) -> None:
    monkeypatch.setattr(score, "load_analyzer", lambda *_: fake_analyzer)


def scored(path: Path, *options: str) -> tuple[int, list[dict[str, Any]]]:
    out = path.with_name("out.jsonl")
    code = main(["score", str(path), "-o", str(out), *options])
    return code, [row.values for row in read_rows(out)]


TABLES = {
    "rows.tsv": table("\t"),
    "rows.TSV.gz": gzip.compress(table("\t")),
    "rows": table(","),
    "rows.dat": LINES,
    "rows.data": parquet(),
    "excel.txt": table("\t"),
    "lines.txt": LINES,
    "lines.json": LINES,
    "lines.txt.gz": gzip.compress(LINES),
    "list.json": json.dumps(ROWS).encode(),
    "indented.json": json.dumps([*ROWS, 5], indent=1).encode(),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("is_piped", [False, True])
def test_rows_are_rows_whatever_they_are_called(tmp_path: Path, name: str, is_piped: bool) -> None:
    path = tmp_path / name
    give(path, TABLES[name], is_piped=is_piped)
    code, [good, bad, *_] = scored(path)
    assert code == 1
    assert ([score["target"] for score in good["stance"]], good["votes"]) == (["trams"], "3")
    assert "the text is empty" in bad["error"] or bad["error"].endswith("no text")


def give(path: Path, content: bytes, *, is_piped: bool) -> None:
    if not is_piped:
        path.write_bytes(content)
        return
    os.mkfifo(path)
    threading.Thread(target=path.write_bytes, args=(content,), daemon=True).start()


ITEM = {"id": 1, "type": "story", "title": "Trams", "text": "All new", "story_id": 1}
PAGES = {
    "page.html": PAGE.encode(),
    "page": PAGE.encode(),
    "export.json": json.dumps([{"text": "Good.", "user": "Ann"}]).encode(),
    "one.json": json.dumps({"text": "About trams", "comments": [{"text": "Good."}]}).encode(),
    "one": json.dumps({"text": "About trams", "comments": [{"text": "Good."}]}).encode(),
    "item.json": json.dumps(ITEM | {"children": [{"text": "Good.", "type": "comment"}]}).encode(),
    "item": json.dumps(ITEM | {"children": [{"text": "Good.", "type": "comment"}]}).encode(),
    "thread.txt": json.dumps(THREAD).encode(),
    "export.csv.bak": b"user,comment\nAnn,Good.\n",
}


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("is_piped", [False, True])
def test_pages_and_exports_remain_what_they_are(tmp_path: Path, name: str, is_piped: bool) -> None:
    path = tmp_path / name
    give(path, PAGES[name], is_piped=is_piped)
    code, rows = scored(path, "--target", "trams")
    assert code == 0
    assert {row["text"] for row in rows}.isdisjoint({"About trams", "All new"})
    assert all(len(row["stance"]) == 1 for row in rows)
    assert rows


@pytest.mark.parametrize("start", ["Text", "text", "text, and a comma"])
def test_a_plain_text_that_begins_like_a_table_is_a_text(tmp_path: Path, start: str) -> None:
    path = tmp_path / "page.txt"
    path.write_text(f"{start}\n\nAnn\n2 hours ago\nTrams are good.\nReply\n")
    assert open_source(str(path)).kind == "page"


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_a_named_pipe_of_rows_is_read_once(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"rows.{ending}"
    content = {"csv": table(","), "jsonl": b"broken\n" + LINES, "parquet": parquet()}[ending]
    give(path, content, is_piped=True)
    code, rows = scored(path)
    assert (code, [row["id"] for row in rows if row.get("votes")]) == (1, ["a", "b"])


def test_a_named_pipe_of_threads(tmp_path: Path) -> None:
    path = tmp_path / "threads.jsonl"
    give(path, json.dumps(THREAD).encode() + b"\n{}\n", is_piped=True)
    code, rows = scored(path, "--target", "trams")
    assert (code, [row["text"] for row in rows]) == (1, ["Trams? I love it"])


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_column_comments_makes_no_thread(tmp_path: Path, name: str, capfd: Any) -> None:
    path = tmp_path / name
    path.write_text("id,comments\n1,hello\n" if "csv" in name else '{"id": 1, "comments": "hi"}\n')
    with pytest.raises(SystemExit):
        main(["score", str(path)])
    said = capfd.readouterr().err
    assert said.endswith("expected a column 'text' with the comment, found id, comments\n")


def test_rows_that_count_their_comments_are_rows(tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    path.write_text('{"id": 1, "comments": 0}\n{"id": 2, "text": "Good.", "comments": 3}\n')
    code, rows = scored(path)
    assert (code, [row["comments"] for row in rows]) == (1, [0, 3])
    assert [row["text"] for row in rows] == [None, "Good."]


def test_comments_of_threads_without_a_text_are_errors(tmp_path: Path, capfd: Any) -> None:
    comments = [{"id": "1", "text": "\u200b"}, {"id": "2", "text": ""}, {"id": "3", "text": "hm"}]
    path = tmp_path / "threads.jsonl"
    path.write_text(json.dumps(THREAD | {"comments": comments}) + "\n")
    code, rows = scored(path, "--target", "trams")
    assert code == 1
    assert [row.get("error") for row in rows] == [
        "comment 1: the text is empty",
        "comment 2: the text is empty",
        None,
    ]
    assert [row["toxic"] for row in rows] == [None, None, False]
    said = "stance: s: 2 of 3 comments could not be scored: the text is empty\n"
    assert said in capfd.readouterr().err
    report = tmp_path / "report.html"
    assert main(["score", str(path), "--target", "trams", "-o", str(report)]) == 1
    assert said in capfd.readouterr().err
    assert "2 of 3 comments could not be scored" in report.read_text()


def test_an_export_with_rows_left_out_is_scored_in_part(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text('[{"comment": "Good."}, {"comment": ""}]')
    assert scored(path, "--target", "trams")[0] == 1
    assert main(["score", str(path), "--target", "trams"]) == 1


@pytest.mark.parametrize("command", ["score", "parse"])
def test_an_empty_name_is_not_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, capfd: Any
) -> None:
    (tmp_path / "page.html").write_text(PAGE)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as raised:
        main([command, ""])
    assert raised.value.code == 2
    out, err = capfd.readouterr()
    assert (out, err[:43]) == ("", "stance: '': an empty name; expected a file,")
