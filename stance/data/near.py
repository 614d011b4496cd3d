"""Pairs of a text and a target that it may well speak about, without a label: for a teacher."""

import random
from collections.abc import Collection, Sequence
from itertools import islice

import numpy as np

from stance.data.examples import text_key

_POOL = 4  # targets that each drawn one is drawn from: the nearest alone are often one, reworded
_AT_ONCE = 500  # texts: bounds the memory of their likeness to all targets


def near_pairs(
    texts: Sequence[str],
    targets: Sequence[str],
    count: int,
    known: Collection[tuple[str, str | None]],
    shuffle: random.Random,
) -> list[tuple[str, str]]:
    """Return each text beside some of the targets that share most with it, itself aside.

    Likeness is the cosine of TF-IDF weights of words and pairs of words.

    Parameters
    ----------
    texts : sequence of str
    targets : sequence of str
        All that there are to choose from.
    count : int
        How many a text gets at most; fewer where fewer share a word with it.
    known : collection of (text, target)
        Pairs that are not wanted again.
    shuffle : random.Random
        Draws them from the nearest, four times as many.

    Examples
    --------
    >>> near_pairs(["The trams are late."], ["trams", "bees"], 1, (), random.Random(1))
    [('The trams are late.', 'trams')]
    """
    from sklearn.feature_extraction.text import TfidfVectorizer  # needed here alone, and slow

    words = TfidfVectorizer(stop_words="english", ngram_range=(1, 2), sublinear_tf=True)
    try:
        of_targets = words.fit_transform(targets)
    except ValueError:  # no target holds a word that says anything
        return []
    pairs: list[tuple[str, str]] = []
    for start in range(0, len(texts), _AT_ONCE):
        some = texts[start : start + _AT_ONCE]
        for text, likeness in zip(some, (words.transform(some) @ of_targets.T), strict=True):
            order = np.argsort(-likeness.data, kind="stable")
            nearest = (targets[number] for number in likeness.indices[order])
            others = (target for target in nearest if text_key(target) != text_key(text))
            unknown = (target for target in others if (text, target) not in known)
            new = list(islice(unknown, _POOL * count))
            pairs += [(text, target) for target in shuffle.sample(new, min(count, len(new)))]
    return pairs
