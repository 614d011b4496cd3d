import io
from typing import Any

import pytest

from stance.reporting import progress
from stance.reporting.progress import RunProgress, describe


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_terminal_has_one_line_that_is_removed(clock: list[float]) -> None:
    stream = Terminal()
    run = RunProgress(stream)
    run(10, 0)
    assert stream.getvalue() == ""  # a short run shows nothing
    clock[0] += 2
    run.expect(400)
    run(100, 0)
    clock[0] += 0.1
    run(101, 0)  # too soon after the last
    run.clear()
    run.clear()
    assert stream.getvalue() == (
        "\r\x1b[K100 comments (25%), 50 a second, about 6 seconds left\r\x1b[K"
    )


def test_a_log_has_a_line_a_minute(clock: list[float]) -> None:
    stream = io.StringIO()
    run = RunProgress(stream)
    for _ in range(130):
        clock[0] += 1
        run(int(clock[0]) * 10, 500)
    run.clear()
    assert stream.getvalue().splitlines() == [
        "stance: 1,600 comments, 18.3 a second",
        "stance: 2,200 comments, 14.2 a second",
    ]


def test_the_pace_is_that_of_this_run(clock: list[float]) -> None:
    stream = io.StringIO()
    run = RunProgress(stream)
    for skipped in range(0, 5000, 100):
        clock[0] += 1
        run(skipped, skipped)
    clock[0] += 10
    run.expect(10_000)
    run(5000, 4900)
    assert stream.getvalue() == (
        "stance: 5,000 comments (50%), 10.0 a second, about 8 minutes left\n"
    )


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((0, 0, 1.0, None), "0 comments"),
        ((0, 0, 0.0, 10), "0 comments (0%)"),
        ((500, 0, 10.0, 400), "500 comments (100%), 50 a second, about 0 seconds left"),
        ((10, 0, 10.0, 11), "10 comments (91%), 1.0 a second, about 1 second left"),
        ((100, 0, 1.0, 10**9), "100 comments (0%), 100 a second, about 2,778 hours left"),
    ],
)
def test_words(numbers: Any, words: str) -> None:
    assert describe(*numbers) == words
