"""What stands between a connection and the routes: keys, sizes and times.

Bodies are read whole before a route begins, so that it meets none that is too large, too slow or
from a client without a key. Nothing of a key or a text is ever logged.
"""

import asyncio
import contextlib
import hashlib
import hmac
import logging
import time
from collections.abc import AsyncIterator, Callable
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stance.serving import page
from stance.serving.errors import error_response
from stance.serving.metrics import Metrics
from stance.serving.settings import Settings

# Whoever watches whether the server is up, and clients that are built from a document, have no key.
OPEN_PATHS = ("/healthz", "/$discovery/rest")
KEY_HEADERS = ("x-goog-api-key", "x-api-key")
_WAYS = "as ?key=… or in a header X-Goog-Api-Key or Authorization: Bearer"
_KEY_INVALID = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    "reason": "API_KEY_INVALID",
    "domain": "googleapis.com",
}
_MOST_KEYS = 4  # that are looked at in one request
_MAX_QUERY = 8192  # bytes
_MOST_DISCARDED = 32 * 1024 * 1024  # bytes of a body that is refused
_DISCARD_SECONDS = 5.0
_RETRY = {"Retry-After": "5"}
_FAILED = "the server failed on this request; its log says how"
_STOPPED = "the server stopped before this request was done; send it again later"
_SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
_log = logging.getLogger(__name__)


class Guards:
    """ASGI middleware that lets through requests with a key, a bounded body and in time.

    Parameters
    ----------
    app : ASGI application
    settings : Settings
    metrics : Metrics
        Told of every answer.
    """

    def __init__(self, app: ASGIApp, settings: Settings, metrics: Metrics) -> None:
        self._app = app
        self._settings = settings
        self._metrics = metrics
        self._digests = [_digest(key) for key in settings.api_keys]
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 0

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in _SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            try:
                async with asyncio.timeout(self._settings.write_seconds):
                    await send(message)
            except TimeoutError:
                raise _SlowReaderError from None

        try:
            await self._guard(scope, receive, send_on)
        except _SlowReaderError:
            # The server closes a connection whose answer is not complete.
            _log.warning("a client did not take its answer in time")
        except ClientDisconnect:
            status = 499  # as nginx notes a client that left
        except asyncio.CancelledError:  # as a shutdown does with what takes too long
            _log.warning("%s %s dropped: the server stopped first", scope["method"], scope["path"])
            if not status:
                await _stopped(scope)(scope, receive, send_on)
            raise
        except Exception:
            if status:
                raise
            _log.exception("%s %s failed", scope["method"], scope["path"])
            await error_response(500, _FAILED)(scope, receive, send_on)
        finally:
            self._metrics.note(scope, status or 500, time.perf_counter() - start)

    async def _guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        body = _Body(self._settings, receive, headers, self._hold)
        try:
            refusal = self._refuse_caller(scope, headers)
            if refusal is not None:
                await body.discard()
            else:
                refusal = await body.read()
            if refusal is None:
                await self._app(scope, body.replay, send)
                return
            refusal = _for_reader(scope, refusal)
            if not body.is_complete:
                refusal.headers["Connection"] = "close"
            await refusal(scope, receive, send)
        finally:
            body.release()  # also where the client left before its body was whole

    def _refuse_caller(self, scope: Scope, headers: Headers) -> Response | None:
        if len(scope["query_string"]) > _MAX_QUERY:
            return error_response(400, f"the query is longer than {_MAX_QUERY:,} bytes")
        if not self._digests or scope["path"] in OPEN_PATHS:
            return None
        given = _given_keys(scope["query_string"], headers)
        if not given:
            return error_response(403, f"an API key is needed: {_WAYS}")
        # Every pair is compared, and in constant time, so that time tells nothing of a key.
        matches = [
            hmac.compare_digest(_digest(key), digest) for key in given for digest in self._digests
        ]
        if any(matches):
            return None
        message = f"API key not valid: give one of this server's {_WAYS}"
        return error_response(400, message, details=[_KEY_INVALID])

    def _hold(self, size: int) -> bool:
        """Count bytes that are held from now on, and tell whether they are too many."""
        self._held += size
        return self._held > self._settings.max_held


