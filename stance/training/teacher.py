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
from stance.training.start import trained_on

_DEPENDS_ON = ("model.safetensors", "config.json", "tokenizer.json", "calibration.json")
_AT_ONCE = 1000  # pairs: a minute's work at most, which is all that an interruption costs
_ADVICE = "run the command again with --resume: it goes on from the answers that are there"

Answer = list[float]


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
        What it was trained on itself.
    heads : frozenset of str
        Which of "stance" and "relevance" it learnt.
    bfloat16 : bool
        Whether it may work its answers out so, which is faster on some processors.
    """

    folder: Path
    name: str
    sha256: str
    stages: list[dict[str, Any]]
    heads: frozenset[str]
    bfloat16: bool = False

    @classmethod
    def find(cls, folder: str | Path, *, bfloat16: bool = False) -> "Teacher":
        """Look a model folder through, so that what is wrong is found before hours of training.

        Raises
        ------
        ConfigError
            It holds no whole model, or one that never learnt stances.
        """
        path, option = Path(folder), f"teacher.model {folder}"
        calibration, _, _ = _parts(path, option)
        facts = trained_on(path, option)
        heads = _learnt(path)
        if "stance" not in heads:
            raise ConfigError(
                f"{option}: was trained from a bare encoder on rows without a stance, so that its "
                "stances mean nothing; train it on rows that have some, or name another"
            )
        return cls(path, calibration.model, _digest(path), facts["stages"], heads, bfloat16)

    def facts(self) -> dict[str, Any]:
        """Return what a run's record says of it."""
        return {
            "model": self.name,
            "sha256": self.sha256,
            "heads": sorted(self.heads),
            "stages": self.stages,
        }

    def reader(self) -> Callable[[Sequence[Example]], list[Answer]]:
        """Load the model and return what gives its answers to pairs, in their order.

        An answer is the probability of each stance, and that of relevance.

        Raises
        ------
        ConfigError
            The folder holds another model than when it was found.
        """
        option = f"teacher.model {self.folder}"
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
            stance = calibration.stance_probabilities(
                np.stack([logits["stance"].numpy() for logits in said])
            )
            relevance = calibration.relevance_probabilities(
                np.array([float(logits["relevance"]) for logits in said])
            )
            return [
                [round(float(share), 6) for share in (*shares, relevant)]
                for shares, relevant in zip(stance, relevance, strict=True)
            ]

        return answers


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


def _learnt(folder: Path) -> frozenset[str]:
    """Return the heads that a model learnt; both where it does not say."""
    path = folder / "metrics.json"
    metrics = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    both = frozenset(("stance", "relevance"))
    if metrics.get("starting_model", "some") is not None:
        return both
    learnt: set[str] = set()
    for run in (run for stage in metrics.get("stages", ()) for run in stage.get("runs", ())):
        learnt |= run.get("labelled", {}).keys() - set(run.get("constant_labels", ()))
        learnt |= set(run["teacher"].get("heads", both)) if "teacher" in run else set()
    # The first releases did not write which labels are the same in all rows: held-out rows tell.
    if metrics.get("calibrated_on", {}).get("relevance") == 0:
        learnt.discard("relevance")
    return both & learnt


def lessons(
    teacher: Teacher,
    examples: Sequence[Example],
    corpora: Collection[str] | None,
    folder: Path,
    say: Callable[[str], None],
) -> dict[str, list[Any]]:
    """Return what a teacher says of each example's stance and relevance, as columns of the rows.

    The answers are kept in a file as they come, so that who resumes does not ask again, nor does
    another seed or stage that has the same pairs.

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
    ConfigError
        The teacher's folder is no longer what it was.
    OutputError
        The folder cannot be written to.
    """
    asked = [is_asked(example, corpora) for example in examples]
    each = iter(_asked(teacher, list(compress(examples, asked)), folder, say))
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
            say(f"{teacher.name} has read {_count(keys, answers):,} of {len(pairs):,} pairs")
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
