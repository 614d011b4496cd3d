"""A whole run on a tiny encoder and made-up corpora in the published formats."""

import json
from pathlib import Path

import pytest
import yaml

pytest.importorskip("torch", reason="training is not installed")
from transformers import TrainerState

from stance.cli import main
from stance.errors import ConfigError
from stance.scoring.analyzer import Analyzer
from stance.training.config import TrainConfig, load_config
from stance.training.train import corpora_of, train


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("corpora")
    opinions = [("love", "1"), ("hate", "0")]
    rows = [
        f"we {word} trams {n},trams,tram,{code},3\n" for n in range(24) for word, code in opinions
    ]
    rows += [f"the hall is open {n},hall,trams,2,4\n" for n in range(12)]
    write(
        root / "stance/vast/vast_train.csv",
        "post,new_topic,topic_str,label,type_idx\n" + "".join(rows),
    )
    for part in ("dev", "test"):
        held_out = [
            f"{part} {n} we {word} cars,cars,{label},{n % 2}\n"
            for n in range(6)
            for word, label in (("love", "FAVOR"), ("hate", "AGAINST"), ("open", "NONE"))
        ]
        write(
            root / f"stance/vast/vast_{part}.csv",
            "Tweet,Target 1,Stance 1,seen?\n" + "".join(held_out),
        )
    for part in ("train", "trial", "test"):
        spans = [
            f'"[4, 5, 6, 7]",you fool {part} {n}\n[],you are good {part} {n}\n' for n in range(12)
        ]
        write(root / f"toxicity/toxic_spans/tsd_{part}.csv", "spans,text\n" + "".join(spans))
    for name in ("text_comment_1.csv", "text_comment_2.csv"):
        rows = [f"you idiot {name} {n},1\nwe love bikes {name} {n},0\n" for n in range(60)]
        write(
            root / f"toxicity/jigsaw_binary_first20k/{name}",
            "comment_text,labels\n" + "".join(rows),
        )
    return root


@pytest.fixture
def config_path(tmp_path: Path, tiny_encoder: Path, data_root: Path) -> Path:
    mix = [{"corpus": name} for name in ("vast", "toxic_spans", "jigsaw_first20k")]
    stage = {"learning_rate": 1e-3, "head_learning_rate": 1e-3, "mix": mix}
    path = tmp_path / "config.yaml"
    write(
        path,
        yaml.safe_dump(
            {
                "name": "tiny-0.0",
                "output": str(tmp_path / "run"),
                "data_root": str(data_root),
                "encoder": str(tiny_encoder),
                "max_length": 160,
                "stages": [{"name": "one", **stage}, {"name": "two", **stage}],
                "calibration": {
                    "stance": [{"corpus": "vast"}],
                    "relevance": [{"corpus": "vast"}],
                    "toxicity": [{"corpus": "jigsaw_first20k"}],
                    "spans": [{"corpus": "toxic_spans"}],
                },
            }
        ),
    )
    return path


def test_a_run_leaves_a_model_folder_that_scores(config_path: Path, tmp_path: Path) -> None:
    assert main(["train", str(config_path), "--no-benchmarks"]) == 0
    folder = tmp_path / "run" / "model"
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md",
        "calibration.json",
        "config.json",
        "metrics.json",
        "model.onnx",
        "model.safetensors",
        "tokenizer.json",
    ]
    analyzer = Analyzer(folder)
    assert analyzer.name == "tiny-0.0"
    [prediction] = analyzer.predict(["we hate trams"], [["trams"]])
    assert prediction.stance[0].label in ("favor", "against", "neutral")
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["config"]["seed"] == 1
    assert set(metrics["data_sha256"]) == {
        "stance/vast",
        "toxicity/jigsaw_binary_first20k",
        "toxicity/toxic_spans",
    }
    assert [stage["name"] for stage in metrics["stages"]] == ["one", "two"]
    assert metrics["export"]["int8_share"] > 0.8
    assert not list((tmp_path / "run").glob("stage-*/checkpoint-*"))


def test_a_used_output_folder_is_refused_and_left_alone(config_path: Path, tmp_path: Path) -> None:
    write(tmp_path / "run" / "notes.txt", "mine")
    with pytest.raises(ConfigError, match="is not empty: add --resume to go on there"):
        train(load_config(config_path))
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["notes.txt"]


