"""A teacher: another model, as a rule a larger one, whose answers are learnt beside the labels.

A label says which side a comment takes, the teacher's probabilities how clearly it does, and what
it might be taken for (distillation: Hinton et al. 2015, https://arxiv.org/abs/1503.02531).
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from stance.data.examples import Example
from stance.errors import ConfigError, ModelError
from stance.labels import STANCE_LABELS
from stance.modeling.calibration import Calibration
from stance.modeling.encoding import InputEncoder
from stance.modeling.network import TEACHER, UNKNOWN, CommentModel
from stance.tables import atomic_file
from stance.training import processes
from stance.training.asking import logits_of
from stance.training.batches import encode_examples
from stance.training.checkpoints import writing
from stance.training.loop import pad_id
from stance.training.rows import is_asked

_ANSWERS = "teacher.jsonl"
_AT_ONCE = 1000  # pairs: a minute's work at most, which is all that an interruption costs
_ADVICE = "run the command again with --resume: it goes on from the answers that are there"

Answer = list[float]


@dataclass(frozen=True, slots=True)
class Teacher:
    """A model that others learn from.

    Parameters
    ----------
    name : str
        As in the `model` column of its scores.
    sha256 : str
        Of its weights.
    model : CommentModel
    encoder : InputEncoder
    calibration : Calibration
    bfloat16 : bool
        Whether it may work its answers out so, which is faster on some processors.
    """

    name: str
    sha256: str
    model: CommentModel
    encoder: InputEncoder
    calibration: Calibration
    bfloat16: bool = False

    @classmethod
    def load(cls, folder: str | Path, *, bfloat16: bool = False) -> "Teacher":
        """Open a model folder as `stance train` writes it.

        Raises
        ------
        ConfigError
            It holds no such model.
        """
        path = Path(folder)
        try:
            calibration = Calibration.load(path)
            encoder = InputEncoder.from_folder(path, calibration.max_length)
            model = CommentModel.load(path)
        except ModelError as error:
            raise ConfigError(f"teacher {folder}: {error}") from None
        if torch.cuda.is_available():
            model.cuda()
        digest = hashlib.sha256((path / "model.safetensors").read_bytes()).hexdigest()
        return cls(calibration.model, digest, model, encoder, calibration, bfloat16)

    def answer(self, examples: Sequence[Example]) -> list[Answer]:
        """Return the probabilities of each stance and of relevance, of pairs in their order."""
        rows = list(encode_examples(examples, self.encoder))
        pad = pad_id(self.encoder.tokenizer)
        said = logits_of(rows, self.model, pad, bfloat16=self.bfloat16)
        stance = self.calibration.stance_probabilities(
            np.stack([logits["stance"].numpy() for logits in said])
        )
        relevance = self.calibration.relevance_probabilities(
            np.array([float(logits["relevance"]) for logits in said])
        )
        return [
            [round(float(share), 6) for share in (*shares, relevant)]
            for shares, relevant in zip(stance, relevance, strict=True)
        ]


def lessons(
    teacher: Teacher,
    examples: Sequence[Example],
    corpora: Collection[str] | None,
    folder: Path,
    say: Callable[[str], None],
) -> dict[str, list[Any]]:
    """Return what a teacher says of each example's stance and relevance, as columns of the rows.

    The answers are kept in a file as they come, so that who resumes does not ask again.

    Parameters
    ----------
    teacher
    examples : sequence of Example
        Those without a target get no lesson.
    corpora : collection of str or None
        Examples of others get none either; None for all.
    folder : Path
        Gets the file.
    say : callable
        Gets lines on how far it is.

    Raises
    ------
    OutputError
        The folder cannot be written to.
    """
    asked = [is_asked(example, corpora) for example in examples]
    pairs = list(compress(examples, asked))
    answers: list[Answer] = []
    if processes.is_first():
        answers = _asked(teacher, pairs, folder / _ANSWERS, say)
    each = iter(processes.from_first(answers))
    none = [UNKNOWN] * (len(STANCE_LABELS) + 1)
    rows = [next(each) if is_asked else none for is_asked in asked]
    return {
        f"{TEACHER}stance": [row[:-1] for row in rows],
        f"{TEACHER}relevance": [row[-1] for row in rows],
    }


def _asked(
    teacher: Teacher, pairs: Sequence[Example], path: Path, say: Callable[[str], None]
) -> list[Answer]:
    """Return the teacher's answers: those in the file, and to what is left, which join them."""
    heading = {"teacher": teacher.sha256}
    found = list(_whole_lines(path))
    answers: dict[str, Answer] = dict(found[1:]) if found[:1] == [heading] else {}
    keys = [_key(pair) for pair in pairs]
    left = {key: pair for key, pair in zip(keys, pairs, strict=True) if key not in answers}
    with writing(path.parent, _ADVICE):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as kept:  # without the half of a line that it may end with
            kept.writelines(
                f"{json.dumps(line)}\n".encode() for line in (heading, *answers.items())
            )
        with path.open("a", encoding="utf-8") as file:
            for start in range(0, len(left), _AT_ONCE):
                some = list(left)[start : start + _AT_ONCE]
                say(f"{teacher.name} has read {_read(keys, answers):,} of {len(pairs):,} pairs")
                new = teacher.answer([left[key] for key in some])
                said = dict(zip(some, new, strict=True))
                file.writelines(json.dumps(line) + "\n" for line in said.items())
                file.flush()
                answers |= said
    return [answers[key] for key in keys]


def _key(pair: Example) -> str:
    """Return what identifies a pair in the file: short, for there are many."""
    return hashlib.sha256(repr((pair.target, pair.text)).encode()).hexdigest()[:32]


def _read(keys: Sequence[str], answers: Collection[str]) -> int:
    return sum(key in answers for key in keys)


def _whole_lines(path: Path) -> Iterator[Any]:
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            if not line.endswith("\n"):
                return
            yield json.loads(line)
