from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance.errors import ModelError
from stance.modeling.encoding import (
    MAX_TARGET_TOKENS,
    InputEncoder,
    _cuts,
    name_pictographs,
)


@pytest.fixture(scope="module")
def encoder(tiny_model: Path) -> InputEncoder:
    return InputEncoder.from_folder(tiny_model, 160)


def test_a_comment_alone_is_marked_as_one_segment(encoder: InputEncoder) -> None:
    [tokens] = encoder.tokenize(["Love trams!"])
    [window] = encoder.single(tokens)
    decoded = [encoder.tokenizer.id_to_token(token) for token in window.input_ids]
    assert decoded == ["[CLS]", "love", "trams", "!", "[SEP]"]
    assert window.token_type_ids == [0, 0, 0, 0, 0]
    assert window.comment_start == 1
    assert window.offsets == [(0, 4), (5, 10), (10, 11)]


def test_a_pair_has_the_target_first_and_the_comment_as_second_segment(
    encoder: InputEncoder,
) -> None:
    target, comment = encoder.tokenize(["trams", "hate it"])
    [window] = encoder.pair(target, comment)
    decoded = [encoder.tokenizer.id_to_token(token) for token in window.input_ids]
    assert decoded == ["[CLS]", "trams", "[SEP]", "hate", "it", "[SEP]"]
    assert window.token_type_ids == [0, 0, 0, 1, 1, 1]
    assert window.comment_start == 3
    assert window.offsets == [(0, 4), (5, 7)]


def test_the_template_is_that_of_the_tokenizer_itself(encoder: InputEncoder) -> None:
    target, comment = encoder.tokenize(["trams", "hate it"])
    [window] = encoder.pair(target, comment)
    own = encoder.tokenizer.encode("trams", "hate it")
    assert window.input_ids == own.ids
    assert window.token_type_ids == own.type_ids


def test_a_long_comment_is_read_in_overlapping_windows(encoder: InputEncoder) -> None:
    text = " ".join(["good", "bad"] * 200)
    [tokens] = encoder.tokenize([text])
    windows = encoder.single(tokens)
    assert all(len(window) <= 160 for window in windows)
    covered = {offset for window in windows for offset in window.offsets}
    assert covered == set(tokens.offsets)
    assert set(windows[0].offsets) & set(windows[1].offsets)


def test_a_long_target_is_cut_and_leaves_room_for_the_comment(encoder: InputEncoder) -> None:
    target, comment = encoder.tokenize(["trams " * 500, "love it"])
    [window] = encoder.pair(target, comment)
    assert window.comment_start == MAX_TARGET_TOKENS + 2
    assert window.offsets == [(0, 4), (5, 7)]


def test_an_empty_comment_has_a_window_without_text(encoder: InputEncoder) -> None:
    [tokens] = encoder.tokenize([""])
    [window] = encoder.single(tokens)
    assert len(window) == 2
    assert window.offsets == []


def test_a_window_too_small_for_a_target_is_refused(encoder: InputEncoder) -> None:
    with pytest.raises(ModelError, match="a max_length of at least 160"):
        InputEncoder(encoder.tokenizer, 100)


def test_a_folder_without_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no tokenizer\.json; expected a model folder"):
        InputEncoder.from_folder(tmp_path, 160)


def test_a_broken_tokenizer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match=r"tokenizer\.json: not a tokenizer"):
        InputEncoder.from_folder(tmp_path, 160)


@given(length=st.integers(0, 5000), room=st.integers(2, 300))
def test_cuts_cover_everything_in_windows_of_the_room(length: int, room: int) -> None:
    cuts = _cuts(length, room)
    covered = {place for start, end in cuts for place in range(start, end)}
    assert covered == set(range(length))
    assert all(0 <= end - start <= room for start, end in cuts)
    assert cuts == sorted(set(cuts))


def test_emoji_are_named_and_their_offsets_are_those_of_the_emoji(tiny_model: Path) -> None:
    text = "bad \U0001f621\U0001f621\ufe0f tram \U0001f44d\U0001f3fd"
    named, places = name_pictographs(text)
    assert named == "bad  pouting face  tram  thumbs up sign "
    assert places is not None
    face = {places[place] for place in range(named.index("pouting"), named.index(" tram") - 1)}
    assert face == {(4, 7)}
    assert places[named.index("tram")] == (8, 9)
    [tokens] = InputEncoder.from_folder(tiny_model, 160).tokenize([text])
    words = {text[start:end] for start, end in tokens.offsets}
    assert "\U0001f621\U0001f621\ufe0f" in words
    assert "tram" in words or any(word in "tram" for word in words)


def test_a_flag_is_its_two_letters() -> None:
    assert name_pictographs("\U0001f1e9\U0001f1ea")[0].split() == ["d", "e"]


@given(
    st.text(alphabet="a \U0001f600\U0001f621\u2764\ufe0f\u200d\U0001f3fd\U0001f1e9", max_size=30)
)
def test_every_character_of_a_named_text_stands_for_some_of_the_original(text: str) -> None:
    named, places = name_pictographs(text)
    if places is None:
        assert named == text
        return
    assert len(places) == len(named)
    assert all(0 <= start < end <= len(text) for start, end in places)
    assert places == sorted(places)


def test_a_comment_of_emoji_alone_or_of_nothing_is_scored(tiny_model: Path) -> None:
    encoder = InputEncoder.from_folder(tiny_model, 160)
    for text in ("\U0001f621" * 5000, "\U0001f621\U0001f44d" * 500, "", "ok"):
        [tokens] = encoder.tokenize([text])
        assert encoder.single(tokens)
    [many] = encoder.tokenize(["\U0001f621" * 5000])
    assert len(many.ids) < 20
