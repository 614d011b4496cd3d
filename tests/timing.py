"""Time, measured so that a busy machine does not spoil it: that of this thread, the least of some.

The processor's time of a thread does not count what other threads and processes do, and the least
of several runs not what they do to its caches.
"""

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

RUNS = 3
_LEAST = 0.01  # seconds: what takes less is not measured well


def timed(work: Callable[[], Found]) -> tuple[float, Found]:
    """Return the seconds that this thread spent on some work, and what that gave."""
    start = time.thread_time()
    found = work()
    return time.thread_time() - start, found


def within(seconds: float, work: Callable[[], Found]) -> Found:
    """Return what some work gives, which must take less than so many seconds in one of a few."""
    spent = []
    for _ in range(RUNS):
        took, found = timed(work)
        spent.append(took)
        if took < seconds:
            return found
    raise AssertionError(f"took {min(spent):.2f} s at the least; expected less than {seconds:.2f}")


def assert_linear(
    prepare: Callable[[int], Callable[[], object]], pieces: int = 750, times: int = 8
) -> None:
    """Assert that so many times the pieces take at most three times as long for each.

    What takes time in the square of the pieces takes eight times as long for each.

    Parameters
    ----------
    prepare : callable
        From a number of pieces to the work on them, which alone is measured.
    pieces, times : int
    """
    prepare(10)()
    work = prepare(pieces)
    few = max(min(timed(work)[0] for _ in range(RUNS)), _LEAST)
    within(3 * times * few, prepare(times * pieces))
