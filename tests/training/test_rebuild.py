"""The script that trains the shipped model again, up to where training begins."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "rebuild"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "wrong use: expected scripts/rebuild FOLDER"),
        (["a", "b"], "wrong use: expected scripts/rebuild FOLDER"),
        (["nowhere"], "nowhere: no such folder; expected the public corpora"),
    ],
)
def test_wrong_use_is_refused_before_anything_is_installed(
    arguments: list[str], problem: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [SCRIPT, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith(f"stance: {problem}")
    assert done.stdout == ""


def test_every_model_is_trained_after_those_that_it_is_made_from() -> None:
    script = SCRIPT.read_text(encoding="utf-8")
    order = [*re.findall(r"(?ms)^models=\((.*?)\)", script)[0].split(), "default-model"]
    assert set(order) == {path.stem for path in (ROOT / "configs").glob("default-model*.yaml")}
    for number, name in enumerate(order):
        config = yaml.safe_load((ROOT / "configs" / f"{name}.yaml").read_text(encoding="utf-8"))
        assert config["output"] == f"runs/{name}"
        others = [config["encoder"], *(other["model"] for other in config.get("average_with", []))]
        options = ("teacher", "toxicity_teacher")
        others += [
            stage[name]["model"] for stage in config["stages"] for name in options if name in stage
        ]
        made_from = {other.split("/")[1] for other in others if other.startswith("runs/")}
        assert made_from <= set(order[:number])
