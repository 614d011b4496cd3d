"""What is wrong with labelled data, looked at before hours of training.

The rows are read once and not kept: of each there stay a few numbers, and of a random sample the
texts, which are enough for language, length and the search for wrong labels. So memory grows by
some 60 bytes a row.
"""

import math
import random
import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.data.corpora import CORPORA
from stance.data.examples import text_key
from stance.data.findings import (
    Benchmarks,
    ClassCounts,
    Finding,
    Findings,
    LabelErrors,
    Languages,
    Lengths,
    TargetCounts,
)
from stance.data.label_errors import LabelledText, find_label_errors
from stance.data.labelled import SPLITS, LabelledData, LabelledRow, Names, scan_labelled
from stance.data.mix import held_out_keys
from stance.data.splitting import LEAST_HELD_OUT, MOST_HELD_OUT, fitting, least_share
from stance.errors import DataError, StanceError
from stance.labels import STANCE_LABELS, TOXICITY_LABELS
from stance.modeling.encoding import MAX_TARGET_TOKENS, InputEncoder, Tokens
from stance.tables import row_ending

Progress = Callable[[int, int], None]
Detect = Callable[[str], str | None]
Integers = NDArray[np.integer[Any]]

LOOKED_AT = 10_000  # texts whose language and length are looked at, drawn at random
MAX_ROWS_NAMED = 5
MAX_TARGETS = 20  # that the result lists
# A class needs rows to learn from, and some of them are held out to measure it. Where a tenth is,
# fewer than 50 leave fewer than five: each moves the class's recall by 20 points or more.
FEW = 50
# In a dev or test split fewer than 20 of a class each move its recall by more than 5 points.
FEW_TO_MEASURE = 20
# Of two rows that contradict each other one is wrong, whatever is learnt.
CONTRADICTED_SHARE = 0.02
LEFT_OUT_SHARE = 0.05
OVER_LONG_SHARE = 0.01
UNREAD_SHARE = 0.5  # a model does not learn a language from a few thousand comments
ONE_SIDED_ROWS = 20  # of a target whose rows all have one stance

_MAX_TEXT_CHARS = 5_000  # kept of a sampled text: more than a window holds
_MAX_TARGET_NAMES = 10_000
_TARGET_CHARS = 200
_CHUNK = 500
_NOT_SEEN = -1
_USUAL_SHARE = 0.15  # of a split that is drawn, as in the shipped configuration
_WORDS = re.compile(r"\w+")


def check(
    source: str | Path,
    names: Names | None = None,
    *,
    encoder: InputEncoder,
    detect: Detect,
    languages: Sequence[str] = ("en",),
    root: Path | None = None,
    seed: int = 1,
    progress: Progress | None = None,
) -> Findings:
    """Look through labelled data for what hinders training or spoils its figures.

    Parameters
    ----------
    source : str or Path
        What `stance.data.labelled.read_labelled` takes.
    names : Names, optional
        Where columns or labels are called otherwise.
    encoder : InputEncoder
        Of the model that is to be trained: its tokens and window measure the lengths.
    detect : callable
        From a text to its ISO 639-1 code, or None; `stance.scoring.language.LanguageDetector`.
    languages : sequence of str
        Codes of what the model reads.
    root : Path, optional
        Folder that holds the benchmarks; without it rows are not looked up in them.
    seed : int
        Of the samples.
    progress : callable, optional
        Called with the steps done and their number.

    Returns
    -------
    Findings

    Raises
    ------
    InputError, DataError
        The data cannot be read, or none of its rows can be used.
    """
    report = progress or (lambda done, total: None)
    tally = _Tally(seed, "row" if row_ending(source) in (None, ".parquet") else "line")
    data = scan_labelled(source, tally.add, names, strict=False)
    rows = tally.rows()
    report(1, 5)
    counted = _count_classes(rows)
    targets = _count_targets(rows, tally.target_names)
    found_languages = _languages(tally.sample, detect, languages)
    report(2, 5)
    lengths = _lengths(tally.sample, encoder)
    report(3, 5)
    benchmarks, leaked = _benchmark_leaks(rows, root)
    report(4, 5)
    label_errors = _label_errors(rows, tally.sample, seed)
    report(5, 5)
    findings = [
        *_left_out(data, rows.number),
        *_class_findings(counted),
        *_one_sided(targets),
        *_contradictions(rows),
        *_split_leaks(rows, data),
        *leaked,
        *_without_split(rows),
        *_few_to_split(rows),
        *_repeats(rows),
        *_language_findings(found_languages),
        *_length_findings(lengths),
        *_label_error_findings(label_errors),
    ]
    return Findings(
        name=data.name,
        rows=rows.number,
        left_out=sum(problem.count for problem in data.problems if not problem.unlabelled),
        unlabelled=sum(problem.count for problem in data.problems if problem.unlabelled),
        texts=len(np.unique(rows.text)),
        classes=tuple(counted),
        targets=tuple(targets[:MAX_TARGETS]),
        target_number=len(np.unique(rows.target[rows.stance != _NOT_SEEN])),
        languages=found_languages,
        lengths=lengths,
        benchmarks=benchmarks,
        label_errors=label_errors,
        findings=tuple(sorted(findings, key=lambda item: item.severity != "problem")),
    )


