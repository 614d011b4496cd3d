"""`stance score` into files of rows: tables of every kind, standard input, kills and resumption."""

import csv
import gzip
import io
import json
import os
import signal
import subprocess
import sys
import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pages import PAGE

import stance.example
from stance import Analyzer, parse
from stance.cli import main
from stance.commands import score
from stance.scoring import stream
from stance.tables import read_rows

TESTS = Path(__file__).parent.parent


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, fake_analyzer: Any) -> Any:
    monkeypatch.setattr(score, "load_analyzer", lambda *_: fake_analyzer)
    monkeypatch.setattr(stream, "SHARD_ROWS", 4)
    return fake_analyzer


def comments(count: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"c{n}",
            "text": f"{('I love it', 'I hate it, idiot', 'hm')[n % 3]} {n // 2}" if n % 11 else "",
            "parent_id": f"c{n // 2}" if n % 4 == 1 else None,
        }
        for n in range(count)
    ]


def json_lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), stream)
    return stream.getvalue()


def scores_of(path: Path) -> list[Any]:
    rows = [row.values for row in read_rows(path)]
    return [(row["id"], row["stance"], row["reply"], row["toxicity"]) for row in rows]


TABLES = {
    ".jsonl": json_lines(comments(30)),
    ".jsonl.gz": gzip.compress(json_lines(comments(30))),
    ".jsonl.zst": bytes(pa.compress(json_lines(comments(30)), "zstd", asbytes=True)),
    ".csv": as_csv(comments(30)),
    ".csv.zst": bytes(pa.compress(as_csv(comments(30)), "zstd", asbytes=True)),
    ".parquet": as_parquet(comments(30)),
}


@pytest.mark.parametrize("ending", TABLES)
@pytest.mark.usefixtures("fake")
def test_every_kind_of_table_gives_the_same_scores(tmp_path: Path, ending: str) -> None:
    plain, table = tmp_path / "plain.jsonl", tmp_path / f"comments{ending}"
    plain.write_bytes(TABLES[".jsonl"])
    table.write_bytes(TABLES[ending])
    assert main(["score", str(plain), "--target", "it", "-o", str(tmp_path / "a.jsonl")]) == 1
    assert main(["score", str(table), "--target", "it", "-o", str(tmp_path / "b.jsonl")]) == 1
    assert scores_of(tmp_path / "a.jsonl") == scores_of(tmp_path / "b.jsonl")
    assert len(scores_of(tmp_path / "b.jsonl")) == 30


def run(arguments: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", _FAKE, *arguments],
        capture_output=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
        **options,
    )


