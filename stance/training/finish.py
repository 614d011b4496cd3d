"""From trained weights to a model folder: the export, and probabilities that can be believed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from stance.data.examples import Example
from stance.labels import STANCE_LABELS, TOXICITY_LABELS, ToxicityLabel
from stance.modeling.calibration import (
    Calibration,
    Floats,
    best_threshold,
    fit_platt,
    fit_stance,
    fit_temperature,
    natural_weights,
    sigmoid,
    uncalibrated,
    usual_span_gates,
)
from stance.modeling.encoding import InputEncoder
from stance.modeling.export import Parity, export
from stance.modeling.network import CommentModel
from stance.modeling.ngrams import NgramModel
from stance.modeling.runtime import FILE_NAME, Logits, Runtime
from stance.modeling.spans import character_f1, join_tokens
from stance.training.batches import first_windows
from stance.training.config import TrainConfig
from stance.training.ngrams import best_shares, scaled

_PARITY_WINDOWS = 200
# To fewer rows, or fewer of a class, a temperature or threshold fits their accidents.
LEAST_ROWS = 20
LEAST_OF_CLASS = 10
_SPAN_THRESHOLDS = tuple(step / 20 for step in range(2, 19))


@dataclass(frozen=True, slots=True)
class Finished:
    """What was found on the way from weights to a model folder.

    Parameters
    ----------
    parity : Parity
    fitted : mapping of str to int
        By head or toxicity label, the rows that its probabilities were fitted on; 0 where there
        were too few and it is calibrated as the model that training started from.
    ngram_shares : mapping of str to float
        By toxicity label, what the linear model's logits were multiplied by before they were added
        to the network's; empty where this run trained none.
    """

    parity: Parity
    fitted: dict[str, int]
    ngram_shares: Mapping[ToxicityLabel, float] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for `metrics.json`."""
        return {
            "export": self.parity.to_dict(),
            "calibrated_on": self.fitted,
            "ngram_shares": dict(self.ngram_shares),
        }


def finish(
    model: CommentModel,
    ngrams: NgramModel | None,
    new_ngrams: NgramModel | None,
    encoder: InputEncoder,
    config: TrainConfig,
    held_out: dict[str, list[Example]],
    folder: Path,
    start: Calibration | None = None,
) -> Finished:
    """Write the checkpoint in float16, `model.onnx`, `ngrams.npz` and `calibration.json`.

    The calibration is fitted on the 8-bit file's own logits, since those are what users get.

    Parameters
    ----------
    model
    ngrams : NgramModel or None
        What stands beside the network that training started from.
    new_ngrams : NgramModel or None
        What this run trained; how much it counts is fitted here. Labels that it did not learn
        stay as they were.
    encoder, config
    held_out : dict of str to list of Example
        By head, what it is calibrated on.
    folder : Path
    start : Calibration, optional
        Of the model that training started from: what a head keeps that has too few rows.
    """
    model.save(folder, torch.float16)
    # What is exported is what is stored: a reader of the checkpoint gets the same numbers.
    model = CommentModel.load(folder)
    parity = export(model, folder, first_windows(_parity_sample(held_out), encoder))
    runtime = Runtime(folder / FILE_NAME)
    logits = {name: runtime.run(first_windows(rows, encoder)) for name, rows in held_out.items()}
    shares: dict[ToxicityLabel, float] = {}
    if new_ngrams is not None:
        rows, said = held_out["toxicity"], logits["toxicity"].toxicity
        shares = best_shares(new_ngrams, rows, said, config.calibration.toxic_share)
        ngrams = scaled(new_ngrams, shares, ngrams)
    if ngrams is not None:
        ngrams.save(folder)
        logits |= {
            head: with_ngrams(logits[head], held_out[head], ngrams)
            for head in ("toxicity", "spans")
        }
    calibration, fitted = calibrate(held_out, logits, config, encoder, start)
    calibration.save(folder)
    return Finished(parity, fitted, shares)


def with_ngrams(logits: Logits, examples: Sequence[Example], ngrams: NgramModel) -> Logits:
    """Return the network's logits of examples with the linear model's added, as in scoring."""
    if not examples:
        return logits
    added = ngrams.logits([example.text for example in examples])
    return replace(logits, toxicity=(logits.toxicity + added).astype(np.float32))


