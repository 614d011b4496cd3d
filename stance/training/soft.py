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
    is_open = [_is_open(row, closed) for row, closed in zip(rows, heads, strict=True)]
    each = iter(_probabilities(list(compress(rows, is_open)), start, pad_id))
    return [
        {**row, **(_unlabelled(row, next(each), special, closed) if asked else _nothing(row))}
        for row, closed, asked in zip(rows, heads, is_open, strict=True)
    ]


def _is_open(row: Row, taught: Collection[str]) -> bool:
    """Tell whether a row has a head that neither a label nor a teacher says something of."""
    if any(row["token_type_ids"]):
        return (row["stance_labels"] == UNKNOWN_STANCE and "stance" not in taught) or (
            row["relevance_labels"] == UNKNOWN and "relevance" not in taught
        )
    kinds = zip(TOXICITY_LABELS, row["toxicity_labels"], strict=True)
    return any(label == UNKNOWN and name not in taught for name, label in kinds) or all(
        label == UNKNOWN for label in row["span_labels"]
    )


def _nothing(row: Row) -> Row:
    return {
        f"{SOFT}stance": [UNKNOWN] * len(STANCE_LABELS),
        f"{SOFT}relevance": UNKNOWN,
        f"{SOFT}toxicity": [UNKNOWN] * len(TOXICITY_LABELS),
        f"{SOFT}spans": [UNKNOWN] * row["length"],
    }


def _probabilities(rows: Sequence[Row], start: CommentModel, pad_id: int) -> list[Row]:
    return [
        {
            name: (value.softmax(dim=-1) if name == "stance" else value.sigmoid()).tolist()
            for name, value in said.items()
        }
        for said in logits_of(rows, start, pad_id)
    ]


def _unlabelled(row: Row, said: Row, special: frozenset[int], taught: Collection[str]) -> Row:
    """Return what a model said of a row, where neither a label nor a teacher says something."""
    is_pair = any(row["token_type_ids"])
    stance_is_open = is_pair and row["stance_labels"] == UNKNOWN_STANCE and "stance" not in taught
    relevance_is_open = is_pair and row["relevance_labels"] == UNKNOWN and "relevance" not in taught
    spans_are_open = not is_pair and all(label == UNKNOWN for label in row["span_labels"])
    return {
        f"{SOFT}stance": said["stance"] if stance_is_open else [UNKNOWN] * len(STANCE_LABELS),
        f"{SOFT}relevance": said["relevance"] if relevance_is_open else UNKNOWN,
        f"{SOFT}toxicity": [
            own if not is_pair and label == UNKNOWN and name not in taught else UNKNOWN
            for name, label, own in zip(
                TOXICITY_LABELS, row["toxicity_labels"], said["toxicity"], strict=True
            )
        ],
        f"{SOFT}spans": [
            own if spans_are_open and token not in special else UNKNOWN
            for token, own in zip(row["input_ids"], said["spans"], strict=False)  # padded
        ],
    }
