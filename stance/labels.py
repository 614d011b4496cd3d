"""The labels that stance predicts, in the order of the network's outputs."""

from typing import Literal, get_args

StanceLabel = Literal["favor", "against", "neutral"]
ToxicityLabel = Literal[
    "toxicity", "severe_toxicity", "obscene", "threat", "insult", "identity_attack"
]

STANCE_LABELS: tuple[StanceLabel, ...] = get_args(StanceLabel)
TOXICITY_LABELS: tuple[ToxicityLabel, ...] = get_args(ToxicityLabel)
