import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stance.reporting.visible import make_line, make_visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "␛[31mred"),
        ("\x9b31m", "⟨U+009B⟩31m"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("a\rb\x00\x7f", "a␍b␀␡"),
        ("\u202eevil\u202c", "⟨U+202E⟩evil⟨U+202C⟩"),
        ("\u2066in\u2069 \u200f", "⟨U+2066⟩in⟨U+2069⟩ ⟨U+200F⟩"),
        ("half \ud83d", "half ⟨U+D83D⟩"),
        ("\U000e0041", "⟨U+E0041⟩"),
        ("tab\tand\nline stay", "tab\tand\nline stay"),
        ("👩‍🚀 नमस्ते می‌خواهم [red]", "👩‍🚀 नमस्ते می‌خواهم [red]"),
    ],
)
def test_controls_become_signs(text: str, shown: str) -> None:
    assert make_visible(text) == shown


@given(st.text(st.characters()))
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    shown = make_visible(text)
    assert not {unicodedata.category(char) for char in shown if char not in "\t\n"} & {"Cc", "Cs"}
    bidirectional = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    assert not {unicodedata.bidirectional(char) for char in shown} & bidirectional
    assert make_visible(shown) == shown


@given(st.text())
def test_a_line_is_one_line(text: str) -> None:
    assert len(make_line(text).splitlines()) <= 1