# Reading


@dataclass(frozen=True, slots=True)
class _Sampled:
    """A row of the sample, with the texts that the numbers were made of."""

    place: int
    text: str
    target: str | None


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows as numbers, one array a column, all of the same length.

    `text`, `key`, `target` and `group` are hashes: of the whole text but for case, spaces and
    signs, of `text_key`, of the target, of the group. Labels and splits are places in
    STANCE_LABELS and SPLITS, or _NOT_SEEN; toxicity, of shape (rows, 6), is 1 or 0 likewise.
    """

    place: str
    line: Integers
    text: Integers
    key: Integers
    target: Integers
    group: Integers
    split: Integers
    stance: Integers
    toxicity: Integers

    @property
    def number(self) -> int:
        return len(self.line)

    def named(self, places: Integers) -> tuple[str, ...]:
        """Return where the first of some rows stand."""
        return tuple(f"{self.place} {self.line[place]}" for place in places[:MAX_ROWS_NAMED])

    def columns(self) -> Iterator[tuple[str, Integers, tuple[str, ...]]]:
        """Yield the columns that have labels: name, a class a row, names of the classes."""
        if (self.stance != _NOT_SEEN).any():
            yield "stance", self.stance, STANCE_LABELS
        for place, label in enumerate(TOXICITY_LABELS):
            if (self.toxicity[:, place] != _NOT_SEEN).any():
                yield label, self.toxicity[:, place], ("0", "1")


class _Tally:
    """Takes rows one by one and keeps numbers, and a random sample of the texts."""

    def __init__(self, seed: int, place: str) -> None:
        self._place = place
        self._draw = random.Random(seed)  # noqa: S311 - a reproducible sample, not a secret
        self._hashes = {name: array("Q") for name in ("line", "text", "key", "target", "group")}
        self._codes = {name: array("b") for name in ("split", "stance", "toxicity")}
        self.sample: list[_Sampled] = []
        self.target_names: dict[int, str] = {}

    def add(self, row: LabelledRow) -> None:
        target = _hash(_normalised(row.target or ""))
        values = (
            row.number,
            _hash(_normalised(row.text)),
            _hash(text_key(row.text)),
            target,
            _hash(row.group),
        )
        place = len(self._hashes["line"])
        for column, value in zip(self._hashes.values(), values, strict=True):
            column.append(value)
        self._codes["split"].append(_NOT_SEEN if row.split is None else SPLITS.index(row.split))
        self._codes["stance"].append(
            _NOT_SEEN if row.stance is None else STANCE_LABELS.index(row.stance)
        )
        self._codes["toxicity"].extend(
            int(row.toxicity[label] >= 0.5) if label in row.toxicity else _NOT_SEEN
            for label in TOXICITY_LABELS
        )
        if row.target and len(self.target_names) < _MAX_TARGET_NAMES:
            self.target_names.setdefault(target, row.target.strip()[:_TARGET_CHARS])
        self._sample(place, row)

    def _sample(self, place: int, row: LabelledRow) -> None:
        """Keep each row with the same chance (Vitter 1985, algorithm R)."""
        kept = place if place < LOOKED_AT else self._draw.randrange(place + 1)
        if kept >= LOOKED_AT:
            return
        target = None if row.target is None else row.target[:_MAX_TEXT_CHARS]
        item = _Sampled(place, row.text[:_MAX_TEXT_CHARS], target)
        if kept == len(self.sample):
            self.sample.append(item)
        else:
            self.sample[kept] = item

    def rows(self) -> _Rows:
        hashes = {name: np.array(values, np.uint64) for name, values in self._hashes.items()}
        codes = {name: np.array(values, np.int8) for name, values in self._codes.items()}
        toxicity = codes.pop("toxicity").reshape(-1, len(TOXICITY_LABELS))
        return _Rows(self._place, **hashes, **codes, toxicity=toxicity)


def _normalised(text: str) -> str:
    """Return a text without case, spaces and signs; one of signs alone as it is."""
    return "".join(_WORDS.findall(text.lower())) or text.strip()


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big")


def _mixed(first: Integers, second: Integers) -> Integers:
    """Return one hash for the two of each row."""
    return (first * np.uint64(0x9E3779B97F4A7C15)) ^ second


# Classes and targets


def _count_classes(rows: _Rows) -> list[ClassCounts]:
    counted = []
    for name, values, classes in rows.columns():
        counted.append(_counts(name, None, values, classes))
        for place, split in enumerate(SPLITS):
            if (rows.split == place).any():
                counted.append(_counts(name, split, values[rows.split == place], classes))
    return counted


def _counts(
    column: str, split: str | None, values: Integers, classes: Sequence[str]
) -> ClassCounts:
    numbers = np.bincount(values[values != _NOT_SEEN], minlength=len(classes)).tolist()
    return ClassCounts(column, split, dict(zip(classes, numbers, strict=True)))


def _count_targets(rows: _Rows, names: Mapping[int, str]) -> list[TargetCounts]:
    """Return the targets whose name was kept, the most frequent first."""
    known = rows.stance != _NOT_SEEN
    hashes, inverse = np.unique(rows.target[known], return_inverse=True)
    table = np.zeros((len(hashes), len(STANCE_LABELS)), np.int64)
    np.add.at(table, (inverse, rows.stance[known]), 1)
    found = [
        TargetCounts(names[name], dict(zip(STANCE_LABELS, counts, strict=True)))
        for name, counts in zip(hashes.tolist(), table.tolist(), strict=True)
        if name in names
    ]
    return sorted(found, key=lambda item: (-sum(item.counts.values()), item.target))


def _class_findings(counted: Sequence[ClassCounts]) -> Iterator[Finding]:
    everywhere = {(item.column, name) for item in counted for name in _missing(item, None)}
    for item in counted:
        for name in _missing(item, item.split):
            if item.split is None or (item.column, name) not in everywhere:
                yield _missing_class(item, name, sum(item.counts.values()))
    yield from _thin_classes(counted)


def _missing(item: ClassCounts, split: str | None) -> list[str]:
    """Return the classes without a row, if the counts are of that split and not all nothing."""
    if item.split != split or not any(item.counts.values()):
        return []
    return [name for name, count in item.counts.items() if not count]


def _class_name(column: str, name: str) -> str:
    return f"{column} {name}" if column == "stance" else f"{column} = {name}"


def _missing_class(item: ClassCounts, name: str, total: int) -> Finding:
    where = "" if item.split is None else f" of the split {item.split}"
    message = f"no row{where} has {_class_name(item.column, name)}, of {total:,} with this label: "
    if item.split in ("dev", "test"):
        message += "what is learnt about it cannot be measured"
        mend = "move some of its comments there"
    elif item.column == "stance":
        message += f"a model trained on these forgets to say {name}"
        mend = (
            "label comments that take no side, or speak of something else, as neutral"
            if name == "neutral"
            else f"label comments that are {name}"
        )
    else:
        message += "a model trained on these gives all comments the same answer"
        mend = (
            "write 0 where it is not so: an empty cell says that nobody looked"
            if name == "0"
            else f"label some that are so, or leave the column {item.column} empty: what is not "
            "labelled is not learnt anew"
        )
    return Finding("missing_class", "problem", message, mend, total)


def _thin_classes(counted: Sequence[ClassCounts]) -> Iterator[Finding]:
    """Yield which classes have few rows to learn from, and which few to be measured on."""
    trained = "train" if any(item.split == "train" for item in counted) else None
    thin = [
        (item, name, count)
        for item in counted
        for name, count in item.counts.items()
        if 0 < count < (FEW if item.split == trained else FEW_TO_MEASURE)
        and (item.split == trained or item.split in ("dev", "test"))
    ]
    learnt = [found for found in thin if found[0].split == trained]
    measured = [found for found in thin if found[0].split != trained]
    if learnt:
        yield Finding(
            "few_of_class",
            "warning",
            f"few rows to learn from: {_listed(learnt)}. Fewer than {FEW} are learnt badly, and "
            "where a tenth is held out, fewer than 5 measure them: each moves the recall by 20 "
            "points or more",
            f"label {FEW} or more of each",
            sum(count for _, _, count in learnt),
        )
    if measured:
        yield Finding(
            "few_to_measure",
            "warning",
            f"few rows to measure on: {_listed(measured)}. Of fewer than {FEW_TO_MEASURE} each "
            "moves the recall of its class by more than 5 points",
            f"put {FEW_TO_MEASURE} or more of each in every split that measures",
            sum(count for _, _, count in measured),
        )


def _listed(thin: Sequence[tuple[ClassCounts, str, int]]) -> str:
    return ", ".join(
        f"{_class_name(item.column, name)} {count}" + (f" in {item.split}" if item.split else "")
        for item, name, count in thin
    )


def _one_sided(targets: Sequence[TargetCounts]) -> Iterator[Finding]:
    found = []
    for item in targets:
        total = sum(item.counts.values())
        if total >= ONE_SIDED_ROWS and max(item.counts.values()) == total:
            found.append((item, total))
    if not found or len(targets) == 1:  # a single target: the class that is missing says it
        return
    named = ", ".join(
        f"{item.target!r} ({total:,} {max(item.counts, key=item.counts.__getitem__)})"
        for item, total in found[:MAX_ROWS_NAMED]
    )
    yield Finding(
        "one_sided_target",
        "warning",
        f"{len(found):,} of the targets have comments of one stance alone: {named}: the answer can "
        "be learnt from the target, without reading the comment",
        "label comments on them that say something else",
        sum(total for _, total in found),
    )


# Rows against rows


def _contradictions(rows: _Rows) -> Iterator[Finding]:
    for name, values, _ in rows.columns():
        known = np.flatnonzero(values != _NOT_SEEN)
        pair = _mixed(rows.text, rows.target) if name == "stance" else rows.text
        places = known[_in_contradiction(pair[known], values[known])]
        if not len(places):
            continue
        share = len(places) / len(known)
        what = "same text and target" if name == "stance" else "same text"
        yield Finding(
            "contradiction",
            "problem" if share > CONTRADICTED_SHARE else "warning",
            f"{len(places):,} rows ({share:.1%} of those with this label) have the {what} as "
            f"another and a different {name}: of such rows some are wrong whatever is learnt",
            "decide them; where they are the votes of several raters, write one row with "
            + ("the majority's label" if name == "stance" else "the share of raters as its label"),
            len(places),
            rows.named(places),
        )


def _in_contradiction(hashes: Integers, values: Integers) -> Integers:
    """Return the places of rows whose hash stands beside several values, equal hashes together."""
    order = np.argsort(hashes, kind="stable")
    starts = np.flatnonzero(np.diff(hashes[order], prepend=hashes[order][:1] + np.uint64(1)))
    if not len(starts):
        return np.zeros(0, np.int64)
    lowest = np.minimum.reduceat(values[order], starts)
    highest = np.maximum.reduceat(values[order], starts)
    sizes = np.diff(np.append(starts, len(order)))
    return np.asarray(order[np.repeat(lowest != highest, sizes)])


def _repeats(rows: _Rows) -> Iterator[Finding]:
    labels = rows.stance.astype(np.uint64)
    for column in rows.toxicity.T:
        labels = labels * np.uint64(3) + (column + 1).astype(np.uint64)
    hashes = _mixed(_mixed(rows.text, rows.target), labels)
    first = np.unique(hashes, return_index=True)[1]
    is_first = np.zeros(rows.number, bool)
    is_first[first] = True
    places = np.flatnonzero(~is_first)
    if len(places):
        yield Finding(
            "repeat",
            "warning",
            f"{len(places):,} rows repeat another: the same text, target and labels, but for case, "
            "spaces and signs: they count several times",
            "delete them",
            len(places),
            rows.named(places),
        )


def _split_leaks(rows: _Rows, data: LabelledData) -> Iterator[Finding]:
    for first, second in ((0, 2), (0, 1), (1, 2)):
        for kind, hashes, what in (
            ("split_leak", rows.key, "text"),
            ("group_leak", rows.group, "group"),
        ):
            if kind == "group_leak" and not data.has_groups:
                continue
            both = np.intersect1d(hashes[rows.split == first], hashes[rows.split == second])
            if not len(both):
                continue
            places = np.flatnonzero((rows.split == first) & np.isin(hashes, both))
            later = SPLITS[second]
            yield Finding(
                kind,
                "problem",
                f"{len(both):,} {what}{'s stand' if len(both) > 1 else ' stands'} in the splits "
                f"{SPLITS[first]} and {later}: figures measured on {later} are too good",
                f"delete these rows of {SPLITS[first]}, or put all rows of a {what} in one split",
                len(places),
                rows.named(places),
            )


def _without_split(rows: _Rows) -> Iterator[Finding]:
    places = np.flatnonzero(rows.split == _NOT_SEEN)
    if 0 < len(places) < rows.number:
        yield Finding(
            "no_split",
            "warning",
            f"{len(places):,} rows name no split while others do",
            "write train, dev or test for them, or empty the column for all",
            len(places),
            rows.named(places),
        )


def _few_to_split(rows: _Rows) -> Iterator[Finding]:
    """Say where dev and test, which are to be drawn, would be too small."""
    if (rows.split != _NOT_SEEN).any():
        return
    sizes = np.unique(rows.group, return_counts=True)[1]
    small = fitting(sizes, _USUAL_SHARE)
    units = min(int(small.sum()), len(np.unique(rows.text)))
    of_them = "of them" if small.all() else "of them no larger than a split"
    share = least_share(units)
    if share > _USUAL_SHARE:
        fits = share <= MOST_HELD_OUT
        yield Finding(
            "few_to_split",
            "warning" if fits else "problem",
            f"{units:,} different comments, or groups {of_them}, are few to draw dev and test "
            f"from: each needs {LEAST_HELD_OUT}, so that a figure means something",
            f"label {math.ceil(LEAST_HELD_OUT / _USUAL_SHARE)} or more, "
            + (f"set dev and test to {share:g} each, " if fits else "")
            + "or name the splits in a column 'split'",
            rows.number,
        )


# Benchmarks


def _measured_on() -> tuple[str, ...]:
    return tuple(sorted(name for name, corpus in CORPORA.items() if corpus.is_measured_on))


def _benchmark_leaks(rows: _Rows, root: Path | None) -> tuple[Benchmarks, list[Finding]]:
    """Return where training rows were looked up, and what was found there."""
    if root is None:
        return Benchmarks((), _measured_on()), []
    if not root.is_dir():
        raise DataError(
            f"{root}: no such folder; expected the one that holds the benchmarks, by --data-root "
            "or in the environment variable STANCE_DATA"
        )
    looked_into, absent, leaks = [], [], []
    trained = np.flatnonzero(rows.split != SPLITS.index("test"))
    for name in _measured_on():
        if not CORPORA[name].location(root).is_dir():
            absent.append(name)
            continue
        try:
            keys = held_out_keys(root, {name}, "dev")
        except StanceError:  # not in its published format
            absent.append(name)
            continue
        looked_into.append(name)
        hashes = np.fromiter(map(_hash, keys), np.uint64, len(keys))
        places = trained[np.isin(rows.key[trained], hashes)]
        if len(places):
            leaks.append(_benchmark_leak(rows, name, places))
    return Benchmarks(tuple(looked_into), tuple(absent)), leaks


def _benchmark_leak(rows: _Rows, name: str, places: Integers) -> Finding:
    return Finding(
        "benchmark_leak",
        "problem",
        f"{len(places):,} rows to be trained on stand in the benchmark {name}: a model that "
        "learnt them cannot be judged there",
        "delete these rows, or do not measure the model on it",
        len(places),
        rows.named(places),
    )


# What the sample tells


def _languages(sample: Sequence[_Sampled], detect: Detect, read: Sequence[str]) -> Languages:
    found = Counter(detect(item.text) or "" for item in sample)
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return Languages(len(sample), dict(ranked), tuple(read))


def _language_findings(languages: Languages) -> Iterator[Finding]:
    unread = sum(languages.unread.values())
    if not unread:
        return
    share = unread / languages.looked_at
    named = ", ".join(f"{code} {count:,}" for code, count in list(languages.unread.items())[:5])
    yield Finding(
        "language",
        "problem" if share > UNREAD_SHARE else "warning",
        f"{unread:,} of {languages.looked_at:,} texts looked at ({share:.1%}) are in languages "
        f"that the model does not read ({named}): it reads {', '.join(languages.read)}",
        "leave them out, or train from an encoder that reads their language",
        unread,
    )


def _lengths(sample: Sequence[_Sampled], encoder: InputEncoder) -> Lengths:
    numbers: list[int] = []
    long_targets = 0
    for start in range(0, len(sample), _CHUNK):
        chunk = sample[start : start + _CHUNK]
        texts = encoder.tokenize([item.text for item in chunk])
        targets = encoder.tokenize([item.target or "" for item in chunk])
        for item, text, target in zip(chunk, texts, targets, strict=True):
            numbers.append(_frame(encoder, item.target, target) + len(text.ids))
            long_targets += len(target.ids) > MAX_TARGET_TOKENS
    tokens = np.array(numbers)
    median, high = np.percentile(tokens, (50, 95), method="inverted_cdf")
    return Lengths(
        looked_at=len(tokens),
        window=encoder.max_length,
        median=int(median),
        percentile_95=int(high),
        longest=int(tokens.max()),
        over=int((tokens > encoder.max_length).sum()),
        long_targets=long_targets,
    )


def _frame(encoder: InputEncoder, target: str | None, tokens: Tokens) -> int:
    """Return how many tokens of an input are not the comment's."""
    nothing = Tokens([], [])
    windows = encoder.single(nothing) if target is None else encoder.pair(tokens, nothing)
    return len(windows[0])


