"""Models in other processes: the same scores, and what happens when one of them dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stance.errors import ModelError, WorkerError
from stance.scoring.analyzer import Analyzer
from stance.scoring.load import Load
from stance.scoring.workers import WorkerScorer

TEXTS = ["Trams are a blessing.", "You fool!", "The mayor has never seen a tram."]
TARGETS = [["trams"], [], ["trams", "the mayor"]]
PARENTS = [None, "Trams are a blessing.", None]


def no_model() -> Any:
    raise AssertionError("loaded in this process")


@pytest.fixture(scope="module")
def scorer() -> Iterator[WorkerScorer]:
    scorer = WorkerScorer(None, Load(1, 1), "cpu", no_model)
    yield scorer
    scorer.close()


@pytest.fixture(scope="module")
def worker(scorer: WorkerScorer) -> Any:
    return scorer.predictor()


def test_a_worker_says_what_the_model_says(scorer: WorkerScorer, worker: Any) -> None:
    analyzer = Analyzer(threads=1)
    assert (scorer.name, scorer.languages) == (analyzer.name, analyzer.languages)
    told: list[tuple[int, int]] = []
    found = worker.predict(
        TEXTS, TARGETS, parents=PARENTS, threshold=0.3, progress=lambda *done: told.append(done)
    )
    assert found == analyzer.predict(TEXTS, TARGETS, parents=PARENTS, threshold=0.3)
    assert told[-1] == (3, 3)


def test_a_worker_that_was_killed_is_replaced(worker: Any) -> None:
    before = worker.predict(TEXTS, TARGETS)
    first = worker._process.pid
    os.kill(first, signal.SIGKILL)
    assert worker.predict(TEXTS, TARGETS) == before
    assert worker._process.pid != first


def test_comments_that_end_a_worker_twice_are_an_error(worker: Any) -> None:
    pids = []

    def kill(*_: int) -> None:
        pids.append(worker._process.pid)
        os.kill(pids[-1], signal.SIGKILL)
        time.sleep(0.2)

    # More than fits in the pipe, so that the worker cannot end before it is killed.
    texts = [f"{TEXTS[n % 3]} {n}" for n in range(400)]
    with pytest.raises(WorkerError) as raised:
        worker.predict(texts, [["trams"]] * 400, progress=kill)
    assert str(raised.value) == (
        "a worker process ended twice on the same 400 comments (signal 9); where memory is short, "
        "give a smaller number of --workers"
    )
    assert len(set(pids)) == 2


def test_progress_that_cannot_be_shown_is_no_dead_worker(scorer: WorkerScorer) -> None:
    worker = scorer.predictor()

    def fail(*_: int) -> None:
        raise BrokenPipeError("nobody reads")

    with pytest.raises(BrokenPipeError, match="nobody reads"):
        worker.predict(TEXTS, TARGETS, progress=fail)


def test_a_model_that_cannot_be_loaded_is_said(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such folder"):
        WorkerScorer(str(tmp_path / "nowhere"), Load(2, 1), "cpu", no_model)
    import shutil

    from stance.scoring.analyzer import DEFAULT_MODEL

    shutil.copy(DEFAULT_MODEL / "calibration.json", tmp_path)
    scorer = WorkerScorer(str(tmp_path), Load(2, 1), "cpu", no_model)
    with pytest.raises(ModelError, match=r"no tokenizer\.json"):
        scorer.predictor().predict(["a"], [[]])
    scorer.close()


_PARENT = """
import time
from stance.scoring.load import Load
from stance.scoring.workers import WorkerScorer
if __name__ == "__main__":
    worker = WorkerScorer(None, Load(1, 1), "cpu", None).predictor()
    worker.predict(["a"], [[]])
    print(worker._process.pid, flush=True)
    time.sleep(60)
"""


def test_a_worker_ends_with_its_parent_even_when_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    with subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert _is_running(child)
        parent.kill()
    end = time.monotonic() + 60
    while _is_running(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _is_running(child)


def _is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
