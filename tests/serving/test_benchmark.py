import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from running import Running

from stance.errors import InputError
from stance.serving import benchmark
from stance.serving.benchmark import put_under_load, read_texts
from stance.serving.settings import Settings

Serve = Callable[..., Running]


def test_a_server_is_put_under_load(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "WARM_UP_SECONDS", 0.2)
    port = serve().port
    start = time.monotonic()
    load = asyncio.run(put_under_load(port, ["You idiot.", "Hm."], connections=8, seconds=2))
    spent = time.monotonic() - start
    assert set(load.statuses) == {200}
    assert len(load.times) == load.statuses[200] > 8
    assert 0 < min(load.times) <= max(load.times) < spent
    assert load.memory
    assert load.memory[0] > 20


def test_refusals_are_counted(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "WARM_UP_SECONDS", 0.0)
    server = serve(Settings(max_waiting=1))
    load = asyncio.run(put_under_load(server.port, ["You idiot."], connections=8, seconds=1))
    assert set(load.statuses) == {200, 429}


def test_broken_connections_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "WARM_UP_SECONDS", 0.0)
    monkeypatch.setattr(benchmark, "_memory", lambda port: 1.0)
    answered = 0

    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal answered
        await reader.readuntil(b"}}")
        if answered < 3:
            answered += 1
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        else:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{")
        await writer.drain()
        writer.close()

    async def load_it() -> benchmark.Load:
        async with await asyncio.start_server(break_off, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            return await put_under_load(port, ["Hm."], connections=2, seconds=1)

    load = asyncio.run(load_it())
    assert set(load.statuses) == {0, 200}
    assert load.statuses[200] == len(load.times) == 3
    assert load.statuses[0] > 3


def test_comments_that_the_api_takes_are_read(tmp_path: Path) -> None:
    file = tmp_path / "comments.jsonl"
    texts = ["first", " ", "x" * 20_481, 7, "second", "third"]
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    assert read_texts(str(file), 2) == ["first", "second"]
    file.write_text('{"txt": "first"}\n')
    with pytest.raises(InputError, match="no comments; expected a column 'text'"):
        read_texts(str(file), 2)