def _parity_sample(held_out: dict[str, list[Example]]) -> list[Example]:
    """Return rows of every head, and of their texts alone too where a head has none."""
    sample = [example for rows in held_out.values() for example in rows[: _PARITY_WINDOWS // 4]]
    if all(held_out.values()):
        return sample
    return [*sample, *(replace(example, target=None) for example in sample)]


def calibrate(
    held_out: dict[str, list[Example]],
    logits: dict[str, Logits],
    config: TrainConfig,
    encoder: InputEncoder,
    start: Calibration | None = None,
) -> tuple[Calibration, dict[str, int]]:
    """Return a model's calibration from its logits on held-out rows, and on how many each was.

    Parameters
    ----------
    held_out, logits : dict
        By head.
    config, encoder
    start : Calibration, optional
        What a head keeps that has too few rows.
    """
    base = start or uncalibrated(config.name, encoder.max_length)
    fitted = {head: _enough(head, rows) for head, rows in held_out.items() if head != "toxicity"}
    stance = base.stance_temperature, base.stance_bias
    if fitted["stance"]:
        stance = _fit_stance(held_out["stance"], logits["stance"], base.stance_bias)
    relevance = base.relevance
    if fitted["relevance"]:
        relevance = _fit_relevance(held_out["relevance"], logits["relevance"])
    scales, thresholds = dict(base.toxicity), dict(base.thresholds)
    for label in TOXICITY_LABELS:
        fitted[label] = _enough(label, held_out["toxicity"])
        if fitted[label]:
            scales[label], thresholds[label] = _fit_toxicity(
                held_out["toxicity"], logits["toxicity"], label, config.calibration.toxic_share
            )
    spans = base.span_threshold
    # A head that was never trained, of a bare encoder, has no gate to keep.
    gates = start.moved_gates(scales) if start else usual_span_gates()
    if fitted["spans"]:
        gates = usual_span_gates()
        spans = _fit_span_threshold(held_out["spans"], logits["spans"], scales, gates, encoder)
    calibration = Calibration(
        model=config.name,
        max_length=encoder.max_length,
        stance_temperature=stance[0],
        stance_bias=stance[1],
        relevance=relevance,
        toxicity=scales,
        thresholds=thresholds,
        span_threshold=spans,
        languages=tuple(config.languages) if config.languages else base.languages,
        span_gates=gates,
    )
    return calibration, fitted


def _enough(head: str, examples: Sequence[Example]) -> int:
    """Return how many rows a head or toxicity label can be fitted on, or 0 if that is too few."""
    if head == "spans":
        return len(examples) if len(examples) >= LEAST_ROWS else 0
    if head in ("stance", "relevance"):
        values: list[Any] = [getattr(example, head) for example in examples]
    else:
        known = (example.toxicity.get(head) for example in examples)  # type: ignore[call-overload]
        values = [value >= 0.5 for value in known if value is not None]
    of_class = sorted(Counter(values).values())
    enough = len(values) >= LEAST_ROWS and len(of_class) > 1 and of_class[-2] >= LEAST_OF_CLASS
    return len(values) if enough else 0


def _fit_stance(
    examples: Sequence[Example], logits: Logits, bias: tuple[float, float, float]
) -> tuple[float, tuple[float, float, float]]:
    """Return the temperature and biases; where a class has too few rows, the biases of before."""
    labels = np.array([STANCE_LABELS.index(example.stance or "neutral") for example in examples])
    counts = np.bincount(labels, minlength=len(STANCE_LABELS))
    if counts.min() >= LEAST_OF_CLASS:
        return fit_stance(logits.stance, labels.tolist())
    known = counts[labels] >= LEAST_OF_CLASS
    return fit_temperature(logits.stance[known], labels[known].tolist(), bias), bias


def _fit_relevance(examples: Sequence[Example], logits: Logits) -> tuple[float, float]:
    labels = np.array([example.relevance for example in examples], dtype=float)
    return fit_platt(logits.relevance, labels)


def _fit_toxicity(
    examples: Sequence[Example], logits: Logits, label: ToxicityLabel, natural_share: float | None
) -> tuple[tuple[float, float], float]:
    """Return the scale and bias of one toxicity label, and its threshold."""
    known = [place for place, example in enumerate(examples) if label in example.toxicity]
    gold: Floats = np.array([examples[place].toxicity[label] for place in known])
    values = logits.toxicity[known, TOXICITY_LABELS.index(label)]
    weights = None
    if natural_share is not None:
        # Weighed anew for each kind: not every corpus labels every kind.
        weights = natural_weights(
            np.array([examples[place].most_toxic for place in known]), natural_share
        )
    scale, bias = fit_platt(values, gold, weights)
    return (scale, bias), best_threshold(sigmoid(values * scale + bias), gold, weights)


def _fit_span_threshold(
    examples: Sequence[Example],
    logits: Logits,
    scales: dict[str, tuple[float, float]],
    gates: dict[str, float],
    encoder: InputEncoder,
) -> float:
    windows = first_windows(examples, encoder)
    slope, bias = np.array([scales[label] for label in TOXICITY_LABELS]).T
    toxicity = sigmoid(logits.toxicity * slope + bias)
    # As in scoring: a text that is harmless as a whole gets no span.
    least = np.array([gates[label] for label in TOXICITY_LABELS])
    has_spans: Floats = (toxicity >= least).any(axis=1).astype(float)
    probabilities = [
        sigmoid(values) * has for values, has in zip(logits.spans, has_spans, strict=True)
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