def _length_findings(lengths: Lengths) -> Iterator[Finding]:
    share = lengths.over / lengths.looked_at
    if share > OVER_LONG_SHARE:
        yield Finding(
            "long_text",
            "warning",
            f"{lengths.over:,} of {lengths.looked_at:,} texts looked at ({share:.1%}) are longer "
            f"than the window of {lengths.window} tokens: training reads their beginning alone",
            "shorten them to what the label is about, or train with a larger max_length",
            lengths.over,
        )
    if lengths.long_targets:
        yield Finding(
            "long_target",
            "warning",
            f"{lengths.long_targets:,} of {lengths.looked_at:,} targets looked at are longer than "
            f"{MAX_TARGET_TOKENS} tokens: the model reads their beginning alone",
            "name the target in a few words, or as one claim",
            lengths.long_targets,
        )


def _label_errors(rows: _Rows, sample: Sequence[_Sampled], seed: int) -> tuple[LabelErrors, ...]:
    found = []
    for name, values, classes in rows.columns():
        known = [item for item in sample if values[item.place] != _NOT_SEEN]
        items = [
            LabelledText(
                f"{rows.place} {rows.line[item.place]}",
                item.text,
                item.target if name == "stance" else None,
                int(values[item.place]),
            )
            for item in known
        ]
        total = int((values != _NOT_SEEN).sum())
        found.append(find_label_errors(name, items, classes, total, seed))
    return tuple(found)


