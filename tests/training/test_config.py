from pathlib import Path

import pytest

pytest.importorskip("pydantic", reason="training is not installed")
from stance.errors import ConfigError
from stance.training.config import load_config

DEFAULT = Path(__file__).parents[2] / "configs" / "default-model.yaml"


@pytest.fixture(autouse=True)
def _data_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANCE_DATA", "/corpora")


def message(path: Path, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path, overrides)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_default_configuration_is_valid_and_reads_the_environment() -> None:
    config = load_config(DEFAULT)
    assert config.data_root == "/corpora"
    assert [stage.name for stage in config.stages] == ["kept"]


def test_a_shipped_configuration_is_known_by_its_name() -> None:
    assert load_config("default-model") == load_config(DEFAULT)


def test_an_override_reaches_into_lists_and_is_typed() -> None:
    config = load_config(DEFAULT, ["stages.0.epochs=3", "seed=7", "output=elsewhere"])
    assert (config.stages[0].epochs, config.seed, config.output) == (3.0, 7, "elsewhere")


def test_an_unknown_key_is_named_with_its_place() -> None:
    assert message(DEFAULT, "stages.0.epoch=3") == (
        f"{DEFAULT}: stages.0.epoch: no such option; did you mean epochs? expected those of "
        "configs/finetune.yaml"
    )


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("seed", "--set seed: expected section.key=value"),
        ("stages.9.epochs=1", "--set stages.9.epochs=1: the configuration has no place"),
        ("seed=[1", "--set seed=[1: '[1' is not a YAML value"),
    ],
)
def test_an_override_that_fits_nowhere_is_refused(override: str, expected: str) -> None:
    assert message(DEFAULT, override).startswith(expected)


@pytest.mark.parametrize(
    ("override", "problem"),
    [
        ("precision=float8", "precision: found 'float8', expected 'float32' or 'bfloat16'"),
        (
            "stages=[]",
            "stages: found [], expected at least one entry",
        ),
        ("max_length=64", "max_length: found 64, expected a number greater than or equal to 160"),
        ("calibration.stance.0.corpus=vastt", "'vastt' is no corpus; expected one of"),
        ("calibration.stance.0.corpus=hatecheck", "'hatecheck' is a benchmark"),
        ("seed=-1", "seed: found -1, expected a number greater than or equal to 0"),
        ("stages.0.seeds=[1, 4294967296]", "seeds.1: found 4294967296, expected a number less"),
        ("stages.0.seeds=[1, 1]", "found [1, 1]; expected seeds that differ"),
        ("batch_size=many", "batch_size: found 'many', expected a whole number"),
        (
            "calibration.stance.0.near_targets={vast: 1}",
            "calibration.stance: near_targets: such rows have no label, and no model is asked here",
        ),
        ("ngrams=[{corpus: vast, near_targets: {vast: 1}}]", "ngrams: near_targets: such rows"),
        ("ngrams=[{corpus: paradetox, unlabelled: true}]", "ngrams: unlabelled: such rows"),
    ],
)
def test_a_bad_value_is_named(override: str, problem: str) -> None:
    assert problem in message(DEFAULT, override)


def test_an_unset_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STANCE_DATA")
    assert "data_root: $STANCE_DATA names an environment variable that is not set" in message(
        DEFAULT
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [("", "holds no section"), ("a: [", "not YAML"), ("- a\n", "holds no section")],
)
def test_a_file_of_something_else_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(content, encoding="utf-8")
    assert problem in message(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "No such file" in message(tmp_path / "none.yaml")
