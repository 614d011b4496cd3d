"""The Perspective API: `comments:analyze` and `comments:suggestscore`.

Where this differs from the original: nothing is ever stored but suggestions that the server was
started to take; a language that is detected is reported and never a reason to refuse, since short
English is easily misread; no attribute has versions; a summary score is the model's own probability
of the label, so thresholds move (the README has a table).

References
----------
https://github.com/conversationai/perspectiveapi/blob/main/2-api/methods.md for the fields,
https://github.com/conversationai/perspectiveapi/blob/main/2-api/limits.md for errors and messages,
https://github.com/stanford-crfm/helm/issues/1149 for the limit of 20,480 bytes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from stance.labels import ToxicityLabel
from stance.scoring.results import Prediction
from stance.serving.errors import PerspectiveError, error_response
from stance.serving.perspective_models import (
    AnalyzeCommentRequest,
    AnalyzeCommentResponse,
    AttributeParameters,
    AttributeScores,
    Context,
    SuggestCommentScoreRequest,
    SuggestCommentScoreResponse,
    TextEntry,
)
from stance.serving.routes import ERRORS, JsonRoute, serving
from stance.serving.suggestions import FullError
from stance.words import is_empty

MAX_TEXT_BYTES = 20_480
MAX_SENTENCES = 100  # of one comment; of a longer one, neighbours are scored as one
_LONGEST_NAME = 60  # characters of a name that are repeated to the client

_LABELS: dict[str, ToxicityLabel] = {
    "TOXICITY": "toxicity",
    "SEVERE_TOXICITY": "severe_toxicity",
    "IDENTITY_ATTACK": "identity_attack",
    "INSULT": "insult",
    "PROFANITY": "obscene",
    "THREAT": "threat",
}
ATTRIBUTES = _LABELS | {f"{name}_EXPERIMENTAL": label for name, label in _LABELS.items()}
# Attributes of the original that there is no model for; `dropUnsupportedAttributes` drops them.
UNSUPPORTED = (
    *("SEXUALLY_EXPLICIT", "FLIRTATION", "TOXICITY_FAST", "ATTACK_ON_AUTHOR"),
    *("ATTACK_ON_COMMENTER", "INCOHERENT", "INFLAMMATORY", "LIKELY_TO_REJECT", "OBSCENE", "SPAM"),
    *("UNSUBSTANTIAL", "AFFINITY_EXPERIMENTAL", "COMPASSION_EXPERIMENTAL"),
    *("CURIOSITY_EXPERIMENTAL", "NUANCE_EXPERIMENTAL", "PERSONAL_STORY_EXPERIMENTAL"),
    *("REASONING_EXPERIMENTAL", "RESPECT_EXPERIMENTAL"),
)

router = APIRouter(prefix="/v1alpha1", tags=["Perspective API"], route_class=JsonRoute)


@router.post(
    "/comments:analyze",
    summary="Score a comment",
    response_model=None,
    responses={200: {"model": AnalyzeCommentResponse}, **ERRORS},
)
async def analyze(request: Request, body: AnalyzeCommentRequest) -> Response:
    """Score a comment for the requested attributes; the text is not stored."""
    text = _comment_text(body.comment)
    _check_context(body.context)
    scorer = serving(request).scorer
    wanted = _wanted(body, scorer.model.languages)
    spans = sentences(text) if body.span_annotations else [(0, len(text))]
    parts = [text[start:end] for start, end in spans]
    if parts == [text]:
        parts = []  # it is scored already
    whole, *single = await scorer.predict([text, *parts], [()] * (1 + len(parts)))
    scores = _attribute_scores(wanted, whole, _in_utf16(spans, text), single or [whole])
    detected = [] if whole.language is None else [whole.language]
    read = [code for code in detected if code in scorer.model.languages]
    answer: dict[str, Any] = {"attributeScores": scores} if scores else {}
    answer["languages"] = body.languages or read or list(scorer.model.languages[:1])
    answer["detectedLanguages"] = detected
    if body.client_token is not None:
        answer["clientToken"] = body.client_token
    return JSONResponse(answer)


@router.post(
    "/comments:suggestscore",
    summary="Suggest how a comment should be scored",
    response_model=None,
    responses={200: {"model": SuggestCommentScoreResponse}, **ERRORS},
)
async def suggestscore(request: Request, body: SuggestCommentScoreRequest) -> Response:
    """Keep the suggested scores of a comment, where the server was started with `--suggestions`."""
    suggestions = serving(request).suggestions
    if suggestions is None:
        raise HTTPException(
            403, "this server takes no suggestions: it was started without --suggestions FILE"
        )
    text = _comment_text(body.comment)
    _check_context(body.context)
    labels = _suggested_labels(body.attribute_scores or {})
    try:
        await run_in_threadpool(suggestions.append, text, labels)
    except FullError:
        return error_response(429, "the file of suggestions is full")
    except OSError as error:
        return error_response(503, f"the suggestion could not be kept: {error.strerror or error}")
    answer: dict[str, Any] = {}
    if body.client_token is not None:
        answer["clientToken"] = body.client_token
    if body.languages:
        answer["requestedLanguages"] = body.languages
    return JSONResponse(answer)


# What is asked for


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An attribute by the name that the client gave, and from which score on it is wanted."""

    name: str
    label: ToxicityLabel
    threshold: float


