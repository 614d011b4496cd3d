"""The class that users meet: from texts and targets to stance, toxicity and toxic spans."""

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from stance.errors import ModelError
from stance.labels import STANCE_LABELS, TOXICITY_LABELS
from stance.modeling import ngrams
from stance.modeling.calibration import Calibration, Floats, sigmoid
from stance.modeling.encoding import InputEncoder, Window
from stance.modeling.runtime import FILE_NAME, Device, Logits, Runtime
from stance.modeling.spans import join_tokens
from stance.scoring.language import LanguageDetector
from stance.scoring.results import (
    MAX_PARENT_CHARS,
    Agreement,
    Prediction,
    ScoredThread,
    StanceScore,
)
from stance.scoring.threads import score_thread
from stance.thread import Thread
from stance.words import is_empty

DEFAULT_MODEL = Path(__file__).parent.parent / "modeling" / "default"
# Texts that are tokenised and run together: memory grows with this, not with the input.
_CHUNK = 512

Progress = Callable[[int, int], None]


def model_folder(model: str | os.PathLike[str] | None) -> Path:
    """Return the folder of a model, of the embedded one for None.

    Raises
    ------
    ModelError
        There is no such folder.
    """
    folder = DEFAULT_MODEL if model is None else Path(model)
    if not folder.is_dir():
        found = "a file, not a folder" if folder.exists() else "no such folder"
        raise ModelError(f"{folder}: {found}; expected a model folder, as stance train writes it")
    return folder


def fingerprint(model: str | os.PathLike[str] | None) -> str:
    """Return the name of a model and a digest of all that its scores depend on."""
    folder = model_folder(model)
    digest = blake2b(digest_size=16)
    for name in (FILE_NAME, "tokenizer.json", "calibration.json", ngrams.FILE_NAME):
        with contextlib.suppress(FileNotFoundError):
            digest.update((folder / name).read_bytes())
    return f"{Calibration.load(folder).model} {digest.hexdigest()}"


