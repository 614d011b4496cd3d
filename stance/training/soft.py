"""What is not labelled is not forgotten: a starting model's own probabilities as soft targets.

Fine-tuning on rows that label one head alone would let the others drift. So each head learns, where
nobody labelled it, what the model said before training: learning without forgetting (Li & Hoiem
2016, https://arxiv.org/abs/1606.09282), a kind of distillation (Hinton et al. 2015).
"""

from collections.abc import Collection, Sequence
from itertools import compress
from typing import Any

from stance.labels import STANCE_LABELS, TOXICITY_LABELS
from stance.modeling.network import SOFT, UNKNOWN, UNKNOWN_STANCE, CommentModel
from stance.training.asking import logits_of

Row = dict[str, Any]


def with_soft_targets(
    rows: Sequence[Row],
    start: CommentModel,
    pad_id: int,
    taught: Sequence[Collection[str]] | None = None,
) -> list[Row]:
    """Return encoded rows with a model's probabilities for what they do not label.

    Stance and relevance are asked of pairs alone, toxicity and spans of comments alone, as in
    scoring.

    Parameters
    ----------
    rows : sequence of dict
        As `stance.training.batches.encode_examples` yields them.
    start : CommentModel
        The model before training.
    pad_id : int
    taught : sequence of collection of str, or None
        The heads that each row has a teacher's probabilities for; for these it gets none.
    """
    special = frozenset(start.special_ids.tolist())
    heads = taught or [()] * len(rows)
    asked = [_open_heads(row, closed) for row, closed in zip(rows, heads, strict=True)]
    each = iter(_probabilities(list(compress(rows, asked)), start, pad_id))
    return [
        {**row, **_answers(row, next(each) if is_open else {}, special, is_open)}
        for row, is_open in zip(rows, asked, strict=True)
    ]


def _open_heads(row: Row, taught: Collection[str]) -> frozenset[str]:
    """Return the heads that neither a label of a row nor a teacher says something of."""
    if any(row["token_type_ids"]):
        unknown = {
            "stance": row["stance_labels"] == UNKNOWN_STANCE,
            "relevance": row["relevance_labels"] == UNKNOWN,
        }
    else:
        kinds = zip(TOXICITY_LABELS, row["toxicity_labels"], strict=True)
        unknown = {name: label == UNKNOWN for name, label in kinds}
        unknown["spans"] = all(label == UNKNOWN for label in row["span_labels"])
    return frozenset(name for name, is_unknown in unknown.items() if is_unknown).difference(taught)


def _probabilities(rows: Sequence[Row], start: CommentModel, pad_id: int) -> list[Row]:
    return [
        {
            name: (value.softmax(dim=-1) if name == "stance" else value.sigmoid()).tolist()
            for name, value in said.items()
        }
        for said in logits_of(rows, start, pad_id)
    ]


def _answers(row: Row, said: Row, special: frozenset[int], asked: Collection[str]) -> Row:
    """Return what a model said of the heads that it was asked about; the others stay unknown."""
    of_tokens = zip(row["input_ids"], said.get("spans", ()), strict=False)  # padded
    return {
        f"{SOFT}stance": said["stance"] if "stance" in asked else [UNKNOWN] * len(STANCE_LABELS),
        f"{SOFT}relevance": said["relevance"] if "relevance" in asked else UNKNOWN,
        f"{SOFT}toxicity": [
            said["toxicity"][place] if name in asked else UNKNOWN
            for place, name in enumerate(TOXICITY_LABELS)
        ],
        f"{SOFT}spans": (
            [UNKNOWN if token in special else own for token, own in of_tokens]
            if "spans" in asked
            else [UNKNOWN] * row["length"]
        ),
    }
