import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from running import ANALYZE, Running

import stance.example
from stance import parse
from stance.scoring.rows import score_rows
from stance.serving.own import CommentIn, ScoreResponse
from stance.tables import read_rows

Serve = Callable[..., Running]
EXAMPLE = Path(stance.example.__file__).with_name("page.txt")


def as_json(value: Any) -> Any:
    """Return what a value is once it was JSON: lists for tuples."""
    return json.loads(json.dumps(value))


def scored(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    ScoreResponse.model_validate(answer.json(), strict=False)
    [thread] = answer.json()["threads"]
    return thread


# Pages


@pytest.mark.parametrize("targets", [None, ["trams", "Mayor Quill", "trams"]])
def test_a_page_gets_the_scores_of_the_command(
    serve: Serve, fake_analyzer: Any, targets: list[str] | None
) -> None:
    thread = scored(serve().post("/v1/score", {"page": EXAMPLE.read_text(), "targets": targets}))
    page = parse(EXAMPLE)
    expected = fake_analyzer.score(page, targets and tuple(dict.fromkeys(targets)))
    for row, wanted in zip(thread["comments"], expected.rows(), strict=True):
        assert row == as_json(wanted) | {"source": "page"}
    assert thread["targets"] == list(expected.targets)
    assert thread["article"]["title"] == page.article.title  # type: ignore[union-attr]


def test_replies_and_threshold_are_as_asked(serve: Serve, fake_analyzer: Any) -> None:
    body = {"page": EXAMPLE.read_text(), "threshold": 0.05, "replies": False}
    server = serve()
    thread = scored(server.post("/v1/score", body))
    assert [comment["toxic"] for comment in thread["comments"]] == [True] * 13
    assert [comment["reply"] for comment in thread["comments"]] == [None] * 13
    plain = scored(server.post("/v1/score", {"page": EXAMPLE.read_text()}))["comments"]
    assert sum(comment["toxic"] for comment in plain) == 1
    assert sum(comment["reply"] is not None for comment in plain) == 5


def test_a_csv_page_keeps_its_first_column(serve: Serve) -> None:
    thread = scored(serve().post("/v1/score", {"page": "text,author\nThe trams are late.,Ada\n"}))
    [comment] = thread["comments"]
    assert (comment["author"], comment["text"]) == ("Ada", "The trams are late.")


@pytest.mark.parametrize(
    "page",
    [
        r'[{"text": "bad \ud83d thing here", "author": "A\udc00da"}]',
        r'<html><script type="application/ld+json">{"@type": "Comment", "text": '
        r'"bad \ud83d thing here", "author": "A\udc00da"}</script></html>',
    ],
)
def test_half_a_letter_in_a_page_is_replaced(serve: Serve, page: str) -> None:
    [comment] = scored(serve().post("/v1/score", {"page": page}))["comments"]
    assert (comment["author"], comment["text"]) == ("A\ufffdda", "bad \ufffd thing here")


def test_a_page_that_declares_another_encoding_is_read_as_it_was_sent(serve: Serve) -> None:
    page = (
        '<html><head><meta charset="iso-8859-1"></head><body><h1>Straße</h1><p>Ein Artikel über '
        'die Straße, die man baut.</p><ol class="comment-list"><li id="comment-7" class="comment">'
        '<cite class="fn">Jürgen</cite><div class="comment-content"><p>Schön für die Bäume.</p>'
        "</div></li></ol></body></html>"
    )
    thread = scored(serve().post("/v1/score", {"page": page, "source": "seite.html"}))
    [comment] = thread["comments"]
    assert (comment["author"], comment["text"]) == ("Jürgen", "Schön für die Bäume.")
    assert comment["source"] == "seite.html"


def test_a_page_without_comments_is_an_answer_too(serve: Serve) -> None:
    thread = scored(serve().post("/v1/score", {"page": "<html><p>Nothing.</p></html>"}))
    assert thread["comments"] == []


def test_an_empty_page_is_refused(serve: Serve) -> None:
    refused = serve().post("/v1/score", {"page": " "})
    assert refused.status_code == 400
    message = refused.json()["error"]["message"]
    assert message.startswith("page: this file is empty; expected a saved page")


# Comments


def test_comments_get_the_scores_of_the_command(
    serve: Serve, fake_analyzer: Any, tmp_path: Path
) -> None:
    comments = [
        {"text": "I love trams.", "id": "a", "author": "Ann", "published": "2026-01-01"},
        {"text": "You are wrong.", "id": "b", "parent_id": "a", "depth": 1, "target": "Ann"},
        {"text": "Hm, idiot.", "target": ["buses", "trams"]},
    ]
    file = tmp_path / "comments.jsonl"
    file.write_text("".join(json.dumps(comment) + "\n" for comment in comments))
    body = {"comments": comments, "targets": ["trams"], "source": str(file)[-200:]}
    thread = scored(serve().post("/v1/score", body))
    expected = [
        row
        for row, _ in score_rows(read_rows(str(file)), fake_analyzer, str(file), targets=["trams"])
    ]
    for row in expected:
        row.pop("target", None)  # it stands in the stance
    assert thread["comments"] == as_json(expected)
    assert [each["target"] for each in thread["comments"][1]["stance"]] == ["Ann", "trams"]
    assert thread["comments"][1]["reply"]["label"] == "against"
    assert thread["targets"] == ["trams", "Ann", "buses"]


def test_one_bad_comment_does_not_cost_the_others(serve: Serve) -> None:
    comments = [{"text": "Good day."}, {"text": "  "}, {"text": None}, {"text": "Good night."}]
    found = scored(serve().post("/v1/score", {"comments": comments}))["comments"]
    assert [comment.get("error") for comment in found] == [
        None,
        "comment 2: the text is empty",
        "comment 3: no text",
        None,
    ]
    assert found[1]["toxicity"] is None
    assert found[3]["toxicity"]["toxicity"] == 0.1


def test_without_targets_comments_get_toxicity_alone(serve: Serve) -> None:
    [comment] = scored(serve().post("/v1/score", {"comments": [{"text": "Idiot!"}]}))["comments"]
    assert comment["stance"] == []
    assert comment["toxic_spans"] == [[0, 5]]


def test_no_comments_are_no_error(serve: Serve) -> None:
    assert scored(serve().post("/v1/score", {"comments": []}))["comments"] == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "expected either comments or a page, and not both"),
        ({"comments": [], "page": "a"}, "expected either comments or a page, and not both"),
        (
            {"comments": [{"txt": "a"}]},
            "comments.0.text: field required; comments.0.txt: unknown field, did you mean text?",
        ),
        (
            {"comments": [{"text": "a", "url": "b"}]},
            "comments.0.url: unknown field, expected some of text, id, parent_id, author, "
            "published, depth, target",
        ),
        (
            {"comments": [{"text": "a"}], "threshold": 2},
            "threshold: input should be less than or equal to 1",
        ),
        (
            {"comments": [{"text": "a"}], "targets": [""]},
            "targets.0: string should have at least 1 character",
        ),
        (
            {"comments": [{"text": "a"}], "targets": ["t"] * 21},
            "targets: list should have at most 20 items after validation, not 21",
        ),
        (
            {"comments": [{"text": "a"}] * 5001},
            "comments: list should have at most 5000 items after validation, not 5001",
        ),
        (
            {"comments": [{"text": "a"}, {"text": "b" * 50_001}]},
            "comments: comment 2 has 50,001 characters; expected at most 50,000",
        ),
        (
            {"comments": [{"text": "b" * 5_000}] * 100, "targets": [str(n) for n in range(20)]},
            "comments: 100 comments, which take reading 11,000,000 characters over all targets and "
            "replies; a request may have 5,000 and 8,000,000: send fewer comments or targets at a "
            "time, or use stance score",
        ),
    ],
)
def test_what_cannot_be_scored_is_refused(serve: Serve, body: dict[str, Any], message: str) -> None:
    refused = serve().post("/v1/score", body)
    assert refused.status_code == 400
    assert refused.json() == {
        "error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}
    }


