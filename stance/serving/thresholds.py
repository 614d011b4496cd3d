"""Thresholds for those who come from the Perspective API: `scripts/benchmark perspective FOLDER`.

FOLDER is the corpus of Pavlopoulos et al. 2020 (https://aclanthology.org/2020.acl-main.396), whose
comments from Wikipedia carry the score that the Perspective API gave them. A threshold on the
model's toxicity corresponds to one on Perspective's where both flag the same share of them.
"""

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.data.corpora.files import read_table
from stance.errors import DataError
from stance.evaluation.resampling import LEVEL
from stance.evaluation.results import Interval
from stance.reporting.terminal import ProgressBar
from stance.scoring.analyzer import Analyzer

THRESHOLDS = (0.5, 0.7, 0.8, 0.9)
DRAWS = 1000
PARTS = ("gn", "gc")  # the annotators saw each comment alone, or with the one before it

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Match:
    """A threshold on the model's toxicity that flags as many comments as one on Perspective's.

    Parameters
    ----------
    theirs, ours : float
        The two thresholds; a score that reaches its threshold is flagged.
    interval : Interval
        Of `ours`, over draws of such comments.
    flagged : int
        Comments that either flags.
    total : int
    both : float
        The share of these that both flag.
    """

    theirs: float
    ours: float
    interval: Interval
    flagged: int
    total: int
    both: float


def read_scored(folder: Path) -> tuple[list[str], Floats]:
    """Return the comments of the corpus, each once, and Perspective's scores of them.

    Raises
    ------
    DataError
        A file is missing, lacks a column, or has a score that is none.
    """
    scores: dict[str, float] = {}
    for part in PARTS:
        path = folder / f"cat_large_{part}.csv"
        for number, row in enumerate(read_table(path, ("text", "api")), 1):
            try:
                score = float(row["api"])
            except (TypeError, ValueError):
                score = math.nan
            if not 0 <= score <= 1:
                raise DataError(f"{path}: row {number}: api is {row['api']!r}; expected 0 to 1")
            scores.setdefault(row["text"], score)
    return list(scores), np.array(list(scores.values()))


def match_thresholds(theirs: Floats, ours: Floats, *, seed: int = 1) -> list[Match]:
    """Return a threshold of ours for each of `THRESHOLDS` that any comment reaches.

    Parameters
    ----------
    theirs, ours : array, shape (n,)
        The scores of the same comments.
    seed : int

    Examples
    --------
    >>> scores = np.linspace(0, 1, 101)
    >>> [(match.theirs, round(match.ours, 2)) for match in match_thresholds(scores, scores / 2)]
    [(0.5, 0.25), (0.7, 0.35), (0.8, 0.4), (0.9, 0.45)]
    """
    generator = np.random.default_rng(seed)
    draws = generator.integers(0, len(theirs), (DRAWS, len(theirs)))
    matches = []
    for threshold in THRESHOLDS:
        flagged = theirs >= threshold
        count = int(flagged.sum())
        if not count:
            continue
        ours_at = _as_strict(ours, count)
        drawn = [_as_strict(ours[draw], int(flagged[draw].sum())) for draw in draws]
        low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        both = float((flagged & (ours >= ours_at)).sum()) / count
        interval = Interval(float(low), float(high))
        matches.append(Match(threshold, ours_at, interval, count, len(theirs), both))
    return matches


def _as_strict(scores: Floats, count: int) -> float:
    """Return the threshold that `count` scores reach."""
    if not count:
        return float(scores.max())
    return float(np.partition(scores, len(scores) - count)[len(scores) - count])


def describe(matches: Sequence[Match], model: str) -> Iterator[str]:
    """Yield the lines of a Markdown table.

    Examples
    --------
    >>> for line in describe([Match(0.7, 0.48, Interval(0.45, 0.52), 30, 2000, 0.61)], "a model"):
    ...     print(line)
    | Perspective's TOXICITY | TOXICITY of a model (95% interval) | both flag | of these the same |
    |---:|---:|---:|---:|
    | 0.7 | 0.48 (0.45–0.52) | 1.5% of 2,000 | 61% |
    """
    yield (
        f"| Perspective's TOXICITY | TOXICITY of {model} (95% interval) | both flag "
        "| of these the same |"
    )
    yield "|---:|---:|---:|---:|"
    for match in matches:
        yield (
            f"| {match.theirs:g} | {match.ours:.2f} ({match.interval.low:.2f}–"
            f"{match.interval.high:.2f}) | {match.flagged / match.total:.1%} of {match.total:,} "
            f"| {match.both:.0%} |"
        )


def main(arguments: Sequence[str] | None = None) -> None:
    """Score the corpus and print the table."""
    parser = argparse.ArgumentParser(prog="scripts/benchmark perspective", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--model", metavar="FOLDER", help="model folder (default: built in)")
    parser.add_argument("--threads", type=int, metavar="N", help="default: all cores")
    args = parser.parse_args(arguments)
    texts, theirs = read_scored(args.folder)
    analyzer = Analyzer(args.model, threads=args.threads)
    with ProgressBar("wiki_context") as progress:
        predictions = analyzer.predict(texts, [()] * len(texts), progress=progress)
    ours = np.array([prediction.toxicity["toxicity"] for prediction in predictions])
    for line in describe(match_thresholds(theirs, ours), analyzer.name):
        print(line)


if __name__ == "__main__":
    main()
