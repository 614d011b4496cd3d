"""Readers of the toxicity corpora, each a generator over a folder in the published format.

References
----------
Jigsaw Toxic Comment Classification Challenge, 2018; Civil Comments: Borkan et al. 2019
Toxic spans: Pavlopoulos et al. 2021, https://aclanthology.org/2021.semeval-1.6
Civil Comments in context and with span types: Pavlopoulos et al. 2022
Wikipedia debiasing, fuzzed and template sets: Dixon et al. 2018
ParaDetox: Logacheva et al. 2022; HatemojiBuild: Kirk et al. 2022; HateCheck: Röttger et al. 2021
"""

import csv
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from zlib import crc32

from stance.data.corpora.files import lookup, read_table
from stance.data.examples import Example, Split, text_key
from stance.errors import DataError
from stance.labels import ToxicityLabel

_JIGSAW_COLUMNS: dict[str, ToxicityLabel] = {
    "toxic": "toxicity",
    "severe_toxic": "severe_toxicity",
    "obscene": "obscene",
    "threat": "threat",
    "insult": "insult",
    "identity_hate": "identity_attack",
}
_NON_TOXIC: dict[ToxicityLabel, float] = dict.fromkeys(_JIGSAW_COLUMNS.values(), 0.0)


def read_jigsaw_multilabel(folder: Path) -> Iterator[Example]:
    """Yield Jigsaw rows with all six labels; about a third is toxic, so over-sampled.

    Only rows of the challenge's train part that are in no balanced test set are for training; a
    twentieth of them, chosen by text, is the dev split.
    """
    path = folder / "jigsaw_multilabel_merged.csv"
    columns = ("comment_text", *_JIGSAW_COLUMNS, "in_test_balanced", "kaggle_split")
    for row in read_table(path, columns):
        usable = row["kaggle_split"] == "train" and row["in_test_balanced"] == "False"
        yield Example(
            text=row["comment_text"],
            toxicity={label: float(row[name]) for name, label in _JIGSAW_COLUMNS.items()},
            corpus="jigsaw_multilabel",
            split=_train_or_dev(row["comment_text"], 5) if usable else "test",
        )


def read_jigsaw_first20k(folder: Path) -> Iterator[Example]:
    """Yield the challenge's first 20,000 rows, toxic or not, at the natural base rate.

    A fifth, chosen by text, is the dev split, on which probabilities are calibrated.
    """
    for name in ("text_comment_1.csv", "text_comment_2.csv"):
        for row in read_table(folder / name, ("comment_text", "labels")):
            yield Example(
                text=row["comment_text"],
                toxicity={"toxicity": 1.0} if row["labels"] == "1" else _NON_TOXIC,
                corpus="jigsaw_first20k",
                split=_train_or_dev(row["comment_text"], 20),
            )


def _train_or_dev(text: str, dev_percent: int) -> Split:
    return "dev" if crc32(text_key(text).encode()) % 100 < dev_percent else "train"


def read_civil_comments(folder: Path) -> Iterator[Example]:
    """Yield news-site comments with the share of raters who marked each kind of toxicity.

    A row that nobody marked is unlabelled, not clean: its labels stay unknown.
    """
    path = folder / "civil_comments_subtypes.csv"
    subtypes: tuple[ToxicityLabel, ...] = ("insult", "obscene", "identity_attack", "threat")
    columns = ("comment_text", "span_frac", "semeval_split", *subtypes)
    splits: dict[str, Split] = {"": "train", "train": "train", "trial": "dev", "test": "test"}
    for row in read_table(path, columns):
        marked = float(row["span_frac"])
        if marked == 0:
            continue
        yield Example(
            text=row["comment_text"],
            toxicity={"toxicity": marked, **{label: float(row[label]) for label in subtypes}},
            corpus="civil_comments",
            split=lookup(splits, row["semeval_split"], path, "semeval_split"),
        )


def read_toxic_spans(folder: Path) -> Iterator[Example]:
    """Yield SemEval-2021 Task 5: posts with the characters that make them toxic."""
    splits: tuple[tuple[Split, str], ...] = (("train", "train"), ("dev", "trial"), ("test", "test"))
    for split, part in splits:
        path = folder / f"tsd_{part}.csv"
        for row in read_table(path, ("spans", "text")):
            try:
                offsets = json.loads(row["spans"])
            except ValueError:
                raise DataError(f"{path}: spans is {row['spans'][:40]!r}, no JSON list") from None
            yield Example(
                text=row["text"],
                toxic_spans=spans_of_offsets(offsets),
                corpus="toxic_spans",
                split=split,
            )


def spans_of_offsets(offsets: list[int]) -> tuple[tuple[int, int], ...]:
    """Return maximal runs of character offsets as (start, end) pairs, end exclusive.

    Examples
    --------
    >>> spans_of_offsets([3, 4, 5, 9])
    ((3, 6), (9, 10))
    """
    spans: list[tuple[int, int]] = []
    for offset in sorted(set(offsets)):
        if spans and offset == spans[-1][1]:
            spans[-1] = (spans[-1][0], offset + 1)
        else:
            spans.append((offset, offset + 1))
    return tuple(spans)