@pytest.mark.parametrize("field", ["id", "parent_id"])
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("1.5", "expected a string or a whole number, found 1.5"),
        ("1.0", "expected a string or a whole number, found 1.0"),
        ("true", "expected a string or a whole number, found true"),
        ('["a"]', "expected a string or a whole number, found a list"),
        ('{"a": 1}', "expected a string or a whole number, found an object"),
        ('"' + "a" * 1001 + '"', "string should have at most 1000 characters"),
    ],
)
def test_what_is_wrong_with_an_id_is_said_once(
    serve: Serve, field: str, value: str, problem: str
) -> None:
    body = f'{{"comments": [{{"text": "Hi", "{field}": {value}}}]}}'
    refused = serve().post_bytes("/v1/score", body.encode())
    assert refused.status_code == 400
    assert refused.json()["error"]["message"] == f"comments.0.{field}: {problem}"


@pytest.mark.parametrize("given", ["a", "a" * 1000, 7, -1, 10**40])
def test_ids_of_both_kinds_come_back(serve: Serve, given: str | int) -> None:
    [comment] = scored(serve().post("/v1/score", {"comments": [{"text": "Hi", "id": given}]}))[
        "comments"
    ]
    assert comment["id"] == given


@pytest.mark.parametrize("field", CommentIn.model_fields)
@pytest.mark.parametrize("value", [1.5, {"a": 1}, [[1]]])
def test_problems_are_placed_by_the_names_of_fields(serve: Serve, field: str, value: Any) -> None:
    refused = serve().post("/v1/score", {"comments": [{"text": "Hi", field: value}]})
    message = refused.json()["error"]["message"]
    assert re.fullmatch(rf"comments\.0\.{field}(\.0)?: [^;]+", message)


