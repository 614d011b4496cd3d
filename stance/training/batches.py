"""Examples as rows of token ids and labels, and rows as padded batches."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from stance.data.examples import Example
from stance.labels import STANCE_LABELS, TOXICITY_LABELS
from stance.modeling.encoding import InputEncoder, Window
from stance.modeling.network import SOFT, TEACHER, UNKNOWN, UNKNOWN_STANCE

_CHUNK = 1000
# What only some runs have: see `soft`, `teacher` and `balance` in `stance.training`.
_SOFT_SPANS = f"{SOFT}spans"
_OPTIONAL = (
    *("stance_weights", "toxicity_weights"),
    *(f"{SOFT}stance", f"{SOFT}relevance", f"{SOFT}toxicity"),
    *(f"{TEACHER}stance", f"{TEACHER}relevance", f"{TEACHER}toxicity"),
)
# Batches come in few different lengths, so that kernels made for one are used again.
_LENGTH_STEP = 8


def encode_examples(examples: Sequence[Example], encoder: InputEncoder) -> Iterator[dict[str, Any]]:
    """Yield a row an example: the ids of its first window and its labels, unknown ones marked."""
    for start in range(0, len(examples), _CHUNK):
        chunk = examples[start : start + _CHUNK]
        yield from map(_row, chunk, first_windows(chunk, encoder))


def first_windows(examples: Sequence[Example], encoder: InputEncoder) -> list[Window]:
    """Return each example's first window: the part of a long text that training reads."""
    texts = encoder.tokenize([example.text for example in examples])
    targets = encoder.tokenize([example.target or "" for example in examples])
    return [
        encoder.single(text)[0] if example.target is None else encoder.pair(target, text)[0]
        for example, text, target in zip(examples, texts, targets, strict=True)
    ]


def _row(example: Example, window: Window) -> dict[str, Any]:
    return {
        "input_ids": window.input_ids,
        "token_type_ids": window.token_type_ids,
        "length": len(window),
        "stance_labels": (
            UNKNOWN_STANCE if example.stance is None else STANCE_LABELS.index(example.stance)
        ),
        "relevance_labels": UNKNOWN if example.relevance is None else float(example.relevance),
        "toxicity_labels": [example.toxicity.get(label, UNKNOWN) for label in TOXICITY_LABELS],
        "span_labels": _span_labels(example, window),
    }


def _span_labels(example: Example, window: Window) -> list[float]:
    labels = [UNKNOWN] * len(window)
    if example.toxic_spans is not None:
        for position, (start, end) in enumerate(window.offsets, window.comment_start):
            inside = any(start < last and first < end for first, last in example.toxic_spans)
            labels[position] = float(inside)
    return labels


class Collator:
    """Pads rows to the longest of their batch, rounded up.

    Parameters
    ----------
    pad_id : int
        Token id that fills the end of shorter rows.
    """

    def __init__(self, pad_id: int) -> None:
        self.pad_id = pad_id

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Return tensors of shape (batch, length), labels beside them."""
        longest = max(len(row["input_ids"]) for row in rows)
        length = -(-longest // _LENGTH_STEP) * _LENGTH_STEP

        def padded(name: str, filler: float) -> Tensor:
            return torch.tensor([row[name] + [filler] * (length - len(row[name])) for row in rows])

        ids = padded("input_ids", self.pad_id)
        lengths = torch.tensor([len(row["input_ids"]) for row in rows])
        batch = {
            "input_ids": ids,
            "attention_mask": (torch.arange(length) < lengths.unsqueeze(1)).long(),
            "token_type_ids": padded("token_type_ids", 0),
            "stance_labels": torch.tensor([row["stance_labels"] for row in rows]),
            "relevance_labels": torch.tensor([row["relevance_labels"] for row in rows]),
            "toxicity_labels": torch.tensor([row["toxicity_labels"] for row in rows]),
            "span_labels": padded("span_labels", UNKNOWN),
        }
        for name in _OPTIONAL:
            if name in rows[0]:
                batch[name] = torch.tensor([row[name] for row in rows])
        if _SOFT_SPANS in rows[0]:
            batch[_SOFT_SPANS] = padded(_SOFT_SPANS, UNKNOWN)
        return batch