class Analyzer:
    """A loaded model.

    Parameters
    ----------
    model : path, optional
        A model folder as `stance train` writes it; the embedded model if None.
    threads : int, optional
        Threads of the model; None takes the machine's physical cores.
    device : "cpu" or "cuda"
        What the model runs on; CUDA needs ONNX Runtime's package for it.

    Raises
    ------
    ModelError
        The folder lacks a file, a file cannot be read, or the device cannot be used.

    Examples
    --------
    >>> from stance import Analyzer
    >>> [prediction] = Analyzer().predict(["Trams are a blessing."], [["trams"]])
    >>> prediction.stance[0].target, prediction.toxic
    ('trams', False)
    """

    def __init__(
        self,
        model: str | os.PathLike[str] | None = None,
        *,
        threads: int | None = None,
        device: Device = "cpu",
    ) -> None:
        folder = model_folder(model)
        self.calibration = Calibration.load(folder)
        self._encoder = InputEncoder.from_folder(folder, self.calibration.max_length)
        self._runtime = Runtime(folder / FILE_NAME, threads, device)
        self._ngrams = ngrams.NgramModel.load(folder)
        self._languages = LanguageDetector(self.languages)

    @property
    def name(self) -> str:
        """The model's name, as written in the `model` column."""
        return self.calibration.model

    @property
    def thresholds(self) -> dict[str, float]:
        """The shipped threshold of each toxicity label."""
        return dict(self.calibration.thresholds)

    @property
    def languages(self) -> tuple[str, ...]:
        """ISO 639-1 codes of the languages that the model reads."""
        return self.calibration.languages

    def score(
        self,
        thread: Thread,
        targets: Sequence[str] | None = None,
        *,
        threshold: float | None = None,
        replies: bool = True,
        progress: Progress | None = None,
    ) -> ScoredThread:
        """Score every comment of a thread.

        Parameters
        ----------
        thread : Thread
        targets : sequence of str, optional
            What stance is asked to; None takes the headline and the names most spoken of.
        threshold : float, optional
            One threshold for all toxicity labels, instead of the model's own.
        replies : bool
            Whether to say of each reply how it stands to the comment that it answers.
        progress : callable, optional
            Called after each batch with the comments done and their number.

        Returns
        -------
        ScoredThread
        """
        return score_thread(
            thread, self, targets, threshold=threshold, replies=replies, progress=progress
        )

    def predict(
        self,
        texts: Sequence[str],
        targets: Sequence[Sequence[str]],
        *,
        parents: Sequence[str | None] | None = None,
        threshold: float | None = None,
        progress: Progress | None = None,
    ) -> list[Prediction]:
        """Score texts, each against its own targets.

        Parameters
        ----------
        texts : sequence of str
        targets : sequence of sequences of str, same length
            May be empty for a text whose toxicity alone is wanted.
        parents : sequence of (str or None), same length, optional
            The comment that each text answers, None for one that answers none.
        threshold, progress
            As in `score`.

        Returns
        -------
        list of Prediction, in the order of `texts`
        """
        if len(texts) != len(targets):
            raise ValueError(f"{len(texts)} texts and {len(targets)} lists of targets")
        if parents is None:
            parents = [None] * len(texts)
        elif len(texts) != len(parents):
            raise ValueError(f"{len(texts)} texts and {len(parents)} parents")
        predictions: list[Prediction] = []
        for start in range(0, len(texts), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            report = progress and _Report(progress, start, len(texts[chunk]), len(texts))
            asked = list(map(_asked, texts[chunk], targets[chunk], parents[chunk]))
            answers = self._answer(list(dict.fromkeys(asked)), threshold, report)
            predictions += map(answers.__getitem__, asked)
        return predictions

    def _answer(
        self, asked: Sequence["_Asked"], threshold: float | None, report: "_Report | None"
    ) -> dict["_Asked", Prediction]:
        windows, places = self._windows(asked)
        logits = self._runtime.run(windows, report)
        self._add_ngrams(
            logits, {text: place for (text, other), place in places.items() if other is None}
        )
        stance = self.calibration.stance_probabilities(logits.stance)
        relevance = self.calibration.relevance_probabilities(logits.relevance)
        toxicity = self.calibration.toxicity_probabilities(logits.toxicity)
        answers: dict[_Asked, Prediction] = {}
        for item in asked:
            single = places[item.text, None]
            # A long comment is as toxic as its worst window.
            worst = dict(zip(TOXICITY_LABELS, toxicity[single].max(axis=0).tolist(), strict=True))
            beside = {}
            for name in item.others:
                pair = places[item.text, name]
                beside[name] = _stance_score(name, stance[pair], relevance[pair])
            answers[item] = Prediction(
                stance=tuple(beside[name] for name in item.targets),
                toxicity=worst,
                toxic=self._is_toxic(worst, threshold),
                toxic_spans=(
                    self._spans(windows[single], logits, single, item.text)
                    if self.calibration.has_spans(worst)
                    else ()
                ),
                reply=None if item.parent is None else _agreement(beside[item.parent]),
                language=self._languages.detect(item.text),
            )
        return answers

    def _add_ngrams(self, logits: Logits, places: dict[str, slice]) -> None:
        """Add what the linear model says of each text to the logits of its windows."""
        if self._ngrams is None:
            return
        added = self._ngrams.logits(list(places))
        for place, values in zip(places.values(), added, strict=True):
            logits.toxicity[place] += values.astype(np.float32)

    def _windows(
        self, asked: Sequence["_Asked"]
    ) -> tuple[list[Window], dict[tuple[str, str | None], slice]]:
        """Return the windows to run, each text and each pair once, and where each one's stand."""
        wanted = dict.fromkeys(
            (item.text, other) for item in asked for other in (None, *item.others)
        )
        texts = list(dict.fromkeys(text for pair in wanted for text in pair if text is not None))
        tokens = dict(zip(texts, self._encoder.tokenize(texts), strict=True))
        windows: list[Window] = []
        places: dict[tuple[str, str | None], slice] = {}
        for text, other in wanted:
            start = len(windows)
            windows += (
                self._encoder.single(tokens[text])
                if other is None
                else self._encoder.pair(tokens[other], tokens[text])
            )
            places[text, other] = slice(start, len(windows))
        return windows, places

    def _is_toxic(self, toxicity: dict[str, float], threshold: float | None) -> bool:
        limits = self.calibration.thresholds
        return any(
            probability >= (limits[label] if threshold is None else threshold)
            for label, probability in toxicity.items()
        )

    def _spans(
        self, windows: Sequence[Window], logits: Logits, part: slice, text: str
    ) -> tuple[tuple[int, int], ...]:
        toxic: list[tuple[int, int]] = []
        for window, values in zip(windows, logits.spans[part], strict=True):
            marked = sigmoid(values) >= self.calibration.span_threshold
            toxic += [window.offsets[place] for place in np.flatnonzero(marked)]
        return join_tokens(toxic, text)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A text, and what it is read beside: equal ones get one answer."""

    text: str
    targets: tuple[str, ...]
    parent: str | None

    @property
    def others(self) -> tuple[str, ...]:
        """The targets, and the parent where there is one."""
        return self.targets if self.parent is None else (*self.targets, self.parent)


def _asked(text: str, targets: Sequence[str], parent: str | None) -> _Asked:
    # An empty comment is nothing to agree with.
    answered = None if parent is None or is_empty(parent) else parent.strip()[:MAX_PARENT_CHARS]
    return _Asked(text, tuple(targets), answered)


@dataclass(frozen=True, slots=True)
class _Report:
    """Tells a caller how many comments are done, from the share of a chunk's tokens."""

    progress: Progress
    start: int
    size: int
    total: int

    def __call__(self, share: float) -> None:
        self.progress(self.start + int(share * self.size), self.total)


def _stance_score(target: str, shares: Floats, relevance: Floats) -> StanceScore:
    """Return one score over the windows of a comment, each weighing by its relevance."""
    weights = relevance / relevance.sum() if relevance.sum() > 0 else None
    favor, against, neutral = (float(value) for value in np.average(shares, 0, weights))
    label = STANCE_LABELS[int(np.argmax([favor, against, neutral]))]
    return StanceScore(target, label, favor, against, neutral, float(relevance.max()))


def _agreement(score: StanceScore) -> Agreement:
    return Agreement(score.label, score.favor, score.against, score.neutral)
