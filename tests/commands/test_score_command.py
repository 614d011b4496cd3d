"""`stance score`: what it shows, writes and exits with."""

import csv
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pages import NO_COMMENTS

from stance.cli import main
from stance.commands import score, score_shown
from stance.errors import ModelError


@pytest.fixture(autouse=True)
def _analyzer(monkeypatch: pytest.MonkeyPatch, fake_analyzer: Any) -> None:
    monkeypatch.setattr(score, "load_analyzer", lambda *_: fake_analyzer)


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_score_shows_a_table(page: Path, capfd: Any) -> None:
    assert main(["score", str(page)]) == 0
    out = capfd.readouterr().out
    assert "A tram for Port Ellis" in out
    assert "2 comments, 2 authors, 1 flagged as toxic: 50% (9–91)" in out
    assert "Mayor Holt" in out
    assert "↳ Bo to #1, neutral 70%  2026-03-01T11:30" in out
    assert "\x1b" not in out


def test_score_writes_json_lines(page: Path, tmp_path: Path, capfd: Any) -> None:
    path = tmp_path / "out.jsonl"
    targets = ["--target", "trams", "--target", "Holt"]
    assert main(["score", str(page), *targets, "-o", str(path)]) == 0
    first, second = rows_of(path)
    assert list(first) == [
        *("source", "id", "author", "published", "parent_id", "depth", "text"),
        *("stance", "reply", "toxicity", "toxic", "toxic_spans", "language", "model"),
    ]
    assert [entry["target"] for entry in first["stance"]] == ["trams", "Holt"]
    assert (second["parent_id"], second["toxic"]) == (first["id"], True)
    assert capfd.readouterr() == ("", f"stance: {path}: 2 comments of 1 input\n")


def test_score_writes_csv_and_parquet(page: Path, tmp_path: Path) -> None:
    table, parquet = tmp_path / "out.csv", tmp_path / "out.parquet"
    for path in (table, parquet):
        assert main(["score", str(page), "--target", "Holt", "-o", str(path)]) == 0
    with table.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["stance.Holt.label"] for row in rows] == ["favor", "against"]
    assert [row["toxicity.insult"] for row in rows] == ["0.1", "0.9"]
    assert [row["stance"][0]["label"] for row in pq.read_table(parquet).to_pylist()] == [
        "favor",
        "against",
    ]


GERMAN = {"id": "3", "parent_id": "1", "text": "Das ist nicht wahr."}
ANSWERED = [
    {"id": "1", "text": "Trams are good."},
    {"id": "2", "parent_id": "1", "text": "That is wrong."},
    GERMAN,
    {"id": "4", "parent_id": "gone", "text": "That is right."},
]


@pytest.mark.parametrize("as_thread", [False, True])
@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet", ".html"])
def test_replies_and_languages_are_written(
    tmp_path: Path, capfd: Any, ending: str, as_thread: bool
) -> None:
    source, out = tmp_path / "comments.jsonl", tmp_path / f"out{ending}"
    whole = [{"source": str(source), "format": "html", "comments": ANSWERED}]
    source.write_text("\n".join(map(json.dumps, whole if as_thread else ANSWERED)))
    assert main(["score", str(source), "-o", str(out)]) == 0
    said = capfd.readouterr().err
    assert (
        f"stance: {source}: 1 of 4 comments is not in English (German 1): do not rely on its scores"
        in said.splitlines()
    )
    orphan = "rows whose parent is not in the file, or too far after them, get no reply: 1"
    assert (f"stance: {source}: {orphan}" in said.splitlines()) is not as_thread
    if ending == ".jsonl":
        rows = rows_of(out)
        assert [row["language"] for row in rows] == ["en", "en", "de", "en"]
        assert [row["reply"] and row["reply"]["label"] for row in rows] == [
            *(None, "against", "neutral", None)
        ]
    elif ending == ".parquet":
        rows = pq.read_table(out).to_pylist()
        assert [row["reply"] and row["reply"]["against"] for row in rows] == [None, 0.7, 0.15, None]
    elif ending == ".csv":
        with out.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert [row["reply.label"] for row in rows] == ["", "against", "neutral", ""]
        assert [row["reply.against"] for row in rows] == ["", "0.7", "0.15", ""]


