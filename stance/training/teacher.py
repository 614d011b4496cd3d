"""A teacher: another model, as a rule a larger one, whose answers are learnt beside the labels.

A label says which side a comment takes, or that it is toxic; the teacher's probabilities say how
clearly, and what it might be taken for (distillation: Hinton et al. 2015,
https://arxiv.org/abs/1503.02531).
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from stance.data.examples import Example
from stance.errors import ConfigError, ModelError
from stance.labels import STANCE_LABELS, TOXICITY_LABELS
from stance.modeling.calibration import Calibration
from stance.modeling.encoding import InputEncoder
from stance.modeling.network import TEACHER, UNKNOWN, CommentModel
from stance.tables import atomic_file
from stance.training import processes
from stance.training.asking import logits_of
from stance.training.batches import encode_examples
from stance.training.checkpoints import writing
from stance.training.config import TEACHER_OPTIONS, Subject
from stance.training.lineage import learnt_heads, record_of, stages_of
from stance.training.loop import pad_id
from stance.training.rows import is_asked

_DEPENDS_ON = ("model.safetensors", "config.json", "tokenizer.json", "calibration.json")
_AT_ONCE = 1000  # pairs: a minute's work at most, which is all that an interruption costs
_ADVICE = "run the command again with --resume: it goes on from the answers that are there"

Answer = list[float]

# The heads that are learnt from a teacher of a subject, and what it is asked about.
_HEADS: dict[Subject, tuple[str, ...]] = {
    "stance": ("stance", "relevance"),
    "toxicity": TOXICITY_LABELS,
}
ASKED: dict[Subject, str] = {"stance": "pairs", "toxicity": "comments"}


@dataclass(frozen=True, slots=True)
class Teacher:
    """A model that others learn from; its weights are in memory only while it is asked.

    Parameters
    ----------
    folder : Path
        Of the model, as `stance train` writes it.
    name : str
        As in the `model` column of its scores.
    sha256 : str
        Of all files that its answers depend on.
    stages : list of dict
        Those that it came about in.
    heads : frozenset of str
        Which it learnt of "stance" and "relevance", or of the labels of toxicity.
    subject : str
        "stance": it is asked about pairs of a comment and a target; "toxicity": about comments.
    bfloat16 : bool
        Whether it may work its answers out so, which is faster on some processors.
    """

    folder: Path
    name: str
    sha256: str
    stages: list[dict[str, Any]]
    heads: frozenset[str]
    subject: Subject = "stance"
    bfloat16: bool = False

    @classmethod
    def find(
        cls, folder: str | Path, subject: Subject = "stance", *, bfloat16: bool = False
    ) -> "Teacher":
        """Look a model folder through, so that what is wrong is found before hours of training.

        Raises
        ------
        ConfigError
            It holds no whole model, or one that never learnt the subject.
        """
        path, option = Path(folder), _option(folder, subject)
        calibration, _, _ = _parts(path, option)
        record = record_of(path, option)
        heads = frozenset(_HEADS[subject])
        if (learnt := learnt_heads(record)) is not None:
            heads &= learnt
        if not heads - {"relevance"}:
            raise ConfigError(
                f"{option}: was trained from a bare encoder on rows without a label of {subject}, "
                f"so that its {subject} means nothing; train it on rows that have some, or name "
                "another"
            )
        digest = _digest(path)
        stages = stages_of(record)
        return cls(path, calibration.model, digest, stages, heads, subject, bfloat16)

    def facts(self) -> dict[str, Any]:
        """Return what a run's record says of it."""
        return {
            "model": self.name,
            "sha256": self.sha256,
            "heads": sorted(self.heads),
            "stages": self.stages,
        }

    def reader(self) -> Callable[[Sequence[Example]], list[Answer]]:
        """Load the model and return what gives its answers to examples, in their order.

        An answer is the probability of each stance, and that of relevance; or that of each kind of
        toxicity, as it is among the rows that the teacher learnt from: these are what its pupil
        reads, and calibration comes later.

        Raises
        ------
        ConfigError
            The folder holds another model than when it was found.
        """
        option = _option(self.folder, self.subject)
        calibration, encoder, model = _parts(self.folder, option)
        if _digest(self.folder) != self.sha256:
            raise ConfigError(
                f"{option}: holds another model than when the run began; bring it back, then run "
                "the command again with --resume"
            )
        if torch.cuda.is_available():
            model.cuda()

        def answers(examples: Sequence[Example]) -> list[Answer]:
            rows = list(encode_examples(examples, encoder))
            said = logits_of(rows, model, pad_id(encoder.tokenizer), bfloat16=self.bfloat16)
            if self.subject == "toxicity":
                return [_rounded(logits["toxicity"].sigmoid().tolist()) for logits in said]
            stance = calibration.stance_probabilities(
                np.stack([logits["stance"].numpy() for logits in said])
            )
            relevance = calibration.relevance_probabilities(
                np.array([float(logits["relevance"]) for logits in said])
            )
            return [
                _rounded((*shares, relevant))
                for shares, relevant in zip(stance, relevance, strict=True)
            ]

        return answers