def read_wiki_annotators(folder: Path) -> Iterator[Example]:
    """Yield Wikipedia comments with the share of about four raters per kind of toxicity."""
    columns: dict[str, ToxicityLabel] = {
        "identity_hate": "identity_attack",
        "obscene": "obscene",
        "threat": "threat",
        "insult": "insult",
    }
    path = folder / "wiki_annotators_frac.csv"
    for row in read_table(path, ("comment_text", *columns)):
        yield Example(
            text=row["comment_text"],
            toxicity={label: float(row[name]) for name, label in columns.items()},
            corpus="wiki_annotators",
            split="train",
        )


def read_wiki_debias(folder: Path) -> Iterator[Example]:
    """Yield harmless Wikipedia sentences that hold identity terms."""
    path = folder / "toxicity_debiasing_data.tsv"
    for row in read_table(path, ("comment", "is_toxic", "split"), delimiter="\t"):
        split: dict[str, Split] = {"train": "train", "dev": "dev", "test": "train"}
        yield Example(
            text=row["comment"],
            toxicity=_NON_TOXIC if row["is_toxic"] == "False" else {"toxicity": 1.0},
            corpus="wiki_debias",
            split=lookup(split, row["split"], path, "split"),
        )


def read_paradetox(folder: Path) -> Iterator[Example]:
    """Yield ParaDetox: toxic sentences and their neutral rewrites."""
    path = folder / "paradetox.tsv"
    rewrites = ("neutral1", "neutral2", "neutral3")
    for row in read_table(path, ("toxic", *rewrites), delimiter="\t"):
        yield Example(
            text=row["toxic"], toxicity={"toxicity": 1.0}, corpus="paradetox", split="train"
        )
        for name in rewrites:
            if row[name]:
                yield Example(
                    text=row[name], toxicity=_NON_TOXIC, corpus="paradetox", split="train"
                )


def read_hatemoji(folder: Path) -> Iterator[Example]:
    """Yield HatemojiBuild: adversarial short posts whose hate is in their emoji."""
    parts: tuple[tuple[Split, str], ...] = (
        ("train", "train"),
        ("dev", "validation"),
        ("test", "test"),
    )
    for split, part in parts:
        for row in read_table(folder / f"build_{part}.csv", ("text", "label_gold")):
            hateful = row["label_gold"] == "1"
            yield Example(
                text=row["text"],
                toxicity={"toxicity": float(hateful), "identity_attack": float(hateful)},
                corpus="hatemoji",
                split=split,
            )


def read_jigsaw_test_balanced(folder: Path) -> Iterator[Example]:
    """Yield the balanced Jigsaw test: text and label, no header."""
    path = folder / "test.csv"
    labels = {"0": 0.0, "1": 1.0}
    with path.open(encoding="utf-8", newline="") as file:
        for text, label in csv.reader(file):
            yield Example(
                text=text,
                toxicity={"toxicity": lookup(labels, label, path, "the second column")},
                corpus="jigsaw_test_balanced",
                split="test",
            )


def read_hatecheck(folder: Path) -> Iterator[Example]:
    """Yield HateCheck: functional tests of hate speech detection."""
    labels = {"hateful": 1.0, "non-hateful": 0.0}
    path = folder / "test_suite_cases.csv"
    return _read_test(path, "hatecheck", "test_case", "label_gold", labels)


def read_bias_templates(folder: Path) -> Iterator[Example]:
    """Yield sentences made from templates and identity terms."""
    labels = {"BAD": 1.0, "NOT_BAD": 0.0}
    return _read_test(folder / "bias_madlibs_77k.csv", "bias_templates", "Text", "Label", labels)


def read_wiki_fuzzed(folder: Path) -> Iterator[Example]:
    """Yield Wikipedia comments with identity terms kept and swapped."""
    labels = {"True": 1.0, "False": 0.0}
    for name in ("toxicity_fuzzed_testset.csv", "toxicity_nonfuzzed_testset.csv"):
        yield from _read_test(folder / name, "wiki_fuzzed", "comment", "toxic", labels)


def read_wiki_context(folder: Path) -> Iterator[Example]:
    """Yield Wikipedia comments at the natural base rate, labelled with and without context."""
    labels = {"1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}
    for part in ("gn", "gc"):
        path = folder / f"cat_large_{part}.csv"
        yield from _read_test(path, f"wiki_context_{part}", "text", "label", labels)


def _read_test(
    path: Path, corpus: str, text: str, label: str, labels: Mapping[str, float]
) -> Iterator[Example]:
    """Yield the rows of a test set that says of each text whether it is toxic."""
    for row in read_table(path, (text, label)):
        yield Example(
            text=row[text],
            toxicity={"toxicity": lookup(labels, row[label], path, label)},
            corpus=corpus,
            split="test",
        )
