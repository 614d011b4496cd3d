"""How a comment and a target become windows of token ids: the one place that knows the form.

Toxicity and spans are read from the comment alone, ``[CLS] comment [SEP]``, stance and relevance
from the pair, ``[CLS] target [SEP] comment [SEP]``. A comment longer than the model's window is
read in overlapping windows.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tokenizers import Tokenizer

from stance.errors import ModelError

MAX_TARGET_TOKENS = 64
# Neighbouring windows share this part of their room, so that no phrase is cut in both.
OVERLAP = 0.25


# Half of a pair of code units, as broken JSON or a file name brings it in: no tokenizer takes it.
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")

# A pictograph as often as it is repeated, with selectors, joiners and skin tones after it.
_PICTOGRAPHS = re.compile(
    "([\u2600-\u27bf\u2b50\u2b55\U0001f000-\U0001f3fa\U0001f400-\U0001faff])"
    "(?:\\1|[\ufe0f\u200d\U0001f3fb-\U0001f3ff])*"
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text in tokens: ids, and the (start, end) characters of the text that each stands for."""

    ids: list[int]
    offsets: list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Window:
    """One input of the network.

    Parameters
    ----------
    input_ids, token_type_ids : list of int, same length
        Type 1 marks the comment in a pair; a comment alone is all type 0.
    comment_start : int
        Position in the window of its first comment token.
    offsets : list of (start, end)
        Characters of the comment for each of its tokens in this window.
    """

    input_ids: list[int]
    token_type_ids: list[int]
    comment_start: int
    offsets: list[tuple[int, int]]

    def __len__(self) -> int:
        return len(self.input_ids)


class InputEncoder:
    """Turns texts into windows with a model's tokenizer.

    Parameters
    ----------
    tokenizer : tokenizers.Tokenizer
        Any tokenizer whose template marks one text and a pair; its own truncation and padding
        are switched off.
    max_length : int
        The most tokens of a window, special ones included.
    """

    def __init__(self, tokenizer: Tokenizer, max_length: int) -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self.tokenizer = tokenizer
        self.max_length = max_length
        self._single = _special_ids(tokenizer, pair=False)
        self._pair = _special_ids(tokenizer, pair=True)
        room = max_length - sum(map(len, self._pair)) - MAX_TARGET_TOKENS
        if room < MAX_TARGET_TOKENS:
            raise ModelError(
                f"a window of {max_length} tokens leaves {room} for the comment beside a target "
                f"of {MAX_TARGET_TOKENS}; expected a max_length of at least 160"
            )

    @classmethod
    def from_folder(cls, folder: Path, max_length: int) -> Self:
        """Load the tokenizer of a model folder.

        Raises
        ------
        ModelError
            The folder has no `tokenizer.json`, or that is not one.
        """
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise ModelError(f"{folder}: no tokenizer.json; expected a model folder of stance")
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # tokenizers raises nothing more special
            raise ModelError(f"{path}: not a tokenizer ({error})") from None
        return cls(tokenizer, max_length)

    @property
    def special_ids(self) -> list[int]:
        """Ids of the tokens that mark where texts begin and end."""
        return sorted({token for part in (*self._single, *self._pair) for token in part})

    def tokenize(self, texts: Sequence[str]) -> list[Tokens]:
        """Return the tokens of each text, without special ones."""
        clean = [name_pictographs(_LONE_SURROGATE.sub("\ufffd", text)) for text in texts]
        encodings = self.tokenizer.encode_batch(
            [text for text, _ in clean], add_special_tokens=False
        )
        return [
            Tokens(encoding.ids, _to_original(encoding.offsets, places))
            for encoding, (_, places) in zip(encodings, clean, strict=True)
        ]

    def single(self, comment: Tokens) -> list[Window]:
        """Return the windows of a comment alone, in order; at least one."""
        before, _, after = self._single
        room = self.max_length - len(before) - len(after)
        return [
            Window(
                input_ids=[*before, *comment.ids[start:end], *after],
                token_type_ids=[0] * (len(before) + end - start + len(after)),
                comment_start=len(before),
                offsets=comment.offsets[start:end],
            )
            for start, end in _cuts(len(comment.ids), room)
        ]

    def pair(self, target: Tokens, comment: Tokens) -> list[Window]:
        """Return the windows of a comment beside a target, in order; at least one."""
        before, between, after = self._pair
        head = [*before, *target.ids[:MAX_TARGET_TOKENS], *between]
        room = self.max_length - len(head) - len(after)
        return [
            Window(
                input_ids=[*head, *comment.ids[start:end], *after],
                token_type_ids=[0] * len(head) + [1] * (end - start + len(after)),
                comment_start=len(head),
                offsets=comment.offsets[start:end],
            )
            for start, end in _cuts(len(comment.ids), room)
        ]


def name_pictographs(text: str) -> tuple[str, list[tuple[int, int]] | None]:
    """Return a text with its emoji spelt out, since vocabularies hold hardly any of them.

    Returns
    -------
    named : str
        The text with the Unicode name of each emoji in its place; a run of the same one is named
        once.
    places : list of (start, end) or None
        For each character of `named` the characters of `text` that it stands for; None where
        nothing was named.

    Examples
    --------
    >>> name_pictographs("no \U0001f621\U0001f621")[0]
    'no  pouting face '
    >>> name_pictographs("no")
    ('no', None)
    """
    pieces: list[str] = []
    places: list[tuple[int, int]] = []
    done = 0
    for match in _PICTOGRAPHS.finditer(text):
        name = unicodedata.name(match[1], "").lower()
        if not name:  # newer than this Python's Unicode
            continue
        # A flag is two letters.
        name = f" {name.removeprefix('regional indicator symbol letter ')} "
        pieces += [text[done : match.start()], name]
        places += [(place, place + 1) for place in range(done, match.start())]
        places += [match.span()] * len(name)
        done = match.end()
    if not pieces:
        return text, None
    places += [(place, place + 1) for place in range(done, len(text))]
    return "".join([*pieces, text[done:]]), places


def _to_original(
    offsets: list[tuple[int, int]], places: list[tuple[int, int]] | None
) -> list[tuple[int, int]]:
    """Return token offsets in the text as it was before its emoji were named."""
    if places is None:
        return offsets
    return [
        (places[start][0], places[end - 1][1]) if end > start else (0, 0) for start, end in offsets
    ]


def _special_ids(tokenizer: Tokenizer, *, pair: bool) -> tuple[list[int], list[int], list[int]]:
    """Return the special ids before, between and after the texts in the tokenizer's template."""
    encoding = tokenizer.encode("a", "a") if pair else tokenizer.encode("a")
    parts: tuple[list[int], list[int], list[int]] = ([], [], [])
    last = 0 if not pair else 1
    seen = -1
    for token, sequence in zip(encoding.ids, encoding.sequence_ids, strict=True):
        if sequence is not None:
            seen = sequence
        else:
            parts[0 if seen < 0 else 2 if seen == last else 1].append(token)
    return parts


def _cuts(length: int, room: int) -> list[tuple[int, int]]:
    """Return (start, end) of windows of at most `room` that cover `length`, overlapping.

    Examples
    --------
    >>> _cuts(10, 8)
    [(0, 8), (2, 10)]
    >>> _cuts(0, 8)
    [(0, 0)]
    """
    if length <= room:
        return [(0, length)]
    step = room - int(room * OVERLAP)
    starts = list(range(0, length - room, step))
    return [*((start, start + room) for start in starts), (length - room, length)]
