"""Labels that are likely wrong, without a trained network: in a minute, not an hour.

A logistic regression on the words of comment and target, cross-validated, says of each row how
probable its label is given the others; the rows whose label is least probable are named (confident
learning, Northcutt et al. 2021, https://arxiv.org/abs/1911.00068, with cleanlab).

Measured on 4,000 COVID-19 tweets (Glandt et al. 2021) with 5% of their stance labels flipped, means
of three draws: of the 20 rows named first 80% were flipped, of the first 50 61%, and the 200 named
held a third of all flipped ones; among 1,000 tweets 35%, 20% and a fifth. TF-IDF itself does not
find more and takes longer; the network's own logits do not help.
"""

import random
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.data.examples import text_key
from stance.data.findings import LabelErrors, Suspect

MOST_SEARCHED = 4000  # rows; a minute on two cores
LEAST_ROWS = 100
FOLDS = 5
MAX_SUSPECTS = 200
SUSPECT_SHARE = 0.05  # of the searched rows that are named

_NEEDED = ("sklearn", "cleanlab")
_MAX_EXCERPT = 300
_WORD = r"\w+|[^\w\s]"
_MAX_WORDS = 50_000  # and pairs of words
_TARGET_ROWS = 50  # of a target whose words are weighed on their own
_MAX_TARGETS = 8  # weighed so
_TOPICS = 300
_STRENGTH = 3.0  # of the topics: the inverse of the regularisation

Integers = NDArray[np.integer[Any]]
Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class LabelledText:
    """A text and the place of its label among the classes.

    Parameters
    ----------
    row : str
        Where it stands, such as "line 7".
    text : str
    target : str or None
        What the label is to; None where it is about the text alone.
    label : int
    """

    row: str
    text: str
    target: str | None
    label: int


def find_label_errors(
    column: str, items: Sequence[LabelledText], classes: Sequence[str], of: int, seed: int = 1
) -> LabelErrors:
    """Return the rows whose label is likely wrong, the likeliest first.

    Parameters
    ----------
    column : str
        What the labels are of.
    items : sequence of LabelledText
        At most `MOST_SEARCHED` of them are searched, drawn at random.
    classes : sequence of str
        Names of the labels.
    of : int
        Rows that have the label in all.
    seed : int
        Of the draw and of the folds.

    Returns
    -------
    LabelErrors
        At most `SUSPECT_SHARE` of the searched rows. It says why where nothing was searched.
    """
    if reason := _why_not(items):
        return LabelErrors(column, 0, of, reason)
    drawn = _drawn(items, seed)
    gold = np.array([item.label for item in drawn])
    seen = np.unique(gold)
    labels = np.searchsorted(seen, gold)
    shares = _cross_validated(drawn, labels, seed)
    suspects = tuple(
        Suspect(
            drawn[place].row,
            drawn[place].text[:_MAX_EXCERPT],
            drawn[place].target,
            classes[seen[labels[place]]],
            classes[seen[int(np.argmax(shares[place]))]],
            round(float(shares[place, labels[place]]), 4),
        )
        for place in _least_probable(labels, shares)
    )
    return LabelErrors(column, len(drawn), of, suspects=suspects)


def _why_not(items: Sequence[LabelledText]) -> str:
    for package in _NEEDED:
        if find_spec(package) is None:
            return (
                f"the package {package!r} is not installed: run pip install '.[evaluate]' in the "
                "project's folder"
            )
    if len(items) < LEAST_ROWS:
        return f"fewer than {LEAST_ROWS} rows: too few to learn from"
    numbers = np.bincount([item.label for item in items])
    if (numbers >= 2 * FOLDS).sum() < 2:
        return f"fewer than two classes with {2 * FOLDS} rows or more: nothing to compare"
    return ""


def _drawn(items: Sequence[LabelledText], seed: int) -> list[LabelledText]:
    """Return a sample of the rows in their order, without classes too rare for every fold."""
    numbers = np.bincount([item.label for item in items])
    kept = [item for item in items if numbers[item.label] >= 2 * FOLDS]
    if len(kept) <= MOST_SEARCHED:
        return kept
    draw = random.Random(seed)  # noqa: S311 - a reproducible sample, not a secret
    return [kept[place] for place in sorted(draw.sample(range(len(kept)), MOST_SEARCHED))]


def _cross_validated(items: Sequence[LabelledText], labels: Integers, seed: int) -> Floats:
    """Return each row's probabilities by a model that learnt from other comments alone."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold

    matrix = _features(items, seed)
    groups = np.unique([text_key(item.text) for item in items], return_inverse=True)[1]
    shares = np.full((len(items), int(labels.max()) + 1), 1 / (int(labels.max()) + 1))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    for learnt, held_out in folds.split(matrix, labels, groups):
        if len(np.unique(labels[learnt])) < 2 or not len(held_out):
            continue
        model = LogisticRegression(C=_STRENGTH, max_iter=100, tol=1e-3)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(matrix[learnt], labels[learnt])
        found = np.zeros((len(held_out), shares.shape[1]))
        found[:, model.classes_] = model.predict_proba(matrix[held_out])
        shares[held_out] = found / found.sum(axis=1, keepdims=True)
    return shares


def _features(items: Sequence[LabelledText], seed: int) -> Floats:
    """Return latent topics of each text, and once more for each frequent target.

    They are the singular vectors of TF-IDF over words and pairs of words (latent semantic
    analysis, Deerwester et al. 1990); so the same words may speak for one target and against
    another.
    """
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(
        ngram_range=(1, 2),
        min_df=2,
        max_features=_MAX_WORDS,
        sublinear_tf=True,
        token_pattern=_WORD,
        dtype=np.float32,
    )
    try:
        words = vectorizer.fit_transform([item.text for item in items])
    except ValueError:  # no word stands in two texts
        return np.zeros((len(items), 1), np.float32)
    if words.shape[1] > _TOPICS:
        topics = TruncatedSVD(_TOPICS, random_state=seed).fit_transform(words)
    else:
        topics = words.toarray()
    parts = [topics]
    for target in _frequent_targets(items):
        on_it = np.array([[_target_key(item) == target] for item in items], np.float32)
        parts += [on_it, topics * on_it]
    return np.hstack(parts)


def _frequent_targets(items: Sequence[LabelledText]) -> Iterator[str]:
    names, numbers = np.unique([_target_key(item) for item in items], return_counts=True)
    if len(names) < 2:
        return
    for place in np.argsort(-numbers, kind="stable")[:_MAX_TARGETS]:
        if numbers[place] >= _TARGET_ROWS:
            yield str(names[place])


def _target_key(item: LabelledText) -> str:
    return re.sub(r"\W+", " ", (item.target or "").lower()).strip()


def _least_probable(labels: Integers, shares: Floats) -> list[int]:
    from cleanlab.filter import find_label_issues

    with warnings.catch_warnings():  # of classes with few rows, which the counts say anyway
        warnings.simplefilter("ignore", UserWarning)
        places = find_label_issues(
            labels,
            shares,
            filter_by="prune_by_noise_rate",
            return_indices_ranked_by="self_confidence",
            n_jobs=1,
        )
    most = min(MAX_SUSPECTS, max(1, int(SUSPECT_SHARE * len(labels))))
    return [int(place) for place in places[:most]]
