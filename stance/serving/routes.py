"""How a route reads its body and reaches what the application holds."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar, cast

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect

from stance.serving.errors import ErrorResponse
from stance.serving.metrics import Metrics
from stance.serving.scoring import Scorer
from stance.serving.settings import Settings
from stance.serving.suggestions import Suggestions

# What every route may answer besides a success, for the OpenAPI document.
ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {
        "model": ErrorResponse,
        "description": "What is wrong with the request: 403 where an API key is needed and none is "
        "given, 400 where it is not valid, as for whatever else cannot be done.",
    }
}

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Serving:
    """What the routes of one application share."""

    settings: Settings
    scorer: Scorer
    suggestions: Suggestions | None
    metrics: Metrics


def serving(request: Request) -> Serving:
    """Return what the routes of the request's application share."""
    return cast("Serving", request.app.state.serving)


class JsonRoute(APIRoute):
    """A route whose JSON body is read strictly.

    Bad UTF-8, NaN and infinity, numbers without end and nesting without end are all bad JSON.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler, with another class of request."""
        handle = super().get_route_handler()

        async def handle_strictly(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return handle_strictly


class _StrictRequest(Request):
    async def json(self) -> Any:
        return parse_json(await self.body())


def parse_json(data: bytes) -> Any:
    """Parse JSON in UTF-8.

    Raises
    ------
    json.JSONDecodeError
        Whatever is wrong with it.

    Examples
    --------
    >>> parse_json(b'{"a": NaN}')
    Traceback (most recent call last):
    json.decoder.JSONDecodeError: NaN is no JSON: line 1 column 1 (char 0)
    """
    try:
        return json.loads(data.decode(), parse_constant=_refuse_constant)
    except json.JSONDecodeError:
        raise
    except UnicodeDecodeError as error:
        raise json.JSONDecodeError(f"bad UTF-8 at byte {error.start:,}", "", 0) from None
    except RecursionError:
        raise json.JSONDecodeError("nested too deep", "", 0) from None
    except ValueError:  # more digits than Python reads
        raise json.JSONDecodeError("a number is too long", "", 0) from None


def _refuse_constant(name: str) -> NoReturn:
    raise json.JSONDecodeError(f"{name} is no JSON", "", 0)


async def while_connected(request: Request, work: Awaitable[Answer]) -> Answer:
    """Wait for work, and cancel it when the client leaves.

    Raises
    ------
    ClientDisconnect
        The client left.
    """
    task = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_leaving(request))
    try:
        await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        leaving.cancel()
        task.cancel()


async def _leaving(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
