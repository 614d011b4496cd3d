from collections.abc import Iterator
from typing import Any

import pytest

from stance.errors import InputError
from stance.labels import TOXICITY_LABELS
from stance.scoring import rows as rows_module
from stance.scoring.results import Prediction, ScoredComment, ScoredThread
from stance.scoring.rows import CHUNK_ROWS, EXAMPLE_ROW, RowCounts, score_rows
from stance.tables import Row
from stance.thread import Comment, Thread


def score(analyzer: Any, *rows: dict[str, Any] | Row, **options: Any) -> list[dict[str, Any]]:
    numbered = [
        row if isinstance(row, Row) else Row(number, row) for number, row in enumerate(rows, 2)
    ]
    return [row for row, _ in score_rows(numbered, analyzer, "a.csv", **options)]


def test_a_row_has_the_columns_of_a_page(fake_analyzer: Any) -> None:
    (row,) = score(fake_analyzer, {"text": "I love trams, idiot"}, targets=["trams"])
    assert row == {
        "source": "a.csv",
        "id": "2",
        "author": None,
        "published": None,
        "parent_id": None,
        "depth": 0,
        "text": "I love trams, idiot",
        "stance": [
            {
                "target": "trams",
                "label": "favor",
                "favor": 0.8,
                "against": 0.1,
                "neutral": 0.1,
                "relevance": 0.9,
            }
        ],
        "reply": None,
        "toxicity": {
            "toxicity": 0.9,
            "severe_toxicity": 0.01,
            "obscene": 0.01,
            "threat": 0.01,
            "insult": 0.9,
            "identity_attack": 0.01,
        },
        "toxic": True,
        "toxic_spans": [[14, 19]],
        "language": "en",
        "model": "fake 1.0",
    }


def test_the_example_row_has_the_columns_of_a_page() -> None:
    comment = Comment("1", "Good.")
    prediction = Prediction((), dict.fromkeys(TOXICITY_LABELS, 0.1), False, ())
    thread = Thread("page.txt", "text", comments=(comment,))
    (row,) = ScoredThread(thread, (), (ScoredComment(comment, prediction),), "model").rows()
    assert list(row) == list(EXAMPLE_ROW)
    assert list(EXAMPLE_ROW["toxicity"]) == list(TOXICITY_LABELS)


def test_own_columns_come_back_unchanged_and_clashes_are_renamed(fake_analyzer: Any) -> None:
    counts = RowCounts()
    own = {
        "id": 7,
        "author": "Ann",
        "published": "soon",
        "depth": "2",
        "text": " Good. ",
        "votes": [1, {"a": None}],
        "toxic": "yes",
        "source": "blog",
        "model": None,
        "input_model": "x",
    }
    (row,) = score(fake_analyzer, own, counts=counts)
    kept = ("id", "author", "published", "depth", "text", "votes", "input_model")
    assert {name: row[name] for name in kept} == {name: own[name] for name in kept}
    assert (row["input_toxic"], row["toxic"]) == ("yes", False)
    assert (row["input_source"], row["source"]) == ("blog", "a.csv")
    assert (row["input_input_model"], row["model"]) == (None, "fake 1.0")
    assert counts.renamed == {
        "toxic": "input_toxic",
        "source": "input_source",
        "model": "input_input_model",
    }


def test_columns_called_like_flat_scores_are_renamed(fake_analyzer: Any) -> None:
    own = {"text": "Good.", "toxicity.insult": "5", "stance.trams.label": "x", "reply.label": "y"}
    (row,) = score(fake_analyzer, own | {"reply_label": "z"})
    assert {name: row[f"input_{name}"] for name in list(own)[1:]} == {
        name: own[name] for name in list(own)[1:]
    }
    assert row["reply_label"] == "z"
    assert not any("." in name for name in row if not name.startswith("input_"))


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("cats", ["cats", "trams"]),
        (" trams ", ["trams"]),
        (["cats", "dogs", "cats"], ["cats", "dogs", "trams"]),
        ("", ["trams"]),
        (None, ["trams"]),
    ],
)
def test_own_targets_come_before_the_given(fake_analyzer: Any, own: Any, expected: Any) -> None:
    (row,) = score(fake_analyzer, {"text": "Hm.", "target": own}, targets=["trams"])
    assert [entry["target"] for entry in row["stance"]] == expected
    assert row["target"] == own