def _comment_text(comment: TextEntry | None) -> str:
    """Return the text to score.

    Raises
    ------
    PerspectiveError
        It is empty, too long, or HTML.
    """
    text = "" if comment is None else comment.text or ""
    if comment is None or is_empty(text):
        raise PerspectiveError("COMMENT_EMPTY", "Comment must be non-empty.")
    size = len(text.encode())
    if size > MAX_TEXT_BYTES:
        raise PerspectiveError(
            "COMMENT_TOO_LONG",
            f"Comment text was too many bytes. Value ({size}) exceeded limit ({MAX_TEXT_BYTES}).",
        )
    if comment.type == "HTML":
        raise PerspectiveError(
            "INVALID_REQUEST", "Currently, only 'PLAIN_TEXT' comments are supported"
        )
    return text


def _check_context(context: Context | None) -> None:
    if context is not None and context.entries and context.article_and_parent_comment:
        raise PerspectiveError(
            "INVALID_REQUEST",
            "Context can have either entries or article_and_parent_comment, but both fields were "
            "populated.",
        )


def _wanted(body: AnalyzeCommentRequest, languages: Sequence[str]) -> list[_Wanted]:
    """Return the attributes to score.

    Raises
    ------
    PerspectiveError
        None is asked for, or one that cannot be scored so, or in these languages, and the request
        does not say to drop it.
    """
    if not body.requested_attributes:
        raise PerspectiveError("NO_REQUESTED_ATTRIBUTES", "Missing requested_attributes")
    unread = [code for code in body.languages or () if _primary(code) not in languages]
    wanted = []
    for name, parameters in body.requested_attributes.items():
        parameters = parameters or AttributeParameters()
        if name in UNSUPPORTED and body.drop_unsupported_attributes:
            continue
        label = _label(name, " or set dropUnsupportedAttributes")
        if parameters.score_type not in (None, "SCORE_TYPE_UNSPECIFIED", "PROBABILITY"):
            raise PerspectiveError(
                "INVALID_REQUEST",
                f"Requested score type {parameters.score_type} is not supported by attribute "
                f"{name}",
            )
        if not unread:
            wanted.append(_Wanted(name, label, parameters.score_threshold or 0.0))
        elif not body.drop_unsupported_attributes:
            codes = [code[:_LONGEST_NAME] for code in unread]
            raise PerspectiveError(
                "LANGUAGE_NOT_SUPPORTED_BY_ATTRIBUTE",
                f"Attribute {name} does not support request languages: {', '.join(codes)}",
                {
                    "languageNotSupportedByAttributeError": {
                        "requestedLanguages": codes,
                        "attribute": name,
                    }
                },
            )
    return wanted


def _label(name: str, way_out: str = "") -> ToxicityLabel:
    """Return the label of an attribute.

    Parameters
    ----------
    name : str
    way_out : str
        What a client can do with one that is not supported besides leaving it out.

    Raises
    ------
    PerspectiveError
        There is no model for it, or no such attribute at all.
    """
    if name in UNSUPPORTED:
        raise PerspectiveError(
            "INVALID_REQUEST", f"{name} is not supported here; leave it out{way_out}"
        )
    if name not in ATTRIBUTES:
        raise PerspectiveError(
            "INVALID_REQUEST",
            f"Unknown requested attribute: {name[:_LONGEST_NAME]}; expected some of "
            f"{', '.join(_LABELS)}",
        )
    return ATTRIBUTES[name]


