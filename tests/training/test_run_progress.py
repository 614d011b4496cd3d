import io

import pytest

from stance.training.progress import Progress, duration


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_log_gets_a_line_every_half_minute_with_the_time_of_the_whole_run() -> None:
    clock, log = Clock(), io.StringIO()
    progress = Progress([1000, 3000], log, clock)
    progress.begin("stage 1 of 2, first", rows=10)
    for step in range(1, 101):
        clock.now += 1
        progress.step(step, 100, None if step < 50 else 1.23456)
    progress.end()
    progress.begin("stage 2 of 2, second", rows=10)
    for step in range(1, 11):
        clock.now += 1
        progress.step(step, 100, 0.5)
    assert log.getvalue().splitlines() == [
        # The first step says when the clock started: 1 of 100 steps took a second, and the second
        # stage has three times the tokens.
        "stage 1 of 2, first: step 2 of 100, 10.0 rows/s, 1% of the run, 6 min left",
        "stage 1 of 2, first: step 32 of 100, 10.0 rows/s, 8% of the run, 6 min left",
        "stage 1 of 2, first: step 62 of 100, loss 1.235, 10.0 rows/s, 16% of the run, 5 min left",
        "stage 1 of 2, first: step 92 of 100, loss 1.235, 10.0 rows/s, 23% of the run, 5 min left",
        "stage 1 of 2, first: step 100 of 100, loss 1.235, 10.0 rows/s, 25% of the run, 5 min left",
    ]


def test_a_resumed_run_reckons_with_its_own_steps() -> None:
    clock, log = Clock(), io.StringIO()
    progress = Progress([1000], log, clock)
    progress.begin("stage", rows=4)
    for step in (91, 92, 93):
        clock.now += 2
        progress.step(step, 100, 1.0)
    assert log.getvalue() == (
        "stage: step 92 of 100, loss 1.000, 2.0 rows/s, 92% of the run, 16 s left\n"
    )


def test_a_terminal_has_one_line_that_renews_itself_five_times_a_second() -> None:
    clock, terminal = Clock(), Terminal()
    progress = Progress([1000], terminal, clock)
    progress.begin("stage", rows=4)
    for step in range(1, 101):
        clock.now += 0.05
        progress.step(step, 100, 1.0)
    progress.end()
    written = terminal.getvalue()
    assert written.count("\n") == 1
    assert written.endswith("\n")
    assert 20 <= written.count("\r") <= 27
    assert len({len(line) for line in written.strip().split("\r") if line}) <= 2


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (3599, "59 min"), (3600, "1 h 0 min")],
)
def test_durations_are_as_rough_as_estimates_are(seconds: float, said: str) -> None:
    assert duration(seconds) == said
