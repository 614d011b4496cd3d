"""The API of stance itself: `/v1/score`, `/v1/model`, `/healthz` and `/metrics`."""

import json
from importlib.metadata import version
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool, StrictInt
from pydantic_core import PydanticCustomError, PydanticKnownError

from stance.errors import InputError
from stance.labels import TOXICITY_LABELS
from stance.scoring.results import ScoredThread
from stance.serving.metrics import CONTENT_TYPE
from stance.serving.perspective_models import Text, mend
from stance.serving.routes import ERRORS, JsonRoute, serving, while_connected
from stance.serving.scoring import MAX_COMMENTS, MAX_TARGET_CHARACTERS, MAX_TARGETS
from stance.tables import Row

router = APIRouter(route_class=JsonRoute)
_TAGS: list[Any] = ["stance"]
_LONGEST_NAME = 1000  # characters


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Target = Annotated[
    str, Field(min_length=1, max_length=MAX_TARGET_CHARACTERS, pattern=r"\S"), BeforeValidator(mend)
]
Targets = Annotated[list[Target], Field(max_length=MAX_TARGETS)]
Name = Annotated[str, Field(max_length=_LONGEST_NAME), BeforeValidator(mend)]


def _check_id(value: Any) -> Any:
    """Let an id through; of a union pydantic would say what each of its types found wrong."""
    if isinstance(value, str):
        if len(value) > _LONGEST_NAME:
            raise PydanticKnownError("string_too_long", {"max_length": _LONGEST_NAME})
    elif value is not None and type(value) is not int:
        kinds: dict[type, str] = {list: "a list", dict: "an object"}
        found = kinds.get(type(value)) or json.dumps(value)  # a number or a truth value
        raise PydanticCustomError(
            "id_type", "expected a string or a whole number, found {found}", {"found": found}
        )
    return value


Id = Annotated[Name | StrictInt | None, BeforeValidator(_check_id)]


class CommentIn(BaseModel):
    """A comment to score; what stands beside the text comes back with the scores."""

    model_config = ConfigDict(extra="forbid")

    text: Text | None = Field(description="Without one the comment comes back with an error.")
    id: Id = Field(default=None, description="Its number, where not given.")
    parent_id: Id = Field(default=None, description="The id of the comment that it answers.")
    author: Name | None = None
    published: Name | None = None
    depth: Annotated[StrictInt, Field(ge=0, le=9999)] | None = None
    target: Annotated[Targets, BeforeValidator(_one_or_many)] | None = Field(
        default=None, description="Its own target or targets, scored before those of all."
    )


