"""What a model says of encoded rows, as training asks it: without dropout, in padded batches."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from stance.modeling.network import CommentModel
from stance.modeling.runtime import batches
from stance.training.batches import Collator

_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_BATCH_TOKENS = 4096
_HEADS = ("stance", "relevance", "toxicity", "spans")


def logits_of(
    rows: Sequence[dict[str, Any]], model: CommentModel, pad_id: int, *, bfloat16: bool = False
) -> list[dict[str, Tensor]]:
    """Return a model's logits by head for each row, in the order of the rows.

    Parameters
    ----------
    rows : sequence of dict
        As `stance.training.batches.encode_examples` yields them.
    model : CommentModel
        Works where its weights are.
    pad_id : int
    bfloat16 : bool
        Whether matrix products may be worked out so.

    Returns
    -------
    list of dict of Tensor
        "stance" of shape (3,), "relevance" of shape (), "toxicity" of shape (6,), and "spans", one
        for each token and what it was padded with.
    """
    collate = Collator(pad_id)
    device = next(model.parameters()).device
    said: list[dict[str, Tensor]] = [{} for _ in rows]
    was_training = model.training
    model.eval()
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=bfloat16):
        for places in batches([row["length"] for row in rows], _BATCH_TOKENS):
            batch = collate([rows[place] for place in places])
            output = model(**{name: batch[name].to(device) for name in _INPUTS})
            logits = {name: output[name].float().cpu() for name in _HEADS}
            for number, place in enumerate(places):
                said[place] = {name: values[number] for name, values in logits.items()}
    model.train(was_training)
    return said
