from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from running import ANALYZE, Running, error_of

from stance.serving.perspective import (
    ATTRIBUTES,
    MAX_SENTENCES,
    MAX_TEXT_BYTES,
    UNSUPPORTED,
    _in_utf16,
    sentences,
)

Serve = Callable[..., Running]
TOXICITY: dict[str, Any] = {"TOXICITY": {}}


def asking(text: str, **further: Any) -> dict[str, Any]:
    return {"comment": {"text": text}, "requestedAttributes": TOXICITY, **further}


def test_a_comment_is_scored(serve: Serve) -> None:
    answer = serve().post(ANALYZE, asking("You are an idiot."))
    assert answer.status_code == 200
    score = {"value": 0.9, "type": "PROBABILITY"}
    assert answer.json() == {
        "attributeScores": {
            "TOXICITY": {
                "spanScores": [{"begin": 0, "end": 17, "score": score}],
                "summaryScore": score,
            }
        },
        "languages": ["en"],
        "detectedLanguages": ["en"],
    }


def test_each_attribute_is_a_label_of_the_model(serve: Serve) -> None:
    names = {name: {} for name in ATTRIBUTES}
    answer = serve().post(ANALYZE, asking("You idiot, you.") | {"requestedAttributes": names})
    scores = {
        name: item["summaryScore"]["value"]
        for name, item in answer.json()["attributeScores"].items()
    }
    high = {"TOXICITY", "INSULT", "TOXICITY_EXPERIMENTAL", "INSULT_EXPERIMENTAL"}
    assert scores == {name: 0.9 if name in high else 0.01 for name in ATTRIBUTES}
    assert {name: ATTRIBUTES[name] for name in ("PROFANITY", "THREAT_EXPERIMENTAL")} == {
        "PROFANITY": "obscene",
        "THREAT_EXPERIMENTAL": "threat",
    }


def test_spans_are_sentences_in_utf16_units(serve: Serve) -> None:
    text = "\U0001f600 Fine day! You idiot.\nBye"
    answer = serve().post(ANALYZE, asking(text, spanAnnotations=True)).json()
    spans = answer["attributeScores"]["TOXICITY"]["spanScores"]
    units = text.encode("utf-16-le")
    found = [units[2 * each["begin"] : 2 * each["end"]].decode("utf-16-le") for each in spans]
    assert found == ["\U0001f600 Fine day!", "You idiot.", "Bye"]
    assert [each["score"]["value"] for each in spans] == [0.1, 0.9, 0.1]


def test_scores_below_the_threshold_are_left_out(serve: Serve) -> None:
    server = serve()
    wanted = {"TOXICITY": {"scoreThreshold": 0.5}, "THREAT": {"scoreThreshold": 0.5}}
    text = "Fine day! You idiot."
    answer = server.post(
        ANALYZE, asking(text, spanAnnotations=True) | {"requestedAttributes": wanted}
    ).json()
    assert list(answer["attributeScores"]) == ["TOXICITY"]
    [span] = answer["attributeScores"]["TOXICITY"]["spanScores"]
    assert (span["begin"], span["end"]) == (10, 20)
    # As the original does, where no score is left the field is missing.
    harmless = server.post(ANALYZE, asking("Fine day!") | {"requestedAttributes": wanted}).json()
    assert harmless == {"languages": ["en"], "detectedLanguages": ["en"]}


def test_what_the_client_says_of_itself_comes_back_or_is_passed_over(serve: Serve) -> None:
    answer = serve().post(
        ANALYZE,
        asking(
            "Good day to you.",
            clientToken="t-1",
            sessionId="s",
            communityId="c",
            doNotStore=True,
            languages=["en-GB"],
            context={"entries": [{"text": "An article.", "type": "PLAIN_TEXT"}]},
        ),
    )
    assert answer.status_code == 200
    assert answer.json()["clientToken"] == "t-1"
    assert answer.json()["languages"] == ["en-GB"]


