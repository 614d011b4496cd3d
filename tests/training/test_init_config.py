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
    assert main(["init-config", "Our Tweets.csv"]) == 0
    own = load_config("Our Tweets.yaml").data["comments"]
    assert (own.dev, own.test) == (share, share)
    drawn = {split: round(rows * share) for split in ("dev", "test")}
    assert (min(drawn.values()) >= LEAST_HELD_OUT) == (rows >= 34)


def test_columns_that_mean_none_of_ours_are_said_there_and_here(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table("c.csv", "text,toxic,likes,url", "You fool,1,3,a", "Thanks,0,4,b")
    assert main(["init-config", "c.csv"]) == 0
    assert "stance: columns that are not used: likes, url\n" in capsys.readouterr().err
    assert "# Columns that are not used: likes, url. " in Path("c.yaml").read_text(encoding="utf-8")


def test_toxicity_alone_stops_by_toxicity() -> None:
    table("c.csv", "text,toxic", "You fool,yes", "Thanks,no", "Hello,no")
    assert main(["init-config", "c.csv"]) == 0
    config = load_config("c.yaml")
    assert config.stages[0].early_stopping is not None
    assert config.stages[0].early_stopping.metric == "toxicity_roc_auc"
    # In quotation marks, since YAML takes yes and no for truth values.
    assert config.data["comments"].labels == {"toxicity": {"yes": "1", "no": "0"}}


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


@pytest.mark.parametrize("name", ["finetune", "smoke", "default-model", "default-model-base"])
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