def _for_reader(scope: Scope, refusal: Response) -> Response:
    """Return a refusal as a page where a person asked for one, and as it is elsewhere."""
    if scope["path"] == page.PATH:
        return page.as_page(scope["app"].state.serving, refusal)
    return refusal


def _stopped(scope: Scope) -> Response:
    # Its body may not have come to its end, so the connection can take no other request.
    headers = _RETRY | {"Connection": "close"}
    return _for_reader(scope, error_response(503, _STOPPED, headers=headers))


class _SlowReaderError(Exception):
    """A client does not read its answer."""


class _Body:
    """The body of one request.

    Parameters
    ----------
    settings : Settings
    receive : ASGI receive
    headers : Headers
        Of the request.
    hold : callable
        Told of each number of bytes that is kept; returns whether that is too many in all.
    """

    def __init__(
        self, settings: Settings, receive: Receive, headers: Headers, hold: Callable[[int], bool]
    ) -> None:
        self._settings = settings
        self._receive = receive
        self._declared = _length(headers)
        self._awaits_leave = headers.get("expect", "").lower() == "100-continue"
        self._hold = hold
        self._chunks: list[bytes] = []
        self.held = 0
        self.is_complete = False
        self._is_replayed = False

    async def read(self) -> Response | None:
        """Read and keep the body, or return why not."""
        largest = self._settings.max_body
        try:
            async with asyncio.timeout(self._settings.body_seconds):
                if self._declared <= largest:
                    async for chunk in self._rest():
                        self._chunks.append(chunk)
                        self.held += len(chunk)
                        if self._hold(len(chunk)) or self.held > largest:
                            break
                    else:
                        return None
        except TimeoutError:
            seconds = f"{self._settings.body_seconds:g} s"
            return error_response(408, f"the body did not arrive within {seconds}")
        is_large = self._declared > largest or self.held > largest
        self.release()
        await self.discard()
        if is_large:
            return error_response(413, f"the body is larger than {largest:,} bytes")
        return error_response(429, "the server is busy with other requests", headers=_RETRY)

    def release(self) -> None:
        """Hold the body no more."""
        self._hold(-self.held)
        self.held = 0
        self._chunks.clear()

    async def discard(self) -> None:
        """Read the rest and throw it away, as far as that is worth it.

        Most clients read an answer only when they have sent all of their request.
        """
        if self._awaits_leave or self._declared > _MOST_DISCARDED:
            return
        discarded = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(_DISCARD_SECONDS, self._settings.body_seconds)):
                async for chunk in self._rest():
                    discarded += len(chunk)
                    if discarded > _MOST_DISCARDED:
                        return

    async def _rest(self) -> AsyncIterator[bytes]:
        while not self.is_complete:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            self.is_complete = not message.get("more_body", False)
            yield message.get("body", b"")

    async def replay(self) -> Message:
        """Return the body in one message, and after it what the client does next."""
        if self._is_replayed:
            return await self._receive()
        body = b"".join(self._chunks)
        self._chunks.clear()
        self._is_replayed = True
        return {"type": "http.request", "body": body, "more_body": False}


def _length(headers: Headers) -> int:
    """Return the declared length of a body, 0 where it is sent in chunks."""
    value = headers.get("content-length", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 20 else 0


def _given_keys(query: bytes, headers: Headers) -> list[str]:
    try:
        given = parse_qs(query.decode("latin-1"), max_num_fields=100).get("key", [])
    except ValueError:
        given = []
    given += [headers[name] for name in KEY_HEADERS if name in headers]
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        given.append(token.strip())
    return given[:_MOST_KEYS]


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "replace")).digest()


def hide_queries_in_access_log() -> None:
    """Keep queries, and with them keys, out of what uvicorn logs of requests."""
    logger = logging.getLogger("uvicorn.access")
    if _without_query not in logger.filters:
        logger.addFilter(_without_query)


def _without_query(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(
            argument.partition("?")[0] if isinstance(argument, str) else argument
            for argument in record.args
        )
    return True
