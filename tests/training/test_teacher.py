"""What a run learns from a teacher, and what an interruption leaves of its answers."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training is not installed")
from stance.data.examples import Example
from stance.errors import ConfigError, DataError
from stance.labels import TOXICITY_LABELS
from stance.modeling.encoding import InputEncoder
from stance.modeling.network import UNKNOWN, CommentModel
from stance.scoring.analyzer import Analyzer
from stance.training.asking import logits_of
from stance.training.batches import Collator, encode_examples
from stance.training.config import load_config
from stance.training.rows import open_sources, stage_rows
from stance.training.stages import prepare_stages
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
    columns = lessons(Teacher.find(tiny_model), EXAMPLES, None, tmp_path, silent)
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
    columns = lessons(Teacher.find(tiny_model), EXAMPLES, ["d"], tmp_path, silent)
    assert columns["teacher_relevance"] == [UNKNOWN] * len(EXAMPLES)
    named = [f"stages.0.teacher={{model: {tiny_model}, corpora: [vast, arc]}}"]
    with pytest.raises(ConfigError, match=r"teacher\.corpora: arc is not in the mix"):
        load_config(config_path, named)


def test_lessons_travel_with_the_rows_into_batches(tiny_model: Path, tmp_path: Path) -> None:
    columns = lessons(Teacher.find(tiny_model), EXAMPLES, None, tmp_path, silent)
    encoder = InputEncoder.from_folder(tiny_model, 160)
    rows = [
        {**row, **{name: column[number] for name, column in columns.items()}}
        for number, row in enumerate(encode_examples(EXAMPLES, encoder))
    ]
    batch = Collator(0)(rows)
    assert batch["teacher_stance"].shape == (6, 3)
    assert batch["teacher_relevance"].tolist()[1] == UNKNOWN


def test_answers_that_are_there_are_not_asked_for_again(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stance.training.teacher._AT_ONCE", 2)
    teacher = Teacher.find(tiny_model)
    whole = lessons(teacher, EXAMPLES, None, tmp_path, silent)
    file = tmp_path / f"teacher-{teacher.sha256[:16]}.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    assert len(lines) == 5
    file.write_text("".join(lines[:3]) + lines[3][:7], encoding="utf-8")  # cut off while writing
    said: list[str] = []
    again = lessons(teacher, EXAMPLES, None, tmp_path, said.append)
    for name, column in whole.items():  # batches of other sizes round otherwise
        assert np.allclose(again[name], column, atol=1e-5)
    assert said == ["tiny has read 3 of 5 pairs"]
    assert file.read_text(encoding="utf-8").splitlines(keepends=True)[:3] == lines[:3]


def test_of_other_pairs_only_the_new_are_asked(tiny_model: Path, tmp_path: Path) -> None:
    teacher = Teacher.find(tiny_model)
    lessons(teacher, EXAMPLES[2:4], None, tmp_path, silent)
    said: list[str] = []
    again = lessons(teacher, EXAMPLES, None, tmp_path, said.append)
    assert said == ["tiny has read 2 of 5 pairs"]
    fresh = lessons(teacher, EXAMPLES, None, tmp_path / "fresh", silent)
    for name, column in fresh.items():  # in the order of the pairs, whenever each was asked
        assert np.allclose(again[name], column, atol=1e-5)


def test_answers_of_another_teacher_are_not_taken(tiny_model: Path, tmp_path: Path) -> None:
    lessons(Teacher.find(tiny_model), EXAMPLES, None, tmp_path / "run", silent)
    said: list[str] = []
    for name in ("calibration.json", "tokenizer.json"):
        folder = tmp_path / name
        shutil.copytree(tiny_model, folder)
        content = json.loads((folder / name).read_text(encoding="utf-8"))
        (folder / name).write_text(json.dumps(content, indent=3), encoding="utf-8")
        lessons(Teacher.find(folder), EXAMPLES, None, tmp_path / "run", said.append)
    assert said == ["tiny has read 0 of 5 pairs"] * 2


def test_pairs_without_a_label_are_for_a_teacher_that_is_asked_about_them(
    config_path: Path, data_root: Path, tiny_model: Path, tmp_path: Path
) -> None:
    corpora = shutil.copytree(data_root, tmp_path / "corpora")
    with (corpora / "stance/vast/vast_train.csv").open("a", encoding="utf-8") as file:
        file.write("we sold it,hall,hall,0,3\n")
    near = "stages.0.mix=[{corpus: vast, near_targets: {vast: 2}}]"
    with pytest.raises(ConfigError, match=r"near_targets of vast: such pairs have no label"):
        load_config(config_path, [near])
    taught = f"stages.0.teacher={{model: {tiny_model}}}"
    here = f"data_root={corpora}"
    config = load_config(config_path, [near, taught, here])
    sources = open_sources(config)
    rows = stage_rows(config, config.stages[0], 1, sources).train
    plain = load_config(config_path, ["stages.0.mix=[{corpus: vast}]", taught, here])
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
    with pytest.raises(ConfigError, match=r"^teacher\.model .*nobody: .*expected a model folder"):
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


def from_a_bare_encoder(model: Path, folder: Path, related: int = 30, **run: object) -> Path:
    """Copy a model as one that such a run made."""
    shutil.copytree(model, folder)
    metrics = {
        "model": "bare",
        "starting_model": None,
        "calibrated_on": {"stance": 30, "relevance": related},
        "stages": [{"name": "own", "runs": [run]}],
    }
    (folder / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
    return folder


def test_a_teacher_is_not_believed_on_what_it_never_learnt(
    tiny_model: Path, tmp_path: Path
) -> None:
    both = {"stance": 9, "relevance": 9}
    taught = {"sha256": "0", "heads": ["stance", "relevance"]}
    for number, (knows, facts) in enumerate(
        [
            (True, {"labelled": both}),
            (True, {"labelled": {"toxicity": 9}, "teacher": taught}),
            (False, {"labelled": both, "constant_labels": ["relevance"]}),
            (False, {"labelled": both, "related": 0}),  # as the first releases wrote it
        ]
    ):
        folder = from_a_bare_encoder(tiny_model, tmp_path / str(number), **facts)
        columns = lessons(Teacher.find(folder), EXAMPLES, None, tmp_path, silent)
        assert sum(columns["teacher_stance"][0]) == pytest.approx(1, abs=1e-5)
        assert (columns["teacher_relevance"][0] != UNKNOWN) is knows
    toxic = from_a_bare_encoder(tiny_model, tmp_path / "toxic", labelled={"toxicity": 9})
    with pytest.raises(
        ConfigError, match=r"^teacher\.model .*toxic: .* without a label of stance,"
    ):
        Teacher.find(toxic)


def test_a_teacher_of_toxicity_says_of_comments_alone_what_it_learnt(
    tiny_model: Path, tmp_path: Path
) -> None:
    folder = from_a_bare_encoder(tiny_model, tmp_path / "toxic", labelled={"insult": 9})
    teacher = Teacher.find(folder, "toxicity")
    columns = lessons(teacher, EXAMPLES, None, tmp_path, silent)
    assert list(columns) == ["teacher_toxicity"]
    said = np.array(columns["teacher_toxicity"])
    insult = TOXICITY_LABELS.index("insult")
    assert np.argwhere(said != UNKNOWN).tolist() == [[1, insult]]
    encoder = InputEncoder.from_folder(tiny_model, 160)
    [row] = encode_examples(EXAMPLES[1:2], encoder)
    [logits] = logits_of([row], CommentModel.load(tiny_model), 0)
    assert said[1, insult] == pytest.approx(float(logits["toxicity"][insult].sigmoid()), abs=1e-6)
    rows = [dict(row, teacher_toxicity=columns["teacher_toxicity"][1])]
    assert Collator(0)(rows)["teacher_toxicity"].tolist() == [pytest.approx(said[1].tolist())]


def test_a_teacher_without_toxicity_is_not_asked_about_it(tiny_model: Path, tmp_path: Path) -> None:
    folder = from_a_bare_encoder(tiny_model, tmp_path / "sides", labelled={"stance": 9})
    with pytest.raises(
        ConfigError, match=r"^toxicity_teacher\.model .*sides: .* without a label of toxicity, so"
    ):
        Teacher.find(folder, "toxicity")


def test_a_run_learns_from_a_teacher_of_each_subject(
    config_path: Path, tiny_model: Path, tmp_path: Path
) -> None:
    """Stage one has pairs and their teacher, stage two comments and theirs, one file for both."""
    taught = f"{{model: {tiny_model}, weight: 20}}"
    mix = "[{corpus: vast}, {corpus: toxic_spans}]"
    options = [f"stages.0.mix={mix}", f"stages.0.teacher={taught}"]
    files = []
    for name, more in {"one": [], "both": [f"stages.0.toxicity_teacher={taught}"]}.items():
        config = load_config(config_path, [*options, *more, f"output={tmp_path / name}"])
        model = train(config)
        run = read_metrics(model)["stages"][0]["runs"][0]
        assert run["teacher"]["pairs"] == 60
        assert ("toxicity_teacher" in run) is (name == "both")
        files.append((model / "model.safetensors").read_bytes())
    spans = run["mix"]["kept"]["toxic_spans"]
    assert spans
    assert run["toxicity_teacher"]["comments"] == spans
    assert run["toxicity_teacher"]["heads"] == sorted(TOXICITY_LABELS)
    assert files[0] != files[1]
    [answers] = (tmp_path / "both").glob("**/teacher*")
    assert len(answers.read_text(encoding="utf-8").splitlines()) == 60 + spans


def test_without_a_comment_a_teacher_of_toxicity_is_refused(
    config_path: Path, tiny_model: Path
) -> None:
    taught = f"stages.0.toxicity_teacher={{model: {tiny_model}}}"
    config = load_config(config_path, [taught, "stages.0.mix=[{corpus: vast}]"])
    with pytest.raises(
        DataError, match=r"stage one: no row of vast stands without a target, and toxicity_teacher"
    ):
        stage_rows(config, config.stages[0], 1, open_sources(config))
    named = [f"stages.0.toxicity_teacher={{model: {tiny_model}, corpora: [arc]}}"]
    with pytest.raises(ConfigError, match=r"toxicity_teacher\.corpora: arc is not in the mix"):
        load_config(config_path, named)


def test_a_teacher_that_is_replaced_before_it_is_asked_is_refused(
    tiny_model: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "teacher")
    teacher = Teacher.find(folder)
    with (folder / "calibration.json").open("a", encoding="utf-8") as file:
        file.write("\n")
    with pytest.raises(ConfigError, match=r"holds another model than when the run began"):
        lessons(teacher, EXAMPLES, None, tmp_path, silent)


def test_where_it_speaks_the_starting_model_is_not_asked(
    config_path: Path, tiny_model: Path
) -> None:
    options = [f"encoder={tiny_model}", "stages.0.mix=[{corpus: vast, near_targets: {vast: 2}}]"]
    teacher = f"stages.0.teacher={{model: {tiny_model}}}"
    config = load_config(config_path, [*options, teacher])
    encoder = InputEncoder.from_folder(tiny_model, 160)
    [stage, _] = prepare_stages(config, encoder, open_sources(config), resume=False)
    rows = stage.runs[0].rows
    assert rows is not None
    assert len(rows) >= 60
    assert all(row["soft_stance"] == [UNKNOWN] * 3 for row in rows)
    assert all(row["soft_relevance"] == UNKNOWN for row in rows)


def test_seeds_and_stages_share_the_answers(
    config_path: Path,
    tiny_model: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    options = [f"stages.{number}.teacher={{model: {tiny_model}}}" for number in (0, 1)]
    train(load_config(config_path, [*options, "stages.0.seeds=[1, 2]"]))
    asked = [line for line in capsys.readouterr().err.splitlines() if "tiny has read" in line]
    assert asked == ["tiny has read 0 of 60 pairs"]
    [file] = (tmp_path / "run").glob("**/teacher*")
    assert len(file.read_text(encoding="utf-8").splitlines()) == 60


@pytest.mark.parametrize("changed", [False, True])
def test_an_interrupted_run_goes_on_with_the_teacher_that_it_had(
    config_path: Path,
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    changed: bool,
) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "teacher")
    options = ["save_steps=2", f"stages.0.teacher={{model: {folder}}}"]
    whole = train(load_config(config_path, [*options, f"output={tmp_path / 'whole'}"]))

    def interrupt(_: object, step: int, *__: object) -> None:
        if step == 3:
            raise KeyboardInterrupt

    config = load_config(config_path, [*options, f"output={tmp_path / 'cut'}"])
    with monkeypatch.context() as patch:
        patch.setattr("stance.training.progress.Progress.step", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(config)
    capsys.readouterr()
    if changed:
        with (folder / "calibration.json").open("a", encoding="utf-8") as file:
            file.write("\n")
        with pytest.raises(ConfigError, match=r"checkpoint-2: learnt from a teacher that is"):
            train(config, resume=True)
        assert "has read" not in capsys.readouterr().err
    else:
        resumed = train(config, resume=True)
        files = [model / "model.safetensors" for model in (whole, resumed)]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_seeds_that_are_done_hold_the_others_to_their_teacher(
    config_path: Path, tiny_model: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(tiny_model, tmp_path / "teacher")
    config = load_config(
        config_path, ["stages.0.seeds=[1, 2]", f"stages.0.teacher={{model: {folder}}}"]
    )
    train(config)
    stage = tmp_path / "run" / "stage-1-one"
    for unfinished in (stage / "stage.json", stage / "seed-2" / "run.json"):
        unfinished.unlink()
    with (folder / "calibration.json").open("a", encoding="utf-8") as file:
        file.write("\n")
    with pytest.raises(ConfigError, match=r"seed-1: learnt from a teacher that is another one"):
        train(config, resume=True)


def test_without_a_pair_a_teacher_is_refused(config_path: Path, tiny_model: Path) -> None:
    taught = f"stages.0.teacher={{model: {tiny_model}}}"
    config = load_config(config_path, [taught, "stages.0.mix=[{corpus: toxic_spans}]"])
    with pytest.raises(
        DataError, match=r"no row of toxic_spans stands beside a target, and teacher"
    ):
        stage_rows(config, config.stages[0], 1, open_sources(config))


def test_dev_rows_that_stop_a_stage_are_labelled_ones_alone(
    config_path: Path, tiny_model: Path
) -> None:
    config = load_config(
        config_path,
        [
            "stages.0.mix=[{corpus: vast, near_targets: {vast: 2}}]",
            f"stages.0.teacher={{model: {tiny_model}}}",
            "stages.0.early_stopping={metric: stance_macro_f1}",
        ],
    )
    rows = stage_rows(config, config.stages[0], 1, open_sources(config))
    assert len(rows.dev) == 18
    assert all(row.stance is not None for row in rows.dev)


def test_a_teacher_is_enough_where_labels_say_nothing(
    config_path: Path, tiny_model: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.csv"
    parts = ("train", "dev", "test")
    rows = [f"we love trams {part} {n},trams,0,{part}\n" for n in range(9) for part in parts]
    file.write_text("text,target,toxicity,split\n" + "".join(rows), encoding="utf-8")
    own = [f"data={{mine: {{file: {file}}}}}", "stages.0.mix=[{corpus: mine}]"]
    config = load_config(config_path, own)
    with pytest.raises(
        DataError, match=r"stage one: nothing to learn from mine: toxicity the same"
    ):
        stage_rows(config, config.stages[0], 1, open_sources(config), soft=True)
    config = load_config(config_path, [*own, f"stages.0.teacher={{model: {tiny_model}}}"])
    rows = stage_rows(config, config.stages[0], 1, open_sources(config), soft=True).train
    assert sum(row.target == "trams" for row in rows) == 9


def test_rows_without_their_labels_are_for_a_teacher_or_the_starting_model(
    config_path: Path, tiny_model: Path
) -> None:
    bare = "stages.0.mix=[{corpus: vast, unlabelled: true}, {corpus: jigsaw_first20k}]"
    config = load_config(config_path, [bare])
    with pytest.raises(DataError, match=r"stage one: unlabelled rows of vast: no teacher is asked"):
        stage_rows(config, config.stages[0], 1, open_sources(config))
    taught = load_config(config_path, [bare, f"stages.0.teacher={{model: {tiny_model}}}"])
    for rows in (
        stage_rows(config, config.stages[0], 1, open_sources(config), soft=True).train,
        stage_rows(taught, taught.stages[0], 1, open_sources(taught)).train,
    ):
        pairs = [row for row in rows if row.corpus == "vast"]
        assert len(pairs) == 60
        assert all(row.stance is None and row.relevance is None for row in pairs)
        assert all(row.toxicity for row in rows if row.corpus != "vast")


def test_what_a_model_says_of_unlabelled_rows_is_learnt(
    config_path: Path, tiny_model: Path
) -> None:
    mix = "stages.0.mix=[{corpus: vast, unlabelled: true}, {corpus: toxic_spans, unlabelled: true}]"
    with pytest.raises(DataError, match="nothing to learn"):
        stage_rows(
            config := load_config(config_path, [mix]), config.stages[0], 1, open_sources(config)
        )
    config = load_config(
        config_path,
        [
            "stages.0.mix=[{corpus: vast, unlabelled: true}, {corpus: jigsaw_first20k}]",
            f"encoder={tiny_model}",
        ],
    )
    encoder = InputEncoder.from_folder(tiny_model, 160)
    [stage, _] = prepare_stages(config, encoder, open_sources(config), resume=False)
    rows = stage.runs[0].rows
    assert rows is not None
    pairs = [row for row in rows if any(row["token_type_ids"])]
    assert len(pairs) == 60
    assert all(sum(row["soft_stance"]) == pytest.approx(1, abs=1e-5) for row in pairs)
    assert all(0 < row["soft_relevance"] < 1 for row in pairs)
