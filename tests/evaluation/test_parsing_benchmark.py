import json
import math
from pathlib import Path

import pytest

from stance.errors import DataError
from stance.evaluation.parsing_benchmark import benchmark_parsing, count_page, match_comments
from stance.thread import Article, Comment, Thread


def gold(*texts: str) -> list[dict[str, str]]:
    return [{"text": text} for text in texts]


def said(*texts: str) -> list[Comment]:
    return [Comment(str(number), text) for number, text in enumerate(texts, 1)]


def test_comments_match_in_order_and_once() -> None:
    wanted = gold("one two three", "four five six", "one two three")
    pairs = match_comments(wanted, said("four five six", "one two three", "one two three"))
    assert [comment.id for _, comment in pairs] == ["1", "2"]
    assert [pair[0] for pair in pairs] == wanted[1:]


def test_comments_match_by_nine_words_in_ten() -> None:
    words = " ".join(f"word{number}" for number in range(10))
    assert len(match_comments(gold(words), said(words + " more"))) == 1
    assert match_comments(gold(words), said(words + " one two three four")) == []
    assert match_comments(gold("a"), said("")) == []


def test_a_page_is_counted() -> None:
    record = {
        "has_comments": True,
        "title": "Trams return",
        "comments": [
            {"text": "At last trams.", "author": "ADA", "timestamp": "2021-10-15T17:35:20+02:00",
             "depth": 0},
            {"text": "Not visible", "text_visible": False},
            {"text": "Too slow.", "author": "Ben", "timestamp": "2021-10-15", "depth": 1},
        ],
        "body_snippets": ["streets of", "missing"],
        "comment_snippets": ["At last"],
        "not_comment_snippets": ["Leave a reply"],
    }  # fmt: skip
    thread = Thread(
        "page",
        "html",
        Article(title="Trams return | Town", text="On the Streets  of the town."),
        (
            Comment("1", "At last, trams!", "Ada", "2021-10-15T17:35"),
            Comment("2", "Too slow. Leave a reply", "Ben", "2021-10-16", depth=1),
        ),
    )
    counts = count_page(record, thread)
    assert {name: counts[name] for name in ("gold", "predicted", "matched", "exact")} == {
        "gold": 2, "predicted": 2, "matched": 1, "exact": 0,
    }  # fmt: skip
    assert (counts["authors"], counts["author right"]) == (1, 1)
    assert (counts["times"], counts["time right"]) == (1, 1)
    assert (counts["depths"], counts["depth right"]) == (1, 1)
    assert (counts["body found"], counts["body snippets"], counts["leaked"]) == (1, 2, 0)
    assert (counts["junk"], counts["title right"]) == (1, 1)


def test_a_page_without_comments_can_only_raise_a_false_alarm() -> None:
    thread = Thread("page", "html", comments=(Comment("1", "menu"),))
    counts = count_page({"has_comments": False}, thread)
    assert (counts["without comments"], counts["false alarms"], counts["predicted"]) == (1, 1, 0)
    assert count_page({"has_comments": False}, None)["failed"] == 1


PAGE = """Trams return

The old trams are back on the streets of the town since Monday, to the joy of many people.

2 Comments

  1. Ada

    October 15, 2021 at 5:35 pm

    At last! I have waited for this for years.

  2. Ben

    October 15, 2021 at 6:02 pm

    Too slow, too loud and too expensive.
"""


def test_a_folder_is_measured(tmp_path: Path) -> None:
    (tmp_path / "page.txt").write_text(PAGE)
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7")
    record = {"file": "page.txt", "has_comments": True,
              "comments": gold("At last! I have waited for this for years.",
                               "Too slow, too loud and too expensive.")}  # fmt: skip
    lines = [record, {"file": "broken.pdf", "has_comments": False}]
    (tmp_path / "gold.jsonl").write_text("\n".join(map(json.dumps, lines)))
    result = benchmark_parsing(tmp_path)
    figures = result.figures()
    assert (figures["pages"], figures["failed"], figures["comment F1"]) == (2, 1, 1.0)
    assert math.isnan(figures["author"])
    assert result.other_figures() == {}
    assert "| comment F1 | 1.0000 |  |" in result.to_markdown().splitlines()
    assert benchmark_parsing(tmp_path, only="broken").figures()["pages"] == 1


def test_a_gold_file_that_is_missing_or_broken_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gold\.jsonl: cannot be read \(No such file"):
        benchmark_parsing(tmp_path)
    (tmp_path / "gold.jsonl").write_text('{"file": "a"}\n{"comments": []}\n')
    with pytest.raises(DataError) as caught:
        benchmark_parsing(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path}/gold.jsonl: line 2 is no gold record; expected JSON with a file"
    )
