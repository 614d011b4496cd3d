"""Train, dev and test splits of labelled rows: by group, and alike in targets and labels."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stance.data.examples import Split, text_key
from stance.data.labelled import LabelledRow
from stance.errors import DataError
from stance.words import count_words

# Of fewer comments in a split, a figure moves by ten points or more with each of them.
LEAST_HELD_OUT = 10
# Of the rows, as a drawn split: beyond it too few are left to learn from.
MOST_HELD_OUT = 0.3
# Of its size, by which a drawn split may be larger: groups are not cut to fit it.
_SURPLUS = 0.25
_DRAWN: tuple[Split, ...] = ("test", "dev")


def with_splits(
    rows: Sequence[LabelledRow], shares: Mapping[Split, float], seed: int, name: str
) -> list[LabelledRow]:
    """Return the rows, each in a split.

    Where no row names a split, dev and test are drawn; where the rows name some, only what they
    lack is, from their train rows. Rows of one group, and rows of the same text, stay together. A
    group that is larger than a split should be stays in train, and the others are divided.

    Parameters
    ----------
    rows : sequence of LabelledRow
        Of a group, the first stands for all when targets and labels are made alike.
    shares : mapping of "dev" and "test" to float
        About how large a drawn split is, as a share of the rows that are divided and in no other
        named split: from 0, for none, to 0.5.
    seed : int
    name : str
        Of the data, for messages.

    Raises
    ------
    DataError
        Some rows name a split and others do not, none is for training, or there are too few.
    """
    found = list(rows)
    named = {row.split for row in rows} - {None}
    _check_named(rows, name)
    lacking = {split: shares[split] for split in _DRAWN if shares[split] and split not in named}
    pool = _divided(rows, lacking, name)
    total = len(pool)
    for split, share in lacking.items():
        part = min(share * total / len(pool), 0.5)
        drawn = set(_drawn([found[place] for place in pool], part, seed).tolist())
        for place in drawn:
            found[pool[place]] = replace(found[pool[place]], split=split)
        pool = [place for number, place in enumerate(pool) if number not in drawn]
    return [row if row.split else replace(row, split="train") for row in found]


def _check_named(rows: Sequence[LabelledRow], name: str) -> None:
    counts = Counter(row.split for row in rows)
    silent = counts.pop(None, 0)
    if silent and counts:
        first = next(row.number for row in rows if row.split is None)
        raise DataError(
            f"{name}: {silent:,} of {len(rows):,} rows name no split while others do, the first is "
            f"{first}; write train, dev or test for them, or empty the column for all"
        )
    if counts and not counts["train"]:
        listed = ", ".join(f"{split} {count:,}" for split, count in counts.items())
        raise DataError(f"{name}: no row is in the split train; found {listed}")


def _divided(rows: Sequence[LabelledRow], shares: Mapping[Split, float], name: str) -> list[int]:
    """Return the places of the rows that splits are drawn from."""
    places = [place for place, row in enumerate(rows) if row.split in (None, "train")]
    if not shares:
        return places
    keys = np.array(group_keys([(rows[place].group, rows[place].text) for place in places]), int)
    sizes = np.bincount(keys)
    fits = fitting(sizes, min(shares.values()))
    _check_enough(int(fits.sum()), len(sizes), shares, name)
    return [place for place, key in zip(places, keys, strict=True) if fits[key]]


def fitting(sizes: NDArray[np.integer[Any]], share: float) -> NDArray[np.bool_]:
    """Return which groups are no larger than a split of that share of the rows should be.

    Examples
    --------
    >>> fitting(np.array([120, 30, 1, 49]), 0.15).tolist()
    [False, True, True, False]
    """
    return np.asarray(sizes <= max(share * sizes.sum(), 1))


def _check_enough(units: int, groups: int, shares: Mapping[Split, float], name: str) -> None:
    """Refuse to draw splits from so few of the groups, those that are not too large for one."""
    large = count_words(groups - units, "group")
    but, smaller = (
        (f" (not counting {large} larger than a split)", " in smaller groups")
        if groups > units
        else ("", "")
    )
    for split, share in shares.items():
        if round(units * share) < LEAST_HELD_OUT:
            enough = least_share(units)
            larger = f"set {split} to {enough:g} or more, " if enough <= MOST_HELD_OUT else ""
            more = math.ceil(LEAST_HELD_OUT / share)
            raise DataError(
                f"{name}: too few comments, or groups of them, to split: of {units:,}{but} the "
                f"split {split} would have {round(units * share)}, expected at least "
                f"{LEAST_HELD_OUT}; label {more:,} or more{smaller}, {larger}or name the splits "
                "in a column 'split'"
            )


def held_out_share(sizes: Sequence[int], usual: float) -> float:
    """Return the share of a drawn split that such groups have enough for, `usual` or more.

    Parameters
    ----------
    sizes : sequence of int
        Rows of each group.
    usual : float

    Returns
    -------
    float
        In hundredths; MOST_HELD_OUT where even that is not enough.

    Examples
    --------
    >>> held_out_share([1] * 100, 0.15), held_out_share([5] * 40, 0.15), held_out_share([9], 0.15)
    (0.15, 0.25, 0.3)
    """
    groups = np.array(sizes, int)
    hundredths = range(round(100 * usual), round(100 * MOST_HELD_OUT))
    enough = (
        share / 100
        for share in hundredths
        if share * int(fitting(groups, share / 100).sum()) >= 100 * LEAST_HELD_OUT
    )
    return next(enough, MOST_HELD_OUT)


def least_share(units: int) -> float:
    """Return the least share, in hundredths, of so many comments that can be a split.

    Examples
    --------
    >>> least_share(60), least_share(1000), least_share(3)
    (0.17, 0.01, 1.0)
    """
    return min(math.ceil(100 * LEAST_HELD_OUT / max(units, 1)) / 100, 1.0)


def _drawn(rows: Sequence[LabelledRow], share: float, seed: int) -> NDArray[np.intp]:
    """Return the places of about that share of the rows, whole groups of them."""
    from sklearn.model_selection import train_test_split

    groups = np.array(group_keys([(row.group, row.text) for row in rows]))
    first = np.unique(groups, return_index=True)[1]
    strata = _strata([rows[place] for place in first], share)
    size = round(len(first) * share)
    _, drawn = train_test_split(
        np.arange(len(first)), test_size=size, stratify=strata, random_state=seed
    )
    kept = _bounded(drawn.tolist(), np.bincount(groups), share * len(rows))
    return np.flatnonzero(np.isin(groups, kept))


def _bounded(drawn: Sequence[int], sizes: NDArray[np.integer[Any]], wanted: float) -> list[int]:
    """Return drawn groups, in their order, but for those that would make the split too large."""
    most = wanted + min(max(sizes), _SURPLUS * wanted)
    kept, rows = [], 0
    for group in drawn:
        if rows + sizes[group] <= most:
            kept.append(group)
            rows += sizes[group]
    return kept


def group_keys(rows: Sequence[tuple[str, str]]) -> list[int]:
    """Return a number for each (group, text); rows that share either, by whatever way, share it.

    Examples
    --------
    >>> group_keys([("a", "You fool."), ("b", "you fool"), ("b", "Thanks!"), ("c", "Hm")])
    [0, 0, 0, 1]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    groups = {group: place for place, group in enumerate(dict.fromkeys(g for g, _ in rows))}
    keys = [text_key(text) for _, text in rows]
    texts = {key: place + len(groups) for place, key in enumerate(dict.fromkeys(keys))}
    edges = ([groups[group] for group, _ in rows], [texts[key] for key in keys])
    size = len(groups) + len(texts)
    graph = coo_array((np.ones(len(rows)), edges), shape=(size, size))
    _, component = connected_components(graph, directed=False)
    return component[edges[0]].tolist()  # type: ignore[no-any-return]


def _strata(rows: Sequence[LabelledRow], share: float) -> list[str]:
    """Return what should be as frequent in each split: target and labels, or labels, or neither.

    What is too rare to be drawn once is put together.
    """
    labels = [f"{row.stance}, {_toxic(row)}" for row in rows]
    strata = [f"{row.target} {label}" for row, label in zip(rows, labels, strict=True)]
    for coarser in (labels, ["rare"] * len(rows)):
        counts = Counter(strata)
        strata = [
            own if counts[own] * share >= 1 else other
            for own, other in zip(strata, coarser, strict=True)
        ]
    counts = Counter(strata)
    usual = counts.most_common(1)[0][0]
    return [own if counts[own] * share >= 1 else usual for own in strata]


def _toxic(row: LabelledRow) -> str:
    if not row.toxicity:
        return "unknown"
    return "toxic" if max(row.toxicity.values()) >= 0.5 else "harmless"