def test_context_does_not_change_a_score(serve: Serve) -> None:
    server = serve()
    context = {"articleAndParentComment": {"parentComment": {"text": "You idiot."}}}
    with_context = server.post(ANALYZE, asking("Good day to you.", context=context))
    assert with_context.json() == server.post(ANALYZE, asking("Good day to you.")).json()


def test_names_with_underscores_and_null_are_understood(serve: Serve) -> None:
    body = {
        "comment": {"text": "Good day to you.", "type": None},
        "requested_attributes": {"TOXICITY": None},
        "client_token": "t",
        "languages": None,
    }
    answer = serve().post(ANALYZE, body)
    assert answer.status_code == 200
    assert answer.json()["clientToken"] == "t"


def test_a_detected_language_is_only_reported(serve: Serve) -> None:
    answer = serve().post(ANALYZE, asking("Das ist nicht gut.")).json()
    assert answer["detectedLanguages"] == ["de"]
    assert answer["languages"] == ["en"]
    assert "summaryScore" in answer["attributeScores"]["TOXICITY"]


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ({}, "COMMENT_EMPTY", "Comment must be non-empty."),
        (asking(""), "COMMENT_EMPTY", "Comment must be non-empty."),
        (asking(" \n "), "COMMENT_EMPTY", "Comment must be non-empty."),
        (asking("\u200b"), "COMMENT_EMPTY", "Comment must be non-empty."),
        (
            asking("é" * 10_241),
            "COMMENT_TOO_LONG",
            "Comment text was too many bytes. Value (20482) exceeded limit (20480).",
        ),
        (
            {"comment": {"text": "a", "type": "HTML"}, "requestedAttributes": TOXICITY},
            "INVALID_REQUEST",
            "Currently, only 'PLAIN_TEXT' comments are supported",
        ),
        ({"comment": {"text": "a"}}, "NO_REQUESTED_ATTRIBUTES", "Missing requested_attributes"),
        (
            {"comment": {"text": "a"}, "requestedAttributes": {}},
            "NO_REQUESTED_ATTRIBUTES",
            "Missing requested_attributes",
        ),
        (
            asking("a") | {"requestedAttributes": {"FLIRTATION": {}}},
            "INVALID_REQUEST",
            "FLIRTATION is not supported here; leave it out or set dropUnsupportedAttributes",
        ),
        (
            asking("a") | {"requestedAttributes": {"TOXICTY": {}}},
            "INVALID_REQUEST",
            "Unknown requested attribute: TOXICTY; expected some of TOXICITY, SEVERE_TOXICITY, "
            "IDENTITY_ATTACK, INSULT, PROFANITY, THREAT",
        ),
        (
            asking("a") | {"requestedAttributes": {"TOXICITY": {"scoreType": "RAW"}}},
            "INVALID_REQUEST",
            "Requested score type RAW is not supported by attribute TOXICITY",
        ),
        (
            asking(
                "a",
                context={
                    "entries": [{"text": "b"}],
                    "articleAndParentComment": {"article": {"text": "c"}},
                },
            ),
            "INVALID_REQUEST",
            "Context can have either entries or article_and_parent_comment, but both fields were "
            "populated.",
        ),
        (
            asking("a", langauges=["en"]),
            "INVALID_REQUEST",
            "langauges: unknown field, did you mean languages?",
        ),
        (
            {"comment": {"text": 7}, "requestedAttributes": TOXICITY},
            "INVALID_REQUEST",
            "comment.text: input should be a valid string",
        ),
        (
            asking("a", doNotStore="yes"),
            "INVALID_REQUEST",
            "doNotStore: input should be a valid boolean",
        ),
    ],
)
def test_refusals_are_those_of_the_original(
    serve: Serve, body: dict[str, Any], kind: str, message: str
) -> None:
    assert error_of(serve().post(ANALYZE, body)) == (400, kind, message)


