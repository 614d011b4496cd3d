import gzip
import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from stance.errors import OutputError
from stance.scoring.shards import Marker, ShardStore, read_marker, read_shard, write_shard


def store(output: Path, resume: bool = False, **manifest: Any) -> ShardStore:
    return ShardStore(output, lambda: {"model": "m", "targets": ["a"], **manifest}, resume=resume)


def leave(output: Path, *numbers: int, **manifest: Any) -> Path:
    """Leave what a run with some shards done leaves when it is killed; return its folder."""
    with store(output, **manifest) as half:
        for number in numbers:
            half.write(number, [{"n": number}, {"n": number}], Marker(2, f"digest {number}"))
    return half.folder


def test_shards_done_in_any_order_are_joined_in_theirs(tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    with store(output) as work:
        for number in (2, 0, 1):
            work.write(number, [{"n": number}], Marker(1, unread=[{"de": 1}]))
        assert work.marker(1) == Marker(1, "", [{"de": 1}], read_marker(work.folder, 1).bytes)  # type: ignore[union-attr]
        assert not output.exists()
        work.assemble(3)
    assert output.read_text() == '{"n": 0}\n{"n": 1}\n{"n": 2}\n'
    assert list(tmp_path.iterdir()) == [output]


def test_a_missing_shard_keeps_the_output_from_appearing(tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    leave(output, 0, 2)
    with (
        store(output, resume=True) as work,
        pytest.raises(OutputError, match="shard 1 is not done"),
    ):
        work.assemble(3)
    assert not output.exists()
    assert work.folder.exists()


def test_a_run_that_cannot_be_described_leaves_nothing(tmp_path: Path) -> None:
    def describe() -> dict[str, Any]:
        raise OutputError("no such model")

    with (
        pytest.raises(OutputError, match="no such model"),
        ShardStore(tmp_path / "out.csv", describe, resume=False),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


def test_without_a_shard_nothing_is_left(tmp_path: Path) -> None:
    with store(tmp_path / "out.csv") as work:
        assert (work.folder / "manifest.json").exists()
    assert list(tmp_path.iterdir()) == []


def test_what_is_left_is_never_overwritten(tmp_path: Path) -> None:
    folder = leave(tmp_path / "out.csv", 0, 1)
    with pytest.raises(OutputError) as raised, store(tmp_path / "out.csv"):
        pass
    assert str(raised.value) == (
        f"{folder} holds 4 comments that an unfinished run scored: add --resume to go on with it, "
        "or delete the folder to begin again"
    )
    assert list(read_shard(folder, 1)) == [{"n": 1}] * 2


def test_a_run_with_other_options_cannot_go_on(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    folder = leave(output, 0, targets=["a" * 70])
    with pytest.raises(OutputError) as raised, store(output, resume=True):
        pass
    assert str(raised.value) == (
        f'cannot go on with {output}: the unfinished run had targets ["{"a" * 58}…, this one has '
        f'["a"]; run it as before, or delete {folder} to begin again'
    )
    (folder / "manifest.json").write_text("{")
    with pytest.raises(OutputError, match="its manifest cannot be read"), store(output, True):
        pass


def test_a_finished_output_has_nothing_to_resume(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    output.write_text("a\n1\n")
    with pytest.raises(OutputError, match="nothing to resume; leave --resume out to score anew"):
        store(output, resume=True).check()
    store(output).check()
    assert output.read_text() == "a\n1\n"


@pytest.mark.parametrize("damage", ["rows cut", "marker cut", "marker gone", "rows gone", "other"])
def test_a_shard_that_is_not_whole_is_not_done(tmp_path: Path, damage: str) -> None:
    folder = leave(tmp_path / "out.csv", 0, 1)
    rows, marker = folder / "00000001.jsonl.gz", folder / "00000001.done"
    if damage == "rows cut":
        rows.write_bytes(rows.read_bytes()[:-1])
    elif damage == "marker cut":
        marker.write_bytes(marker.read_bytes()[:-5])
    elif damage == "other":
        marker.write_text(json.dumps({"version": 1, "fish": 2}))
    else:
        (marker if damage == "marker gone" else rows).unlink()
    assert read_marker(folder, 0) == Marker(2, "digest 0", [], read_marker(folder, 0).bytes)  # type: ignore[union-attr]
    assert read_marker(folder, 1) is None


@pytest.mark.parametrize("whole_bytes", [0, 10])  # no gzip at all, and its header alone
def test_damage_within_a_shard_is_said(tmp_path: Path, whole_bytes: int) -> None:
    write_shard(tmp_path, 7, [{"n": 1}], Marker(1))
    path = tmp_path / "00000007.jsonl.gz"
    content = path.read_bytes()
    path.write_bytes(content[:whole_bytes] + b"\xff" * (len(content) - whole_bytes))
    with pytest.raises(OutputError, match=r"00000007.jsonl.gz: damaged .*; delete it and go on"):
        list(read_shard(tmp_path, 7))


def flip(path: Path, place: int) -> None:
    """Damage a file by a single bit."""
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("ending", [".jsonl", ".csv", ".parquet"])
def test_no_row_of_a_damaged_shard_is_used(tmp_path: Path, ending: str) -> None:
    output = tmp_path / f"out{ending}"
    rows = [{"text": f"comment {number * number}"} for number in range(1024)]
    with store(output) as half:
        half.write(0, rows, Marker(len(rows)))
    path = half.folder / "00000000.jsonl.gz"
    whole = path.read_bytes()
    for place in range(len(whole) // 8, len(whole), len(whole) // 8):
        path.write_bytes(whole)
        flip(path, place)
        with pytest.raises(OutputError, match=r": damaged .*; delete it and go on with --resume"):
            next(read_shard(half.folder, 0))
        with (
            store(output, resume=True) as work,
            pytest.raises(OutputError, match=r": damaged .*; delete it and go on with --resume"),
        ):
            work.assemble(1)
    assert not output.exists()


def test_a_shard_that_is_no_json_is_damaged(tmp_path: Path) -> None:
    for content in (b"{\n", b'{"text": "\xff"}\n', b"[" * 100_000 + b"\n"):
        (tmp_path / "00000000.jsonl.gz").write_bytes(gzip.compress(content))
        with pytest.raises(OutputError, match=r": damaged .*; delete it and go on with --resume"):
            next(read_shard(tmp_path, 0))


def test_temporary_files_of_a_killed_run_go(tmp_path: Path) -> None:
    folder = leave(tmp_path / "out.csv", 0)
    (folder / ".stance-0123456789abcdef.tmp").write_text("half a sh")
    with store(tmp_path / "out.csv", resume=True) as work:
        names = {path.name for path in work.folder.iterdir()}
    assert names == {"00000000.done", "00000000.jsonl.gz", "lock", "manifest.json"}


def test_a_folder_that_no_run_made_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "out.csv.parts"
    folder.mkdir()
    (folder / "draft.txt").write_text("mine")
    with (
        pytest.raises(OutputError, match=r"which holds 'draft\.txt', no file of ours; move it"),
        store(tmp_path / "out.csv", resume=True),
    ):
        pass
    assert [path.name for path in folder.iterdir()] == ["draft.txt"]


def _hold(output: Path, taken: Any, done: Any) -> None:
    with store(output):
        taken.set()
        done.wait(30)


def test_two_runs_never_write_one_output(tmp_path: Path) -> None:
    output = tmp_path / "out.csv"
    context = multiprocessing.get_context("spawn")
    taken, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(output, taken, done))
    other.start()
    assert taken.wait(30)
    with pytest.raises(OutputError, match="another run is writing it"), store(output, resume=True):
        pass
    other.kill()  # the lock goes with whoever held it
    other.join()
    with store(output):
        pass
