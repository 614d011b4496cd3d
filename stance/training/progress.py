"""How far a run is, on standard error: a line that renews itself, or one now and then in a log."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

_LOG_SECONDS = 30.0
_TERMINAL_SECONDS = 0.2
_WIDTH = 100


class Progress:
    """Says where a run is and how long it will take.

    Parameters
    ----------
    work : list of int
        Tokens that each part of the run reads, all epochs together: what time is reckoned by.
    stream : text file, optional
        Standard error unless another is given; what is no terminal gets a line every 30 seconds.
    clock : callable
        Returns seconds.
    """

    def __init__(
        self,
        work: list[int],
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._work = work
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._is_terminal = self._stream.isatty()
        self._is_line_open = False
        self._finished = 0  # tokens of the parts that are done
        self._part = 0
        self._title = ""
        self._rows = 0
        self._begun: tuple[int, float] | None = None  # step and time that this part went on from
        self._said: float | None = None

    def begin(self, title: str, rows: int) -> None:
        """Begin the next part.

        Parameters
        ----------
        title : str
            Shown at the head of each line.
        rows : int
            That a step reads.
        """
        self._title, self._rows, self._begun = title, rows, None

    def end(self) -> None:
        """End the part, whether all of it was read or not."""
        self._finished += self._work[self._part]
        self._part += 1
        self._begun = None
        self.pause()

    def step(self, step: int, of: int, loss: float | None) -> None:
        """Say that a step is done, unless a line was written just before.

        Parameters
        ----------
        step, of : int
            Steps done of the part, and in all.
        loss : float or None
            Mean over the last steps, where one is known.
        """
        now = self._clock()
        if self._begun is None:  # what came before took no time of this process
            self._begun = step, now
            return
        if self._said is not None and now - self._said < self._interval and step < of:
            return
        self._said = now
        self._write(self._line(step, of, loss, *self._begun, now))

    @property
    def _interval(self) -> float:
        return _TERMINAL_SECONDS if self._is_terminal else _LOG_SECONDS

    def _line(
        self, step: int, of: int, loss: float | None, first: int, begun: float, now: float
    ) -> str:
        seconds = max(now - begun, 1e-9)
        part = self._work[self._part]
        tokens = part * (step - first) / of
        left = sum(self._work) - self._finished - part * step / of
        done = 1 - left / max(sum(self._work), 1)
        return ", ".join(
            [
                f"{self._title}: step {step:,} of {of:,}",
                *([] if loss is None else [f"loss {loss:.3f}"]),
                f"{(step - first) * self._rows / seconds:,.1f} rows/s",
                f"{done:.0%} of the run",
                f"{duration(left * seconds / max(tokens, 1e-9))} left",
            ]
        )

    def _write(self, line: str) -> None:
        if self._is_terminal:
            self._stream.write(f"\r{line[:_WIDTH]:<{_WIDTH}}")
            self._is_line_open = True
        else:
            self._stream.write(line + "\n")
        self._stream.flush()

    def pause(self) -> None:
        """Make room for other lines."""
        if self._is_line_open:
            self._stream.write("\n")
            self._stream.flush()
            self._is_line_open = False


def duration(seconds: float) -> str:
    """Return a length of time in words, as rough as an estimate is.

    Examples
    --------
    >>> [duration(seconds) for seconds in (4, 80, 600, 9000)]
    ['4 s', '1 min 20 s', '10 min', '2 h 30 min']
    """
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 5:
        return f"{minutes} min {rest} s"
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"