def test_without_replies_and_with_a_table_nothing_is_said_twice(tmp_path: Path, capfd: Any) -> None:
    source, out = tmp_path / "comments.jsonl", tmp_path / "out.csv"
    source.write_text("\n".join(map(json.dumps, ANSWERED)))
    assert main(["score", str(source), "--no-reply", "-o", str(out)]) == 0
    assert "get no reply" not in capfd.readouterr().err
    with out.open(newline="") as stream:
        assert {row["reply.label"] for row in csv.DictReader(stream)} == {""}
    assert main(["score", str(source)]) == 0
    shown = capfd.readouterr()
    assert shown.out.count("not in English") == 1
    assert "not in English" not in shown.err


def test_score_writes_a_report(page: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    assert main(["score", str(page), "-o", str(path)]) == 0
    text = path.read_text()
    assert text.startswith("<!doctype html>")
    assert "I love Mayor Holt" in text


def test_pages_without_comments_make_an_empty_table(tmp_path: Path, capfd: Any) -> None:
    page, out = tmp_path / "quiet.html", tmp_path / "out.csv"
    page.write_text(NO_COMMENTS)
    assert main(["score", str(page), "-o", str(out)]) == 0
    assert out.read_text().startswith("source,id,author,")
    assert len(out.read_text().splitlines()) == 1
    assert "0 comments of 1 input" in capfd.readouterr().err


def test_what_was_parsed_can_be_scored(page: Path, tmp_path: Path, capfdbinary: Any) -> None:
    main(["parse", str(page)])
    parsed = tmp_path / "threads.jsonl"
    parsed.write_bytes(capfdbinary.readouterr().out)
    direct, indirect = tmp_path / "direct.jsonl", tmp_path / "indirect.jsonl"
    assert main(["score", str(page), "-o", str(direct)]) == 0
    assert main(["score", str(parsed), "-o", str(indirect)]) == 0
    assert direct.read_text() == indirect.read_text()
    parsed.write_text('{"comments": [5]}\n')
    with pytest.raises(SystemExit):
        main(["score", str(parsed)])
    err = capfdbinary.readouterr().err.decode().splitlines()[-1]
    assert err == f"stance: {parsed}: none of its lines is a thread as stance parse prints it"


def thread_line(text: Any = "hm", **values: Any) -> str:
    comments = [{"id": "1", "text": text, **values}]
    return json.dumps({"source": "a.html", "format": "html", "comments": comments})


@pytest.mark.parametrize("lines", [[0, 1, 2, 3], [1, 0, 2, 3]])
def test_a_bad_line_among_threads_costs_no_other(
    tmp_path: Path, capfd: Any, lines: list[int]
) -> None:
    threads, out = tmp_path / "threads.jsonl", tmp_path / "out.jsonl"
    content = [thread_line("I love it"), "{bad", thread_line(author=5), thread_line("I hate it")]
    threads.write_text("\n".join(content[line] for line in lines))
    assert main(["score", str(threads), "--target", "it", "-o", str(out)]) == 1
    assert [row["stance"][0]["label"] for row in rows_of(out)] == ["favor", "against"]
    place = lines.index(1) + 1
    assert capfd.readouterr().err.splitlines() == [
        f"stance: {threads}: line {place}: not JSON: Expecting property name enclosed in double "
        "quotes at character 2",
        f"stance: {threads}: line 3: comment 1: author is int, expected str | None",
        f"stance: {threads}: 2 of 4 lines could not be scored",
        f"stance: {out}: 2 comments of 2 inputs",
    ]


def test_a_file_whose_threads_are_all_bad_is_refused(tmp_path: Path, capfd: Any) -> None:
    threads, out = tmp_path / "threads.jsonl", tmp_path / "out.jsonl"
    threads.write_text(f"{thread_line(5)}\n" * 12)
    with pytest.raises(SystemExit) as raised:
        main(["score", str(threads), "-o", str(out)])
    assert raised.value.code == 2
    said = capfd.readouterr().err.splitlines()
    assert said[9] == f"stance: {threads}: line 10: comment 1: text is int, expected str"
    assert said[10:] == [
        f"stance: {threads}: none of its lines is a thread as stance parse prints it"
    ]
    assert list(tmp_path.iterdir()) == [threads]


@pytest.mark.parametrize("ending", [None, ".jsonl", ".csv", ".parquet", ".html"])
def test_half_a_surrogate_pair_spoils_no_output(
    tmp_path: Path, capfd: Any, ending: str | None
) -> None:
    rows, threads = tmp_path / "comments.jsonl", tmp_path / "threads.jsonl"
    rows.write_text('{"text": "half \\ud83d a pair", "author": "\\udcff"}\n')
    threads.write_text(thread_line("half \ud83d a pair", author="\udcff"))
    out = tmp_path / f"out{ending}"
    options = [] if ending is None else ["-o", str(out)]
    assert main(["score", str(rows), str(threads), "--pseudonymise", *options]) == 0
    if ending is None:
        assert capfd.readouterr().out.count(" a pair") == 2
    elif ending == ".jsonl":
        assert [row["text"] for row in rows_of(out)] == ["half \ud83d a pair"] * 2
    elif ending == ".parquet":
        assert pq.read_table(out)["text"].to_pylist() == ["half \ufffd a pair"] * 2
    else:
        assert out.read_bytes().decode().count(" a pair") >= 2


def test_a_target_named_twice_counts_once(page: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    targets = ["--target", "trams", "--target", "Holt", "--target", " trams "]
    assert main(["score", str(page), *targets, "-o", str(out)]) == 0
    assert [[entry["target"] for entry in row["stance"]] for row in rows_of(out)] == [
        ["trams", "Holt"],
        ["trams", "Holt"],
    ]


def test_score_a_comment_file(tmp_path: Path, capfd: Any) -> None:
    comments, out = tmp_path / "comments.csv", tmp_path / "out.jsonl"
    comments.write_text("text,target,model,shop\nI love it,cats,x,1\n,,,2\nyou idiot,,y,=3\n")
    assert main(["score", str(comments), "--target", "dogs", "-o", str(out)]) == 1
    first, second, third = rows_of(out)
    assert [entry["target"] for entry in first["stance"]] == ["cats", "dogs"]
    assert (first["input_model"], first["shop"], third["shop"]) == ("x", "1", "=3")
    assert second["error"] == "line 3: no text"
    assert capfd.readouterr().err.splitlines() == [
        f"stance: {comments}: the column 'model' is an output column; yours is now 'input_model'",
        f"stance: {comments}: 1 of 3 rows could not be scored (line 3: no text)",
        f"stance: {out}: 3 comments of 1 input",
    ]


def test_a_comment_file_without_targets(tmp_path: Path, capfd: Any) -> None:
    comments, out = tmp_path / "comments.jsonl", tmp_path / "out.jsonl"
    comments.write_text('{"text": "you idiot"}\n{"text": "hm"}\n')
    assert main(["score", str(comments), "-o", str(out)]) == 0
    assert [row["stance"] for row in rows_of(out)] == [[], []]
    assert "2 rows without a target: toxicity alone" in capfd.readouterr().err
    assert main(["score", str(comments)]) == 0
    assert "you idiot" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "note,who\nfine,Ann\n",
            "none of its rows could be scored (line 2: no text); expected a column 'text' with the "
            "comment, found note, who",
        ),
        (
            "id, text, Target\n1,fine,Ann\n",
            "none of its rows could be scored (line 2: no text); expected a column 'text' with the "
            "comment, found id, ' text', ' Target'; rename ' text' to 'text', ' Target' to "
            "'target'",
        ),
        (
            "id,Text\n1,fine\n",
            "none of its rows could be scored (line 2: no text); expected a column 'text' with the "
            "comment, found id, Text; rename 'Text' to 'text'",
        ),
        ("text\n", "no rows"),
        ("", "empty; expected rows: a header and a line for each row"),
    ],
)
def test_comment_files_without_comments(
    tmp_path: Path, content: str, message: str, capfd: Any
) -> None:
    comments, out = tmp_path / "comments.csv", tmp_path / "out.jsonl"
    comments.write_text(content)
    out.write_text("older result")
    with pytest.raises(SystemExit) as raised:
        main(["score", str(comments), "-o", str(out)])
    assert raised.value.code == 2
    assert capfd.readouterr().err == f"stance: {comments}: {message}\n"
    assert out.read_text() == "older result"
    assert sorted(tmp_path.iterdir()) == [comments, out]


