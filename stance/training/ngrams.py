"""Training of the linear model over words and letters that stands beside the network."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.linear_model import LogisticRegression

from stance.data.examples import Example
from stance.labels import TOXICITY_LABELS, ToxicityLabel
from stance.modeling.calibration import Floats, natural_weights
from stance.modeling.ngrams import BUCKETS, Counts, NgramModel, count_ngrams

# Seen in fewer texts, a word or run of letters is not used.
_LEAST_TEXTS = 2
_INVERSE_PENALTY = 3.0
LEAST_OF_CLASS = 50  # of the training rows, with a label and without it
_LEAST_HELD_OUT = 20  # likewise, of those that its share is fitted on
# More than this share of the network's own voice is never given to it.
_MOST_SHARE = 2.0


def fit_ngrams(examples: Sequence[Example], start: NgramModel | None = None) -> NgramModel:
    """Return the model that logistic regression finds, one for each label with enough rows.

    Parameters
    ----------
    examples : sequence of Example
        Those without a label of toxicity are passed over; at least half of the raters make one.
    start : NgramModel, optional
        Whose rarities are kept, so that what it says of other labels can stand beside this.
    """
    rows = [example for example in examples if example.toxicity]
    counts = count_ngrams([row.text for row in rows])
    empty = NgramModel(
        rarity=_rarity(counts, len(rows)) if start is None else start.rarity,
        weights=np.zeros((BUCKETS, len(TOXICITY_LABELS)), np.float32),
        bias=np.zeros(len(TOXICITY_LABELS), np.float32),
    )
    values = empty.scaled(counts, len(rows)).astype(np.float32)
    matrix = sparse.csr_matrix((values, (counts.texts, counts.buckets)), shape=(len(rows), BUCKETS))
    weights, bias = empty.weights.copy(), empty.bias.copy()
    for place, label in enumerate(TOXICITY_LABELS):
        known = np.array([number for number, row in enumerate(rows) if label in row.toxicity])
        has_label = np.array([rows[number].toxicity[label] >= 0.5 for number in known], bool)
        if min(has_label.sum(), (~has_label).sum()) < LEAST_OF_CLASS:
            continue
        fitted = LogisticRegression(C=_INVERSE_PENALTY, max_iter=500).fit(matrix[known], has_label)
        weights[:, place], bias[place] = fitted.coef_[0], fitted.intercept_[0]
    return replace(empty, weights=weights, bias=bias)


def _rarity(counts: Counts, rows: int) -> NDArray[np.float32]:
    texts = np.bincount(counts.buckets, minlength=BUCKETS)  # each bucket once a text
    rarity = np.log((1 + rows) / (1 + texts)) + 1
    return np.where(texts < _LEAST_TEXTS, 0, rarity).astype(np.float32)


def best_shares(
    model: NgramModel, examples: Sequence[Example], logits: Floats, toxic_share: float | None
) -> dict[ToxicityLabel, float]:
    """Return how much of a model's logits is best added to the network's, by label.

    A label that the model did not learn, or that has too few rows to tell, is left out.

    Parameters
    ----------
    model : NgramModel
    examples : sequence of Example, length n
        That neither has learnt from.
    logits : array, shape (n, 6)
        The network's.
    toxic_share : float or None
        Share of toxic comments that the rows are weighed to have.
    """
    own = model.logits([example.text for example in examples])
    shares = {
        label: _share(label, examples, logits[:, place], own[:, place], toxic_share)
        for place, label in enumerate(TOXICITY_LABELS)
    }
    return {label: share for label, share in shares.items() if share is not None}


def scaled(
    model: NgramModel, shares: Mapping[ToxicityLabel, float], start: NgramModel | None = None
) -> NgramModel:
    """Return a model with each label's logits multiplied by its share.

    A label without one has the logits of `start`, whose rarities the model must have, or none.
    """
    factors = np.array([shares.get(label, 0.0) for label in TOXICITY_LABELS], np.float32)
    weights, bias = model.weights * factors, model.bias * factors
    if start is not None:
        is_new = np.array([label in shares for label in TOXICITY_LABELS])
        weights = np.where(is_new, weights, start.weights)
        bias = np.where(is_new, bias, start.bias)
    return replace(model, weights=weights, bias=bias)


def _share(
    label: ToxicityLabel,
    examples: Sequence[Example],
    network: Floats,
    own: Floats,
    toxic_share: float | None,
) -> float | None:
    known = [place for place, example in enumerate(examples) if label in example.toxicity]
    has_label = np.array([examples[place].toxicity[label] >= 0.5 for place in known], bool)
    if not own[known].any() or min(has_label.sum(), (~has_label).sum()) < _LEAST_HELD_OUT:
        return None
    weights = None
    if toxic_share is not None:
        weights = natural_weights(
            np.array([examples[place].most_toxic for place in known]), toxic_share
        )
    both = np.stack([network[known], own[known]], axis=1)
    fitted = LogisticRegression(C=1e4, max_iter=1000).fit(both, has_label, sample_weight=weights)
    of_network, of_own = fitted.coef_[0]
    if of_network <= 0:
        return 0.0
    return float(np.clip(of_own / of_network, 0.0, _MOST_SHARE))
