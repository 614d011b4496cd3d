"""The training loop itself: the Hugging Face Trainer, its optimizer, logs and checkpoints."""

import ctypes
import json
import platform
import re
import shutil
import time
import warnings
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import nn
from torch.utils.data import DataLoader
from transformers import (
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from stance.errors import ConfigError, OutputError
from stance.modeling.network import CommentModel, write_json
from stance.training import processes
from stance.training.batches import Collator
from stance.training.checkpoints import seal, writing
from stance.training.config import StageConfig, TrainConfig
from stance.training.progress import Progress
from stance.training.sampler import LengthGroupedBatches
from stance.training.stopping import DevRows, EarlyStopping, is_greater_better

WEIGHTS_OF_CHECKPOINT = "model.safetensors"
_OPTIMIZER = "optimizer.pt"
_SCHEDULER = "scheduler.json"
GO_ON = "make room, or see to its permissions, and go on with --resume"
# The number of an encoder's layer in the name of a parameter, in any common architecture.
_LAYER = re.compile(r"\.(?:layer|layers|h|block)\.(\d+)\.")


def keep_freed_memory() -> None:
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


def lacks_bfloat16() -> bool:
    """Tell whether training in bfloat16 would be worked out in software, and so be slow."""
    if torch.cuda.is_available():
        return False
    # PyTorch tells of these units on x86 processors, in newer releases.
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    checks = [getattr(torch.cpu, name) for name in names if hasattr(torch.cpu, name)]
    is_x86 = platform.machine().lower() in ("x86_64", "amd64")
    return is_x86 and bool(checks) and not any(check() for check in checks)


class StageTrainer(Trainer):
    """The Hugging Face Trainer, with batches, dev figures and checkpoints of our own.

    Its checkpoints hold no other pickle than `optimizer.pt` and `rng_state.pth`, and are sealed.

    Parameters
    ----------
    model : CommentModel
    stage, config
    folder : Path
        Gets the checkpoints and `log.jsonl`.
    seed : int
    rows : Dataset
        As `stance.training.batches.encode_examples` yields them.
    dev : DevRows or None
        What early stopping goes by.
    pad_id : int
        Token id that fills the end of shorter rows.
    facts : dict
        What a checkpoint is to remember besides.
    progress : Progress
    """

    def __init__(
        self,
        model: CommentModel,
        stage: StageConfig,
        config: TrainConfig,
        folder: Path,
        *,
        seed: int,
        rows: Dataset,
        dev: DevRows | None,
        pad_id: int,
        facts: dict[str, Any],
        progress: Progress,
    ) -> None:
        args = arguments(stage, config, folder, seed)
        # The Trainer would share the batch among all GPUs in one process, and each would average
        # its losses over its own rows: several are for torchrun.
        args._n_gpu = min(args.n_gpu, 1)
        number, count = processes.number_and_count()
        self._batches = LengthGroupedBatches(
            rows["length"],
            stage.batch_size or config.batch_size,
            seed,
            process=number,
            processes=count,
        )
        self._model = model
        self._rows = rows
        self._folder = folder
        self._dev = dev
        self._facts = facts
        callbacks: list[TrainerCallback] = [Reports(folder / "log.jsonl", self._batches, progress)]
        if stage.early_stopping is not None:
            callbacks.append(EarlyStopping(stage.early_stopping))
        super().__init__(
            model=model,
            args=args,
            train_dataset=rows,
            eval_dataset=rows if dev else None,  # only its presence counts: see `evaluate`
            data_collator=Collator(pad_id),
            optimizers=(optimizer(model, stage, config), None),
            callbacks=callbacks,
        )
        self.remove_callback(PrinterCallback)
        # The Trainer has given every process the same seed: each drops inputs of its own.
        if number:
            torch.manual_seed(seed + 7919 * number)

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return this process's part of the batches."""
        return DataLoader(
            self._rows,
            batch_sampler=self._batches,
            collate_fn=self.data_collator,
            pin_memory=self.args.dataloader_pin_memory,
        )

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Measure the dev rows; one process does it for all, so that all decide alike."""
        figures: dict[str, float] = {}
        if processes.is_first() and self._dev is not None:
            figures = self._dev.measure(self._model, self.args.device)
        metrics = {f"eval_{name}": value for name, value in processes.from_first(figures).items()}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Write the weights alone: without the Trainer's settings, which would be a pickle."""
        if self.args.should_save:
            folder = Path(output_dir or self._folder)
            folder.mkdir(parents=True, exist_ok=True)
            weights = {name: value.contiguous() for name, value in self._model.state_dict().items()}
            save_file(weights, folder / WEIGHTS_OF_CHECKPOINT)

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        folder = self._folder / f"checkpoint-{self.state.global_step}"
        try:
            with writing(folder, GO_ON):
                super()._save_checkpoint(model, trial)
                processes.wait_for_all()
                if self.args.should_save:
                    seal(folder, self._facts)
        except OutputError:
            shutil.rmtree(folder, ignore_errors=True)  # it fills the disk and is of no use
            raise
        processes.wait_for_all()

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        if self.args.should_save and self.optimizer and self.lr_scheduler:
            folder = Path(output_dir)
            torch.save(self.optimizer.state_dict(), folder / _OPTIMIZER)
            write_json(folder / _SCHEDULER, self.lr_scheduler.state_dict())

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is not None and self.optimizer and self.lr_scheduler:
            folder = Path(checkpoint)
            self.optimizer.load_state_dict(
                torch.load(folder / _OPTIMIZER, map_location="cpu", weights_only=True)
            )
            self.lr_scheduler.load_state_dict(
                json.loads((folder / _SCHEDULER).read_text(encoding="utf-8"))
            )


def load_best(model: CommentModel, state: TrainerState, folder: Path) -> None:
    """Load the weights of the best dev figure; they are in one of a folder's checkpoints."""
    best = folder / f"checkpoint-{state.best_global_step}"
    model.load_state_dict(load_file(best / WEIGHTS_OF_CHECKPOINT))


def arguments(
    stage: StageConfig, config: TrainConfig, folder: Path, seed: int
) -> TrainingArguments:
    """Return the Trainer's settings for one seed of a stage."""
    stopping = stage.early_stopping
    # Where a model has no unused parameter, PyTorch says that looking for them was in vain.
    warnings.filterwarnings("ignore", message="find_unused_parameters=True was specified")
    return TrainingArguments(
        output_dir=str(folder),
        num_train_epochs=stage.epochs,
        learning_rate=stage.learning_rate,
        warmup_steps=stage.warmup,
        lr_scheduler_type="linear",
        per_device_train_batch_size=stage.batch_size or config.batch_size,  # see StageTrainer
        max_grad_norm=1.0,
        bf16=config.precision == "bfloat16",
        use_cpu=not torch.cuda.is_available(),
        ddp_find_unused_parameters=True,  # an encoder may have some
        seed=seed,
        save_steps=stopping.every if stopping else config.save_steps,
        save_total_limit=3 if stopping else 2,  # the best, the last, and the one before
        eval_strategy="steps" if stopping else "no",
        eval_steps=stopping.every if stopping else None,
        metric_for_best_model=stopping.metric if stopping else None,
        greater_is_better=is_greater_better(stopping.metric) if stopping else None,
        logging_steps=config.log_steps,
        report_to=[],
        remove_unused_columns=False,
        disable_tqdm=True,
        dataloader_pin_memory=torch.cuda.is_available(),
    )


def check_freezing(model: CommentModel, config: TrainConfig) -> None:
    """Refuse to freeze layers that an encoder does not have.

    Raises
    ------
    ConfigError
        A stage's `freeze_layers` is more than there are, or the encoder has none to tell apart.
    """
    layers = {found[1] for name, _ in model.named_parameters() if (found := _LAYER.search(name))}
    for stage in config.stages:
        if stage.freeze_layers > len(layers):
            raise ConfigError(
                f"stage {stage.name}: freeze_layers {stage.freeze_layers}: {config.encoder} has "
                f"{len(layers)} layers with weights of their own; set it to {len(layers)} or less"
            )


def freeze(model: CommentModel, stage: StageConfig) -> None:
    """Let a stage change all weights but the words' vectors, or the lowest layers, if it says so.

    With the lowest layers all embeddings stay as they are.
    """
    for name, value in model.named_parameters():
        is_low = _depth(name, model) >= _layers(model) - stage.freeze_layers
        frozen = bool(stage.freeze_layers) and is_low and not name.startswith("heads.")
        value.requires_grad_(not frozen)
    if stage.freeze_embeddings:
        model.encoder.get_input_embeddings().requires_grad_(False)


def optimizer(model: CommentModel, stage: StageConfig, config: TrainConfig) -> torch.optim.AdamW:
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
    """Return how many layers of the encoder stand above a parameter.

    All stand above embeddings, none above what else belongs to no layer, such as a last norm or
    what all layers share.
    """
    if found := _LAYER.search(name):
        return _layers(model) - 1 - int(found[1])
    return _layers(model) if "embed" in name else 0


def _layers(model: CommentModel) -> int:
    return int(getattr(model.config, "num_hidden_layers", 0))


def pad_id(tokenizer: Tokenizer) -> int:
    """Return the token that fills the end of shorter rows."""
    for token in ("[PAD]", "<pad>"):
        identifier = tokenizer.token_to_id(token)
        if identifier is not None:
            return int(identifier)
    return 0


class Reports(TrainerCallback):
    """Keeps the log and the progress, and turns the batches over at each epoch."""

    def __init__(self, path: Path, batches: LengthGroupedBatches, progress: Progress) -> None:
        self._path = path
        self._batches = batches
        self._progress = progress
        self._start = time.monotonic()
        self._loss: float | None = None

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Forget what was logged after the checkpoint that a resumed run goes on from."""
        if state.is_world_process_zero and self._path.exists():
            lines = self._path.read_text(encoding="utf-8").splitlines()
            kept = [line for line in lines if _is_logged_by(state.global_step, line)]
            with writing(self._path, GO_ON):
                self._path.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")

    def on_epoch_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Choose the epoch's order."""
        self._batches.epoch = state.global_step // len(self._batches)

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Log what leads to each checkpoint, so that a resumed run logs the same from there."""
        control.should_log |= (
            control.should_save or control.should_evaluate or control.should_training_stop
        )
        if state.is_world_process_zero:
            self._progress.step(state.global_step, state.max_steps, self._loss)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Write one entry."""
        # The Trainer closes with means over the steps of this process alone.
        if not state.is_world_process_zero or logs is None or "train_runtime" in logs:
            return
        self._loss = logs.get("loss", self._loss)
        entry = {"step": state.global_step, "of": state.max_steps, **logs}
        entry["seconds"] = round(time.monotonic() - self._start, 1)
        with writing(self._path, GO_ON), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")


def _is_logged_by(step: int, line: str) -> bool:
    """Tell whether a line of the log is whole and of that step or an earlier one."""
    try:
        return bool(json.loads(line)["step"] <= step)
    except ValueError:  # a process was killed while it wrote
        return False


def mean_loss(state: TrainerState) -> float:
    """Return the mean loss of all steps, from what was logged of them."""
    total, last = 0.0, 0.0
    for entry in state.log_history:
        if "loss" in entry:
            total += entry["loss"] * (entry["step"] - last)
            last = entry["step"]
    return total / max(last, 1)
