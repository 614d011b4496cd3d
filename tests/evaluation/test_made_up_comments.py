import csv
import os
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from stance.evaluation.made_up_comments import BLOCK, LENGTHS, block_lengths, made_up_comments
from stance.scoring.analyzer import DEFAULT_MODEL


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    found = Tokenizer.from_file(str(DEFAULT_MODEL / "tokenizer.json"))
    found.no_truncation()
    found.no_padding()
    return found


def lengths_of(texts: list[str], tokenizer: Tokenizer) -> list[int]:
    return [len(one.ids) for one in tokenizer.encode_batch(texts, add_special_tokens=False)]


@pytest.mark.parametrize("name", LENGTHS)
def test_each_block_holds_the_whole_distribution_in_tokens(name: str, tokenizer: Tokenizer) -> None:
    comments = made_up_comments(2 * BLOCK, lengths=LENGTHS[name])
    for block in (comments[:BLOCK], comments[BLOCK:]):
        assert sorted(lengths_of(block, tokenizer)) == block_lengths(LENGTHS[name])
    assert comments[:BLOCK] != comments[BLOCK:]


@pytest.mark.parametrize("count", [0, 1, BLOCK, BLOCK + 1])
def test_a_seed_gives_the_same_comments_however_many(count: int) -> None:
    assert made_up_comments(count, seed=3) == made_up_comments(2 * BLOCK, seed=3)[:count]


CORPORA = {
    "news": ("toxicity/derived/civil_comments_subtypes.csv", "comment_text"),
    "debate": ("stance/vast/vast_train.csv", "post"),
}


@pytest.mark.skipif("STANCE_SHARED" not in os.environ, reason="STANCE_SHARED names no corpora")
@pytest.mark.parametrize("name", LENGTHS)
def test_the_lengths_are_those_of_real_comments(name: str, tokenizer: Tokenizer) -> None:
    file, column = CORPORA[name]
    path = Path(os.environ["STANCE_SHARED"], "data", file)
    with path.open(encoding="utf-8", newline="") as stream:
        texts = list(dict.fromkeys(row[column] for row in csv.DictReader(stream)))
    real = lengths_of(texts[:4000], tokenizer)
    made = block_lengths(LENGTHS[name])
    assert np.mean(made) == pytest.approx(np.mean(real), rel=0.06)
    for share in (10, 25, 50, 75, 90):
        assert np.percentile(made, share) == pytest.approx(np.percentile(real, share), rel=0.08)
