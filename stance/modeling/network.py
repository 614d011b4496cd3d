"""The network: any Hugging Face encoder with a head each for stance, relevance, toxicity, spans.

A model folder is an ordinary checkpoint of the encoder, which `transformers.AutoModel` loads as
it is; the heads stand in the same file under names that begin with ``stance_heads.``.
"""

import json
from pathlib import Path
from typing import Any, Self

import torch
import torch.distributed as dist
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, PreTrainedConfig, PreTrainedModel

from stance.errors import ModelError
from stance.labels import STANCE_LABELS, TOXICITY_LABELS
from stance.tables import atomic_file

# What the collator writes where a corpus lacks a label.
UNKNOWN_STANCE = -100
UNKNOWN = -1.0
# What the names of labels begin with that are another model's probabilities: those of the model
# that training starts from, where there is no label, and those of a teacher, beside the labels.
SOFT = "soft_"
TEACHER = "teacher_"

_HEADS = "stance_heads."
_SETTINGS = "stance"


class Heads(nn.Module):
    """The four heads over an encoder's states of width `hidden`."""

    def __init__(self, hidden: int, dropout: float) -> None:
        super().__init__()
        self.pair = nn.Sequential(nn.Dropout(dropout), nn.Linear(5 * hidden, hidden), nn.GELU())
        self.stance = nn.Linear(hidden, len(STANCE_LABELS))
        self.relevance = nn.Linear(hidden, 1)
        self.single = nn.Sequential(nn.Dropout(dropout), nn.Linear(3 * hidden, hidden), nn.GELU())
        self.toxicity = nn.Linear(hidden, len(TOXICITY_LABELS))
        self.spans = nn.Sequential(nn.Dropout(dropout), nn.Linear(hidden, 1))

    def forward(
        self, states: Tensor, comment: Tensor, target: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the logits of stance, relevance, toxicity and spans.

        Parameters
        ----------
        states : Tensor, shape (batch, length, hidden)
        comment, target : Tensor, shape (batch, length)
            1 for the tokens of either, 0 elsewhere; all 0 for a target that is not there.
        """
        first = states[:, 0]
        of_comment, of_target = _mean(states, comment), _mean(states, target)
        pair = self.pair(
            torch.cat(
                [
                    first,
                    of_target,
                    of_comment,
                    of_target * of_comment,
                    (of_target - of_comment).abs(),
                ],
                dim=-1,
            )
        )
        single = self.single(torch.cat([first, of_comment, _largest(states, comment)], dim=-1))
        return (
            self.stance(pair),
            self.relevance(pair).squeeze(-1),
            self.toxicity(single),
            self.spans(states).squeeze(-1),
        )


def _mean(states: Tensor, mask: Tensor) -> Tensor:
    weights = mask.unsqueeze(-1)
    return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1.0)


def _largest(states: Tensor, mask: Tensor) -> Tensor:
    # A comment without tokens gets zeros, as its mean does.
    hidden = states.masked_fill(mask.unsqueeze(-1) == 0, -1e4).amax(dim=1)
    return hidden * (mask.sum(dim=1, keepdim=True) > 0)


class CommentModel(nn.Module):
    """An encoder and its heads.

    Parameters
    ----------
    encoder : transformers.PreTrainedModel
        A model of `transformers.AutoModel`.
    special_ids : list of int
        Tokens that mark where texts begin and end: no text's mean includes them.
    max_length : int
        The most tokens of a window.
    dropout : float
        Share of inputs that each head drops while training.
    state_scale : float
        What the encoder's states are multiplied by before the heads read them.

    Attributes
    ----------
    soft_weight : float
        How much a loss against the starting model's probabilities counts beside one against labels.
    teacher_weight, toxicity_teacher_weight : float
        How much a loss against a teacher's counts, of stance and of toxicity.
    consistency : float
        How much it counts while training that a second reading, with other inputs dropped, says
        something else of a stance (R-Drop, Liang et al. 2021, https://arxiv.org/abs/2106.14448).
    """

    special_ids: Tensor

    def __init__(
        self,
        encoder: PreTrainedModel,
        special_ids: list[int],
        max_length: int,
        dropout: float = 0.1,
        state_scale: float = 1.0,
    ) -> None:
        super().__init__()
        if getattr(encoder, "pooler", None) is not None:
            encoder.pooler = None  # type: ignore[assignment]  # the heads read the states
        self.encoder = encoder
        self.config = encoder.config
        self.max_length = max_length
        self.state_scale = state_scale
        self.heads = Heads(self.config.hidden_size, dropout)
        self.register_buffer("special_ids", torch.tensor(special_ids), persistent=False)
        self.soft_weight = 1.0
        self.teacher_weight = 1.0
        self.toxicity_teacher_weight = 1.0
        self.consistency = 0.0
        self._has_types = getattr(self.config, "type_vocab_size", 0) > 1

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        token_type_ids: Tensor,
        **labels: Tensor,
    ) -> dict[str, Tensor]:
        """Return the logits by head and, where labels are given, the sum of the heads' losses.

        Parameters
        ----------
        input_ids, attention_mask, token_type_ids : Tensor, shape (batch, length)
        **labels : Tensor
            See `losses`.
        """
        inputs = (input_ids, attention_mask, token_type_ids)
        output = self._logits(*inputs)
        if labels:
            output["loss"] = torch.stack(
                [self._weight(name) * loss for name, loss in losses(output, **labels).items()]
            ).sum()
            if self.training and self.consistency:
                asked = labels["stance_labels"] != UNKNOWN_STANCE
                output["loss"] += self.consistency * self._inconsistency(output, inputs, asked)
        return output

    def _weight(self, loss: str) -> float:
        if loss == f"{TEACHER}toxicity":
            return self.toxicity_teacher_weight
        if loss.startswith(TEACHER):
            return self.teacher_weight
        return self.soft_weight if loss.startswith(SOFT) else 1.0

    def _logits(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor
    ) -> dict[str, Tensor]:
        types = {"token_type_ids": token_type_ids} if self._has_types else {}
        states = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **types)[0]
        if self.state_scale != 1.0:
            states = states * self.state_scale
        comment, target = self._segments(input_ids, attention_mask, token_type_ids)
        stance, relevance, toxicity, spans = self.heads(
            states, comment.to(states.dtype), target.to(states.dtype)
        )
        return {
            "stance": stance,
            "relevance": relevance,
            "toxicity": toxicity,
            "spans": spans,
        }

    def _inconsistency(
        self, output: dict[str, Tensor], inputs: tuple[Tensor, Tensor, Tensor], asked: Tensor
    ) -> Tensor:
        """Return the mean divergence, both ways, of a second reading of the rows asked for."""
        divergence = output["stance"].new_zeros((), dtype=torch.float32)
        if asked.any():
            first = output["stance"][asked].float().log_softmax(dim=-1)
            ids, mask, types = (tensor[asked] for tensor in inputs)
            second = self._logits(ids, mask, types)["stance"].float().log_softmax(dim=-1)
            divergence = ((first.exp() - second.exp()) * (first - second)).sum() / 2
        known, processes = _of_all_processes(asked.sum().unsqueeze(0))
        return processes * divergence / known.clamp(min=1)[0]

    def _segments(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor
    ) -> tuple[Tensor, Tensor]:
        special = torch.eq(input_ids.unsqueeze(-1), self.special_ids).any(dim=-1)
        text = (attention_mask == 1) & ~special
        # A row is a pair if any token is of type 1; its comment is that type, else all of it.
        is_pair = token_type_ids.amax(dim=1, keepdim=True)
        return text & (token_type_ids == is_pair), text & (token_type_ids < is_pair)

    @classmethod
    def from_encoder(
        cls,
        name: str | Path,
        special_ids: list[int],
        max_length: int,
        dropout: float = 0.1,
        state_scale: float = 1.0,
    ) -> Self:
        """Put fresh heads on a pretrained encoder, loaded in float32."""
        config = _for_training(AutoConfig.from_pretrained(name))
        encoder = AutoModel.from_pretrained(
            name, config=config, dtype=torch.float32, attn_implementation=_attention()
        )
        return cls(encoder, special_ids, max_length, dropout, state_scale)

    @classmethod
    def load(cls, folder: Path, dropout: float = 0.1) -> Self:
        """Load a model folder in float32, whatever type its weights are stored in.

        Parameters
        ----------
        folder : Path
        dropout : float
            As of the class; only further training uses it.

        Raises
        ------
        ModelError
            The folder is not one that `save` wrote.
        """
        try:
            config = _for_training(AutoConfig.from_pretrained(folder))
            settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))[_SETTINGS]
            weights = load_file(folder / "model.safetensors")
        except (OSError, KeyError, ValueError, SafetensorError) as error:
            raise ModelError(
                f"{folder}: not a model folder of stance ({error}); expected config.json with a "
                "'stance' section, model.safetensors and tokenizer.json"
            ) from None
        encoder: PreTrainedModel = AutoModel.from_config(  # type: ignore[no-untyped-call]
            config, dtype=torch.float32, attn_implementation=_attention()
        )
        model = cls(
            encoder,
            settings["special_ids"],
            settings["max_length"],
            dropout,
            settings.get("state_scale", 1.0),
        )
        model.encoder.load_state_dict(
            {name: value.float() for name, value in weights.items() if not _is_head(name)}
        )
        model.heads.load_state_dict(
            {
                name.removeprefix(_HEADS): value.float()
                for name, value in weights.items()
                if _is_head(name)
            }
        )
        return model.eval()

    def save(self, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        """Write `config.json` and `model.safetensors` (weights stored as `dtype`)."""
        folder.mkdir(parents=True, exist_ok=True)
        weights = dict(self.encoder.state_dict())
        weights |= {_HEADS + name: value for name, value in self.heads.state_dict().items()}
        stored = {
            name: value.to(dtype).contiguous() if value.is_floating_point() else value
            for name, value in weights.items()
        }
        with atomic_file(folder / "model.safetensors") as file:
            file.write(save(stored, metadata={"format": "pt"}))
        write_json(folder / "config.json", self._config_dict())

    def _config_dict(self) -> dict[str, Any]:
        settings = {"special_ids": self.special_ids.tolist(), "max_length": self.max_length}
        if self.state_scale != 1.0:
            settings["state_scale"] = self.state_scale
        config = self.config.to_dict()
        config.pop("_name_or_path", None)  # where the encoder lay on the training machine
        return {**config, _SETTINGS: settings}


def is_model_folder(folder: str | Path) -> bool:
    """Tell whether a folder holds a model that `CommentModel.save` wrote."""
    try:
        return _SETTINGS in json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False


def _for_training(config: PreTrainedConfig) -> PreTrainedConfig:
    if hasattr(config, "attention_probs_dropout_prob"):
        # On a CPU its random masks cost more time than the attention that they thin out.
        config.attention_probs_dropout_prob = 0.0
    return config


def _attention() -> str:
    # On a CPU the fused kernel's backward pass takes longer than plain products (measured).
    return "sdpa" if torch.cuda.is_available() else "eager"


def _is_head(name: str) -> bool:
    return name.startswith(_HEADS)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file that people read; an older one is replaced as a whole."""
    with atomic_file(path) as file:
        file.write((json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())


def losses(
    output: dict[str, Tensor],
    *,
    stance_labels: Tensor,
    relevance_labels: Tensor,
    toxicity_labels: Tensor,
    span_labels: Tensor,
    stance_weights: Tensor | None = None,
    toxicity_weights: Tensor | None = None,
    **soft: Tensor,
) -> dict[str, Tensor]:
    """Return each head's loss, averaged over the labelled rows so that a mix does not shift it.

    With several processes the rows are those of all of them together; each process returns its own
    part times their number, so that the mean over processes, which is what their gradients are
    averaged to, is the loss of one process that has all rows.

    Parameters
    ----------
    output : dict of Tensor
        Logits by head.
    stance_labels : Tensor of int, shape (batch,)
        Index into STANCE_LABELS, or UNKNOWN_STANCE.
    relevance_labels : Tensor, shape (batch,)
    toxicity_labels : Tensor, shape (batch, 6)
    span_labels : Tensor, shape (batch, length)
        Probabilities, or UNKNOWN.
    stance_weights : Tensor, shape (batch,), optional
    toxicity_weights : Tensor, shape (batch, 6), optional
        How much each label counts; the mean is still over their number.
    **soft : Tensor
        "soft_stance", of shape (batch, 3), "soft_relevance", "soft_toxicity" and "soft_spans", of
        the shapes of the labels: probabilities of another model where there is no label, or
        UNKNOWN; "teacher_stance", "teacher_relevance" and "teacher_toxicity" likewise, whether
        there is a label or not. Each has a loss of its own, under its own name.
    """
    cross_entropy = nn.functional.cross_entropy(
        output["stance"].float(), stance_labels, ignore_index=UNKNOWN_STANCE, reduction="none"
    )
    if stance_weights is not None:
        cross_entropy = cross_entropy * stance_weights
    totals = {
        "stance": (cross_entropy.sum(), (stance_labels != UNKNOWN_STANCE).sum()),
        "relevance": _masked_bce(output["relevance"], relevance_labels),
        "toxicity": _masked_bce(output["toxicity"], toxicity_labels, toxicity_weights),
        "spans": _masked_bce(output["spans"], span_labels),
        **{name: _soft_loss(output, name, wanted) for name, wanted in soft.items()},
    }
    known, processes = _of_all_processes(torch.stack([count for _, count in totals.values()]))
    return {
        head: processes * total / count
        for (head, (total, _)), count in zip(totals.items(), known.clamp(min=1), strict=True)
    }


def _masked_bce(
    logits: Tensor, labels: Tensor, weights: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return the sum of the losses of what is labelled, and how much that is."""
    known = labels != UNKNOWN
    loss = nn.functional.binary_cross_entropy_with_logits(
        logits.float(), labels.clamp(min=0), weight=weights, reduction="none"
    )
    return (loss * known).sum(), known.sum()


def _soft_loss(output: dict[str, Tensor], name: str, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sum of the cross-entropies from probabilities, and how many are known."""
    head = name.removeprefix(SOFT).removeprefix(TEACHER)
    logits = output[head]
    if head != "stance":
        return _masked_bce(logits, wanted)
    known = wanted[:, 0] != UNKNOWN
    loss = nn.functional.cross_entropy(logits.float(), wanted.clamp(min=0), reduction="none")
    return (loss * known).sum(), known.sum()


def _of_all_processes(counts: Tensor) -> tuple[Tensor, int]:
    """Return the sums of counts over the processes of a distributed run, and their number."""
    if not (dist.is_available() and dist.is_initialized()):
        return counts, 1
    dist.all_reduce(counts)
    return counts, dist.get_world_size()
