"""Runs that are interrupted, by a key or by force, and go on to the same weights."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training is not installed")
from safetensors.torch import load_file, save_file  # noqa: E402

from stance.errors import ConfigError  # noqa: E402
from stance.training.checkpoints import checkpoints, is_whole  # noqa: E402
from stance.training.config import TrainConfig, load_config  # noqa: E402
from stance.training.train import train  # noqa: E402

STEPS = ["save_steps=1", "log_steps=1", "stages.0.epochs=6"]
PICKLES = {"optimizer.pt", "rng_state.pth"}


def start(config: Path, *options: str) -> subprocess.Popen[str]:
    """Start `stance train` in a process group of its own, as a terminal does."""
    return subprocess.Popen(
        [sys.executable, "-m", "stance", "train", str(config), "--no-benchmarks", *options],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def settings(values: list[str]) -> list[str]:
    return [part for value in values for part in ("--set", value)]


def steps_logged(stage: Path) -> int:
    log = stage / "log.jsonl"
    entries = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return max((json.loads(entry)["step"] for entry in entries if entry.endswith("}")), default=0)


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 600
    while not condition():
        assert process.poll() is None, process.stderr and process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.001)


def interrupt_at(step: int) -> Callable[..., None]:
    def say_step(self: object, done: int, *_: object) -> None:
        if done == step:
            raise KeyboardInterrupt

    return say_step


def train_until(
    step: int, monkeypatch: pytest.MonkeyPatch, config: TrainConfig, *, resume: bool = False
) -> None:
    """Train and interrupt it after a step."""
    with monkeypatch.context() as patch:
        patch.setattr("stance.training.progress.Progress.step", interrupt_at(step))
        with pytest.raises(KeyboardInterrupt):
            train(config, resume=resume)


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def logged(output: Path) -> list[dict[str, object]]:
    """Return what the first stage logged, but for times."""
    lines = (output / "stage-1-one" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    entries: list[dict[str, object]] = [json.loads(line) for line in lines]
    for entry in entries:
        del entry["seconds"]
    return entries


def test_killed_at_random_steps_a_run_ends_in_the_same_weights(
    config_path: Path, tmp_path: Path
) -> None:
    whole = train(load_config(config_path, [*STEPS, f"output={tmp_path / 'whole'}"]))
    steps = json.loads((tmp_path / "whole/stage-1-one/run.json").read_text())["steps"]
    killed = [*STEPS, f"output={tmp_path / 'killed'}"]
    stage = tmp_path / "killed" / "stage-1-one"
    draw = random.Random()  # noqa: S311 - any step has to do
    last = 0
    for options in ([], ["--resume"]):
        last = draw.randint(last + 1, last + (steps - last) // 2)
        process = start(config_path, *settings(killed), *options)
        wait_until(lambda: steps_logged(stage) >= last, process)  # noqa: B023
        time.sleep(draw.random() * 0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL, last
        last = steps_logged(stage)
    assert weights(train(load_config(config_path, killed), resume=True)) == weights(whole)


@pytest.mark.parametrize("early_stopping", [False, True])
def test_an_interrupted_run_goes_on_to_the_same_weights(
    config_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, early_stopping: bool
) -> None:
    stop = "stages.0.early_stopping={metric: stance_macro_f1, every: 2, patience: 4, rows: 50}"
    options = ["save_steps=2", "log_steps=1", *([stop] if early_stopping else [])]
    whole = train(load_config(config_path, [*options, f"output={tmp_path / 'one'}"]))
    two = load_config(config_path, [*options, f"output={tmp_path / 'two'}"])
    train_until(5, monkeypatch, two)
    stage = tmp_path / "two" / "stage-1-one"
    [*_, last] = checkpoints(stage)
    assert last.name == "checkpoint-4"
    assert {path.name for path in last.iterdir() if path.suffix in (".pt", ".pth", ".bin")} == (
        PICKLES
    )
    for name in PICKLES:
        assert torch.load(last / name, weights_only=False)
    # What power loss leaves of a newer checkpoint is passed over.
    newer = stage / "checkpoint-6"
    newer.mkdir()
    with (stage / "log.jsonl").open("a", encoding="utf-8") as log:
        log.write('{"step": 5, "of"')
    (newer / "trainer_state.json").write_text("{}", encoding="utf-8")
    resumed = train(two, resume=True)
    assert weights(resumed) == weights(whole)
    runs = [json.loads((tmp_path / n / "stage-1-one/run.json").read_text()) for n in ("one", "two")]
    assert runs[0] == runs[1]
    logs = [logged(tmp_path / name) for name in ("one", "two")]
    assert logs[0] == logs[1]
    assert all("loss" in entry or "eval_stance_macro_f1" in entry for entry in logs[0])


def test_an_interrupt_says_how_to_go_on(config_path: Path, tmp_path: Path) -> None:
    process = start(config_path, *settings(STEPS))
    stage = tmp_path / "run" / "stage-1-one"
    wait_until(lambda: steps_logged(stage) >= 3, process)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in said
    [*_, line] = said.splitlines()
    whole = [path for path in checkpoints(stage) if is_whole(path)][-1]
    assert line == (f"stance: interrupted; add --resume to the same command to go on from {whole}")


def test_a_run_of_before_an_option_came_goes_on(config_path: Path, tmp_path: Path) -> None:
    train(load_config(config_path))
    [first, _] = sorted((tmp_path / "run").glob("stage-*/settings.json"))
    settings = json.loads(first.read_text(encoding="utf-8"))
    assert settings.pop("teacher") is None
    assert settings["batch_size"] == 32
    settings["batch_size"] = None
    first.write_text(json.dumps(settings), encoding="utf-8")
    train(load_config(config_path), resume=True)


def test_two_runs_are_the_same_bit_for_bit(config_path: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        train(load_config(config_path, [f"output={tmp_path / name}"]))
    places = [
        place.relative_to(tmp_path / "one") for place in (tmp_path / "one").rglob("*.safetensors")
    ]
    assert len(places) == 3
    for place in places:
        assert (tmp_path / "one" / place).read_bytes() == (tmp_path / "two" / place).read_bytes()


@pytest.mark.parametrize(
    ("option", "problem"),
    [
        (
            "stages.0.learning_rate=0.1",
            "was trained with other settings than the configuration has",
        ),
        ("max_rows=40", "was trained with other settings"),
        ("batch_size=8", r"was trained with other settings .* \(batch_size\)"),
    ],
)
def test_resuming_with_other_settings_is_refused(
    config_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, problem: str
) -> None:
    train_until(3, monkeypatch, load_config(config_path, ["save_steps=2"]))
    with pytest.raises(ConfigError, match=problem):
        train(load_config(config_path, ["save_steps=2", option]), resume=True)


def test_resuming_from_another_model_is_refused(
    config_path: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = shutil.copytree(tiny_model, tmp_path / "start")
    config = load_config(config_path, ["save_steps=2", f"encoder={start}"])
    train_until(3, monkeypatch, config)
    changed = load_file(start / "model.safetensors")
    changed["stance_heads.stance.bias"] += 1
    save_file(changed, start / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ConfigError, match=r"was trained from another model than .*start is now"):
        train(config, resume=True)


def test_resuming_on_other_rows_is_refused(
    config_path: Path, data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpora = shutil.copytree(data_root, tmp_path / "corpora")
    config = load_config(config_path, ["save_steps=2", f"data_root={corpora}"])
    train_until(3, monkeypatch, config)
    # As many rows of the same lengths, one with another label.
    table = corpora / "stance/vast/vast_train.csv"
    text = table.read_text(encoding="utf-8")
    changed = text.replace("we love trams 7,trams,tram,1,", "we love trams 7,trams,tram,0,")
    assert changed != text
    table.write_text(changed, encoding="utf-8")
    with pytest.raises(
        ConfigError, match="was trained on other files of its corpora than there are now; bring"
    ):
        train(config, resume=True)
    # Runs of before did not write the files' checksums.
    path = tmp_path / "run" / "stage-1-one" / "settings.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert "stance/vast" in kept.pop("data_sha256")
    path.write_text(json.dumps(kept), encoding="utf-8")
    with pytest.raises(ConfigError, match="was trained on other rows than the configuration"):
        train(config, resume=True)


def test_a_stage_that_followed_another_one_is_refused(config_path: Path, tmp_path: Path) -> None:
    config = load_config(config_path)
    train(config)
    first, second = sorted((tmp_path / "run").glob("stage-*"))
    shutil.rmtree(first)
    problem = f"{second}: was trained after another stage than there is before it now"
    with pytest.raises(ConfigError, match=re.escape(problem)):
        train(config, resume=True)
    shutil.rmtree(second)
    train(config, resume=True)


def test_what_was_trained_to_its_end_is_not_trained_again(
    config_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost_power(*_: object) -> None:
        raise KeyboardInterrupt

    config = load_config(config_path, ["save_steps=2"])
    with monkeypatch.context() as patch:
        patch.setattr("stance.training.stages._save_weights", lost_power)
        with pytest.raises(KeyboardInterrupt):
            train(config)
    stage = tmp_path / "run" / "stage-1-one"
    [*_, last] = checkpoints(stage)
    kept = load_file(last / "model.safetensors")
    train_until(1, monkeypatch, config, resume=True)  # in the second stage
    found = load_file(stage / "weights.safetensors")
    assert all(found[name].equal(value) for name, value in kept.items())