def test_an_interrupted_run_goes_on_to_the_same_weights(
    config_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = ["save_steps=2", f"output={tmp_path / 'one'}"]
    whole = train(load_config(config_path, one))

    def interrupt(
        self: object, args: object, state: TrainerState, *_: object, **__: object
    ) -> None:
        if state.global_step == 5:
            raise KeyboardInterrupt

    two = load_config(config_path, ["save_steps=2", f"output={tmp_path / 'two'}"])
    with monkeypatch.context() as patch:
        patch.setattr("stance.training.train._Log.on_step_end", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(two)
    checkpoints = tmp_path / "two" / "stage-1-one"
    assert (checkpoints / "checkpoint-4").is_dir()
    # What kill -9 leaves of a newer checkpoint is passed over.
    write(checkpoints / "checkpoint-6" / "trainer_state.json", "{}")
    resumed = train(two, resume=True)
    weights = [(folder / "model.safetensors").read_bytes() for folder in (whole, resumed)]
    assert weights[0] == weights[1]


def test_resuming_with_other_settings_is_refused(config_path: Path, tmp_path: Path) -> None:
    stage = tmp_path / "run" / "stage-1-one" / "stage.json"
    write(stage, json.dumps({"settings": {"seed": 5}}))
    with pytest.raises(ConfigError, match="was trained with other settings"):
        train(load_config(config_path), resume=True)


def test_a_head_without_held_out_rows_is_refused_before_training(
    config_path: Path, tmp_path: Path
) -> None:
    config = load_config(config_path, ["calibration.spans.0.corpus=vast"])
    with pytest.raises(ConfigError, match=r"calibration\.spans: no row of a dev split"):
        train(config)
    assert not (tmp_path / "run").exists()


def test_a_missing_corpus_is_said_in_one_line(
    config_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["train", str(config_path), "--set", f"data_root={tmp_path / 'nowhere'}"])
    assert code == 2
    assert "no such file; expected the corpus in the file format" in capsys.readouterr().err


def test_a_mixture_names_each_corpus_once(config_path: Path) -> None:
    config: TrainConfig = load_config(config_path)
    assert corpora_of(config) == ["jigsaw_first20k", "toxic_spans", "vast"]


def test_the_default_mix_trains_on_no_benchmark_and_nothing_non_commercial(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from stance.data.corpora import CORPORA

    monkeypatch.setenv("STANCE_DATA", "corpora")
    names = corpora_of(load_config(Path(__file__).parents[2] / "configs" / "default-model.yaml"))
    assert not [name for name in names if CORPORA[name].benchmark]
    assert not [name for name in names if "NC" in CORPORA[name].licence]
    assert "covid19" not in names


def test_several_seeds_end_in_the_mean_of_their_weights(config_path: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    train(load_config(config_path, ["stages.1.seeds=[1, 2]"]))
    stage = tmp_path / "run" / "stage-2-two"
    one, other, mean = (
        load_file(stage / place / "weights.safetensors") for place in ("seed-1", "seed-2", ".")
    )
    name = "heads.stance.weight"
    assert not one[name].equal(other[name])
    assert mean[name].allclose((one[name] + other[name]) / 2)
    runs = json.loads((stage / "stage.json").read_text(encoding="utf-8"))["runs"]
    assert [run["seed"] for run in runs] == [1, 2]


def test_frozen_embeddings_stay_as_they_are_and_lower_layers_learn_more_slowly(
    config_path: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    train(
        load_config(
            config_path, ["stages.1.freeze_embeddings=true", "stages.1.layer_decay=0.000001"]
        )
    )
    one, two = (
        load_file(tmp_path / "run" / stage / "weights.safetensors")
        for stage in ("stage-1-one", "stage-2-two")
    )
    words = "encoder.embeddings.word_embeddings.weight"
    assert one[words].equal(two[words])
    layers = sorted({name.split(".")[3] for name in one if ".layer." in name})
    moved = [
        float((one[name] - two[name]).abs().max())
        for layer in (layers[0], layers[-1])
        for name in [f"encoder.encoder.layer.{layer}.output.dense.weight"]
    ]
    assert moved[0] < moved[1] / 100
