"""Two real processes that train together, as `torchrun` starts them, against one."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training is not installed")
from safetensors.torch import load_file  # noqa: E402

from stance.training.config import load_config  # noqa: E402
from stance.training.train import train  # noqa: E402

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def torchrun(config: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [*TORCHRUN, "-m", "stance", "train", str(config), "--no-benchmarks"]
    return subprocess.run(
        [*command, *(part for option in options for part in ("--set", option))],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        timeout=600,
        check=False,
    )


@pytest.fixture
def still_encoder(tiny_encoder: Path, tmp_path: Path) -> Path:
    """The tiny encoder without dropout: processes draw what they drop each for themselves."""
    folder = shutil.copytree(tiny_encoder, tmp_path / "still-encoder")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["hidden_dropout_prob"] = 0.0
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def test_two_processes_come_to_what_one_comes_to(
    config_path: Path, still_encoder: Path, tiny_model: Path, tmp_path: Path
) -> None:
    stopping = "{metric: stance_macro_f1, every: 3, patience: 9, rows: 50}"
    options = [
        f"encoder={still_encoder}",
        "dropout=0",
        "log_steps=1",
        "stages.0.epochs=2",
        "batch_size=25",  # divided into unlike parts
        f"stages.0.early_stopping={stopping}",
        "stages.1.seeds=[1, 2]",
        f"stages.1.teacher={{model: {tiny_model}}}",
    ]
    train(load_config(config_path, [*options, f"output={tmp_path / 'one'}"]))
    done = torchrun(config_path, *options, f"output={tmp_path / 'two'}")
    assert done.returncode == 0, done.stderr
    # Only one of them speaks.
    assert done.stdout.splitlines() == [str(tmp_path / "two" / "model")]
    assert done.stderr.count("stage 1 of 2, one, seed 1: ") == 1
    assert done.stderr.count("tiny has read 0 of 60 pairs") == 1
    logs = [
        [
            json.loads(line)
            for line in (tmp_path / name / "stage-1-one/log.jsonl").read_text().splitlines()
        ]
        for name in ("one", "two")
    ]
    assert len(logs[0]) == len(logs[1])
    for one, two in zip(*logs, strict=True):
        for figure in ("loss", "grad_norm", "eval_stance_macro_f1", "eval_stance_log_loss"):
            assert one.get(figure) == pytest.approx(two.get(figure), abs=5e-4), one
    for stage in ("stage-1-one", "stage-2-two"):
        one, two = (load_file(tmp_path / n / stage / "weights.safetensors") for n in ("one", "two"))
        assert max(float((one[name] - two[name]).abs().max()) for name in one) < 1e-4
    assert (tmp_path / "two/model/model.onnx").exists()


def test_more_processes_than_a_batch_has_rows_are_refused(config_path: Path) -> None:
    done = torchrun(config_path, "batch_size=1")
    assert done.returncode != 0
    assert (
        done.stderr.count(
            "cannot be divided among 2 processes; start fewer, or set a batch_size of at least 4"
        )
        == 1
    )


def test_one_process_alone_says_that_the_output_is_in_use(
    config_path: Path, tmp_path: Path
) -> None:
    output = tmp_path / "used"
    output.mkdir()
    (output / "notes.txt").write_text("mine")
    done = torchrun(config_path, f"output={output}")
    assert done.returncode != 0
    assert done.stderr.count(f"{output} is not empty: add --resume") == 1
    assert [path.name for path in output.iterdir()] == ["notes.txt"]
