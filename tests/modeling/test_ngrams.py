import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance.errors import ModelError
from stance.modeling.ngrams import BUCKETS, FILE_NAME, MAX_CHARS, NgramModel, count_ngrams


@pytest.fixture(scope="module")
def model() -> NgramModel:
    numbers = np.random.default_rng(1)
    return NgramModel(
        rarity=numbers.uniform(1, 9, BUCKETS).astype(np.float16).astype(np.float32),
        weights=numbers.normal(size=(BUCKETS, 6)).astype(np.float16).astype(np.float32),
        bias=numbers.normal(size=6).astype(np.float16).astype(np.float32),
    )


def buckets(text: str) -> set[int]:
    return set(count_ngrams([text]).buckets.tolist())


def test_words_pairs_and_runs_of_letters_are_counted_once_each_with_how_often() -> None:
    counts = count_ngrams(["Ha ha HA!"])
    # Words: ha, !; pairs: ha ha, ha !; letters: " ha", "ha ", "ha!", "a! ", " ha ", " ha!", "ha! ",
    # " ha! ".
    words = counts.buckets < BUCKETS // 2
    assert (int(words.sum()), int((~words).sum())) == (4, 8)
    assert np.exp(counts.weights[words] - 1).round().astype(int).sum() == 4 + 3
    assert (np.diff(counts.buckets) > 0).all()


def test_case_and_white_space_do_not_matter_and_spelling_does() -> None:
    assert buckets("You  FOOL\n") == buckets("you fool")
    shared = buckets("you idiot") & buckets("you idiiot")
    assert 0 < len(shared) < len(buckets("you idiot"))


def test_no_run_of_letters_reaches_from_one_text_or_word_into_the_next() -> None:
    together, alone = count_ngrams(["ab", "cd"]), count_ngrams(["cd"])
    assert set(together.buckets[together.texts == 1]) == set(alone.buckets)
    letters = {bucket for bucket in buckets("ab cd") if bucket >= BUCKETS // 2}
    assert letters == {
        bucket for word in ("ab", "cd") for bucket in buckets(word) if bucket >= BUCKETS // 2
    }


@given(st.lists(st.text(max_size=60), max_size=5), st.text(max_size=60))
def test_what_is_said_of_a_text_does_not_depend_on_its_neighbours(
    model: NgramModel, others: list[str], text: str
) -> None:
    [alone] = model.logits([text])
    among = model.logits([*others, text, *others])
    assert (among[len(others)] == alone).all()
    assert np.isfinite(among).all()


def test_texts_are_counted_in_chunks_without_a_seam(model: NgramModel) -> None:
    texts = [f"comment number {number} on trams" for number in range(150)]
    assert (model.logits(texts) == np.stack([model.logits([text])[0] for text in texts])).all()
    assert model.logits([]).shape == (0, 6)


def test_hostile_texts_are_read_in_bounded_time(model: NgramModel) -> None:
    for text in ("", " ", "\ud800", "a" * 10**6, "\U0001f600" * 500, "\x00", "a b " * 10**5):
        assert np.isfinite(model.logits([text])).all()
    assert (model.logits(["a" * MAX_CHARS]) == model.logits(["a" * 10**6])).all()


def test_an_empty_text_gets_the_bias_alone(model: NgramModel) -> None:
    assert model.logits([""])[0] == pytest.approx(model.bias)


def test_a_saved_model_says_the_same(model: NgramModel, tmp_path: Path) -> None:
    assert NgramModel.load(tmp_path) is None
    model.save(tmp_path)
    loaded = NgramModel.load(tmp_path)
    assert loaded is not None
    assert (loaded.logits(["you fool"]) == model.logits(["you fool"])).all()


def test_a_broken_file_is_refused_in_one_line(model: NgramModel, tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    short = io.BytesIO()
    np.savez(short, rarity=np.zeros(3), weights=np.zeros((3, 6)), bias=np.zeros(6))
    pickled = io.BytesIO()
    np.savez(pickled, rarity=np.array([{}]), weights=np.zeros(1), bias=np.zeros(6))
    not_finite = NgramModel(model.rarity, model.weights, np.full(6, np.nan, np.float32))
    not_finite.save(tmp_path)
    contents = [b"", b"junk", short.getvalue(), pickled.getvalue(), path.read_bytes()]
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(
            ModelError, match=r"ngrams\.npz: cannot be used .*; train or export"
        ) as caught:
            NgramModel.load(tmp_path)
        assert "load it unsafely" not in str(caught.value)
    path.unlink()
    path.mkdir()
    with pytest.raises(ModelError, match="Is a directory"):
        NgramModel.load(tmp_path)


def test_a_file_that_unpacks_to_too_much_is_refused_unread(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / FILE_NAME, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("rarity.npy", bytes(70 * 2**20))
    with pytest.raises(ModelError, match="73,400,320 bytes when unpacked"):
        NgramModel.load(tmp_path)