class ScoreRequest(BaseModel):
    """Comments alone or a page, and what stance is asked to."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"comments": [{"text": "At last! A tram."}], "targets": ["tram line 4"]}]
        },
    )

    comments: Annotated[list[CommentIn], Field(max_length=MAX_COMMENTS)] | None = Field(
        default=None, description="Comments alone; either these or a page."
    )
    page: Text | None = Field(
        default=None, description="A page as HTML or plain text, or an export, as a text."
    )
    source: Annotated[str, Field(max_length=200), BeforeValidator(mend)] | None = Field(
        default=None, description="What the page is called; its ending helps to tell the format."
    )
    targets: Targets | None = Field(
        default=None,
        description="Names or claims. Without them a page is scored against its headline and the "
        "names most spoken of, and comments alone for toxicity.",
    )
    threshold: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = Field(
        default=None, description="From which probability on `toxic` is true; else the model's own."
    )
    replies: StrictBool = Field(
        default=True, description="Whether to say of replies how they stand to what they answer."
    )


class StanceOut(BaseModel):
    """The stance of a comment to one target."""

    target: str
    label: Literal["favor", "against", "neutral"]
    favor: float
    against: float
    neutral: float
    relevance: float


class ReplyOut(BaseModel):
    """How a comment stands to the one that it answers."""

    label: Literal["favor", "against", "neutral"]
    favor: float
    against: float
    neutral: float


class CommentOut(BaseModel):
    """A comment with its scores; the scores are null where there is an `error`."""

    source: str
    id: str | int
    author: str | None
    published: str | None
    parent_id: str | int | None
    depth: int
    text: str | None
    stance: list[StanceOut] | None
    reply: ReplyOut | None
    toxicity: dict[str, float] | None
    toxic: bool | None
    toxic_spans: list[tuple[int, int]] | None = Field(
        description="Characters (Unicode code points) of the text, the end exclusive."
    )
    language: str | None
    model: str
    error: str | None = None


class ArticleOut(BaseModel):
    """What the comments are about."""

    title: str | None
    author: str | None
    url: str | None
    published: str | None
    text: str


class ThreadOut(BaseModel):
    """The comments of one page."""

    source: str
    format: str
    article: ArticleOut | None
    targets: list[str]
    deleted: int
    notes: list[str]
    comments: list[CommentOut]


class ScoreResponse(BaseModel):
    """What the model says; comments alone are one thread."""

    model: str
    languages: list[str]
    threads: list[ThreadOut]


class ModelResponse(BaseModel):
    """What is served."""

    model: str
    version: str = Field(description="Of stance.")
    languages: list[str] = Field(description="What the model reads, as ISO 639-1 codes.")
    toxicity_labels: list[str]
    thresholds: dict[str, float] = Field(description="`toxic` is true where a label reaches its.")


class HealthResponse(BaseModel):
    """The server is up."""

    status: Literal["ok"]


@router.post(
    "/v1/score",
    tags=_TAGS,
    summary="Score comments or a page",
    response_model=None,
    responses={200: {"model": ScoreResponse}, **ERRORS},
)
async def score(request: Request, body: ScoreRequest) -> Response:
    """Score comments for toxicity and, to targets, for stance, as `stance score` does."""
    if (body.comments is None) == (body.page is None):
        raise InputError("expected either comments or a page, and not both")
    work = _score_page(request, body) if body.comments is None else _score_comments(request, body)
    model = serving(request).scorer.model
    answer = {
        "model": model.name,
        "languages": list(model.languages),
        "threads": await while_connected(request, work),
    }
    return JSONResponse(answer)


async def _score_page(request: Request, body: ScoreRequest) -> list[dict[str, Any]]:
    # With a mark of its encoding, so that no declaration in the page misleads.
    page = b"\xef\xbb\xbf" + (body.page or "").encode()
    threads = await serving(request).scorer.score_page(
        page,
        body.source or "page",
        body.targets,
        threshold=body.threshold,
        replies=body.replies,
    )
    return [_thread(thread) for thread in threads]


def _thread(scored: ScoredThread) -> dict[str, Any]:
    return {
        **scored.thread.to_dict(),
        "targets": list(scored.targets),
        "comments": scored.rows(),
    }


async def _score_comments(request: Request, body: ScoreRequest) -> list[dict[str, Any]]:
    source = body.source or "comments"
    rows = [
        Row(number, comment.model_dump(exclude_none=True))
        for number, comment in enumerate(body.comments or (), 1)
    ]
    targets = tuple(dict.fromkeys(body.targets or ()))
    scored = await serving(request).scorer.score_comments(
        rows, source, targets, threshold=body.threshold, replies=body.replies
    )
    comments = []
    for row, _ in scored:
        row.pop("target", None)
        if "error" in row:  # lines are for files
            row["error"] = row["error"].replace("line", "comment", 1)
        comments.append(row)
    own = {each["target"]: None for row in comments for each in row["stance"] or ()}
    return [
        {
            "source": source,
            "format": "rows",
            "article": None,
            "targets": list(dict.fromkeys((*targets, *own))),
            "deleted": 0,
            "notes": [],
            "comments": comments,
        }
    ]


@router.get("/v1/model", tags=_TAGS, summary="The model", responses=ERRORS)
async def model(request: Request) -> ModelResponse:
    """Say which model is served, what it reads and when it flags."""
    served = serving(request).scorer.model
    return ModelResponse(
        model=served.name,
        version=version("stance"),
        languages=list(served.languages),
        toxicity_labels=list(TOXICITY_LABELS),
        thresholds=served.thresholds,
    )


@router.get("/healthz", tags=["operation"], summary="Whether the server is up", responses=ERRORS)
async def health() -> HealthResponse:
    """Say that the server is up; its model is loaded before it listens."""
    return HealthResponse(status="ok")


@router.get(
    "/metrics",
    tags=["operation"],
    summary="Figures for Prometheus",
    response_model=None,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **ERRORS},
)
async def metrics(request: Request) -> Response:
    """Return counts of requests and texts, times, and what waits."""
    return Response(serving(request).metrics.render(), headers={"Content-Type": CONTENT_TYPE})
