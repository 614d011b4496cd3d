import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("sklearn", reason="training is not installed")
from stance.data.examples import text_key
from stance.data.labelled import LabelledRow
from stance.data.splitting import LEAST_HELD_OUT, held_out_share, with_splits
from stance.errors import DataError


def row(number: int, **more: Any) -> LabelledRow:
    text = more.pop("text", f"comment {number}")
    values: dict[str, Any] = {
        "target": "trams",
        "stance": "favor",
        "toxicity": {},
        "parent": None,
        "group": text_key(text),
        "split": None,
        "extras": {},
    }
    return LabelledRow(number, text, **{**values, **more})


def rows(number: int, **more: Any) -> list[LabelledRow]:
    return [row(n, **more) for n in range(number)]


HALF = {"dev": 0.15, "test": 0.15}


def test_drawn_splits_have_about_their_shares_and_are_alike_in_targets_and_labels() -> None:
    many = [
        row(n, target=("trams", "bikes")[n % 2], stance=("favor", "against", "neutral")[n % 3])
        for n in range(600)
    ]
    found = with_splits(many, HALF, 1, "c.csv")
    assert Counter(item.split for item in found) == {"train": 420, "dev": 90, "test": 90}
    for split in ("dev", "test"):
        cells = Counter((item.target, item.stance) for item in found if item.split == split)
        assert set(cells.values()) == {15}
    assert [item.number for item in found] == list(range(600))


def test_the_same_seed_draws_the_same_and_another_seed_does_not() -> None:
    one, again, other = (
        [item.split for item in with_splits(rows(200), HALF, seed, "c")] for seed in (1, 1, 2)
    )
    assert one == again != other


@pytest.mark.parametrize("seed", range(8))
def test_no_text_and_no_group_stands_in_two_splits(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311
    made = [
        row(n, text=f"Text no. {draw.randrange(300)}!", group=f"group {draw.randrange(400)}")
        for n in range(400)
    ]
    # Chains of shared texts and groups are long here: some rows are alone, so that a split is left.
    made += [row(n) for n in range(400, 700)]
    found = with_splits(made, {"dev": 0.2, "test": 0.2}, seed, "c")
    assert {item.split for item in found} == {"train", "dev", "test"}
    for keys in ([text_key(item.text) for item in found], [item.group for item in found]):
        splits: dict[str, set[Any]] = {}
        for key, item in zip(keys, found, strict=True):
            splits.setdefault(key, set()).add(item.split)
        assert all(len(named) == 1 for named in splits.values())


def grouped(sizes: list[int]) -> list[LabelledRow]:
    """Return rows in groups of these sizes."""
    groups = [group for group, size in enumerate(sizes) for _ in range(size)]
    return [row(n, group=f"group {group}") for n, group in enumerate(groups)]


@pytest.mark.parametrize("seed", range(5))
def test_a_group_larger_than_a_split_stays_in_train(seed: int) -> None:
    found = with_splits(grouped([120, *[1] * 80]), HALF, seed, "c")
    assert {item.split for item in found[:120]} == {"train"}
    assert Counter(item.split for item in found) == {"train": 176, "dev": 12, "test": 12}


@given(
    sizes=st.lists(st.sampled_from((1, 2, 5, 40, 300)), min_size=100, max_size=120),
    share=st.sampled_from((0.15, 0.2, 0.3)),
    seed=st.integers(0, 100),
)
@settings(deadline=None, max_examples=25)
def test_no_split_is_larger_than_its_share_by_more_than_a_group_that_fits(
    sizes: list[int], share: float, seed: int
) -> None:
    made = grouped(sizes)
    found = with_splits(made, {"dev": share, "test": share}, seed, "c")
    wanted = share * len(made)
    largest = max(size for size in sizes if size <= wanted)
    counts = Counter(item.split for item in found)
    assert all(0 < counts[split] <= wanted + largest for split in ("dev", "test"))
    assert counts["train"] >= len(made) * (1 - 2.5 * share)
    assert len({(item.group, item.split) for item in found}) == len(sizes)


def test_a_usual_share_grows_until_the_groups_that_fit_are_enough() -> None:
    assert held_out_share([1] * 67, 0.15) == 0.15
    assert held_out_share([5] * 40, 0.15) == 0.25
    assert held_out_share([120, *[1] * 40], 0.15) == 0.25
    assert held_out_share([1] * 20, 0.15) == 0.3


def test_splits_that_are_named_stay_and_what_they_lack_is_drawn_from_train() -> None:
    named = [*rows(160, split="train"), *(row(n, split="test") for n in range(160, 200))]
    found = with_splits(named, HALF, 1, "c")
    assert [item.split for item in found[160:]] == ["test"] * 40
    assert Counter(item.split for item in found) == {"train": 136, "dev": 24, "test": 40}
    everything = [*named, *(row(n, split="dev") for n in range(200, 210))]
    assert with_splits(everything, HALF, 1, "c") == everything


def test_without_a_share_no_test_split_is_drawn() -> None:
    found = with_splits(rows(100), {"dev": 0.2, "test": 0.0}, 1, "c")
    assert Counter(item.split for item in found) == {"train": 80, "dev": 20}


def message(*arguments: Any) -> str:
    with pytest.raises(DataError) as caught:
        with_splits(*arguments)
    return str(caught.value)


def test_too_few_rows_are_refused_with_numbers() -> None:
    assert message(rows(40), HALF, 1, "c.csv") == (
        "c.csv: too few comments, or groups of them, to split: of 40 the split test would have 6, "
        f"expected at least {LEAST_HELD_OUT}; label 67 or more, set test to 0.25 or more, or name "
        "the splits in a column 'split'"
    )
    assert message(rows(20), HALF, 1, "c.csv").endswith(
        "label 67 or more, or name the splits in a column 'split'"
    )
    # A thousand rows of one group cannot be divided at all.
    assert message(rows(1000, group="g"), HALF, 1, "c.csv") == (
        "c.csv: too few comments, or groups of them, to split: of 0 (not counting 1 group larger "
        "than a split) the split test would have 0, expected at least 10; label 67 or more in "
        "smaller groups, or name the splits in a column 'split'"
    )


def test_rows_that_name_no_split_while_others_do_are_refused() -> None:
    mixed = [*rows(5, split="train"), row(5), row(6)]
    assert message(mixed, HALF, 1, "c.csv") == (
        "c.csv: 2 of 7 rows name no split while others do, the first is 5; write train, dev or "
        "test for them, or empty the column for all"
    )


def test_a_file_without_a_train_row_is_refused() -> None:
    found = message(rows(30, split="test"), HALF, 1, "c.csv")
    assert found == "c.csv: no row is in the split train; found test 30"
