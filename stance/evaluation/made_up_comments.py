"""Made-up comments with the lengths of real ones, to measure speed on.

Speed depends on how long comments are and hardly on what they say, so these say nothing: common
English words in a seeded random order. Their lengths follow quantiles that were counted, in tokens
of the embedded model, on readers' comments (`LENGTHS`): each block of `BLOCK` comments holds the
whole distribution, so a few blocks are as good a sample of it as many.
"""

import itertools
import random
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

BLOCK = 64  # comments that hold the whole distribution of lengths

# Shares of comments, and the tokens that they do not exceed, without special tokens.
_SHARES = (0.0, 0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99, 1.0)
LENGTHS: Mapping[str, Sequence[int]] = MappingProxyType(
    {
        # 15,934 comments on news sites (Civil Comments, those of Pavlopoulos et al. 2022).
        "news": (1, 3, 7, 10, 18, 33, 63, 108, 149, 221, 336),
        # 1,845 longer ones, on the debate pages of a newspaper (VAST, train).
        "debate": (40, 48, 55, 61, 80, 114, 161, 203, 223, 243, 261),
    }
)

TARGETS = ("the new tram line", "Mayor Quill", "a ban on cars in the town centre", "higher taxes")

# Each is one token; the earlier a word stands the more often it comes.
_COMMON = (
    "the to and of a is in it that you they for this are not be on have we with but as what all "
    "people if so just do about no will can at or was there from your would like their an more by "
    "has one how get who them our out up why should only when don think time know because want "
    "make some now go right really even than been much money good need way see years too here "
    "going those any pay law city work same country never other being could also government into "
    "public school police back against after before own road house tax vote take every well stop "
    "problem life world state news read point wrong thing many said great man car water made "
    "children someone stupid first real nothing look free job part big story left change health "
    "idiot comment let old keep give yes best fact question true care plan help business sure "
    "white black women family power young war street party article person bus train fool town "
    "council mayor budget market park river bridge station hospital"
)
_WORDS = _COMMON.split()
_WEIGHTS = list(itertools.accumulate(1 / (place + 3) for place in range(len(_WORDS))))
_MARKS = (".", ".", ".", ",", ",", ",", "?", "!")


def made_up_comments(
    count: int, *, lengths: Sequence[int] = LENGTHS["news"], seed: int = 1
) -> list[str]:
    """Return comments of made-up words, whose lengths in tokens have given quantiles.

    Parameters
    ----------
    count : int
    lengths : sequence of int
        Tokens at the shares 0, 1, 5, 10, 25, 50, 75, 90, 95, 99 and 100%, as in `LENGTHS`.
    seed : int

    Examples
    --------
    >>> comments = made_up_comments(64)
    >>> min(map(len, comments)) < 20, max(map(len, comments)) > 800
    (True, True)
    """
    draw = random.Random(seed)  # noqa: S311  # no secret
    comments: list[str] = []
    while len(comments) < count:
        block = block_lengths(lengths)
        draw.shuffle(block)
        comments += [_comment(draw, length) for length in block]
    return comments[:count]


def block_lengths(lengths: Sequence[int]) -> list[int]:
    """Return the lengths in tokens of the comments of a block, from short to long."""
    shares = (np.arange(BLOCK) + 0.5) / BLOCK
    # Between two quantiles the logarithm rises evenly: lengths have a long tail.
    logs = np.interp(shares, _SHARES, np.log(lengths))
    return [int(length) for length in np.rint(np.exp(logs))]


def _comment(draw: random.Random, length: int) -> str:
    pieces = draw.choices(_WORDS, cum_weights=_WEIGHTS, k=length)
    text = ""
    for place, word in enumerate(pieces):
        # A mark is a token like a word: about one in nine, and never first or twice in a row.
        if text and text[-1].isalpha() and draw.random() < 1 / 8:
            text += draw.choice(_MARKS)
        else:
            text += f" {word}" if place else word
    return text
