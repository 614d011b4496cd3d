"""From trained weights to a model folder: the export, and probabilities that can be believed."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from stance.data.examples import Example
from stance.data.mix import build_mix
from stance.errors import ConfigError
from stance.labels import STANCE_LABELS, TOXICITY_LABELS
from stance.modeling.calibration import (
    LEAST_TOXICITY_FOR_SPANS,
    Calibration,
    Floats,
    best_threshold,
    fit_platt,
    fit_stance,
    natural_weights,
    sigmoid,
    uncalibrated,
)
from stance.modeling.encoding import InputEncoder
from stance.modeling.export import Parity, export
from stance.modeling.network import CommentModel
from stance.modeling.runtime import FILE_NAME, Logits, Runtime
from stance.modeling.spans import character_f1, join_tokens
from stance.training.batches import first_windows
from stance.training.config import TrainConfig

# Whether an example has the label that a head is calibrated on.
_KNOWS: dict[str, Callable[[Example], bool]] = {
    "stance": lambda example: example.stance is not None,
    "relevance": lambda example: example.relevance is not None,
    "toxicity": lambda example: bool(example.toxicity),
    "spans": lambda example: example.toxic_spans is not None,
}
_PARITY_WINDOWS = 200
_SPAN_THRESHOLDS = tuple(step / 20 for step in range(2, 19))


def finish(
    model: CommentModel,
    encoder: InputEncoder,
    config: TrainConfig,
    held_out: dict[str, list[Example]],
    folder: Path,
) -> Parity:
    """Write the checkpoint in float16, `model.onnx` and `calibration.json`; return the parity.

    The calibration is fitted on the 8-bit file's own logits, since those are what users get.
    """
    model.save(folder, torch.float16)
    # What is exported is what is stored: a reader of the checkpoint gets the same numbers.
    model = CommentModel.load(folder)
    sample = [example for rows in held_out.values() for example in rows[: _PARITY_WINDOWS // 4]]
    parity = export(model, folder, first_windows(sample, encoder))
    runtime = Runtime(folder / FILE_NAME)
    logits = {name: runtime.run(first_windows(rows, encoder)) for name, rows in held_out.items()}
    calibrate(held_out, logits, config, encoder).save(folder)
    return parity


def read_held_out(config: TrainConfig) -> dict[str, list[Example]]:
    """Return the rows that each head is calibrated on.

    Raises
    ------
    ConfigError
        A head has no row with a label of its own.
    """
    held_out = {}
    for head, knows in _KNOWS.items():
        shares = [share.to_share() for share in getattr(config.calibration, head)]
        examples, _ = build_mix(shares, Path(config.data_root), config.seed, split="dev")
        held_out[head] = [example for example in examples if knows(example)][: config.max_rows]
        if not held_out[head]:
            raise ConfigError(
                f"calibration.{head}: no row of a dev split with such a label in "
                f"{[share.corpus for share in shares]}; name a corpus that has some"
            )
    return held_out


def calibrate(
    held_out: dict[str, list[Example]],
    logits: dict[str, Logits],
    config: TrainConfig,
    encoder: InputEncoder,
) -> Calibration:
    """Return the calibration of a model from its logits on held-out rows, by head."""
    temperature, bias = _fit_stance(held_out["stance"], logits["stance"])
    scales, thresholds = _fit_toxicity(
        held_out["toxicity"], logits["toxicity"], config.calibration.toxic_share
    )
    start = uncalibrated(config.name, encoder.max_length)
    return Calibration(
        model=start.model,
        max_length=start.max_length,
        stance_temperature=temperature,
        stance_bias=bias,
        relevance=_fit_relevance(held_out["relevance"], logits["relevance"]),
        toxicity=scales,
        thresholds=thresholds,
        span_threshold=_fit_span_threshold(held_out["spans"], logits["spans"], scales, encoder),
    )


def _fit_stance(
    examples: Sequence[Example], logits: Logits
) -> tuple[float, tuple[float, float, float]]:
    labels = [STANCE_LABELS.index(example.stance or "neutral") for example in examples]
    return fit_stance(logits.stance, labels)


def _fit_relevance(examples: Sequence[Example], logits: Logits) -> tuple[float, float]:
    labels = np.array([example.relevance for example in examples], dtype=float)
    return fit_platt(logits.relevance, labels)


def _fit_toxicity(
    examples: Sequence[Example], logits: Logits, natural_share: float
) -> tuple[dict[str, tuple[float, float]], dict[str, float]]:
    toxic = np.array([example.toxicity.get("toxicity", 0.0) for example in examples])
    scales: dict[str, tuple[float, float]] = {}
    thresholds: dict[str, float] = {}
    for column, label in enumerate(TOXICITY_LABELS):
        known = [place for place, example in enumerate(examples) if label in example.toxicity]
        gold: Floats = np.array([examples[place].toxicity[label] for place in known])
        values = logits.toxicity[known, column]
        # Weighed anew for each kind: not every corpus labels every kind.
        weights = natural_weights(toxic[known], natural_share)
        scales[label] = fit_platt(values, gold, weights)
        probabilities = sigmoid(values * scales[label][0] + scales[label][1])
        thresholds[label] = best_threshold(probabilities, gold, weights)
    return scales, thresholds


def _fit_span_threshold(
    examples: Sequence[Example],
    logits: Logits,
    scales: dict[str, tuple[float, float]],
    encoder: InputEncoder,
) -> float:
    windows = first_windows(examples, encoder)
    slope, bias = np.array([scales[label] for label in TOXICITY_LABELS]).T
    toxicity = sigmoid(logits.toxicity * slope + bias).max(axis=1)
    # As in scoring: a text that is harmless as a whole gets no span.
    probabilities = [
        sigmoid(values) * (most >= LEAST_TOXICITY_FOR_SPANS)
        for values, most in zip(logits.spans, toxicity, strict=True)
    ]

    def mean_f1(threshold: float) -> float:
        scores = [
            character_f1(
                example.toxic_spans or (),
                join_tokens(
                    [window.offsets[place] for place in np.flatnonzero(values >= threshold)],
                    example.text,
                ),
            )
            for example, window, values in zip(examples, windows, probabilities, strict=True)
        ]
        return float(np.mean(scores))

    return max(_SPAN_THRESHOLDS, key=mean_f1)