def _option(folder: str | Path, subject: Subject) -> str:
    """Return the option that names a teacher, and what it says, as errors call it."""
    return f"{TEACHER_OPTIONS[subject]}.model {folder}"


def _rounded(probabilities: Iterable[float]) -> Answer:
    return [round(float(share), 6) for share in probabilities]


def _parts(folder: Path, option: str) -> tuple[Calibration, InputEncoder, CommentModel]:
    try:
        calibration = Calibration.load(folder)
        encoder = InputEncoder.from_folder(folder, calibration.max_length)
        return calibration, encoder, CommentModel.load(folder)
    except ModelError as error:
        raise ConfigError(f"{option}: {error}") from None


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for name in _DEPENDS_ON:
        with (folder / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def lessons(
    teacher: Teacher,
    examples: Sequence[Example],
    corpora: Collection[str] | None,
    folder: Path,
    say: Callable[[str], None],
) -> dict[str, list[Any]]:
    """Return what a teacher says of each example's heads, as columns of the rows.

    The answers are kept in a file as they come, so that who resumes does not ask again, nor does
    another seed or stage that has the same pairs.

    Parameters
    ----------
    teacher
    examples : sequence of Example
        Those with a target get no lesson in toxicity, those without none in stance.
    corpora : collection of str or None
        Examples of others get none either; None for all.
    folder : Path
        Gets the file.
    say : callable
        Gets lines on how far it is.

    Raises
    ------
    ConfigError
        The teacher's folder is no longer what it was.
    OutputError
        The folder cannot be written to.
    """
    asked = [is_asked(example, teacher.subject, corpora) for example in examples]
    each = iter(_asked(teacher, list(compress(examples, asked)), folder, say))
    if teacher.subject == "toxicity":
        known = [label in teacher.heads for label in TOXICITY_LABELS]
        none = [UNKNOWN] * len(known)
        said = [next(each) if is_asked else none for is_asked in asked]
        return {f"{TEACHER}toxicity": [np.where(known, row, UNKNOWN).tolist() for row in said]}
    none = [UNKNOWN] * (len(STANCE_LABELS) + 1)
    rows = [next(each) if is_asked else none for is_asked in asked]
    knows_relevance = "relevance" in teacher.heads
    return {
        f"{TEACHER}stance": [row[:-1] for row in rows],
        f"{TEACHER}relevance": [row[-1] if knows_relevance else UNKNOWN for row in rows],
    }


def _asked(
    teacher: Teacher, pairs: Sequence[Example], folder: Path, say: Callable[[str], None]
) -> list[Answer]:
    """Return the teacher's answers: those in the file, and to what is left, which join them."""
    path = folder / f"teacher-{teacher.sha256[:16]}.jsonl"
    answers = _kept(path) if processes.is_first() else {}
    keys = [_key(pair) for pair in pairs]
    missing = {key: pair for key, pair in zip(keys, pairs, strict=True) if key not in answers}
    left = processes.from_first(list(missing))
    read = teacher.reader() if left and processes.is_first() else None
    for start in range(0, len(left), _AT_ONCE):
        if read is not None:
            some = left[start : start + _AT_ONCE]
            say(
                f"{teacher.name} has read {_count(keys, answers):,} of {len(pairs):,} "
                f"{ASKED[teacher.subject]}"
            )
            new = dict(zip(some, read([missing[key] for key in some]), strict=True))
            _keep(path, new)
            answers |= new
        processes.wait_for_all()  # one after the other: they do not wait for hours
    return processes.from_first([answers[key] for key in keys] if processes.is_first() else [])


def _key(pair: Example) -> str:
    """Return what identifies a pair in the file: short, for there are many."""
    return hashlib.sha256(repr((pair.target, pair.text)).encode()).hexdigest()[:32]


def _count(keys: Sequence[str], answers: Collection[str]) -> int:
    return sum(key in answers for key in keys)


def _kept(path: Path) -> dict[str, Answer]:
    """Return the answers in a file, and cut off the half of a line that it may end with."""
    answers = dict(_whole_lines(path))
    with writing(path.parent, _ADVICE):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_file(path) as kept:
            kept.writelines(f"{json.dumps(line)}\n".encode() for line in answers.items())
    return answers


def _keep(path: Path, answers: dict[str, Answer]) -> None:
    with writing(path.parent, _ADVICE), path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in answers.items())


def _whole_lines(path: Path) -> Iterator[Any]:
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            if not line.endswith("\n"):
                return
            yield json.loads(line)
