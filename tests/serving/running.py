"""Real servers on loopback, for tests."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import uvicorn

from stance.serving.app import create_app
from stance.serving.server import address_of, listen, make_server
from stance.serving.settings import Settings

ANALYZE = "/v1alpha1/comments:analyze"
SUGGEST = "/v1alpha1/comments:suggestscore"


@dataclass(frozen=True)
class Running:
    """A server, in a thread, and a client of it."""

    url: str
    port: int
    server: uvicorn.Server
    client: httpx.Client

    def post(self, path: str, body: Any = None, **options: Any) -> httpx.Response:
        if body is not None:
            options["json"] = body
        return self.client.post(path, **options)

    def post_bytes(self, path: str, body: bytes) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        return self.client.post(path, content=body, headers=headers)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.client.get(path, **options)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)


@contextmanager
def running(model: Any, settings: Settings, *, access_log: bool = False) -> Iterator[Running]:
    listener = listen("127.0.0.1", 0)
    server = make_server(create_app(model, settings), settings, access_log=access_log)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    url = address_of(listener)
    try:
        with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
            client.get("/healthz")  # the socket listens already: this waits until it is served
            yield Running(url, listener.getsockname()[1], server, client)
    finally:
        server.should_exit = True
        thread.join(30)
    assert not thread.is_alive()


def error_of(response: httpx.Response) -> tuple[int, str, str]:
    """Return the status, the error type and the message of a refusal by the Perspective API."""
    error = response.json()["error"]
    assert error["code"] == response.status_code
    [detail] = error["details"]
    assert detail["@type"] == "type.googleapis.com/google.commentanalyzer.v1alpha1.Error"
    return response.status_code, detail["errorType"], error["message"]
