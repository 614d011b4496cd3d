"""Load, and the end of a server."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from running import ANALYZE, Running, running

import stance.example
from stance.errors import ConfigError
from stance.scoring.results import Prediction
from stance.serving.guards import Guards
from stance.serving.metrics import Metrics
from stance.serving.server import address_of, listen
from stance.serving.settings import Settings

Serve = Callable[..., Running]
EXAMPLE = Path(stance.example.__file__).with_name("page.txt")
GOOD = {"comment": {"text": "Good day to you."}, "requestedAttributes": {"TOXICITY": {}}}


class Gated:
    """A model that waits until it is let."""

    name = "gated"
    languages = ("en",)
    thresholds: dict[str, float] = {}  # noqa: RUF012

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.gate = threading.Event()
        self.batches: list[int] = []

    def predict(self, texts: Sequence[str], *args: Any, **options: Any) -> list[Prediction]:
        self.batches.append(len(texts))
        assert self.gate.wait(60)
        found: list[Prediction] = self._inner.predict(texts, *args, **options)
        return found


def wait_for(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def figure(server: Running, name: str) -> float:
    lines = server.get("/metrics").text.splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


def test_requests_of_many_clients_share_batches(serve: Serve, fake_analyzer: Any) -> None:
    model = Gated(fake_analyzer)
    server = serve(model=model)
    with ThreadPoolExecutor(20) as clients:
        asked = [clients.submit(server.post, ANALYZE, GOOD) for _ in range(20)]
        wait_for(lambda: figure(server, "stance_waiting_requests") == 20)
        model.gate.set()
        assert [future.result().status_code for future in asked] == [200] * 20
    # What came while the first waited is one batch.
    assert sum(model.batches) == 20
    assert len(model.batches) <= 3


def test_a_full_queue_asks_to_come_back(serve: Serve, fake_analyzer: Any) -> None:
    model = Gated(fake_analyzer)
    server = serve(Settings(max_waiting=3), model)
    with ThreadPoolExecutor(10) as clients:
        asked = [clients.submit(server.post, ANALYZE, GOOD) for _ in range(10)]
        wait_for(lambda: sum(future.done() for future in asked) == 7)
        refused = [future.result() for future in asked if future.done()]
        model.gate.set()
        taken = [future.result() for future in asked if future.result().status_code == 200]
    assert len(taken) == 3
    for answer in refused:
        assert answer.status_code == 429
        assert answer.json()["error"]["status"] == "RESOURCE_EXHAUSTED"
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert server.post(ANALYZE, GOOD).status_code == 200


def test_lists_and_pages_have_a_bounded_number_of_places(serve: Serve, fake_analyzer: Any) -> None:
    model = Gated(fake_analyzer)
    server = serve(model=model)
    body = {"comments": [{"text": "Good day."}]}
    with ThreadPoolExecutor(30) as clients:
        asked = [clients.submit(server.post, "/v1/score", body) for _ in range(30)]
        wait_for(lambda: sum(future.done() for future in asked) == 14)
        model.gate.set()
        statuses = sorted(future.result().status_code for future in asked)
    assert statuses == [200] * 16 + [429] * 14


@pytest.mark.parametrize(
    "body", [{"comments": [{"text": "Good day."}] * 500}, {"page": EXAMPLE.read_text()}]
)
def test_the_work_of_a_client_that_leaves_is_dropped(
    serve: Serve, fake_analyzer: Any, body: dict[str, Any]
) -> None:
    model = Gated(fake_analyzer)
    server = serve(model=model)
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        data = json.dumps(body).encode()
        connection.sendall(
            b"POST /v1/score HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(data) + data
        )
        wait_for(lambda: model.batches)
    wait_for(lambda: figure(server, "stance_waiting_requests") == 0)
    model.gate.set()
    assert server.post(ANALYZE, GOOD).status_code == 200
    assert len(model.batches) <= 3
    counted = 'stance_requests_total{method="POST",route="/v1/score",status="499"} 1.0'
    assert counted in server.get("/metrics").text


def test_a_shutdown_finishes_what_was_taken(fake_analyzer: Any) -> None:
    model = Gated(fake_analyzer)
    with ThreadPoolExecutor(6) as clients, running(model, Settings()) as server:
        single = [clients.submit(server.post, ANALYZE, GOOD) for _ in range(5)]
        many = {"comments": [{"text": f"Good day {number}."} for number in range(300)]}
        listed = clients.submit(server.post, "/v1/score", many)
        wait_for(lambda: figure(server, "stance_waiting_requests") == 6)
        server.server.should_exit = True
        wait_for(lambda: not _accepts(server.port))
        model.gate.set()
        assert [future.result().status_code for future in single] == [200] * 5
        assert len(listed.result().json()["threads"][0]["comments"]) == 300


def test_a_shutdown_drops_what_takes_too_long(
    fake_analyzer: Any, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    model = Gated(fake_analyzer)
    settings = Settings(shutdown_seconds=1)
    with ThreadPoolExecutor(3) as clients, running(model, settings) as server:
        body = {"comments": [{"text": "Good day."}] * 300}
        listed = clients.submit(server.post, "/v1/score", body)
        single = clients.submit(server.post, ANALYZE, GOOD)
        pasted = clients.submit(
            server.client.post, "/", files={"text": (None, EXAMPLE.read_text())}
        )
        wait_for(lambda: figure(server, "stance_waiting_requests") == 3)
        server.server.should_exit = True
        answers = [future.result(30) for future in (listed, single, pasted)]
        model.gate.set()
    for answer in answers:
        assert answer.status_code == 503
        assert (answer.headers["Retry-After"], answer.headers["Connection"]) == ("5", "close")
    message = "the server stopped before this request was done; send it again later"
    error = {"error": {"code": 503, "message": message, "status": "UNAVAILABLE"}}
    assert [answer.json() for answer in answers[:2]] == [error] * 2
    assert message in answers[2].text
    assert answers[2].headers["Content-Type"].startswith("text/html")
    assert sorted(record.getMessage() for record in caplog.records if "stance" in record.name) == [
        f"POST {path} dropped: the server stopped first" for path in ("/", "/v1/score", ANALYZE)
    ]
    assert "Traceback" not in caplog.text + capfd.readouterr().err


@pytest.mark.parametrize("starts", [False, True])
def test_a_cancelled_request_is_answered_once_and_stays_cancelled(starts: bool) -> None:
    sent: list[Any] = []

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if starts:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(60)

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    async def cancelled() -> None:
        guards = Guards(slow, Settings(), Metrics())
        scope = {"type": "http", "method": "GET", "path": "/v1/model", "query_string": b""}
        async with asyncio.timeout(0.1):  # works by cancelling
            await guards(scope | {"headers": []}, receive, send)

    with pytest.raises(TimeoutError):
        asyncio.run(cancelled())
    starting = [message["status"] for message in sent if message["type"] == "http.response.start"]
    assert starting == [200 if starts else 503]


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


# The command


def test_the_help_says_how_long_a_shutdown_waits(capsys: pytest.CaptureFixture[str]) -> None:
    from stance.cli import main

    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert f"finishes what it has taken, for at most {Settings().shutdown_seconds} s" in said


def start_command(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "stance", "serve", "--port", "0", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_it_is_stopped(stop: signal.Signals) -> None:
    server = start_command(STANCE_API_KEYS="k-1 k-2")
    assert server.stdout is not None
    line = server.stdout.readline()
    model, _, url = line.strip().partition(" at ")
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        assert client.post(ANALYZE, json=GOOD).status_code == 403
        answer = client.post(ANALYZE, json=GOOD, params={"key": "k-2"})
        assert answer.json()["attributeScores"]["TOXICITY"]["summaryScore"]["value"] < 0.2
        assert client.get("/v1/model", params={"key": "k-1"}).json()["model"] == model
    server.send_signal(stop)
    said = server.communicate(timeout=60)
    assert (server.returncode, said) == (0, ("", "stance: stopped\n"))


SLOW_SERVER = """
import functools, sys, time
from stance import cli
from stance.serving import app, scoring, settings
def parse_for_minutes(page, source):
    print("parsing", flush=True)
    time.sleep(600)
