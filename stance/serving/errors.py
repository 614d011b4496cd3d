"""What a client is told when a request fails: one JSON shape, that of Google's APIs.

    {"error": {"code": 400, "message": "…", "status": "INVALID_ARGUMENT"}}

Routes of the Perspective API add `details`, as the original does; see `perspective_error`.

References
----------
https://cloud.google.com/apis/design/errors, "HTTP mapping".
https://github.com/conversationai/perspectiveapi/blob/main/2-api/limits.md, "General errors".
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException as StarletteHTTPException

from stance.errors import InputError
from stance.schemas import fields_at
from stance.serving.batching import ClosedError, OverloadedError
from stance.words import did_you_mean

ERROR_TYPE = "type.googleapis.com/google.commentanalyzer.v1alpha1.Error"
_CANONICAL = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
_LONGEST_PLACE = 80  # characters of a field's path that are repeated to the client
_MOST_SAID = 3  # problems of one body; all are counted

Place = tuple[str | int, ...]


class ErrorStatus(BaseModel):
    """What went wrong."""

    code: int = Field(description="The HTTP status.")
    message: str = Field(description="What was found and what was expected.")
    status: str = Field(description="The canonical name of the status.", examples=["NOT_FOUND"])
    details: list[dict[str, Any]] | None = Field(
        default=None, description="Its kind, on the routes of the Perspective API."
    )


class ErrorResponse(BaseModel):
    """The body of every answer that is not a success."""

    error: ErrorStatus


class PerspectiveError(HTTPException):
    """A request that the Perspective API refuses, of one of its error types.

    Parameters
    ----------
    error_type : str
        Such as "COMMENT_EMPTY".
    message : str
    further : mapping, optional
        What belongs beside the type in `details`.
    """

    def __init__(
        self, error_type: str, message: str, further: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(400, message)
        self.details = [{"@type": ERROR_TYPE, "errorType": error_type, **(further or {})}]


def error_response(
    code: int,
    message: str,
    *,
    details: Sequence[Mapping[str, Any]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return the answer that tells of an error.

    Examples
    --------
    >>> error_response(404, "no such page").body
    b'{"error":{"code":404,"message":"no such page","status":"NOT_FOUND"}}'
    """
    error: dict[str, Any] = {
        "code": code,
        # What a client sent may be no valid Unicode.
        "message": message.encode("utf-8", "replace").decode(),
        "status": _CANONICAL.get(code, "INVALID_ARGUMENT"),
    }
    if details is not None:
        error["details"] = list(details)
    return JSONResponse({"error": error}, code, headers)


def is_perspective(path: str) -> bool:
    """Whether a path belongs to the Perspective API."""
    return path.startswith("/v1alpha1/")


def add_error_handlers(app: FastAPI) -> None:
    """Give every error of an application its shape."""
    app.add_exception_handler(StarletteHTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(InputError, _on_input_error)
    app.add_exception_handler(OverloadedError, _on_overload)
    app.add_exception_handler(ClosedError, _on_closed)


def _refusal(request: Request, code: int, message: str, **further: Any) -> Response:
    if code == 400 and is_perspective(request.scope["path"]):
        further.setdefault("details", [{"@type": ERROR_TYPE, "errorType": "INVALID_REQUEST"}])
    return error_response(code, message, **further)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)  # noqa: S101 - what it is registered for
    if isinstance(error, PerspectiveError):
        return error_response(error.status_code, error.detail, details=error.details)
    path: str = request.scope["path"]
    message = {
        404: f"no such page: {path[:_LONGEST_PLACE]}",
        405: f"{request.method} is not allowed here",
    }.get(error.status_code, str(error.detail))
    return _refusal(request, error.status_code, message, headers=error.headers)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    return _refusal(request, 400, _describe(error.errors(), partial(_known_fields, request)))


def _describe(problems: Sequence[Any], known: Callable[[Place], Sequence[str]]) -> str:
    """Return the first problems in a line, and how many more there are; no text is repeated.

    Parameters
    ----------
    problems : sequence
        As pydantic gives them, at least one.
    known : callable
        Returns the fields that the object at a place may have.
    """
    problem = problems[0]
    if problem["type"] == "json_invalid":
        return f"the body is no JSON that can be read: {problem['ctx']['error']}"
    if problem["loc"] == ("body",):
        return "the body is not a JSON object; expected one, with Content-Type: application/json"
    said = "; ".join(_in_words(problem, known) for problem in problems[:_MOST_SAID])
    more = len(problems) - _MOST_SAID
    return f"{said} (and {more:,} more)" if more > 0 else said


def _in_words(problem: Any, known: Callable[[Place], Sequence[str]]) -> str:
    place = problem["loc"][1:] if problem["loc"][0] == "body" else problem["loc"]
    where = ".".join(map(str, place))[:_LONGEST_PLACE]
    if problem["type"] != "extra_forbidden":
        what = str(problem["msg"])
        return f"{where}: {what[:1].lower()}{what[1:]}"
    *above, name = place
    fields = known(tuple(above))
    listed = f"expected some of {', '.join(fields)}" if fields else ""
    hint = did_you_mean(str(name)[:_LONGEST_PLACE], fields) or listed
    return f"{where}: unknown field{hint and f', {hint}'}"


def _known_fields(request: Request, place: Place) -> tuple[str, ...]:
    """Return the fields that the OpenAPI document names at a place of a request's body."""
    document = request.app.openapi()
    route = document["paths"].get(request.scope["route"].path, {}).get(request.method.lower(), {})
    content = route.get("requestBody", {}).get("content", {}).get("application/json", {})
    return fields_at(document, content.get("schema", {}), place)


async def _on_input_error(request: Request, error: Exception) -> Response:
    return _refusal(request, 400, str(error))


async def _on_overload(request: Request, error: Exception) -> Response:
    assert isinstance(error, OverloadedError)  # noqa: S101
    return error_response(429, str(error), headers={"Retry-After": str(error.retry_after)})


async def _on_closed(request: Request, error: Exception) -> Response:
    return error_response(503, "the server is stopping", headers={"Retry-After": "5"})