def test_a_text_of_the_greatest_length_is_scored(serve: Serve) -> None:
    assert serve().post(ANALYZE, asking("é" * (MAX_TEXT_BYTES // 2))).status_code == 200


def test_a_declared_language_that_is_not_read_is_refused(serve: Serve) -> None:
    refused = serve().post(ANALYZE, asking("Guten Tag.", languages=["de", "en"]))
    assert refused.json() == {
        "error": {
            "code": 400,
            "message": "Attribute TOXICITY does not support request languages: de",
            "status": "INVALID_ARGUMENT",
            "details": [
                {
                    "@type": "type.googleapis.com/google.commentanalyzer.v1alpha1.Error",
                    "errorType": "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
                    "languageNotSupportedByAttributeError": {
                        "requestedLanguages": ["de"],
                        "attribute": "TOXICITY",
                    },
                }
            ],
        }
    }


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_attributes_of_the_original_without_a_model_are_not_called_unknown(
    serve: Serve, name: str
) -> None:
    asked: dict[str, Any] = {"requestedAttributes": {"TOXICITY": {}, name: {}}}
    assert error_of(serve().post(ANALYZE, asking("Good day.") | asked)) == (
        400,
        "INVALID_REQUEST",
        f"{name} is not supported here; leave it out or set dropUnsupportedAttributes",
    )


def test_unsupported_attributes_are_dropped_on_request(serve: Serve) -> None:
    server = serve()
    wanted = {"TOXICITY": {}, "SEXUALLY_EXPLICIT": {}}
    drop = {"requestedAttributes": wanted, "dropUnsupportedAttributes": True}
    answer = server.post(ANALYZE, asking("Good day to you.") | drop).json()
    assert list(answer["attributeScores"]) == ["TOXICITY"]
    answer = server.post(ANALYZE, asking("Guten Tag.", languages=["de"]) | drop).json()
    assert "attributeScores" not in answer
    assert answer["languages"] == ["de"]
    # A name that was never one of the original's is a mistake, and not dropped.
    mistaken = {"requestedAttributes": {"TOXICTY": {}}, "dropUnsupportedAttributes": True}
    kind = error_of(server.post(ANALYZE, asking("Good day.") | mistaken))[1]
    assert kind == "INVALID_REQUEST"


def test_halves_of_code_points_are_mended(serve: Serve) -> None:
    body = b'{"comment": {"text": "Cut off \\ud83d"}, "requestedAttributes": {"TOXICITY": {}}}'
    answer = serve().post_bytes(ANALYZE, body)
    assert answer.status_code == 200
    [span] = answer.json()["attributeScores"]["TOXICITY"]["spanScores"]
    assert (span["begin"], span["end"]) == (0, 9)


def test_an_error_message_with_such_a_half_is_no_failure(serve: Serve) -> None:
    body = b'{"comment": {"text": "a", "\\ud83d": 1}}'
    assert error_of(serve().post_bytes(ANALYZE, body)) == (
        400,
        "INVALID_REQUEST",
        "comment: input should be a valid string, unable to parse raw data as a unicode string",
    )


@given(st.text(alphabet='ab.!?)"\n \U0001f600é', max_size=200))
def test_sentences_cover_every_word_once(text: str) -> None:
    spans = sentences(text)
    covered = [place for start, end in spans for place in range(start, end)]
    assert covered == sorted(set(covered))
    assert {place for place, letter in enumerate(text) if not letter.isspace()} <= set(covered)
    encoded = text.encode("utf-16-le")
    for (start, end), (begin, stop) in zip(spans, _in_utf16(spans, text), strict=True):
        assert encoded[2 * begin : 2 * stop].decode("utf-16-le") == text[start:end]


def test_a_text_has_a_bounded_number_of_sentences() -> None:
    spans = sentences("a. " * 6_000)
    assert len(spans) <= MAX_SENTENCES
    assert spans[0][0] == 0
    assert spans[-1][1] == 3 * 6_000 - 1
