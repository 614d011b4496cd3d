"""How far a long run is: comments, how many a second, and the time left."""

import sys
import threading
import time
from typing import TextIO

_EVERY_TERMINAL = 0.2  # seconds
_EVERY_LOG = 60.0
_DELAY = 1.0
_CLEAR = "\r\x1b[K"


class RunProgress:
    """A line on a terminal's standard error, or elsewhere a line a minute.

    Any thread may call it.

    Parameters
    ----------
    stream : text file, optional
        Standard error unless another is given.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._on_terminal = self._stream.isatty()
        self._first = time.monotonic()  # when this run began to score
        self._next = self._first + (_DELAY if self._on_terminal else _EVERY_LOG)
        self._lock = threading.Lock()
        self._total: float | None = None
        self._shown = False

    def expect(self, total: float | None) -> None:
        """Take note of about how many comments there are in all."""
        self._total = total

    def __call__(self, done: int, skipped: int) -> None:
        """Show that so many comments are done, some of them by an earlier run."""
        with self._lock:
            now = time.monotonic()
            if done == skipped:
                self._first = now  # what an earlier run did says nothing of the pace of this one
            if now < self._next:
                return
            self._next = now + (_EVERY_TERMINAL if self._on_terminal else _EVERY_LOG)
            line = describe(done, skipped, now - self._first, self._total)
            if self._on_terminal:
                self._stream.write(_CLEAR + line)
                self._shown = True
            else:
                self._stream.write(f"stance: {line}\n")
            self._stream.flush()

    def clear(self) -> None:
        """Remove the line, so that another can be printed."""
        with self._lock:
            if self._shown:
                self._stream.write(_CLEAR)
                self._stream.flush()
                self._shown = False


def describe(done: int, skipped: int, seconds: float, total: float | None) -> str:
    """Return how far a run is, in words.

    Parameters
    ----------
    done, skipped : int
        Comments that are done, and how many of these an earlier run did.
    seconds : float
        Since this run began.
    total : float or None
        Comments in all, where that is known.

    Examples
    --------
    >>> describe(12_000, 2_000, 50.0, 600_000)
    '12,000 comments (2%), 200 a second, about 49 minutes left'
    >>> describe(100, 0, 8.0, None), describe(50, 50, 1.0, 100)
    ('100 comments, 12.5 a second', '50 comments (50%)')
    """
    share = f" ({min(done / total, 1):.0%})" if total else ""
    parts = [f"{done:,} comments{share}"]
    rate = (done - skipped) / seconds if seconds > 0 else 0.0
    if rate > 0:
        parts.append(f"{rate:,.0f} a second" if rate >= 20 else f"{rate:.1f} a second")
        if total:
            parts.append(f"about {_duration(max(total - done, 0) / rate)} left")
    return ", ".join(parts)


def _duration(seconds: float) -> str:
    for unit, size in (("hour", 3600), ("minute", 60), ("second", 1)):
        if seconds >= 2 * size or size == 1:
            count = round(seconds / size)
            return f"{count:,} {unit}{'' if count == 1 else 's'}"
    raise AssertionError
