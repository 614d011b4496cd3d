import os
from pathlib import Path

import numpy as np
import pytest

from stance.errors import DataError
from stance.serving.thresholds import THRESHOLDS, match_thresholds, read_scored


def write_corpus(folder: Path, *, api: str = "0.9") -> None:
    (folder / "cat_large_gn.csv").write_text("id,text,label,api\n1,Fine.,0,0.25\n2,Fool!,1,0.75\n")
    (folder / "cat_large_gc.csv").write_text(f"text,label,api\nFine.,0,0.5\nBye.,0,{api}\n")


def test_each_comment_is_read_once(tmp_path: Path) -> None:
    write_corpus(tmp_path)
    texts, scores = read_scored(tmp_path)
    assert texts == ["Fine.", "Fool!", "Bye."]
    assert scores.tolist() == [0.25, 0.75, 0.9]


@pytest.mark.parametrize("api", ["", "nan", "1.5", "high"])
def test_a_score_that_is_none_is_refused(tmp_path: Path, api: str) -> None:
    write_corpus(tmp_path, api=api)
    message = f"{tmp_path / 'cat_large_gc.csv'}: row 2: api is '{api}'; expected 0 to 1"
    with pytest.raises(DataError) as refused:
        read_scored(tmp_path)
    assert str(refused.value) == message


def test_both_flag_the_same_share() -> None:
    generator = np.random.default_rng(7)
    theirs = generator.beta(1, 5, 3000)
    ours = np.clip(theirs**2 + generator.normal(0, 0.02, 3000), 0, 1)
    matches = match_thresholds(theirs, ours)
    assert [match.theirs for match in matches] == [
        threshold for threshold in THRESHOLDS if (theirs >= threshold).any()
    ]
    for match in matches:
        assert (ours >= match.ours).sum() == match.flagged == (theirs >= match.theirs).sum()
        assert match.interval.low <= match.ours <= match.interval.high
        assert match.interval.low < match.interval.high
        assert match.total == 3000
    assert [match.ours for match in matches] == sorted(match.ours for match in matches)


def test_scores_that_agree_flag_the_same_comments() -> None:
    theirs = np.linspace(0, 1, 1000)
    assert [match.both for match in match_thresholds(theirs, theirs**3)] == [1.0] * 4
    # Chance alone, where they have nothing in common.
    [first, *_] = match_thresholds(theirs, np.random.default_rng(1).permutation(theirs))
    assert first.both == pytest.approx(0.5, abs=0.1)


def test_a_threshold_that_nothing_reaches_is_left_out() -> None:
    scores = np.linspace(0, 0.75, 100)
    assert [match.theirs for match in match_thresholds(scores, scores)] == [0.5, 0.7]


def test_the_corpus_has_scores() -> None:
    shared = os.environ.get("STANCE_SHARED")
    if not shared:
        pytest.skip("STANCE_SHARED names no folder with public corpora")
    texts, scores = read_scored(Path(shared) / "data/toxicity/wiki_context")
    assert len(texts) == len(scores) > 19_000
    assert 0 < (scores >= 0.5).mean() < 0.1
