"""Which examples a training stage sees: several corpora, cleaned of benchmarks and repeats."""

import math
import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from stance.data.corpora import CORPORA, Corpus
from stance.data.examples import Example, Split, text_key
from stance.data.misspell import misspelt
from stance.data.near import near_pairs
from stance.data.rephrase import rephrased, with_other_targets
from stance.errors import DataError


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a corpus goes into a mix.

    Parameters
    ----------
    corpus : str
        Its name: of a public corpus, or of a user's own data.
    limit : int or None
        At most so many rows, drawn at random; None for all.
    comments_only : bool
        Take each text once, without its target, as presumed non-toxic.
    unlabelled : bool
        Take the rows without their labels: a teacher or the starting model says what they are. A
        label that another share gives the same text and target stays.
    off_target : float or None
        Keep at most this ratio of off-target rows to the others; None keeps all.
    even_targets : bool
        Leave out neutral rows of targets that have few beside them that take a side, until no
        target has more of either kind, off-target or not, for each of those than all have together.
        For splits that hold out the sides of some targets but not their neutral rows: there the
        target alone tells what is neutral, and the other way round in the rows held out.
    other_targets : float
        Add so many rows, as a share, whose text stands beside another text's target.
    rephrase : float
        Add so many of the rows that take a side, as a share, with the target worded anew, often as
        its contrary; 2.0 adds each twice.
    misspell : float
        Add so many of the rows without a target, as a share, with words misspelt.
    near_targets : mapping of str to int
        Add each text beside so many targets, of the corpora named, that share words with it. Such
        rows have no label: they are for a teacher.
    """

    corpus: str
    limit: int | None = None
    comments_only: bool = False
    unlabelled: bool = False
    off_target: float | None = None
    even_targets: bool = False
    other_targets: float = 0.0
    rephrase: float = 0.0
    misspell: float = 0.0
    near_targets: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class MixReport:
    """How many rows each corpus gave and lost, and to what.

    `near` counts those among them that stand beside targets of others, without a label, by the
    text's corpus and the target's.
    """

    absent_benchmarks: list[str] = field(default_factory=list)
    kept: Counter[str] = field(default_factory=Counter)
    in_benchmark: Counter[str] = field(default_factory=Counter)
    repeated: Counter[str] = field(default_factory=Counter)
    near: dict[str, Counter[str]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return plain counts by corpus, and the benchmarks that could not be looked into."""
        return {
            "absent_benchmarks": self.absent_benchmarks,
            "kept": dict(self.kept),
            "dropped_in_benchmark": dict(self.in_benchmark),
            "merged_repeats": dict(self.repeated),
            "near_targets": {name: dict(targets) for name, targets in self.near.items()},
        }


def build_mix(
    shares: Sequence[Share],
    root: Path | None,
    seed: int,
    split: Split = "train",
    held_out: Iterable[str] = (),
    corpora: Mapping[str, Corpus] = CORPORA,
) -> tuple[list[Example], MixReport]:
    """Return the examples of a mix in a fixed random order, and what was left out.

    No text of a benchmark, nor of another split of any corpus named here, is let in. Rows that
    share text and target are merged, the first to name a label deciding it.

    Parameters
    ----------
    shares : sequence of Share
        A corpus may stand in several of them.
    root : Path or None
        Folder that holds the public corpora; None where there is none, nor any benchmark.
    seed : int
    split : {"train", "dev"}
    held_out : iterable of str
        Further corpora whose other splits must not be let in either.
    corpora : mapping of str to Corpus
        All that shares may name.

    Raises
    ------
    DataError
        A corpus is unknown or is a benchmark.
    """
    names = {name for share in shares for name in (share.corpus, *share.near_targets)}
    for name in sorted(names):
        check_trainable(name, corpora)
    shuffle = random.Random(seed)  # noqa: S311 - a reproducible order, not a secret
    benchmarks = {name for name, corpus in corpora.items() if corpus.is_measured_on}
    absent = sorted(name for name in benchmarks if not _is_at_hand(corpora[name], root))
    report = MixReport(absent)
    known = names.union(held_out, benchmarks.difference(absent))
    forbidden = held_out_keys(root, known, split, corpora)
    merged: dict[tuple[str, str | None], Example] = {}
    texts: list[tuple[Share, list[str]]] = []
    for share in shares:
        name = share.corpus
        rows = [row for row in corpora[name].examples(root) if row.split == split]
        drawn = _draw(rows, share, shuffle)
        allowed = [example for example in drawn if example.group not in forbidden]
        if len(allowed) < len(drawn):
            report.in_benchmark[name] += len(drawn) - len(allowed)
        texts.append((share, list(dict.fromkeys(example.text.strip() for example in allowed))))
        for example in [*allowed, *_misspelt(allowed, share, shuffle)]:
            key = (example.text.strip(), example.target)
            if key in merged:
                report.repeated[name] += 1
                merged[key] = _merge(merged[key], example)
            else:
                report.kept[name] += 1
                merged[key] = example
    for share, of_share in texts:
        labelled = _pairs(corpora[share.corpus].examples(root)) if share.near_targets else set()
        for name, count in share.near_targets.items():
            aimed = [row for row in corpora[name].examples(root) if row.target is not None]
            targets = _targets(aimed, split, forbidden)
            taken = {*merged, *labelled, *_pairs(aimed)}
            new = near_pairs(of_share, targets, count, taken, shuffle)
            for text, target in new:
                merged[text, target] = Example(text, share.corpus, split, target)
            report.kept[share.corpus] += len(new)
            report.near.setdefault(share.corpus, Counter())[name] += len(new)
    examples = list(merged.values())
    shuffle.shuffle(examples)
    return examples, report


