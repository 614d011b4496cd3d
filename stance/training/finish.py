"""From trained weights to a model folder: the export, and probabilities that can be believed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from stance.data.examples import Example
from stance.data.mix import build_mix
from stance.labels import STANCE_LABELS, TOXICITY_LABELS
from stance.modeling.calibration import (
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
from stance.training.config import ShareConfig, TrainConfig

_PARITY_WINDOWS = 200
_SPAN_THRESHOLDS = tuple(step / 20 for step in range(2, 19))


def finish(model: CommentModel, encoder: InputEncoder, config: TrainConfig, folder: Path) -> Parity:
    """Write the checkpoint in float16, `model.onnx` and `calibration.json`; return the parity.

    The calibration is fitted on the 8-bit file's own logits, since those are what users get.
    """
    model.save(folder, torch.float16)
    # What is exported is what is stored: a reader of the checkpoint gets the same numbers.
    model = CommentModel.load(folder)
    held_out = {
        "stance": _held_out(config.calibration.stance, config),
        "relevance": _held_out(config.calibration.relevance, config),
        "toxicity": _held_out(config.calibration.toxicity, config),
        "spans": _held_out(config.calibration.spans, config),
    }
    sample = [example for rows in held_out.values() for example in rows[: _PARITY_WINDOWS // 4]]
    parity = export(model, folder, first_windows(sample, encoder))
    runtime = Runtime(folder / FILE_NAME)
    logits = {name: runtime.run(first_windows(rows, encoder)) for name, rows in held_out.items()}
    calibrate(held_out, logits, config, encoder).save(folder)
    return parity


def _held_out(shares: Sequence[ShareConfig], config: TrainConfig) -> list[Example]:
    chosen = [share.to_share() for share in shares]
    examples, _ = build_mix(chosen, Path(config.data_root), config.seed, split="dev")
    return examples[: config.max_rows]


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
        span_threshold=_fit_span_threshold(held_out["spans"], logits["spans"], encoder),
    )


def _fit_stance(
    examples: Sequence[Example], logits: Logits
) -> tuple[float, tuple[float, float, float]]:
    known = [place for place, example in enumerate(examples) if example.stance is not None]
    labels = [STANCE_LABELS.index(examples[place].stance or "neutral") for place in known]
    return fit_stance(logits.stance[known], labels)


def _fit_relevance(examples: Sequence[Example], logits: Logits) -> tuple[float, float]:
    known = [place for place, example in enumerate(examples) if example.relevance is not None]
    labels = np.array([examples[place].relevance for place in known], dtype=float)
    return fit_platt(logits.relevance[known], labels)


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
    examples: Sequence[Example], logits: Logits, encoder: InputEncoder
) -> float:
    windows = first_windows(examples, encoder)
    probabilities = [sigmoid(values) for values in logits.spans]

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
