"""Shards that actors score: in this process here, and over Ray where it is installed."""

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from stance.cli import main
from stance.errors import InputError, MissingExtraError, OutputError, WorkerError
from stance.scoring import distributed, stream
from stance.scoring.distributed import Cluster, RayShards, ShardScorer, score_distributed
from stance.scoring.rows import RowCounts, prepare_rows
from stance.scoring.shards import read_marker
from stance.scoring.stream import Item, LocalScorer, SourceEnd, score_stream
from stance.tables import Row

WORDS = ["I love it", "I hate it, idiot", "hm", "Das ist nicht wahr.", "That is wrong.", "\ud83d x"]


@pytest.fixture
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "SHARD_ROWS", 4)


def items(
    inputs: Sequence[int], end: Callable[[int, Counter[str]], None] = lambda *_: None
) -> Iterator[Item]:
    """Yield inputs of so many rows, among them bad ones, repeated ones and replies."""
    for place, count in enumerate(inputs):
        rows = [
            Row(
                n,
                {
                    "id": str(n),
                    "parent_id": str(n - 3) if n % 3 == 0 else None,
                    "text": WORDS[n % 6] if n % 7 else "",
                    "votes": n,
                },
            )
            for n in range(1, count + 1)
        ]
        for chunk in prepare_rows(rows, f"{place}.csv", targets=["it"], counts=RowCounts()):
            yield from chunk
        yield SourceEnd(lambda unread, place=place: end(place, Counter(unread)))


class InProcess:
    """Scores shards as actors do, from the last to the first, until it is stopped."""

    def __init__(self, analyzer: Any, stop_after: int | None = None) -> None:
        self._analyzer = analyzer
        self._stop_after = stop_after
        self.asked: list[int] = []

    def __call__(self, folder: Path, numbers: Sequence[int]) -> Iterable[int]:
        scorer = ShardScorer(folder, lambda: self._analyzer, None)
        for number in reversed(numbers):
            if len(self.asked) == self._stop_after:
                raise KeyboardInterrupt
            self.asked.append(number)
            yield scorer.score(number)