def _primary(code: str) -> str:
    """Return the language of a BCP 47 tag: "en" of "en-GB"."""
    return code.lower().replace("_", "-").partition("-")[0]


def _suggested_labels(
    attributes: Mapping[str, AttributeScores | None],
) -> dict[ToxicityLabel, float]:
    """Return the labels that a suggestion gives to its text as a whole.

    Raises
    ------
    PerspectiveError
        There is none, or one is unknown or no probability.
    """
    labels: dict[ToxicityLabel, float] = {}
    for name, scores in attributes.items():
        label = _label(name)
        summary = None if scores is None else scores.summary_score
        if summary is None:
            continue
        is_probability = summary.type in (None, "SCORE_TYPE_UNSPECIFIED", "PROBABILITY")
        if summary.value is None or not is_probability or not 0 <= summary.value <= 1:
            raise PerspectiveError(
                "INVALID_REQUEST",
                f"attributeScores.{name}.summaryScore: expected a value from 0 to 1 of the type "
                "PROBABILITY",
            )
        labels[label] = summary.value
    if not labels:
        raise PerspectiveError(
            "INVALID_REQUEST",
            "attributeScores: no summaryScore; expected one for an attribute at least "
            "(scores of spans alone label no comment)",
        )
    return labels


# What is answered

_WORD = re.compile(r"\S+|\n")


def sentences(text: str) -> list[tuple[int, int]]:
    r"""Return (start, end) of the sentences of a text, at most `MAX_SENTENCES`.

    A sentence ends with the line, or with a word that ends in a full stop or the like.

    Examples
    --------
    >>> text = "What name is foo? Sorry, I like \"it.\" Yes\nno"
    >>> [text[start:end] for start, end in sentences(text)]
    ['What name is foo?', 'Sorry, I like "it."', 'Yes', 'no']
    """
    spans: list[tuple[int, int]] = []
    start: int | None = None
    end = 0
    for word in _WORD.finditer(text):
        is_last = word[0] == "\n"
        if not is_last:
            start, end = word.start() if start is None else start, word.end()
            is_last = word[0].rstrip("\"'”’»)]")[-1:] in tuple(".!?…。！？")
        if is_last and start is not None:
            spans.append((start, end))
            start = None
    if start is not None:
        spans.append((start, end))
    joined = max(1, -(-len(spans) // MAX_SENTENCES))
    return [
        (group[0][0], group[-1][1])
        for group in (spans[place : place + joined] for place in range(0, len(spans), joined))
    ]


def _in_utf16(spans: Sequence[tuple[int, int]], text: str) -> list[tuple[int, int]]:
    """Return spans that follow each other with their places counted in UTF-16 code units."""
    found = []
    place = units = 0
    for span in spans:
        bounds = []
        for bound in span:
            units += len(text[place:bound].encode("utf-16-le")) // 2
            place = bound
            bounds.append(units)
        found.append((bounds[0], bounds[1]))
    return found


def _attribute_scores(
    wanted: Sequence[_Wanted],
    whole: Prediction,
    spans: Sequence[tuple[int, int]],
    single: Sequence[Prediction],
) -> dict[str, Any]:
    """Return the scores that reach their attribute's threshold."""
    answer: dict[str, Any] = {}
    for attribute in wanted:
        scores: dict[str, Any] = {}
        span_scores = [
            {"begin": begin, "end": end, "score": _score(prediction.toxicity[attribute.label])}
            for (begin, end), prediction in zip(spans, single, strict=True)
            if prediction.toxicity[attribute.label] >= attribute.threshold
        ]
        if span_scores:
            scores["spanScores"] = span_scores
        if whole.toxicity[attribute.label] >= attribute.threshold:
            scores["summaryScore"] = _score(whole.toxicity[attribute.label])
        if scores:
            answer[attribute.name] = scores
    return answer


def _score(value: float) -> dict[str, Any]:
    return {"value": value, "type": "PROBABILITY"}
