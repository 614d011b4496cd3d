"""From logits to probabilities and decisions: temperatures, biases and thresholds.

A temperature cannot undo over-sampling, so each toxicity label has a scale and a bias (Platt
1999), fitted with weights that restore the natural share of toxic comments; stance has one
temperature (Guo et al. 2017, https://arxiv.org/abs/1706.04599) and a bias per class.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from stance.errors import ModelError
from stance.labels import STANCE_LABELS, TOXICITY_LABELS
from stance.tables import atomic_file

Floats = NDArray[np.floating[Any]]

FILE_NAME = "calibration.json"
_VERSION = 1
_SURE = 1e-12  # probabilities nearer to 0 or 1 are taken for this one

# The span head learnt from toxic posts alone: in a harmless one it marks the least harmless word.
# So a text gets spans only where some kind of toxicity is at least this probable.
_LEAST_TOXICITY_FOR_SPANS = 0.05


def usual_span_gates() -> dict[str, float]:
    """Return the `span_gates` of a model whose span threshold was fitted with its probabilities."""
    return dict.fromkeys(TOXICITY_LABELS, _LEAST_TOXICITY_FOR_SPANS)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns a model's logits into probabilities and flags.

    Parameters
    ----------
    model : str
        Name of the model, written beside every score.
    max_length : int
        Tokens of the model's window.
    stance_temperature : float
    stance_bias : tuple of 3 floats
        Added to the logits after the temperature, in the order of STANCE_LABELS.
    relevance : (scale, bias)
    toxicity : mapping of label to (scale, bias)
    thresholds : mapping of label to probability
        A comment is toxic where any label reaches its threshold.
    span_threshold : float
        Tokens whose probability reaches it are toxic.
    languages : tuple of str
        ISO 639-1 codes of the languages that the model reads.
    span_gates : mapping of label to probability
        A comment gets toxic spans only where any label reaches its gate.
    """

    model: str
    max_length: int
    stance_temperature: float
    stance_bias: tuple[float, float, float]
    relevance: tuple[float, float]
    toxicity: Mapping[str, tuple[float, float]]
    thresholds: Mapping[str, float]
    span_threshold: float
    languages: tuple[str, ...] = ("en",)
    span_gates: Mapping[str, float] = field(default_factory=usual_span_gates)

    def stance_probabilities(self, logits: Floats) -> Floats:
        """Return probabilities of shape (n, 3) that sum to one."""
        shifted = logits / self.stance_temperature + np.asarray(self.stance_bias)
        return softmax(shifted)

    def relevance_probabilities(self, logits: Floats) -> Floats:
        """Return probabilities of shape (n,)."""
        scale, bias = self.relevance
        return sigmoid(scale * logits + bias)

    def toxicity_probabilities(self, logits: Floats) -> Floats:
        """Return probabilities of shape (n, 6), in the order of TOXICITY_LABELS."""
        scales, biases = np.array([self.toxicity[label] for label in TOXICITY_LABELS]).T
        return sigmoid(logits * scales + biases)

    def has_spans(self, toxicity: Mapping[str, float]) -> bool:
        """Tell whether a comment of these probabilities gets toxic spans."""
        return any(toxicity[label] >= gate for label, gate in self.span_gates.items())

    def moved_gates(self, toxicity: Mapping[str, tuple[float, float]]) -> dict[str, float]:
        """Return the `span_gates` at which other scales and biases put the logits of these."""
        gates = dict(self.span_gates)
        for label in TOXICITY_LABELS:
            if toxicity[label] != self.toxicity[label]:
                gates[label] = _moved(gates[label], self.toxicity[label], toxicity[label])
        return gates

    def save(self, folder: Path) -> None:
        """Write `calibration.json` into a model folder."""
        content = json.dumps({"version": _VERSION, **asdict(self)}, indent=2) + "\n"
        with atomic_file(folder / FILE_NAME) as file:
            file.write(content.encode())

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read `calibration.json` of a model folder.

        Raises
        ------
        ModelError
            The file is missing or is not of this version.
        """
        path = folder / FILE_NAME
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(content, dict) or content.pop("version", None) != _VERSION:
                raise ValueError(f"it is not of version {_VERSION}")
            content.setdefault("span_gates", usual_span_gates())  # not in files of before
            for section in ("toxicity", "thresholds", "span_gates"):
                if set(content[section]) != set(TOXICITY_LABELS):
                    raise ValueError(f"{section} has {sorted(content[section])}")
            # Files of before this entry are of models that read English.
            languages = content.setdefault("languages", ["en"])
            if (
                not isinstance(languages, list)
                or not languages
                or not all(map(_is_code, languages))
            ):
                raise ValueError(f"languages is {languages}, expected codes such as ['en']")
            return cls(
                **{
                    **content,
                    "stance_bias": tuple(content["stance_bias"]),
                    "relevance": tuple(content["relevance"]),
                    "toxicity": {name: tuple(pair) for name, pair in content["toxicity"].items()},
                    "languages": tuple(languages),
                }
            )
        except FileNotFoundError:
            raise ModelError(
                f"{folder}: no {FILE_NAME}; expected a model folder as `stance train` writes it"
            ) from None
        except (ValueError, KeyError, TypeError) as error:
            raise ModelError(f"{path}: cannot be used ({error}); train or export again") from None


def _moved(probability: float, before: tuple[float, float], after: tuple[float, float]) -> float:
    """Return what a probability becomes with another scale and bias."""
    raw = (logit(np.asarray(probability)) - before[1]) / before[0]
    return float(sigmoid(raw * after[0] + after[1]))


def _is_code(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[a-z]{2}", value) is not None


def sigmoid(logits: Floats) -> Floats:
    """Return the logistic function, without overflow for any float."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logits)))


