import errno
import os
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training is not installed")
from stance.errors import OutputError
from stance.training.checkpoints import (
    checkpoints,
    is_whole,
    last_whole_checkpoint,
    read_facts,
    remove_broken,
    seal,
    writing,
)

FILES = ("model.safetensors", "optimizer.pt", "rng_state.pth", "scheduler.json", "whole.json")


def checkpoint(folder: Path, step: int) -> Path:
    place = folder / f"checkpoint-{step}"
    place.mkdir()
    for name in FILES[:-1]:
        (place / name).write_bytes(os.urandom(200))
    seal(place, {"rows": "abc"})
    return place


def test_the_newest_whole_checkpoint_is_found_by_its_step(tmp_path: Path) -> None:
    assert last_whole_checkpoint(tmp_path) is None
    ten, nine = checkpoint(tmp_path, 10), checkpoint(tmp_path, 9)
    (tmp_path / "checkpoint-notes").mkdir()
    assert checkpoints(tmp_path) == [nine, ten]
    assert last_whole_checkpoint(tmp_path) == ten
    assert read_facts(ten)["rows"] == "abc"


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("harm", ["missing", "empty", "truncated", "zeros", "garbled"])
def test_a_checkpoint_with_a_harmed_file_is_passed_over(
    tmp_path: Path, name: str, harm: str
) -> None:
    whole, broken = checkpoint(tmp_path, 1), checkpoint(tmp_path, 2)
    path = broken / name
    content = path.read_bytes()
    if harm == "missing":
        path.unlink()
    else:
        changed = {
            "empty": b"",
            "truncated": content[:-7],
            "zeros": bytes(len(content)),
            "garbled": content[:-3] + bytes([content[-3] ^ 255]) + content[-2:],
        }
        path.write_bytes(changed[harm])
    assert not is_whole(broken)
    assert last_whole_checkpoint(tmp_path) == whole
    remove_broken(tmp_path)
    assert checkpoints(tmp_path) == [whole]


def test_a_checkpoint_that_was_never_sealed_is_passed_over(tmp_path: Path) -> None:
    whole = checkpoint(tmp_path, 1)
    (tmp_path / "checkpoint-2").mkdir()
    assert last_whole_checkpoint(tmp_path) == whole


def test_what_a_full_disk_raises_says_what_to_do(tmp_path: Path) -> None:
    from safetensors import SafetensorError

    no_space = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    rust = SafetensorError("Error while serializing: I/O error: No space left on device")
    torch = RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 128 vs 20")
    torch_too = RuntimeError("basic_ios::clear: iostream error")
    ours = OutputError(f"cannot write {tmp_path}: No space left on device")
    for error, reason in (
        (no_space, "No space left on device"),
        (rust, str(rust)),
        (torch, r"PyTorch could not write the file, [\d,]+ MB of its disk are free"),
        (torch_too, r"PyTorch could not write the file, [\d,]+ MB of its disk are free"),
        (ours, "No space left on device"),
    ):
        with (
            pytest.raises(OutputError, match=f"cannot write {tmp_path}: {reason}; make room"),
            writing(tmp_path, "make room"),
        ):
            raise error
    with pytest.raises(RuntimeError, match="something else"), writing(tmp_path, "make room"):
        raise RuntimeError("something else")
