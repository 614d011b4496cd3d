"""Hostile and clumsy clients: refused in bounded time and memory, and served again at once."""

import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from running import ANALYZE, Running, error_of

from stance.serving.routes import parse_json
from stance.serving.settings import Settings

Serve = Callable[..., Running]
MIB = 1024 * 1024
GOOD = {"comment": {"text": "Good day to you."}, "requestedAttributes": {"TOXICITY": {}}}


def head(path: str, **headers: Any) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


def read_all(connection: socket.socket) -> bytes:
    """Return what a server says until it closes the connection."""
    said = b""
    while part := connection.recv(65536):
        said += part
    return said


def resident_memory() -> int:
    """Return the MB of memory of this process, in whose threads the servers run."""
    [line] = [
        line
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmRSS")
    ]
    return int(line.split()[1]) // 1024


# Sizes


@pytest.mark.parametrize("path", [ANALYZE, "/v1/score"])
def test_a_body_of_ten_megabytes_is_refused(serve: Serve, path: str) -> None:
    server = serve()
    body = b'{"comment": {"text": "' + b"a" * 10 * MIB + b'"}}'
    start = time.monotonic()
    refused = server.post_bytes(path, body)
    assert time.monotonic() - start < 20  # without waiting for the rest of the 30 seconds
    assert refused.status_code == 413
    assert refused.json()["error"]["message"] == "the body is larger than 4,194,304 bytes"
    assert server.post(ANALYZE, GOOD).status_code == 200


def test_a_body_without_a_declared_length_is_refused_while_it_comes(serve: Serve) -> None:
    server = serve(Settings(max_body=10_000))
    sent = 0

    def chunks() -> Any:
        nonlocal sent
        while sent < 2 * MIB:
            sent += 1000
            yield b" " * 1000

    refused = server.client.post(
        "/v1/score", content=chunks(), headers={"Content-Type": "application/json"}
    )
    assert refused.status_code == 413


def test_many_bodies_at_a_time_take_bounded_memory(serve: Serve) -> None:
    server = serve(Settings(max_held=8 * MIB, body_seconds=4))
    body = b" " * (3 * MIB)
    connections = [server.connect() for _ in range(40)]
    before = most = resident_memory()
    for connection in connections:
        connection.settimeout(60)
        # All but the last byte, so that the server has to keep what it took.
        connection.sendall(head("/v1/score", Content_Length=len(body) + 1) + body)
        most = max(most, resident_memory())
    answers = []
    for connection in connections:
        answers.append(read_all(connection))
        most = max(most, resident_memory())
    statuses = [int(answer[9:12]) for answer in answers]
    # Two bodies fit; of the others none is kept, and these two come too slowly.
    assert sorted(set(statuses)) == [408, 429]
    assert statuses.count(408) <= 2
    assert all(b"retry-after: 5" in answer.lower() for answer in answers if b" 429 " in answer[:20])
    assert most - before < 40  # of 120 that were sent
    assert server.post(ANALYZE, GOOD).status_code == 200


def test_who_asks_first_is_refused_before_sending(serve: Serve) -> None:
    server = serve()
    with server.connect() as connection:
        connection.sendall(head("/v1/score", Content_Length=10**10, Expect="100-continue"))
        assert read_all(connection).startswith(b"HTTP/1.1 413 ")


def test_headers_without_end_are_cut_off(serve: Serve) -> None:
    server = serve()
    with server.connect() as connection, pytest.raises(OSError, match=r"reset|[Bb]roken"):
        connection.sendall(b"GET / HTTP/1.1\r\n" + b"X-Long: a\r\n" * 10_000_000)
    assert server.get("/healthz").status_code == 200


def test_a_query_without_end_is_refused(serve: Serve) -> None:
    refused = serve().get("/v1/model", params={"key": "a" * 9000})
    assert refused.status_code == 400
    assert refused.json()["error"]["message"] == "the query is longer than 8,192 bytes"


# Bad heads


@pytest.mark.parametrize("host", [b"[", b"", b"a b", b"\xff", b"user:word@other", b"a:99999"])
@pytest.mark.parametrize("path", [b"/$discovery/rest", b"/nope", b"/%ff%00", b"//"])
def test_a_host_that_is_none_does_no_harm(serve: Serve, host: bytes, path: bytes) -> None:
    with serve().connect() as connection:
        connection.sendall(
            b"GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n" % (path, host)
        )
        answer = read_all(connection)
    assert int(answer[9:12]) in (200, 400, 404)


