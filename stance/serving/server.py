"""Running an application with uvicorn: its sockets, its limits, and how it stops."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from stance.errors import ConfigError
from stance.serving.settings import Settings

_MOST_HEAD = 64 * 1024  # bytes of a request's first line and headers
_BACKLOG = 1024
_KEEP_ALIVE = 15  # seconds that a connection may be idle between two requests


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Parameters
    ----------
    host : str
        A name or an address, of IPv4 or IPv6.
    port : int
        0 takes any that is free.

    Raises
    ------
    ConfigError
        It cannot be listened on.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(_BACKLOG)
        except OSError:
            listener.close()
            raise
    except (OSError, UnicodeError) as error:  # UnicodeError: a host that can be no name
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(
            f"cannot listen on {host}, port {port}: {reason}; name another with --host or --port"
        ) from None
    return listener


def address_of(listener: socket.socket) -> str:
    """Return the URL of a listening socket.

    Examples
    --------
    >>> with listen("127.0.0.1", 0) as listener:
    ...     address_of(listener).rpartition(":")[0]
    'http://127.0.0.1'
    """
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def make_server(app: FastAPI, settings: Settings, *, access_log: bool = False) -> uvicorn.Server:
    """Return a server for an application, with the limits of its settings.

    Parameters
    ----------
    app : FastAPI
    settings : Settings
    access_log : bool
        Whether to log a line a request, without its query.
    """
    config = uvicorn.Config(
        _dropping_quietly(app),
        http=_protocol(settings.head_seconds),
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_level="info" if access_log else "warning",
        access_log=access_log,
        server_header=False,
        limit_concurrency=settings.max_connections + 1,  # the first that is too many
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    return uvicorn.Server(config)


def _dropping_quietly(app: ASGIApp) -> ASGIApp:
    """Return an application whose cancelled requests end without a traceback in the log."""

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except asyncio.CancelledError:
            # uvicorn cancels a request last of all, and logs whatever comes out of it.
            if scope["type"] != "http":
                raise

    return run


def _protocol(head_seconds: float) -> type[asyncio.Protocol]:
    """Return uvicorn's protocol, with limits of a request's head, which it has not itself."""

    class GuardedProtocol(HttpToolsProtocol):
        """Closes connections whose first line and headers come too slowly or without end."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._head_timer: asyncio.TimerHandle | None = None
            self._head_size = 0

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._await_head()

        def data_received(self, data: bytes) -> None:
            before = self.cycle
            # What follows a whole request is the head of the next one, answered yet or not.
            if before is None or before.response_complete or not before.more_body:
                if self._head_timer is None:
                    self._await_head()
                super().data_received(data)
                if self.cycle is not before:
                    self._forget_head()
                    return
                self._head_size += len(data)
                if self._head_size > _MOST_HEAD:
                    self.transport.close()
            else:
                super().data_received(data)

        def connection_lost(self, exc: Exception | None) -> None:
            self._forget_head()
            super().connection_lost(exc)

        def _await_head(self) -> None:
            self._head_timer = self.loop.call_later(head_seconds, self._close_late)

        def _forget_head(self) -> None:
            self._head_size = 0
            if self._head_timer is not None:
                self._head_timer.cancel()
                self._head_timer = None

        def _close_late(self) -> None:
            if not self.transport.is_closing():
                self.transport.close()

    return GuardedProtocol


@contextlib.contextmanager
def stopping_quietly() -> Iterator[None]:
    """Let a server that was told to stop, and has stopped, end as it should.

    uvicorn raises the signal again once it has finished its requests.
    """
    with contextlib.suppress(KeyboardInterrupt, SystemExit):
        yield
