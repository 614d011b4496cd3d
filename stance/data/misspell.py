"""Comments as those write who want to slip past a filter, or who type in haste.

A model that has met the usual spelling alone misses "id1ot" and "i d i o t". Harmless comments are
misspelt as often as toxic ones, or a slip of the pen would count as toxic.
"""

import random
import re
from collections.abc import Callable
from dataclasses import replace

from stance.data.examples import Example

# How many of the words are changed; at least one is.
_SHARE = 0.2
_WORD = re.compile(r"[A-Za-z]{3,}")
_LOOK_ALIKES = {"a": "@4", "e": "3", "i": "1!", "l": "1", "o": "0", "s": "$5", "t": "7"}
_VOWELS = "aeiou"


def misspelt(example: Example, shuffle: random.Random) -> Example:
    """Return an example with some words of its text misspelt, with the same labels.

    Parameters
    ----------
    example : Example
        Without toxic spans, whose places would no longer be right.
    shuffle : random.Random

    Returns
    -------
    Example
        The same one where no word has three letters.

    Examples
    --------
    >>> row = Example("What an idiot", "jigsaw", "train", toxicity={"toxicity": 1.0})
    >>> misspelt(row, random.Random(7)).text
    'What an idioot'
    """
    places = [match.span() for match in _WORD.finditer(example.text)]
    count = min(len(places), max(1, round(_SHARE * len(places))))
    text = example.text
    for start, end in sorted(shuffle.sample(places, count), reverse=True):
        change = shuffle.choice(_CHANGES)
        text = text[:start] + change(text[start:end], shuffle) + text[end:]
    return replace(example, text=text)


def _look_alike(word: str, shuffle: random.Random) -> str:
    places = [place for place, letter in enumerate(word) if letter.lower() in _LOOK_ALIKES]
    if not places:
        return _stretched(word, shuffle)
    place = shuffle.choice(places)
    return word[:place] + shuffle.choice(_LOOK_ALIKES[word[place].lower()]) + word[place + 1 :]


def _stretched(word: str, shuffle: random.Random) -> str:
    place = shuffle.randrange(len(word))
    return word[:place] + word[place] * shuffle.randint(2, 5) + word[place + 1 :]


def _swapped(word: str, shuffle: random.Random) -> str:
    place = shuffle.randrange(len(word) - 1)
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def _shortened(word: str, shuffle: random.Random) -> str:
    inside = range(1, len(word))
    vowels = [place for place in inside if word[place].lower() in _VOWELS]
    place = shuffle.choice(vowels or inside)
    return word[:place] + word[place + 1 :]


def _starred(word: str, shuffle: random.Random) -> str:
    place = shuffle.randrange(1, len(word))
    return word[:place] + shuffle.choice("*#-._") + word[place + 1 :]


def _spaced(word: str, shuffle: random.Random) -> str:
    return shuffle.choice(" .-_*").join(word)


_CHANGES: tuple[Callable[[str, random.Random], str], ...] = (
    _look_alike,
    _stretched,
    _swapped,
    _shortened,
    _starred,
    _spaced,
)
