"""What the network misses of toxicity, from spelling: a linear model over words and letters.

It counts words, pairs of words and runs of three to five letters, hashed into a table, so it knows
rare and misspelt words that the network's tokenizer cuts to pieces. Its logits are added to the
network's, as the wide part of "wide and deep" models (Cheng et al. 2016,
https://arxiv.org/abs/1606.07792).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from zipfile import BadZipFile, ZipFile
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from stance.errors import ModelError
from stance.labels import TOXICITY_LABELS
from stance.tables import atomic_file

FILE_NAME = "ngrams.npz"
# Of the table: the first half for words and their pairs, the second for letters.
BUCKETS = 2**18
MAX_CHARS = 20_000  # of a text; what comes after is not read
_HALF = BUCKETS // 2
_LETTERS = (3, 4, 5)
_WORD = re.compile(r"\w+|[^\w\s]")
# An odd number with bits all over, as multiplicative hashing wants it.
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_CHUNK = 64  # texts that are counted together: memory grows with this
_MOST_BYTES = 64 * 2**20

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Counts:
    """What n texts hold.

    Parameters
    ----------
    texts, buckets : array of int, same length
        Each bucket that a text has something in, once, ordered by text and bucket.
    weights : array, same length
        1 plus the logarithm of how often.
    """

    texts: Integers
    buckets: Integers
    weights: Floats


def count_ngrams(texts: Sequence[str]) -> Counts:
    """Return which words, pairs of words and runs of letters texts have.

    Parameters
    ----------
    texts : sequence of str, length n

    Examples
    --------
    >>> counts = count_ngrams(["Ha", "ha ha"])
    >>> np.bincount(counts.texts).tolist()  # "ha", " ha", "ha ", " ha "; and the pair "ha ha"
    [4, 5]
    """
    parts = [
        _counted(texts[start : start + _CHUNK], start) for start in range(0, len(texts), _CHUNK)
    ]
    keys = np.concatenate([part[0] for part in parts] or [np.zeros(0, np.int64)])
    counts = np.concatenate([part[1] for part in parts] or [np.zeros(0, np.int64)])
    return Counts(keys // BUCKETS, keys % BUCKETS, 1.0 + np.log(counts))


def _counted(texts: Sequence[str], first: int) -> tuple[Integers, Integers]:
    """Return place * BUCKETS + bucket of all that texts have, and how often each occurs."""
    clean = [f" {' '.join(text[:MAX_CHARS].lower().split())} " for text in texts]
    places, buckets = zip(_words(clean), *_letters(clean), strict=True)
    keys = (np.concatenate(places) + first) * BUCKETS + np.concatenate(buckets)
    found, counts = np.unique(keys, return_counts=True)
    return found, counts


def _words(texts: Sequence[str]) -> tuple[Integers, Integers]:
    """Return the texts' places and the buckets of their words and pairs of words."""
    words = [_WORD.findall(text) for text in texts]
    hashes = np.array(
        [crc32(word.encode("utf-8", "replace")) for row in words for word in row], np.uint64
    )
    places = np.repeat(np.arange(len(texts)), [len(row) for row in words])
    is_pair = places[:-1] == places[1:]
    pairs = (hashes[:-1] * _FACTOR ^ hashes[1:])[is_pair]
    return (
        np.concatenate([places, places[:-1][is_pair]]),
        _bucket(np.concatenate([hashes, pairs])),
    )


def _letters(texts: Sequence[str]) -> list[tuple[Integers, Integers]]:
    """Return the texts' places and the buckets of the runs of letters within their words.

    A run may begin and end with the space around a word. Each text begins and ends with one, so no
    run reaches from one text into the next.
    """
    joined = "".join(texts).encode("utf-32-le", "surrogatepass")
    codes = np.frombuffer(joined, "<u4").astype(np.uint64)
    places = np.repeat(np.arange(len(texts)), [len(text) for text in texts])
    is_space = codes == ord(" ")
    found = []
    for length in _LETTERS:
        count = max(0, len(codes) - length + 1)
        hashes = np.full(count, length, np.uint64)
        is_inside = np.ones(count, bool)
        for step in range(length):
            hashes = (hashes ^ codes[step : step + count]) * _FACTOR
            if 0 < step < length - 1:
                is_inside &= ~is_space[step : step + count]
        found.append((places[:count][is_inside], _HALF + _bucket(hashes[is_inside])))
    return found


def _bucket(hashes: NDArray[np.uint64]) -> Integers:
    mixed = (hashes ^ (hashes >> np.uint64(29))) * _FACTOR
    return (mixed >> np.uint64(40)).astype(np.int64) % _HALF


@dataclass(frozen=True, slots=True)
class NgramModel:
    """A linear model of toxicity over counts, weighed by rarity and scaled to length 1 (TF-IDF).

    Parameters
    ----------
    rarity : array, shape (BUCKETS,)
        What a count is multiplied by; 0 for what no training text has.
    weights : array, shape (BUCKETS, 6)
        By bucket and label, in the order of TOXICITY_LABELS.
    bias : array, shape (6,)
    """

    rarity: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def logits(self, texts: Sequence[str]) -> Floats:
        """Return what is to be added to the network's logits of toxicity, of shape (n, 6).

        Parameters
        ----------
        texts : sequence of str, length n
        """
        counts = count_ngrams(texts)
        values = self.scaled(counts, len(texts))
        of_labels = self.weights[counts.buckets]
        columns = [
            np.bincount(counts.texts, values * column, minlength=len(texts))
            for column in of_labels.T
        ]
        return np.asarray(np.stack(columns, axis=1) + self.bias, np.float64)

    def scaled(self, counts: Counts, texts: int) -> Floats:
        """Return counts times rarity, so scaled that the squares of a text's words add up to 1.

        Those of its letters do too: there are more of them, and they would drown the words.

        Parameters
        ----------
        counts : Counts
        texts : int
            How many texts were counted.
        """
        values = counts.weights * self.rarity[counts.buckets]
        part = 2 * counts.texts + (counts.buckets >= _HALF)
        squares = np.bincount(part, values**2, minlength=2 * texts)
        return np.asarray(values / np.sqrt(np.maximum(squares, 1e-12))[part])

    def save(self, folder: Path) -> None:
        """Write `ngrams.npz` into a model folder, in float16."""
        arrays = {name: getattr(self, name).astype(np.float16) for name in self.__slots__}
        with atomic_file(folder / FILE_NAME) as file:
            np.savez_compressed(file, **arrays)

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Read `ngrams.npz` of a model folder; None if it has none.

        Raises
        ------
        ModelError
            It is not such a file.
        """
        path = folder / FILE_NAME
        if not path.exists():
            return None
        shapes = {
            "rarity": (BUCKETS,),
            "weights": (BUCKETS, len(TOXICITY_LABELS)),
            "bias": (len(TOXICITY_LABELS),),
        }
        try:
            ZipFile(path).close()  # of another file NumPy would advise to load it unsafely
            with np.load(path, allow_pickle=False) as file:
                inside = sum(part.file_size for part in file.zip.infolist())
                if inside > _MOST_BYTES:
                    raise ValueError(f"{inside:,} bytes when unpacked")
                arrays = {name: file[name].astype(np.float32) for name in shapes}
            for name, shape in shapes.items():
                if arrays[name].shape != shape or not np.isfinite(arrays[name]).all():
                    raise ValueError(f"{name}: not {shape} numbers")
        except (OSError, ValueError, KeyError, AttributeError, EOFError, BadZipFile) as error:
            raise ModelError(f"{path}: cannot be used ({error}); train or export again") from None
        return cls(**arrays)