def _pairs(rows: Iterable[Example]) -> set[tuple[str, str | None]]:
    return {(row.text.strip(), row.target) for row in rows}


def _targets(rows: Iterable[Example], split: Split, forbidden: Collection[str]) -> list[str]:
    """Return the targets of a split; where they are comments themselves, none that is held out."""
    found = dict.fromkeys(row.target for row in rows if row.split == split)
    return [target for target in found if target and text_key(target) not in forbidden]


def _is_at_hand(corpus: Corpus, root: Path | None) -> bool:
    return root is not None and corpus.location(root).is_dir()


def check_trainable(name: str, corpora: Mapping[str, Corpus] = CORPORA) -> None:
    """Raise a DataError where a name is no corpus or is a benchmark."""
    if name not in corpora:
        raise DataError(f"{name!r} is no corpus; expected one of {sorted(corpora)}")
    if corpora[name].benchmark:
        raise DataError(f"{name!r} is a benchmark: a model that trains on it cannot be judged")


def held_out_keys(
    root: Path | None,
    names: Iterable[str],
    split: Split,
    corpora: Mapping[str, Corpus] = CORPORA,
) -> frozenset[str]:
    """Return the keys of all texts that a mix of these corpora's `split` must not hold.

    That is every text of a benchmark, every test text, and for a training mix every dev text.
    """
    later: tuple[Split, ...] = ("dev", "test") if split == "train" else ("test",)
    return frozenset(
        text_key(example.text)
        for name in names
        for example in corpora[name].examples(root)
        if corpora[name].benchmark or example.split in later
    )


def _draw(rows: list[Example], share: Share, shuffle: random.Random) -> list[Example]:
    if share.comments_only:
        texts = dict.fromkeys(row.text for row in rows)
        rows = [
            Example(text, rows[0].corpus, rows[0].split, toxicity={"toxicity": 0.0})
            for text in texts
        ]
    shuffle.shuffle(rows)
    if share.even_targets:
        rows = _evened(rows)
    if share.off_target is not None:
        on = [row for row in rows if row.relevance != 0]
        off = [row for row in rows if row.relevance == 0]
        rows = on + off[: int(share.off_target * len(on))]
        shuffle.shuffle(rows)
    rows = rows[: share.limit]
    aimed = [row for row in rows if row.target is not None]
    sided = list(filter(_takes_a_side, aimed))
    anew = _drawn_often(sided, share.rephrase, shuffle)
    drawn = [
        *rows,
        *with_other_targets(aimed, share.other_targets, shuffle),
        *(rephrased(row, shuffle) for row in anew),
    ]
    return [_without_labels(row) for row in drawn] if share.unlabelled else drawn


def _without_labels(row: Example) -> Example:
    return Example(row.text, row.corpus, row.split, row.target)


def _drawn_often(rows: Sequence[Example], share: float, shuffle: random.Random) -> list[Example]:
    """Return a share of the rows, those above the first whole of them once more."""
    times, rest = divmod(share, 1)
    return [*(list(rows) * int(times)), *shuffle.sample(list(rows), int(rest * len(rows)))]


def _takes_a_side(row: Example) -> bool:
    return row.stance in ("favor", "against")


def _evened(rows: Sequence[Example]) -> list[Example]:
    """Leave out neutral rows until no target has more of them for each side than all together."""
    sides = Counter(row.target for row in rows if _takes_a_side(row))
    neutral = [row for row in rows if row.stance == "neutral"]
    of_kind = Counter(row.relevance == 0 for row in neutral)
    kept: Counter[tuple[str | None, bool]] = Counter()

    def has_room(row: Example) -> bool:
        is_off = row.relevance == 0
        kept[row.target, is_off] += 1
        most = sides[row.target] * of_kind[is_off] / sides.total()
        return kept[row.target, is_off] <= math.ceil(most)

    return [row for row in rows if row.stance != "neutral" or not sides or has_room(row)]


def _misspelt(rows: list[Example], share: Share, shuffle: random.Random) -> list[Example]:
    plain = [row for row in rows if row.target is None and row.toxic_spans is None]
    return [
        misspelt(row, shuffle) for row in shuffle.sample(plain, int(share.misspell * len(plain)))
    ]


def _merge(first: Example, second: Example) -> Example:
    """Return one example with the labels of both; where both know one, the first's."""
    return replace(
        first,
        stance=first.stance or second.stance,
        relevance=first.relevance if first.relevance is not None else second.relevance,
        toxicity={**second.toxicity, **first.toxicity},
        toxic_spans=first.toxic_spans if first.toxic_spans is not None else second.toxic_spans,
    )
