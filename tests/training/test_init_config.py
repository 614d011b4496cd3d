import re
from pathlib import Path

import pytest
import yaml

pytest.importorskip("pydantic", reason="training is not installed")
pytest.importorskip("sklearn", reason="training is not installed")
from pydantic import BaseModel

from stance.cli import main
from stance.data.splitting import LEAST_HELD_OUT
from stance.training import config as schema
from stance.training.config import TrainConfig, load_config
from stance.training.rows import open_sources

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STANCE_DATA", "/corpora")


def table(name: str, header: str, *lines: str) -> None:
    Path(name).write_text("\n".join([header, *lines, ""]), encoding="utf-8")


def tweets(number: int, name: str = "Our Tweets.csv") -> None:
    labels = ("pro", "contra", "neutral")
    table(
        name,
        "tweet,topic,position",
        *(f"tweet no {n},trams,{labels[n % 3]}" for n in range(number)),
    )


def test_a_configuration_is_fitted_to_its_file(capsys: pytest.CaptureFixture[str]) -> None:
    tweets(1000)
    assert main(["init-config", "Our Tweets.csv", "-o", "mine.yaml"]) == 0
    printed = capsys.readouterr()
    assert printed.out == "mine.yaml\n"
    assert "tweet is taken for text" in printed.err
    assert "stance contra is taken for against" in printed.err
    config = load_config("mine.yaml")
    own = config.data["comments"]
    assert (config.name, config.output, own.file) == (
        *("our-tweets", "runs/our-tweets", "Our Tweets.csv"),
    )
    assert own.columns == {"text": "tweet", "target": "topic", "stance": "position"}
    assert own.labels == {"stance": {"pro": "favor", "contra": "against"}}
    stage = config.stages[0]
    assert stage.early_stopping is not None
    assert (stage.epochs, stage.early_stopping.metric) == (5, "stance_macro_f1")
    # 700 rows for training, each a pair and a comment alone, in batches of 32.
    assert stage.early_stopping.every == config.save_steps == 22
    text = Path("mine.yaml").read_text(encoding="utf-8")
    assert text.startswith(
        "# Fitted to Our Tweets.csv: 1,000 usable rows; stance (favor 334, against 333, neutral "
        "333).\n# Not labelled, and kept as they are: toxicity, severe_toxicity, obscene, threat, "
        "insult, identity_attack.\n"
    )


def test_a_small_file_is_read_more_often_in_smaller_steps() -> None:
    tweets(100)
    assert main(["init-config", "Our Tweets.csv"]) == 0
    config = load_config("Our Tweets.yaml")
    assert (config.stages[0].epochs, config.batch_size) == (8, 16)


@pytest.mark.parametrize(("rows", "share"), [(67, 0.15), (60, 0.17), (34, 0.3), (20, 0.3)])
def test_of_a_small_file_larger_splits_are_drawn(rows: int, share: float) -> None:
    tweets(rows)
    assert main(["init-config", "Our Tweets.csv"]) == (0 if rows >= 34 else 1)
    own = load_config("Our Tweets.yaml").data["comments"]
    assert (own.dev, own.test) == (share, share)
    drawn = {split: round(rows * share) for split in ("dev", "test")}
    assert (min(drawn.values()) >= LEAST_HELD_OUT) == (rows >= 34)


