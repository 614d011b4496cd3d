"""What a run writes: whole or not at all, and what others can read of it."""

import os
import resource
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training is not installed")
from stance.errors import OutputError  # noqa: E402
from stance.modeling.network import CommentModel  # noqa: E402
from stance.training.checkpoints import checkpoints, is_whole  # noqa: E402
from stance.training.config import load_config  # noqa: E402
from stance.training.stages import where_to_go_on  # noqa: E402
from stance.training.train import train  # noqa: E402


@pytest.mark.parametrize(
    ("most_bytes", "reason"),
    [
        (1 << 20, "File too large"),  # the weights do not fit
        (2 << 20, "PyTorch could not write the file, "),  # the optimizer's state does not
    ],
)
def test_a_full_disk_leaves_the_last_checkpoint_as_it_was(
    config_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    most_bytes: int,
    reason: str,
) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_the_disk(self: object, step: int, *_: object) -> None:
        if step == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))

    stage = tmp_path / "run" / "stage-1-one"
    monkeypatch.setattr("stance.training.progress.Progress.step", fill_the_disk)
    try:
        with pytest.raises(OutputError) as raised:
            train(load_config(config_path, ["save_steps=2"]))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    said = str(raised.value)
    assert said.startswith(f"cannot write {stage / 'checkpoint-4'}: ")
    assert reason in said
    assert said.endswith("; make room, or see to its permissions, and go on with --resume")
    assert [path.name for path in checkpoints(stage)] == ["checkpoint-2"]
    assert is_whole(stage / "checkpoint-2")
    assert where_to_go_on(tmp_path / "run") == str(stage / "checkpoint-2")


def test_a_run_goes_on_after_what_was_finished_last(tmp_path: Path) -> None:
    assert where_to_go_on(tmp_path) == "the start"
    for number, name in enumerate(["stage-1-a/stage.json", "stage-10-c/seed-4/run.json"]):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text("{}", encoding="utf-8")
        os.utime(path, (number, number))
    assert where_to_go_on(tmp_path) == f"the end of {tmp_path / 'stage-10-c' / 'seed-4'}"
    os.utime(tmp_path / "stage-1-a" / "stage.json", (9, 9))
    assert where_to_go_on(tmp_path) == f"the end of {tmp_path / 'stage-1-a'}"


def test_a_file_in_the_way_of_the_output_is_said_before_training(
    config_path: Path, tmp_path: Path
) -> None:
    (tmp_path / "notes").write_text("mine", encoding="utf-8")
    with pytest.raises(OutputError) as raised:
        train(load_config(config_path, [f"output={tmp_path / 'notes' / 'run'}"]))
    assert str(raised.value) == (
        f"cannot write {tmp_path / 'notes' / 'run'}: {tmp_path / 'notes'} is no folder; set "
        "another output"
    )


def test_a_folder_that_cannot_be_written_to_is_said_before_training(
    config_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Whoever runs the tests as root may write anywhere: the answer is given for the system.
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(OutputError) as raised:
        train(load_config(config_path, [f"output={tmp_path / 'a' / 'b'}"]))
    assert str(raised.value) == (
        f"cannot write {tmp_path / 'a' / 'b'}: {tmp_path} is read-only for you; set another "
        "output, or see to its permissions"
    )
    assert not (tmp_path / "a").exists()


def test_transformers_loads_the_encoder_whole(tiny_model: Path) -> None:
    from transformers import AutoModel

    encoder, found = AutoModel.from_pretrained(
        tiny_model, dtype=torch.float32, trust_remote_code=False, output_loading_info=True
    )
    # The heads are of stance; a pooler, which no head reads, is not kept.
    heads = {name.split(".")[0] for name in found["unexpected_keys"]}
    assert heads == {"stance_heads"}
    assert all(name.startswith("pooler.") for name in found["missing_keys"])
    assert not found["mismatched_keys"]
    kept = CommentModel.load(tiny_model).encoder.state_dict()
    loaded = encoder.state_dict()
    assert kept
    assert all(value.equal(loaded[name]) for name, value in kept.items())
