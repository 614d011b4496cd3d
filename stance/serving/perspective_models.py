"""The messages of the Perspective API, as its discovery document defines them.

Fields have the names of the document; as in every JSON form of Google's APIs, the names with
underscores and null for a field that is not set are taken too.

References
----------
https://commentanalyzer.googleapis.com/$discovery/rest?version=v1alpha1, as kept in
https://github.com/googleapis/google-api-nodejs-client, discovery/commentanalyzer-v1alpha1.json.
https://github.com/conversationai/perspectiveapi/blob/main/2-api/methods.md.
https://protobuf.dev/programming-guides/json/.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, StrictBool
from pydantic.alias_generators import to_camel

_SURROGATE = re.compile("[\ud800-\udfff]")


def mend(value: Any) -> Any:
    """Replace halves of pairs of code units: a client that cuts a text in UTF-16 leaves them."""
    return _SURROGATE.sub("\ufffd", value) if isinstance(value, str) else value


Text = Annotated[str, BeforeValidator(mend)]
ScoreType = Literal["SCORE_TYPE_UNSPECIFIED", "PROBABILITY", "STD_DEV_SCORE", "PERCENTILE", "RAW"]


@cache
def document() -> dict[str, Any]:
    """Return our discovery document, without the address of a server."""
    path = Path(__file__).with_name("commentanalyzer.v1alpha1.json")
    return json.loads(path.read_text(encoding="utf-8"))  # type: ignore[no-any-return]


def _describe(schema: dict[str, Any], message: "type[Message]") -> None:
    """Add to a JSON schema what the discovery document says of each field."""
    described = document()["schemas"].get(message.__name__, {}).get("properties", {})
    for name, field in schema.get("properties", {}).items():
        field["description"] = described[name]["description"]


class Message(BaseModel):
    """What all messages share."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        json_schema_extra=_describe,
    )


class TextEntry(Message):
    """A text."""

    text: Text | None = None
    type: Literal["TEXT_TYPE_UNSPECIFIED", "PLAIN_TEXT", "HTML"] | None = None


class ArticleAndParentComment(Message):
    """What a comment is about, and what it answers."""

    article: TextEntry | None = None
    parent_comment: TextEntry | None = None


class Context(Message):
    """What a comment refers to, in one of two forms. It is taken, and not read."""

    entries: list[TextEntry] | None = None
    article_and_parent_comment: ArticleAndParentComment | None = None


class AttributeParameters(Message):
    """What is wanted of one attribute."""

    score_type: ScoreType | None = None
    score_threshold: FiniteFloat | None = None


class AnalyzeCommentRequest(Message):
    """The body of `comments:analyze`."""

    comment: TextEntry | None = None
    context: Context | None = None
    requested_attributes: dict[Text, AttributeParameters | None] | None = Field(
        default=None, examples=[{"TOXICITY": {}}]
    )
    span_annotations: StrictBool | None = None
    languages: list[Text] | None = Field(default=None, examples=[["en"]])
    do_not_store: StrictBool | None = None
    drop_unsupported_attributes: StrictBool | None = None
    client_token: Text | None = None
    session_id: Text | None = None
    community_id: Text | None = None


class Score(Message):
    """A score."""

    value: FiniteFloat | None = None
    type: ScoreType | None = None


class SpanScore(Message):
    """The score of a part of the text, from `begin` to before `end` in UTF-16 code units."""

    begin: int | None = None
    end: int | None = None
    score: Score | None = None


class AttributeScores(Message):
    """The scores of one attribute: of the whole text, and of its parts."""

    summary_score: Score | None = None
    span_scores: list[SpanScore] | None = None


class AnalyzeCommentResponse(Message):
    """The answer to `comments:analyze`."""

    attribute_scores: dict[str, AttributeScores] | None = None
    languages: list[str] | None = None
    detected_languages: list[str] | None = None
    client_token: str | None = None


class SuggestCommentScoreRequest(Message):
    """The body of `comments:suggestscore`."""

    comment: TextEntry | None = None
    context: Context | None = None
    attribute_scores: dict[Text, AttributeScores | None] | None = None
    languages: list[Text] | None = None
    community_id: Text | None = None
    session_id: Text | None = None
    client_token: Text | None = None


class SuggestCommentScoreResponse(Message):
    """The answer to `comments:suggestscore`."""

    client_token: str | None = None
    detected_languages: list[str] | None = None
    requested_languages: list[str] | None = None