def test_without_a_target_toxicity_alone(fake_analyzer: Any) -> None:
    counts = RowCounts()
    rows = score(fake_analyzer, {"text": "idiot"}, {"text": "a", "target": "cats"}, counts=counts)
    assert rows[0]["stance"] == []
    assert rows[0]["toxic"] is True
    assert counts == RowCounts(rows=2, untargeted=1, columns=("text",))


def replies(analyzer: Any, *rows: dict[str, Any], **options: Any) -> list[Any]:
    found = [row["reply"] for row in score(analyzer, *rows, **options)]
    return [reply and reply["label"] for reply in found]


def test_a_row_replies_to_the_one_that_it_names(fake_analyzer: Any) -> None:
    counts = RowCounts()
    rows = (
        {"id": 1, "text": "Trams!"},
        {"id": "2", "parent_id": 1, "text": "That is wrong."},
        {"id": 3, "parent_id": "2", "text": "No, it is right."},
        {"id": 4, "parent_id": 5, "text": "wrong, and before what it answers"},
        {"id": 5, "parent_id": 5, "text": "right, and its own parent"},
        {"id": 6, "parent_id": "gone", "text": "wrong"},
        {"id": 7, "parent_id": None, "text": "right"},
        {"id": 8, "parent_id": "0", "text": "right"},
    )
    expected = [None, "against", "favor", "against", None, None, None, None]
    assert replies(fake_analyzer, *rows, counts=counts) == expected
    assert counts.orphans == 1
    assert replies(fake_analyzer, *rows, replies=False) == [None] * 8
    (row,) = score(fake_analyzer, *rows)[1:2]
    assert row["reply"] == {"label": "against", "favor": 0.15, "against": 0.7, "neutral": 0.15}


def test_an_id_counts_within_its_source_and_is_never_a_line_number(fake_analyzer: Any) -> None:
    rows = (
        {"source": "a.html", "id": "1", "text": "Trams!"},
        {"source": "b.html", "id": "2", "parent_id": "1", "text": "wrong"},
        {"source": "a.html", "id": "2", "parent_id": "1", "text": "right"},
    )
    assert replies(fake_analyzer, *rows) == [None, None, "favor"]
    # The first of these is on line 2.
    assert replies(fake_analyzer, {"text": "a"}, {"parent_id": "2", "text": "wrong"}) == [None] * 2


@pytest.mark.parametrize(
    ("first", "second"), [(1, 1.0), ("1", "1.0"), (1.0, "1"), ("-7.0", -7), ("1.50", "1.50")]
)
def test_a_whole_number_with_a_point_is_the_same_id(
    fake_analyzer: Any, first: Any, second: Any
) -> None:
    counts = RowCounts()
    rows = score(
        fake_analyzer,
        {"text": "Good.", "id": first},
        {"text": "No.", "id": "r", "parent_id": second},
        counts=counts,
    )
    assert counts.orphans == 0
    assert rows[1]["reply"] is not None
    assert (rows[0]["id"], rows[1]["parent_id"]) == (first, second)


def test_reddit_names_a_parent_by_its_kind(fake_analyzer: Any) -> None:
    counts = RowCounts()
    rows = (
        {"id": "ab", "parent_id": "t3_post", "text": "right"},
        {"id": "ac", "parent_id": "t1_ab", "text": "wrong"},
    )
    assert replies(fake_analyzer, *rows, counts=counts) == [None, "against"]
    assert counts.orphans == 0