def test_pseudonyms(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.setenv("STANCE_PSEUDONYM_KEY", "secret")
    comments, out = tmp_path / "comments.jsonl", tmp_path / "out.jsonl"
    comments.write_text('{"text": "hm", "author": "Ann"}\n{"text": "hm"}\n')
    assert main(["score", str(page), str(comments), "-o", str(out), "--pseudonymise"]) == 0
    authors = [row["author"] for row in rows_of(out)]
    assert authors[0] == authors[2]
    assert authors[0].startswith("author-")
    assert authors[3] is None
    assert "Ann" not in out.read_text()
    assert "names inside texts and in other columns are left as they are" in capfd.readouterr().err


def test_a_model_that_cannot_be_used_stops_the_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    def refuse(model: str | None, threads: int | None, device: str) -> None:
        raise ModelError(f"{model}: no model folder (threads {threads}, {device})")

    monkeypatch.setattr(score, "load_analyzer", refuse)
    options = ["--model", "nowhere", "--threads", "3", "-o", str(tmp_path / "out.csv")]
    assert main(["score", str(page), *options]) == 2
    assert capfd.readouterr().err == "stance: nowhere: no model folder (threads 3, cpu)\n"
    assert not (tmp_path / "out.csv").exists()


def test_the_model_is_not_loaded_where_there_is_nothing_to_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score, "load_analyzer", lambda *_: pytest.fail("loaded"))
    (tmp_path / "quiet.html").write_text(NO_COMMENTS)
    assert main(["score", str(tmp_path / "quiet.html")]) == 0