def logit(probabilities: Floats) -> Floats:
    """Return what `sigmoid` was given, for probabilities near 0 or 1 a number that is finite."""
    certain = np.clip(probabilities, _SURE, 1 - _SURE)
    return np.asarray(np.log(certain) - np.log1p(-certain))


def softmax(logits: Floats) -> Floats:
    """Return shares along the last axis."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def fit_stance(logits: Floats, labels: Sequence[int]) -> tuple[float, tuple[float, float, float]]:
    """Return the temperature and class biases of least cross-entropy.

    Parameters
    ----------
    logits : array, shape (n, 3)
    labels : sequence of int, length n
        Places in STANCE_LABELS.
    """
    from scipy.optimize import minimize

    chosen = np.asarray(labels)

    def cross_entropy(parameters: Floats) -> float:
        bias = np.array([parameters[1], parameters[2], 0.0])
        return _cross_entropy(logits * np.exp(-parameters[0]) + bias, chosen)

    best = minimize(cross_entropy, np.zeros(3), method="L-BFGS-B").x
    return float(np.exp(best[0])), (float(best[1]), float(best[2]), 0.0)


def fit_temperature(logits: Floats, labels: Sequence[int], bias: Sequence[float]) -> float:
    """Return the temperature of least cross-entropy among the classes that occur.

    Rows that lack a class say nothing of its bias: fitted, it would never be told again.

    Parameters
    ----------
    logits : array, shape (n, 3)
    labels : sequence of int, length n
        Places in STANCE_LABELS.
    bias : sequence of 3 floats
        Which is kept.
    """
    from scipy.optimize import minimize

    classes, chosen = np.unique(np.asarray(labels), return_inverse=True)
    kept = np.asarray(bias)[classes]

    def cross_entropy(parameters: Floats) -> float:
        return _cross_entropy(logits[:, classes] * np.exp(-parameters[0]) + kept, chosen)

    return float(np.exp(minimize(cross_entropy, np.zeros(1), method="L-BFGS-B").x[0]))


def _cross_entropy(logits: Floats, chosen: NDArray[np.integer[Any]]) -> float:
    return float(-np.log(softmax(logits)[np.arange(len(chosen)), chosen] + _SURE).mean())


def fit_platt(logits: Floats, labels: Floats, weights: Floats | None = None) -> tuple[float, float]:
    """Return the scale and bias of least weighted cross-entropy for 0/1 labels.

    A label of a single class leaves the logits as they are.
    """
    from sklearn.linear_model import LogisticRegression

    positive = np.asarray(labels) >= 0.5
    if positive.all() or not positive.any():
        return 1.0, 0.0
    fitted = LogisticRegression(C=1e4, max_iter=1000).fit(
        np.asarray(logits).reshape(-1, 1), positive, sample_weight=weights
    )
    # A label seen a few times may come out with a scale of the wrong sign: keep its order.
    return max(float(fitted.coef_[0, 0]), 0.1), float(fitted.intercept_[0])


def best_threshold(probabilities: Floats, labels: Floats, weights: Floats | None = None) -> float:
    """Return the threshold of best F1, between 0.05 and 0.95.

    Parameters
    ----------
    probabilities, labels, weights : array, shape (n,)
    """
    from sklearn.metrics import precision_recall_curve

    positive = np.asarray(labels) >= 0.5
    if not positive.any():
        return 0.5
    precision, recall, thresholds = precision_recall_curve(
        positive, probabilities, sample_weight=weights
    )
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(np.clip(thresholds[int(np.argmax(f1[:-1]))], 0.05, 0.95))


def natural_weights(toxic: Floats, natural_share: float) -> Floats:
    """Return row weights under which the share of toxic rows is `natural_share`.

    Examples
    --------
    >>> natural_weights(np.array([1.0, 0.0]), 0.1).tolist()
    [0.2, 1.8]
    """
    positive = np.asarray(toxic) >= 0.5
    share = float(positive.mean())
    if share in (0.0, 1.0):
        return np.ones(len(positive))
    return np.where(positive, natural_share / share, (1 - natural_share) / (1 - share))


def uncalibrated(model: str, max_length: int) -> Calibration:
    """Return the calibration that changes no logit and decides at one half."""
    return Calibration(
        model=model,
        max_length=max_length,
        stance_temperature=1.0,
        stance_bias=(0.0,) * len(STANCE_LABELS),  # type: ignore[arg-type]
        relevance=(1.0, 0.0),
        toxicity=dict.fromkeys(TOXICITY_LABELS, (1.0, 0.0)),
        thresholds=dict.fromkeys(TOXICITY_LABELS, 0.5),
        span_threshold=0.5,
    )