# About the server


def test_the_model_is_described(serve: Serve, fake_analyzer: Any) -> None:
    found = serve().get("/v1/model").json()
    assert found["model"] == "fake 1.0"
    assert found["languages"] == ["en"]
    assert found["thresholds"] == fake_analyzer.thresholds


def test_figures_count_requests_and_texts_by_route(serve: Serve) -> None:
    server = serve()
    body = {"comment": {"text": "Good day."}, "requestedAttributes": {"TOXICITY": {}}}
    server.post(ANALYZE, body)
    server.post(ANALYZE, {})
    server.post("/v1/score", {"comments": [{"text": "a"}, {"text": "b"}]})
    server.client.request("PROPFIND", "/made-up-by-a-client")
    found = server.get("/metrics").text
    for line in (
        f'stance_requests_total{{method="POST",route="{ANALYZE}",status="200"}} 1.0',
        f'stance_requests_total{{method="POST",route="{ANALYZE}",status="400"}} 1.0',
        'stance_requests_total{method="other",route="none",status="404"} 1.0',
        "stance_batch_texts_sum 3.0",
        "stance_waiting_requests 0.0",
    ):
        assert line in found.splitlines()
    assert "made-up" not in found


# The shipped model


def test_the_shipped_model_scores_as_the_command_does(serve: Serve) -> None:
    from stance import Analyzer

    analyzer = Analyzer()
    thread = scored(
        serve(model=analyzer).post("/v1/score", {"page": EXAMPLE.read_text(), "targets": ["trams"]})
    )
    expected = analyzer.score(parse(EXAMPLE), ["trams"])
    for row, wanted in zip(thread["comments"], expected.rows(), strict=True):
        assert row["toxicity"] == pytest.approx(wanted["toxicity"], abs=1e-4)
        assert row["toxic_spans"] == as_json(wanted["toxic_spans"])
        assert row["stance"][0]["favor"] == pytest.approx(wanted["stance"][0]["favor"], abs=1e-4)