def test_an_input_is_never_overwritten(tmp_path: Path, capfd: Any) -> None:
    comments = tmp_path / "comments.csv"
    comments.write_text("text\nhm\n")
    assert main(["score", str(comments), "-o", f"{tmp_path}/../{tmp_path.name}/comments.csv"]) == 2
    assert "it is an input too; name another file" in capfd.readouterr().err
    assert comments.read_text() == "text\nhm\n"


def test_what_an_earlier_run_wrote_into_a_folder_is_not_scored(page: Path, capfd: Any) -> None:
    out = page.with_name("scores.jsonl")
    for _ in range(2):
        assert main(["score", str(page.parent), "-o", str(out)]) == 0
        assert capfd.readouterr().err == f"stance: {out}: 2 comments of 1 input\n"


def test_outputs_are_checked_before_any_work(page: Path, tmp_path: Path, capfd: Any) -> None:
    assert main(["score", str(page), "-o", "scores.docx"]) == 2
    assert capfd.readouterr().err == (
        "stance: cannot write scores.docx: unknown ending, expected .jsonl, .csv, .parquet, "
        ".jsonl.gz, .csv.gz, .jsonl.zst, .csv.zst or .html\n"
    )
    assert main(["score", str(page), "-o", str(tmp_path / "no" / "a.csv")]) == 2
    assert capfd.readouterr().err == (
        f"stance: cannot write {tmp_path}/no/a.csv: the folder {tmp_path}/no does not exist; "
        "create it first\n"
    )


def test_too_many_comments_to_look_at(
    page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: Any, fake_analyzer: Any
) -> None:
    monkeypatch.setattr(score_shown, "MAX_SHOWN", 1)
    comments = tmp_path / "comments.csv"
    comments.write_text("text\none\ntwo\n")
    for source in (page, comments):
        assert main(["score", str(source)]) == 2
        assert "more than 1 comments are too many to look at" in capfd.readouterr().err
        assert main(["score", str(source), "-o", str(tmp_path / "out.html")]) == 2
    assert fake_analyzer.calls == []  # refused before the work, not after
    assert main(["score", str(comments), "-o", str(tmp_path / "out.jsonl")]) == 0


def test_a_report_takes_so_many_comments_in_all(
    page: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: Any, fake_analyzer: Any
) -> None:
    monkeypatch.setattr(score_shown, "MAX_SHOWN", 3)
    comments, out = tmp_path / "comments.csv", tmp_path / "out.html"
    comments.write_text("text\none\ntwo\n")
    for second in (page, comments):
        fake_analyzer.calls.clear()
        assert main(["score", str(page), str(second), "-o", str(out)]) == 2
        assert "more than 3 comments are too many" in capfd.readouterr().err
        assert fake_analyzer.calls == [2]
        assert main(["score", str(page), str(second)]) == 0  # a terminal keeps none
    assert not out.exists()


_SLOW = """
import sys, time
from stance import cli
from stance.commands import score
class Slow:
    name = "slow"
    def predict(self, *args, **options):
        print("scoring", flush=True)
        time.sleep(60)
score.load_analyzer = lambda *_: Slow()
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("number", "code", "message"),
    [(signal.SIGINT, 130, "stance: interrupted\n"), (signal.SIGTERM, 143, "")],
)
def test_a_stopped_run_leaves_nothing_behind(
    page: Path, tmp_path: Path, number: int, code: int, message: str
) -> None:
    arguments = ["score", str(page), "-o", str(tmp_path / "out.csv")]
    with subprocess.Popen(
        [sys.executable, "-c", _SLOW, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "scoring\n"
        assert len(list(tmp_path.iterdir())) == 2  # the page and the temporary file
        process.send_signal(number)
        assert process.wait(timeout=30) == code
        assert process.stderr.read() == message
    assert list(tmp_path.iterdir()) == [page]