def _label_error_findings(searches: Sequence[LabelErrors]) -> Iterator[Finding]:
    for search in searches:
        if search.suspects:
            yield Finding(
                "label_error",
                "warning",
                f"{len(search.suspects):,} rows have a label of {search.column} that other rows "
                "speak most against",
                "look at them and decide: many of them will be right",
                len(search.suspects),
                tuple(suspect.row for suspect in search.suspects[:MAX_ROWS_NAMED]),
            )


# Rows that cannot be used


def _left_out(data: LabelledData, used: int) -> Iterator[Finding]:
    """Yield what the reader left out, and its notes."""
    total = used + sum(problem.count for problem in data.problems)
    for problem in data.problems:
        if problem.unlabelled:
            continue
        hinders = problem.wrong_label or problem.count > LEFT_OUT_SHARE * total
        why = ": training refuses a label that it does not know" if problem.wrong_label else ""
        rows = "row is" if problem.count == 1 else "rows are"
        yield Finding(
            "unknown_label" if problem.wrong_label else "unusable",
            "problem" if hinders else "warning",
            f"{problem.count:,} {rows} left out: {problem.reason}{why}",
            problem.mend or "mend or delete them",
            problem.count,
            problem.rows,
        )
    for note in data.notes:
        message, _, mend = note.partition("; ")
        yield Finding("column", "warning", message, mend or "leave the mapping out", 0)
