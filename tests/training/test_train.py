"""A whole run on a tiny encoder and made-up corpora in the published formats."""

import json
import platform
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="training is not installed")
from stance.cli import main
from stance.errors import ConfigError
from stance.scoring.analyzer import Analyzer
from stance.training.config import TrainConfig, load_config
from stance.training.loop import lacks_bfloat16
from stance.training.rows import corpora_of
from stance.training.train import train

CONFIGS = Path(__file__).parents[2] / "configs"


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
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="is not empty: add --resume to go on there"):
        train(load_config(config_path))
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["notes.txt"]


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


@pytest.mark.parametrize(
    "path", sorted(CONFIGS.glob("default-model*.yaml")), ids=lambda path: path.stem
)
def test_no_default_mix_has_a_benchmark_or_what_bars_commercial_use(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from stance.data.corpora import CORPORA

    monkeypatch.setenv("STANCE_DATA", "corpora")
    names = corpora_of(load_config(path))
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


def test_the_start_keeps_its_share_in_what_a_run_ends_with(
    config_path: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    from stance.modeling.network import CommentModel

    start = train(load_config(config_path))
    again = tmp_path / "again"
    folder = train(
        load_config(config_path, [f"encoder={start}", f"output={again}", "keep_start=0.25"])
    )
    before, after = (CommentModel.load(path).state_dict() for path in (start, folder))
    trained = load_file(again / "stage-2-two" / "weights.safetensors")
    for name in ("heads.stance.weight", "heads.relevance.bias"):
        assert not trained[name].equal(before[name])
        wanted = 0.75 * trained[name] + 0.25 * before[name]
        assert after[name].allclose(wanted, atol=2e-3)  # stored in half precision


def test_other_models_have_their_share_in_what_a_run_ends_with(
    config_path: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    from stance.modeling.network import CommentModel

    start = train(load_config(config_path))
    runs = {
        name: train(
            load_config(config_path, [f"encoder={start}", f"output={tmp_path / name}", *more])
        )
        for name, more in {
            "one": ["seed=2"],
            "mean": [
                "keep_start=0.25",
                f"average_with=[{{model: {tmp_path}/one/model, share: 0.5}}]",
            ],
        }.items()
    }
    before, other, after = (
        CommentModel.load(path).state_dict() for path in (start, runs["one"], runs["mean"])
    )
    trained = load_file(tmp_path / "mean" / "stage-2-two" / "weights.safetensors")
    name = "heads.stance.weight"
    wanted = 0.25 * trained[name] + 0.25 * before[name] + 0.5 * other[name]
    assert after[name].allclose(wanted, atol=2e-3)  # stored in half precision
    card = (runs["mean"] / "README.md").read_text(encoding="utf-8")
    assert "The weights are a mean with those of other models: tiny-0.0 (50%)." in card
    assert card.count("| one | vast |") == 3  # its own stage, the other's, and that of the start


@pytest.mark.parametrize(
    ("override", "said"),
    [
        (
            "average_with=[{model: nowhere/model, share: 0.5}]",
            "nowhere/model: not a model folder of stance",
        ),
        ("average_with=[{model: ENCODER, share: 0.5}]", "not a model folder of stance"),
        ("average_with=[{model: embedded, share: 0.5}]", "embedded: has other layers than"),
        (
            "average_with=[{model: embedded, share: 0.5}, {model: embedded, share: 0.5}]",
            "keep_start and the shares of average_with add up to 1; expected less than 1",
        ),
    ],
)
def test_a_model_that_cannot_be_averaged_with_is_refused_before_training(
    config_path: Path,
    tmp_path: Path,
    tiny_encoder: Path,
    override: str,
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    override = override.replace("ENCODER", str(tiny_encoder))
    assert main(["train", str(config_path), "--set", override]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_linear_model_stands_beside_the_network_and_is_handed_on(
    config_path: Path, tmp_path: Path
) -> None:
    ngrams = ["ngrams=[{corpus: jigsaw_first20k}]", "calibration.toxic_share=0.2"]
    start = train(load_config(config_path, ngrams))
    with_it = Analyzer(start).predict(["you idiot"], [[]])[0].toxicity["toxicity"]
    (start / "ngrams.npz").rename(tmp_path / "kept.npz")
    without = Analyzer(start).predict(["you idiot"], [[]])[0].toxicity["toxicity"]
    assert with_it != without
    card = (start / "README.md").read_text(encoding="utf-8")
    metrics = json.loads((start / "metrics.json").read_text(encoding="utf-8"))
    rows = metrics["ngram_mix"]["kept"]["jigsaw_first20k"]
    assert f"Trained on {rows} rows: jigsaw_first20k {rows}." in card
    assert metrics["ngram_shares"]["toxicity"] > 0
    (tmp_path / "kept.npz").rename(start / "ngrams.npz")
    again = train(load_config(config_path, [f"encoder={start}", f"output={tmp_path / 'again'}"]))
    assert (again / "ngrams.npz").read_bytes() == (start / "ngrams.npz").read_bytes()
    card = (again / "README.md").read_text(encoding="utf-8")
    assert "(`ngrams.npz`), that of tiny-0.0. Its logits" in card
    assert f"Trained on {rows} rows: jigsaw_first20k {rows}." in card
    third = train(load_config(config_path, [f"encoder={again}", f"output={tmp_path / 'third'}"]))
    kept = json.loads((third / "metrics.json").read_text(encoding="utf-8"))
    assert kept["ngrams_of"] == "tiny-0.0"
    assert kept["ngram_mix"] == metrics["ngram_mix"]


def test_the_time_that_is_left_is_reckoned_with_all_epochs(
    config_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = []

    def begin(work: list[int]) -> None:
        works.append(work)
        raise Said

    monkeypatch.setattr("stance.training.train.Progress", begin)
    for epochs in (1, 3):
        with pytest.raises(Said):
            train(load_config(config_path, [f"stages.0.epochs={epochs}"]))
    assert works[1] == [3 * works[0][0], works[0][1]]


def test_a_linear_model_needs_rows_with_a_label_of_toxicity(
    config_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(config_path), "--set", "ngrams=[{corpus: vast}]"]) == 2
    assert "ngrams: no row with a label of toxicity in ['vast']" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_bare_encoder_has_nothing_to_keep(
    config_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(config_path), "--set", "keep_start=0.25"]) == 2
    assert "is a bare encoder, whose heads know nothing yet; leave keep_start out" in (
        capsys.readouterr().err
    )


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


@pytest.mark.parametrize("count", [1, 2])
def test_frozen_layers_stay_as_they_are_from_the_lowest_on(
    config_path: Path, tmp_path: Path, count: int
) -> None:
    from safetensors.torch import load_file

    train(load_config(config_path, [f"stages.1.freeze_layers={count}"]))
    one, two = (
        load_file(tmp_path / "run" / stage / "weights.safetensors")
        for stage in ("stage-1-one", "stage-2-two")
    )
    moved = {name for name in one if not one[name].equal(two[name])}
    assert any(name.startswith("heads.") for name in moved)
    assert not any(".embeddings." in name or ".layer.0." in name for name in moved)
    assert any(".layer.1." in name for name in moved) is (count == 1)


def test_more_frozen_layers_than_there_are_are_refused(config_path: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"stage two: freeze_layers 3: .* has 2 layers with"):
        train(load_config(config_path, ["stages.1.freeze_layers=3"]))
    assert not (tmp_path / "run").exists()


class Said(Exception):  # noqa: N818
    """Ends a run at the first thing that it says."""


def stop(line: str) -> None:
    raise Said(line)


def test_a_precision_that_is_slow_here_is_said_before_training(
    config_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stance.training.train.lacks_bfloat16", lambda: True)
    with pytest.raises(Said, match=r"no units for bfloat16.*add --set precision=float32"):
        train(load_config(config_path, ["precision=bfloat16"]), say=stop)
    assert not (tmp_path / "run").exists()


@pytest.mark.skipif(
    not Path("/proc/cpuinfo").exists() or platform.machine() != "x86_64",
    reason="what the processor has is read where Linux tells it",
)
def test_what_the_processor_lacks_is_what_linux_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    assert lacks_bfloat16() == flags.isdisjoint({"avx512_bf16", "amx_tile"})
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    assert not lacks_bfloat16()