scoring.parse_bytes = parse_for_minutes
settings.Settings = functools.partial(settings.Settings, shutdown_seconds=1)
sys.exit(cli.main(["serve", "--port", "0"]))
"""


def test_the_command_does_not_outlive_its_grace_for_a_page_that_is_parsed() -> None:
    program = [sys.executable, "-c", SLOW_SERVER]
    with subprocess.Popen(
        program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip().partition(" at ")[2]
        try:
            with (
                ThreadPoolExecutor(1) as clients,
                httpx.Client(base_url=url, trust_env=False, timeout=30) as client,
            ):
                asked = clients.submit(client.post, "/v1/score", json={"page": "<p>Hello.</p>"})
                assert server.stdout.readline() == "parsing\n"
                server.send_signal(signal.SIGTERM)
                assert asked.result().status_code == 503
            said, logged = server.communicate(timeout=30)
        finally:
            server.kill()
    assert (server.returncode, said) == (0, "")
    assert "POST /v1/score dropped: the server stopped first" in logged
    assert logged.endswith("stance: stopped\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--suggestions", "suggestions.csv"),
            "cannot write suggestions to suggestions.csv: expected a file that ends in .jsonl",
        ),
        (("--suggestions", "no/folder/a.jsonl"), "cannot write no/folder/a.jsonl: No such file"),
        (("--api-key", "a b"), "an API key is empty or holds blanks"),
        (("--host", "256.0.0.1"), "cannot listen on 256.0.0.1, port 0: "),
        (("--host", "a..b"), "cannot listen on a..b, port 0: "),
        (("--model", "no-such-model"), "no-such-model: no such folder; expected a model folder"),
    ],
)
def test_the_command_refuses_what_cannot_work(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from stance.cli import main

    assert main(["serve", "--port", "0", *arguments]) == 2
    assert capsys.readouterr().err.startswith(f"stance: {message}")


def test_a_port_that_is_taken_is_said() -> None:
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen on 127.0.0.1, port {port}: Address"):
            listen("127.0.0.1", port)


def test_addresses_of_both_kinds_are_listened_on() -> None:
    try:
        listener = listen("::1", 0)
    except ConfigError:
        pytest.skip("this machine has no IPv6")
    with listener:
        assert address_of(listener).startswith("http://[::1]:")


def test_scoring_does_not_load_the_server() -> None:
    program = (
        "import sys, stance.cli; sys.argv = ['stance', 'score', '--help']\n"
        "try: stance.cli.main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'fastapi', 'uvicorn', 'pydantic', 'starlette'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_body": 0}, "max_body is 0; expected a number above 0"),
        ({"body_seconds": float("inf")}, "body_seconds is inf; expected a number above 0"),
        ({"batch_seconds": 2.0}, "batch_seconds is 2.0; expected 0 to 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Settings(**change)
