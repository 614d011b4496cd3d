"""How a server holds up under load: `scripts/benchmark serve COMMENTS`.

A server of its own is started on loopback, and a number of connections send it comments, one a
request and each as soon as the last is answered, in the form of the Perspective API. Beside it
stands what `stance score` takes for the same comments, start of the program taken off.
"""

import argparse
import asyncio
import json
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from urllib.request import urlopen

import numpy as np

from stance.commands import arguments
from stance.errors import InputError
from stance.serving.perspective import MAX_TEXT_BYTES
from stance.tables import read_rows

WARM_UP_SECONDS = 5.0
_ATTRIBUTES = ("TOXICITY", "SEVERE_TOXICITY", "INSULT", "THREAT")
_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@dataclass(slots=True)
class Load:
    """What the connections saw.

    Parameters
    ----------
    seconds : float
        That they sent for, the warm-up not counted.
    statuses : Counter of int
        Answers by HTTP status; 0 counts connections that broke.
    times : list of float
        Seconds from each request to its answer.
    memory : list of float
        MB of the server's resident memory, once a second.
    """

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)


def read_texts(path: str, limit: int) -> list[str]:
    """Return the first comments of a file that the Perspective API takes.

    Raises
    ------
    InputError
        There is none.
    """
    texts = (row.values.get("text") for row in read_rows(path) if row.error is None)
    usable = (
        text
        for text in texts
        if isinstance(text, str) and text.strip() and len(text.encode()) <= MAX_TEXT_BYTES
    )
    if not (found := list(islice(usable, limit))):
        raise InputError(f"{path}: no comments; expected a column 'text'")
    return found


def time_plain(texts: Sequence[str], options: Sequence[str]) -> float:
    """Return the comments a second of `stance score`, its start taken off."""
    with tempfile.TemporaryDirectory() as folder:
        spent = []
        for part in (texts[:1], texts):
            source = Path(folder, "comments.jsonl")
            lines = (json.dumps({"text": text}) + "\n" for text in part)
            source.write_text("".join(lines), encoding="utf-8")
            command = [sys.executable, "-m", "stance", "score", str(source), *options]
            start = time.perf_counter()
            subprocess.run(
                [*command, "-o", str(Path(folder, "scored.jsonl"))], check=True, capture_output=True
            )
            spent.append(time.perf_counter() - start)
    return (len(texts) - 1) / (spent[1] - spent[0])


@contextmanager
def started_server(options: Sequence[str]) -> Iterator[int]:
    """Run `stance serve` on loopback and yield its port."""
    command = [sys.executable, "-m", "stance", "serve", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None  # noqa: S101 - as asked for above
            yield int(server.stdout.readline().rpartition(":")[2])
        finally:
            server.terminate()


async def put_under_load(
    port: int, texts: Sequence[str], *, connections: int, seconds: float
) -> Load:
    """Send comments over a number of connections for a time, after a warm-up."""
    requests = [_request(text) for text in texts]
    load = Load()
    start = time.perf_counter() + WARM_UP_SECONDS
    senders = [
        _send(port, requests[first::connections] or requests, start, start + seconds, load)
        for first in range(connections)
    ]
    watching = asyncio.create_task(_watch_memory(port, start, load))
    await asyncio.gather(*senders)
    load.seconds = time.perf_counter() - start
    await watching
    return load


async def _send(port: int, requests: Sequence[bytes], start: float, end: float, load: Load) -> None:
    place = 0
    while time.perf_counter() < end:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            while (begun := time.perf_counter()) < end:
                writer.write(requests[place % len(requests)])
                status = await _read_answer(reader)
                place += 1
                if begun >= start:
                    load.statuses[status] += 1
                    load.times.append(time.perf_counter() - begun)
            writer.close()
        except (OSError, asyncio.IncompleteReadError):
            load.statuses[0] += 1


async def _read_answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = _LENGTH.search(head)
    await reader.readexactly(int(length[1]) if length else 0)
    return int(head[9:12])


async def _watch_memory(port: int, start: float, load: Load) -> None:
    while not load.seconds:
        await asyncio.sleep(1)
        if time.perf_counter() >= start:
            load.memory.append(await asyncio.to_thread(_memory, port))


def _memory(port: int) -> float:
    """Return the server's resident memory in MB."""
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    [line] = [line for line in lines if line.startswith("process_resident_memory_bytes ")]
    return float(line.split()[1]) / 1e6


def _request(text: str) -> bytes:
    attributes: dict[str, object] = {name: {} for name in _ATTRIBUTES}
    body = json.dumps(
        {"comment": {"text": text}, "requestedAttributes": attributes, "languages": ["en"]}
    ).encode()
    head = (
        "POST /v1alpha1/comments:analyze HTTP/1.1\r\nHost: localhost\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def describe(load: Load, plain: float) -> Iterator[str]:
    """Yield lines on a load, beside the comments a second of `stance score`.

    Examples
    --------
    >>> load = Load(2.0, Counter({200: 99, 429: 1}), [0.01] * 99 + [0.5], [200.0, 201.0])
    >>> for line in describe(load, 60.0):
    ...     print(line)
    100 requests in 2 s: 99 answered, status 429: 1
    time to the answer: 10 ms at the median, 15 ms at the 99th percentile, 500 ms at most
    50 comments a second, 0.82 of the 60 of stance score
    memory of the server: 200 MB at the start, 201 MB at the end, 201 MB at most
    """
    answered = load.statuses[200]
    others = [
        f"status {status}: {number:,}" if status else f"broken connections: {number:,}"
        for status, number in sorted(load.statuses.items())
        if status != 200
    ]
    yield (
        f"{sum(load.statuses.values()):,} requests in {load.seconds:.0f} s: "
        f"{', '.join([f'{answered:,} answered', *(others or ['no errors'])])}"
    )
    middle, late = np.percentile(load.times, [50, 99]) * 1000
    yield (
        f"time to the answer: {middle:.0f} ms at the median, {late:.0f} ms at the 99th "
        f"percentile, {max(load.times) * 1000:.0f} ms at most"
    )
    rate = answered / load.seconds
    yield (f"{rate:.0f} comments a second, {rate / plain:.2f} of the {plain:.0f} of stance score")
    yield (
        f"memory of the server: {load.memory[0]:.0f} MB at the start, {load.memory[-1]:.0f} MB at "
        f"the end, {max(load.memory):.0f} MB at most"
    )


def main(arguments_: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="scripts/benchmark serve", description=__doc__)
    parser.add_argument("comments", metavar="COMMENTS", help="a file with a column 'text'")
    parser.add_argument("--connections", type=arguments.count, default=64)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--limit", type=int, default=5000, help="comments (default: 5000)")
    arguments.add_model(parser)
    arguments.add_threads(parser)
    args = parser.parse_args(arguments_)
    options = [
        *(() if args.model is None else ("--model", args.model)),
        *(() if args.threads is None else ("--threads", str(args.threads))),
    ]
    texts = read_texts(args.comments, args.limit)
    plain = time_plain(texts, options)
    with started_server(options) as port:
        load = asyncio.run(
            put_under_load(port, texts, connections=args.connections, seconds=args.seconds)
        )
    for line in describe(load, plain):
        print(line)


if __name__ == "__main__":
    main()
