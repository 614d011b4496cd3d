"""A user's run: from a labelled file and a model to a model, with what it says on the way."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("torch", reason="training is not installed")
from safetensors.torch import load_file

from stance.cli import main
from stance.data.examples import Example
from stance.data.labelled import read_labelled
from stance.errors import ConfigError, DataError
from stance.labels import TOXICITY_LABELS
from stance.modeling.calibration import Calibration, uncalibrated
from stance.modeling.encoding import InputEncoder
from stance.modeling.runtime import FILE_NAME, Runtime
from stance.scoring.analyzer import Analyzer
from stance.training.batches import first_windows
from stance.training.config import load_config
from stance.training.finish import LEAST_ROWS, calibrate
from stance.training.rows import constant_labels, held_out_rows, open_sources, stage_rows
from stance.training.train import train

OPINIONS = (("love", "pro"), ("hate", "contra"), ("are open to", "neutral"))


def own_file(folder: Path, number: int = 120) -> Path:
    """Tweets with a stance alone, whose columns and labels have other names."""
    path = folder / "tweets.csv"
    lines = [
        f"we {OPINIONS[n % 3][0]} the {('trams', 'bikes')[n // 3 % 2]} no {n},"
        f"{('trams', 'bikes')[n // 3 % 2]},{OPINIONS[n % 3][1]}"
        for n in range(number)
    ]
    path.write_text("\n".join(["tweet,topic,position", *lines, ""]), encoding="utf-8")
    return path


@pytest.fixture
def config_path(tmp_path: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("STANCE_DATA", raising=False)
    path = tmp_path / "config.yaml"
    content: dict[str, Any] = {
        "name": "mine",
        "output": str(tmp_path / "run"),
        "encoder": str(tiny_model),
        "max_length": 160,
        "data": {
            "tweets": {
                "file": str(own_file(tmp_path)),
                "columns": {"text": "tweet", "target": "topic", "stance": "position"},
                "labels": {"stance": {"pro": "favor", "contra": "against"}},
            }
        },
        "stages": [
            {
                "name": "own",
                "epochs": 2,
                "learning_rate": 1e-3,
                "head_learning_rate": 1e-3,
                "class_weights": "balanced",
                "mix": [{"corpus": "tweets"}],
            }
        ],
    }
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def test_a_run_on_a_users_own_file(
    config_path: Path, tmp_path: Path, tiny_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(config_path)]) == 0
    printed = capsys.readouterr()
    assert "tweets: 120 rows of tweets.csv: train 84, dev 18, test 18 (dev and test drawn)" in (
        printed.err
    )
    # Before and after, every head: the labelled by its figures, the others by what they say.
    assert "tiny → mine" in printed.out
    for title in ("Macro-F1 of favor, against, neutral", "Insult, not labelled here"):
        assert title in printed.out
    run = tmp_path / "run"
    assert printed.out.splitlines()[-1] == str(run / "model")
    assert (run / "evaluation" / "report.html").is_file()
    # The rows with their splits are a file that needs no mapping, to be used again.
    kept = read_labelled(run / "data" / "tweets.jsonl")
    assert sorted({str(row.split) for row in kept.rows}) == ["dev", "test", "train"]
    metrics = json.loads((run / "model" / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["starting_model"] == "tiny"
    assert metrics["own_data"]["tweets"]["rows"] == {"train": 84, "dev": 18, "test": 18}
    # 84 rows, each as a pair and as a comment alone.
    assert metrics["stages"][0]["runs"][0]["rows"] == 168
    assert {row["key"] for row in metrics["before_and_after"]} >= {
        *("macro_f1", "insult", "relevance", "toxic_spans")
    }
    assert "file" not in json.dumps(metrics["config"])
    # What the file does not label keeps the calibration of the model before.
    start, now = Calibration.load(tiny_model), Calibration.load(run / "model")
    assert (now.toxicity, now.thresholds, now.relevance, now.span_threshold) == (
        *(start.toxicity, start.thresholds, start.relevance, start.span_threshold),
    )
    card = (run / "model" / "README.md").read_text(encoding="utf-8")
    assert "license: other" in card
    assert "of your data" in card
    assert "trained from the model tiny" in card
    assert "flagged under hatecheck" not in card
    assert "but for benchmarks that were not at hand: arc, " in card
    [prediction] = Analyzer(run / "model").predict(["we love trams"], [["trams"]])
    assert prediction.stance[0].label in ("favor", "against", "neutral")


def test_the_same_run_twice_gives_the_same_weights(config_path: Path, tmp_path: Path) -> None:
    one, two = (
        load_file(
            train(load_config(config_path, [f"output={tmp_path / name}"])) / "model.safetensors"
        )
        for name in ("one", "two")
    )
    assert all(value.equal(two[name]) for name, value in one.items())


def test_resuming_with_a_file_that_changed_is_refused(config_path: Path, tmp_path: Path) -> None:
    config = load_config(config_path)
    open_sources(config).write_splits(tmp_path / "run" / "data")
    own_file(tmp_path, 130)
    with pytest.raises(ConfigError, match=r"tweets\.csv has other rows now than when this run"):
        train(config, resume=True)


# Rows


def test_rows_without_a_label_are_there_for_soft_targets_alone(config_path: Path) -> None:
    config = load_config(config_path)
    sources = open_sources(config)
    stage = config.stages[0]
    soft = stage_rows(config, stage, 1, sources, soft=True)
    hard = stage_rows(config, stage, 1, sources)
    assert (len(soft.train), len(hard.train)) == (168, 84)
    assert soft.constant == hard.constant == ("relevance",)
    assert (soft.left_out, hard.left_out) == (True, False)
    assert all(example.relevance is None for example in soft.train)
    held_out = held_out_rows(config, sources)
    assert {head: len(rows) for head, rows in held_out.items()} == {
        "stance": 18,
        "relevance": 12,
        "toxicity": 0,
        "spans": 0,
    }


def test_a_file_whose_labels_are_all_the_same_teaches_nothing(
    config_path: Path, tmp_path: Path
) -> None:
    path = tmp_path / "tweets.csv"
    content = path.read_text(encoding="utf-8")
    path.write_text(content.replace("contra", "pro").replace("neutral", "pro"), encoding="utf-8")
    config = load_config(config_path)
    with pytest.raises(DataError) as caught:
        stage_rows(config, config.stages[0], 1, open_sources(config), soft=True)
    assert str(caught.value) == (
        "stage own: nothing to learn from tweets: stance the same in all rows; label comments that "
        "differ"
    )


def test_a_label_is_constant_only_where_it_is_known() -> None:
    rows = [
        Example("a", "c", "train", toxicity={"toxicity": 0.2, "threat": 0.0}),
        Example("b", "c", "train", toxicity={"toxicity": 0.8}),
        Example("c", "c", "train", "t", "favor"),
    ]
    assert constant_labels(rows) == ("stance", "threat")


def test_shares_of_raters_below_one_half_differ_too() -> None:
    rows = [Example(str(n), "c", "train", toxicity={"threat": n / 10}) for n in range(4)]
    assert constant_labels(rows) == ()


def test_test_rows_of_another_file_of_the_users_are_not_trained_on(
    config_path: Path, tmp_path: Path
) -> None:
    content = yaml.safe_load(config_path.read_text(encoding="utf-8"))
    held_out = {f"we love the trams no {n}" for n in (0, 6, 12)}
    rows = [f"{text},trams,pro,test" for text in held_out]
    rows += [f"{split} {n},trams,pro,{split}" for n in range(10) for split in ("train", "dev")]
    other = tmp_path / "other.csv"
    other.write_text("\n".join(["text,target,stance,split", *rows, ""]), encoding="utf-8")
    labels = {"stance": {"pro": "favor"}}
    content["data"]["other"] = {"file": str(other), "labels": labels}
    content["data"]["tweets"] |= {"dev": 0.1, "test": 0.0}
    for head in ("stance", "relevance", "toxicity", "spans"):
        content.setdefault("calibration", {})[head] = [{"corpus": "identity_contrasts"}]
    config_path.write_text(yaml.safe_dump(content), encoding="utf-8")
    config = load_config(config_path)
    trained = stage_rows(config, config.stages[0], 1, open_sources(config))
    texts = {example.text for example in trained.train}
    assert not texts & held_out
    assert trained.report.in_benchmark["tweets"]


# Calibration


def test_a_head_with_too_few_rows_keeps_its_calibration(
    tiny_model: Path, config_path: Path
) -> None:
    encoder = InputEncoder.from_folder(tiny_model, 160)
    labels = ("favor", "against", "neutral")
    stance = [
        Example(f"we love it {n}", "c", "dev", "trams", labels[n % 3])  # type: ignore[arg-type]
        for n in range(30)
    ]
    toxic = [
        Example(f"you fool {n}", "c", "dev", toxicity={"insult": float(n % 2), "threat": 0.0})
        for n in range(LEAST_ROWS - 1)
    ]
    held_out = {"stance": stance, "relevance": [], "toxicity": toxic, "spans": []}
    runtime = Runtime(tiny_model / FILE_NAME)
    logits = {name: runtime.run(first_windows(rows, encoder)) for name, rows in held_out.items()}
    start = Calibration.load(tiny_model)
    found, fitted = calibrate(held_out, logits, load_config(config_path), encoder, start)
    assert {name for name, rows in fitted.items() if rows} == {"stance"}
    assert found.stance_bias != start.stance_bias
    assert (found.toxicity, found.thresholds) == (start.toxicity, start.thresholds)
    more = [*toxic, Example("you fool", "c", "dev", toxicity={"insult": 1.0})]
    logits["toxicity"] = runtime.run(first_windows(more, encoder))
    held_out["toxicity"] = more
    found, fitted = calibrate(held_out, logits, load_config(config_path), encoder)
    assert fitted["insult"] == LEAST_ROWS
    assert found.toxicity["insult"] != (1.0, 0.0)
    assert found.toxicity["threat"] == uncalibrated("m", 160).toxicity["threat"]


def test_a_stance_without_enough_rows_keeps_its_bias(tiny_model: Path, config_path: Path) -> None:
    encoder = InputEncoder.from_folder(tiny_model, 160)
    sides = ("favor", "against")
    rows = [Example(f"we love it {n}", "c", "dev", "trams", sides[n % 2]) for n in range(60)]  # type: ignore[arg-type]
    rows += [Example(f"it is {n}", "c", "dev", "trams", "neutral") for n in range(3)]
    held_out: dict[str, list[Example]] = {"stance": rows, "relevance": [], "toxicity": []}
    held_out["spans"] = []
    runtime = Runtime(tiny_model / FILE_NAME)
    logits = {name: runtime.run(first_windows(rows, encoder)) for name, rows in held_out.items()}
    start = replace(Calibration.load(tiny_model), stance_bias=(0.1, 0.2, 0.3))
    found, fitted = calibrate(held_out, logits, load_config(config_path), encoder, start)
    assert fitted["stance"] == 63
    assert found.stance_bias == start.stance_bias
    assert found.stance_temperature != start.stance_temperature


def test_rows_are_weighed_by_whatever_toxicity_they_have(
    tiny_model: Path, config_path: Path
) -> None:
    encoder = InputEncoder.from_folder(tiny_model, 160)
    rows = [
        Example(("it is", "we love it")[n % 2], "c", "dev", toxicity={"insult": float(n % 4 < 2)})
        for n in range(60)
    ]
    held_out: dict[str, list[Example]] = {"stance": [], "relevance": [], "toxicity": rows}
    held_out["spans"] = []
    runtime = Runtime(tiny_model / FILE_NAME)
    logits = {name: runtime.run(first_windows(rows, encoder)) for name, rows in held_out.items()}
    config = load_config(config_path, ["calibration={toxic_share: 0.02}"])
    found, _ = calibrate(held_out, logits, config, encoder)
    said = found.toxicity_probabilities(logits["toxicity"].toxicity)
    assert said[:, TOXICITY_LABELS.index("insult")].mean() < 0.1


# Mistakes, as a new user makes them


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["data.tweets.labels={}"],
            "line 2, column 'position': found 'pro'; expected favor, against or neutral, or "
            "nothing where unlabelled; map it in the configuration with data.tweets.labels: "
            "{stance: {pro: favor}}; 80 rows have such labels, also 'contra' in 'position' (40, "
            "first line 3)",
        ),
        (
            ["data.tweets.columns={}"],
            "no column 'text' with the comment; found tweet, topic, position; map them in the "
            "configuration with data.tweets.columns: {text: tweet, target: topic, stance: "
            "position}",
        ),
        (["data.tweets.columns.text=body"], "no column 'body'; found tweet, topic, position"),
        (
            ["data.tweets.columns.txt=tweet"],
            "data.tweets: 'txt' is no column of ours; expected one of text, target, stance",
        ),
        (
            ["data.tweets.labels.stance.maybe=perhaps"],
            "data.tweets: stance.maybe=perhaps: 'perhaps' is no label; expected favor, against or "
            "neutral",
        ),
        (
            ["data.tweets.labels={toxicity: {yes: 1}}"],
            "data.tweets.labels: YAML reads a label here as true; write it in quotation marks, "
            "such as 'yes': 1",
        ),
        (["data.tweets.file=none.csv"], "none.csv: no such file; a path counts from the folder"),
        (
            ["data.tweets.dev=0.05"],
            "too few comments, or groups of them, to split: of 120 the split dev would have 6",
        ),
        (
            ["data.tweets.dev=0.9"],
            "data.tweets.dev: found 0.9, expected a number less than or equal to 0.5",
        ),
        (
            ["stages.0.mix.0.corpus=tweet"],
            "stages.0.mix.0.corpus: 'tweet' is no corpus; expected one of",
        ),
        (["stages.0.mix.0.corpus=vast"], "where is the corpus in stance/vast? Name the folder"),
        (["data={}"], "calibration.stance: name corpora with a dev split that has it"),
        (["benchmarks=[jigsw]"], "benchmarks: 'jigsw' is none; expected some of vast, arc"),
        (
            ["stages.0.early_stopping={metric: toxicity_roc_auc}"],
            "early_stopping.metric toxicity_roc_auc: the dev rows of the mix have no two different "
            "labels",
        ),
    ],
)
def test_a_mistake_is_said_in_one_line_and_nothing_is_trained(
    config_path: Path,
    tmp_path: Path,
    options: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sets = [part for option in options for part in ("--set", option)]
    if options == ["data={}"]:
        sets = ["--set", "data={}", "--set", "stages.0.mix.0.corpus=vast"]
    assert main(["train", str(config_path), *sets]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
    assert not (tmp_path / "run" / "model").exists()
