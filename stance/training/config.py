"""Training configurations: YAML files, checked by pydantic, unknown keys refused."""

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails

from stance.data.corpora import CORPORA
from stance.data.labelled import Names
from stance.data.mending import in_yaml
from stance.data.mix import Share, check_trainable
from stance.data.own import OwnFile
from stance.errors import ConfigError, DataError
from stance.schemas import fields_at
from stance.tables import row_ending
from stance.words import did_you_mean

# Where the configurations are: in an installed package, and in a checkout.
_SHIPPED = (Path(__file__).parents[1] / "configs", Path(__file__).parents[2] / "configs")
_ALL_OPTIONS = "configs/finetune.yaml"  # where each stands with its meaning

# What pydantic's kinds of errors mean that was expected.
_EXPECTED = {
    "model_type": "a section of options",
    "dict_type": "a section of names and values",
    "list_type": "a list",
    "too_short": "at least one entry",
    "string_type": "a text",
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
}
_MAX_SAID = 3  # problems of one configuration; all are counted
_MAX_SHOWN = 60  # characters of a value


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OwnDataConfig(_Section):
    """A user's own labelled file; the options are those of `stance.data.own.OwnFile`."""

    file: str
    columns: dict[str, str] = {}
    labels: dict[str, dict[str, str]] = {}
    dev: Annotated[float, Field(gt=0, le=0.5)] = 0.15
    test: Annotated[float, Field(ge=0, le=0.5)] = 0.15

    @field_validator("file")
    @classmethod
    def _expand(cls, value: str) -> str:
        return _expanded(value)

    @field_validator("labels", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        """Return labels as text: YAML reads 1 as a number, and yes and no as truth values."""
        if not isinstance(value, dict):
            return value
        return {
            column: {_label(theirs): _label(ours) for theirs, ours in labels.items()}
            if isinstance(labels, dict)
            else labels
            for column, labels in value.items()
        }

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        try:
            Names(self.columns, self.labels)
        except DataError as error:
            raise ValueError(str(error)) from None
        return self

    def to_own_file(self, name: str) -> OwnFile:
        """Return the plain form that `read_own` takes."""
        names = Names(self.columns, self.labels, section=f"data.{name}")
        return OwnFile(name, self.file, names, self.dev, self.test)


def _label(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        raise ValueError(
            f"YAML reads a label here as {str(value).lower()}; write it in quotation marks, "
            "such as 'yes': 1"
        )
    return str(value)


class ShareConfig(_Section):
    """How much of one corpus a mix takes; the options are those of `stance.data.mix.Share`."""

    corpus: str
    limit: Annotated[int, Field(gt=0)] | None = None
    comments_only: bool = False
    unlabelled: bool = False
    off_target: Annotated[float, Field(ge=0)] | None = None
    even_targets: bool = False
    other_targets: Annotated[float, Field(ge=0, le=1)] = 0.0
    rephrase: Annotated[float, Field(ge=0, le=20)] = 0.0
    misspell: Annotated[float, Field(ge=0, le=1)] = 0.0
    near_targets: dict[str, Annotated[int, Field(gt=0)]] = {}

    @field_validator("near_targets")
    @classmethod
    def _all_known(cls, value: dict[str, int], info: ValidationInfo) -> dict[str, int]:
        for name in value:
            cls._known(name, info)
        return value

    @field_validator("corpus")
    @classmethod
    def _known(cls, value: str, info: ValidationInfo) -> str:
        own = (info.context or {}).get("own", ())
        if value in own:
            return value
        try:
            check_trainable(value)
        except DataError as error:
            hint = f"; or one of your own under data: {', '.join(own)}" if own else ""
            raise ValueError(f"{error}{hint}") from None
        return value

    @property
    def corpora(self) -> tuple[str, ...]:
        """Those whose rows it takes, and those whose targets stand beside them."""
        return (self.corpus, *self.near_targets)

    def to_share(self) -> Share:
        """Return the plain form that `build_mix` takes."""
        return Share(**self.model_dump())


class EarlyStoppingConfig(_Section):
    """When a stage ends before its epochs do, and that its best weights are taken.

    `metric` is measured on at most `rows` dev rows of the stage's mix every `every` steps; after
    `patience` times without a better one the stage ends.
    """

    metric: Literal[
        "stance_macro_f1",
        "stance_log_loss",
        "relevance_roc_auc",
        "toxicity_roc_auc",
        "spans_roc_auc",
    ]
    every: Annotated[int, Field(gt=0)] = 100
    patience: Annotated[int, Field(gt=0)] = 3
    rows: Annotated[int, Field(gt=0)] = 2000


class TeacherConfig(_Section):
    """A model whose stances or toxicity a stage learns beside the labels, with `weight`.

    It is asked about the examples of `corpora` alone, where these are named.
    """

    model: str
    weight: Annotated[float, Field(gt=0)] = 1.0
    corpora: Annotated[list[str], Field(min_length=1)] | None = None

    @field_validator("model")
    @classmethod
    def _expand(cls, value: str) -> str:
        return _expanded(value)


Subject = Literal["stance", "toxicity"]
# The options of a stage that name a teacher, by what it is asked about.
TEACHER_OPTIONS: dict[Subject, str] = {"stance": "teacher", "toxicity": "toxicity_teacher"}


Seed = Annotated[int, Field(ge=0, lt=2**32)]  # what NumPy takes


class StageConfig(_Section):
    """One pass of training over one mix."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    mix: Annotated[list[ShareConfig], Field(min_length=1)]
    epochs: Annotated[float, Field(gt=0)] = 1.0
    learning_rate: Annotated[float, Field(gt=0)] = 5e-5
    head_learning_rate: Annotated[float, Field(gt=0)] = 5e-4
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.06
    layer_decay: Annotated[float, Field(gt=0, le=1)] = 1.0
    seeds: list[Seed] = []
    batch_size: Annotated[int, Field(gt=0)] | None = None
    freeze_embeddings: bool = False
    freeze_layers: Annotated[int, Field(ge=0)] = 0
    early_stopping: EarlyStoppingConfig | None = None
    soft_targets: Annotated[float, Field(ge=0)] = 1.0
    teacher: TeacherConfig | None = None
    toxicity_teacher: TeacherConfig | None = None
    class_weights: Literal["balanced", "none"] = "none"
    consistency: Annotated[float, Field(ge=0)] = 0.0

    @field_validator("seeds")
    @classmethod
    def _differ(cls, value: list[int]) -> list[int]:
        if len(set(value)) < len(value):
            raise ValueError(f"found {value}; expected seeds that differ")
        return value

    @property
    def teachers(self) -> dict[Subject, TeacherConfig]:
        """Return the teachers by what they are asked about."""
        named = {subject: getattr(self, option) for subject, option in TEACHER_OPTIONS.items()}
        return {subject: teacher for subject, teacher in named.items() if teacher is not None}

    @model_validator(mode="after")
    def _teachers_are_asked_about_the_mix(self) -> Self:
        mixed = {share.corpus for share in self.mix}
        for subject, teacher in self.teachers.items():
            others = [name for name in teacher.corpora or () if name not in mixed]
            if others:
                option = f"{TEACHER_OPTIONS[subject]}.corpora"
                raise ValueError(f"{option}: {', '.join(others)} is not in the mix")
        return self

    @model_validator(mode="after")
    def _near_targets_have_a_teacher(self) -> Self:
        named = (self.teacher and self.teacher.corpora) or []
        mixed = {share.corpus for share in self.mix}
        asked = {share.corpus for share in self.mix if share.near_targets}
        silent = sorted(asked.difference(named or (mixed if self.teacher else ())))
        if silent:
            raise ValueError(
                f"near_targets of {', '.join(silent)}: such pairs have no label, and no teacher is "
                "asked about them; name one under teacher, and the corpus under its corpora"
            )
        return self


class AverageConfig(_Section):
    """A model whose weights the end of a run is averaged with, and its share in the mean."""

    model: str
    share: Annotated[float, Field(gt=0, lt=1)]

    @field_validator("model")
    @classmethod
    def _expand(cls, value: str) -> str:
        return _expanded(value)


class CalibrationConfig(_Section):
    """On which held-out rows probabilities and thresholds are fitted; each a mix of dev splits.

    A head without a mix takes the dev rows of the user's own data.
    """

    stance: list[ShareConfig] = []
    relevance: list[ShareConfig] = []
    toxicity: list[ShareConfig] = []
    spans: list[ShareConfig] = []
    toxic_share: Annotated[float, Field(gt=0, lt=1)] | None = None


class TrainConfig(_Section):
    """A whole training run."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9.-]+$")]
    output: str
    data: dict[Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")], OwnDataConfig] = {}
    data_root: str | None = None
    encoder: str = "all-MiniLM-L6-v2"
    state_scale: Annotated[float, Field(gt=0)] = 1.0
    max_length: Annotated[int, Field(ge=160, le=8192)] = 256
    seed: Seed = 1
    precision: Literal["float32", "bfloat16"] = "float32"
    batch_size: Annotated[int, Field(gt=0)] = 32
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    keep_start: Annotated[float, Field(ge=0, lt=1)] = 0.0
    average_with: list[AverageConfig] = []
    save_steps: Annotated[int, Field(gt=0)] = 200
    log_steps: Annotated[int, Field(gt=0)] = 50
    max_rows: Annotated[int, Field(gt=0)] | None = None
    stages: Annotated[list[StageConfig], Field(min_length=1)]
    ngrams: list[ShareConfig] = []
    calibration: CalibrationConfig = CalibrationConfig()
    benchmarks: list[str] | None = None
    benchmark_rows: Annotated[int, Field(gt=0)] | None = None
    languages: Annotated[list[Annotated[str, Field(pattern="^[a-z]{2}$")]], Field(min_length=1)] | (
        None
    ) = None

    @field_validator("output", "data_root")
    @classmethod
    def _expand(cls, value: str | None) -> str | None:
        return None if value is None else _expanded(value)

    @field_validator("data")
    @classmethod
    def _own_names(cls, value: dict[str, OwnDataConfig]) -> dict[str, OwnDataConfig]:
        for name in value:
            if name in CORPORA:
                raise ValueError(f"{name} is the name of a public corpus; choose another")
        return value

    @model_validator(mode="after")
    def _has_data_to_calibrate(self) -> Self:
        for head in ("stance", "relevance", "toxicity", "spans"):
            if not self.data and not getattr(self.calibration, head):
                raise ValueError(f"calibration.{head}: name corpora with a dev split that has it")
        return self

    @model_validator(mode="after")
    def _rows_without_labels_are_for_stages(self) -> Self:
        held_out = self.calibration
        heads = ("stance", "relevance", "toxicity", "spans")
        mixes = {f"calibration.{head}": getattr(held_out, head) for head in heads}
        for section, mix in {"ngrams": self.ngrams, **mixes}.items():
            for option in ("near_targets", "unlabelled"):
                if any(getattr(share, option) for share in mix):
                    raise ValueError(
                        f"{section}: {option}: such rows have no label, and no model is asked "
                        "here what they are; leave it out"
                    )
        return self

    @model_validator(mode="after")
    def _keeps_of_the_trained(self) -> Self:
        others = self.keep_start + sum(other.share for other in self.average_with)
        if others >= 1:
            raise ValueError(
                f"keep_start and the shares of average_with add up to {others:g}; expected less "
                "than 1, or nothing is left of what was trained"
            )
        return self

    @property
    def root(self) -> Path | None:
        """Return the folder that holds the public corpora, if there is any."""
        named = self.data_root or os.environ.get("STANCE_DATA")
        return Path(named) if named else None

    def shares(self) -> list[ShareConfig]:
        """Return all that is trained on: the mixes of all stages, and what `ngrams` takes."""
        return [*(share for stage in self.stages for share in stage.mix), *self.ngrams]


def _expanded(value: str) -> str:
    expanded = os.path.expandvars(os.path.expanduser(value))  # noqa: PTH111 - a hub name stays
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
    if row_ending(path) is not None and Path(path).is_file():
        raise ConfigError(
            f"{path}: a file of rows, expected a configuration; stance init-config "
            f"{shlex.quote(str(path))} writes one that is fitted to it: train with that"
        )
    try:
        raw = yaml.safe_load(located(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; expected a YAML file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(raw, dict):
        raise ConfigError(
            f"{path}: holds no section; expected a configuration as in configs/, such as "
            "stance init-config writes for labelled comments"
        )
    for override in overrides:
        _override(raw, override)
    try:
        own = raw.get("data")
        context = {"own": sorted(map(str, own)) if isinstance(own, dict) else []}
        return TrainConfig.model_validate(raw, context=context)
    except ValidationError as error:
        raise ConfigError(f"{path}: {_first_problems(error)}") from None


def located(path: str | Path) -> Path:
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
    problems = error.errors()
    said = []
    for problem in problems[:_MAX_SAID]:
        where = ".".join(map(str, problem["loc"]))
        said.append(f"{where}: {_in_words(problem)}" if where else _in_words(problem))
    more = f" (and {len(problems) - _MAX_SAID} more)" if len(problems) > _MAX_SAID else ""
    return "; ".join(said) + more


def _in_words(problem: ErrorDetails) -> str:
    kind, message = problem["type"], problem["msg"]
    if kind == "extra_forbidden":
        *above, name = problem["loc"]
        schema = TrainConfig.model_json_schema()
        near = did_you_mean(str(name), fields_at(schema, schema, above))
        return f"no such option; {f'{near} ' if near else ''}expected those of {_ALL_OPTIONS}"
    if kind == "missing":
        return f"missing; add it as in {_ALL_OPTIONS}"
    if kind == "value_error":  # ours, which says what was found
        return message.removeprefix("Value error, ")
    return f"found {_shown(problem['input'])}, expected {_expected(kind, message)}"


def _expected(kind: str, message: str) -> str:
    """Return what pydantic expected, in words that follow "expected"."""
    expected = _EXPECTED.get(kind, message.removeprefix("Input should be "))
    is_bound = kind.startswith(("greater_than", "less_than"))
    return f"a number {expected}" if is_bound else f"{expected[:1].lower()}{expected[1:]}"


def _shown(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else in_yaml(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
