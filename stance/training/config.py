"""Training configurations: YAML files, checked by pydantic, unknown keys refused."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from stance.data.mix import Share, check_trainable
from stance.errors import ConfigError, DataError

# Where the configurations are: in an installed package, and in a checkout.
_SHIPPED = (Path(__file__).parents[1] / "configs", Path(__file__).parents[2] / "configs")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ShareConfig(_Section):
    """How much of one corpus a mix takes; the options are those of `stance.data.mix.Share`."""

    corpus: str
    limit: Annotated[int, Field(gt=0)] | None = None
    comments_only: bool = False
    off_target: Annotated[float, Field(ge=0)] | None = None
    other_targets: Annotated[float, Field(ge=0, le=1)] = 0.0
    rephrase: Annotated[float, Field(ge=0, le=1)] = 0.0

    @field_validator("corpus")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            check_trainable(value)
        except DataError as error:
            raise ValueError(str(error)) from None
        return value

    def to_share(self) -> Share:
        """Return the plain form that `build_mix` takes."""
        return Share(**self.model_dump())


class StageConfig(_Section):
    """One pass of training over one mix."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    mix: Annotated[list[ShareConfig], Field(min_length=1)]
    epochs: Annotated[float, Field(gt=0)] = 1.0
    learning_rate: Annotated[float, Field(gt=0)] = 5e-5
    head_learning_rate: Annotated[float, Field(gt=0)] = 5e-4
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.06
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    seeds: list[int] = []
    batch_size: Annotated[int, Field(gt=0)] | None = None
    freeze_embeddings: bool = False


class CalibrationConfig(_Section):
    """On which held-out rows probabilities and thresholds are fitted; each a mix of dev splits."""

    stance: Annotated[list[ShareConfig], Field(min_length=1)]
    relevance: Annotated[list[ShareConfig], Field(min_length=1)]
    toxicity: Annotated[list[ShareConfig], Field(min_length=1)]
    spans: Annotated[list[ShareConfig], Field(min_length=1)]
    toxic_share: Annotated[float, Field(gt=0, lt=1)] = 0.1


class TrainConfig(_Section):
    """A whole training run."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")]
    output: str
    data_root: str
    encoder: str = "all-MiniLM-L6-v2"
    max_length: Annotated[int, Field(ge=160, le=8192)] = 256
    seed: int = 1
    precision: Literal["float32", "bfloat16"] = "float32"
    batch_size: Annotated[int, Field(gt=0)] = 32
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    save_steps: Annotated[int, Field(gt=0)] = 200
    log_steps: Annotated[int, Field(gt=0)] = 50
    max_rows: Annotated[int, Field(gt=0)] | None = None
    stages: Annotated[list[StageConfig], Field(min_length=1)]
    calibration: CalibrationConfig

    @field_validator("output", "data_root")
    @classmethod
    def _expand(cls, value: str) -> str:
        expanded = os.path.expandvars(value)
        if "$" in expanded:
            raise ValueError(f"{value} names an environment variable that is not set")
        return expanded


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> TrainConfig:
    """Read a training configuration.

    Parameters
    ----------
    path : path of a YAML file, or the name of a shipped one such as "default-model"
    overrides : sequence of "section.key=value"
        Values are YAML; a number in the key is a place in a list: "stages.0.epochs=2".

    Raises
    ------
    ConfigError
        The file cannot be read, or a key or value is not one of `TrainConfig`.
    """
    try:
        raw = yaml.safe_load(_located(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; expected a YAML file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{path}: holds no section; expected a configuration as in configs/")
    for override in overrides:
        _override(raw, override)
    try:
        return TrainConfig.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(f"{path}: {_first_problems(error)}") from None


def _located(path: str | Path) -> Path:
    """Return the file of that path, else the shipped configuration of that name."""
    if not Path(path).exists():
        for folder in _SHIPPED:
            if (folder / f"{path}.yaml").is_file():
                return folder / f"{path}.yaml"
    return Path(path)


def _override(raw: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals:
        raise ConfigError(f"--set {override}: expected section.key=value")
    *parents, last = key.split(".")
    place: Any = raw
    try:
        for part in parents:
            place = place[int(part)] if isinstance(place, list) else place[part]
        place[int(last) if isinstance(place, list) else last] = yaml.safe_load(value)
    except (KeyError, IndexError, TypeError, ValueError):
        raise ConfigError(f"--set {override}: the configuration has no place {key!r}") from None
    except yaml.YAMLError:
        raise ConfigError(f"--set {override}: {value!r} is not a YAML value") from None


def _first_problems(error: ValidationError) -> str:
    problems = [
        f"{'.'.join(map(str, problem['loc']))}: {_say(problem['type'], problem['msg'])}"
        for problem in error.errors()
    ]
    more = f" (and {len(problems) - 3} more)" if len(problems) > 3 else ""
    return "; ".join(problems[:3]) + more


def _say(kind: str, message: str) -> str:
    if kind == "extra_forbidden":
        return "no such option; expected those of configs/default-model.yaml"
    return message.removeprefix("Value error, ")
