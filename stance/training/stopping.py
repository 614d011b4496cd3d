"""Early stopping: figures on dev rows while training, and when to end by them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import f1_score, log_loss, roc_auc_score
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from stance.data.examples import Example
from stance.errors import ConfigError
from stance.labels import STANCE_LABELS
from stance.modeling.calibration import softmax
from stance.modeling.encoding import InputEncoder
from stance.modeling.network import UNKNOWN, UNKNOWN_STANCE, CommentModel
from stance.training.batches import Collator, encode_examples
from stance.training.config import EarlyStoppingConfig

_BATCH = 64
_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def is_greater_better(metric: str) -> bool:
    """Tell whether more of a metric is better."""
    return not metric.endswith("_loss")


class DevRows:
    """Held-out rows that a model is measured on between steps.

    Parameters
    ----------
    examples : sequence of Example
    encoder : InputEncoder
    pad_id : int
        Token id that fills the end of shorter rows.
    """

    def __init__(self, examples: Sequence[Example], encoder: InputEncoder, pad_id: int) -> None:
        rows = sorted(encode_examples(examples, encoder), key=lambda row: row["length"])
        collate = Collator(pad_id)
        self._batches = [
            collate(rows[start : start + _BATCH]) for start in range(0, len(rows), _BATCH)
        ]

    def check(self, metric: str) -> None:
        """Refuse a metric that these rows have no value for.

        Raises
        ------
        ConfigError
            No row is labelled for it, or all have the same label.
        """
        if self._figures([self._blank(batch) for batch in self._batches]).get(metric) is None:
            raise ConfigError(
                f"early_stopping.metric {metric}: the dev rows of the mix have no two different "
                "labels to measure it by; name another metric, add such rows, or leave "
                "early_stopping out"
            )

    def measure(self, model: CommentModel, device: torch.device) -> dict[str, float]:
        """Return the figures of a model, those that the labels allow."""
        model.eval()
        outputs = []
        with torch.no_grad():
            for batch in self._batches:
                logits = model(**{name: batch[name].to(device) for name in _INPUTS})
                outputs.append({head: value.float().cpu() for head, value in logits.items()})
        return self._figures(outputs)

    @staticmethod
    def _blank(batch: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return outputs of the right shape for a batch, all of them zero."""
        return {
            "stance": torch.zeros(len(batch["input_ids"]), len(STANCE_LABELS)),
            "relevance": torch.zeros_like(batch["relevance_labels"]),
            "toxicity": torch.zeros_like(batch["toxicity_labels"]),
            "spans": torch.zeros_like(batch["span_labels"]),
        }

    def _figures(self, outputs: Sequence[dict[str, torch.Tensor]]) -> dict[str, float]:
        stance = self._joined(outputs, "stance", "stance_labels", UNKNOWN_STANCE)
        relevance = self._joined(outputs, "relevance", "relevance_labels", UNKNOWN)
        spans = self._joined(outputs, "spans", "span_labels", UNKNOWN)
        toxicity = (
            self._joined(outputs, "toxicity", "toxicity_labels", UNKNOWN, column)
            for column in range(outputs[0]["toxicity"].shape[1] if outputs else 0)
        )
        areas = [area for pair in toxicity if (area := _roc_auc(*pair)) is not None]
        figures = {
            **_stance_figures(*stance),
            "relevance_roc_auc": _roc_auc(*relevance),
            "toxicity_roc_auc": float(np.mean(areas)) if areas else None,
            "spans_roc_auc": _roc_auc(*spans),
        }
        return {name: value for name, value in figures.items() if value is not None}

    def _joined(
        self,
        outputs: Sequence[dict[str, torch.Tensor]],
        head: str,
        labels: str,
        unknown: float,
        column: int | None = None,
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return a head's logits and labels where it is labelled, of all batches."""
        logits, gold = [], []
        for output, batch in zip(outputs, self._batches, strict=True):
            values, known = output[head], batch[labels]
            if column is not None:
                values, known = values[:, column], known[:, column]
            logits.append(values[known != unknown].numpy())
            gold.append(known[known != unknown].numpy())
        return (np.concatenate(logits), np.concatenate(gold)) if gold else (np.empty(0),) * 2


def _stance_figures(logits: NDArray[Any], gold: NDArray[Any]) -> dict[str, float | None]:
    classes = np.unique(gold)
    if len(classes) < 2:
        return {}
    macro_f1 = f1_score(
        gold, logits.argmax(axis=1), labels=classes, average="macro", zero_division=0
    )
    shares = softmax(logits.astype(float))
    return {
        "stance_macro_f1": float(macro_f1),
        "stance_log_loss": float(log_loss(gold, shares, labels=range(len(STANCE_LABELS)))),
    }


def _roc_auc(logits: NDArray[Any], gold: NDArray[Any]) -> float | None:
    positive = gold >= 0.5
    if positive.all() or not positive.any():
        return None
    return float(roc_auc_score(positive, logits))


def is_over(state: TrainerState, stopping: EarlyStoppingConfig | None) -> bool:
    """Tell whether training has come to its end, by its steps or its figures."""
    if state.max_steps and state.global_step >= state.max_steps:
        return True
    if stopping is None or state.best_global_step is None:
        return False
    return state.global_step - state.best_global_step >= stopping.patience * stopping.every


class EarlyStopping(TrainerCallback):
    """Ends training when the figures have not risen for long enough.

    The Trainer's own callback counts evaluations, and forgets the count when a run is resumed;
    this one goes by the steps alone.
    """

    def __init__(self, stopping: EarlyStoppingConfig) -> None:
        self._stopping = stopping

    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,
    ) -> None:
        """Look at the figures: each evaluation ends in a checkpoint."""
        if is_over(state, self._stopping):
            control.should_training_stop = True
