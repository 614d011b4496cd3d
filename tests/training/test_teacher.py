"""What a run learns from a teacher, and what an interruption leaves of its answers."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training is not installed")
from stance.data.examples import Example
from stance.errors import ConfigError
from stance.modeling.network import UNKNOWN
from stance.scoring.analyzer import Analyzer
from stance.training.batches import Collator, encode_examples
from stance.training.config import load_config
from stance.training.rows import open_sources, stage_rows
from stance.training.teacher import Teacher, lessons
from stance.training.train import read_metrics, train

EXAMPLES = [
    Example("we love it", "c", "train", target="trams", stance="favor"),
    Example("you fool", "c", "train", toxicity={"insult": 1.0}),
    *(Example(f"we hate it {n}", "c", "train", target="the town hall") for n in range(4)),
]


def silent(_: str) -> None:
    """Say nothing."""


def test_a_teacher_says_what_it_says_in_scoring_of_pairs_alone(
    tiny_model: Path, tmp_path: Path
) -> None:
    columns = lessons(Teacher.load(tiny_model), EXAMPLES, None, tmp_path, silent)
    [said] = Analyzer(tiny_model).predict(["we love it"], [["trams"]])
    found = said.stance[0]
    assert columns["teacher_stance"][0] == pytest.approx(
        [found.favor, found.against, found.neutral], abs=0.02
    )
    assert columns["teacher_relevance"][0] == pytest.approx(found.relevance, abs=0.02)
    assert columns["teacher_stance"][1] == [UNKNOWN] * 3
    assert columns["teacher_relevance"][1] == UNKNOWN
    assert all(sum(row) == pytest.approx(1, abs=1e-5) for row in columns["teacher_stance"][2:])


def test_a_teacher_is_asked_about_the_corpora_that_are_named(
    config_path: Path, tiny_model: Path, tmp_path: Path
) -> None:
    columns = lessons(Teacher.load(tiny_model), EXAMPLES, ["d"], tmp_path, silent)
    assert columns["teacher_relevance"] == [UNKNOWN] * len(EXAMPLES)
    named = [f"stages.0.teacher={{model: {tiny_model}, corpora: [vast, arc]}}"]
    with pytest.raises(ConfigError, match=r"teacher\.corpora: arc is not in the mix"):
        load_config(config_path, named)


def test_lessons_travel_with_the_rows_into_batches(tiny_model: Path, tmp_path: Path) -> None:
    teacher = Teacher.load(tiny_model)
    columns = lessons(teacher, EXAMPLES, None, tmp_path, silent)
    rows = [
        {**row, **{name: column[number] for name, column in columns.items()}}
        for number, row in enumerate(encode_examples(EXAMPLES, teacher.encoder))
    ]
    batch = Collator(0)(rows)
    assert batch["teacher_stance"].shape == (6, 3)
    assert batch["teacher_relevance"].tolist()[1] == UNKNOWN


def test_answers_that_are_there_are_not_asked_for_again(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stance.training.teacher._AT_ONCE", 2)
    whole = lessons(Teacher.load(tiny_model), EXAMPLES, None, tmp_path, silent)
    file = tmp_path / "teacher.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    assert len(lines) == 1 + 5
    file.write_text("".join(lines[:4]) + lines[4][:7], encoding="utf-8")  # cut off while writing
    said: list[str] = []
    again = lessons(Teacher.load(tiny_model), EXAMPLES, None, tmp_path, said.append)
    for name, column in whole.items():  # batches of other sizes round otherwise
        assert np.allclose(again[name], column, atol=1e-5)
    assert said == ["tiny has read 3 of 5 pairs"]
    assert file.read_text(encoding="utf-8").splitlines(keepends=True)[:4] == lines[:4]


def test_of_other_pairs_only_the_new_are_asked(tiny_model: Path, tmp_path: Path) -> None:
    teacher = Teacher.load(tiny_model)
    lessons(teacher, EXAMPLES[2:4], None, tmp_path, silent)
    said: list[str] = []
    again = lessons(teacher, EXAMPLES, None, tmp_path, said.append)
    assert said == ["tiny has read 2 of 5 pairs"]
    fresh = lessons(teacher, EXAMPLES, None, tmp_path / "fresh", silent)
    for name, column in fresh.items():  # in the order of the pairs, whenever each was asked
        assert np.allclose(again[name], column, atol=1e-5)


def test_answers_of_another_teacher_are_not_taken(tiny_model: Path, tmp_path: Path) -> None:
    teacher = Teacher.load(tiny_model)
    lessons(teacher, EXAMPLES, None, tmp_path, silent)
    said: list[str] = []
    lessons(replace(teacher, sha256="another"), EXAMPLES, None, tmp_path, said.append)
    assert said == ["tiny has read 0 of 5 pairs"]


def test_pairs_without_a_label_are_for_a_teacher_that_is_asked_about_them(
    config_path: Path, data_root: Path, tiny_model: Path
) -> None:
    with (data_root / "stance/vast/vast_train.csv").open("a", encoding="utf-8") as file:
        file.write("we sold it,hall,hall,0,3\n")
    near = "stages.0.mix=[{corpus: vast, near_targets: {vast: 2}}]"
    with pytest.raises(ConfigError, match=r"near_targets of vast: such pairs have no label"):
        load_config(config_path, [near])
    taught = f"stages.0.teacher={{model: {tiny_model}}}"
    config = load_config(config_path, [near, taught])
    sources = open_sources(config)
    rows = stage_rows(config, config.stages[0], 1, sources).train
    plain = load_config(config_path, ["stages.0.mix=[{corpus: vast}]", taught])
    labelled = stage_rows(plain, plain.stages[0], 1, sources).train
    new = [row for row in rows if row not in labelled]
    assert {(row.text[:16], row.target) for row in new} == {("the hall is open", "hall")}
    assert all(row.stance is None for row in new)
    with pytest.raises(ConfigError, match=r"near_targets: .*'hatecheck' is a benchmark"):
        load_config(config_path, [near.replace("{vast: 2}", "{hatecheck: 2}"), taught])


def test_a_folder_without_a_model_is_refused_before_training(
    config_path: Path, tmp_path: Path
) -> None:
    config = load_config(config_path, [f"stages.0.teacher={{model: {tmp_path / 'nobody'}}}"])
    with pytest.raises(ConfigError, match=r"^teacher .*nobody: .*expected a model folder"):
        train(config)
    assert not (tmp_path / "run").exists()


def test_a_run_learns_what_its_teacher_says(
    config_path: Path, tiny_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "teacher"
    shutil.copytree(tiny_model, folder)
    calibration = json.loads((folder / "calibration.json").read_text(encoding="utf-8"))
    calibration["stance_bias"] = [99.0, 0.0, 0.0]  # all comments are in favor of everything
    (folder / "calibration.json").write_text(json.dumps(calibration), encoding="utf-8")
    overrides = [
        *(f"stages.{number}.teacher={{model: {folder}, weight: 20}}" for number in (0, 1)),
        *(f"stages.{number}.epochs=4" for number in (0, 1)),
    ]
    shares = {}
    for name, settings in (("alone", []), ("taught", overrides)):
        output = tmp_path / name
        model = train(load_config(config_path, [f"output={output}", *settings]))
        calibrated = json.loads((model / "calibration.json").read_text(encoding="utf-8"))
        calibrated |= {"stance_temperature": 1.0, "stance_bias": [0.0, 0.0, 0.0]}
        (model / "calibration.json").write_text(json.dumps(calibrated), encoding="utf-8")
        [said] = Analyzer(model).predict(["we hate trams"], [["trams"]])
        shares[name] = said.stance[0].favor
        runs = [stage["runs"][0] for stage in read_metrics(model)["stages"]]
        assert [run.get("teacher", {}).get("model") for run in runs] == (
            ["tiny", "tiny"] if settings else [None, None]
        )
    assert shares["taught"] > 0.8 > shares["alone"]