def test_a_parent_is_found_however_far_before_its_reply(
    fake_analyzer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows_module, "CHUNK_ROWS", 2)
    monkeypatch.setattr(rows_module, "MAX_IN_MEMORY", 3)
    asked: list[Any] = []
    predict = fake_analyzer.predict
    monkeypatch.setattr(
        fake_analyzer,
        "predict",
        lambda *args, parents, **options: (
            asked.extend(parents) or predict(*args, parents=parents, **options)
        ),
    )
    counts = RowCounts()
    rows: list[dict[str, Any]] = [{"id": n, "text": f"Trams {n} \ud83d"} for n in range(6)]
    rows += [{"id": 0, "text": "another of the same id"}]
    rows += [{"id": 10 + n, "parent_id": n, "text": "wrong"} for n in (4, 1, 0)]
    rows += [{"id": 20, "parent_id": 99, "text": "wrong"}, {"parent_id": 20, "text": "right"}]
    assert replies(fake_analyzer, *rows, counts=counts)[7:] == [*["against"] * 3, None, "favor"]
    assert asked[7:] == [
        *("Trams 4 \ud83d", "Trams 1 \ud83d", "another of the same id", None, "wrong")
    ]
    assert counts.orphans == 1


def test_a_text_that_is_no_comment_is_a_bad_row(fake_analyzer: Any) -> None:
    rows = score(fake_analyzer, {"text": "a" * 1_000_000}, {"text": "a" * 1_000_001})
    assert [row.get("error") for row in rows] == [
        None,
        "line 3: the text has 1,000,001 characters, expected at most 1,000,000",
    ]


def test_comments_in_other_languages_are_counted(fake_analyzer: Any) -> None:
    counts = RowCounts()
    rows = score(
        fake_analyzer,
        {"text": "Das ist nicht wahr.", "language": "German"},
        {"text": "This is not true.", "language": "English"},
        {"text": "No!", "language": "English"},
        {"text": "", "language": None},
        counts=counts,
    )
    assert [row["language"] for row in rows] == ["de", "en", None, None]
    assert [row["input_language"] for row in rows] == ["German", "English", "English", None]
    assert counts.unread == {"de": 1}


def test_bad_rows_are_rows_with_an_error_in_their_place(fake_analyzer: Any) -> None:
    counts = RowCounts()
    rows = score(
        fake_analyzer,
        {"text": "fine"},
        Row(9, error="not JSON: Expecting value at character 1"),
        {"note": "no text here"},
        {"text": ""},
        {"text": " \n\u200b\u2060\u00ad\ufeff\0\u2028"},
        {"text": 5},
        {"text": "a", "target": 5},
        {"text": "half a pair: \ud83d"},
        counts=counts,
    )
    assert [row.get("error") for row in rows] == [
        None,
        "line 9: not JSON: Expecting value at character 1",
        "line 4: no text",
        "line 5: no text",
        "line 6: the text is empty",
        "line 7: the text is not a string",
        "line 8: the target is not a string",
        None,
    ]
    assert rows[2]["note"] == "no text here"
    assert (rows[2]["stance"], rows[2]["toxicity"], rows[2]["toxic"]) == (None, None, None)
    assert rows[7]["text"] == "half a pair: \ud83d"
    assert (counts.rows, counts.bad) == (8, 6)


def test_rows_are_scored_in_bounded_chunks_as_they_come(fake_analyzer: Any) -> None:
    taken = []

    def endless() -> Any:
        for number in range(10**9):
            taken.append(number)
            yield Row(number, {"text": "a"})

    rows = score_rows(endless(), fake_analyzer, "a.csv")
    for _ in range(CHUNK_ROWS + 1):
        next(rows)
    assert fake_analyzer.calls == [CHUNK_ROWS, CHUNK_ROWS]
    assert len(taken) == 2 * CHUNK_ROWS


def test_rows_before_a_failure_come_first(fake_analyzer: Any) -> None:
    def rows() -> Iterator[Row]:
        for number in range(CHUNK_ROWS + 3):
            yield Row(number, {"text": "hm"})
        raise InputError("damaged")

    scored = []
    with pytest.raises(InputError, match="damaged"):
        scored.extend(score_rows(rows(), fake_analyzer, "a.csv"))
    assert len(scored) == CHUNK_ROWS + 3
