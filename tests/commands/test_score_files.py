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
