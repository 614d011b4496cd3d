"""The class that users meet: from texts and targets to stance, toxicity and toxic spans."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stance.errors import ModelError
from stance.labels import STANCE_LABELS, TOXICITY_LABELS
from stance.modeling.calibration import (
    LEAST_TOXICITY_FOR_SPANS,
    Calibration,
    Floats,
    sigmoid,
)
from stance.modeling.encoding import InputEncoder, Window
from stance.modeling.runtime import FILE_NAME, Logits, Runtime
from stance.modeling.spans import join_tokens
from stance.scoring.results import Prediction, ScoredComment, ScoredThread, StanceScore
from stance.scoring.targets import choose_targets
from stance.thread import Thread

DEFAULT_MODEL = Path(__file__).parent.parent / "modeling" / "default"
# Texts that are tokenised and run together: memory grows with this, not with the input.
_CHUNK = 512

Progress = Callable[[int, int], None]


class Analyzer:
    """A loaded model.

    Parameters
    ----------
    model : path, optional
        A model folder as `stance train` writes it; the embedded model if None.
    threads : int, optional
        Threads of the model; None takes the machine's physical cores.

    Raises
    ------
    ModelError
        The folder lacks a file, or a file cannot be read.

    Examples
    --------
    >>> from stance import Analyzer
    >>> [prediction] = Analyzer().predict(["Trams are a blessing."], [["trams"]])
    >>> prediction.stance[0].target, prediction.toxic
    ('trams', False)
    """

    def __init__(
        self, model: str | os.PathLike[str] | None = None, *, threads: int | None = None
    ) -> None:
        folder = DEFAULT_MODEL if model is None else Path(model)
        if not folder.is_dir():
            raise ModelError(f"{folder}: no such folder; expected a model folder")
        self.calibration = Calibration.load(folder)
        self._encoder = InputEncoder.from_folder(folder, self.calibration.max_length)
        self._runtime = Runtime(folder / FILE_NAME, threads)

    @property
    def name(self) -> str:
        """The model's name, as written in the `model` column."""
        return self.calibration.model

    @property
    def thresholds(self) -> dict[str, float]:
        """The shipped threshold of each toxicity label."""
        return dict(self.calibration.thresholds)

    def score(
        self,
        thread: Thread,
        targets: Sequence[str] | None = None,
        *,
        threshold: float | None = None,
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
        progress : callable, optional
            Called after each batch with the comments done and their number.

        Returns
        -------
        ScoredThread
        """
        if isinstance(targets, str):
            raise TypeError(
                f"targets is the string {targets!r}; expected a sequence: [{targets!r}]"
            )
        chosen = choose_targets(thread) if targets is None else tuple(dict.fromkeys(targets))
        predictions = self.predict(
            [comment.text for comment in thread.comments],
            [chosen] * len(thread.comments),
            threshold=threshold,
            progress=progress,
        )
        comments = tuple(map(ScoredComment, thread.comments, predictions))
        return ScoredThread(thread, chosen, comments, self.name)

    def predict(
        self,
        texts: Sequence[str],
        targets: Sequence[Sequence[str]],
        *,
        threshold: float | None = None,
        progress: Progress | None = None,
    ) -> list[Prediction]:
        """Score texts, each against its own targets.

        Parameters
        ----------
        texts : sequence of str
        targets : sequence of sequences of str, same length
            May be empty for a text whose toxicity alone is wanted.
        threshold, progress
            As in `score`.

        Returns
        -------
        list of Prediction, in the order of `texts`
        """
        if len(texts) != len(targets):
            raise ValueError(f"{len(texts)} texts and {len(targets)} lists of targets")
        predictions: list[Prediction] = []
        for start in range(0, len(texts), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            report = progress and _Report(progress, start, len(texts[chunk]), len(texts))
            predictions += self._predict_chunk(texts[chunk], targets[chunk], threshold, report)
        return predictions

    def _predict_chunk(
        self,
        texts: Sequence[str],
        targets: Sequence[Sequence[str]],
        threshold: float | None,
        report: "_Report | None",
    ) -> list[Prediction]:
        windows, places = self._windows(texts, targets)
        logits = self._runtime.run(windows, report)
        stance = self.calibration.stance_probabilities(logits.stance)
        relevance = self.calibration.relevance_probabilities(logits.relevance)
        toxicity = self.calibration.toxicity_probabilities(logits.toxicity)
        predictions: dict[tuple[str, tuple[str, ...]], Prediction] = {}
        for text, row in zip(texts, map(tuple, targets), strict=True):
            if (text, row) in predictions:
                continue
            single = places[text, None]
            # A long comment is as toxic as its worst window.
            worst = dict(zip(TOXICITY_LABELS, toxicity[single].max(axis=0).tolist(), strict=True))
            predictions[text, row] = Prediction(
                stance=tuple(
                    _stance_score(name, stance[places[text, name]], relevance[places[text, name]])
                    for name in row
                ),
                toxicity=worst,
                toxic=self._is_toxic(worst, threshold),
                toxic_spans=(
                    self._spans(windows[single], logits, single, text)
                    if max(worst.values()) >= LEAST_TOXICITY_FOR_SPANS
                    else ()
                ),
            )
        return [predictions[text, tuple(row)] for text, row in zip(texts, targets, strict=True)]

    def _windows(
        self, texts: Sequence[str], targets: Sequence[Sequence[str]]
    ) -> tuple[list[Window], dict[tuple[str, str | None], slice]]:
        """Return the windows to run, each text and each pair once, and where each one's stand."""
        wanted = dict.fromkeys(
            (text, name) for text, row in zip(texts, targets, strict=True) for name in (None, *row)
        )
        names = list(dict.fromkeys(name for _, name in wanted if name is not None))
        unique = list(dict.fromkeys(texts))
        name_tokens = dict(zip(names, self._encoder.tokenize(names), strict=True))
        text_tokens = dict(zip(unique, self._encoder.tokenize(unique), strict=True))
        windows: list[Window] = []
        places: dict[tuple[str, str | None], slice] = {}
        for text, name in wanted:
            tokens = text_tokens[text]
            start = len(windows)
            windows += (
                self._encoder.single(tokens)
                if name is None
                else self._encoder.pair(name_tokens[name], tokens)
            )
            places[text, name] = slice(start, len(windows))
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