# Bad JSON


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"comment": ', "the body is no JSON that can be read: Expecting value"),
        (b"\xff{}", "the body is no JSON that can be read: bad UTF-8 at byte 0"),
        (b'{"a": "\xc3"}', "the body is no JSON that can be read: bad UTF-8 at byte 7"),
        (b"[" * 10_000, "the body is no JSON that can be read: nested too deep"),
        (
            b'{"comment":' * 10_000 + b"1" + b"}" * 10_000,
            "the body is no JSON that can be read: nested too deep",
        ),
        (b'{"a": NaN}', "the body is no JSON that can be read: NaN is no JSON"),
        (b'{"a": -Infinity}', "the body is no JSON that can be read: -Infinity is no JSON"),
        (
            b'{"a": ' + b"9" * 5000 + b"}",
            "the body is no JSON that can be read: a number is too long",
        ),
        (
            b"[]",
            "the body is not a JSON object; expected one, with Content-Type: application/json",
        ),
        (b"", "the body is not a JSON object; expected one, with Content-Type: application/json"),
    ],
)
def test_bad_json_is_refused(serve: Serve, body: bytes, message: str) -> None:
    server = serve()
    assert error_of(server.post_bytes(ANALYZE, body)) == (400, "INVALID_REQUEST", message)
    own = server.post_bytes("/v1/score", body)
    assert own.status_code == 400
    assert own.json() == {"error": {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}}


def test_deep_json_that_is_within_bounds_is_read() -> None:
    assert parse_json(b"[" * 500 + b"]" * 500)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", None])
def test_other_kinds_of_content_are_refused(serve: Serve, kind: str | None) -> None:
    # A page in a browser can send these to any address without being asked.
    headers = {} if kind is None else {"Content-Type": kind}
    refused = serve().client.post(ANALYZE, content=json.dumps(GOOD).encode(), headers=headers)
    assert refused.status_code == 400


# Slow clients


def test_a_head_that_does_not_come_ends_the_connection(serve: Serve) -> None:
    server = serve(Settings(head_seconds=0.3))
    start = time.monotonic()
    with server.connect() as silent, server.connect() as slow:
        slow.sendall(b"POST /v1/score HTTP/1.1\r\nX-A")
        assert read_all(silent) == b""
        assert read_all(slow) == b""
    assert time.monotonic() - start < 8  # of the 10 seconds without that setting


def test_a_second_head_that_does_not_come_ends_the_connection_too(serve: Serve) -> None:
    server = serve(Settings(head_seconds=0.3))
    with server.connect() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK")
        connection.sendall(b"GET /hea")
        # The first answer's body may come after its head; a second answer must not.
        assert b"HTTP/1.1" not in read_all(connection)


def test_a_body_that_comes_byte_by_byte_is_refused(serve: Serve) -> None:
    server = serve(Settings(body_seconds=0.5))
    with server.connect() as connection:
        connection.sendall(head(ANALYZE, Content_Length=1000))
        stop = threading.Event()

        def drip() -> None:
            while not stop.wait(0.05):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return

        dripping = threading.Thread(target=drip)
        dripping.start()
        start = time.monotonic()
        answer = read_all(connection)
        assert time.monotonic() - start < 20  # the body alone would take 50
        stop.set()
        dripping.join()
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"the body did not arrive within 0.5 s" in answer