def test_columns_that_mean_none_of_ours_are_said_there_and_here(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table("c.csv", "text,toxic,likes,url", *(f"comment {n},{n % 2},3,a" for n in range(100)))
    assert main(["init-config", "c.csv"]) == 0
    assert "stance: columns that are not used: likes, url\n" in capsys.readouterr().err
    assert "# Columns that are not used: likes, url. " in Path("c.yaml").read_text(encoding="utf-8")


def test_toxicity_alone_stops_by_toxicity() -> None:
    table("c.csv", "text,toxic", *(f"comment {n},{('yes', 'no')[n % 2]}" for n in range(100)))
    assert main(["init-config", "c.csv"]) == 0
    config = load_config("c.yaml")
    assert config.stages[0].early_stopping is not None
    assert config.stages[0].early_stopping.metric == "toxicity_roc_auc"
    # In quotation marks, since YAML takes yes and no for truth values.
    assert config.data["comments"].labels == {"toxicity": {"yes": "1", "no": "0"}}


# What training would refuse


def hindrance(error: str) -> str:
    """Return what was said to hinder training."""
    [line] = [line for line in error.splitlines() if "would refuse" in line]
    return line.removeprefix("stance: stance train would refuse this: ")


def test_of_few_groups_larger_splits_are_drawn() -> None:
    table(
        "c.csv",
        "text,target,stance,group",
        *(f"comment {n},trams,{('favor', 'against')[n % 2]},{n // 5}" for n in range(200)),
    )
    assert main(["init-config", "c.csv"]) == 0
    config = load_config("c.yaml")
    assert (config.data["comments"].dev, config.data["comments"].test) == (0.25, 0.25)
    drawn = {row.split for row in open_sources(config).own[0].rows}
    assert drawn == {"train", "dev", "test"}


@pytest.mark.parametrize(
    ("stances", "metric"),
    [
        (("favor",) * 3, "toxicity_roc_auc"),
        (("favor", "against") * 5, "toxicity_roc_auc"),
        (("favor", "against") * 80, "stance_macro_f1"),
    ],
)
def test_stance_is_stopped_by_where_two_classes_have_enough_rows(
    stances: tuple[str, ...], metric: str
) -> None:
    table(
        "c.csv",
        "text,target,stance,toxicity",
        *(
            f"comment {n},trams,{stances[n] if n < len(stances) else ''},{n % 2}"
            for n in range(200)
        ),
    )
    assert main(["init-config", "c.csv"]) == 0
    stopping = load_config("c.yaml").stages[0].early_stopping
    assert stopping is not None
    assert stopping.metric == metric


def test_data_that_cannot_be_trained_on_gets_a_configuration_and_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tweets(29)
    assert main(["init-config", "Our Tweets.csv"]) == 1
    assert hindrance(capsys.readouterr().err) == (
        "Our Tweets.csv: too few comments, or groups of them, to split: of 29 the split test would "
        "have 9, expected at least 10; label 34 or more, or name the splits in a column 'split'"
    )
    load_config("Our Tweets.yaml")
    table("one.csv", "text,toxic", *(f"comment {n},1" for n in range(100)))
    assert main(["init-config", "one.csv"]) == 1
    assert hindrance(capsys.readouterr().err) == (
        "stage own-comments: nothing to learn from comments: toxicity the same in all rows; label "
        "comments that differ"
    )
    splits = [f"comment {n},{n % 2},train" for n in range(60)]
    splits += [f"comment {n},0,{('dev', 'test')[n % 2]}" for n in range(60, 100)]
    table("dev.csv", "text,toxicity,split", *splits)
    assert main(["init-config", "dev.csv"]) == 1
    assert hindrance(capsys.readouterr().err) == (
        "the dev rows have no two different labels to stop early by; label more comments that "
        "differ, or take early_stopping out of the configuration"
    )


def test_what_was_understood_is_said_before_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    table("c.csv", "tweet,label", "Hm,funny", "Hm hm,dull")
    assert main(["init-config", "c.csv"]) == 2
    taken, error = capsys.readouterr().err.splitlines()
    assert taken == "stance: tweet is taken for text"
    assert error.startswith("stance: c.csv: the column 'label' may hold anything")


def test_a_table_of_texts_and_zeros_and_ones_is_of_toxicity(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table("c.csv", "text,label", *(f"comment {n},{n % 2}" for n in range(100)))
    assert main(["init-config", "c.csv"]) == 0
    assert capsys.readouterr().err == "stance: label is taken for toxicity\n"
    stopping = load_config("c.yaml").stages[0].early_stopping
    assert stopping is not None
    assert stopping.metric == "toxicity_roc_auc"


def test_a_dollar_in_a_path_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    tweets(100, "cost$USD.csv")
    assert main(["init-config", "cost$USD.csv", "-o", "c.yaml"]) == 2
    assert capsys.readouterr().err == (
        "stance: cost$USD.csv: in a configuration $ stands for an environment variable; rename the "
        "file or its folder, or go into that folder and name the file alone\n"
    )
    assert not Path("c.yaml").exists()


def test_what_is_not_understood_is_said_there_and_here(capsys: pytest.CaptureFixture[str]) -> None:
    table("c.csv", "text,target,stance", "Hm,trams,pro", "Hm hm,trams,maybe", ",trams,pro")
    assert main(["init-config", "c.csv"]) == 1
    error = capsys.readouterr().err
    assert "stance is 'maybe' in 1 row: not understood; map it under labels" in error
    assert "1 row cannot be used: no text (line 4)" in error
    assert "# UNKNOWN: stance is 'maybe' in 1 row:" in Path("c.yaml").read_text(encoding="utf-8")


def test_nothing_is_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    tweets(100)
    Path("mine.yaml").write_text("mine", encoding="utf-8")
    assert main(["init-config", "Our Tweets.csv", "-o", "mine.yaml"]) == 2
    assert "mine.yaml is there already: name another file with -o" in capsys.readouterr().err
    assert Path("mine.yaml").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["none.csv"], "none.csv: no such file"),
        (["t.csv", "-o", "mine.txt"], "unknown ending, expected .yaml or .yml"),
        (["t.csv", "-o", "no/mine.yaml"], "cannot write no/mine.yaml"),
    ],
)
def test_a_mistake_is_said(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tweets(100, "t.csv")
    assert main(["init-config", *arguments]) == 2
    assert said in capsys.readouterr().err


# The shipped configurations


def options(model: type[BaseModel]) -> set[str]:
    """Return the names of all options of a section and those below it."""
    found = set(model.model_fields)
    for section in (
        *(schema.OwnDataConfig, schema.ShareConfig, schema.StageConfig),
        *(schema.EarlyStoppingConfig, schema.CalibrationConfig),
    ):
        found |= set(section.model_fields)
    return found


def test_finetune_explains_every_option() -> None:
    text = (CONFIGS / "finetune.yaml").read_text(encoding="utf-8")
    written = set(re.findall(r"(?m)^[# ]*(?:- )?([a-z_]+):", text))
    assert options(TrainConfig) - written == set()


@pytest.mark.parametrize("name", sorted(path.stem for path in CONFIGS.glob("*.yaml")))
def test_a_shipped_configuration_loads_and_says_what_each_option_means(name: str) -> None:
    load_config(name)
    explained: set[str] = set()
    above = False  # a block of comment explains the lines below it, up to an empty one
    for line in (CONFIGS / f"{name}.yaml").read_text(encoding="utf-8").splitlines():
        bare = line.strip().removeprefix("- ")
        if bare.startswith("#"):
            above = True
        elif not bare:
            above = False
        elif ":" in bare and not bare.startswith("{"):
            key = bare.split(":")[0]
            assert "#" in bare or above or key in explained, line
            explained.add(key)


def test_the_smoke_run_is_of_the_shipped_example() -> None:
    content = yaml.safe_load((CONFIGS / "smoke.yaml").read_text(encoding="utf-8"))
    assert content["data"] == {"example": {"file": "example"}}