@pytest.mark.usefixtures("_small_shards")
@pytest.mark.parametrize("ending", [".jsonl", ".parquet"])
@pytest.mark.parametrize("inputs", [[], [0], [3], [4, 4], [41, 0, 2, 9], [1] * 9])
def test_the_rows_and_what_is_said_are_those_of_the_plain_engine(
    fake_analyzer: Any, tmp_path: Path, inputs: list[int], ending: str
) -> None:
    said: dict[str, list[tuple[int, Counter[str]]]] = {"plain": [], "ray": []}
    plain, out = tmp_path / f"plain{ending}", tmp_path / f"out{ending}"
    local = LocalScorer(lambda: fake_analyzer)
    count = score_stream(items(inputs, lambda *end: said["plain"].append(end)), plain, local)
    steps: list[tuple[int, int]] = []
    found = score_distributed(
        items(inputs, lambda *end: said["ray"].append(end)),
        out,
        InProcess(fake_analyzer),
        progress=lambda done, skipped: steps.append((done, skipped)),
    )
    assert found == count == sum(inputs)
    assert out.read_bytes() == plain.read_bytes()
    assert said["ray"] == said["plain"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([plain.name, out.name])
    assert not steps or steps[-1] == (count, 0)


@pytest.mark.usefixtures("_small_shards")
def test_a_run_that_was_stopped_goes_on_with_what_is_not_done(
    fake_analyzer: Any, tmp_path: Path
) -> None:
    plain, out = tmp_path / "plain.jsonl", tmp_path / "out.jsonl"
    score_stream(items([30]), plain, LocalScorer(lambda: fake_analyzer))
    with pytest.raises(KeyboardInterrupt):
        score_distributed(items([30]), out, InProcess(fake_analyzer, stop_after=3))
    assert not out.exists()
    with pytest.raises(OutputError, match="holds 10 comments that an unfinished run scored"):
        score_distributed(items([30]), out, InProcess(fake_analyzer))
    rest, steps = InProcess(fake_analyzer), []
    said: list[Counter[str]] = []
    score_distributed(
        items([30], lambda _, unread: said.append(unread)),
        out,
        rest,
        resume=True,
        progress=lambda *step: steps.append(step),
    )
    assert rest.asked == [4, 3, 2, 1, 0]
    assert steps[-1] == (30, 10)
    assert out.read_bytes() == plain.read_bytes()
    assert said == [Counter(de=4)]


@pytest.mark.usefixtures("_small_shards")
@pytest.mark.parametrize("first", ["plain", "ray"])
def test_either_engine_goes_on_with_a_run_of_the_other(
    fake_analyzer: Any, tmp_path: Path, first: str
) -> None:
    plain, out = tmp_path / "plain.jsonl", tmp_path / "out.jsonl"
    local = LocalScorer(lambda: fake_analyzer)
    score_stream(items([30]), plain, local)

    def stop(done: int, _: int) -> None:
        if done >= 10:
            raise KeyboardInterrupt

    over_ray = partial(score_distributed, score=InProcess(fake_analyzer))
    engines = {"plain": partial(score_stream, scorer=local), "ray": over_ray}
    with pytest.raises(KeyboardInterrupt):
        engines.pop(first)(items([30]), out, progress=stop)
    [other] = engines.values()
    other(items([30]), out, resume=True)
    assert out.read_bytes() == plain.read_bytes()


@pytest.mark.usefixtures("_small_shards")
def test_other_rows_than_before_are_refused(fake_analyzer: Any, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"

    def change(row: Item) -> Item:
        if not isinstance(row, SourceEnd):
            row.row.columns["votes"] += 1
        return row

    with pytest.raises(KeyboardInterrupt):
        score_distributed(items([30]), out, InProcess(fake_analyzer, stop_after=3))
    with pytest.raises(OutputError, match="the input is not what it was in the unfinished run"):
        score_distributed(map(change, items([30])), out, InProcess(fake_analyzer), resume=True)


@pytest.mark.usefixtures("_small_shards")
def test_a_run_that_was_for_nothing_leaves_nothing(fake_analyzer: Any, tmp_path: Path) -> None:
    def refuse() -> None:
        raise InputError("nothing was scored")

    with pytest.raises(InputError, match="nothing was scored"):
        score_distributed(
            items([30]), tmp_path / "out.jsonl", InProcess(fake_analyzer), at_end=refuse
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("_small_shards")
def test_an_engine_that_leaves_a_shard_out_is_found_out(fake_analyzer: Any, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="shard 0 was not scored; go on with --resume"):
        score_distributed(items([9]), tmp_path / "out.jsonl", lambda folder, numbers: [])


# An actor


def test_an_actor_does_not_score_again_what_another_one_did(
    fake_analyzer: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders: list[Path] = []

    def twice(folder: Path, numbers: Sequence[int]) -> Iterator[int]:
        folders.append(folder)
        for _ in range(2):
            yield ShardScorer(folder, lambda: fake_analyzer, None).score(numbers[0])

    score_distributed(items([5]), tmp_path / "out.jsonl", twice)
    assert len(fake_analyzer.calls) == 1
    assert folders[0].is_absolute()


def test_an_actor_that_does_not_see_the_folder_says_so(fake_analyzer: Any, tmp_path: Path) -> None:
    scorer = ShardScorer(tmp_path / "elsewhere", lambda: fake_analyzer, None)
    found = scorer({"number": np.array([7])})
    assert found["rows"] == [0]
    assert found["problem"][0].endswith(
        "00000007.left.jsonl.gz'); expected an output in a folder that all machines of the cluster "
        "share"
    )


# Ray's part, without Ray


def test_a_missing_ray_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(distributed, "import_module", missing)
    expected = r"--engine ray needs the package 'ray'.*pip install '\.\[ray\]'"
    with pytest.raises(MissingExtraError, match=expected):
        RayShards(None, Cluster())


def ray_of(monkeypatch: pytest.MonkeyPatch, cores: list[int]) -> SimpleNamespace:
    nodes = [{"Alive": True, "Resources": {"CPU": float(n)}} for n in cores]
    nodes += [{"Alive": False, "Resources": {"CPU": 64.0}}, {"Alive": True, "Resources": {}}]
    fake = SimpleNamespace(nodes=lambda: nodes)
    monkeypatch.setattr(distributed, "import_module", lambda name: fake)
    return fake


@pytest.mark.parametrize(
    ("cluster", "cores", "shards", "expected"),
    [
        (Cluster("head:1"), [16, 6], 100, (5, 4)),
        (Cluster("head:1"), [16, 6], 3, (3, 4)),
        (Cluster("head:1"), [2, 2], 100, (2, 2)),
        (Cluster("head:1", workers=3), [16, 6], 100, (3, 4)),
        (Cluster("head:1", threads=1), [16, 6], 100, (22, 1)),
        (Cluster(workers=2, threads=1), [2], 100, (2, 1)),
    ],
)
def test_a_cluster_is_used_as_far_as_there_is_room_and_work(
    monkeypatch: pytest.MonkeyPatch,
    cluster: Cluster,
    cores: list[int],
    shards: int,
    expected: tuple[int, int],
) -> None:
    ray_of(monkeypatch, cores)
    assert RayShards(None, cluster)._room(shards) == expected


def test_too_little_room_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    ray_of(monkeypatch, [16, 6])
    expected = "room for 2 actors of 8 processors, not for 3: its machines have 16, 6, 0; give a"
    with pytest.raises(WorkerError, match=expected):
        RayShards(None, Cluster("head:1", workers=3, threads=8))._room(100)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--ray-address", "a:1", "-o", "s.jsonl"], "--ray-address is for --engine ray"),
        (["--engine", "ray"], "--engine ray needs a file of rows"),
        (["--engine", "ray", "-o", "r.html"], "--engine ray needs a file of rows"),
        (["--engine", "ray", "-o", "s.csv", "--device", "cuda"], "leave --device out"),
    ],
)
def test_options_that_do_not_go_together(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "in.jsonl"
    path.write_text('{"text": "Good."}\n')
    with contextlib.chdir(tmp_path):
        assert main(["score", str(path), *arguments]) == 2
    assert message in capsys.readouterr().err


# Over Ray

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install '.[ray]'"
)


def comments_file(path: Path, count: int) -> Path:
    rows = (
        {
            "id": f"c{n}",
            "text": f"{WORDS[n % 5]} {n % 97} {'trams are good ' * (n % 9)}" if n % 50 else " ",
            **({"parent_id": f"c{n - 3}"} if n % 3 == 0 else {}),
        }
        for n in range(1, count + 1)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def scored_rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def assert_same_rows(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Other batches may round otherwise in the last digits of a float32."""
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert list(one) == list(other)
        for column in ("id", "text", "parent_id", "language", "toxic_spans", "model", "source"):
            assert one[column] == other[column]
        assert (one.get("error"), one["toxicity"] is None) == (
            other.get("error"),
            other["toxicity"] is None,
        )
        if one["toxicity"] is not None:
            assert one["toxicity"] == pytest.approx(other["toxicity"], abs=1e-5)
            for a, b in zip(one["stance"], other["stance"], strict=True):
                assert a["target"] == b["target"]
                assert a["favor"] == pytest.approx(b["favor"], abs=1e-5)
            assert (one["reply"] is None) == (other["reply"] is None)


def command(source: Path, output: Path, model: Path, *more: str) -> list[str]:
    return [
        *("score", str(source), "--target", "trams", "-o", str(output)),
        *("--model", str(model), "--threads", "1", *more),
    ]


def actors() -> list[int]:
    """Return the processes of our actors that descend from this one."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and b"ray::MapWorker" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return [pid for pid in found if os.getpid() in _ancestors(pid)]


def _ancestors(pid: int) -> Iterator[int]:
    while pid > 1:
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return
        yield pid


@needs_ray
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no /proc to find the actors in")
def test_two_actors_one_of_them_killed_score_the_rows_of_the_plain_engine(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.setattr(stream, "SHARD_ROWS", 64)
    source = comments_file(tmp_path / "in.jsonl", 1500)
    plain, out = tmp_path / "plain.jsonl", tmp_path / "out.jsonl"
    assert main(command(source, plain, tiny_model)) == 1  # bad rows are counted
    killed: list[int] = []
    score = RayShards.__call__

    def score_and_kill(self: RayShards, folder: Path, numbers: Sequence[int]) -> Iterator[int]:
        for rows in score(self, folder, numbers):
            yield rows
            if not killed:
                assert len(list(folder.glob("*.done"))) < len(numbers)
                killed.append(actors()[0])
                os.kill(killed[0], signal.SIGKILL)

    monkeypatch.setattr(RayShards, "__call__", score_and_kill)
    capfd.readouterr()
    assert main(command(source, out, tiny_model, "--engine", "ray", "--workers", "2")) == 1
    assert len(killed) == 1
    # Ray says on standard output that an actor died, and nothing of its own elsewhere.
    said = capfd.readouterr()
    assert {line.split(": ")[0] for line in said.err.splitlines()} == {"stance"}
    assert_same_rows(scored_rows(out), scored_rows(plain))


@needs_ray
def test_a_killed_driver_loses_nothing(tiny_model: Path, tmp_path: Path) -> None:
    source = comments_file(tmp_path / "in.jsonl", 12_000)
    plain, out = tmp_path / "plain.jsonl", tmp_path / "out.jsonl"
    assert main(command(source, plain, tiny_model)) == 1
    ray = command(source, out, tiny_model, "--engine", "ray", "--workers", "2")
    folder = tmp_path / "out.jsonl.parts"
    with subprocess.Popen([sys.executable, "-m", "stance", *ray]) as driver:
        while not any(folder.glob("*.done")) and driver.poll() is None:
            time.sleep(0.02)
        driver.send_signal(signal.SIGKILL)
    done = [number for number in range(12) if read_marker(folder, number) is not None]
    assert not out.exists()
    assert 0 < len(done) < 12
    before = {number: (folder / f"{number:08}.jsonl.gz").stat().st_mtime_ns for number in done}
    asked: list[int] = []
    score = RayShards.__call__

    def note(self: RayShards, folder: Path, numbers: Sequence[int]) -> Iterator[int]:
        for number in done:
            assert (folder / f"{number:08}.jsonl.gz").stat().st_mtime_ns == before[number]
        asked.extend(numbers)
        return score(self, folder, numbers)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RayShards, "__call__", note)
        assert main([*ray, "--resume"]) == 1
    assert not set(asked) & set(done)
    assert not folder.exists()
    assert_same_rows(scored_rows(out), scored_rows(plain))