def test_an_answer_that_is_not_taken_ends_the_connection(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(Settings(write_seconds=0.5))
    body = json.dumps({"comments": [{"text": "a" * 4000}] * 900}).encode()
    with server.connect() as connection, caplog.at_level(logging.WARNING):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for _ in range(4):  # enough to fill what the system keeps for a connection
            connection.sendall(head("/v1/score", Content_Length=len(body)) + body)
        deadline = time.monotonic() + 20
        while "a client did not take its answer in time" not in caplog.text:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert server.get("/healthz").status_code == 200


def test_slow_clients_do_not_hold_up_others(serve: Serve) -> None:
    server = serve(Settings(body_seconds=20))
    slow = [server.connect() for _ in range(100)]
    for connection in slow:
        connection.sendall(head(ANALYZE, Content_Length=1000))
    start = time.monotonic()
    assert server.post(ANALYZE, GOOD).status_code == 200
    assert time.monotonic() - start < 10  # half of what the slow ones may take
    for connection in slow:
        connection.close()


def test_more_connections_than_allowed_are_refused(serve: Serve) -> None:
    server = serve(Settings(max_connections=5))
    server.client.close()  # it holds a connection too
    statuses, held = [], []
    for _ in range(6):
        connection = server.connect()
        connection.settimeout(60)
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        statuses.append(int(connection.recv(65536)[9:12]))
        held.append(connection)
    # The server may learn only later that the client has left.
    assert statuses[:4] == [200] * 4
    assert statuses[-1] == 503
    for connection in held:
        connection.close()


# Keys


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"params": {"key": "k-1"}}, 200),
        ({"params": {"key": "k-2", "alt": "json"}}, 200),
        ({"headers": {"X-Goog-Api-Key": "k-1"}}, 200),
        ({"headers": {"X-API-Key": "k-2"}}, 200),
        ({"headers": {"Authorization": "Bearer k-1"}}, 200),
        ({"headers": {"Authorization": "Basic k-1"}}, 403),
        ({"params": {"key": "k-3"}}, 400),
        ({"params": {"key": "k-"}}, 400),
        ({"params": {"key": "k-\U0001f600"}}, 400),
        ({"params": {"key": ""}}, 403),
        ({}, 403),
    ],
)
def test_a_key_opens_the_server(serve: Serve, options: dict[str, Any], status: int) -> None:
    server = serve(Settings(api_keys=("k-1", "k-2")))
    answer = server.post(ANALYZE, GOOD, **options)
    assert answer.status_code == status
    if status == 400:
        [detail] = answer.json()["error"]["details"]
        assert detail["reason"] == "API_KEY_INVALID"


@pytest.mark.parametrize("path", ["/v1/model", "/metrics", "/openapi.json", "/docs", "/", "/nope"])
def test_every_path_asks_for_the_key(serve: Serve, path: str) -> None:
    assert serve(Settings(api_keys=("k-1",))).get(path).status_code == 403


def test_whether_the_server_is_up_is_no_secret(serve: Serve) -> None:
    assert serve(Settings(api_keys=("k-1",))).get("/healthz").json() == {"status": "ok"}


def test_the_body_of_a_client_that_left_is_not_held(serve: Serve) -> None:
    server = serve(Settings(max_held=1000))
    with server.connect() as leaving:
        leaving.sendall(head(ANALYZE, Content_Length=1000) + b" " * 990)
        time.sleep(0.5)  # so that the server has begun to read it
    while b'status="499"} 1.0' not in server.get("/metrics").content:
        time.sleep(0.01)
    assert server.post(ANALYZE, GOOD).status_code == 200


def test_a_body_without_a_key_is_not_kept(serve: Serve) -> None:
    server = serve(Settings(api_keys=("k-1",), max_held=1000))
    body = json.dumps({"comments": [{"text": "a" * 100_000}]}).encode()
    assert server.post_bytes("/v1/score", body).status_code == 403


def test_keys_and_texts_are_never_logged(
    serve: Serve, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    server = serve(Settings(api_keys=("k-secret",)), access_log=True)
    logging.getLogger("uvicorn.access").addHandler(caplog.handler)
    text = {"comment": {"text": "A private word."}, "requestedAttributes": {"TOXICITY": {}}}
    with caplog.at_level(logging.DEBUG):
        assert server.post(ANALYZE, text, params={"key": "k-secret"}).status_code == 200
        refused = server.post(ANALYZE, text, params={"key": "k-guessed"})
        assert server.post(ANALYZE, {"comment": 1}, params={"key": "k-secret"}).status_code == 400
        server.get("/metrics", params={"key": "k-secret"})
    logging.getLogger("uvicorn.access").removeHandler(caplog.handler)
    ours = [record for record in caplog.records if not record.name.startswith("http")]
    said = "\n".join([*(record.getMessage() for record in ours), *capfd.readouterr()])
    assert "POST /v1alpha1/comments" in said
    for secret in ("k-secret", "k-guessed", "private"):
        assert secret not in said
    assert "k-guessed" not in refused.text
    assert "k-secret" not in repr(Settings(api_keys=("k-secret",)))


# Answers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/healthz", 200), ("GET", "/nope", 404), ("PUT", "/v1/score", 405)],
)
def test_every_answer_has_the_headers_of_a_careful_server(
    serve: Serve, method: str, path: str, status: int
) -> None:
    answer = serve().client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "Server" not in answer.headers


def test_a_failure_tells_the_client_nothing_of_it(serve: Serve, fake_analyzer: Any) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("a private matter")

    fake_analyzer.predict = fail
    server = serve()
    failed = server.post(ANALYZE, GOOD)
    assert failed.status_code == 500
    assert (
        failed.json()["error"]["message"] == "the server failed on this request; its log says how"
    )
    assert server.get("/healthz").status_code == 200