# The command with a model that takes its time, and small shards.
_FAKE = """
import sys, time
from conftest import FakeAnalyzer
from stance import cli
from stance.commands import score
from stance.scoring import stream
class Slow(FakeAnalyzer):
    def predict(self, texts, *args, **options):
        time.sleep(0.05)
        return super().predict(texts, *args, **options)
score.load_analyzer = lambda *_: Slow()
stream.SHARD_ROWS = 4
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("ending", TABLES)
def test_a_table_on_standard_input_is_scored_row_by_row(tmp_path: Path, ending: str) -> None:
    out = tmp_path / "out.jsonl"
    done = run(["score", "-", "--target", "it", "-o", str(out)], input=TABLES[ending])
    assert done.returncode == 1, done.stderr
    assert b"stance: -: 3 of 30 rows could not be scored (line " in done.stderr
    assert [row.values["id"] for row in read_rows(out)] == [f"c{n}" for n in range(30)]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b'%!\n{"text": "hm"}\n{"text": "I love it"}\n', 1),
        (b'{"id": 1}\n{"id": 2, "text": "hm"}\n', 1),
        (b'{"id": 1, "text": "' + b"long " * 20_000 + b'"}\n{"text": "hm"}\n', 0),
        (b"TEXT\nhm\n", 2),
    ],
)
def test_standard_input_is_judged_like_the_same_file_by_name(
    tmp_path: Path, content: bytes, code: int
) -> None:
    table, out = tmp_path / f"in.{'csv' if code == 2 else 'jsonl'}", tmp_path / "out.jsonl"
    table.write_bytes(content)
    by_name = run(["score", str(table), "--target", "it", "-o", str(out)])
    rows = out.read_text() if code < 2 else ""
    piped = run(["score", "-", "--target", "it", "-o", str(out)], input=content)
    assert by_name.returncode == piped.returncode == code
    said = [done.stderr.decode().replace(str(table), "-") for done in (by_name, piped)]
    assert said[0] == said[1]
    assert not rows or out.read_text() == rows.replace(str(table), "-")


def test_a_page_on_standard_input_is_a_page(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert run(["score", "-", "-o", str(out)], input=PAGE.encode()).returncode == 0
    assert [row.values["author"] for row in read_rows(out)] == ["Ann", "Bo"]


@pytest.mark.usefixtures("fake")
def test_a_folder_of_tables_and_pages(tmp_path: Path, capfd: Any) -> None:
    folder, out = tmp_path / "in", tmp_path / "out.csv"
    folder.mkdir()
    for number, (ending, content) in enumerate(TABLES.items()):
        (folder / f"{number}{ending}").write_bytes(content)
    (folder / "page.html").write_text(PAGE)
    (folder / "broken.parquet").write_bytes(b"PAR1 and no more")
    assert main(["score", str(folder), "--target", "it", "-o", str(out)]) == 1
    said = capfd.readouterr().err.splitlines()
    assert said[-1] == f"stance: {out}: 182 comments of 7 inputs"
    assert said[-2] == "stance: 1 of 8 inputs failed"
    assert any(
        line.startswith(f"stance: {folder}/broken.parquet: no Parquet file that can be read")
        for line in said
    )
    with out.open(newline="") as stream_:
        sources = [row["source"] for row in csv.DictReader(stream_)]
    assert sources == sorted(sources)


def wait_for_shards(folder: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 120
    while len(list(folder.glob("*.done"))) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)


def start(arguments: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-c", _FAKE, *arguments],
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet"])
def test_a_run_that_is_killed_three_times_loses_nothing_and_doubles_nothing(
    tmp_path: Path, ending: str
) -> None:
    table, out = tmp_path / "comments.jsonl", tmp_path / f"out{ending}"
    whole = tmp_path / f"whole{ending}"
    table.write_bytes(json_lines(comments(160)))
    arguments = ["score", str(table), "--target", "it", "-o", str(out)]
    parts = tmp_path / f"out{ending}.parts"
    for kill in range(1, 4):
        with start(arguments if kill == 1 else [*arguments, "--resume"]) as process:
            wait_for_shards(parts, 6 * kill, process)
            process.kill()
        assert not out.exists()
    refused = run(arguments)
    assert refused.returncode == 2
    assert b"comments that an unfinished run scored: add --resume" in refused.stderr
    assert run([*arguments, "--resume"]).returncode == 1
    assert run([*arguments[:-1], str(whole)]).returncode == 1
    assert out.read_bytes() == whole.read_bytes()
    assert sorted(tmp_path.iterdir()) == sorted([table, out, whole])
    again = run([*arguments, "--resume"])
    assert (again.returncode, b"nothing to resume" in again.stderr) == (2, True)


def test_an_interrupt_says_how_to_go_on(tmp_path: Path) -> None:
    table, out = tmp_path / "comments.jsonl", tmp_path / "out.csv"
    table.write_bytes(json_lines(comments(200)))
    arguments = ["score", str(table), "--target", "it", "-o", str(out)]
    with start(arguments) as process:
        wait_for_shards(tmp_path / "out.csv.parts", 3, process)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.decode().splitlines() == [
        f"stance: {out} is not done: the same command with --resume goes on",
        "stance: interrupted",
    ]
    with start([*arguments[:2], "--target", "them", *arguments[4:], "--resume"]) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert b'the unfinished run had targets ["it"], this one has ["them"]; run it as' in said


@pytest.mark.usefixtures("fake")
def test_what_cannot_be_resumed(page_file: Path, capfd: Any) -> None:
    for output in ([], ["-o", "report.html"]):
        assert main(["score", str(page_file), "--resume", *output]) == 2
        assert capfd.readouterr().err == (
            "stance: --resume needs a file of rows: name one with -o, such as scores.jsonl\n"
        )


@pytest.fixture
def page_file(tmp_path: Path) -> Path:
    path = tmp_path / "page.html"
    path.write_text(PAGE)
    return path


def test_a_device_that_is_not_there_is_an_error(page_file: Path, capfd: Any) -> None:
    import onnxruntime

    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("this ONNX Runtime has CUDA")
    for output in ([], ["-o", str(page_file.with_name("out.csv"))]):
        assert main(["score", str(page_file), "--device", "cuda", *output]) == 2
        assert capfd.readouterr().err == (
            f"stance: device cuda: the installed ONNX Runtime {onnxruntime.__version__} has no "
            "CUDAExecutionProvider; install onnxruntime-gpu in place of onnxruntime, or use the "
            "cpu\n"
        )
    assert list(page_file.parent.iterdir()) == [page_file]


def flat(value: Any) -> Any:
    """Return a row with its numbers rounded to what they may differ by."""
    if isinstance(value, dict):
        return {key: flat(item) for key, item in value.items()}
    if isinstance(value, list):
        return [flat(item) for item in value]
    return pytest.approx(value, abs=1e-4) if isinstance(value, float) else value


def test_workers_and_threads_and_shards_change_no_score(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example = Path(stance.example.__file__).parent / "labelled.csv"
    texts = [row.values["text"] for row in read_rows(example)][:14]
    table = tmp_path / "comments.jsonl"
    rows = [{"id": str(n), "text": text * (1 + n % 3)} for n, text in enumerate(texts)]
    rows += [{"id": "r", "parent_id": "0", "text": "That is wrong."}, rows[3]]
    table.write_bytes(json_lines(rows))
    results = []
    for number, (shard_rows, options) in enumerate(
        [(1024, []), (4, ["--threads", "1"]), (4, ["--workers", "2", "--threads", "1"])]
    ):
        monkeypatch.setattr(stream, "SHARD_ROWS", shard_rows)
        out = tmp_path / f"{number}.jsonl"
        assert main(["score", str(table), "--target", "tram line 4", *options, "-o", str(out)]) == 0
        results.append([row.values for row in read_rows(out)])
    assert len(results[0]) == 16
    assert results[1] == results[2]
    assert results[1] == flat(results[0])
    plain = Analyzer(threads=1).predict(
        [row["text"] for row in rows],
        [["tram line 4"]] * 16,
        parents=[*[None] * 14, rows[0]["text"], None],
    )
    assert [row["toxicity"] for row in results[2]] == [flat(p.toxicity) for p in plain]
    assert results[2][14]["reply"]["against"] == pytest.approx(plain[14].reply.against, abs=1e-4)  # type: ignore[union-attr]


def test_a_page_has_the_rows_that_the_analyzer_gives(page_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert main(["score", str(page_file), "-o", str(out)]) == 0
    expected = json.loads(json.dumps(Analyzer().score(parse(page_file)).rows()))
    written = [row.values for row in read_rows(out)]
    assert written == flat(expected)
    assert [list(row) for row in written] == [list(row) for row in expected]


def test_a_quotation_mark_that_is_never_closed_is_counted(tmp_path: Path) -> None:
    table, out = tmp_path / "comments.csv", tmp_path / "out.jsonl"
    lines = ["id,text", *(f"{n},this is comment {n}" for n in range(1, 1001))]
    lines[10] = '10,"this is comment 10'
    table.write_text("\n".join(lines))
    for name, options in ((str(table), {}), ("-", {"input": table.read_bytes()})):
        done = run(["score", name, "--target", "it", "-o", str(out)], **options)
        assert done.returncode == 1
        said = f"stance: {name}: 1 of 10 rows could not be scored (line 11: a quotation mark is"
        assert said in done.stderr.decode()
        assert [row.number for row in read_rows(out) if row.values.get("error")] == [10]


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
@pytest.mark.usefixtures("fake")
def test_scores_that_are_scored_again_stay_apart(tmp_path: Path, ending: str, capfd: Any) -> None:
    table, first, out = tmp_path / "c.csv", tmp_path / "first.csv", tmp_path / f"out{ending}"
    texts = ("I hate it, idiot", "hm", "")
    table.write_bytes(as_csv([{"id": n, "text": text} for n, text in enumerate(texts)]))
    assert main(["score", str(table), "--target", "it", "-o", str(first)]) == 1
    capfd.readouterr()
    assert main(["score", str(first), "--target", "it", "-o", str(out)]) == 1
    said = capfd.readouterr().err
    assert "columns are called like output columns; yours are now 'input_source', " in said
    assert said.count("'input_toxicity.insult'") == 1
    rows = [row.values for row in read_rows(out)]
    assert not any(name.endswith(".2") for name in rows[0])
    before = [row.values for row in read_rows(first)]
    assert [row["input_toxicity.insult"] for row in rows] == [
        row["toxicity.insult"] for row in before
    ]
    assert not any(
        value for name, value in rows[2].items() if name.startswith(("toxic", "stance."))
    )


def cut_short(rows: int, chars: int = 0) -> bytes:
    """Return JSON lines in a gzip archive whose end is missing."""
    lines = json_lines([{"id": f"c{n}", "text": f"I love it {n}"} for n in range(rows)])
    return gzip.compress(lines[: len(lines) - chars])[:-8]


@pytest.mark.parametrize("rows", [3, 700])
@pytest.mark.parametrize("output", ["out.jsonl", "out.html"])
@pytest.mark.usefixtures("fake")
def test_what_stands_before_a_damaged_end_is_kept(
    tmp_path: Path, rows: int, output: str, capfd: Any
) -> None:
    table, out = tmp_path / "c.jsonl.gz", tmp_path / output
    table.write_bytes(cut_short(rows))
    assert main(["score", str(table), "--target", "it", "-o", str(out)]) == 1
    said = capfd.readouterr().err.splitlines()
    assert said[-2].startswith(f"stance: {table}: cannot be read (Compressed file ended before")
    assert said[-2].endswith(f"; kept what came before: {rows} comments")
    assert said[-1] == f"stance: {out}: {rows} comments of 1 input"
    if output == "out.jsonl":
        assert [row.values["id"] for row in read_rows(out)] == [f"c{n}" for n in range(rows)]


@pytest.mark.usefixtures("fake")
def test_a_damaged_end_beside_another_input_is_a_failure(tmp_path: Path, capfd: Any) -> None:
    cut, whole, out = tmp_path / "a.jsonl.gz", tmp_path / "b.jsonl", tmp_path / "out.jsonl"
    cut.write_bytes(cut_short(3))
    whole.write_text('{"text": "hm"}\n')
    assert main(["score", str(cut), str(whole), "--target", "it", "-o", str(out)]) == 1
    said = capfd.readouterr().err.splitlines()
    assert said[0].endswith("; kept what came before: 3 comments")
    assert said[1:] == [
        "stance: 1 of 2 inputs failed",
        f"stance: {out}: 4 comments of 2 inputs",
    ]


@pytest.mark.usefixtures("fake")
def test_an_input_that_gives_nothing_before_its_end_leaves_older_output(
    tmp_path: Path, capfd: Any
) -> None:
    table, out = tmp_path / "c.jsonl.gz", tmp_path / "out.jsonl"
    table.write_bytes(cut_short(1, chars=5))
    out.write_text("older result")
    with pytest.raises(SystemExit) as raised:
        main(["score", str(table), "-o", str(out)])
    assert raised.value.code == 2
    assert "kept" not in capfd.readouterr().err
    assert out.read_text() == "older result"


@pytest.mark.usefixtures("fake")
def test_an_input_of_bad_rows_beside_another_is_counted_as_it_is_written(
    tmp_path: Path, capfd: Any
) -> None:
    bad, good, out = tmp_path / "a.jsonl", tmp_path / "b.jsonl", tmp_path / "out.jsonl"
    bad.write_text('{"note": 1}\n{"note": 2}\n')
    good.write_text('{"text": "hm"}\n')
    assert main(["score", str(bad), str(good), "--target", "it", "-o", str(out)]) == 1
    assert capfd.readouterr().err.splitlines() == [
        f"stance: {bad}: none of its rows could be scored (line 1: no text); expected a column "
        "'text' with the comment, found note",
        f"stance: {out}: 3 comments of 2 inputs",
    ]
    errors = [row.values.get("error") for row in read_rows(out)]
    assert errors == ["line 1: no text", "line 2: no text", None]
    assert main(["score", str(bad), str(bad), "-o", str(tmp_path / "none.jsonl")]) == 2
    said = capfd.readouterr().err
    assert said.endswith("stance: none of 2 inputs could be scored\n")
    assert not (tmp_path / "none.jsonl").exists()


@pytest.mark.usefixtures("fake")
def test_what_json_has_no_type_for_comes_back_as_text(tmp_path: Path) -> None:
    table, out = tmp_path / "in.parquet", tmp_path / "out.parquet"
    own = {
        "day": date(2026, 1, 2),
        "price": Decimal("1.50"),
        "hash": b"\xff\x00",
        "hashes": [b"\xff"],
        "votes": float("nan"),
    }
    table.write_bytes(as_parquet([{"text": "hm", **own}]))
    assert main(["score", str(table), "--target", "it", "-o", str(out)]) == 0
    (row,) = read_rows(out)
    assert {name: row.values[name] for name in own} == {
        "day": "2026-01-02",
        "price": "1.50",
        "hash": "/wA=",
        "hashes": ["/w=="],
        "votes": None,
    }
